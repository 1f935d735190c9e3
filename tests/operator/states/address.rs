//! The address from a Secret (`configuration.urlFrom`), and what cannot be carried out as written.

use conversation_webhook_operator::api::ConditionType::{Ready, Synced};
use conversation_webhook_operator::api::{ATTEMPT_ANNOTATION, Provenance, RECONCILE_ANNOTATION};
use kube::ResourceExt;
use serde_json::{Value, json};
use twilio_conversations_simulator::{Fault, FaultRule, Operation, WebhookChanges};

use super::{
    BOT, CHECKS, NO_CHECKS, PATIENCE, SCALE, TTL, at_twilio, change_secret, delete_secret, edit, event_count,
    follow, operations, told, wait_checks, wait_state,
};
use crate::support::{World, conversation, eventually, webhook_spec};

const ADDRESS: &str = "https://bots.example.com/canary-address";

/// A webhook on conversation `n` with the address from this Secret's key `url`.
fn spec_from(n: u32, secret: &str) -> Value {
    let mut spec = webhook_spec(n, BOT);
    let from = json!({ "secretKeyRef": { "name": secret, "key": "url" } });
    spec["configuration"] = json!({ "urlFrom": from, "filters": ["onMessageAdded"] });
    spec
}

/// A world with the address in a Secret, and an operator.
async fn with_address(arguments: &[&str]) -> World {
    let mut world = World::new().await;
    world.grant_secrets(&["address"]).await;
    world.secret("address", &[("url", ADDRESS)]).await;
    world.start_operator(arguments).await;
    world
}

/// Waits until the webhook on conversation `n` has this address.
async fn wait_url(world: &World, n: u32, url: &str) {
    eventually(&format!("{url} at Twilio"), PATIENCE, async || {
        (world.alive(conversation(n)).pop()?.configuration.url() == Some(url)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn available_with_the_address_from_a_secret_of_which_the_journal_keeps_a_salted_digest_only() {
    let mut world = World::new().await;
    world.grant_secrets(&["address"]).await;
    world.secret("address", &[("url", "https://bots.example.com/canary-address\n")]).await;
    world.start_operator(&[NO_CHECKS]).await;
    let mut trigger = spec_from(2, "address");
    trigger["target"] = json!("trigger");
    trigger["configuration"]["triggers"] = json!(["help"]);
    trigger["configuration"].as_object_mut().unwrap().remove("filters");
    world.create("webhook", spec_from(1, "address")).await;
    world.create("trigger", trigger).await;
    for (n, name) in [(1, "webhook"), (2, "trigger")] {
        let object = world.wait_ready(name).await;
        assert_eq!(world.alive(conversation(n))[0].configuration.url(), Some(ADDRESS));
        let journal: Value = serde_json::from_str(&object.annotations()[ATTEMPT_ANNOTATION]).unwrap();
        let url = journal["config"]["url"].as_object().unwrap();
        assert_eq!(url.keys().collect::<Vec<_>>(), ["hmac", "salt"]);
        assert_eq!(url["hmac"].as_str().unwrap().len(), 64);
        assert!(url["salt"].as_str().unwrap().len() >= 32, "{url:?}");
        let shown = serde_json::to_string(&object).unwrap();
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn available_follows_a_changed_address_at_the_next_check_and_never_calls_it_a_repair() {
    let world = with_address(&[CHECKS, TTL]).await;
    world.create("bot", spec_from(1, "address")).await;
    world.wait_ready("bot").await;
    for turn in 1..=4 {
        let url = format!("{ADDRESS}/{turn}");
        change_secret(&world, "address", &[("url", Some(&url))]).await;
        wait_url(&world, 1, &url).await;
    }
    eventually("four Events", PATIENCE, async || {
        (event_count(&world, "bot", "Updated").await == 4).then_some(())
    })
    .await;
    wait_checks(&world, 1, 2).await;
    let object = world.wait_ready("bot").await;
    assert_eq!(object.status.unwrap().repaired_at, []);
    assert_eq!(event_count(&world, "bot", "DriftCorrected").await, 0);
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
    assert_eq!(world.ever_made(conversation(1))[0].edits.len(), 4);
}

#[tokio::test]
async fn available_follows_a_changed_address_at_once_when_somebody_asks() {
    let world = with_address(&[NO_CHECKS]).await;
    world.create("bot", spec_from(1, "address")).await;
    world.wait_ready("bot").await;
    change_secret(&world, "address", &[("url", Some(BOT))]).await;
    let ask = json!({ "metadata": { "annotations": { RECONCILE_ANNOTATION: "now" } } });
    world.patch("bot", ask).await;
    wait_url(&world, 1, BOT).await;
    let handled = |object: &conversation_webhook_operator::api::ConversationWebhook| {
        let status = object.status.as_ref().unwrap();
        status.last_handled_reconcile_at.as_deref() == Some("now") && status.repaired_at.is_empty()
    };
    world.wait("bot", "looked at as asked", handled).await;
    assert_eq!(event_count(&world, "bot", "DriftCorrected").await, 0);
}

#[tokio::test]
async fn available_again_after_an_outside_edit_of_an_address_from_a_secret() {
    let world = with_address(&[CHECKS, TTL]).await;
    world.create("bot", spec_from(1, "address")).await;
    world.wait_ready("bot").await;
    let sid = world.alive(conversation(1))[0].sid;
    world.simulator.edit_webhook(sid, &WebhookChanges::url("https://elsewhere.example.com/")).unwrap();
    wait_url(&world, 1, ADDRESS).await;
    world.wait("bot", "repaired once", |object| object.status.as_ref().unwrap().repaired_at.len() == 1).await;
    eventually("the Event", PATIENCE, async || {
        (event_count(&world, "bot", "DriftCorrected").await == 1).then_some(())
    })
    .await;
    assert_eq!(event_count(&world, "bot", "Updated").await, 0);
}

#[tokio::test]
async fn create_unresolved_with_an_address_from_a_secret_ends_with_the_webhook_that_was_made() {
    let mut world = World::new().await;
    world.grant_secrets(&["address"]).await;
    world.secret("address", &[("url", ADDRESS)]).await;
    let lost = FaultRule::new(Fault::reset_after_commit()).on(Operation::Create).once();
    world.simulator.add_fault(lost);
    world.start_operator(&[SCALE, NO_CHECKS]).await;
    world.create("bot", spec_from(1, "address")).await;
    world.wait_reason("bot", "CreateUnresolved").await;
    // What is known of the address must survive the process.
    world.kill_operator();
    world.start_operator(&[SCALE, NO_CHECKS]).await;
    let status = world.wait_ready("bot").await.status.unwrap();
    assert_eq!(status.provenance, Some(Provenance::Inferred));
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
}

/// What is wrong with the address, and what the object's owner reads of it.
const FAULTS: [(&str, Option<&str>, &str); 4] = [
    ("key-missing", None, "the key is missing or empty"),
    ("empty", Some(" \n"), "the key is missing or empty"),
    ("malformed", Some("bots.example.com/canary"), "the value is not an absolute http or https address"),
    ("password", Some("https://canary:canary@bots.example.com/"), "without user information"),
];

#[tokio::test]
async fn invalid_configuration_without_a_webhook_while_the_address_cannot_be_had() {
    let mut world = World::new().await;
    let faults = FAULTS.map(|(name, ..)| name);
    world.grant_secrets(&[&faults[..], &["absent"]].concat()).await;
    for (name, value, _) in FAULTS {
        let other = ("other", BOT);
        let entries: Vec<_> = value.map(|value| ("url", value)).into_iter().chain([other]).collect();
        world.secret(name, &entries).await;
    }
    world.secret("private", &[("url", BOT)]).await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    let in_place = |(name, _, fault)| (name, fault, "put it right; see 'kubectl -n tenant-");
    let mut cases = FAULTS.map(in_place).to_vec();
    cases.push(("absent", "the Secret does not exist", "create secret generic absent --from-literal=url="));
    cases.push(("private", "may not read the Secret", "secretAccess.names"));
    for (n, (name, ..)) in (2..).zip(&cases) {
        world.create(name, spec_from(n, name)).await;
    }
    for (name, fault, next) in &cases {
        let wanted = [
            "Ready=False InvalidConfiguration",
            "Synced=True ReconcileSucceeded",
            "Stalled=True InvalidConfiguration",
        ];
        let object = wait_state(&world, name, &wanted).await;
        let secret = format!("urlFrom names key url of Secret {}/{name}", world.namespace);
        let message = told(&object, Ready, &[&secret, fault, next]);
        assert!(!message.contains("canary"), "{message}");
        if next.starts_with("put it right") {
            follow(&world, &message).await;
        }
    }
    wait_checks(&world, 1, 3).await;
    assert_eq!(world.simulator.counters().writes(), 1, "the neighbour's create");
    for (name, ..) in &cases {
        world.secret(name, &[("url", ADDRESS)]).await;
    }
    world.grant_secrets(&["private"]).await;
    for (n, (name, ..)) in (2..).zip(&cases) {
        world.wait_ready(name).await;
        assert_eq!(world.alive(conversation(n))[0].configuration.url(), Some(ADDRESS), "{name}");
    }
}

/// Checks are far away after a restart; the Secret is looked for all the same.
#[tokio::test]
async fn invalid_configuration_for_want_of_an_address_heals_soon_after_a_restart_too() {
    let mut world = World::new().await;
    world.grant_secrets(&["address"]).await;
    world.start_operator(&[SCALE, NO_CHECKS]).await;
    world.create("bot", spec_from(1, "address")).await;
    world.wait_told("bot", "InvalidConfiguration", &["the Secret does not exist"]).await;
    world.stop_operator().await;
    world.start_operator(&[SCALE, NO_CHECKS]).await;
    world.create("neighbour", webhook_spec(2, BOT)).await;
    world.wait_ready("neighbour").await;
    world.secret("address", &[("url", ADDRESS)]).await;
    world.wait_ready("bot").await;
}

#[tokio::test]
async fn invalid_configuration_with_a_webhook_whose_address_cannot_be_had_leaves_it_ready() {
    let mut world = World::new().await;
    let names = FAULTS.map(|(name, ..)| name);
    world.grant_secrets(&[&names[..], &["gone"]].concat()).await;
    let cases: Vec<_> = FAULTS.into_iter().chain([("gone", None, "the Secret does not exist")]).collect();
    for (name, ..) in &cases {
        world.secret(name, &[("url", ADDRESS), ("other", BOT)]).await;
    }
    world.start_operator(&[SCALE, CHECKS, TTL]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    for (n, (name, ..)) in (2..).zip(&cases) {
        world.create(name, spec_from(n, name)).await;
    }
    for (name, ..) in &cases {
        world.wait_ready(name).await;
    }
    let ledger = world.simulator.ledger();
    for (name, value, _) in FAULTS {
        change_secret(&world, name, &[("url", value)]).await;
    }
    delete_secret(&world, "gone").await;
    for (name, _, fault) in &cases {
        let wanted = [
            "Ready=True Available",
            "Synced=False InvalidConfiguration",
            "CredentialsValid=True CredentialsAccepted",
            "Stalled=True InvalidConfiguration",
        ];
        let object = wait_state(&world, name, &wanted).await;
        told(&object, Synced, &[&format!("Secret {}/{name}", world.namespace), fault, "'kubectl -n tenant-"]);
        edit(&world, name, "GET").await;
    }
    wait_checks(&world, 1, 3).await;
    assert_eq!(world.simulator.ledger(), ledger, "nothing is sent that is known in part");
    for (name, ..) in &cases {
        world.secret(name, &[("url", BOT)]).await;
    }
    for (n, (name, ..)) in (2..).zip(&cases) {
        world.wait_ready(name).await;
        let configuration = at_twilio(&world, n);
        assert_eq!(configuration["url"], BOT, "{name}");
        assert_eq!(configuration["method"], "get", "{name}");
    }
}

#[tokio::test]
async fn invalid_configuration_with_a_webhook_whose_edit_twilio_refuses_until_it_is_corrected() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    let filters = |name: &str| json!({ "spec": { "configuration": { "filters": [name] } } });
    world.patch("bot", filters("onMessageFrobnicated")).await;
    let wanted = [
        "Ready=False InvalidConfiguration",
        "Synced=True ReconcileSucceeded",
        "CredentialsValid=True CredentialsAccepted",
        "Stalled=True InvalidConfiguration",
    ];
    let object = wait_state(&world, "bot", &wanted).await;
    let edit = format!("'kubectl -n {} edit cw bot'", world.namespace);
    told(&object, Ready, &["Twilio error 50365 on update_webhook", "correct the spec", &edit]);
    let mark = world.mark().await;
    wait_checks(&world, 1, 3).await;
    assert_eq!(world.writes_since(mark).await.len(), 0, "it is said once");
    world.patch("bot", filters("onMessageUpdated")).await;
    world.wait_ready("bot").await;
    assert_eq!(at_twilio(&world, 1)["filters"], json!(["onMessageUpdated"]));
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
}

#[tokio::test]
async fn invalid_configuration_where_the_region_does_not_offer_conversations() {
    let mut world = World::new().await;
    for (n, operation) in [(1, Operation::Create), (2, Operation::Update)] {
        let refusal = FaultRule::new(Fault::error(400, 50385)).on(operation).conversation(conversation(n));
        world.simulator.add_fault(refusal);
    }
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("without", webhook_spec(1, BOT)).await;
    world.create("with", webhook_spec(2, BOT)).await;
    world.wait_ready("with").await;
    edit(&world, "with", "GET").await;
    for (name, on) in [("without", "create_webhook"), ("with", "update_webhook")] {
        let said = format!("Twilio error 50385 on {on}");
        let object = world.wait_told(name, "InvalidConfiguration", &[&said, "correct TWILIO_REGION"]).await;
        told(&object, conversation_webhook_operator::api::ConditionType::Stalled, &["TWILIO_REGION"]);
    }
    assert_eq!(world.ever_made(conversation(1)), []);
    world.simulator.clear_faults();
    for (n, name) in [(1, "without"), (2, "with")] {
        world.wait_ready(name).await;
        assert!(operations(&world, n, 0).contains(&Operation::Create), "{name}");
        assert_eq!(world.ever_made(conversation(n)).len(), 1, "{name}");
    }
}
