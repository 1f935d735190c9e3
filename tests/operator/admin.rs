//! How the process starts, says how it is, and ends.

use std::process::{Command, Output};
use std::time::Duration;

use conversation_webhook_operator::api;
use conversation_webhook_operator::api::ConditionType::Synced;
use kube::ResourceExt;
use serde_json::json;
use twilio_conversations_simulator::{Fault, FaultRule, Operation, WebhookChanges};

use crate::support::{Operator, World, condition, conversation, eventually, webhook_spec};

/// Runs the operator until it ends by itself.
fn run(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_conversation-webhook-operator");
    // No cluster is found, should an argument that is to be refused be accepted.
    Command::new(program).args(arguments).env("KUBECONFIG", "/nonexistent").output().unwrap()
}

#[test]
fn bad_arguments_end_with_exit_code_2_and_the_reason() {
    for (arguments, says) in [
        (&["run", "--leader-elect=maybe"][..], "--leader-elect"),
        (&["run", "--lease-name="], "--lease-name and --lease-namespace must not be empty"),
        (&["run", "--resync-interval=soon"], "not a duration: write it as 30s, 10m or 1h30m"),
        (&["run", "--resync-interval=0s"], "--resync-interval must be at least 1s"),
        (&["run", "--credentials-ttl=-5m"], "not a duration"),
        (&["run", "--twilio-base-url=http://twilio.example"], "--twilio-base-url must be https"),
        (&["run", "--twilio-base-url=nowhere"], "--twilio-base-url"),
        (&["run", "--max-in-flight-per-account=0"], "--max-in-flight-per-account"),
        (&["run", "--time-scale=0.5"], "--time-scale is for tests"),
        (&["run", "--admin-address=here"], "--admin-address"),
        (&["run", "--log-format=xml"], "--log-format"),
        (&["run", "--log-level=info,kube=shout"], "--log-level"),
        (&["run", "--nonsense"], "--nonsense"),
        (&["fly"], "fly"),
        (&[], "Usage"),
    ] {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn what_cannot_start_ends_with_exit_code_1_and_the_reason() {
    for (arguments, says) in [
        (&["run", "--admin-address=127.0.0.1:0"][..], "finding the API server"),
        (&["run", "--admin-address=192.0.2.1:1"], "--admin-address 192.0.2.1:1"),
    ] {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn an_api_server_that_is_not_there_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("kubeconfig");
    // Nobody listens on the port of a listener that is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "nowhere", "cluster": { "server": format!("http://127.0.0.1:{port}") } }],
        "contexts": [{ "name": "nowhere", "context": { "cluster": "nowhere", "user": "nobody" } }],
        "users": [{ "name": "nobody", "user": {} }],
        "current-context": "nowhere",
    });
    std::fs::write(&kubeconfig, nowhere.to_string()).unwrap();
    let operator = Operator::spawn(&kubeconfig, &[]);
    eventually("the log says what is wrong", Duration::from_secs(30), async || {
        operator.log().contains("cannot read the CRD: tried again").then_some(())
    })
    .await;
    assert_eq!(operator.status("/healthz").await, 200, "a restart would not help");
    assert_eq!(operator.status("/readyz").await, 503);
    assert_eq!(operator.stop().await.code(), Some(0));
}

#[tokio::test]
async fn readiness_shows_which_gate_is_closed() {
    let mut world = World::on_own_plane_without_crd().await;
    world.spawn_operator(&[]);
    let operator = world.operator.as_ref().unwrap();
    eventually("the operator waits for the CRD", Duration::from_secs(30), async || {
        operator.log().contains("the CRD is not installed: waiting for it").then_some(())
    })
    .await;
    assert_eq!(operator.status("/readyz").await, 503);
    assert_eq!(operator.admin("/readyz").await, "[-] crd-installed\n[-] objects-listed\n");
    assert_eq!(operator.status("/healthz").await, 200);
    assert_eq!(operator.admin("/healthz").await, "ok\n");

    world.install_crd(&serde_json::to_value(api::crd()).unwrap()).await;
    eventually("the operator is ready", Duration::from_mins(1), async || {
        (operator.status("/readyz").await == 200).then_some(())
    })
    .await;
    assert_eq!(operator.admin("/readyz").await, "[+] crd-installed\n[+] objects-listed\n");
    assert_eq!(operator.status("/nonsense").await, 404);
    world.create("bot", webhook_spec(1, "https://bots.example.com/a")).await;
    world.wait_ready("bot").await;
    world.stop_operator().await;
}

/// The name of a line's series and its value, where the line is a sample.
fn sample(line: &str) -> Option<(&str, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let name = series.split('{').next()?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let labelled = name.len() == series.len() || series.ends_with('}');
    (is_name && labelled).then_some((name, value.parse().ok()?))
}

#[tokio::test]
async fn metrics_are_openmetrics_and_name_no_object() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let object = world.create("conspicuous", webhook_spec(1, "https://bots.example.com/a")).await;
    world.wait_ready("conspicuous").await;
    let mut refused = webhook_spec(2, "https://bots.example.com/a");
    refused["configuration"]["filters"] = json!(["onMessageFrobnicated"]);
    world.create("refused", refused).await;
    world.wait_reason("refused", "InvalidConfiguration").await;

    let metrics = world.operator.as_ref().unwrap().admin("/metrics").await;
    let body = metrics.strip_suffix("# EOF\n").expect("the end that OpenMetrics asks for");
    for line in body.lines() {
        let known = ["# HELP ", "# TYPE ", "# UNIT "].iter().any(|start| line.starts_with(start));
        assert!(known || sample(line).is_some_and(|(name, _)| name.starts_with("cwo_")), "{line}");
    }
    for series in [
        "cwo_remote_mutations_total{operation=\"create\"} 1",
        "cwo_create_attempts_total{outcome=\"created\"} 1",
        "cwo_create_attempts_total{outcome=\"not_created\"} 1",
        "cwo_twilio_requests_total{operation=\"create_webhook\",outcome=\"ok\"} 1",
        "cwo_twilio_requests_total{operation=\"create_webhook\",outcome=\"api_error\"} 1",
        "cwo_passes_total{outcome=\"Available\"} ",
        "cwo_passes_total{outcome=\"InvalidConfiguration\"} ",
        "cwo_build_info{version=\"",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(series)), "{series} in\n{metrics}");
    }
    let prefixes = ["AC0", "CH0", "WH", "RQ", "FW", "SK"];
    let names = ["http", "example.com", "conspicuous", "refused", &world.namespace, &object.uid().unwrap()];
    for word in prefixes.into_iter().chain(names) {
        assert!(!metrics.contains(word), "{word} in\n{metrics}");
    }
}

/// Waits until `/metrics` has a line that begins like this.
async fn wait_series(world: &World, series: &str) {
    let operator = world.operator.as_ref().unwrap();
    eventually(series, Duration::from_secs(30), async || {
        let metrics = operator.admin("/metrics").await;
        metrics.lines().any(|line| line.starts_with(series)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn metrics_say_how_objects_are_what_is_open_and_what_was_put_right() {
    let mut world = World::new().await;
    world.start_operator(&["--time-scale=0.2", "--resync-interval=1s"]).await;
    for n in 1..=2 {
        world.create(&format!("bot-{n}"), webhook_spec(n, "https://bots.example.com/a")).await;
        world.wait_ready(&format!("bot-{n}")).await;
    }
    wait_series(&world, "cwo_leader 1").await;
    wait_series(&world, "cwo_objects{reason=\"Available\"} 2").await;
    wait_series(&world, "cwo_spec_to_ready_seconds_count 2").await;
    wait_series(&world, "cwo_unresolved_attempts 0").await;

    // A create whose reply is lost, until its outcome is known.
    world.simulator.add_fault(
        FaultRule::new(Fault::reset_after_commit()).on(Operation::Create).conversation(conversation(3)),
    );
    world.create("lost", webhook_spec(3, "https://bots.example.com/a")).await;
    wait_series(&world, "cwo_unresolved_attempts 1").await;
    wait_series(&world, "cwo_create_attempts_total{outcome=\"unknown\"} 1").await;
    wait_series(&world, "cwo_objects{reason=\"CreateUnresolved\"} 1").await;
    wait_series(&world, "cwo_twilio_requests_total{operation=\"create_webhook\",outcome=\"unanswered\"} 1")
        .await;
    world.wait_ready("lost").await;
    wait_series(&world, "cwo_unresolved_attempts 0").await;
    wait_series(&world, "cwo_objects{reason=\"Available\"} 3").await;

    let webhook = world.alive(conversation(1))[0].sid;
    let edit = WebhookChanges::url("https://elsewhere.example.com/");
    world.simulator.edit_webhook(webhook, &edit).unwrap();
    wait_series(&world, "cwo_remote_mutations_total{operation=\"correct\"} 1").await;
    wait_series(&world, "cwo_lanes{breaker=\"closed\"} 1").await;
    wait_series(&world, "cwo_lane_wait_seconds_count ").await;

    let suspend = json!({ "spec": { "mode": "Suspended", "deletionPolicy": "Retain" } });
    world.patch("bot-2", suspend).await;
    world
        .wait("bot-2", "suspended", |object| {
            condition(object, Synced).is_some_and(|synced| synced.reason == "Suspended")
        })
        .await;
    world.delete("bot-2").await;
    world.wait_gone("bot-2").await;
    wait_series(&world, "cwo_left_behind_total{reason=\"Retained\"} 1").await;
    wait_series(&world, "cwo_objects{reason=\"Available\"} 2").await;
}
