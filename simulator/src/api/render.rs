//! Twilio's JSON. Every absolute URL is built from the `Host` of the request, so that a client that follows links
//! stays with the simulator.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::page::Meta;
use crate::settings::{MethodCase, Settings, TriggerKeys};
use crate::sid::{
    AccountSid, ConversationSid, FlowSid, MessageSid, MessagingServiceSid, ParticipantSid, ServiceSid,
    WebhookSid,
};
use crate::world::{
    Account, Configuration, Conversation, ConversationState, Message, Method, Target, WebhookRecord,
};

/// Where links point: the request's host and path family.
pub(crate) struct Links<'a> {
    pub(crate) host: &'a str,
    pub(crate) service: Option<ServiceSid>,
}

impl Links<'_> {
    fn root(&self) -> String {
        format!("http://{}/v1", self.host)
    }

    pub(crate) fn conversation(&self, sid: ConversationSid) -> String {
        match self.service {
            None => format!("{}/Conversations/{sid}", self.root()),
            Some(service) => format!("{}/Services/{service}/Conversations/{sid}", self.root()),
        }
    }

    pub(crate) fn webhooks(&self, conversation: ConversationSid) -> String {
        format!("{}/Webhooks", self.conversation(conversation))
    }
}

/// ISO 8601, UTC, whole seconds.
struct Date(Timestamp);

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// A list.
#[derive(Serialize)]
pub(crate) struct WebhookList<'a> {
    pub(crate) meta: Meta,
    pub(crate) webhooks: Vec<WebhookJson<'a>>,
}

/// A scoped webhook.
#[derive(Serialize)]
pub(crate) struct WebhookJson<'a> {
    sid: WebhookSid,
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    target: Target,
    configuration: ConfigurationOfWebhook<'a>,
    date_created: Date,
    date_updated: Date,
    url: String,
}

#[derive(Serialize, Default)]
struct ConfigurationOfWebhook<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggers: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_sid: Option<FlowSid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_after: Option<u64>,
}

impl<'a> WebhookJson<'a> {
    pub(crate) fn new(record: &'a WebhookRecord, links: &Links<'_>, settings: Settings) -> Self {
        Self {
            sid: record.sid,
            account_sid: record.account,
            chat_service_sid: links.service,
            conversation_sid: record.conversation,
            target: record.configuration.target(),
            configuration: ConfigurationOfWebhook::new(record, settings),
            date_created: Date(record.created.at),
            date_updated: Date(record.updated_at()),
            url: format!("{}/{}", links.webhooks(record.conversation), record.sid),
        }
    }
}

impl<'a> ConfigurationOfWebhook<'a> {
    fn new(record: &'a WebhookRecord, settings: Settings) -> Self {
        let method = |method: Method| match (method, settings.method_case) {
            (Method::Get, MethodCase::Lower) => "get",
            (Method::Get, MethodCase::Upper) => "GET",
            (Method::Post, MethodCase::Lower) => "post",
            (Method::Post, MethodCase::Upper) => "POST",
        };
        let fields = match &record.configuration {
            Configuration::Webhook { url, method: verb, filters } => Self {
                url: Some(url),
                method: Some(method(*verb)),
                filters: Some(filters),
                ..Self::default()
            },
            Configuration::Trigger { url, method: verb, triggers } => {
                let (filters, triggers) = match settings.trigger_keys {
                    TriggerKeys::Triggers => (None, Some(triggers.as_slice())),
                    TriggerKeys::Filters => (Some(triggers.as_slice()), None),
                };
                Self { url: Some(url), method: Some(method(*verb)), filters, triggers, ..Self::default() }
            }
            Configuration::Studio { flow_sid, filters } => {
                let filters = (!filters.is_empty()).then_some(filters.as_slice());
                Self { flow_sid: Some(*flow_sid), filters, ..Self::default() }
            }
        };
        Self { replay_after: record.replay_after.filter(|_| settings.echo_replay_after), ..fields }
    }
}

/// An empty object.
#[derive(Serialize)]
struct Empty {}

/// A conversation.
#[derive(Serialize)]
pub(crate) struct ConversationJson<'a> {
    sid: ConversationSid,
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    messaging_service_sid: MessagingServiceSid,
    friendly_name: Option<&'a str>,
    unique_name: Option<&'a str>,
    attributes: &'a str,
    state: ConversationState,
    date_created: Date,
    date_updated: Date,
    timers: Empty,
    bindings: Empty,
    url: String,
    links: ConversationLinks,
}

#[derive(Serialize)]
struct ConversationLinks {
    participants: String,
    messages: String,
    webhooks: String,
    export: String,
}

impl<'a> ConversationJson<'a> {
    pub(crate) fn new(account: &Account, conversation: &'a Conversation, links: &Links<'_>) -> Self {
        let url = links.conversation(conversation.sid);
        let below = |name: &str| format!("{url}/{name}");
        Self {
            sid: conversation.sid,
            account_sid: account.sid,
            chat_service_sid: conversation.service,
            messaging_service_sid: account.messaging_service,
            friendly_name: conversation.friendly_name.as_deref(),
            unique_name: conversation.unique_name.as_deref(),
            attributes: &conversation.attributes,
            state: conversation.state,
            date_created: Date(conversation.created_at),
            date_updated: Date(conversation.updated_at),
            timers: Empty {},
            bindings: Empty {},
            links: ConversationLinks {
                participants: below("Participants"),
                messages: below("Messages"),
                webhooks: below("Webhooks"),
                export: below("Export"),
            },
            url,
        }
    }
}

/// A message.
#[derive(Serialize)]
pub(crate) struct MessageJson<'a> {
    sid: MessageSid,
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    body: &'a str,
    media: Option<()>,
    author: &'a str,
    participant_sid: Option<ParticipantSid>,
    attributes: &'a str,
    date_created: Date,
    date_updated: Date,
    index: u64,
    delivery: Option<()>,
    content_sid: Option<()>,
    url: String,
    links: MessageLinks,
}

#[derive(Serialize)]
struct MessageLinks {
    delivery_receipts: String,
    channel_metadata: String,
}

impl<'a> MessageJson<'a> {
    pub(crate) fn new(
        account: AccountSid,
        conversation: ConversationSid,
        message: &'a Message,
        links: &Links<'_>,
    ) -> Self {
        let url = format!("{}/Messages/{}", links.conversation(conversation), message.sid);
        Self {
            sid: message.sid,
            account_sid: account,
            chat_service_sid: links.service,
            conversation_sid: conversation,
            body: &message.body,
            media: None,
            author: &message.author,
            participant_sid: message.participant,
            attributes: &message.attributes,
            date_created: Date(message.created_at),
            date_updated: Date(message.created_at),
            index: message.index,
            delivery: None,
            content_sid: None,
            links: MessageLinks {
                delivery_receipts: format!("{url}/Receipts"),
                channel_metadata: format!("{url}/ChannelMetadata"),
            },
            url,
        }
    }
}

/// The account's Conversations configuration.
#[derive(Serialize)]
pub(crate) struct ConfigurationJson {
    account_sid: AccountSid,
    default_chat_service_sid: ServiceSid,
    default_messaging_service_sid: MessagingServiceSid,
    default_inactive_timer: Option<String>,
    default_closed_timer: Option<String>,
    url: String,
    links: ConfigurationLinks,
}

#[derive(Serialize)]
struct ConfigurationLinks {
    service: String,
    webhooks: String,
}

impl ConfigurationJson {
    pub(crate) fn new(account: &Account, links: &Links<'_>) -> Self {
        let root = links.root();
        Self {
            account_sid: account.sid,
            default_chat_service_sid: account.default_service,
            default_messaging_service_sid: account.messaging_service,
            default_inactive_timer: None,
            default_closed_timer: None,
            url: format!("{root}/Configuration"),
            links: ConfigurationLinks {
                service: format!("{root}/Services/{}/Configuration", account.default_service),
                webhooks: format!("{root}/Configuration/Webhooks"),
            },
        }
    }
}
