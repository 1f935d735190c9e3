//! Mode Suspended: no call to Twilio until somebody takes it off.

use conversation_webhook_operator::api::ConditionType::{Ready, Synced};
use conversation_webhook_operator::api::{ATTEMPT_ANNOTATION, RECONCILE_ANNOTATION};
use kube::ResourceExt;
use serde_json::json;
use twilio_conversations_simulator::{Operation, WebhookChanges};

use super::{
    BOT, CHECKS, SCALE, about, at_twilio, edit, follow, operations, state, told, wait_checks, wait_state,
};
use crate::support::{World, conversation, webhook_spec};

#[tokio::test]
async fn suspended_without_a_webhook_asks_nothing_and_makes_nothing_until_mode_apply() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    let mut spec = webhook_spec(2, BOT);
    spec["mode"] = json!("Suspended");
    world.create("bot", spec).await;
    let object = wait_state(&world, "bot", &["Ready=False Suspended", "Synced=Unknown Suspended"]).await;
    assert_eq!(object.status.as_ref().unwrap().observed_generation, object.metadata.generation);
    edit(&world, "bot", "GET").await;
    wait_checks(&world, 1, 3).await;
    assert_eq!(about(&world, 2, 0), []);
    let object = world.objects().get("bot").await.unwrap();
    assert!(!object.annotations().contains_key(ATTEMPT_ANNOTATION), "nothing was begun");
    let message = told(&object, Ready, &["mode is Suspended", "Twilio is not called"]);
    follow(&world, &message).await;
    world.wait_ready("bot").await;
    assert_eq!(at_twilio(&world, 2)["method"], "get");
}

#[tokio::test]
async fn suspended_with_a_webhook_stays_ready_and_sends_its_edits_as_one_update_afterwards() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE, CHECKS]).await;
    for (n, name) in [(1, "neighbour"), (2, "edited"), (3, "drifted")] {
        world.create(name, webhook_spec(n, BOT)).await;
    }
    for name in ["neighbour", "edited", "drifted"] {
        world.wait_ready(name).await;
    }
    let suspended =
        ["Ready=True Available", "Synced=Unknown Suspended", "CredentialsValid=True CredentialsAccepted"];
    for name in ["edited", "drifted"] {
        world.patch(name, json!({ "spec": { "mode": "Suspended" } })).await;
        wait_state(&world, name, &suspended).await;
    }
    let mark = world.simulator.journal_mark();
    edit(&world, "edited", "GET").await;
    world
        .patch("edited", json!({ "spec": { "configuration": { "url": "https://bots.example.com/b" } } }))
        .await;
    let ask = json!({ "metadata": { "annotations": { RECONCILE_ANNOTATION: "now" } } });
    world.patch("edited", ask).await;
    let sid = world.alive(conversation(3))[0].sid;
    world.simulator.edit_webhook(sid, &WebhookChanges::url("https://elsewhere.example.com/")).unwrap();
    wait_checks(&world, 1, 4).await;
    for (n, name) in [(2, "edited"), (3, "drifted")] {
        assert_eq!(about(&world, n, mark), [], "{name}");
        assert_eq!(state(&world.objects().get(name).await.unwrap()), suspended, "{name}");
    }
    let object = world
        .wait("edited", "answered", |object| {
            object.status.as_ref().unwrap().last_handled_reconcile_at.as_deref() == Some("now")
        })
        .await;
    let message = told(&object, Synced, &["mode is Suspended", "what is there stays as it is"]);

    let mark = world.simulator.journal_mark();
    follow(&world, &message).await;
    world.wait_ready("edited").await;
    assert_eq!(operations(&world, 2, mark).first(), Some(&Operation::Update));
    let configuration = at_twilio(&world, 2);
    assert_eq!(configuration["url"], "https://bots.example.com/b");
    assert_eq!(configuration["method"], "get");
    assert_eq!(world.alive(conversation(2))[0].edits.len(), 1);
    world.patch("drifted", json!({ "spec": { "mode": "Apply" } })).await;
    let at_rest = [
        "Ready=True Available",
        "Synced=True ReconcileSucceeded",
        "CredentialsValid=True CredentialsAccepted",
    ];
    wait_state(&world, "drifted", &at_rest).await;
    assert_eq!(world.alive(conversation(3))[0].configuration.url(), Some(BOT));
    for n in [2, 3] {
        assert_eq!(world.ever_made(conversation(n)).len(), 1);
    }
}

#[tokio::test]
async fn suspended_survives_a_restart_without_a_call_and_does_not_keep_an_object_from_going() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE, CHECKS]).await;
    for (n, name) in [(1, "neighbour"), (2, "bot")] {
        world.create(name, webhook_spec(n, BOT)).await;
        world.wait_ready(name).await;
    }
    world.patch("bot", json!({ "spec": { "mode": "Suspended" } })).await;
    world
        .wait("bot", "suspended", |object| state(object).contains(&"Synced=Unknown Suspended".to_owned()))
        .await;
    world.stop_operator().await;
    let (writes, mark) = (world.mark().await, world.simulator.journal_mark());
    world.start_operator(&[SCALE, CHECKS]).await;
    wait_checks(&world, 1, 3).await;
    assert_eq!(about(&world, 2, mark), []);
    assert_eq!(world.writes_since(writes).await.len(), 0);
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(2)), []);
}
