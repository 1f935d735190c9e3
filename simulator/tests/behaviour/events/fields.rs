//! The fields that each event carries, as Twilio documents them.

use super::*;
use twilio_conversations_simulator::{Delivery, DeliveryStatus, ParticipantSeed};

fn names(delivery: &Delivery) -> Vec<&str> {
    delivery.fields.iter().map(|(name, _)| name.as_str()).collect()
}

/// The fields of the delivery of that event, but for those that all have.
fn of<'a>(deliveries: &'a [Delivery], event: &str) -> (&'a Delivery, Vec<&'a str>) {
    let mut of_event = deliveries.iter().filter(|delivery| delivery.event == event);
    let delivery = of_event.next().unwrap();
    assert!(of_event.next().is_none(), "{event} once");
    let mut names = names(delivery);
    let common = ["EventType", "AccountSid", "ConversationSid", "ChatServiceSid", "MessagingServiceSid"];
    assert_eq!(names.drain(..common.len()).collect::<Vec<_>>(), common, "{event}");
    assert_eq!(names.pop(), Some("RetryCount"), "{event}");
    assert_eq!(delivery.field("EventType"), Some(event));
    assert_eq!(delivery.field("AccountSid"), Some(&*ACCOUNT.to_string()));
    assert_eq!(delivery.field("ConversationSid"), Some(&*CONVERSATION.to_string()));
    assert_eq!(delivery.field("ChatServiceSid"), Some(&*DEFAULT_SERVICE.to_string()));
    for name in names.iter().filter(|name| name.starts_with("Date") || **name == "StateUpdated") {
        let date = delivery.field(name).unwrap();
        assert!(date.len() == "2016-03-24T21:05:50.123Z".len() && date.ends_with('Z'), "{name}: {date}");
    }
    (delivery, names)
}

#[tokio::test]
async fn events_of_messages_have_their_fields() {
    let world = World::start().await;
    world.listen(CONVERSATION, ALL);
    change_everything(&world, true).await;
    let deliveries = world.settled().await;
    let after = ["Body", "Author", "Attributes", "Source", "ParticipantSid"];
    for (event, moment, body) in [
        ("onMessageAdded", None, "hello"),
        ("onMessageUpdated", Some("DateUpdated"), "hello!"),
        ("onMessageRemoved", Some("DateRemoved"), "hello!"),
    ] {
        let (delivery, names) = of(&deliveries, event);
        let expected: Vec<_> =
            ["MessageSid", "Index", "DateCreated"].into_iter().chain(moment).chain(after).collect();
        assert_eq!(names, expected, "{event}");
        assert_eq!((delivery.field("Body"), delivery.field("Author")), (Some(body), Some("ana")));
        assert_eq!((delivery.field("Index"), delivery.field("Source")), (Some("0"), Some("API")));
        assert_eq!(delivery.field("Attributes"), Some("{\"a\":1}"));
        assert_eq!(delivery.field("MessageSid").map(str::parse), delivery.message.map(Ok));
    }
}

#[tokio::test]
async fn events_of_participants_have_their_fields() {
    let world = World::start().await;
    world.listen(CONVERSATION, ALL);
    change_everything(&world, true).await;
    let deliveries = world.settled().await;
    let address = ["MessagingBinding.Type", "MessagingBinding.Address", "MessagingBinding.ProxyAddress"];
    let (added, names) = of(&deliveries, "onParticipantAdded");
    let expected = [&["ParticipantSid", "DateCreated", "RoleSid", "Attributes"][..], &address].concat();
    assert_eq!(names, expected);
    assert_eq!(added.field("Attributes"), Some("{\"vip\":true}"));
    assert_eq!(added.field("MessagingBinding.Type"), Some("whatsapp"));
    assert_eq!(added.field("MessagingBinding.Address"), Some("whatsapp:+15550001"));
    assert_eq!(added.field("MessagingBinding.ProxyAddress"), Some("whatsapp:+15550002"));
    for (event, moment) in [("onParticipantUpdated", "DateUpdated"), ("onParticipantRemoved", "DateRemoved")]
    {
        let (delivery, names) = of(&deliveries, event);
        let known = ["ParticipantSid", "DateCreated", moment, "Identity", "RoleSid", "Attributes"];
        assert_eq!(names, [&known[..], &address, &["LastReadMessageIndex"]].concat(), "{event}");
        assert_eq!(
            (delivery.field("Identity"), delivery.field("LastReadMessageIndex")),
            (Some("ana"), Some("0"))
        );
        assert_eq!(delivery.field("ParticipantSid"), added.field("ParticipantSid"));
    }
}

#[tokio::test]
async fn events_of_the_conversation_have_their_fields() {
    let world = World::start().await;
    world.listen(CONVERSATION, ALL);
    change_everything(&world, true).await;
    let deliveries = world.settled().await;
    let content = ["FriendlyName", "UniqueName", "Attributes", "State"];
    let (updated, names) = of(&deliveries, "onConversationUpdated");
    assert_eq!(names, [&["DateCreated", "DateUpdated"][..], &content].concat());
    assert_eq!(updated.field("FriendlyName"), Some("Support"));
    assert_eq!(updated.field("UniqueName"), Some("tenant a/support"));
    let (removed, names) = of(&deliveries, "onConversationRemoved");
    assert_eq!(names, [&["DateCreated", "DateUpdated", "DateRemoved"][..], &content].concat());
    assert_eq!((removed.field("Attributes"), removed.field("State")), (Some("{}"), Some("inactive")));
    let (state, names) = of(&deliveries, "onConversationStateUpdated");
    assert_eq!(names, ["StateUpdated", "StateFrom", "StateTo", "Reason"]);
    let said = ["StateFrom", "StateTo", "Reason"].map(|name| state.field(name).unwrap());
    assert_eq!(said, ["active", "inactive", "API"]);
}

#[tokio::test]
async fn the_delivery_of_a_message_is_told_with_its_fields() {
    let world = World::start().await;
    world.listen(CONVERSATION, ALL);
    let ana = ParticipantSeed::address("+15550001", "+15550002");
    let ana = world.simulator.join(CONVERSATION, &ana).unwrap();
    let message = world.simulator.say(CONVERSATION, "bob", "hello").unwrap();
    let report =
        |status, code| world.simulator.report_delivery(CONVERSATION, message, ana, status, code).unwrap();
    let receipt = report(DeliveryStatus::Sent, 0);
    assert_eq!(report(DeliveryStatus::Undelivered, 63_024), receipt, "one receipt of each participant");
    let deliveries = world.settled().await;
    let told: Vec<_> = deliveries.iter().filter(|delivery| delivery.event == "onDeliveryUpdated").collect();
    for (delivery, (status, code)) in told.iter().zip([("sent", "0"), ("undelivered", "63024")]) {
        let (_, names) = of(std::slice::from_ref(*delivery), "onDeliveryUpdated");
        let who = ["MessageSid", "DeliveryReceiptSid", "ChannelMessageSid", "ParticipantSid"];
        let what = ["Status", "ErrorCode", "DateCreated", "DateUpdated"];
        assert_eq!(names, [who, what].concat());
        assert_eq!(delivery.field("MessageSid"), Some(&*message.to_string()));
        assert_eq!(delivery.field("DeliveryReceiptSid"), Some(&*receipt.to_string()));
        assert_eq!(delivery.field("ParticipantSid"), Some(&*ana.to_string()));
        assert!(delivery.field("ChannelMessageSid").unwrap().starts_with("SM"));
        assert_eq!((delivery.field("Status"), delivery.field("ErrorCode")), (Some(status), Some(code)));
    }
    assert_eq!(told.len(), 2);
}
