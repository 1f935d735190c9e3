//! Where things come from and who may publish them: lock files and the toolchain are pinned and honoured, and the workflows
//! of the forge call targets that exist, with no more rights than they need.

// clippy.toml allows these in tests; in an integration test it takes only the test functions for that.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The files of a folder, as paths from the root.
fn files(folder: &str) -> Vec<String> {
    let mut files: Vec<String> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    files.sort();
    files
}

/// Workflows, by path.
fn workflows() -> Vec<(String, String)> {
    let workflows: Vec<_> =
        files(".github/workflows").into_iter().map(|path| (path.clone(), read(&path))).collect();
    assert!(workflows.len() >= 2, "{workflows:?}");
    workflows
}

/// The targets of the Makefile.
fn targets() -> BTreeSet<String> {
    let makefile = read("Makefile");
    let phony = makefile.lines().filter_map(|line| line.strip_prefix(".PHONY: "));
    phony.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// The targets that a command gives to make, whatever else it does.
fn made(command: &str) -> Vec<&str> {
    let calls = command.split(['\n', ';', '|', '&']).map(str::split_whitespace);
    calls
        .filter_map(|mut words| (words.next() == Some("make")).then_some(words))
        .flatten()
        .filter(|word| !word.contains('=') && !word.starts_with('-'))
        .collect()
}

/// Rights that a job may have to write.
fn writes(permissions: &Map<String, Value>) -> BTreeSet<&str> {
    permissions.iter().filter(|(_, right)| *right == "write").map(|(name, _)| name.as_str()).collect()
}

/// The only job that publishes, and what it needs to write for that.
const PUBLISHER: (&str, [&str; 4]) = ("publish", ["attestations", "contents", "id-token", "packages"]);

/// What is wrong with a workflow.
fn faults(text: &str, targets: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let workflow: Value = match serde_saphyr::from_str(text) {
        Ok(workflow) => workflow,
        Err(error) => return vec![format!("not YAML: {error}")],
    };
    if workflow["permissions"] != Value::Object(Map::new()) {
        faults.push("rights that every job has".to_owned());
    }
    // With the rights of this repository, on the code of somebody else.
    if workflow["on"].get("pull_request_target").is_some() {
        faults.push("pull_request_target".to_owned());
    }
    let Some(jobs) = workflow["jobs"].as_object().filter(|jobs| !jobs.is_empty()) else {
        faults.push("no jobs".to_owned());
        return faults;
    };
    for (name, job) in jobs {
        match job["permissions"].as_object() {
            None => faults.push(format!("{name}: no rights are named, so it has the forge's defaults")),
            Some(permissions) => {
                let needed = if name == PUBLISHER.0 { PUBLISHER.1.into() } else { BTreeSet::new() };
                if writes(permissions) != needed {
                    faults.push(format!("{name}: may write {:?}", writes(permissions)));
                }
            }
        }
        if job["timeout-minutes"].as_u64().is_none() {
            faults.push(format!("{name}: no timeout"));
        }
        for step in job["steps"].as_array().into_iter().flatten() {
            let run = step["run"].as_str().unwrap_or_default();
            // Text of others' would become part of the command.
            if run.contains("${{") {
                faults.push(format!("{name}: an expression in a command: {run}"));
            }
            for target in made(run).into_iter().filter(|target| !targets.contains(*target)) {
                faults.push(format!("{name}: make has no target {target}"));
            }
            let checkout = step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@"));
            if checkout && step["with"]["persist-credentials"] != Value::Bool(false) {
                faults.push(format!("{name}: the checkout leaves its token behind"));
            }
        }
    }
    for line in text.lines() {
        if let Some((_, action)) = line.split_once("uses: ")
            && !is_pinned(action)
        {
            faults.push(format!("not by commit with its version: {action}"));
        }
    }
    faults
}

/// By commit, with the version that this is in a comment: a tag can come to mean something else. Ours need neither.
fn is_pinned(action: &str) -> bool {
    if action.starts_with("./") {
        return true;
    }
    let Some((commit, version)) = action.split_once('@').and_then(|(_, rest)| rest.split_once(" # ")) else {
        return false;
    };
    let parts: Vec<&str> = version.strip_prefix('v').unwrap_or_default().split('.').collect();
    let is_exact = parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok());
    is_exact && commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit())
}

#[test]
fn the_workflows_call_targets_that_exist_and_have_no_more_rights_than_they_need() {
    let targets = targets();
    for (path, text) in workflows() {
        assert_eq!(faults(&text, &targets), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn the_workflows_run_what_people_run() {
    let text: String = workflows().into_iter().map(|(_, text)| text).collect();
    let calls: BTreeSet<&str> =
        text.lines().filter_map(|line| line.split_once("run: ")).flat_map(|(_, run)| made(run)).collect();
    for target in ["test", "advisories", "release-check", "sbom", "image", "image-simulator", "push-charts"] {
        assert!(calls.contains(target), "no workflow calls make {target}");
    }
}

#[test]
fn what_is_wrong_with_a_workflow_would_be_found() {
    let targets = BTreeSet::from(["test".to_owned()]);
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let good = "on: push\npermissions: {}\njobs:\n  a:\n    timeout-minutes: 1\n    permissions: {contents: read}\n    steps:\n      \
                - uses: actions/checkout@COMMIT # v1.2.3\n        with: {persist-credentials: false}\n      - run: make test X=1\n"
        .replace("COMMIT", commit);
    assert_eq!(faults(&good, &targets), Vec::<String>::new());
    for (from, to) in [
        ("permissions: {}\n", ""),
        ("permissions: {}\n", "permissions: {contents: write}\n"),
        ("on: push", "on: {pull_request_target: {}}"),
        ("    permissions: {contents: read}\n", ""),
        ("contents: read", "contents: write"),
        ("    timeout-minutes: 1\n", ""),
        ("make test", "true && make tests"),
        ("make test", "echo ${{ github.head_ref }}"),
        (": false", ": true"),
        ("# v1.2.3", "# v1"),
        (" # v1.2.3", ""),
        (commit, "v1.2.3"),
        (commit, &commit[1..]),
        ("jobs:", "jobs: ["),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert_eq!(faults(&bad, &targets).len(), 1, "{from:?} as {to:?}: {:?}", faults(&bad, &targets));
    }
    assert!(is_pinned("./.github/actions/ours"));
}

/// Calls of Cargo that resolve dependencies, in a text of commands.
fn unlocked(text: &str) -> Vec<String> {
    const RESOLVING: [&str; 9] =
        ["bench", "build", "check", "clippy", "doc", "install", "metadata", "run", "test"];
    // What stands on several lines is one command.
    let joined = text.replace("\\\n", " ");
    let commands = joined.lines().filter(|line| !line.trim_start().starts_with('#'));
    let resolves = |line: &str| {
        let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
        let calls = words.windows(2).any(|pair| pair[0] == "cargo" && RESOLVING.contains(&pair[1]));
        calls && !words.contains(&"--locked")
    };
    commands.filter(|line| resolves(line)).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_command_honours_the_lock_file() {
    let scripts = ["Makefile", "Dockerfile", "simulator/bench/run.sh", "simulator/tests/python/run.sh"];
    let scripts = scripts.into_iter().map(str::to_owned);
    for path in scripts.chain(files(".ci")).chain(files(".github/workflows")) {
        assert_eq!(unlocked(&read(&path)), Vec::<String>::new(), "{path}");
    }
    assert_eq!(unlocked("\t@cargo build --locked\ncargo fmt"), Vec::<String>::new());
    assert_eq!(unlocked("x=$(cargo metadata \\\n  --no-deps)"), ["x=$(cargo metadata    --no-deps)"]);
}

#[test]
fn every_crate_is_from_the_registry_with_a_checksum_or_is_ours() {
    let lock = read("Cargo.lock");
    let ours = [
        "bench",
        "controlplane",
        "conversation-webhook-operator",
        "demo",
        "peer-kube-rs",
        "twilio-conversations-simulator",
    ];
    let mut without = Vec::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
            line.map(|value| value.trim_matches('"'))
        };
        match (value("source"), value("checksum")) {
            (None, None) => without.push(value("name").unwrap()),
            (Some(source), Some(checksum)) => {
                assert!(source.starts_with("registry+") && source.contains("crates.io"), "{package}");
                assert_eq!(checksum.len(), 64, "{package}");
            }
            _ => panic!("{package}"),
        }
    }
    assert_eq!(without, ours);
    // Go checks every module against this, too.
    for folder in ["controlplane", "benches/peers/controller-runtime"] {
        assert!(read(&format!("{folder}/go.sum")).lines().count() > 100, "{folder}");
    }
}

/// What is wrong with a list of Python packages.
fn loose(requirements: &str) -> Vec<String> {
    // What stands on several lines is one package.
    let joined = requirements.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_fixed = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let hashes: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix("--hash=sha256:")).collect();
        let is_hash = |hash: &&str| hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit());
        let options = words.iter().filter(|word| word.starts_with('-')).count();
        words[0].contains("==") && !hashes.is_empty() && hashes.iter().all(is_hash) && options == hashes.len()
    };
    lines.filter(|line| !is_fixed(line)).map(str::to_owned).collect()
}

#[test]
fn every_python_package_is_one_version_with_a_checksum() {
    let folder = "simulator/tests/python";
    let all = read(&format!("{folder}/requirements.txt"));
    assert_eq!(loose(&all), Vec::<String>::new());
    assert!(!all.contains("://"), "it says where a package is");
    let wanted = read(&format!("{folder}/requirements.in"));
    let wanted: Vec<&str> = wanted.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(wanted.len(), 2, "{wanted:?}");
    for package in wanted {
        assert!(all.lines().any(|line| line.starts_with(&format!("{package} "))), "{package}");
    }
    let run = read(&format!("{folder}/run.sh"));
    assert!(run.contains(" install ") && run.contains("--require-hashes --only-binary :all:"));

    let hash = format!("--hash=sha256:{:064x}", 1);
    assert_eq!(
        loose(&format!("a==1 ; python_version < '3' \\\n    {hash} \\\n    {hash}\n# b\n")),
        Vec::<String>::new()
    );
    for line in
        ["a==1".to_owned(), format!("a>=1 {hash}"), format!("a==1 {hash}0"), format!("--index-url b {hash}")]
    {
        assert_eq!(loose(&line), [line.as_str()]);
    }
}

#[test]
fn the_toolchain_is_one_version_everywhere() {
    let toolchain = read("rust-toolchain.toml");
    let channel =
        toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    let parts: Vec<&str> = channel.split('.').collect();
    assert!(
        parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok()),
        "not pinned: {channel}"
    );
    let minor = parts[..2].join(".");
    assert!(
        read("Cargo.toml").contains(&format!("rust-version = \"{minor}\"")),
        "Cargo.toml has another than {minor}"
    );
    assert!(
        read("Dockerfile").contains(&format!("BUILDER_IMAGE=rust:{minor}-")),
        "the Dockerfile has another than {minor}"
    );
}

/// Exceptions without a word for them would be copied on and on.
#[test]
fn every_exception_in_deny_toml_says_why() {
    let deny = read("deny.toml");
    let banned: Vec<&str> = deny.lines().filter(|line| line.trim_start().starts_with("{ crate")).collect();
    assert!(banned.len() >= 6, "{banned:?}");
    assert!(banned.iter().all(|line| line.contains("reason = ")), "{banned:?}");
    for crate_ in ["ring", "openssl", "native-tls", "serde_yaml", "chrono"] {
        assert!(
            banned.iter().any(|line| line.contains(&format!("crate = \"{crate_}\""))),
            "{crate_} is not banned"
        );
    }
    let licences = deny.split("\nallow = [").nth(1).unwrap().split(']').next().unwrap();
    let mut before = "";
    for line in licences.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let usual = ["\"Apache-2.0\",", "\"MIT\","].contains(&line);
        assert!(line.starts_with('#') || usual || before.starts_with('#'), "{line} has no reason");
        before = line;
    }
}
