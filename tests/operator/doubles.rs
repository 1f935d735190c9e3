//! What cannot be prevented is reported: a second webhook of an object, from a create that arrived beyond every window.

use std::time::Duration;

use conversation_webhook_operator::api::ConditionType;
use twilio_conversations_simulator::{Fault, Operation, WebhookSeed};

use crate::support::{
    BOT, PATIENCE, SCALED, World, condition, conversation, eventually, made, plant, ready, sids, strike,
    wait_event_saying, webhook_spec,
};

const OFTEN: &str = "--resync-interval=1s";

/// Waits until the object's webhook is said to have a second one beside it, while it stays Ready itself.
async fn wait_doubled(world: &World, name: &str, other: &str) {
    let says = [other, "belongs to no object", "delete"];
    let object = world.wait_told_by(ConditionType::Stalled, name, "TwinExists", &says).await;
    assert_eq!(ready(&object).map(|ready| (&*ready.status, &*ready.reason)), Some(("True", "Available")));
    wait_event_saying(world, name, "TwinExists", &[other]).await;
    eventually("the metric counts it", PATIENCE, async || {
        let metrics = world.operator.as_ref().unwrap().admin("/metrics").await;
        metrics.lines().any(|line| line == "cwo_suspected_duplicates 1").then_some(())
    })
    .await;
}

/// Waits until nothing is said of a second webhook any more.
async fn wait_single(world: &World, name: &str) {
    world.wait(name, "alone", |object| condition(object, ConditionType::Stalled).is_none()).await;
    let object = world.wait_ready(name).await;
    assert_eq!(ready(&object).unwrap().reason, "Available");
}

#[tokio::test]
async fn a_create_that_arrives_beyond_its_window_is_reported_and_not_deleted() {
    let mut world = World::new().await;
    // Long after the window of the attempt, and after the second create.
    strike(&world, 1, Operation::Create, Fault::late_commit(9000));
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.create("neighbour", webhook_spec(2, BOT)).await;
    let object = world.wait_ready("bot").await;
    let first = object.status.unwrap().webhook_sid.unwrap().to_string();
    let late = eventually("the late one is there", Duration::from_secs(30), async || {
        let made = sids(&made(&world, 1));
        made.into_iter().find(|sid| *sid != first)
    })
    .await;
    wait_doubled(&world, "bot", &late).await;
    assert_eq!(sids(&world.alive(conversation(1))).len(), 2, "nothing proves whose it is");
    assert_eq!(world.simulator.counters().total(Operation::Delete).requests, 0);
    world.wait_ready("neighbour").await;

    world.simulator.delete_webhook(late.parse().unwrap()).unwrap();
    wait_single(&world, "bot").await;
}

#[tokio::test]
async fn a_strangers_later_twin_is_reported_until_an_object_claims_it() {
    let mut world = World::new().await;
    let before = plant(&world, 1, &WebhookSeed::webhook("https://other.example.com/"));
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    let twin = plant(&world, 1, &WebhookSeed::webhook(BOT));
    wait_doubled(&world, "bot", &twin).await;

    let mut claim = webhook_spec(1, BOT);
    claim["webhookSid"] = twin.clone().into();
    world.create("claimant", claim).await;
    world.wait_ready("claimant").await;
    wait_single(&world, "bot").await;
    let alive = sids(&world.alive(conversation(1)));
    assert!(alive.contains(&before) && alive.contains(&twin) && alive.len() == 3, "{alive:?}");
}
