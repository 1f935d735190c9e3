//! Case: a person lets an object go without its webhook.

use conversation_webhook_operator::api::ABANDON_ANNOTATION;
use twilio_conversations_simulator::{Fault, Operation};

use super::{served, wait_left_behind};
use crate::support::{
    BOT, PATIENCE, World, annotate, ask, conversation, eventually, journal_of, made, only_webhook, sent,
    strike, wait_event_saying, wait_sent, webhook_spec,
};

/// The receipt: Event, log line and metric.
async fn wait_receipt(world: &World, name: &str, says: &[&str], so_far: usize) {
    wait_event_saying(world, name, "Abandoned", says).await;
    wait_left_behind(world, "Abandoned", so_far).await;
    eventually("the line in the log", PATIENCE, async || {
        let log = world.operator.as_ref().unwrap().log();
        let line = log.lines().find(|line| {
            line.contains("left at Twilio")
                && line.contains("Abandoned")
                && says.iter().all(|text| line.contains(text))
        });
        line.map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn deletion_abandon_with_the_very_sid_lets_the_object_go_and_leaves_a_receipt() {
    let mut world = World::new().await;
    world.start_operator(&["--time-scale=0.1"]).await;
    let sid = served(&world, 1, "bot").await;
    let neighbours = served(&world, 2, "neighbour").await;
    world.stop_operator().await;
    world.delete_secret("twilio-credentials").await;
    world.start_operator(&["--time-scale=0.1"]).await;
    world.delete("bot").await;
    world.wait_reason("bot", "DeletionBlocked").await;
    // Another's, nobody's, and the object's own name are not the webhook's SID.
    for wrong in [&neighbours, "WH00000000000000000000000000000099", "bot", "true", ""] {
        annotate(&world, "bot", ABANDON_ANNOTATION, wrong).await;
        ask(&world, "bot").await;
        world.wait_told("bot", "DeletionBlocked", &[&sid]).await;
    }
    annotate(&world, "bot", ABANDON_ANNOTATION, &sid).await;
    world.wait_gone("bot").await;
    only_webhook(&world, 1);
    assert_eq!(sent(&world, 1, Operation::Delete), []);
    wait_receipt(&world, "bot", &[&sid, "stays at Twilio"], 1).await;
}

#[tokio::test]
async fn deletion_abandon_with_the_id_of_the_open_attempt_lets_the_object_go_and_leaves_a_receipt() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    world.kill_operator();
    world.delete_secret("twilio-credentials").await;
    world.start_operator(&["--time-scale=0.1"]).await;
    world.delete("bot").await;
    let attempt = journal_of(&world.objects().get("bot").await.unwrap()).id;
    let command = format!("annotate cw bot --overwrite {ABANDON_ANNOTATION}={attempt}");
    world.wait_told("bot", "DeletionBlocked", &[&command]).await;
    // The SID is not what holds the object: nobody knows it yet.
    let sid = made(&world, 1)[0].sid.to_string();
    annotate(&world, "bot", ABANDON_ANNOTATION, &sid).await;
    ask(&world, "bot").await;
    world.wait_told("bot", "DeletionBlocked", &[&command]).await;
    annotate(&world, "bot", ABANDON_ANNOTATION, &attempt).await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)).len(), 1);
    wait_receipt(&world, "bot", &[&attempt, &conversation(1).to_string(), "stays at Twilio"], 1).await;
}

#[tokio::test]
async fn deletion_abandon_says_nothing_before_the_object_is_deleted() {
    let mut world = World::new().await;
    world.start_operator(&["--resync-interval=1s"]).await;
    let sid = served(&world, 1, "bot").await;
    annotate(&world, "bot", ABANDON_ANNOTATION, &sid).await;
    ask(&world, "bot").await;
    assert_eq!(world.wait_ready("bot").await.metadata.deletion_timestamp, None);
    only_webhook(&world, 1);
    world.delete("bot").await;
    world.wait_gone("bot").await;
    only_webhook(&world, 1);
    wait_receipt(&world, "bot", &[&sid], 1).await;
}
