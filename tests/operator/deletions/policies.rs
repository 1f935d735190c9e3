//! Cases: Retain, mode Observe, mode Suspended, a spec that cannot be carried out.

use conversation_webhook_operator::api::ConditionType::Synced;
use conversation_webhook_operator::api::RECONCILE_ANNOTATION;
use serde_json::json;
use twilio_conversations_simulator::Operation;

use super::{served, wait_left_behind};
use crate::support::{
    ACCOUNT, AUTH_TOKEN, BOT, World, annotate, ask, assert_harmless, conversation, only_webhook, sent,
    wait_event_saying, webhook_spec,
};

#[tokio::test]
async fn deletion_retain_leaves_the_webhook_and_says_so() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let sid = served(&world, 1, "bot").await;
    world.patch("bot", json!({ "spec": { "deletionPolicy": "Retain" } })).await;
    world.wait_ready("bot").await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    only_webhook(&world, 1);
    assert_eq!(sent(&world, 1, Operation::Delete), []);
    wait_event_saying(&world, "bot", "Retained", &[&sid, "deletionPolicy"]).await;
    wait_left_behind(&world, "Retained", 1).await;
}

#[tokio::test]
async fn deletion_mode_observe_leaves_the_webhook_and_names_it() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let sid = served(&world, 1, "bot").await;
    world.patch("bot", json!({ "spec": { "mode": "Observe" } })).await;
    world.wait_ready("bot").await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    only_webhook(&world, 1);
    assert_eq!(sent(&world, 1, Operation::Delete), []);
    wait_event_saying(&world, "bot", "Retained", &[&sid, "mode Observe"]).await;
    wait_left_behind(&world, "Retained", 1).await;
}

#[tokio::test]
async fn deletion_mode_suspended_deletes_the_webhook_as_ever() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let sid = served(&world, 1, "bot").await;
    world.patch("bot", json!({ "spec": { "mode": "Suspended" } })).await;
    ask(&world, "bot").await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    wait_event_saying(&world, "bot", "Deleted", &[&sid]).await;
    assert_harmless(&world);
}

#[tokio::test]
async fn deletion_an_invalid_spec_does_not_stand_in_the_way() {
    let mut world = World::new().await;
    world.grant_secrets(&["address"]).await;
    world.secret("address", &[("url", BOT)]).await;
    world.start_operator(&["--time-scale=0.1", "--credentials-ttl=1s"]).await;
    // One whose address is nowhere to be had any more, one that Twilio refuses.
    let mut spec = webhook_spec(1, BOT);
    let from = json!({ "secretKeyRef": { "name": "address", "key": "url" } });
    spec["configuration"] = json!({ "urlFrom": from, "filters": ["onMessageAdded"] });
    world.create("nowhere", spec).await;
    world.wait_ready("nowhere").await;
    served(&world, 2, "refused").await;
    world.delete_secret("address").await;
    ask_until_told(&world, "nowhere", "urlFrom").await;
    let filters = json!({ "spec": { "configuration": { "filters": ["onNoSuchEvent"] } } });
    world.patch("refused", filters).await;
    world.wait_reason("refused", "InvalidConfiguration").await;
    for (n, name) in [(1, "nowhere"), (2, "refused")] {
        world.delete(name).await;
        world.wait_gone(name).await;
        assert_eq!(world.alive(conversation(n)), [], "{name}");
    }
    assert_harmless(&world);
}

/// Asks for a look at the object, whose webhook stays Ready while nobody knows that it differs.
async fn ask_until_told(world: &World, name: &str, says: &str) {
    annotate(world, name, RECONCILE_ANNOTATION, "now").await;
    world.wait_told_by(Synced, name, "InvalidConfiguration", &[says]).await;
}

#[tokio::test]
async fn deletion_no_sid_and_no_open_attempt_needs_no_call_and_no_credentials() {
    let mut world = World::new().await;
    world.start_operator(&["--time-scale=0.1", "--credentials-ttl=1s"]).await;
    // Both have our finalizer, from an attempt that Twilio refused.
    for (n, name) in [(1, "without"), (2, "with-wrong-ones")] {
        let mut spec = webhook_spec(n, BOT);
        spec["configuration"]["filters"] = json!(["onNoSuchEvent"]);
        world.create(name, spec).await;
        world.wait_reason(name, "InvalidConfiguration").await;
    }
    let mark = world.simulator.journal_mark();
    world.delete_secret("twilio-credentials").await;
    world.delete("without").await;
    world.wait_gone("without").await;
    let wrong = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", "canary-wrong-token")];
    world.secret("twilio-credentials", &wrong).await;
    world.delete("with-wrong-ones").await;
    world.wait_gone("with-wrong-ones").await;
    assert_eq!(world.simulator.journal_since(mark), []);
    let right = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)];
    world.secret("twilio-credentials", &right).await;
    served(&world, 3, "neighbour").await;
    let ledger = world.simulator.ledger();
    assert_eq!(ledger.records().len(), 1, "the neighbour's");
}
