//! Before the first pass, after a request for one, and when an object cannot go.

use conversation_webhook_operator::api::ConditionType::{Ready, Stalled};
use conversation_webhook_operator::api::{ATTEMPT_ANNOTATION, RECONCILE_ANNOTATION};
use kube::ResourceExt;
use serde_json::{Value, json};
use twilio_conversations_simulator::{AccountSeed, ConversationSeed, Fault, FaultRule, Operation};

use super::{
    BOT, CHECKS, NO_CHECKS, SCALE, SID, TOKEN, WRONG_TOKEN, account, follow, operations, spec_with_secret,
    told, wait_checks, wait_state,
};
use crate::support::{World, condition, conversation, webhook_spec};

#[tokio::test]
async fn reconcile_succeeded_and_credentials_accepted_are_said_once_the_operator_has_seen_the_object() {
    let mut world = World::new().await;
    let object = world.create("bot", webhook_spec(1, BOT)).await;
    // Nobody takes a new object for finished: the schema's default, before any operator.
    let status = serde_json::to_value(object.status.unwrap()).unwrap();
    assert_eq!(status, json!({ "observedGeneration": -1 }));
    world.start_operator(&[NO_CHECKS]).await;
    let at_rest = [
        "Ready=True Available",
        "Synced=True ReconcileSucceeded",
        "CredentialsValid=True CredentialsAccepted",
    ];
    let object = wait_state(&world, "bot", &at_rest).await;
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.observed_generation, object.metadata.generation);
    let sid = status.webhook_sid.as_ref().unwrap().to_string();
    told(&object, Ready, &[&sid, &conversation(1).to_string()]);
    for condition in &status.conditions {
        assert_eq!(condition.observed_generation, object.metadata.generation, "{}", condition.type_);
    }
}

#[tokio::test]
async fn reconcile_succeeded_echoes_each_request_for_a_pass_and_costs_one_look_and_one_write() {
    let mut world = World::new().await;
    world.start_operator(&[NO_CHECKS]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    for value in ["first", "second"] {
        let (writes, mark) = (world.mark().await, world.simulator.journal_mark());
        let ask = json!({ "metadata": { "annotations": { RECONCILE_ANNOTATION: value } } });
        world.patch("bot", ask).await;
        world
            .wait("bot", "answered", |object| {
                object.status.as_ref().unwrap().last_handled_reconcile_at.as_deref() == Some(value)
            })
            .await;
        assert_eq!(operations(&world, 1, mark), [Operation::List]);
        assert_eq!(world.writes_since(writes).await.len(), 1);
    }
}

/// A world in which the neighbour has an account of its own: credentials of one that serve elsewhere in a namespace
/// would serve for a deletion.
async fn with_a_foreign_neighbour(secret: &str) -> World {
    let (sid, token) = ("AC00000000000000000000000000000002", "canary-other-token");
    let other = AccountSeed::new(account(sid), token).conversation(ConversationSeed::new(conversation(99)));
    let world = World::with(World::seed().account(other)).await;
    world.grant_secrets(&[secret, "neighbour"]).await;
    world.secret(secret, &[SID, TOKEN]).await;
    world.secret("neighbour", &[("TWILIO_ACCOUNT_SID", sid), ("TWILIO_AUTH_TOKEN", token)]).await;
    world.create("neighbour", spec_with_secret(99, "neighbour")).await;
    world
}

#[tokio::test]
async fn deletion_blocked_with_a_webhook_until_the_secret_is_right_or_the_object_is_let_go() {
    let mut world = with_a_foreign_neighbour("wrong").await;
    world.start_operator(&[SCALE, CHECKS]).await;
    for (n, name) in [(2, "abandoned"), (3, "healed")] {
        world.create(name, spec_with_secret(n, "wrong")).await;
        world.wait_ready(name).await;
    }
    // No process remembers what the Secret held.
    world.stop_operator().await;
    world.secret("wrong", &[SID, WRONG_TOKEN]).await;
    world.start_operator(&[SCALE, CHECKS]).await;
    for name in ["abandoned", "healed"] {
        world.delete(name).await;
    }
    let mut messages = Vec::new();
    for (n, name) in [(2, "abandoned"), (3, "healed")] {
        let object = world.wait_told(name, "DeletionBlocked", &["cannot be deleted at Twilio"]).await;
        assert_eq!(condition(&object, Ready).unwrap().status, "False");
        assert_eq!(condition(&object, Stalled).unwrap().reason, "DeletionBlocked");
        let credentials = conversation_webhook_operator::api::ConditionType::CredentialsValid;
        assert_eq!(condition(&object, credentials).unwrap().reason, "CredentialsRejected");
        let sid = world.alive(conversation(n))[0].sid.to_string();
        messages.push(told(&object, Ready, &[&sid, "Twilio error 20003", "abandon="]));
    }
    wait_checks(&world, 99, 3).await;
    follow(&world, &messages[0]).await;
    world.wait_gone("abandoned").await;
    assert_eq!(world.alive(conversation(2)).len(), 1, "it is left there, as the message says");
    world.secret("wrong", &[SID, TOKEN]).await;
    world.wait_gone("healed").await;
    assert_eq!(world.alive(conversation(3)), []);
}

#[tokio::test]
async fn deletion_blocked_without_a_webhook_only_while_a_create_is_open() {
    let mut world = with_a_foreign_neighbour("gone").await;
    let lost = FaultRule::new(Fault::reset_after_commit()).on(Operation::Create);
    world.simulator.add_fault(lost.conversation(conversation(2)).once());
    world.start_operator(&[CHECKS]).await;
    world.create("open", spec_with_secret(2, "gone")).await;
    let object = world.wait_reason("open", "CreateUnresolved").await;
    let journal: Value = serde_json::from_str(&object.annotations()[ATTEMPT_ANNOTATION]).unwrap();
    world.stop_operator().await;
    world.secret("gone", &[SID, WRONG_TOKEN]).await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("made-nothing", spec_with_secret(3, "gone")).await;
    world.wait_reason("made-nothing", "CredentialsRejected").await;
    for name in ["open", "made-nothing"] {
        world.delete(name).await;
    }
    world.wait_gone("made-nothing").await;
    let id = journal["id"].as_str().unwrap();
    let says = ["what a create made cannot be deleted", id, "abandon="];
    let object = world.wait_told("open", "DeletionBlocked", &says).await;
    assert_eq!(condition(&object, Ready).unwrap().status, "False");
    wait_checks(&world, 99, 2).await;
    assert_eq!(world.alive(conversation(2)).len(), 1);
    world.secret("gone", &[SID, TOKEN]).await;
    world.wait_gone("open").await;
    assert_eq!(world.alive(conversation(2)), []);
}
