//! A conversation and what is in it: messages with their delivery receipts, and participants.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::period::Period;
use crate::api::Refusal;
use crate::settings::{ClosedConversation, Settings};
use crate::sid::{
    ChannelMessageSid, ConversationSid, MessageSid, MessagingServiceSid, ParticipantSid, ReceiptSid, RoleSid,
    ServiceSid, WebhookSid,
};

/// How many webhooks one conversation holds.
pub const WEBHOOK_SLOTS: usize = 5;

/// Twilio's conversation states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationState {
    /// Not ready for changes yet (50386).
    Initializing,
    /// In use.
    #[default]
    Active,
    /// Quiet; wakes with the next message.
    Inactive,
    /// Over for good (50377).
    Closed,
}

impl ConversationState {
    /// Twilio's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Closed => "closed",
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its SID.
    pub sid: MessageSid,
    /// Its place in the conversation, from 0; that of a deleted message is not given again.
    pub index: u64,
    /// Who wrote it.
    pub author: String,
    /// The author as a participant; a message by REST has one only when its author is one.
    pub participant: Option<ParticipantSid>,
    /// Its text.
    pub body: String,
    /// JSON as text.
    pub attributes: String,
    /// How it came in.
    pub source: MessageSource,
    /// When.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What became of it at the participants that are reached over a channel.
    pub receipts: Vec<Receipt>,
}

/// How a message came in (`Source` of an event).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageSource {
    /// By a REST call.
    #[serde(rename = "API")]
    Api,
    /// From a participant's client.
    #[serde(rename = "SDK")]
    Sdk,
}

impl MessageSource {
    /// Twilio's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Sdk => "SDK",
        }
    }
}

/// What a channel says of a message on its way to one participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Its SID.
    pub sid: ReceiptSid,
    /// The message as the channel knows it.
    pub channel_message: ChannelMessageSid,
    /// The participant.
    pub participant: ParticipantSid,
    /// How far it came.
    pub status: DeliveryStatus,
    /// Why not further; 0 when nothing went wrong.
    pub error_code: u32,
    /// When it was first heard of.
    pub created_at: Timestamp,
    /// When it was last heard of.
    pub updated_at: Timestamp,
}

/// How far a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// On its way.
    Sent,
    /// It arrived.
    Delivered,
    /// It was read.
    Read,
    /// It could not be sent.
    Failed,
    /// It did not arrive.
    Undelivered,
}

impl DeliveryStatus {
    /// Twilio's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Undelivered => "undelivered",
        }
    }
}

/// Somebody in a conversation: by an identity of its own, or reached over a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// Its SID.
    pub sid: ParticipantSid,
    /// The name that its client uses.
    pub identity: Option<String>,
    /// The channel that it is reached over.
    pub binding: Option<Binding>,
    /// What it may do.
    pub role: RoleSid,
    /// JSON as text.
    pub attributes: String,
    /// The last message that it has read.
    pub last_read_index: Option<u64>,
    /// When it read that; as it was sent.
    pub last_read_at: Option<String>,
    /// When it joined.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Its place in the order of joining.
    #[serde(skip)]
    pub(crate) ordinal: u64,
}

/// How a participant is reached over a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The participant's own address, such as `+15558675310` or `whatsapp:+15558675310`; one in a group may have none.
    pub address: Option<String>,
    /// The Twilio address that it writes to.
    pub proxy_address: Option<String>,
    /// The Twilio address that a participant with an identity shows in a group.
    pub projected_address: Option<String>,
}

impl Binding {
    /// Twilio's word for the channel.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        let any = [&self.address, &self.proxy_address, &self.projected_address].into_iter().flatten().next();
        if any.is_some_and(|address| address.starts_with("whatsapp:")) { "whatsapp" } else { "sms" }
    }
}

/// What outsiders may know of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Its SID.
    pub sid: ConversationSid,
    /// Its service.
    pub service: ServiceSid,
    /// Its messaging service.
    pub messaging_service: MessagingServiceSid,
    /// Its unique name.
    pub unique_name: Option<String>,
    /// Its name for people.
    pub friendly_name: Option<String>,
    /// JSON as text.
    pub attributes: String,
    /// Its state.
    pub state: ConversationState,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it becomes inactive unless somebody writes.
    pub inactive_at: Option<Timestamp>,
    /// When it is closed unless somebody writes.
    pub closed_at: Option<Timestamp>,
    /// The webhooks that hang on it now, oldest first.
    pub webhooks: Vec<WebhookSid>,
    /// Every webhook that has ever hung on it, oldest first.
    #[serde(skip)]
    pub(crate) ever: Vec<WebhookSid>,
    /// Its messages.
    pub messages: Vec<Message>,
    /// Its participants.
    pub participants: Vec<Participant>,
    /// Its place in the order of creation.
    #[serde(skip)]
    pub(crate) ordinal: u64,
    #[serde(skip)]
    pub(crate) next_message_index: u64,
    /// How many participants have joined.
    #[serde(skip)]
    pub(crate) joined: u64,
    #[serde(skip)]
    pub(crate) inactive_after: Option<Period>,
    #[serde(skip)]
    pub(crate) closed_after: Option<Period>,
    /// While Twilio sets it up: until when, and its state from then on.
    #[serde(skip)]
    pub(crate) set_up: Option<(Timestamp, ConversationState)>,
    /// While Twilio deletes it: until when.
    #[serde(skip)]
    pub(crate) going_until: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) pace: super::Pace,
}

impl Conversation {
    /// Whether its content may be changed: by messages, participants, or of itself.
    pub(crate) fn admits_changes(&self) -> Result<(), Refusal> {
        if self.going_until.is_some() {
            return Err(Refusal::ConversationGoing);
        }
        match self.state {
            ConversationState::Active | ConversationState::Inactive => Ok(()),
            ConversationState::Closed => Err(Refusal::ConversationClosed),
            ConversationState::Initializing => Err(Refusal::ConversationInitializing),
        }
    }

    /// Whether webhooks may be created and changed.
    pub(crate) fn admits_webhooks(&self, settings: Settings) -> Result<(), Refusal> {
        match (self.admits_changes(), settings.closed_conversation) {
            (Err(Refusal::ConversationClosed), ClosedConversation::Accept) => Ok(()),
            (result, _) => result,
        }
    }

    /// Whether webhooks may be deleted: closed conversations let them go, unless the switch says otherwise.
    pub(crate) fn lets_webhooks_go(&self, settings: Settings) -> Result<(), Refusal> {
        match (self.admits_changes(), settings.closed_conversation) {
            (Err(Refusal::ConversationClosed), ClosedConversation::RefuseChanges) => Ok(()),
            _ => self.admits_webhooks(settings),
        }
    }
}
