//! `WebhookMissing`: reported, or made again without a replay; and what becomes of a webhook that comes back.

use conversation_webhook_operator::api::Provenance;
use serde_json::{Value, json};
use twilio_conversations_simulator::{ApiClient, Operation, WebhookSeed, WebhookSid};

use super::{
    BOT, NOBODY, OFTEN, PATIENCE, SCALED, SETTLING, alive_sids, assert_conditions, assert_held, command,
    lost_of, made, notes, repairs_of, sent_since, texts, wait_another, wait_event, wait_looks, webhook_of,
};
use crate::support::{FLOW, World, conversation, eventually, webhook_spec};

fn with(mut spec: Value, field: &str, value: impl Into<Value>) -> Value {
    spec[field] = value.into();
    spec
}

/// Twice looked for, long enough apart, before anything was done about it.
#[track_caller]
fn assert_missed_twice(world: &World, mark: u64, n: u32) {
    let missed: Vec<_> = world.simulator.journal_since(mark);
    let here = conversation(n).to_string();
    let before_create =
        missed.iter().filter(|entry| entry.path.contains(&here)).take_while(|entry| !entry.is_write());
    let looks: Vec<_> = before_create.filter(|entry| entry.operation == Some(Operation::List)).collect();
    let apart = looks.last().unwrap().at.duration_since(looks[0].at);
    assert!(looks.len() >= 2 && apart >= SETTLING.try_into().unwrap(), "{looks:#?}");
}

#[tokio::test]
async fn webhook_missing_with_a_webhook_is_reported_where_the_policy_says_so() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", with(webhook_spec(1, BOT), "recreatePolicy", "Report")).await;
    // Studio removes its webhooks itself: where nothing is said, they are not made again.
    let mut studio = webhook_spec(2, BOT);
    studio["target"] = json!("studio");
    studio["configuration"] = json!({ "flowSid": FLOW });
    world.create("studio", studio).await;
    let mut sids = Vec::new();
    for name in ["bot", "studio"] {
        sids.push(webhook_of(&world.wait_ready(name).await));
    }

    let mark = world.simulator.journal_mark();
    for (sid, (n, name)) in sids.iter().zip([(1, "bot"), (2, "studio")]) {
        world.simulator.delete_webhook(*sid).unwrap();
        let edit = command(&world, "edit", name);
        let says = [
            &sid.to_string(),
            &conversation(n).to_string(),
            "by somebody else",
            "recreatePolicy: Recreate",
            &edit,
        ];
        let object = world.wait_told(name, "WebhookMissing", &says.map(AsRef::as_ref)).await;
        assert_held(&object, "WebhookMissing");
        assert_eq!((webhook_of(&object), repairs_of(&object)), (*sid, 0), "the SID is kept");
        assert_missed_twice(&world, mark, n);
        wait_looks(&world, n, 3).await;
        assert_eq!((made(&world, n).len(), alive_sids(&world, n)), (1, vec![]));
    }

    // The way out that the message names.
    for (sid, (n, name)) in sids.iter().zip([(1, "bot"), (2, "studio")]) {
        world.patch(name, json!({ "spec": { "recreatePolicy": "Recreate" } })).await;
        let object = wait_another(&world, name, *sid).await;
        assert_eq!(lost_of(&object), texts(&[*sid]));
        assert_eq!(alive_sids(&world, n), [webhook_of(&object)]);
    }
}

#[tokio::test]
async fn webhook_missing_with_a_webhook_is_made_again_once_where_nothing_else_is_said() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    let mut trigger = webhook_spec(2, BOT);
    trigger["target"] = json!("trigger");
    trigger["configuration"] = json!({ "url": BOT, "triggers": ["help"] });
    for (name, spec) in [("webhook", webhook_spec(1, BOT)), ("trigger", trigger)] {
        world.create(name, spec).await;
    }
    for (n, name) in [(1, "webhook"), (2, "trigger")] {
        let old = webhook_of(&world.wait_ready(name).await);
        let mark = world.simulator.journal_mark();
        world.simulator.delete_webhook(old).unwrap();
        let object = wait_another(&world, name, old).await;
        assert_conditions(&object, ("True", "Available"), "True", false);
        assert_missed_twice(&world, mark, n);
        assert_eq!((lost_of(&object), repairs_of(&object)), (texts(&[old]), 1));
        assert_eq!(object.status.as_ref().unwrap().provenance, Some(Provenance::Created));
        wait_event(&world, name, "Recreated", &webhook_of(&object).to_string()).await;

        wait_looks(&world, n, 3).await;
        assert_eq!(alive_sids(&world, n), [webhook_of(&object)]);
        assert_eq!(made(&world, n).len(), 2);
        assert_eq!(notes(&world, name, "Recreated").await.len(), 1);
        assert_eq!(notes(&world, name, "Created").await.len(), 1);
    }
}

#[tokio::test]
async fn webhook_missing_with_a_webhook_that_replayed_history_is_made_again_without_a_replay() {
    let mut world = World::new().await;
    let sent_to = |world: &World, webhook: WebhookSid| -> Vec<(u64, bool)> {
        let all = world.simulator.deliveries();
        let here = all.iter().filter(|delivery| delivery.webhook == Some(webhook));
        here.map(|delivery| (delivery.message_index.unwrap(), delivery.replay)).collect()
    };
    for text in ["one", "two"] {
        world.simulator.say(conversation(1), "ana", text).unwrap();
    }
    world.start_operator(&[SCALED, OFTEN]).await;
    let mut spec = webhook_spec(1, NOBODY);
    spec["configuration"]["replayAfter"] = json!(0);
    world.create("bot", spec).await;
    let mut webhook = webhook_of(&world.wait_ready("bot").await);
    assert_eq!(sent_to(&world, webhook), [(0, true), (1, true)], "the first one has its history");

    for round in 1..=2 {
        world.simulator.delete_webhook(webhook).unwrap();
        webhook = webhook_of(&wait_another(&world, "bot", webhook).await);
        // A restart in between, so that nothing rests on what a process remembers.
        world.stop_operator().await;
        world.start_operator(&[SCALED, OFTEN]).await;
        world.simulator.say(conversation(1), "ana", "and now").unwrap();
        assert_eq!(sent_to(&world, webhook), [(1 + round, false)], "only what is new");
    }
    let creates = sent_since(&world, 0, 1, Operation::Create);
    let asked: Vec<_> = creates.iter().map(|create| create.param("Configuration.ReplayAfter")).collect();
    assert_eq!(asked, [Some("0"), None, None]);
}

#[tokio::test]
async fn webhook_missing_without_a_webhook_in_mode_observe_names_the_two_ways_on() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", with(webhook_spec(1, BOT), "mode", "Observe")).await;
    let says = [
        &conversation(1).to_string(),
        "mode Observe makes none",
        "webhookSid",
        "mode: Apply",
        &command(&world, "edit", "bot"),
    ];
    let object = world.wait_told("bot", "WebhookMissing", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "WebhookMissing");
    wait_looks(&world, 1, 3).await;
    assert_eq!(world.ever_made(conversation(1)), []);

    world.patch("bot", json!({ "spec": { "mode": "Apply" } })).await;
    world.wait_ready("bot").await;
    assert_eq!(made(&world, 1).len(), 1);
}

#[tokio::test]
async fn webhook_missing_with_a_webhook_in_mode_observe_says_that_the_mode_keeps_it_so() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let sid = webhook_of(&world.wait_ready("bot").await);
    world.patch("bot", json!({ "spec": { "mode": "Observe" } })).await;
    world.wait_ready("bot").await;
    world.simulator.delete_webhook(sid).unwrap();
    let says = [&sid.to_string(), "mode Observe", "mode: Apply", &command(&world, "edit", "bot")];
    let object = world.wait_told("bot", "WebhookMissing", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "WebhookMissing");
    assert_eq!(webhook_of(&object), sid);
    wait_looks(&world, 1, 3).await;
    assert_eq!(made(&world, 1).len(), 1);

    // Somebody puts it back, and removes it again.
    world.simulator.restore_webhook(sid).unwrap();
    assert_eq!(webhook_of(&world.wait_ready("bot").await), sid);
    world.simulator.delete_webhook(sid).unwrap();
    world.wait_reason("bot", "WebhookMissing").await;
    world.patch("bot", json!({ "spec": { "mode": "Apply" } })).await;
    wait_another(&world, "bot", sid).await;
    assert_eq!(made(&world, 1).len(), 2);
}

#[tokio::test]
async fn webhook_missing_without_a_webhook_names_the_one_of_the_hint() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    // It exists, and hangs on another conversation.
    let elsewhere = world.simulator.create_webhook(conversation(2), &WebhookSeed::webhook(BOT)).unwrap();
    world.create("bot", with(webhook_spec(1, BOT), "webhookSid", elsewhere.to_string())).await;
    let says = [
        &elsewhere.to_string(),
        "which webhookSid names",
        &conversation(1).to_string(),
        &command(&world, "edit", "bot"),
    ];
    let object = world.wait_told("bot", "WebhookMissing", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "WebhookMissing");
    wait_looks(&world, 1, 3).await;
    assert_eq!(world.ever_made(conversation(1)), []);

    world.patch("bot", json!({ "spec": { "webhookSid": null } })).await;
    world.wait_ready("bot").await;
    assert_eq!(made(&world, 1).len(), 1);
    assert_eq!(alive_sids(&world, 2), [elsewhere]);
}

#[tokio::test]
async fn webhook_missing_with_a_webhook_that_comes_back_leads_to_its_deletion_beside_the_new_one() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let old = webhook_of(&world.wait_ready("bot").await);
    world.simulator.delete_webhook(old).unwrap();
    let new = webhook_of(&wait_another(&world, "bot", old).await);

    world.simulator.restore_webhook(old).unwrap();
    eventually("the old one is deleted", PATIENCE, async || (alive_sids(&world, 1) == [new]).then_some(()))
        .await;
    wait_event(&world, "bot", "DeletedAgain", &old.to_string()).await;
    let ledger = world.simulator.ledger();
    let deleted = &ledger.get(old).unwrap().deleted.as_ref().unwrap().by;
    assert!(ApiClient::any().did(deleted), "{deleted:?}");
    let object = world.wait_ready("bot").await;
    assert_eq!((webhook_of(&object), lost_of(&object)), (new, texts(&[old])));

    // And once more, while the operator is away and its object is to go.
    world.kill_operator();
    world.simulator.restore_webhook(old).unwrap();
    world.delete("bot").await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.wait_gone("bot").await;
    assert_eq!(alive_sids(&world, 1), []);
}

#[tokio::test]
async fn webhook_missing_with_a_webhook_that_comes_back_as_another_objects_stays_that_ones() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let old = webhook_of(&world.wait_ready("bot").await);
    world.simulator.delete_webhook(old).unwrap();
    let new = webhook_of(&wait_another(&world, "bot", old).await);

    // The first owner looks away while somebody else takes the old one over.
    world.patch("bot", json!({ "spec": { "mode": "Suspended" } })).await;
    world
        .wait("bot", "suspended", |object| {
            object.status.as_ref().and_then(|status| status.observed_generation) == object.metadata.generation
        })
        .await;
    world.simulator.restore_webhook(old).unwrap();
    let heir = webhook_spec(1, "https://bots.example.com/heir");
    world.create("heir", with(heir, "webhookSid", old.to_string())).await;
    assert_eq!(webhook_of(&world.wait_ready("heir").await), old);

    let mark = world.simulator.journal_mark();
    world.patch("bot", json!({ "spec": { "mode": "Apply" } })).await;
    let object = world.wait_ready("bot").await;
    assert_eq!((webhook_of(&object), lost_of(&object)), (new, texts(&[old])));
    wait_looks(&world, 1, 3).await;
    assert_eq!(alive_sids(&world, 1), [old, new]);
    assert_eq!(sent_since(&world, mark, 1, Operation::Delete), []);

    // Not even when the object that lost it goes.
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(alive_sids(&world, 1), [old]);
}
