//! The program: its one line, its seed, its end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_twilio-conversations-simulator");

fn start(arguments: &[&str]) -> (Child, String) {
    let mut child =
        Command::new(PROGRAM).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim_end().to_owned())
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

#[tokio::test]
async fn it_prints_its_url_when_it_answers_and_stops_when_it_is_told_to() {
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/seed.yaml");
    let (mut child, url) = start(&["--listen", "127.0.0.1:0", "--seed", seed, "--log-format", "json"]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client
        .get(format!("{url}/v1/Conversations/tenant-a-support"))
        .basic_auth("SK00000000000000000000000000000001", Some("key-secret-of-tenant-a"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let stopped = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(stopped.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_it_cannot_do_it_says() {
    let missing = run(&["--seed", "/nonexistent/seed.yaml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot read /nonexistent/seed.yaml"));
    assert_eq!(run(&["--listen", "nowhere"]).status.code(), Some(2));
    let no_host = run(&["--allow-delivery-to", "https://bots.example.com"]);
    assert_eq!(no_host.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&no_host.stderr).contains("is no host"));
}
