//! A conversation: the place where webhooks hang and messages arrive.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sid::{ConversationSid, MessageSid, ParticipantSid, ServiceSid, WebhookSid};

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

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its SID.
    pub sid: MessageSid,
    /// Its place in the conversation, from 0.
    pub index: u64,
    /// Who wrote it.
    pub author: String,
    /// The author as a participant; a message by REST has none.
    pub participant: Option<ParticipantSid>,
    /// Its text.
    pub body: String,
    /// JSON as text.
    pub attributes: String,
    /// How it came in.
    pub source: MessageSource,
    /// When.
    pub created_at: Timestamp,
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

/// What outsiders may know of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Its SID.
    pub sid: ConversationSid,
    /// Its service.
    pub service: ServiceSid,
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
    /// The webhooks that hang on it now, oldest first.
    pub webhooks: Vec<WebhookSid>,
    /// Every webhook that has ever hung on it, oldest first.
    #[serde(skip)]
    pub(crate) ever: Vec<WebhookSid>,
    /// Its messages.
    pub messages: Vec<Message>,
    #[serde(skip)]
    pub(crate) participants: HashMap<String, ParticipantSid>,
}
