//! Who causes which events, who hears of them, and in which order.

use std::time::Duration;

use super::*;
use serde_json::Value;
use twilio_conversations_simulator::{ConversationState, ParticipantSeed, WebhookSeed};

#[tokio::test]
async fn duty_7_rest_calls_fire_with_the_header_and_only_then() {
    for (fires, expected) in [(false, &[][..]), (true, &BY_REST)] {
        let world = World::start().await;
        world.listen(CONVERSATION, ALL);
        change_everything(&world, fires).await;
        assert_eq!(world.heard().await, expected);
    }
}

#[tokio::test]
async fn a_webhook_hears_of_what_its_filters_name_and_of_nothing_else() {
    let world = World::start().await;
    let mut webhooks = Vec::new();
    for pair in ALL.chunks(2) {
        webhooks.push((world.listen(CONVERSATION, [pair[0], pair[1]]), pair));
    }
    change_everything(&world, true).await;
    let deliveries = world.settled().await;
    assert_eq!(deliveries.len(), BY_REST.len());
    for (sid, filters) in webhooks {
        let heard = deliveries.iter().filter(|delivery| delivery.webhook == Some(sid));
        let mut heard: Vec<_> = heard.map(|delivery| delivery.event.as_str()).collect();
        let mut expected: Vec<_> = filters.iter().copied().filter(|event| BY_REST.contains(event)).collect();
        heard.sort_unstable();
        expected.sort_unstable();
        assert_eq!(heard, expected);
    }
}

#[tokio::test]
async fn what_outsiders_do_always_fires() {
    let world = World::start().await;
    world.listen(CONVERSATION, ALL);
    let simulator = &world.simulator;
    simulator.join(CONVERSATION, &ParticipantSeed::identity("bob")).unwrap();
    simulator.say(CONVERSATION, "bob", "hello").unwrap();
    simulator.set_conversation_state(CONVERSATION, ConversationState::Closed).unwrap();
    simulator.set_conversation_state(CONVERSATION, ConversationState::Closed).unwrap();
    simulator.delete_conversation(CONVERSATION).unwrap();
    let expected =
        ["onParticipantAdded", "onMessageAdded", "onConversationStateUpdated", "onConversationRemoved"];
    assert_eq!(world.heard().await, expected);
}

#[tokio::test]
async fn a_message_wakes_an_inactive_conversation_and_is_told_first() {
    let world = World::start().await;
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Inactive).unwrap();
    world.listen(CONVERSATION, ALL);
    world.post_firing(&messages(CONVERSATION), &[("Body", "anybody?")]).await;
    let deliveries = world.settled().await;
    let events: Vec<_> = deliveries.iter().map(|delivery| delivery.event.as_str()).collect();
    assert_eq!(events, ["onMessageAdded", "onConversationStateUpdated"]);
    let said = ["StateFrom", "StateTo", "Reason"].map(|name| deliveries[1].field(name).unwrap());
    assert_eq!(said, ["inactive", "active", "EVENT"]);
}

#[tokio::test]
async fn timers_are_told_with_their_reason() {
    let world = World::start().await;
    world.post(&conversation(CONVERSATION), &[("Timers.Inactive", "PT1M"), ("Timers.Closed", "PT10M")]).await;
    world.listen(CONVERSATION, ALL);
    world.simulator.advance_clock(Duration::from_mins(10));
    let deliveries = world.settled().await;
    let told: Vec<_> = deliveries
        .iter()
        .map(|delivery| {
            ["EventType", "StateFrom", "StateTo", "Reason"].map(|name| delivery.field(name).unwrap())
        })
        .collect();
    let state = "onConversationStateUpdated";
    assert_eq!(told, [[state, "active", "inactive", "TIMER"], [state, "inactive", "closed", "TIMER"]]);
}

#[tokio::test]
async fn the_webhooks_that_go_with_a_conversation_hear_that_it_goes() {
    for slowly in [false, true] {
        let world = World::start().await;
        let last = world.listen(CONVERSATION, ["onConversationRemoved"]);
        world.simulator.create_webhook(CONVERSATION, &WebhookSeed::webhook(NOBODY)).unwrap();
        if slowly {
            world.simulator.delete_conversation_slowly(CONVERSATION, Duration::from_mins(1)).unwrap();
            assert_eq!(world.heard().await.len(), 0, "it is still there");
            world.simulator.advance_clock(Duration::from_mins(1));
        } else {
            world.delete_firing(&conversation(CONVERSATION)).await;
        }
        let [delivery] = <[_; 1]>::try_from(world.settled().await).unwrap();
        assert_eq!((delivery.webhook, delivery.event.as_str()), (Some(last), "onConversationRemoved"));
        assert!(!world.simulator.ledger().get(last).unwrap().alive());
    }
}

#[tokio::test]
async fn studio_hears_of_messages_or_of_what_its_filters_name() {
    let world = World::start().await;
    let add = |webhook: WebhookSeed| world.simulator.create_webhook(CONVERSATION, &webhook).unwrap();
    let plain = add(WebhookSeed::studio(FLOW));
    let filtered = add(WebhookSeed::studio(FLOW).filters(["onParticipantAdded", "onMessageUpdated"]));
    change_everything(&world, true).await;
    let deliveries = world.settled().await;
    let heard = |sid| {
        let by = deliveries.iter().filter(move |delivery| delivery.webhook == Some(sid));
        by.map(|delivery| delivery.event.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(heard(plain), ["onMessageAdded"]);
    assert_eq!(heard(filtered), ["onParticipantAdded", "onMessageUpdated"]);
}

#[tokio::test]
async fn a_trigger_hears_of_new_messages_with_a_keyword_only() {
    let world = World::start().await;
    let keyword = WebhookSeed::trigger(NOBODY, ["Help", "agent"]);
    world.simulator.create_webhook(CONVERSATION, &keyword).unwrap();
    for body in ["hello", "unhelpful", "AGENT", "an agent, help", ""] {
        world.post_firing(&messages(CONVERSATION), &[("Body", body)]).await;
    }
    let first = world.simulator.conversation(CONVERSATION).unwrap().messages[0].sid;
    world.post_firing(&format!("{}/{first}", messages(CONVERSATION)), &[("Body", "help")]).await;
    let deliveries = world.settled().await;
    let bodies: Vec<Value> = deliveries.iter().map(|delivery| delivery.field("Body").into()).collect();
    assert_eq!(bodies, ["unhelpful", "AGENT", "an agent, help"]);
}
