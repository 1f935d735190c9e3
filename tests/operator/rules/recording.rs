//! R5, R7, R8 and R17: the writes around a create, and what becomes of the webhook when they do not go through.

use std::time::Duration;

use controlplane::Part;
use conversation_webhook_operator::api::{FINALIZER, Provenance};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use twilio_conversations_simulator::{Fault, FaultRule, Operation, Outcome, WebhookSeed};

use crate::support::{
    BOT, SCALED, World, assert_bears, assert_harmless, backup, conversation, eventually, journal_of, made,
    only_webhook, plant, restore, sent, sid_of, strike, strip_finalizers, wait_sent, webhook_spec,
};

#[tokio::test]
async fn r05_r07_a_broken_api_server_costs_no_webhook() {
    let mut world = World::on_own_plane().await;
    world.start_operator(&["--time-scale=0.1"]).await;

    // It dies over the write of the SID.
    freeze_after(&world, 1, Operation::Create, "unrecorded").await;
    assert_frozen(&world, Duration::from_secs(1)).await;
    die_and_come_back(&world).await;
    let object = world.wait_ready("unrecorded").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);

    // It dies over the write of the journal.
    freeze_after(&world, 2, Operation::List, "unjournalled").await;
    assert_frozen(&world, Duration::from_secs(1)).await;
    die_and_come_back(&world).await;
    world.wait_ready("unjournalled").await;
    only_webhook(&world, 2);

    // It is slow to write the journal: nothing is made any more on the strength of a list from before.
    freeze_after(&world, 3, Operation::List, "late").await;
    let twin = plant(&world, 3, &WebhookSeed::webhook(BOT).method("POST"));
    assert_frozen(&world, Duration::from_secs(3)).await;
    world.plane.resume(Part::Etcd).unwrap();
    world.wait_told("late", "TwinExists", &[&twin]).await;
    assert_eq!(made(&world, 3), []);
    assert_harmless(&world);
}

/// Creates an object on conversation `n`, and freezes the API server's store while Twilio answers such a request.
async fn freeze_after(world: &World, n: u32, operation: Operation, name: &str) {
    strike(world, n, operation, Fault::delay_after_commit(500));
    world.create(name, webhook_spec(n, BOT)).await;
    wait_sent(world, n, operation, |_| true).await;
    world.plane.pause(Part::Etcd).await.unwrap();
    wait_sent(world, n, operation, |request| request.outcome == Outcome::Answered).await;
}

/// So long the API server gives no answer; what the operator writes meanwhile stays in its hands.
async fn assert_frozen(world: &World, lasting: Duration) {
    let objects = world.objects();
    let asked = tokio::time::timeout(lasting, objects.get("nothing"));
    assert!(asked.await.is_err(), "the API server answers although its store is frozen");
}

/// The API server dies before it can answer; then it and its store go on.
async fn die_and_come_back(world: &World) {
    world.plane.kill(Part::ApiServer);
    world.plane.resume(Part::Etcd).unwrap();
    world.plane.restart(Part::ApiServer).await.unwrap();
}

#[tokio::test]
async fn r05_a_create_is_sent_once_its_journal_is_stored_and_once_only() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang());
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    let object = world.objects().get("bot").await.unwrap();
    let journal = journal_of(&object);
    assert_eq!(object.finalizers(), [FINALIZER]);
    assert_eq!(journal.uid, object.uid().unwrap());
    let status = object.status.unwrap();
    assert!(status.webhook_sid.is_none() && status.settled_attempt.as_ref() != Some(&journal.id));
    let (looks, creates) = (sent(&world, 1, Operation::List), sent(&world, 1, Operation::Create));
    assert!(looks[0].seq < creates[0].seq, "the look comes first");
    // The request is given up after 15 s, and not repeated.
    world.wait_told("bot", "CreateUnresolved", &["is not known"]).await;
    assert_eq!(sent(&world, 1, Operation::Create).len(), 1);
}

#[tokio::test]
async fn r05_a_place_in_the_lane_comes_before_the_look_and_the_journal() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::delay_before_commit(2000));
    world.start_operator(&["--max-in-flight-per-account=1"]).await;
    world.create("first", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.create("second", webhook_spec(2, BOT)).await;
    world.wait_ready("first").await;
    world.wait_ready("second").await;
    let (create, look) = (&sent(&world, 1, Operation::Create)[0], &sent(&world, 2, Operation::List)[0]);
    let took = Duration::from_micros(create.duration_us);
    assert!(took >= Duration::from_secs(2) && look.at >= create.at + took, "{create:#?} {look:#?}");
}

#[tokio::test]
async fn r05_two_operators_send_one_create_for_each_object() {
    const OBJECTS: u32 = 16;
    let mut world = World::new().await;
    // Long enough for the two to meet.
    for operation in [Operation::List, Operation::Create, Operation::Delete] {
        world.simulator.add_fault(FaultRule::new(Fault::delay_after_commit(100)).on(operation));
    }
    world.start_operator(&[SCALED]).await;
    let other = world.start_another_operator(&[SCALED]).await;
    // Two on each conversation.
    let name = |object: u32| format!("bot-{object}");
    for object in 0..OBJECTS {
        let url = format!("https://bots.example.com/{object}");
        world.create(&name(object), webhook_spec(object / 2 + 1, &url)).await;
    }
    for object in 0..OBJECTS {
        world.wait_ready(&name(object)).await;
    }
    assert_eq!(world.simulator.ledger().records().len(), OBJECTS as usize);
    assert_eq!(world.simulator.counters().total(Operation::Create).requests, u64::from(OBJECTS));
    assert_harmless(&world);
    for log in [other.log(), world.operator.as_ref().unwrap().log()] {
        assert!(log.contains("action=\"Journal") || log.contains("Journal("), "both were about to create");
    }
    for object in 0..OBJECTS {
        world.delete(&name(object)).await;
    }
    for object in 0..OBJECTS {
        world.wait_gone(&name(object)).await;
    }
    assert!(world.simulator.ledger().records().iter().all(|webhook| !webhook.alive()));
    assert_harmless(&world);
}

#[tokio::test]
async fn r07_a_webhook_is_recorded_whatever_others_write_meanwhile() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::delay_after_commit(1500));
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    let edit = json!({
        "metadata": { "labels": { "team": "a" } },
        "spec": { "configuration": { "url": "https://bots.example.com/new" } },
    });
    world.patch("bot", edit).await;
    let object = world.wait_ready("bot").await;
    let webhook = only_webhook(&world, 1);
    assert_bears(&object, &webhook, Provenance::Created);
    assert_eq!(webhook.configuration.url(), Some("https://bots.example.com/new"));
    assert_eq!(object.labels().get("team").map(String::as_str), Some("a"));
    assert_harmless(&world);
}

#[tokio::test]
async fn r07_a_webhook_is_recorded_in_the_object_that_was_restored_meanwhile() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::delay_after_commit(3000));
    world.start_operator(&[]).await;
    let first = world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    let manifest = backup(&world, "bot").await;
    world.delete("bot").await;
    strip_finalizers(&world, "bot").await;
    restore(&world, &manifest).await;
    let object = world.wait_ready("bot").await;
    assert_ne!(object.uid(), first.uid());
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    assert_eq!(sent(&world, 1, Operation::Create).len(), 1);
    assert_harmless(&world);
}

#[tokio::test]
async fn r08_a_webhook_that_no_object_can_bear_is_deleted() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::delay_after_commit(2000));
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.delete("bot").await;
    strip_finalizers(&world, "bot").await;
    eventually("the webhook is deleted again", Duration::from_secs(30), async || {
        (made(&world, 1).len() == 1 && world.alive(conversation(1)).is_empty()).then_some(())
    })
    .await;
    assert_harmless(&world);
}

#[tokio::test]
async fn r08_a_webhook_that_another_object_claims_is_left_to_it() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::delay_after_commit(2000));
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    let webhook = only_webhook(&world, 1).sid.to_string();
    let mut spec = webhook_spec(1, BOT);
    spec["mode"] = json!("Suspended");
    world.create("heir", spec).await;
    let claim =
        json!({ "status": { "webhookSid": webhook, "conversationSid": conversation(1).to_string() } });
    world.objects().patch_status("heir", &PatchParams::default(), &Patch::Merge(claim)).await.unwrap();
    world.delete("bot").await;
    strip_finalizers(&world, "bot").await;
    // A stop waits for what is under way.
    world.stop_operator().await;
    let create = &sent(&world, 1, Operation::Create)[0];
    assert_eq!(create.outcome, Outcome::Answered);
    assert_eq!(sent(&world, 1, Operation::Delete), []);
    assert_eq!(only_webhook(&world, 1).sid.to_string(), webhook);
    assert_eq!(sid_of(&world.objects().get("heir").await.unwrap()), webhook);
}

#[tokio::test]
async fn r17_a_write_that_somebody_else_was_ahead_of_is_not_stored() {
    const THEIRS: &str = "example.com/keep";
    let mut world = World::new().await;
    let mark = world.mark().await;
    world.start_operator(&[]).await;

    // Ahead of the journal, which brings our finalizer, ahead of the SID, and ahead of the release.
    for operation in [Operation::List, Operation::Create, Operation::Delete] {
        strike(&world, 1, operation, Fault::delay_after_commit(1500));
    }
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::List, |_| true).await;
    world.patch("bot", json!({ "metadata": { "finalizers": [THEIRS] } })).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.patch("bot", json!({ "metadata": { "labels": { "team": "a" } } })).await;
    let object = world.wait_ready("bot").await;
    assert_eq!(object.finalizers(), [THEIRS, FINALIZER]);
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    world.delete("bot").await;
    wait_sent(&world, 1, Operation::Delete, |_| true).await;
    world.patch("bot", json!({ "metadata": { "finalizers": [FINALIZER] } })).await;
    world.wait_gone("bot").await;

    let touched = world.touches_since(mark).await;
    let refused: Vec<&str> = touched
        .iter()
        .filter(|request| request.verb == "patch" && request.name == "bot" && request.code == 409)
        .map(|request| request.subresource.as_str())
        .collect();
    assert_eq!(refused, ["", "status", ""], "{touched:?}");
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}
