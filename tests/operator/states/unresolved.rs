//! The outcome of a create is not known yet: this object's own, or one that comes before it.

use std::time::Duration;

use conversation_webhook_operator::api::ConditionType::Ready;
use serde_json::json;
use twilio_conversations_simulator::{Fault, FaultRule, Operation, Silence};

use super::{BOT, NO_CHECKS, SCALE, about, told, wait_checks, wait_state};
use crate::support::{World, conversation, eventually, ready, sent, webhook_spec};

const OTHER: &str = "https://bots.example.com/b";

/// Lets the next create on conversation 1 go wrong.
fn strike(world: &World, fault: Fault) {
    let rule = FaultRule::new(fault).on(Operation::Create).conversation(conversation(1));
    world.simulator.add_fault(rule.once());
}

async fn set_mode(world: &World, name: &str, mode: &str) {
    world.patch(name, json!({ "spec": { "mode": mode } })).await;
}

#[tokio::test]
async fn create_unresolved_is_neither_ready_nor_unready_and_asks_for_nobody() {
    let mut world = World::new().await;
    strike(&world, Fault::reset_after_commit());
    world.start_operator(&[SCALE, NO_CHECKS]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let unresolved = ["Ready=Unknown CreateUnresolved", "CredentialsValid=True CredentialsAccepted"];
    let object = wait_state(&world, "bot", &unresolved).await;
    told(&object, Ready, &[&conversation(1).to_string(), "is not known", "it is looked for"]);
    world.wait_ready("bot").await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
}

#[tokio::test]
async fn create_unresolved_while_an_open_create_of_a_sibling_asks_for_the_same() {
    let mut world = World::new().await;
    strike(&world, Fault::reset_after_commit());
    world.start_operator(&[SCALE, "--resync-interval=1s"]).await;
    world.create("neighbour", webhook_spec(2, BOT)).await;
    world.create("first", webhook_spec(1, BOT)).await;
    world.wait_reason("first", "CreateUnresolved").await;
    // Nobody resolves it meanwhile.
    set_mode(&world, "first", "Suspended").await;
    world.wait_reason("first", "Suspended").await;
    world.create("second", webhook_spec(1, BOT)).await;
    let sibling = format!("{}/first has a create on conversation", world.namespace);
    let object = world.wait_told("second", "CreateUnresolved", &[&sibling, "it waits for that"]).await;
    assert_eq!(ready(&object).unwrap().status, "Unknown");
    wait_checks(&world, 2, 4).await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
    set_mode(&world, "first", "Apply").await;
    world.wait_ready("first").await;
    world.wait_told("second", "TwinExists", &[&format!("{}/first", world.namespace)]).await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
    let creates =
        about(&world, 1, 0).iter().filter(|entry| entry.operation == Some(Operation::Create)).count();
    assert_eq!(creates, 1);
}

#[tokio::test]
async fn create_unresolved_while_what_turned_up_may_be_a_siblings() {
    let mut world = World::new().await;
    // The first one's webhook turns up after the second one's look, whose own request vanishes.
    strike(&world, Fault::LateCommit { after_ms: 2500, connection: Silence::Reset });
    strike(&world, Fault::reset());
    // Windows long enough for all of this to happen in one, on a busy machine too.
    world.start_operator(&["--time-scale=0.2", "--resync-interval=1s"]).await;
    world.create("neighbour", webhook_spec(2, BOT)).await;
    for (name, url, creates) in [("first", BOT, 1), ("second", OTHER, 2)] {
        world.create(name, webhook_spec(1, url)).await;
        eventually(&format!("the create of {name}"), Duration::from_secs(30), async || {
            (sent(&world, 1, Operation::Create).len() == creates).then_some(())
        })
        .await;
    }
    assert_eq!(world.alive(conversation(1)), [], "the second one's look was too late");
    set_mode(&world, "first", "Suspended").await;
    world.wait_reason("first", "Suspended").await;
    let sibling = format!("{}/first has a create on conversation", world.namespace);
    let object =
        world.wait_told("second", "CreateUnresolved", &[&sibling, "may concern this object's"]).await;
    assert_eq!(ready(&object).unwrap().status, "Unknown");
    wait_checks(&world, 2, 4).await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
    set_mode(&world, "first", "Apply").await;
    for (name, url) in [("first", BOT), ("second", OTHER)] {
        let sid = world.wait_ready(name).await.status.unwrap().webhook_sid.unwrap().to_string();
        let webhook = world.alive(conversation(1)).into_iter().find(|webhook| webhook.sid.to_string() == sid);
        assert_eq!(webhook.unwrap().configuration.url(), Some(url), "{name}");
    }
    assert_eq!(world.ever_made(conversation(1)).len(), 2);
}
