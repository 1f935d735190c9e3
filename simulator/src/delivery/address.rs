//! Which webhooks an event concerns: the scoped ones of its conversation, the service's, and the account's. The three
//! know nothing of each other, so one event may be delivered by each.

use super::event::{Event, EventType};
use super::{Delivery, DeliveryOutcome, Destination, Dispatch, Level};
use crate::sid::WebhookSid;
use crate::world::{AccountData, Configuration, Conversation, WebhookRecord, WideWebhook};

/// The field that says which attempt a delivery is.
pub(super) const RETRY_COUNT: &str = "RetryCount";

/// The deliveries of an event.
pub(crate) fn address(data: &AccountData, conversation: &Conversation, event: &Event) -> Vec<Dispatch> {
    let scoped = data.alive(conversation).filter(|record| concerns(&record.configuration, event));
    let mut dispatches: Vec<_> =
        scoped.map(|record| to_scoped(data, conversation, record, event, false)).collect();
    let service = data.service(conversation.service).ok().map(|service| &service.webhook);
    for (level, webhook) in [(Level::Service, service), (Level::Account, Some(&data.webhook))] {
        if let Some(destination) = webhook.and_then(|webhook| wide_destination(webhook, event)) {
            dispatches.push(dispatch(data, conversation, event, (level, None), destination, false));
        }
    }
    dispatches
}

/// The old messages that a new webhook asked for with `ReplayAfter`: that index and all after it.
pub(crate) fn replay(data: &AccountData, record: &WebhookRecord) -> Vec<Dispatch> {
    let Some(first) = record.replay_after else { return Vec::new() };
    let Some(conversation) = data.conversation(record.conversation) else { return Vec::new() };
    let missed = conversation.messages.iter().filter(|message| message.index >= first);
    let events = missed.map(|message| Event::message_added(conversation, message));
    let concerned = events.filter(|event| concerns(&record.configuration, event));
    concerned.map(|event| to_scoped(data, conversation, record, &event, true)).collect()
}

/// Whether a scoped webhook wants to hear of that event. A keyword counts wherever it stands, in any case: Twilio does
/// not document more.
fn concerns(configuration: &Configuration, event: &Event) -> bool {
    let wants = |filters: &[String]| filters.iter().any(|filter| filter == event.kind.as_str());
    match configuration {
        Configuration::Studio { filters, .. } if filters.is_empty() => event.kind == EventType::MessageAdded,
        Configuration::Webhook { filters, .. } | Configuration::Studio { filters, .. } => wants(filters),
        Configuration::Trigger { triggers, .. } => event.text.as_ref().is_some_and(|text| {
            let text = text.to_lowercase();
            triggers.iter().any(|keyword| text.contains(&keyword.to_lowercase()))
        }),
    }
}

fn wide_destination(webhook: &WideWebhook, event: &Event) -> Option<Destination> {
    let wanted = webhook.filters.iter().any(|filter| filter == event.kind.as_str());
    let url = webhook.post_url.clone().filter(|_| wanted && !webhook.to_flex)?;
    Some(Destination::Http { method: webhook.method.unwrap_or_default(), url })
}

fn to_scoped(
    data: &AccountData,
    conversation: &Conversation,
    record: &WebhookRecord,
    event: &Event,
    replay: bool,
) -> Dispatch {
    let destination = match &record.configuration {
        Configuration::Webhook { url, method, .. } | Configuration::Trigger { url, method, .. } => {
            Destination::Http { method: *method, url: url.clone() }
        }
        Configuration::Studio { flow_sid, .. } => Destination::Studio { flow_sid: *flow_sid },
    };
    dispatch(data, conversation, event, (Level::Conversation, Some(record.sid)), destination, replay)
}

fn dispatch(
    data: &AccountData,
    conversation: &Conversation,
    event: &Event,
    (level, webhook): (Level, Option<WebhookSid>),
    destination: Destination,
    replay: bool,
) -> Dispatch {
    let about = [
        ("EventType", event.kind.as_str().to_owned()),
        ("AccountSid", data.sid.to_string()),
        ("ConversationSid", conversation.sid.to_string()),
        ("ChatServiceSid", conversation.service.to_string()),
        ("MessagingServiceSid", conversation.messaging_service.to_string()),
    ];
    let fields = about.into_iter().chain(event.fields.iter().cloned()).chain([(RETRY_COUNT, "0".to_owned())]);
    let delivery = Delivery {
        id: 0,
        at: data.now(),
        account: data.sid,
        conversation: conversation.sid,
        level,
        webhook,
        event: event.kind.as_str().to_owned(),
        message: event.message.map(|(sid, _)| sid),
        message_index: event.message.map(|(_, index)| index),
        replay,
        retry: 0,
        idempotency_token: uuid(data.tokens.next()),
        destination,
        fields: fields.map(|(name, value)| (name.to_owned(), value)).collect(),
        outcome: DeliveryOutcome::Pending,
    };
    Dispatch { delivery }
}

fn uuid(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
