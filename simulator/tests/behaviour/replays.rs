//! Old messages that are sent again, and what a webhook that was created again does to its bot.

use std::time::Duration;

use crate::bot::*;
use crate::fixture::*;
use http::Method;
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    AccountSeed, ConversationSeed, ConversationSid, Destination, ParticipantSeed, Seed, WebhookChanges,
    WebhookSeed, WebhookSid,
};

/// Creates a webhook with `ReplayAfter` of 0.
async fn create_replaying(world: &World, url: &str) -> WebhookSid {
    let [target, url, filters] = webhook_form(url);
    let form = [target, url, filters, ("Configuration.ReplayAfter", "0")];
    world.post(&webhooks(CONVERSATION), &form).await.sid()
}

fn say(world: &World, bodies: &[&str]) {
    for body in bodies {
        world.simulator.say(CONVERSATION, "ana", *body).unwrap();
    }
}

#[tokio::test]
async fn duty_7_replay_after_sends_old_messages_once_at_creation() {
    let world = World::start().await;
    say(&world, &["zero", "one", "two"]);
    let mut bot = Bot::start(OK).await;
    let origin = bot.origin.clone();
    let [target, url, filters] = webhook_form(&origin);
    let form = [target, url, filters, ("Configuration.ReplayAfter", "1")];
    let created = world.post(&webhooks(CONVERSATION), &form).await;
    let mut indexes =
        [bot.next().await.fields()["Index"].clone(), bot.next().await.fields()["Index"].clone()];
    indexes.sort();
    assert_eq!(indexes, ["1", "2"]);
    let sid = created.sid();
    world.simulator.edit_webhook(sid, &WebhookChanges::url(&bot.origin)).unwrap();
    world.post(&webhook(sid), &form).await;
    let deliveries = world.settled().await;
    assert_eq!(deliveries.len(), 2);
    assert!(deliveries.iter().all(|delivery| delivery.replay && delivery.webhook == Some(sid)));
    assert!(world.simulator.repeated_deliveries().is_empty(), "nobody had heard of them before");
}

#[tokio::test]
async fn duty_7_a_wrong_recreate_is_visible_as_messages_that_were_delivered_twice() {
    let world = World::start().await;
    let mut bot = Bot::start(OK).await;
    say(&world, &["zero", "one"]);
    let first = create_replaying(&world, &bot.origin).await;
    say(&world, &["two"]);
    assert_eq!(world.settled().await.len(), 3);
    assert!(world.simulator.repeated_deliveries().is_empty(), "once each so far");

    world.delete(&webhook(first)).await;
    let second = create_replaying(&world, &bot.origin).await;
    assert_eq!(world.settled().await.len(), 6);
    let mut received = Vec::new();
    for _ in 0..6 {
        received.push(bot.next().await.fields()["MessageSid"].clone());
    }
    let messages = world.simulator.conversation(CONVERSATION).unwrap().messages;
    for message in &messages {
        let times = received.iter().filter(|sid| **sid == message.sid.to_string()).count();
        assert_eq!(times, 2, "the bot was told of {} that often", message.body);
    }

    let repeated = world.simulator.repeated_deliveries();
    let told: Vec<_> = repeated.iter().map(|group| group[0].message.unwrap()).collect();
    assert_eq!(told, messages.iter().map(|message| message.sid).collect::<Vec<_>>());
    for group in &repeated {
        let webhooks: Vec<_> =
            group.iter().map(|delivery| (delivery.webhook.unwrap(), delivery.message)).collect();
        assert_eq!(webhooks, [(first, group[0].message), (second, group[0].message)]);
        let to_the_bot = |destination: &Destination| matches!(destination, Destination::Http { url, .. } if *url == bot.origin);
        assert!(group.iter().all(|delivery| to_the_bot(&delivery.destination)));
        assert!(group[1].replay);
    }
    let shown = world.control(Method::GET, "/deliveries/repeated", Value::Null).await.json;
    assert_eq!(shown, json!({"groups": repeated}));
}

#[tokio::test]
async fn duty_7_a_recreate_without_replay_after_repeats_nothing() {
    let world = World::start().await;
    say(&world, &["zero", "one"]);
    let first = create_replaying(&world, NOBODY).await;
    world.delete(&webhook(first)).await;
    world.create(NOBODY).await;
    say(&world, &["two"]);
    assert_eq!(world.settled().await.len(), 3);
    assert!(world.simulator.repeated_deliveries().is_empty());
    let shown = world.control(Method::GET, "/deliveries/repeated", Value::Null).await.json;
    assert_eq!(shown, json!({"groups": []}));
}

#[tokio::test]
async fn duty_7_twins_tell_a_bot_each_message_twice() {
    let world = World::start().await;
    world.switch(|settings| settings.delivery_retries = 1);
    let twins = [world.create(NOBODY).await, world.create(NOBODY).await];
    world.create("http://127.0.0.1:2/").await;
    let message = world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(world.settled().await.len(), 6, "each in two attempts, which do not count");
    let [group] = <[_; 1]>::try_from(world.simulator.repeated_deliveries()).unwrap();
    let told: Vec<_> = group.iter().map(|delivery| (delivery.webhook, delivery.message)).collect();
    assert_eq!(told, twins.map(|sid| (Some(sid), Some(message))));
}

#[tokio::test]
async fn news_of_a_message_and_further_attempts_are_no_repetition() {
    let world = World::start().await;
    world.switch(|settings| settings.delivery_retries = 2);
    let events = ["onMessageAdded", "onMessageUpdated", "onMessageRemoved"];
    let first = world.listen(CONVERSATION, events);
    let message = world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    let path = format!("{}/{message}", messages(CONVERSATION));
    world.post_firing(&path, &[("Body", "hello!")]).await;
    world.post_firing(&path, &[("Body", "hello?")]).await;
    // Another webhook in place of the first one hears what is new only.
    world.simulator.delete_webhook(first).unwrap();
    world.listen(CONVERSATION, events);
    world.simulator.advance_clock(Duration::from_secs(1));
    world.post_firing(&path, &[("Body", "hello.")]).await;
    world.delete_firing(&path).await;
    assert_eq!(world.settled().await.len(), 3 * 5);
    assert!(world.simulator.repeated_deliveries().is_empty());
}

#[tokio::test]
async fn a_replay_shows_messages_as_they_are_and_leaves_out_what_is_gone() {
    let world = World::start().await;
    say(&world, &["zero", "one", "two"]);
    let said = world.simulator.conversation(CONVERSATION).unwrap().messages;
    world.delete(&format!("{}/{}", messages(CONVERSATION), said[1].sid)).await;
    world.post(&format!("{}/{}", messages(CONVERSATION), said[2].sid), &[("Body", "TWO")]).await;
    create_replaying(&world, NOBODY).await;
    let bodies: Vec<_> =
        world.settled().await.iter().map(|delivery| delivery.field("Body").unwrap().to_owned()).collect();
    assert_eq!(bodies, ["zero", "TWO"]);
}

#[tokio::test]
async fn a_replay_goes_to_studio_and_to_triggers_as_a_message_would() {
    let world = World::start().await;
    say(&world, &["hello", "an agent"]);
    let add = |webhook: WebhookSeed| {
        world.simulator.create_webhook(CONVERSATION, &webhook.replay_after(0)).unwrap()
    };
    let flow = add(WebhookSeed::studio(FLOW));
    let keyword = add(WebhookSeed::trigger(NOBODY, ["agent"]));
    add(WebhookSeed::webhook(NOBODY).filters(["onMessageUpdated"]));
    let got: Vec<_> = world
        .settled()
        .await
        .iter()
        .map(|delivery| (delivery.webhook.unwrap(), delivery.message_index))
        .collect();
    assert_eq!(got, [(flow, Some(0)), (flow, Some(1)), (keyword, Some(1))]);
}

#[tokio::test]
async fn what_was_said_before_the_start_is_heard_of_by_replay_only() {
    let past = ConversationSeed::new(ConversationSid::numbered(9))
        .webhook(outside(NOBODY))
        .webhook(outside(NOBODY).replay_after(1))
        .participant(ParticipantSeed::identity("ana"))
        .message("ana", "zero")
        .message("bob", "one");
    let account = AccountSeed::new(ACCOUNT, TOKEN).conversation(past);
    let world = World::start_with(Seed::new().account(account)).await;
    let [delivery] = <[_; 1]>::try_from(world.settled().await).unwrap();
    assert_eq!((delivery.replay, delivery.field("Body")), (true, Some("one")));
    let conversation = world.simulator.conversation(ConversationSid::numbered(9)).unwrap();
    let who: Vec<_> = conversation.participants.iter().map(|who| who.identity.as_deref()).collect();
    assert_eq!(who, [Some("ana"), Some("bob")], "who has spoken takes part");
}
