//! Conversations: their names, their beginning and their end.

use std::time::Duration;

use crate::fixture::*;
use serde_json::{Value, json};
use twilio_conversations_simulator::{ConversationSeed, ConversationSid, ConversationState};

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
async fn duty_5_a_deleted_conversation_takes_its_webhooks_along() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    assert_eq!(world.delete(&format!("/v1/Conversations/{CONVERSATION}")).await.status, 204);
    assert_eq!(world.get(&webhook(sid)).await.error(), (404, 20404));
    assert_eq!(world.get("/v1/Conversations/tenant%20a%2Fsupport").await.error(), (404, 20404));
    let ledger = world.simulator.ledger();
    assert!(ledger.get(sid).unwrap().deleted.as_ref().unwrap().with_conversation);
}

#[tokio::test]
async fn duty_5_a_recreated_conversation_has_the_name_and_no_webhooks() {
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
async fn a_conversation_is_created_as_it_was_asked_for() {
    let world = World::start().await;
    let form =
        [("UniqueName", "new"), ("FriendlyName", "New"), ("Attributes", "{\"a\":1}"), ("State", "inactive")];
    let made = world.post("/v1/Conversations", &form).await;
    assert_eq!(made.status, 201);
    for (field, value) in
        [("unique_name", "new"), ("friendly_name", "New"), ("attributes", "{\"a\":1}"), ("state", "inactive")]
    {
        assert_eq!(made.json[field], value, "{field}");
    }
    let url = world.url(&conversation(made.sid()));
    assert_eq!(made.json["url"], url);
    assert_eq!(made.json["links"]["participants"], format!("{url}/Participants"));
    assert_eq!(world.get(&conversation(made.sid())).await.json, made.json);
}

#[tokio::test]
async fn a_unique_name_is_taken_in_its_service_until_it_is_given_up() {
    let world = World::start().await;
    let create = async |name| world.post("/v1/Conversations", &[("UniqueName", name)]).await;
    let first: ConversationSid = create("room").await.sid();
    assert_eq!(create("room").await.error(), (409, 50353));
    let elsewhere = format!("/v1/Services/{SERVICE}/Conversations");
    assert_eq!(world.post(&elsewhere, &[("UniqueName", "room")]).await.status, 201, "another service");
    let rename = async |sid, name| world.post(&conversation(sid), &[("UniqueName", name)]).await;
    assert_eq!(rename(CONVERSATION, "room").await.error(), (409, 50353));
    assert_eq!(rename(first, "room").await.status, 200, "its own");

    assert_eq!(rename(first, "hall").await.json["unique_name"], "hall");
    assert_eq!(world.get("/v1/Conversations/room").await.status, 404);
    let second: ConversationSid = create("room").await.sid();
    assert_eq!(world.get("/v1/Conversations/room").await.json["sid"], json!(second));
    world.delete(&conversation(second)).await;
    let third: ConversationSid = create("room").await.sid();
    assert_eq!(rename(third, "").await.json["unique_name"], Value::Null);
    create("room").await.sid::<ConversationSid>();
}

#[tokio::test]
async fn an_update_of_a_conversation_keeps_what_was_not_sent() {
    let world = World::start().await;
    let before = world.get(&conversation(CONVERSATION)).await.json;
    let after = world.post(&conversation(CONVERSATION), &[("Attributes", "{\"tier\":1}")]).await.json;
    for field in ["sid", "unique_name", "friendly_name", "state", "date_created", "chat_service_sid", "url"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!(after["attributes"], "{\"tier\":1}");
}

#[tokio::test]
async fn a_conversation_that_goes_slowly_keeps_its_name_until_it_is_gone() {
    let world = World::start().await;
    world.simulator.delete_conversation_slowly(CONVERSATION, Duration::from_mins(1)).unwrap();
    let form = [("UniqueName", "tenant a/support")];
    assert_eq!(world.get("/v1/Conversations/tenant%20a%2Fsupport").await.error(), (400, 50334));
    assert_eq!(world.post("/v1/Conversations", &form).await.error(), (409, 50353));
    world.simulator.advance_clock(Duration::from_mins(1));
    assert_eq!(world.get("/v1/Conversations/tenant%20a%2Fsupport").await.error(), (404, 20404));
    assert_eq!(world.post("/v1/Conversations", &form).await.status, 201);
}

#[tokio::test]
async fn duty_5_a_conversation_is_initializing_for_a_while() {
    let world = World::start().await;
    let span = Duration::from_mins(1);
    let seed = ConversationSeed::new(ConversationSid::numbered(9)).initializing_for_ms(60_000);
    let seeded = world.simulator.create_conversation(ACCOUNT, &seed).unwrap();
    world.simulator.initialize_conversation(CONVERSATION, span).unwrap();
    for sid in [CONVERSATION, seeded] {
        assert_eq!(world.post(&webhooks(sid), &webhook_form(BOT)).await.error(), (400, 50386));
        assert_eq!(world.get(&webhooks(sid)).await.status, 200, "it can be read");
    }
    world.simulator.advance_clock(span);
    for sid in [CONVERSATION, seeded] {
        assert_eq!(world.post(&webhooks(sid), &webhook_form(BOT)).await.status, 201);
    }
    // Whoever says which state it is in has the last word.
    world.simulator.initialize_conversation(CONVERSATION, span).unwrap();
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Closed).unwrap();
    world.simulator.advance_clock(span);
    assert_eq!(world.simulator.conversation(CONVERSATION).unwrap().state, ConversationState::Closed);
}

#[tokio::test]
async fn what_a_conversation_does_by_itself_needs_no_request() {
    let world = World::start().await;
    world.listen(CONVERSATION, ["onConversationStateUpdated"]);
    world.simulator.initialize_conversation(CONVERSATION, Duration::from_millis(50)).unwrap();
    eventually(|| world.simulator.deliveries().len() == 2).await;
    let states: Vec<_> =
        world.settled().await.iter().map(|delivery| delivery.field("StateTo").map(str::to_owned)).collect();
    assert_eq!(states, [Some("initializing".to_owned()), Some("active".to_owned())]);
}
