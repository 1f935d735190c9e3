//! Switches of what Twilio refuses, and with which status. The code decides.

use std::time::Duration;

use serde_json::json;
use twilio_conversations_simulator::{
    Admitted, ClosedConversation, ConversationState, CountLimitStatus, Fault, MissingFilters, NotFoundCode,
    Operation, OtherTargetKeys, Settings, StateStatus, UniqueNameInPath, WebhookSeed,
};

use super::life;
use crate::support::{
    BOT, World, assert_harmless, conversation, made, only_webhook, plant, ready, sent, strike,
    wait_another_look, wait_event, webhook_spec,
};

#[tokio::test]
async fn switch_count_limit_status_forbidden_still_says_that_the_conversation_is_full() {
    let settings = Settings { count_limit_status: CountLimitStatus::Forbidden, ..Settings::default() };
    let world = life::world(settings).await;
    let taken = world.simulator.fill_slots(conversation(1)).unwrap();
    // Twilio's own refusal, not the list's word: the list is of a time before the slots were taken.
    strike(&world, 1, Operation::List, Fault::stale_list(3_600_000));
    world.create("bot", webhook_spec(1, BOT)).await;
    let object = world.wait_reason("bot", "ConversationFull").await;
    let error = object.status.unwrap().last_error.unwrap();
    assert_eq!((error.code, error.http_status), (Some(50361), Some(403)));
    assert_eq!(made(&world, 1), []);
    world.simulator.delete_webhook(taken[0]).unwrap();
    world.wait_ready("bot").await;
    only_webhook(&world, 1);
    life::whole(settings).await;
}

#[tokio::test]
async fn switch_not_found_code_specific_means_the_same() {
    let settings = Settings { not_found_code: NotFoundCode::Specific, ..Settings::default() };
    let world = life::world(settings).await;
    world.create("nowhere", webhook_spec(99, BOT)).await;
    world.create("gone", webhook_spec(1, BOT)).await;
    world.wait_reason("nowhere", "ConversationNotFound").await;
    world.wait_ready("gone").await;
    world.simulator.delete_webhook(only_webhook(&world, 1).sid).unwrap();
    world.delete("gone").await;
    world.wait_gone("gone").await;
    assert_harmless(&world);
    life::whole(settings).await;
}

#[tokio::test]
async fn switch_missing_filters_accepted_makes_silent_webhooks_of_others_only() {
    let settings = Settings { missing_filters: MissingFilters::Accept, ..Settings::default() };
    let world = life::world(settings).await;
    let silent = plant(&world, 1, &WebhookSeed::webhook(BOT).filters::<String>([]));
    world.create("bot", webhook_spec(1, BOT)).await;
    let object = world.wait_ready("bot").await;
    assert_ne!(object.status.unwrap().webhook_sid.unwrap().to_string(), silent);
    assert_eq!(only_webhook(&world, 1).configuration.canonical().url(), Some(BOT));
    assert_harmless(&world);
    life::whole(settings).await;
}

#[tokio::test]
async fn switch_other_target_keys_refused_meets_none_of_ours() {
    life::whole(Settings { other_target_keys: OtherTargetKeys::Refuse, ..Settings::default() }).await;
}

#[tokio::test]
async fn switch_unique_name_in_path_refused_is_not_needed() {
    let settings = Settings { unique_name_in_path: UniqueNameInPath::Refuse, ..Settings::default() };
    let world = life::world(settings).await;
    let mut spec = webhook_spec(1, BOT);
    spec.as_object_mut().unwrap().remove("conversationSid");
    spec["conversationUniqueName"] = json!("support");
    world.create("bot", spec).await;
    world.wait_ready("bot").await;
    wait_another_look(&world, 1).await;
    only_webhook(&world, 1);
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    life::whole(settings).await;
}

/// What a conversation that closes does to an object with a webhook, and to one without.
async fn closed(settings: Settings) -> World {
    let world = life::world(settings).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    world.simulator.set_conversation_state(conversation(1), ConversationState::Closed).unwrap();
    world.create("late", webhook_spec(1, "https://bots.example.com/late")).await;
    world
}

#[tokio::test]
async fn switch_closed_conversation_that_refuses_all_lets_objects_go() {
    let settings = Settings { closed_conversation: ClosedConversation::RefuseAll, ..Settings::default() };
    let world = closed(settings).await;
    world.wait_reason("late", "ConversationClosed").await;
    let webhook = only_webhook(&world, 1);
    world.delete("bot").await;
    world.delete("late").await;
    wait_event(&world, "bot", "ConversationClosed").await;
    world.wait_gone("bot").await;
    world.wait_gone("late").await;
    // It is still there, and can fire no more.
    assert_eq!(only_webhook(&world, 1), webhook);
    assert_eq!(sent(&world, 1, Operation::Delete).len(), 1);
    life::whole(settings).await;
}

#[tokio::test]
async fn switch_closed_conversation_that_accepts_all_is_like_any_other() {
    let settings = Settings { closed_conversation: ClosedConversation::Accept, ..Settings::default() };
    let world = closed(settings).await;
    world.wait_ready("late").await;
    for name in ["bot", "late"] {
        world.delete(name).await;
        world.wait_gone(name).await;
    }
    assert_eq!(world.alive(conversation(1)), []);
    assert_eq!(made(&world, 1).len(), 2);
    life::whole(settings).await;
}

#[tokio::test]
async fn switch_state_status_conflict_still_tells_closed_from_not_ready() {
    let settings = Settings { state_status: StateStatus::Conflict, ..Settings::default() };
    let world = closed(settings).await;
    let object = world.wait_reason("late", "ConversationClosed").await;
    let error = object.status.unwrap().last_error.unwrap();
    assert_eq!((error.code, error.http_status), (Some(50377), Some(409)));
    world.simulator.initialize_conversation(conversation(2), Duration::from_secs(2)).unwrap();
    world.create("early", webhook_spec(2, BOT)).await;
    world.wait_reason("early", "TwilioUnavailable").await;
    world.wait_ready("early").await;
    assert_eq!(only_webhook(&world, 2).edits, []);
    life::whole(settings).await;
}

/// What becomes of an object that asks for such an event.
async fn event(settings: Settings, event: &str) {
    let world = life::world(settings).await;
    let mut spec = webhook_spec(1, BOT);
    spec["configuration"]["filters"] = json!(["onMessageAdded", event]);
    world.create("bot", spec).await;
    world.wait_ready("bot").await;
    wait_another_look(&world, 1).await;
    assert_eq!(only_webhook(&world, 1).edits, []);

    world.simulator.set_settings(Settings::default());
    let mut spec = webhook_spec(2, BOT);
    spec["configuration"]["filters"] = json!([event]);
    world.create("refused", spec).await;
    let object = world.wait_reason("refused", "InvalidConfiguration").await;
    assert_eq!(object.status.unwrap().last_error.unwrap().code, Some(50365));
    assert_eq!(made(&world, 2), []);
    // What was admitted before stays as it is.
    wait_another_look(&world, 1).await;
    assert_eq!(ready(&world.objects().get("bot").await.unwrap()).unwrap().reason, "Available");
}

#[tokio::test]
async fn switch_unscoped_events_are_twilios_to_accept() {
    let settings = Settings { unscoped_events: Admitted::Accept, ..Settings::default() };
    event(settings, "onUserAdded").await;
    life::whole(settings).await;
}

#[tokio::test]
async fn switch_legacy_events_are_twilios_to_accept() {
    let settings = Settings { legacy_events: Admitted::Accept, ..Settings::default() };
    event(settings, "onMessageSent").await;
    life::whole(settings).await;
}
