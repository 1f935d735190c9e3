//! The webhooks of a whole service and of the whole account, beside the scoped ones.

use crate::bot::*;
use crate::fixture::*;
use serde_json::json;
use twilio_conversations_simulator::{Delivery, Destination, Level, Method, WebhookSeed};

const GLOBAL: &str = "/v1/Configuration/Webhooks";

fn of_service() -> String {
    format!("/v1/Services/{SERVICE}/Configuration/Webhooks")
}

async fn set(world: &World, path: &str, url: &str, filters: &[&str]) -> Reply {
    let filters = filters.iter().map(|filter| ("Filters", *filter));
    let form: Vec<_> = [("PostWebhookUrl", url)].into_iter().chain(filters).collect();
    let reply = world.post(path, &form).await;
    assert_eq!(reply.status, 200, "{}", reply.json);
    reply
}

fn levels(deliveries: &[Delivery]) -> Vec<(&str, Level)> {
    deliveries.iter().map(|delivery| (delivery.event.as_str(), delivery.level)).collect()
}

#[tokio::test]
async fn an_event_is_delivered_by_each_level_that_asks_for_it() {
    let world = World::start().await;
    let sid = world.listen(IN_SERVICE, ["onMessageAdded"]);
    set(&world, GLOBAL, NOBODY, &["onMessageAdded"]).await;
    set(&world, &of_service(), NOBODY, &["onMessageAdded", "onParticipantAdded"]).await;
    world.simulator.say(IN_SERVICE, "ana", "hello").unwrap();
    let deliveries = world.settled().await;
    let webhooks: Vec<_> = deliveries.iter().map(|delivery| (delivery.level, delivery.webhook)).collect();
    assert_eq!(webhooks, [(Level::Conversation, Some(sid)), (Level::Service, None), (Level::Account, None)]);
    assert!(deliveries.iter().all(|delivery| delivery.field("ChatServiceSid") == Some(&SERVICE.to_string())));
    assert_eq!(world.simulator.repeated_deliveries()[0].len(), 3, "the bot behind them was told three times");

    world.simulator.clear_deliveries();
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(levels(&world.settled().await), [("onMessageAdded", Level::Account)], "another service's");
}

#[tokio::test]
async fn a_new_conversation_is_news_for_services_and_accounts_only() {
    let world = World::start().await;
    set(&world, GLOBAL, NOBODY, &["onConversationAdded"]).await;
    set(&world, &of_service(), NOBODY, &["onConversationAdded"]).await;
    world.post("/v1/Conversations", &[("UniqueName", "silent")]).await;
    let path = format!("/v1/Services/{SERVICE}/Conversations");
    let made = world.post_firing(&path, &[("UniqueName", "loud"), ("FriendlyName", "Loud")]).await;
    let deliveries = world.settled().await;
    let added = "onConversationAdded";
    assert_eq!(levels(&deliveries), [(added, Level::Service), (added, Level::Account)]);
    for delivery in &deliveries {
        assert_eq!(delivery.field("ConversationSid"), made.json["sid"].as_str());
        assert_eq!(
            (delivery.field("UniqueName"), delivery.field("FriendlyName")),
            (Some("loud"), Some("Loud"))
        );
    }
}

#[tokio::test]
async fn events_before_the_fact_are_accepted_and_not_sent() {
    let world = World::start().await;
    let reply = set(&world, GLOBAL, NOBODY, &["onMessageAdd", "onConversationAdd", "onUserAdded"]).await;
    assert_eq!(reply.json["filters"], json!(["onMessageAdd", "onConversationAdd", "onUserAdded"]));
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(world.heard().await.len(), 0);
}

#[tokio::test]
async fn an_account_that_sends_to_flex_calls_no_url() {
    let world = World::start().await;
    set(&world, GLOBAL, NOBODY, &["onMessageAdded"]).await;
    let flex = world.post(GLOBAL, &[("Target", "flex")]).await;
    assert_eq!((&flex.json["target"], &flex.json["post_webhook_url"]), (&json!("flex"), &json!(NOBODY)));
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(world.heard().await.len(), 0);
    world.post(GLOBAL, &[("Target", "webhook")]).await;
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(world.heard().await, ["onMessageAdded"]);
    assert_eq!(world.post(GLOBAL, &[("Target", "studio")]).await.error(), (400, 20001));
}

#[tokio::test]
async fn a_service_webhook_reaches_its_bot_as_it_is_set() {
    let world = World::start().await;
    let mut bot = Bot::start(OK).await;
    set(&world, &of_service(), &format!("{}/all", bot.origin), &["onParticipantAdded"]).await;
    let shown =
        world.post(&of_service(), &[("Method", "get"), ("PreWebhookUrl", "http://127.0.0.1:1/pre")]).await;
    let expected = json!({
        "account_sid": ACCOUNT,
        "chat_service_sid": SERVICE,
        "method": "GET",
        "filters": ["onParticipantAdded"],
        "pre_webhook_url": "http://127.0.0.1:1/pre",
        "post_webhook_url": format!("{}/all", bot.origin),
        "url": world.url(&of_service()),
    });
    assert_eq!(shown.json, expected);
    assert_eq!(world.get(&of_service()).await.json, expected);
    world
        .simulator
        .join(IN_SERVICE, &twilio_conversations_simulator::ParticipantSeed::identity("bob"))
        .unwrap();
    let received = bot.next().await;
    assert_eq!(received.method, "GET");
    assert_eq!(received.fields()["Identity"], "bob");
    let [delivery] = <[_; 1]>::try_from(world.settled().await).unwrap();
    assert!(matches!(delivery.destination, Destination::Http { method: Method::Get, .. }));

    world.post(&of_service(), &[("PostWebhookUrl", "")]).await;
    world.simulator.create_webhook(IN_SERVICE, &WebhookSeed::studio(FLOW)).unwrap();
    world.simulator.say(IN_SERVICE, "bob", "hello").unwrap();
    assert_eq!(world.settled().await.len(), 2, "without a URL the scoped one is alone");
}
