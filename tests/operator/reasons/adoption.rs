//! Taking over: `adoptionPolicy`, the hint, `AlreadyClaimed`, and a hint of another target.

use conversation_webhook_operator::api::{ConversationWebhook, Provenance};
use serde_json::{Value, json};
use twilio_conversations_simulator::{Operation, WebhookSeed};

use super::{
    BOT, NEVER, OFTEN, SCALED, alive_sids, assert_conditions, assert_held, command, made, notes, repairs_of,
    sent_since, wait_event, wait_looks, webhook_of,
};
use crate::support::{World, conversation, webhook_spec};

fn with(mut spec: Value, field: &str, value: &str) -> Value {
    spec[field] = json!(value);
    spec
}

/// Ready with what was taken over, which counts as no repair.
#[track_caller]
fn assert_adopted(object: &ConversationWebhook) {
    assert_conditions(object, ("True", "Available"), "True", false);
    assert_eq!(object.status.as_ref().unwrap().provenance, Some(Provenance::Adopted));
    assert_eq!(repairs_of(object), 0);
    assert!(object.metadata.finalizers.as_ref().is_some_and(|finalizers| finalizers.len() == 1));
}

#[tokio::test]
async fn available_with_a_strangers_webhook_where_the_policy_takes_over_what_is_identical() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    // The same in another order and case is the same; another method is another webhook.
    let same = WebhookSeed::webhook(BOT).method("post").filters(["onMessageUpdated", "onMessageAdded"]);
    let same = world.simulator.create_webhook(conversation(1), &same).unwrap();
    let alike =
        world.simulator.create_webhook(conversation(2), &WebhookSeed::webhook(BOT).method("get")).unwrap();
    let mut spec = with(webhook_spec(1, BOT), "adoptionPolicy", "IfIdentical");
    spec["configuration"]["filters"] = json!(["onMessageAdded", "onMessageUpdated"]);
    world.create("same", spec).await;
    world.create("alike", with(webhook_spec(2, BOT), "adoptionPolicy", "IfIdentical")).await;

    let object = world.wait_ready("same").await;
    assert_adopted(&object);
    assert_eq!(webhook_of(&object), same);
    wait_event(&world, "same", "Adopted", &same.to_string()).await;
    wait_looks(&world, 1, 3).await;
    assert_eq!(alive_sids(&world, 1), [same]);
    assert!(
        world
            .simulator
            .journal()
            .iter()
            .all(|entry| !entry.is_write() || !entry.path.contains(&conversation(1).to_string()))
    );

    let object = world.wait_ready("alike").await;
    assert_eq!(object.status.as_ref().unwrap().provenance, Some(Provenance::Created));
    assert_eq!(alive_sids(&world, 2), [alike, webhook_of(&object)]);

    // What was taken over goes with its object; what was not stays.
    for name in ["same", "alike"] {
        world.delete(name).await;
        world.wait_gone(name).await;
    }
    assert_eq!((alive_sids(&world, 1), alive_sids(&world, 2)), (vec![], vec![alike]));
}

#[tokio::test]
async fn available_with_the_webhook_of_the_hint_that_is_as_written_already() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    let stranger = world.simulator.create_webhook(conversation(1), &WebhookSeed::webhook(BOT)).unwrap();
    world.create("bot", with(webhook_spec(1, BOT), "webhookSid", &stranger.to_string())).await;
    let object = world.wait_ready("bot").await;
    assert_adopted(&object);
    assert_eq!(webhook_of(&object), stranger);
    wait_event(&world, "bot", "Adopted", &stranger.to_string()).await;
    wait_looks(&world, 1, 3).await;
    assert_eq!(alive_sids(&world, 1), [stranger]);
    assert_eq!(sent_since(&world, 0, 1, Operation::Update), []);
    assert_eq!(sent_since(&world, 0, 1, Operation::Create), []);
}

#[tokio::test]
async fn available_with_the_webhook_of_the_hint_that_was_made_as_written() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    let seed = WebhookSeed::webhook("https://old.example.com/").method("GET");
    let stranger = world.simulator.create_webhook(conversation(1), &seed).unwrap();
    let mut spec = with(webhook_spec(1, BOT), "webhookSid", &stranger.to_string());
    spec["configuration"]["replayAfter"] = json!(0);
    world.create("bot", spec).await;
    let object = world.wait_ready("bot").await;
    assert_adopted(&object);
    assert_eq!(webhook_of(&object), stranger);
    let [webhook] = &world.alive(conversation(1))[..] else { panic!("one webhook") };
    assert_eq!((webhook.sid, webhook.configuration.url()), (stranger, Some(BOT)));
    let [update] = &sent_since(&world, 0, 1, Operation::Update)[..] else { panic!("one update") };
    assert_eq!(update.param("Configuration.ReplayAfter"), None);
    assert_eq!(sent_since(&world, 0, 1, Operation::Create), []);
    wait_event(&world, "bot", "Adopted", &stranger.to_string()).await;
    wait_looks(&world, 1, 3).await;
    assert_eq!(sent_since(&world, 0, 1, Operation::Update).len(), 1);
    assert_eq!(notes(&world, "bot", "DriftCorrected").await, Vec::<String>::new());
    assert_eq!(repairs_of(&world.objects().get("bot").await.unwrap()), 0);
}

#[tokio::test]
async fn already_claimed_without_a_webhook_names_the_object_that_has_it_and_ends_when_that_lets_go() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, NEVER]).await;
    world.create("owner", with(webhook_spec(1, BOT), "deletionPolicy", "Retain")).await;
    let sid = webhook_of(&world.wait_ready("owner").await);
    let spec = webhook_spec(1, "https://bots.example.com/heir");
    world.create("heir", with(spec, "webhookSid", &sid.to_string())).await;
    let owner = format!("{}/owner", world.namespace);
    let says = [&sid.to_string(), &owner, &command(&world, "edit", "heir"), "or delete that one"];
    let object = world.wait_told("heir", "AlreadyClaimed", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "AlreadyClaimed");
    assert_eq!(made(&world, 1).len(), 1);
    assert_eq!(sent_since(&world, 0, 1, Operation::Update), []);

    world.delete("owner").await;
    let object = world.wait_ready("heir").await;
    assert_adopted(&object);
    assert_eq!((webhook_of(&object), alive_sids(&world, 1)), (sid, vec![sid]));
}

#[tokio::test]
async fn already_claimed_without_a_webhook_ends_when_the_hint_is_taken_out() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("owner", webhook_spec(1, BOT)).await;
    let sid = webhook_of(&world.wait_ready("owner").await);
    let spec = webhook_spec(1, "https://bots.example.com/b");
    world.create("bot", with(spec, "webhookSid", &sid.to_string())).await;
    world.wait_reason("bot", "AlreadyClaimed").await;
    wait_looks(&world, 1, 3).await;
    assert_eq!(alive_sids(&world, 1), [sid]);

    world.patch("bot", json!({ "spec": { "webhookSid": null } })).await;
    let object = world.wait_ready("bot").await;
    assert_eq!(object.status.as_ref().unwrap().provenance, Some(Provenance::Created));
    assert_eq!(alive_sids(&world, 1), [sid, webhook_of(&object)]);
    assert_eq!(webhook_of(&world.wait_ready("owner").await), sid);
}

#[tokio::test]
async fn invalid_configuration_without_a_webhook_whose_hint_has_another_target_names_both() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    let trigger = WebhookSeed::trigger(BOT, ["help"]);
    let trigger = world.simulator.create_webhook(conversation(1), &trigger).unwrap();
    world.create("bot", with(webhook_spec(1, BOT), "webhookSid", &trigger.to_string())).await;
    let says =
        [&trigger.to_string(), "has target trigger", "correct webhookSid", &command(&world, "edit", "bot")];
    let object = world.wait_told("bot", "InvalidConfiguration", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "InvalidConfiguration");
    wait_looks(&world, 1, 3).await;
    assert_eq!((alive_sids(&world, 1), made(&world, 1)), (vec![trigger], vec![]));

    world.patch("bot", json!({ "spec": { "webhookSid": null } })).await;
    let object = world.wait_ready("bot").await;
    assert_eq!(alive_sids(&world, 1), [trigger, webhook_of(&object)]);
}
