//! Conversations, messages and the account's configuration, as far as webhooks need them.

use crate::fixture::*;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use twilio_conversations_simulator::{ConversationSeed, ConversationSid, ConversationState};

#[tokio::test]
async fn the_configuration_proves_the_account() {
    let world = World::start().await;
    let reply = world.get("/v1/Configuration").await;
    assert_eq!(reply.json["account_sid"], json!(ACCOUNT));
    assert_eq!(reply.json["default_chat_service_sid"], json!(DEFAULT_SERVICE));
    assert_eq!(reply.json["url"], world.url("/v1/Configuration"));
}

#[tokio::test]
async fn a_conversation_is_found_by_sid_and_by_unique_name() {
    let world = World::start().await;
    let by_sid = world.get(&format!("/v1/Conversations/{CONVERSATION}")).await.json;
    let by_name = world.get("/v1/Conversations/tenant%20a%2Fsupport").await.json;
    assert_eq!(by_sid, by_name);
    assert_eq!(by_sid["unique_name"], "tenant a/support");
    assert_eq!(by_sid["chat_service_sid"], json!(DEFAULT_SERVICE));
    assert_eq!(by_sid["state"], "active");
    assert_eq!(by_sid["links"]["webhooks"], world.url(&webhooks(CONVERSATION)));
    assert_eq!(world.get("/v1/Conversations/tenant%20a%2Fsupport/Webhooks").await.status, 200);
    assert_eq!(world.get("/v1/Conversations/nobody").await.error(), (404, 20404));
}

#[tokio::test]
async fn a_conversation_can_be_created_once_under_a_name() {
    let world = World::start().await;
    let form =
        [("UniqueName", "new"), ("FriendlyName", "New"), ("Attributes", "{\"a\":1}"), ("State", "inactive")];
    let reply = world.post("/v1/Conversations", &form).await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.json["friendly_name"], "New");
    assert_eq!(reply.json["attributes"], "{\"a\":1}");
    assert_eq!(reply.json["state"], "inactive");
    assert_eq!(world.post("/v1/Conversations", &form).await.error(), (409, 50353));
    let in_service = format!("/v1/Services/{SERVICE}/Conversations");
    assert_eq!(world.post(&in_service, &form).await.status, 201);
    let like_a_sid = [("UniqueName", "CH00000000000000000000000000000001")];
    assert_eq!(world.post("/v1/Conversations", &like_a_sid).await.error(), (400, 50390));
    assert_eq!(world.post("/v1/Conversations", &[("Attributes", "{")]).await.error(), (400, 20001));
}

#[tokio::test]
async fn a_deleted_conversation_takes_its_webhooks_along() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    assert_eq!(world.delete(&format!("/v1/Conversations/{CONVERSATION}")).await.status, 204);
    assert_eq!(world.get(&webhook(sid)).await.error(), (404, 20404));
    assert_eq!(world.get("/v1/Conversations/tenant%20a%2Fsupport").await.error(), (404, 20404));
    let ledger = world.simulator.ledger();
    assert!(ledger.get(sid).unwrap().deleted.as_ref().unwrap().with_conversation);
}

#[tokio::test]
async fn a_recreated_conversation_has_the_name_and_no_webhooks() {
    let world = World::start().await;
    world.create(BOT).await;
    let new = world.simulator.recreate_conversation(CONVERSATION).unwrap();
    let fetched = world.get("/v1/Conversations/tenant%20a%2Fsupport").await.json;
    assert_eq!(fetched["sid"], json!(new));
    assert_ne!(new, CONVERSATION);
    assert_eq!(world.get(&webhooks(CONVERSATION)).await.error(), (404, 20404));
    assert_eq!(world.get(&webhooks(new)).await.json["webhooks"], json!([]));
}

#[tokio::test]
async fn a_conversation_that_is_set_up_admits_changes_by_itself_when_that_is_done() {
    let world = World::start().await;
    let seed = ConversationSeed::new(ConversationSid::numbered(9)).initializing_for_ms(300);
    let seeded = world.simulator.create_conversation(ACCOUNT, &seed).unwrap();
    world.simulator.initialize_conversation(CONVERSATION, Duration::from_millis(300)).unwrap();
    let started = Instant::now();
    for conversation in [CONVERSATION, seeded] {
        let refused = world.post(&webhooks(conversation), &webhook_form(BOT)).await;
        assert_eq!(refused.error(), (400, 50386));
        assert_eq!(world.get(&webhooks(conversation)).await.status, 200, "it can be read");
    }
    for conversation in [CONVERSATION, seeded] {
        while world.simulator.conversation(conversation).unwrap().state == ConversationState::Initializing {
            assert!(started.elapsed() < Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
        assert_eq!(world.post(&webhooks(conversation), &webhook_form(BOT)).await.status, 201);
    }
    // Whoever says which state it is in has the last word.
    world.simulator.initialize_conversation(CONVERSATION, Duration::from_millis(10)).unwrap();
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Closed).unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(world.simulator.conversation(CONVERSATION).unwrap().state, ConversationState::Closed);
}

#[tokio::test]
async fn messages_are_numbered() {
    let world = World::start().await;
    let reply = world.post(&messages(CONVERSATION), &[("Body", "hello"), ("Author", "ana")]).await;
    assert_eq!(reply.status, 201);
    assert_eq!(
        (&reply.json["index"], &reply.json["body"], &reply.json["author"]),
        (&json!(0), &json!("hello"), &json!("ana"))
    );
    assert_eq!(reply.json["participant_sid"], Value::Null);
    assert_eq!(world.post(&messages(CONVERSATION), &[]).await.json["index"], 1);
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Closed).unwrap();
    assert_eq!(world.post(&messages(CONVERSATION), &[]).await.error(), (400, 50377));
}
