//! A gate that no noise breaks: the instructions that an object costs this process from the API server's bytes to its packed self,
//! through one edit and two passes. `make test-instructions` counts them under callgrind, in a build without optimization: they
//! tell of another decoding, another copy or a search through all objects, not of nanoseconds.

use std::process::Command;

use super::*;

/// Per object, with a tenth to spare. Whoever does more for each object than before writes down why. It was 8.55 million before
/// SIDs were packed as numbers and objects of the test were as long as real ones.
const AT_MOST: u64 = 10_700_000;

const CHECKS: Duration = Duration::from_hours(30 * 24);

/// How many objects the workload has.
const OBJECTS: &str = "CWO_TEST_OBJECTS";
/// Set where they are made and nothing else: what that costs is no concern of the index.
const ONLY_MADE: &str = "CWO_TEST_ONLY_MADE";

#[test]
#[ignore = "the workload of the next test, which counts its instructions"]
fn workload() {
    let number: u32 = std::env::var(OBJECTS).unwrap().parse().unwrap();
    let objects: Vec<(Value, Value)> = (0..number).map(at_rest).map(|new| (edited(&new), new)).collect();
    if std::env::var_os(ONLY_MADE).is_some() {
        return;
    }
    // So far apart that no check is due meanwhile, however slow this is.
    let index = Index::new(1, CHECKS, RESYNC, Limits::new(5, 64)).unwrap();
    index.activate();
    index.begin_list(0);
    assert!(index.end_list(0).is_empty());
    let arrives =
        |object: &Value| index.apply(0, &serde_json::from_slice(object.to_string().as_bytes()).unwrap());
    for (_, new) in &objects {
        arrives(new);
    }
    for (object, _) in &objects {
        // News, and then nothing new: somebody asks.
        arrives(object);
        for _ in 0..2 {
            let begun = index.begin(0).unwrap();
            let acted_on = Some(seen_in(&begun.guarded));
            let due = Some(Instant::now() + RESYNC);
            index.remember(uid_of(object), Remembered { acted_on, due, ..Remembered::default() });
            index.end(begun.id, Some(RESYNC));
            index.wake(uid_of(object));
        }
        let begun = index.begin(0).unwrap();
        index.end(begun.id, Some(RESYNC));
        assert!(index.begin(0).is_none());
    }
}

#[test]
#[ignore = "needs valgrind: `make test-instructions`"]
fn an_object_costs_few_instructions() {
    // What the process costs by itself is in both.
    let [few, many] = [50, 100];
    let each = (count(many) - count(few)) / u64::from(many - few);
    println!("{each} instructions for each object; at most {AT_MOST}");
    assert!(each <= AT_MOST, "{each}");
    // Each costs the same, however many there are: a look at each of the others by each would be a hundredth more.
    let among_more = (count(2 * many) - count(many)) / u64::from(many);
    println!("{among_more} among twice as many");
    assert!(among_more * 1000 <= each * 1003, "{among_more} among twice as many, {each} before");
}

/// The instructions of the workload with so many objects, without those that make them.
fn count(objects: u32) -> u64 {
    instructions(objects, &[]) - instructions(objects, &[(ONLY_MADE, "")])
}

fn instructions(objects: u32, further: &[(&str, &str)]) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("callgrind.out");
    let valgrind = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "controller::index::tests::instructions::workload",
            "--test-threads=1",
        ])
        .env(OBJECTS, objects.to_string())
        .envs(further.iter().copied())
        .output()
        .unwrap();
    assert!(valgrind.status.success(), "{}", String::from_utf8_lossy(&valgrind.stdout));
    let report = std::fs::read_to_string(output).unwrap();
    let total = report.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    total.trim().parse().unwrap()
}
