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
        let entry = format!("`{reason}`");
        let heading =
            troubleshooting.lines().any(|line| line.starts_with('#') && line.contains(reason.as_str()));
        assert!(
            heading || troubleshooting.contains(&entry),
            "docs/troubleshooting.md has no entry for {reason}"
        );
    }
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
