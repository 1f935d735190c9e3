//! Messages, and what channels say of them.

use crate::fixture::*;
use serde_json::{Value, json};
use twilio_conversations_simulator::{DeliveryStatus, MessageSid, ParticipantSeed, ReceiptSid};

fn message(sid: MessageSid) -> String {
    format!("{}/{sid}", messages(CONVERSATION))
}

#[tokio::test]
async fn messages_are_numbered_and_no_number_is_given_twice() {
    let world = World::start().await;
    let reply = world.post(&messages(CONVERSATION), &[("Body", "zero"), ("Author", "ana")]).await;
    assert_eq!(reply.status, 201);
    assert_eq!((&reply.json["index"], &reply.json["body"]), (&json!(0), &json!("zero")));
    assert_eq!((&reply.json["author"], &reply.json["participant_sid"]), (&json!("ana"), &Value::Null));
    let last: MessageSid = world.post(&messages(CONVERSATION), &[("Body", "one")]).await.sid();
    assert_eq!(world.delete(&message(last)).await.status, 204);
    assert_eq!(world.get(&message(last)).await.error(), (404, 20404));
    assert_eq!(world.post(&messages(CONVERSATION), &[("Body", "two")]).await.json["index"], 2);
    let listed = world.get(&messages(CONVERSATION)).await;
    assert_eq!(listed.column("messages", "index"), [0, 2]);
}

#[tokio::test]
async fn an_update_of_a_message_keeps_what_was_not_sent() {
    let world = World::start().await;
    let form = [("Body", "hello"), ("Author", "ana"), ("Attributes", "{\"a\":1}")];
    let made = world.post(&messages(CONVERSATION), &form).await;
    let updated = world.post(&message(made.sid()), &[("Body", "hello!")]).await;
    assert_eq!(updated.status, 200);
    assert_eq!(updated.json["body"], "hello!");
    for field in ["sid", "index", "author", "attributes", "date_created", "url"] {
        assert_eq!(updated.json[field], made.json[field], "{field}");
    }
    assert_eq!(world.get(&message(made.sid())).await.json, updated.json);
    assert_eq!(world.post(&message(MessageSid::numbered(9)), &[]).await.error(), (404, 20404));
}

#[tokio::test]
async fn a_message_by_rest_belongs_to_the_participant_of_that_name() {
    let world = World::start().await;
    let ana = world.simulator.join(CONVERSATION, &ParticipantSeed::identity("ana")).unwrap();
    let made = world.post(&messages(CONVERSATION), &[("Author", "ana")]).await;
    assert_eq!(made.json["participant_sid"], json!(ana));
    assert_eq!(world.post(&messages(CONVERSATION), &[]).await.json["author"], "system");
}

#[tokio::test]
async fn receipts_say_what_became_of_a_message_at_each_participant() {
    let world = World::start().await;
    let join = |number: &str| {
        let participant = ParticipantSeed::address(number, "+15550009");
        world.simulator.join(CONVERSATION, &participant).unwrap()
    };
    let [ana, bob] = [join("+15550001"), join("+15550002")];
    let sid = world.simulator.say(CONVERSATION, "carol", "hello").unwrap();
    assert_eq!(world.get(&message(sid)).await.json["delivery"], Value::Null);
    let report =
        |who, status, code| world.simulator.report_delivery(CONVERSATION, sid, who, status, code).unwrap();
    let of_ana = report(ana, DeliveryStatus::Read, 0);
    let of_bob = report(bob, DeliveryStatus::Sent, 0);
    let delivery = json!({"total": 2, "sent": "all", "delivered": "some", "read": "some", "failed": "none",
        "undelivered": "none"});
    assert_eq!(world.get(&message(sid)).await.json["delivery"], delivery);
    assert_eq!(report(bob, DeliveryStatus::Failed, 30_003), of_bob);

    let receipts = format!("{}/Receipts", message(sid));
    let listed = world.get(&receipts).await;
    assert_eq!(listed.column("delivery_receipts", "sid"), [json!(of_ana), json!(of_bob)]);
    let fetched = world.get(&format!("{receipts}/{of_bob}")).await.json;
    assert_eq!((&fetched["status"], &fetched["error_code"]), (&json!("failed"), &json!(30_003)));
    assert_eq!((&fetched["message_sid"], &fetched["participant_sid"]), (&json!(sid), &json!(bob)));
    assert!(fetched["channel_message_sid"].as_str().unwrap().starts_with("SM"));
    assert_eq!(fetched["url"], world.url(&format!("{receipts}/{of_bob}")));
    assert_eq!(world.get(&format!("{receipts}/{}", ReceiptSid::numbered(9))).await.error(), (404, 20404));
    assert_eq!(world.post(&receipts, &[]).await.error(), (405, 20004));
}
