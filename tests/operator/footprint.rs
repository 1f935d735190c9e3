//! What the operator leaves behind and what it needs: Events, secrets that stay secret, rights that are used.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use twilio_conversations_simulator::{Fault, FaultRule, KeySeed, Operation, WebhookChanges};

use crate::support::{ACCOUNT, AUTH_TOKEN, World, conversation, eventually, webhook_spec};

const BOT: &str = "https://bots.example.com/a";

/// The Events about an object as `kubectl get events` prints them: how often each reason was given.
async fn reasons(world: &World, name: &str) -> BTreeMap<String, i64> {
    let arguments = ["get", "events.events.k8s.io", "--namespace", &world.namespace, "--output", "json"];
    let printed = world.plane.kubectl(&arguments).await.unwrap().stdout;
    let events: Value = serde_json::from_str(&printed).unwrap();
    let mut reasons = BTreeMap::new();
    for event in events["items"].as_array().unwrap() {
        if event["regarding"]["name"] == name {
            let reason = event["reason"].as_str().unwrap().to_owned();
            *reasons.entry(reason).or_default() += event["series"]["count"].as_i64().unwrap_or(1);
        }
    }
    reasons
}

async fn wait_reasons(world: &World, name: &str, wanted: &[&str]) {
    let wanted: BTreeMap<String, i64> = wanted.iter().map(|reason| ((*reason).to_owned(), 1)).collect();
    eventually(&format!("one Event for each of {wanted:?}"), Duration::from_secs(30), async || {
        (reasons(world, name).await == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn each_change_at_twilio_is_one_event() {
    let mut world = World::new().await;
    world.start_operator(&["--resync-interval=2s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let object = world.wait_ready("bot").await;
    wait_reasons(&world, "bot", &["Created"]).await;

    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world.wait_ready("bot").await;
    wait_reasons(&world, "bot", &["Created", "Updated"]).await;

    let sid = object.status.unwrap().webhook_sid.unwrap().to_string();
    let change = WebhookChanges::url("https://elsewhere.example.com/");
    world.simulator.edit_webhook(sid.parse().unwrap(), &change).unwrap();
    wait_reasons(&world, "bot", &["Created", "Updated", "DriftCorrected"]).await;

    world.delete("bot").await;
    world.wait_gone("bot").await;
    wait_reasons(&world, "bot", &["Created", "Updated", "DriftCorrected", "Deleted"]).await;
    for event in world.events("bot").await {
        let note = event.note.unwrap();
        assert!(note.contains(&sid) && note.contains(&conversation(1).to_string()), "{note}");
        assert_eq!(event.type_.as_deref(), Some("Normal"));
        assert_eq!(event.reporting_controller.as_deref(), Some("conversation-webhook-operator"));
    }
}

#[tokio::test]
async fn a_failure_that_lasts_is_one_event() {
    let mut world = World::new().await;
    let down = FaultRule::new(Fault::error(503, 20500)).on(Operation::List);
    world.simulator.add_fault(down.conversation(conversation(1)));
    world.start_operator(&["--time-scale=0.1"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_told("bot", "TwilioUnavailable", &["Twilio error 20500 on list_webhooks"]).await;
    let tries = || world.simulator.counters().total(Operation::List).requests;
    eventually("more tries", Duration::from_secs(30), async || (tries() >= 4).then_some(())).await;
    wait_reasons(&world, "bot", &["TwilioUnavailable"]).await;
    world.simulator.clear_faults();
    world.wait_ready("bot").await;
    wait_reasons(&world, "bot", &["TwilioUnavailable", "Created"]).await;
}

#[tokio::test]
async fn secrets_and_addresses_stay_where_they_are() {
    const KEY: &str = "SK00000000000000000000000000000001";
    const API_SECRET: &str = "canary-api-secret";
    let address = |path: &str| format!("https://bots.example.com/{path}?key=canary-in-the-address");
    let mut world = World::new().await;
    world
        .simulator
        .add_key(ACCOUNT.parse().unwrap(), &KeySeed::new(KEY.parse().unwrap(), API_SECRET))
        .unwrap();
    world.grant_secrets(&["by-key", "refused"]).await;
    let account = ("TWILIO_ACCOUNT_SID", ACCOUNT);
    world.secret("by-key", &[account, ("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", API_SECRET)]).await;
    world.secret("refused", &[account, ("TWILIO_AUTH_TOKEN", "canary-refused")]).await;
    world.start_operator(&["--time-scale=0.2", "--resync-interval=2s"]).await;

    // Made, edited, corrected, deleted: by token and by key.
    for (n, name, secret) in [(1, "by-token", "twilio-credentials"), (2, "by-key", "by-key")] {
        let mut spec = webhook_spec(n, &address("old"));
        spec["credentialsSecretRef"] = json!({ "name": secret });
        world.create(name, spec).await;
        world.wait_ready(name).await;
        world.patch(name, json!({ "spec": { "configuration": { "url": address("new") } } })).await;
        world.wait_ready(name).await;
        let sid = world.alive(conversation(n))[0].sid;
        world.simulator.edit_webhook(sid, &WebhookChanges::url("https://elsewhere.example.com/")).unwrap();
        eventually("the correction", Duration::from_secs(30), async || {
            let webhook = world.alive(conversation(n)).pop()?;
            (webhook.configuration.url() == Some(address("new").as_str())).then_some(())
        })
        .await;
    }
    // Refused by Twilio, unanswered, lost, without rights.
    let mut refused = webhook_spec(3, &address("refused"));
    refused["configuration"]["filters"] = json!(["onMessageFrobnicated"]);
    world.create("refused", refused).await;
    let mut unauthorized = webhook_spec(4, &address("unauthorized"));
    unauthorized["credentialsSecretRef"] = json!({ "name": "refused" });
    world.create("unauthorized", unauthorized).await;
    let lost = FaultRule::new(Fault::reset_after_commit()).on(Operation::Create).once();
    world.simulator.add_fault(lost.conversation(conversation(5)));
    world.create("lost", webhook_spec(5, &address("lost"))).await;
    world.wait_reason("refused", "InvalidConfiguration").await;
    world.wait_reason("unauthorized", "CredentialsRejected").await;
    world.wait_ready("lost").await;
    // A second attempt carries the first one's configuration along.
    let corrected = json!({ "url": address("corrected"), "filters": ["onMessageAdded"] });
    world.patch("refused", json!({ "spec": { "configuration": corrected } })).await;
    world.wait_ready("refused").await;
    for name in ["by-token", "by-key"] {
        world.delete(name).await;
        world.wait_gone(name).await;
    }

    let operator = world.operator.as_ref().unwrap();
    let mut shown = vec![
        ("log".to_owned(), operator.log()),
        ("metrics".to_owned(), operator.admin("/metrics").await),
        ("readiness".to_owned(), operator.admin("/readyz").await),
    ];
    for name in ["by-token", "by-key", "refused", "unauthorized", "lost"] {
        let events = world.events(name).await;
        shown.push((format!("Events of {name}"), serde_json::to_string(&events).unwrap()));
        if let Some(object) = world.objects().get_opt(name).await.unwrap() {
            shown.push((format!("status of {name}"), serde_json::to_string(&object.status).unwrap()));
        }
    }
    assert!(shown[0].1.contains("\"level\":\"TRACE\""), "the log shows all that it can");
    let encoded = |user: &str, password: &str| STANDARD.encode(format!("{user}:{password}"));
    let secrets = [
        "canary".to_owned(),
        encoded(ACCOUNT, AUTH_TOKEN),
        encoded(KEY, API_SECRET),
        encoded(ACCOUNT, "canary-refused"),
        STANDARD.encode(AUTH_TOKEN),
        STANDARD.encode(API_SECRET),
    ];
    for (place, text) in &shown {
        for secret in &secrets {
            let lines = text.lines().filter(|line| line.contains(secret.as_str()));
            assert_eq!(lines.collect::<Vec<_>>(), Vec::<&str>::new(), "{secret} in {place}");
        }
    }
}

/// Group, resource as RBAC writes it, verb.
type Right = (String, String, String);

#[tokio::test]
async fn every_right_of_the_chart_is_used_and_no_other_is_asked_for() {
    let mut world = World::new().await;
    let mark = world.mark().await;
    world.start_operator(&[]).await;
    // Somebody writes to the object between the operator's look at it and its own write.
    let slow = FaultRule::new(Fault::delay_before_commit(3_000)).on(Operation::List).once();
    world.simulator.add_fault(slow);
    world.create("bot", webhook_spec(1, BOT)).await;
    eventually("the list is under way", Duration::from_secs(30), async || {
        let asked = world.simulator.journal();
        asked.iter().any(|entry| entry.operation == Some(Operation::List)).then_some(())
    })
    .await;
    world.patch("bot", json!({ "metadata": { "annotations": { "somebody": "was here" } } })).await;
    world.wait_ready("bot").await;
    // An Event that repeats an earlier one is counted, not made anew.
    for method in ["GET", "POST"] {
        world.patch("bot", json!({ "spec": { "configuration": { "method": method } } })).await;
        world.wait_ready("bot").await;
    }
    world.delete("bot").await;
    world.wait_gone("bot").await;
    eventually("the last Event", Duration::from_secs(30), async || {
        reasons(&world, "bot").await.contains_key("Deleted").then_some(())
    })
    .await;
    world.stop_operator().await;

    let requests = world.requests_since(mark).await;
    // Those of the tests beside this one are in namespaces of their own.
    let here = [world.namespace.as_str(), "kube-system", ""];
    let requests = requests.filter(|request| here.contains(&request.namespace.as_str()));
    let refused: Vec<_> = requests.iter().filter(|request| request.code == 403).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let used: BTreeSet<Right> = requests
        .iter()
        .map(|request| (request.group.clone(), request.target(), request.verb.clone()))
        .collect();
    let granted = granted(&world).await;
    assert_eq!(granted.difference(&used).collect::<Vec<_>>(), Vec::<&Right>::new(), "granted, not used");
    assert_eq!(used.difference(&granted).collect::<Vec<_>>(), Vec::<&Right>::new(), "used, not granted here");
}

/// What the chart's `ClusterRole` grants. The Role for Leases is for an operator that elects a leader.
async fn granted(world: &World) -> BTreeSet<Right> {
    let arguments = ["get", "clusterrole", "cwo-conversation-webhook-operator", "--output", "json"];
    let printed = world.plane.kubectl(&arguments).await.unwrap().stdout;
    let role: Value = serde_json::from_str(&printed).unwrap();
    let words = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut granted = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                for verb in words(&rule["verbs"]) {
                    granted.insert((group.clone(), resource.clone(), verb));
                }
            }
        }
    }
    granted
}
