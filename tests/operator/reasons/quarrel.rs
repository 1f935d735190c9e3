//! Somebody else is at work: `Drifted` and `Contended`.

use serde_json::json;
use twilio_conversations_simulator::{Operation, WebhookChanges, WebhookSid};

use super::{
    BOT, OFTEN, PATIENCE, SCALED, alive_sids, ask, assert_conditions, assert_held, command, made, repairs_of,
    sent_since, wait_another, wait_event, wait_looks, webhook_of,
};
use crate::support::{World, conversation, eventually, webhook_spec};

const ELSEWHERE: &str = "https://elsewhere.example.com/";

/// Where the webhook's events go, by the simulator's ledger.
fn url_of(world: &World, webhook: WebhookSid) -> String {
    let ledger = world.simulator.ledger();
    ledger.get(webhook).unwrap().configuration.url().unwrap().to_owned()
}

/// Somebody changes the webhook, and it is put right again.
async fn edit_and_wait(world: &World, webhook: WebhookSid, repairs: usize) {
    world.simulator.edit_webhook(webhook, &WebhookChanges::url(ELSEWHERE)).unwrap();
    let what = format!("put right, {repairs} in all");
    world.wait("bot", &what, |object| repairs_of(object) == repairs).await;
    eventually("as written", PATIENCE, async || (url_of(world, webhook) == BOT).then_some(())).await;
}

#[tokio::test]
async fn drifted_with_a_webhook_in_mode_observe_is_said_and_nothing_is_changed() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let sid = webhook_of(&world.wait_ready("bot").await);
    world.patch("bot", json!({ "spec": { "mode": "Observe" } })).await;
    world.wait_ready("bot").await;

    let mark = world.simulator.journal_mark();
    world.simulator.edit_webhook(sid, &WebhookChanges::url(ELSEWHERE)).unwrap();
    let says = [
        &sid.to_string(),
        &conversation(1).to_string(),
        "mode Observe changes nothing",
        "mode: Apply",
        &command(&world, "edit", "bot"),
    ];
    let object = world.wait_told("bot", "Drifted", &says.map(AsRef::as_ref)).await;
    assert_conditions(&object, ("False", "Drifted"), "True", false);
    // The spec's own changes are not sent either.
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    wait_looks(&world, 1, 3).await;
    world
        .wait("bot", "looked at in its new generation", |object| {
            object.status.as_ref().and_then(|status| status.observed_generation) == object.metadata.generation
        })
        .await;
    assert_eq!(sent_since(&world, mark, 1, Operation::Update), []);
    assert_eq!(url_of(&world, sid), ELSEWHERE);

    world.patch("bot", json!({ "spec": { "mode": "Apply" } })).await;
    let object = world.wait_ready("bot").await;
    assert_eq!((webhook_of(&object), url_of(&world, sid).as_str()), (sid, BOT));
}

#[tokio::test]
async fn contended_with_a_webhook_that_was_removed_for_the_third_time_until_somebody_asks() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let mut sid = webhook_of(&world.wait_ready("bot").await);
    for repairs in 1..=2 {
        world.simulator.delete_webhook(sid).unwrap();
        let object = wait_another(&world, "bot", sid).await;
        assert_eq!(repairs_of(&object), repairs);
        sid = webhook_of(&object);
    }
    world.simulator.delete_webhook(sid).unwrap();
    let annotate = command(&world, "annotate", "bot");
    let says = [
        &sid.to_string(),
        &conversation(1).to_string(),
        "was removed for the third time",
        &annotate,
        "reconcile-requested-at",
    ];
    let object = world.wait_told("bot", "Contended", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "Contended");
    assert_eq!(webhook_of(&object), sid);

    // Neither checks, an edit nor a restart leads on.
    wait_looks(&world, 1, 3).await;
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    wait_looks(&world, 1, 3).await;
    world.stop_operator().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    wait_looks(&world, 1, 4).await;
    assert_eq!((made(&world, 1).len(), alive_sids(&world, 1)), (3, vec![]));
    assert_held(&world.wait_reason("bot", "Contended").await, "Contended");

    ask(&world, "bot", "now").await;
    let object = wait_another(&world, "bot", sid).await;
    assert_conditions(&object, ("True", "Available"), "True", false);
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.last_handled_reconcile_at.as_deref(), Some("now"));
    assert_eq!(repairs_of(&object), 1, "counted from here on");
    assert_eq!((made(&world, 1).len(), alive_sids(&world, 1)), (4, vec![webhook_of(&object)]));
}

#[tokio::test]
async fn contended_with_a_webhook_that_was_changed_for_the_third_time_until_somebody_asks() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let sid = webhook_of(&world.wait_ready("bot").await);
    for repairs in 1..=2 {
        edit_and_wait(&world, sid, repairs).await;
    }
    wait_event(&world, "bot", "DriftCorrected", &sid.to_string()).await;
    let mark = world.simulator.journal_mark();
    world.simulator.edit_webhook(sid, &WebhookChanges::url(ELSEWHERE)).unwrap();
    let says = [&sid.to_string(), "was changed for the third time", "reconcile-requested-at"];
    let object = world.wait_told("bot", "Contended", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "Contended");
    world.stop_operator().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    wait_looks(&world, 1, 3).await;
    assert_eq!(sent_since(&world, mark, 1, Operation::Update), []);
    assert_eq!(url_of(&world, sid), ELSEWHERE);

    ask(&world, "bot", "now").await;
    let object = world.wait_ready("bot").await;
    assert_conditions(&object, ("True", "Available"), "True", false);
    assert_eq!((repairs_of(&object), url_of(&world, sid).as_str()), (1, BOT));
}

#[tokio::test]
async fn contended_with_a_webhook_counts_removals_and_changes_together_and_not_the_users_own_edits() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let first = webhook_of(&world.wait_ready("bot").await);
    for method in ["GET", "POST", "GET"] {
        world.patch("bot", json!({ "spec": { "configuration": { "method": method } } })).await;
        assert_eq!(repairs_of(&world.wait_ready("bot").await), 0);
    }
    edit_and_wait(&world, first, 1).await;
    world.simulator.delete_webhook(first).unwrap();
    let object = wait_another(&world, "bot", first).await;
    assert_eq!(repairs_of(&object), 2);
    world.simulator.edit_webhook(webhook_of(&object), &WebhookChanges::url(ELSEWHERE)).unwrap();
    let object = world.wait_told("bot", "Contended", &["was changed for the third time"]).await;
    assert_held(&object, "Contended");
}
