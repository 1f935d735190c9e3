//! Which webhooks an event concerns, and the fields that Twilio documents for it.

use super::{Delivery, DeliveryOutcome, Destination, Dispatch};
use crate::sid::{ConversationSid, SidSource, WebhookSid};
use crate::world::{Account, AccountData, Configuration, Conversation, Message, WebhookRecord};

const MESSAGE_ADDED: &str = "onMessageAdded";

/// A new message, to every webhook of its conversation that it concerns.
pub(crate) fn message_added(
    account: &Account,
    data: &AccountData,
    conversation: ConversationSid,
    message: &Message,
    sids: &SidSource,
) -> Vec<Dispatch> {
    let Some(conversation) = data.conversation(conversation) else { return Vec::new() };
    let concerned = data.alive(conversation).filter(|record| concerns(&record.configuration, message));
    concerned.map(|record| dispatch(account, conversation, record, message, false, sids)).collect()
}

/// The old messages that a new webhook asked for with `ReplayAfter`: that index and all after it.
pub(crate) fn replay(
    account: &Account,
    data: &AccountData,
    webhook: WebhookSid,
    sids: &SidSource,
) -> Vec<Dispatch> {
    let Some(record) = data.record(webhook) else { return Vec::new() };
    let Some(first) = record.replay_after else { return Vec::new() };
    let Some(conversation) = data.conversation(record.conversation) else { return Vec::new() };
    let missed = conversation.messages.iter().filter(|message| message.index >= first);
    let concerned = missed.filter(|message| concerns(&record.configuration, message));
    concerned.map(|message| dispatch(account, conversation, record, message, true, sids)).collect()
}

/// Whether the webhook wants to hear of that message. A keyword counts wherever it stands, in any case: Twilio does
/// not document more.
fn concerns(configuration: &Configuration, message: &Message) -> bool {
    let wants = |filters: &[String]| filters.iter().any(|filter| filter == MESSAGE_ADDED);
    match configuration {
        Configuration::Webhook { filters, .. } => wants(filters),
        Configuration::Trigger { triggers, .. } => {
            let body = message.body.to_lowercase();
            triggers.iter().any(|keyword| body.contains(&keyword.to_lowercase()))
        }
        Configuration::Studio { filters, .. } => filters.is_empty() || wants(filters),
    }
}

fn dispatch(
    account: &Account,
    conversation: &Conversation,
    record: &WebhookRecord,
    message: &Message,
    replay: bool,
    sids: &SidSource,
) -> Dispatch {
    let destination = match &record.configuration {
        Configuration::Webhook { url, method, .. } | Configuration::Trigger { url, method, .. } => {
            Destination::Http { method: *method, url: url.clone() }
        }
        Configuration::Studio { flow_sid, .. } => Destination::Studio { flow_sid: *flow_sid },
    };
    let delivery = Delivery {
        id: 0,
        at: jiff::Timestamp::now(),
        account: account.sid,
        conversation: conversation.sid,
        webhook: record.sid,
        event: MESSAGE_ADDED.to_owned(),
        message: message.sid,
        message_index: message.index,
        replay,
        idempotency_token: uuid(sids.next()),
        destination,
        fields: fields(account, conversation, message),
        outcome: DeliveryOutcome::Pending,
    };
    Dispatch { delivery, auth_token: account.auth_token() }
}

fn fields(account: &Account, conversation: &Conversation, message: &Message) -> Vec<(String, String)> {
    let mut fields = vec![
        ("EventType", MESSAGE_ADDED.to_owned()),
        ("AccountSid", account.sid.to_string()),
        ("ChatServiceSid", conversation.service.to_string()),
        ("MessagingServiceSid", account.messaging_service.to_string()),
        ("ConversationSid", conversation.sid.to_string()),
        ("MessageSid", message.sid.to_string()),
        ("Index", message.index.to_string()),
        ("DateCreated", message.created_at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
        ("Body", message.body.clone()),
        ("Author", message.author.clone()),
        ("Attributes", message.attributes.clone()),
        ("Source", message.source.as_str().to_owned()),
        ("RetryCount", "0".to_owned()),
    ];
    if let Some(participant) = message.participant {
        fields.push(("ParticipantSid", participant.to_string()));
        fields.push(("ClientIdentity", message.author.clone()));
    }
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn uuid(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
