//! Services, and the account's configuration.

use crate::fixture::*;
use serde_json::json;
use twilio_conversations_simulator::{ConversationSeed, ServiceSid};

fn service(sid: ServiceSid) -> String {
    format!("/v1/Services/{sid}")
}

#[tokio::test]
async fn the_configuration_proves_the_account() {
    let world = World::start().await;
    let reply = world.get("/v1/Configuration").await;
    assert_eq!(reply.json["account_sid"], json!(ACCOUNT));
    assert_eq!(reply.json["default_chat_service_sid"], json!(DEFAULT_SERVICE));
    assert_eq!(reply.json["url"], world.url("/v1/Configuration"));
}

#[tokio::test]
async fn services_are_created_listed_and_fetched() {
    let world = World::start().await;
    let made = world.post("/v1/Services", &[("FriendlyName", "Shop")]).await;
    assert_eq!((made.status, &made.json["friendly_name"]), (201, &json!("Shop")));
    let sid: ServiceSid = made.sid();
    assert_eq!(world.get(&service(sid)).await.json, made.json);
    let listed = world.get("/v1/Services").await;
    assert_eq!(listed.column("services", "sid"), [json!(DEFAULT_SERVICE), json!(SERVICE), json!(sid)]);
    let inside = world.post(&format!("{}/Conversations", service(sid)), &[("UniqueName", "room")]).await;
    assert_eq!(inside.json["chat_service_sid"], json!(sid));
    assert_eq!(world.get("/v1/Conversations/room").await.status, 404, "the short path means another");
}

#[tokio::test]
async fn a_service_takes_its_conversations_and_their_webhooks_along() {
    let world = World::start().await;
    let last = world.listen(IN_SERVICE, ["onConversationRemoved"]);
    let second = ConversationSeed::named("second").service(SERVICE);
    let second = world.simulator.create_conversation(ACCOUNT, &second).unwrap();
    let own = world.create(BOT).await;
    assert_eq!(world.delete_firing(&service(SERVICE)).await.status, 204);
    assert_eq!(world.get(&service(SERVICE)).await.error(), (404, 20404));
    assert_eq!(
        world.get(&format!("{}/Conversations/{second}", service(SERVICE))).await.error(),
        (404, 20404)
    );
    assert!(
        world.simulator.conversation(IN_SERVICE).is_err() && world.simulator.conversation(second).is_err()
    );
    let ledger = world.simulator.ledger();
    let deletion = ledger.get(last).unwrap().deleted.clone().unwrap();
    assert!(deletion.with_conversation && deletion.by.origin.is_api());
    assert_eq!(world.heard().await, ["onConversationRemoved"]);
    assert_eq!(world.listed().await, [own], "other services are not affected");
}

#[tokio::test]
async fn the_default_service_cannot_go() {
    let world = World::start().await;
    assert_eq!(world.delete(&service(DEFAULT_SERVICE)).await.error(), (400, 20001));
    let moved = world.post("/v1/Configuration", &[("DefaultChatServiceSid", &SERVICE.to_string())]).await;
    assert_eq!(moved.json["default_chat_service_sid"], json!(SERVICE));
    assert_eq!(world.get(&conversation(IN_SERVICE)).await.status, 200, "the short path means the new one");
    assert_eq!(world.get(&conversation(CONVERSATION)).await.error(), (404, 20404));
    assert_eq!(world.delete(&service(SERVICE)).await.error(), (400, 20001));
    assert_eq!(world.delete(&service(DEFAULT_SERVICE)).await.status, 204);
    let unknown = ServiceSid::numbered(99).to_string();
    assert_eq!(
        world.post("/v1/Configuration", &[("DefaultChatServiceSid", &unknown)]).await.error(),
        (404, 20404)
    );
}
