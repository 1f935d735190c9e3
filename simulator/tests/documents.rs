//! What is promised is tested and written down: every code of Twilio's contract and every duty of a simulator of it has
//! tests of its name, every switch too, and the README's tables hold all that the code has, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use twilio_conversations_simulator::{Operation, Settings};

const README: &str = include_str!("../README.md");
const ROUTES: &str = include_str!("../src/control/http/mod.rs");
const EVENTS: &str = include_str!("../src/delivery/event.rs");
const REFUSALS: &str = include_str!("../src/api/refusal.rs");
const FAULTS: &str = include_str!("../src/fault/kind.rs");

/// Twilio's codes that a client of scoped webhooks meets, and what they mean.
const CODES: [(&str, &str); 35] = [
    ("50350", "conversation not found"),
    ("50351", "conversation sid missing"),
    ("50363", "webhook sid invalid"),
    ("50360", "webhook not found"),
    ("50361", "too many webhooks on the conversation"),
    ("50362", "too many triggers"),
    ("50366", "invalid trigger"),
    ("50364", "invalid target"),
    ("50368", "target missing"),
    ("50365", "invalid filter"),
    ("50370", "filter missing"),
    ("50367", "invalid flow sid"),
    ("50369", "url missing"),
    ("50371", "trigger missing"),
    ("50372", "url too long"),
    ("50050", "service instance not found"),
    ("50054", "webhook format invalid"),
    ("50055", "webhook method invalid"),
    ("50377", "conversation closed"),
    ("50386", "conversation initializing"),
    ("50391", "conflicting change"),
    ("50334", "deletion in progress"),
    ("50385", "Conversations not offered in this region"),
    ("20003", "bad or missing credentials, or a key that lacks the right"),
    ("20403", "forbidden, account suspended, or test credentials"),
    ("20404", "not found"),
    ("20409", "conflict"),
    ("20162", "conflicting update in progress"),
    ("20001", "invalid parameter"),
    ("21481", "invalid page token"),
    ("20429", "account concurrency exceeded"),
    ("50063", "actions per second exceeded, per service"),
    ("50074", "actions per second exceeded, globally"),
    ("20500", "server side"),
    ("none", "server side, without Twilio's body"),
];

/// The duties of a simulator, clause by clause: how the name of its test goes on.
const DUTIES: [(u8, &[&str]); 8] = [
    (1, &["both_path_families", "json", "paging_urls", "page_size"]),
    (2, &["basic_auth", "a_restricted_key", "secrets"]),
    (3, &["targets", "slots", "unknown_parameters"]),
    (
        4,
        &[
            "429",
            "500_503_and_409",
            "slow_answers",
            "connection_reset",
            "create_done_but_answer_lost",
            "stale_list",
        ],
    ),
    (
        5,
        &[
            "outsiders_delete_edit_and_fill_slots",
            "studio",
            "outsiders_close",
            "a_recreated_conversation",
            "a_conversation_is_initializing",
        ],
    ),
    (6, &["switches"]),
    (
        7,
        &[
            "delivery_is_signed",
            "timeout",
            "rest_calls",
            "replay_after",
            "a_wrong_recreate",
            "a_recreate_without",
        ],
    ),
    (8, &["journal_tells", "journal_proves"]),
];

/// The names of all tests below `tests/`.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut names);
    assert!(names.len() > 100, "{names:?}");
    names
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut lines = text.lines();
            while let Some(line) = lines.next() {
                if matches!(line, "#[test]" | "#[tokio::test]") {
                    let declaration = lines.find(|line| line.contains("fn ")).unwrap();
                    let (_, rest) = declaration.split_once("fn ").unwrap();
                    names.insert(rest.split('(').next().unwrap().to_owned());
                }
            }
        }
    }
}

/// The part of the README below that heading.
fn section(heading: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The first cells of the rows of the section's tables, and the code in them.
fn first_cells(heading: &str) -> Vec<Vec<&'static str>> {
    column(heading, 1)
}

fn column(heading: &str, number: usize) -> Vec<Vec<&'static str>> {
    let rows = section(heading).lines().filter(|line| line.starts_with('|'));
    rows.map(|row| code_of(row.split('|').nth(number).unwrap())).collect()
}

/// What stands between backticks.
fn code_of(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The variants of an enum, in the words of JSON.
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let (_, body) = source.split_once(&format!("pub enum {name} {{\n")).unwrap();
    let body = body.split("\n}\n").next().unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let variants = lines.filter(|line| line.starts_with(|letter: char| letter.is_ascii_uppercase()));
    let words = variants.map(|line| line.split([' ', ',', '(']).next().unwrap());
    words.map(|word| word[..1].to_lowercase() + &word[1..]).collect()
}

fn snake_case(camel_case: &str) -> String {
    let mut name = String::new();
    for letter in camel_case.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn has_a_test(tests: &BTreeSet<String>, prefix: &str) -> bool {
    tests.iter().any(|test| test.starts_with(prefix))
}

#[test]
fn every_code_of_the_contract_has_a_test() {
    let tests = tests();
    for (code, meaning) in CODES {
        assert!(has_a_test(&tests, &format!("code_{code}_")), "no test of {code}: {meaning}");
    }
}

#[test]
fn every_code_that_the_simulator_knows_has_a_test() {
    let (tests, numbers) = (tests(), REFUSALS.split(|letter: char| !letter.is_ascii_digit()));
    let codes: BTreeSet<_> = numbers.filter(|number| number.len() == 5).collect();
    assert!(codes.len() > 30, "{codes:?}");
    for code in codes {
        assert!(has_a_test(&tests, &format!("code_{code}_")), "no test of {code}");
    }
}

#[test]
fn every_duty_of_a_simulator_has_a_test_for_each_clause() {
    let tests = tests();
    for (number, clauses) in DUTIES {
        for clause in clauses {
            let prefix = format!("duty_{number}_{clause}");
            assert!(has_a_test(&tests, &prefix), "no test {prefix}…");
        }
    }
}

#[test]
fn every_switch_has_a_test_and_its_row() {
    let tests = tests();
    let Value::Object(switches) = json!(Settings::default()) else { unreachable!() };
    for name in switches.keys() {
        let prefix = format!("switch_{}_", snake_case(name));
        assert!(has_a_test(&tests, &prefix), "no test {prefix}…");
    }
    let cells = first_cells("Switches");
    let rows: BTreeSet<_> = cells.iter().filter_map(|code| code.first().copied()).collect();
    assert_eq!(rows, switches.keys().map(String::as_str).collect());
    let defaults = column("Switches", 2);
    for (cell, default) in cells.iter().zip(&defaults).filter(|(cell, _)| !cell.is_empty()) {
        let shown = switches[cell[0]].to_string();
        assert_eq!(shown.trim_matches('"'), default[0], "{}", cell[0]);
    }
}

#[test]
fn every_fault_has_its_row() {
    let cells = first_cells("Faults");
    let rows: BTreeSet<_> = cells.into_iter().flatten().map(str::to_owned).collect();
    let mut types = variants(FAULTS, "Fault");
    types.insert("type".to_owned());
    assert_eq!(rows, types);
    for garble in variants(FAULTS, "Garble") {
        let section = section("Faults");
        let is_there = ["`", "{\""].iter().any(|before| section.contains(&format!("{before}{garble}")));
        assert!(is_there, "{garble} is not in the README");
    }
}

#[test]
fn every_route_of_the_control_api_has_its_row() {
    let mut routes = BTreeSet::new();
    for route in ROUTES.split(".route(").skip(1) {
        let (path, rest) = route.split_once('"').unwrap().1.split_once('"').unwrap();
        let rest = rest.split("\n        .route(").next().unwrap();
        let path = [
            ("{account}", "{AC}"),
            ("{key}", "{SK}"),
            ("{conversation}", "{CH}"),
            ("{webhook}", "{WH}"),
            ("{message}", "{IM}"),
        ]
        .iter()
        .fold(path.to_owned(), |path, (name, prefix)| path.replace(name, prefix));
        for method in ["get", "post", "put", "patch", "delete"] {
            if rest.contains(&format!(" {method}(")) || rest.contains(&format!(".{method}(")) {
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    assert!(routes.contains("GET /faults") && routes.contains("DELETE /faults/{id}"), "{routes:?}");

    // `GET`, `PUT /settings`: methods that stand alone belong to the next path.
    let mut documented = BTreeSet::new();
    for cell in first_cells("Control API") {
        let mut alone = Vec::new();
        for code in cell {
            match code.split_once(' ') {
                None => alone.push(code),
                Some((method, path)) => {
                    let methods = alone.drain(..).chain([method]);
                    documented.extend(methods.map(|method| format!("{method} {path}")));
                }
            }
        }
        assert!(alone.is_empty(), "{alone:?} has no path");
    }
    assert_eq!(documented, routes);
}

#[test]
fn every_operation_has_its_row() {
    let rows: Vec<_> = column("Operations", 2).into_iter().flatten().collect();
    let operations: Vec<_> = Operation::ALL.iter().map(|operation| json!(operation)).collect();
    for operation in &operations {
        assert!(rows.iter().any(|row| json!(row) == *operation), "{operation} is not in the README");
    }
    assert_eq!(rows.len(), operations.len(), "{rows:?}");
}

#[test]
fn every_event_has_its_row() {
    let rows: BTreeSet<_> = first_cells("Deliveries").into_iter().flatten().collect();
    let events: BTreeSet<_> = EVENTS.split('"').filter(|text| text.starts_with("on")).collect();
    assert!(events.len() > 10, "{events:?}");
    assert_eq!(rows, events);
}

#[test]
fn every_flag_of_the_program_has_its_row() {
    let program = env!("CARGO_BIN_EXE_twilio-conversations-simulator");
    let help = Command::new(program).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '-'));
    let own =
        |flag: &&str| flag.len() > 2 && flag.starts_with("--") && !["--help", "--version"].contains(flag);
    let flags: BTreeSet<_> = words.filter(own).collect();
    let rows = first_cells("Run it").into_iter().flatten();
    let rows: BTreeSet<_> =
        rows.filter_map(|code| code.split(' ').next()).filter(|word| *word != "flag").collect();
    assert_eq!(rows, flags);
}
