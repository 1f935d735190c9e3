//! Participants: who may join, and by what they are addressed.

use crate::fixture::*;
use serde_json::json;
use twilio_conversations_simulator::ParticipantSid;

const ADDRESS: &str = "MessagingBinding.Address";
const PROXY: &str = "MessagingBinding.ProxyAddress";

async fn join(world: &World, form: &[(&str, &str)]) -> Reply {
    world.post(&participants(CONVERSATION), form).await
}

#[tokio::test]
async fn an_identity_joins_once() {
    let world = World::start().await;
    let ana = join(&world, &[("Identity", "ana"), ("Attributes", "{\"a\":1}")]).await;
    assert_eq!(ana.status, 201);
    assert_eq!((&ana.json["identity"], &ana.json["attributes"]), (&json!("ana"), &json!("{\"a\":1}")));
    assert_eq!(join(&world, &[("Identity", "ana")]).await.error(), (409, 50433));
    let bob = join(&world, &[("Identity", "bob")]).await;
    let path = format!("{}/{}", participants(CONVERSATION), bob.sid::<ParticipantSid>());
    assert_eq!(world.post(&path, &[("Identity", "ana")]).await.error(), (409, 50433));
    assert_eq!(world.post(&path, &[("Identity", "bob")]).await.status, 200, "its own");
    let listed = world.get(&participants(CONVERSATION)).await;
    assert_eq!(listed.column("participants", "identity"), ["ana", "bob"]);
}

#[tokio::test]
async fn an_address_joins_once_over_each_proxy() {
    let world = World::start().await;
    let pair = |proxy| [(ADDRESS, "whatsapp:+15550001"), (PROXY, proxy)];
    let joined = join(&world, &pair("whatsapp:+15550009")).await;
    let binding =
        json!({"type": "whatsapp", "address": "whatsapp:+15550001", "proxy_address": "whatsapp:+15550009"});
    assert_eq!((joined.status, &joined.json["messaging_binding"]), (201, &binding));
    assert_eq!(join(&world, &pair("whatsapp:+15550009")).await.error(), (409, 50416));
    assert_eq!(join(&world, &pair("whatsapp:+15550008")).await.status, 201);
    let sms = join(&world, &[(ADDRESS, "+15550001"), (PROXY, "+15550009")]).await;
    assert_eq!(sms.json["messaging_binding"]["type"], "sms");
}

#[tokio::test]
async fn a_participant_is_addressed_by_sid_and_by_identity() {
    let world = World::start().await;
    let ana = join(&world, &[("Identity", "ana/1 é")]).await;
    let by_sid = format!("{}/{}", participants(CONVERSATION), ana.sid::<ParticipantSid>());
    let by_identity = format!("{}/ana%2F1%20%C3%A9", participants(CONVERSATION));
    assert_eq!(world.get(&by_identity).await.json, ana.json);
    let updated = world.post(&by_identity, &[("LastReadMessageIndex", "3")]).await;
    assert_eq!((updated.status, &updated.json["last_read_message_index"]), (200, &json!(3)));
    assert_eq!(world.get(&by_sid).await.json, updated.json);
    assert_eq!(world.delete(&by_identity).await.status, 204);
    for path in [&by_sid, &by_identity] {
        assert_eq!(world.get(path).await.error(), (404, 20404));
    }
    assert_eq!(join(&world, &[("Identity", "ana/1 é")]).await.status, 201, "who has left may join again");
}

#[tokio::test]
async fn an_update_of_a_participant_keeps_what_was_not_sent() {
    let world = World::start().await;
    let ana = join(&world, &[("Identity", "ana"), (PROXY, "+15550009")]).await;
    let path = format!("{}/{}", participants(CONVERSATION), ana.sid::<ParticipantSid>());
    let role = "RL00000000000000000000000000000007";
    let form = [("RoleSid", role), ("LastReadTimestamp", "2026-01-02T03:04:05Z")];
    let updated = world.post(&path, &form).await;
    assert_eq!(updated.json["role_sid"], role);
    assert_eq!(updated.json["last_read_timestamp"], "2026-01-02T03:04:05Z");
    for field in ["sid", "identity", "attributes", "messaging_binding", "date_created"] {
        assert_eq!(updated.json[field], ana.json[field], "{field}");
    }
    assert_eq!(world.post(&path, &[("RoleSid", "RL1")]).await.error(), (400, 20001));
}
