//! Deliveries: what events say, which webhooks they concern, what is sent, and the record of every attempt.
//!
//! Deciding is separate from sending: [`event`] and [`address`] look at the world and never send; [`courier`] sends and
//! never looks at it. Nothing is ever sent to anything but the URL of a webhook, and of those only to hosts that may be
//! called.

mod address;
mod courier;
mod event;
mod hosts;
mod log;
mod repeated;
pub mod signature;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use address::{address, replay};
pub(crate) use courier::Courier;
pub(crate) use event::Event;
pub use hosts::{DeliveryHosts, HostError};
pub(crate) use log::DeliveryLog;
pub(crate) use repeated::repeated;

use crate::sid::{AccountSid, ConversationSid, FlowSid, MessageSid, WebhookSid};
use crate::world::Method;

/// An event on its way to one webhook.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) delivery: Delivery,
}

/// One attempt to deliver one event to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its number, from 1.
    pub id: u64,
    /// When the event happened.
    pub at: Timestamp,
    /// The account.
    pub account: AccountSid,
    /// The conversation.
    pub conversation: ConversationSid,
    /// What the webhook is set for.
    pub level: Level,
    /// The webhook, when it is a scoped one; the others have no SID.
    pub webhook: Option<WebhookSid>,
    /// The event.
    pub event: String,
    /// The message that it is about, when it is about a whole one.
    pub message: Option<MessageSid>,
    /// The index of that message.
    pub message_index: Option<u64>,
    /// Whether an old message was sent again because of `ReplayAfter`.
    pub replay: bool,
    /// Which attempt it is: 0 is the first (`RetryCount`).
    pub retry: u32,
    /// The value of `I-Twilio-Idempotency-Token`.
    pub idempotency_token: String,
    /// Where to.
    pub destination: Destination,
    /// The fields that were sent.
    pub fields: Vec<(String, String)>,
    /// What became of it.
    pub outcome: DeliveryOutcome,
}

impl Delivery {
    /// The value of that field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What a webhook is set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// One conversation: a scoped webhook.
    Conversation,
    /// A service.
    Service,
    /// The whole account.
    Account,
}

/// Where a delivery goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Destination {
    /// To a URL.
    Http {
        /// How.
        method: Method,
        /// The webhook's URL.
        url: String,
    },
    /// To a Studio flow, whose execution is recorded and nothing else.
    Studio {
        /// The flow.
        flow_sid: FlowSid,
    },
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum DeliveryOutcome {
    /// Under way.
    Pending,
    /// The bot answered with this HTTP status. Twilio ignores what it says.
    Answered(u16),
    /// The bot did not answer.
    Failed(DeliveryFailure),
    /// A Studio flow was started; nothing was sent.
    Executed,
}

/// Why a bot did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryFailure {
    /// No connection.
    Connect,
    /// No answer within 5 s.
    Timeout,
    /// The connection broke, or what came is not HTTP.
    Broken,
    /// The request could not be made.
    Unsendable,
    /// Its host is not one that may be called; nothing was sent.
    HostNotAllowed,
}
