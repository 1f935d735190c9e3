//! What webhooks hear of.

mod causes;
mod fields;

use crate::fixture::*;
use twilio_conversations_simulator::{MessageSid, ParticipantSid};

const ALL: [&str; 10] = [
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
    "onConversationUpdated",
    "onConversationStateUpdated",
    "onConversationRemoved",
    "onParticipantAdded",
    "onParticipantUpdated",
    "onParticipantRemoved",
    "onDeliveryUpdated",
];

/// The events that one of each REST call that changes something causes, in this order.
const BY_REST: [&str; 9] = [
    "onParticipantAdded",
    "onParticipantUpdated",
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
    "onParticipantRemoved",
    "onConversationUpdated",
    "onConversationStateUpdated",
    "onConversationRemoved",
];

/// Changes everything once over REST, with or without the header that has webhooks hear of it.
async fn change_everything(world: &World, fires: bool) {
    let post = async |path: &str, form: &[(&str, &str)]| {
        let reply = if fires { world.post_firing(path, form).await } else { world.post(path, form).await };
        assert!(reply.status < 300, "{}", reply.json);
        reply
    };
    let delete = async |path: &str| {
        let reply = if fires { world.delete_firing(path).await } else { world.delete(path).await };
        assert_eq!(reply.status, 204, "{}", reply.json);
    };
    let ana = [
        ("MessagingBinding.Address", "whatsapp:+15550001"),
        ("MessagingBinding.ProxyAddress", "whatsapp:+15550002"),
        ("Attributes", "{\"vip\":true}"),
    ];
    let participant: ParticipantSid = post(&participants(CONVERSATION), &ana).await.sid();
    let participant = format!("{}/{participant}", participants(CONVERSATION));
    post(&participant, &[("LastReadMessageIndex", "0"), ("Identity", "ana")]).await;
    let message = [("Body", "hello"), ("Author", "ana"), ("Attributes", "{\"a\":1}")];
    let message: MessageSid = post(&messages(CONVERSATION), &message).await.sid();
    let message = format!("{}/{message}", messages(CONVERSATION));
    post(&message, &[("Body", "hello!")]).await;
    delete(&message).await;
    delete(&participant).await;
    post(&conversation(CONVERSATION), &[("FriendlyName", "Support"), ("State", "inactive")]).await;
    delete(&conversation(CONVERSATION)).await;
}
