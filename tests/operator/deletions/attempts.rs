//! Cases: an open attempt, also with Retain and mode Observe, and one of another cluster.

use conversation_webhook_operator::api::CONFIRM_RESTORE_ANNOTATION;
use serde_json::{Value, json};
use twilio_conversations_simulator::{Fault, Operation};

use super::wait_left_behind;
use crate::support::{
    BOT, SCALED, World, annotate, assert_harmless, backup, conversation, made, only_webhook, restore, sent,
    strike, strip_finalizers, wait_event_saying, wait_sent, webhook_spec,
};

/// An object whose create was carried out while its process died over the reply.
async fn open_attempt(world: &mut World, n: u32, name: &str, fault: Fault) {
    strike(world, n, Operation::Create, fault);
    world.start_operator(&[]).await;
    world.create(name, webhook_spec(n, BOT)).await;
    wait_sent(world, n, Operation::Create, |_| true).await;
    world.kill_operator();
}

#[tokio::test]
async fn deletion_open_attempt_is_resolved_first_and_what_it_made_is_deleted() {
    let mut world = World::new().await;
    open_attempt(&mut world, 1, "made", Fault::hang_after_commit()).await;
    open_attempt(&mut world, 2, "lost", Fault::hang()).await;
    let sid = only_webhook(&world, 1).sid.to_string();
    for name in ["made", "lost"] {
        world.delete(name).await;
    }
    world.start_operator(&[SCALED]).await;
    let waiting = world.wait_reason("made", "CreateUnresolved").await;
    assert!(waiting.metadata.deletion_timestamp.is_some());
    for name in ["made", "lost"] {
        world.wait_gone(name).await;
    }
    assert_eq!(world.alive(conversation(1)), []);
    wait_event_saying(&world, "made", "Deleted", &[&sid]).await;
    assert_eq!(made(&world, 2), []);
    for n in [1, 2] {
        assert_eq!(sent(&world, n, Operation::Create).len(), 1);
        assert!(!sent(&world, n, Operation::List).is_empty());
    }
    assert_eq!(sent(&world, 2, Operation::Delete), []);
    assert_harmless(&world);
}

#[tokio::test]
async fn deletion_retain_and_mode_observe_resolve_an_open_attempt_first_and_name_what_stays() {
    let mut world = World::new().await;
    let cases = [
        (1, "retained", json!({ "spec": { "deletionPolicy": "Retain" } }), "deletionPolicy"),
        (2, "observed", json!({ "spec": { "mode": "Observe" } }), "mode Observe"),
    ];
    for (n, name, patch, _) in &cases {
        open_attempt(&mut world, *n, name, Fault::hang_after_commit()).await;
        world.patch(name, patch.clone()).await;
        world.delete(name).await;
    }
    world.start_operator(&[SCALED]).await;
    for (n, name, _, why) in &cases {
        world.wait_gone(name).await;
        let sid = only_webhook(&world, *n).sid.to_string();
        wait_event_saying(&world, name, "CreateRecovered", &[&sid]).await;
        wait_event_saying(&world, name, "Retained", &[&sid, why]).await;
        assert_eq!(sent(&world, *n, Operation::Delete), []);
    }
    wait_left_behind(&world, "Retained", 2).await;
    assert_harmless(&world);
}

#[tokio::test]
async fn deletion_restored_elsewhere_and_not_confirmed_leaves_the_other_clusters_webhook() {
    let mut world = World::new().await;
    world.start_operator(&["--cluster-id=there"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let manifest = moved(&mut world).await;
    restore(&world, &manifest).await;
    let mark = world.simulator.journal_mark();
    world.start_operator(&[SCALED, "--cluster-id=here"]).await;
    world.wait_told("bot", "RestoredElsewhere", &["delete cw bot"]).await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    only_webhook(&world, 1);
    assert_eq!(world.simulator.journal_since(mark), []);
    wait_event_saying(&world, "bot", "RestoredElsewhere", &["another cluster", "stays at Twilio"]).await;
    wait_left_behind(&world, "RestoredElsewhere", 1).await;
}

#[tokio::test]
async fn deletion_restored_elsewhere_and_confirmed_deletes_the_webhook_that_moved_with_the_object() {
    let mut world = World::new().await;
    world.start_operator(&["--cluster-id=there"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let manifest = moved(&mut world).await;
    let object = restore(&world, &manifest).await;
    annotate(&world, "bot", CONFIRM_RESTORE_ANNOTATION, object.metadata.uid.as_deref().unwrap()).await;
    world.delete("bot").await;
    world.start_operator(&[SCALED, "--cluster-id=here"]).await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_eq!(made(&world, 1).len(), 1);
    assert_harmless(&world);
}

/// Waits until the object is served, and takes it away with its operator, which leaves its webhook; its backup.
async fn moved(world: &mut World) -> Value {
    world.wait_ready("bot").await;
    world.stop_operator().await;
    let manifest = backup(world, "bot").await;
    world.delete("bot").await;
    strip_finalizers(world, "bot").await;
    manifest
}

/// The watch may bring an older version of an object after it was let go.
#[tokio::test]
async fn deletion_retain_is_said_and_counted_once_for_each_object() {
    const OBJECTS: u32 = 20;
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    for n in 1..=OBJECTS {
        strike(&world, n, Operation::Create, Fault::reset_after_commit());
        let mut spec = webhook_spec(n, BOT);
        spec["deletionPolicy"] = json!("Retain");
        world.create(&format!("bot-{n}"), spec).await;
        wait_sent(&world, n, Operation::Create, |_| true).await;
        world.delete(&format!("bot-{n}")).await;
    }
    for n in 1..=OBJECTS {
        world.wait_gone(&format!("bot-{n}")).await;
    }
    world.create("neighbour", webhook_spec(60, BOT)).await;
    world.wait_ready("neighbour").await;
    wait_left_behind(&world, "Retained", OBJECTS as usize).await;
    let log = world.operator.as_ref().unwrap().log();
    assert_eq!(log.matches("left at Twilio").count(), OBJECTS as usize);
}
