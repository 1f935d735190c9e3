//! Pairs of switches. Every two switches meet in every combination of their positions within nine runs of a part of this
//! suite, each run in a process of its own. It is long: `make test-switches` runs it, `make test-rust` leaves it out.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Map, Value, json};
use twilio_conversations_simulator::Settings;

use super::life;
use crate::support::SWITCHES;

/// The tests that each run consists of: a minute of the suite. None of them sets switches of its own.
const PART: [&str; 9] = [
    "crash::",
    "lifecycle::",
    "outsiders::",
    "reasons::missing::",
    "reasons::room::",
    "rules::r09",
    "rules::r11",
    "rules::r14",
    "switches::pairs::the_life_of_each_target",
];

/// The switch with three positions.
const THREE: (&str, [&str; 3]) = ("closedConversation", ["refuseChanges", "refuseAll", "accept"]);

/// The switches with two positions: the name, the default, the other.
fn two() -> [(&'static str, Value, Value); 16] {
    [
        ("methodCase", json!("lower"), json!("upper")),
        ("triggerKeys", json!("triggers"), json!("filters")),
        ("echoReplayAfter", json!(false), json!(true)),
        ("countLimitStatus", json!("badRequest"), json!("forbidden")),
        ("notFoundCode", json!("general"), json!("specific")),
        ("missingFilters", json!("refuse"), json!("accept")),
        ("studioFilters", json!("echo"), json!("hide")),
        ("filterOrder", json!("asSent"), json!("reversed")),
        ("listOrder", json!("oldestFirst"), json!("newestFirst")),
        ("dateUpdated", json!("always"), json!("afterChange")),
        ("pageLimit", json!("five"), json!("thousand")),
        ("stateStatus", json!("badRequest"), json!("conflict")),
        ("uniqueNameInPath", json!("accept"), json!("refuse")),
        ("unscopedEvents", json!("refuse"), json!("accept")),
        ("legacyEvents", json!("refuse"), json!("accept")),
        ("otherTargetKeys", json!("ignore"), json!("refuse")),
    ]
}

/// What is no point that Twilio leaves open: how much it takes at once, and how often it delivers.
const LIMITS: [&str; 3] = ["deliveryRetries", "maxConcurrent", "maxChangesPerSecond"];

const RUNS: u32 = 9;

/// The position of each switch in each run, as bits of a number: run `n` is bit `n`.
///
/// Two switches meet in all four ways when their bits do. The switch with three positions takes them in turn, so each
/// number must have both bits in every third run. There are many such sets; the order in which numbers are tried is one
/// that finds a large one.
fn columns(wanted: usize) -> Vec<u32> {
    let all = 1 << RUNS;
    let meets_three = |column: u32| {
        (0..3).all(|position| {
            let bits: BTreeSet<u32> = (position..RUNS).step_by(3).map(|run| column >> run & 1).collect();
            bits.len() == 2
        })
    };
    let meet = |one: u32, other: u32| {
        let ways: BTreeSet<_> = (0..RUNS).map(|run| (one >> run & 1, other >> run & 1)).collect();
        ways.len() == 4
    };
    let mut columns: Vec<u32> = Vec::new();
    for column in (0..all).map(|number| number * 83 % all) {
        if meets_three(column) && columns.iter().all(|other| meet(*other, column)) {
            columns.push(column);
        }
    }
    columns.truncate(wanted);
    columns
}

/// The switches of each run.
fn runs() -> Vec<Map<String, Value>> {
    let switches = two();
    let columns = columns(switches.len());
    assert_eq!(columns.len(), switches.len());
    let run = |number: u32| {
        let positions = switches.iter().zip(&columns).map(|((name, one, other), column)| {
            let position = if column >> number & 1 == 0 { one } else { other };
            ((*name).to_owned(), position.clone())
        });
        let (name, three) = THREE;
        positions.chain([(name.to_owned(), json!(three[number as usize % 3]))]).collect()
    };
    (0..RUNS).map(run).collect()
}

#[test]
fn every_two_switches_meet_in_every_way() {
    let runs = runs();
    assert!(runs.len() <= 10);
    let mut positions: Vec<(String, Vec<Value>)> =
        two().into_iter().map(|(name, one, other)| (name.to_owned(), vec![one, other])).collect();
    positions.push((THREE.0.to_owned(), THREE.1.map(|position| json!(position)).to_vec()));
    for (place, (name, mine)) in positions.iter().enumerate() {
        for (other, theirs) in &positions[place + 1..] {
            for (one, two) in mine.iter().flat_map(|one| theirs.iter().map(move |two| (one, two))) {
                let met = runs.iter().any(|run| run[name] == *one && run[other] == *two);
                assert!(met, "{name} {one} never meets {other} {two}");
            }
        }
    }
    // Every switch that the simulator has is among them, and its first position is the default.
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    for (name, default) in defaults.as_object().unwrap() {
        if !LIMITS.contains(&name.as_str()) {
            let (_, known) = positions.iter().find(|(known, _)| known == name).expect(name);
            assert_eq!(known.first(), Some(default), "{name}");
        }
    }
}

/// Under the switches of this process.
#[tokio::test]
async fn the_life_of_each_target() {
    life::whole_as_it_is().await;
}

#[test]
fn every_pair_of_switches_leaves_the_operator_as_it_is() {
    let mut failed = Vec::new();
    for (number, switches) in runs().into_iter().enumerate() {
        let switches = Value::Object(switches).to_string();
        serde_json::from_str::<Settings>(&switches).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(PART)
            .env(SWITCHES, &switches)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let result = said.lines().find(|line| line.starts_with("test result")).unwrap_or("no result");
        println!("run {} of {RUNS}: {result}", number + 1);
        if !output.status.success() {
            println!("{said}\n{}", String::from_utf8_lossy(&output.stderr));
            failed.push(switches);
        }
    }
    assert!(failed.is_empty(), "under {failed:#?}");
}
