//! R18: objects that go although nobody took our finalizer off.

use std::time::Duration;

use controlplane::Part;
use conversation_webhook_operator::api::ABANDON_ANNOTATION;
use serde_json::json;
use twilio_conversations_simulator::{Fault, FaultRule, Operation};

use crate::support::{
    BOT, SCALED, World, annotate, assert_harmless, conversation, eventually, only_webhook, sent, sid_of,
    strip_finalizers, wait_sent, webhook_spec,
};

const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until no webhook of conversation `n` is left.
async fn wait_deleted(world: &World, n: u32) {
    let what = format!("the webhook on conversation {n} is deleted");
    eventually(&what, PATIENCE, async || world.alive(conversation(n)).is_empty().then_some(())).await;
}

/// Objects on the conversations from 1, in this order, each Ready.
async fn served(world: &World, names: &[&str]) {
    for (n, name) in (1..).zip(names) {
        world.create(name, webhook_spec(n, BOT)).await;
    }
    for name in names {
        world.wait_ready(name).await;
    }
}

#[tokio::test]
async fn r18_a_webhook_whose_object_vanished_while_twilio_was_away_is_deleted_afterwards() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    served(&world, &["bot"]).await;
    world.simulator.add_fault(FaultRule::new(Fault::error(503, 20503)));
    world.delete("bot").await;
    wait_sent(&world, 1, Operation::Delete, |request| request.status == Some(503)).await;
    strip_finalizers(&world, "bot").await;
    let tries = sent(&world, 1, Operation::Delete).len();
    eventually("it is tried although the object is gone", PATIENCE, async || {
        (sent(&world, 1, Operation::Delete).len() > tries + 1).then_some(())
    })
    .await;
    only_webhook(&world, 1);
    world.simulator.clear_faults();
    wait_deleted(&world, 1).await;
    assert_harmless(&world);
}

/// Its Secret went with it, as when a namespace is emptied by force.
#[tokio::test]
async fn r18_a_webhook_whose_object_vanished_with_its_secret_is_deleted_by_the_credentials_in_memory() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, "--credentials-ttl=1s"]).await;
    served(&world, &["bot"]).await;
    world.delete_secret("twilio-credentials").await;
    world.operator.as_mut().unwrap().pause().await;
    world.delete("bot").await;
    strip_finalizers(&world, "bot").await;
    world.operator.as_mut().unwrap().resume();
    wait_deleted(&world, 1).await;
    assert_harmless(&world);
}

#[tokio::test]
async fn r18_policies_hold_for_objects_that_vanished() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    served(&world, &["retained", "observed", "abandoned", "deleted"]).await;
    world.patch("retained", json!({ "spec": { "deletionPolicy": "Retain" } })).await;
    world.patch("observed", json!({ "spec": { "mode": "Observe" } })).await;
    let sid = sid_of(&world.objects().get("abandoned").await.unwrap());
    annotate(&world, "abandoned", ABANDON_ANNOTATION, &sid).await;
    for name in ["retained", "observed"] {
        world.wait_ready(name).await;
    }
    // They are stripped, deleted and gone before the operator sees any of it.
    let operator = world.operator.as_mut().unwrap();
    operator.pause().await;
    for name in ["retained", "observed", "abandoned", "deleted"] {
        world.patch(name, json!({ "metadata": { "finalizers": null } })).await;
        world.delete(name).await;
        world.wait_gone(name).await;
    }
    world.operator.as_mut().unwrap().resume();
    // The last one to go is the last to be cleaned up after.
    wait_deleted(&world, 4).await;
    world.create("later", webhook_spec(5, BOT)).await;
    world.wait_ready("later").await;
    for n in 1..=3 {
        only_webhook(&world, n);
        assert_eq!(sent(&world, n, Operation::Delete), [], "conversation {n}");
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn r18_an_object_that_leaves_the_selector_keeps_its_webhook() {
    let shard = |shard: &str| json!({ "metadata": { "labels": { "shard": shard } } });
    let mut world = World::new().await;
    world.start_operator(&[SCALED, "--watch-label-selector=shard=a"]).await;
    for (n, name) in [(1, "moved"), (2, "deleted")] {
        world.create(name, webhook_spec(n, BOT)).await;
        world.patch(name, shard("a")).await;
        world.wait_ready(name).await;
    }
    let mark = world.mark().await;
    world.patch("moved", shard("b")).await;
    eventually("it is looked for", PATIENCE, async || {
        let touched = world.touches_since(mark).await;
        touched.iter().any(|request| request.verb == "get" && request.name == "moved").then_some(())
    })
    .await;
    world.operator.as_mut().unwrap().pause().await;
    world.patch("deleted", json!({ "metadata": { "finalizers": null } })).await;
    world.delete("deleted").await;
    world.wait_gone("deleted").await;
    world.operator.as_mut().unwrap().resume();
    wait_deleted(&world, 2).await;
    only_webhook(&world, 1);
    // It comes back to the very webhook.
    let before = world.objects().get("moved").await.unwrap();
    world.patch("moved", shard("a")).await;
    world.patch("moved", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    let now = world.wait_ready("moved").await;
    assert_eq!(sid_of(&now), sid_of(&before));
    only_webhook(&world, 1);
    assert_harmless(&world);
}

#[tokio::test]
async fn r18_what_vanished_while_the_watch_was_cut_is_found_by_the_next_list() {
    let mut world = World::on_own_plane().await;
    world.start_operator(&[SCALED]).await;
    served(&world, &["vanished", "kept"]).await;
    world.operator.as_mut().unwrap().pause().await;
    world.patch("vanished", json!({ "metadata": { "finalizers": null } })).await;
    world.delete("vanished").await;
    world.wait_gone("vanished").await;
    // The new server remembers nothing that it could tell a watch from before.
    world.plane.restart(Part::ApiServer).await.unwrap();
    world.operator.as_mut().unwrap().resume();
    wait_deleted(&world, 1).await;
    world.patch("kept", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world.wait_ready("kept").await;
    only_webhook(&world, 2);
    let log = world.operator.as_ref().unwrap().log();
    assert!(log.contains("the watch broke and is taken up again"), "{log}");
    assert_harmless(&world);
}

#[tokio::test]
async fn r18_objects_that_vanished_with_their_kind_leave_their_webhooks() {
    let mut world = World::on_own_plane().await;
    world.start_operator(&[SCALED]).await;
    served(&world, &["bot"]).await;
    let operator = world.operator.as_mut().unwrap();
    operator.pause().await;
    let kind = "crd/conversationwebhooks.conversations.twilio-operator.dev";
    world.plane.kubectl(&["delete", kind, "--wait=false"]).await.unwrap();
    eventually("the object is to go", PATIENCE, async || {
        world.objects().get("bot").await.unwrap().metadata.deletion_timestamp.map(|_| ())
    })
    .await;
    let mark = world.mark().await;
    let unheld = json!({ "metadata": { "finalizers": null } }).to_string();
    let patch = ["patch", "cw", "bot", "--namespace", &world.namespace, "--type=merge", "--patch", &unheld];
    world.plane.kubectl(&patch).await.unwrap();
    world.operator.as_mut().unwrap().resume();
    eventually("the operator looks at the kind", PATIENCE, async || {
        let requests = world.requests_since(mark).await;
        requests.iter().any(|request| request.resource == "customresourcedefinitions").then_some(())
    })
    .await;
    world.stop_operator().await;
    only_webhook(&world, 1);
    assert_eq!(sent(&world, 1, Operation::Delete), []);
}
