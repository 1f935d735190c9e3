//! R18: objects that go although nobody took our finalizer off.

use std::time::Duration;

use controlplane::Part;
use conversation_webhook_operator::api::ABANDON_ANNOTATION;
use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use twilio_conversations_simulator::{Fault, FaultRule, Operation, WebhookSeed};

use crate::support::{
    BOT, Gate, SCALED, World, annotate, assert_apart, assert_harmless, conversation, eventually, grant_lease,
    lists, only_webhook, plant, sent, settling, sid_of, strike, strip_finalizers, wait_event_saying,
    wait_sent, webhook_spec,
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
    // The new server remembers nothing that it could tell a watch from before.
    world.plane.restart(Part::ApiServer).await.unwrap();
    eventually("the new server serves the kind", PATIENCE, async || {
        world.objects().get_opt("vanished").await.ok().flatten().map(|_| ())
    })
    .await;
    world.patch("vanished", json!({ "metadata": { "finalizers": null } })).await;
    world.delete("vanished").await;
    world.wait_gone("vanished").await;
    let mark = world.mark().await;
    world.operator.as_mut().unwrap().resume();
    wait_deleted(&world, 1).await;
    world.patch("kept", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world.wait_ready("kept").await;
    only_webhook(&world, 2);
    let requests = world.requests_since(mark).await;
    assert!(lists(&requests) > 0, "the objects were listed anew: {:?}", requests.counts());
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

/// Takes the finalizer off and deletes: the object goes at once, with whatever journal it has. So it does where the API
/// server decided on a delete just before the finalizer was there.
async fn vanish(world: &World, name: &str) {
    world.patch(name, json!({ "metadata": { "finalizers": null } })).await;
    world.delete(name).await;
    world.wait_gone(name).await;
}

/// An object whose create on conversation `n` was carried out, and lost its reply.
async fn lose_reply(world: &World, n: u32, name: &str, spec: Value) {
    strike(world, n, Operation::Create, Fault::reset_after_commit());
    world.create(name, spec).await;
    eventually("Twilio made it", PATIENCE, async || (!world.alive(conversation(n)).is_empty()).then_some(()))
        .await;
}

#[tokio::test]
async fn r18_what_a_lost_create_made_is_deleted_when_its_object_vanished_meanwhile() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    lose_reply(&world, 1, "bot", webhook_spec(1, BOT)).await;
    vanish(&world, "bot").await;
    wait_deleted(&world, 1).await;
    let at = |operation| sent(&world, 1, operation)[0].at;
    // The window begins with the journal, a moment before the create.
    assert_apart(at(Operation::Create), at(Operation::Delete), settling());
    assert_harmless(&world);
}

/// The process that waits for Twilio's reply lives through it: nobody waits for a window.
#[tokio::test]
async fn r08_what_was_made_for_an_object_that_vanished_meanwhile_is_deleted_at_once() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    strike(&world, 1, Operation::Create, Fault::delay_after_commit(2000));
    world.create("bot", webhook_spec(1, BOT)).await;
    eventually("Twilio made it", PATIENCE, async || (!world.alive(conversation(1)).is_empty()).then_some(()))
        .await;
    vanish(&world, "bot").await;
    only_webhook(&world, 1);
    wait_deleted(&world, 1).await;
    assert_harmless(&world);
}

#[tokio::test]
async fn r18_an_object_that_vanished_and_was_made_anew_ends_with_one_webhook() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    lose_reply(&world, 1, "bot", webhook_spec(1, BOT)).await;
    vanish(&world, "bot").await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let ready = world.wait_ready("bot").await;
    eventually("one webhook is left", PATIENCE, async || {
        matches!(&world.alive(conversation(1))[..], [only] if only.sid.to_string() == sid_of(&ready))
            .then_some(())
    })
    .await;
    assert_harmless(&world);
}

#[tokio::test]
async fn r18_policies_hold_for_what_a_lost_create_made() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    let mut retained = webhook_spec(1, BOT);
    retained["deletionPolicy"] = json!("Retain");
    lose_reply(&world, 1, "retained", retained).await;
    lose_reply(&world, 2, "deleted", webhook_spec(2, BOT)).await;
    vanish(&world, "retained").await;
    vanish(&world, "deleted").await;
    wait_deleted(&world, 2).await;
    only_webhook(&world, 1);
    assert_eq!(sent(&world, 1, Operation::Delete), []);
    assert_harmless(&world);
}

/// Nothing proves which of the two is its own, and no object is there to say so.
#[tokio::test]
async fn r18_of_two_that_a_lost_create_may_have_made_none_is_deleted_and_an_event_names_both() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    lose_reply(&world, 1, "bot", webhook_spec(1, BOT)).await;
    let made = only_webhook(&world, 1).sid.to_string();
    let strangers = plant(&world, 1, &WebhookSeed::webhook(BOT));
    vanish(&world, "bot").await;
    wait_event_saying(
        &world,
        "bot",
        "CreateAmbiguous",
        &[&made, &strangers, "delete what belongs to nobody"],
    )
    .await;
    assert_eq!(world.alive(conversation(1)).len(), 2);
    assert_eq!(sent(&world, 1, Operation::Delete), []);
    let metrics = world.operator.as_ref().unwrap().admin("/metrics").await;
    assert!(metrics.contains("cwo_left_behind_total{reason=\"CreateAmbiguous\"} 1"), "{metrics}");
}

/// A user's delete that came before the operator, and waits at the gate.
async fn begin_delete(world: &World, gate: &Gate, name: &str) -> JoinHandle<()> {
    let (objects, bot, before) = (world.objects(), name.to_owned(), gate.asked());
    let deleted =
        tokio::spawn(async move { drop(objects.delete(&bot, &DeleteParams::default()).await.unwrap()) });
    eventually("the delete waits at the gate", PATIENCE, async || (gate.asked() > before).then_some(()))
        .await;
    deleted
}

/// What the API server does: the finalizer is there before the delete is carried out, and keeps nothing.
#[tokio::test]
async fn r18_a_delete_that_began_before_the_journal_takes_the_object_and_leaves_no_webhook() {
    let mut world = World::new().await;
    let gate = Gate::new(&world).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    gate.shut();
    let deleted = begin_delete(&world, &gate, "bot").await;
    strike(&world, 1, Operation::Create, Fault::reset_after_commit());
    world.start_operator(&[SCALED]).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    let last = world.objects().get("bot").await.unwrap();
    assert_eq!((last.finalizers().len(), &last.metadata.deletion_timestamp), (1, &None));
    gate.open();
    deleted.await.unwrap();
    world.wait_gone("bot").await;
    wait_deleted(&world, 1).await;
    assert_harmless(&world);
}

/// A process that is killed takes with it what it saw. The API server knows for a while what happened: what went past a
/// finalizer that was there is cleaned up after. What was let go is not looked at again, and what a hand freed while nobody
/// ran is left: whoever does that on purpose does it then.
#[tokio::test]
async fn r18_what_went_past_its_finalizer_while_no_process_ran_is_found_by_the_next_one() {
    let mut world = World::new().await;
    let gate = Gate::new(&world).await;
    for (n, name) in [(1, "let-go"), (2, "freed"), (3, "served"), (4, "open")] {
        world.create(name, webhook_spec(n, BOT)).await;
    }
    gate.shut();
    let deletes = [begin_delete(&world, &gate, "served").await, begin_delete(&world, &gate, "open").await];
    strike(&world, 4, Operation::Create, Fault::reset_after_commit());
    world.start_operator(&[]).await;
    for name in ["let-go", "freed", "served"] {
        world.wait_ready(name).await;
    }
    wait_sent(&world, 4, Operation::Create, |_| true).await;
    let let_go = begin_delete(&world, &gate, "let-go").await;
    world.kill_operator();
    gate.open();
    for deleted in deletes.into_iter().chain([let_go]) {
        deleted.await.unwrap();
    }
    for name in ["served", "open"] {
        world.wait_gone(name).await;
    }
    world.start_operator(&[SCALED]).await;
    for n in [1, 3, 4] {
        wait_deleted(&world, n).await;
    }
    world.kill_operator();
    vanish(&world, "freed").await;
    let (mark, calls) = (world.mark().await, sent(&world, 1, Operation::Delete).len());
    world.start_operator(&[SCALED]).await;
    eventually("what it found is looked at", PATIENCE, async || {
        let touched = world.touches_since(mark).await;
        touched.iter().any(|request| request.verb == "get" && request.name == "open").then_some(())
    })
    .await;
    let touched = world.touches_since(mark).await;
    assert!(touched.iter().all(|request| !["let-go", "freed"].contains(&&*request.name)), "{touched:?}");
    assert_eq!(sent(&world, 1, Operation::Delete).len(), calls);
    only_webhook(&world, 2);
    assert_harmless(&world);
}

#[tokio::test]
async fn r18_a_standby_cleans_up_what_vanished_under_a_leader_that_died() {
    let mut world = World::new().await;
    grant_lease(&world).await;
    let lease = format!("--lease-namespace={}", world.namespace);
    let arguments = ["--time-scale=0.1", "--lease-name=cwo-conversation-webhook-operator", &lease];
    world.start_operator(&arguments).await;
    served(&world, &["served"]).await;
    let standby = world.start_another_operator(&arguments).await;
    eventually("the standby has seen all", PATIENCE, async || {
        (standby.status("/readyz").await == 200).then_some(())
    })
    .await;
    lose_reply(&world, 2, "open", webhook_spec(2, BOT)).await;
    world.operator.as_mut().unwrap().pause().await;
    for name in ["served", "open"] {
        vanish(&world, name).await;
    }
    world.kill_operator();
    for n in 1..=2 {
        wait_deleted(&world, n).await;
    }
    assert_harmless(&world);
}
