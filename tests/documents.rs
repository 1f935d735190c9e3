//! What the documents and the code say of each other: the map is the tree, each reason has its entry, and the walls
//! between the modules stand.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and its helpers stand outside of test functions"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use conversation_webhook_operator::api::Reason;
use twilio_conversations_simulator::Settings;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every Rust file below a folder, as paths from the root.
fn rust_files(folder: &str) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files
}

#[test]
fn the_map_in_the_architecture_is_the_tree() {
    let architecture = read("ARCHITECTURE.md");
    let mapped: BTreeSet<String> = architecture
        .split('`')
        .filter(|word| word.starts_with("src/") && Path::new(word).extension().is_some_and(|rs| rs == "rs"))
        .map(str::to_owned)
        .collect();
    let tree: BTreeSet<String> =
        rust_files("src").into_iter().filter(|file| !file.contains("/tests/")).collect();
    let missing: Vec<_> = tree.difference(&mapped).collect();
    let gone: Vec<_> = mapped.difference(&tree).collect();
    assert!(missing.is_empty(), "not on the map in ARCHITECTURE.md: {missing:?}");
    assert!(gone.is_empty(), "on the map in ARCHITECTURE.md, but not there: {gone:?}");
}

#[test]
fn every_reason_has_an_entry_that_says_what_to_do() {
    let troubleshooting = read("docs/troubleshooting.md");
    for reason in Reason::ALL {
        let heading = format!("### {reason}");
        assert!(
            troubleshooting.lines().any(|line| line == heading),
            "docs/troubleshooting.md has no entry for {reason}"
        );
    }
}

/// The names of the tests that run the whole operator on a real API server.
fn operator_tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in rust_files("tests/operator") {
        let text = read(&file);
        for test in text.split("#[tokio::test").skip(1) {
            let name = test.split("async fn ").nth(1).and_then(|rest| rest.split('(').next());
            names.insert(name.unwrap().to_owned());
        }
    }
    names
}

/// `ConversationFull` as it stands in the name of a test.
fn snake_case(reason: &str) -> String {
    let mut words = String::new();
    for letter in reason.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// Prefixes that no test's name begins with.
fn untested(prefixes: impl IntoIterator<Item = String>) -> Vec<String> {
    let tests = operator_tests();
    let is_tested = |prefix: &String| tests.iter().any(|test| test.starts_with(prefix.as_str()));
    prefixes.into_iter().filter(|prefix| !is_tested(prefix)).collect()
}

#[test]
fn every_reason_has_a_test_that_begins_with_its_name() {
    let reasons = Reason::ALL.iter().map(|reason| format!("{}_", snake_case(reason.as_str())));
    assert_eq!(untested(reasons), Vec::<String>::new());
}

#[test]
fn every_rule_of_the_protocol_has_a_row_and_a_test_with_its_number() {
    let safety = read("docs/safety.md");
    for rule in 1..=19 {
        assert!(safety.contains(&format!("\n| R{rule} |")), "docs/safety.md has no row for R{rule}");
    }
    assert_eq!(untested((1..=19).map(|rule| format!("r{rule:02}_"))), Vec::<String>::new());
}

/// What an object's record may say when it is deleted.
#[test]
fn every_way_of_a_deletion_has_a_test_that_begins_with_it() {
    let rows = [
        "retain",
        "no_sid_and_no_open_attempt",
        "lost_sids",
        "mode_observe",
        "restored_elsewhere",
        "sid",
        "open_attempt",
        "secret_missing",
        "secret_refused",
        "account_or_region",
        "mode_suspended",
        "abandon",
        "the_kind_being_deleted",
        "an_invalid_spec",
    ];
    assert_eq!(untested(rows.map(|row| format!("deletion_{row}_"))), Vec::<String>::new());
}

/// Deliveries go from Twilio to bots: the operator never sees one.
const NOT_THE_OPERATORS: &str = "deliveryRetries";

#[test]
fn every_switch_of_the_simulator_has_a_test_with_its_name() {
    let switches = serde_json::to_value(Settings::default()).unwrap();
    let names = switches.as_object().unwrap().keys().filter(|name| *name != NOT_THE_OPERATORS);
    assert_eq!(untested(names.map(|name| format!("switch_{}_", snake_case(name)))), Vec::<String>::new());
}

#[test]
fn what_has_no_test_would_be_found() {
    assert_eq!(untested(["no_such_reason_".to_owned()]), ["no_such_reason_"]);
}

/// Lines of code of a folder that name something which must not be named there, tests aside.
fn breaches(folder: &str, forbidden: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust_files(folder).into_iter().filter(|file| !file.contains("/tests")) {
        let text = read(&file);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            if forbidden.iter().any(|word| line.contains(word)) {
                found.push(format!("{file}: {}", line.trim()));
            }
        }
    }
    found
}

#[test]
fn the_client_of_twilio_knows_no_kubernetes_and_nothing_else_of_the_crate() {
    let forbidden = ["kube::", "k8s_openapi", "crate::api", "crate::controller", "crate::decide"];
    assert_eq!(breaches("src/twilio", &forbidden), Vec::<String>::new());
}

#[test]
fn the_decision_knows_no_client_and_no_clock() {
    let forbidden = [
        "kube::",
        "k8s_openapi",
        "tokio",
        "reqwest",
        "Instant",
        "SystemTime",
        "Timestamp::now",
        "twilio::Client",
        "crate::controller",
        "async ",
    ];
    assert_eq!(breaches("src/decide", &forbidden), Vec::<String>::new());
}

#[test]
fn what_is_forbidden_would_be_found() {
    assert_ne!(breaches("src/controller", &["kube::"]), Vec::<String>::new());
}
