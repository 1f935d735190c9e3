//! Deliveries: which webhooks an event concerns, what they are sent, and the record of every attempt.
//!
//! Deciding is separate from sending: [`event`] looks at the world and never sends; [`courier`] sends and never
//! looks at it. Nothing is ever sent to anything but the URL of a webhook.

mod courier;
mod event;
mod log;
pub mod signature;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use courier::Courier;
pub(crate) use event::{message_added, replay};
pub(crate) use log::DeliveryLog;

use crate::sid::{AccountSid, ConversationSid, FlowSid, MessageSid, WebhookSid};
use crate::world::Method;

/// An event on its way to one webhook.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) delivery: Delivery,
    /// The key of the signature, as it was when the event happened.
    pub(crate) auth_token: String,
}

/// One attempt to deliver one event to one webhook. There is no second attempt.
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
    /// The webhook.
    pub webhook: WebhookSid,
    /// The event.
    pub event: String,
    /// The message that it is about.
    pub message: MessageSid,
    /// The index of that message.
    pub message_index: u64,
    /// Whether an old message was sent again because of `ReplayAfter`.
    pub replay: bool,
    /// The value of `I-Twilio-Idempotency-Token`.
    pub idempotency_token: String,
    /// Where to.
    pub destination: Destination,
    /// The fields that were sent.
    pub fields: Vec<(String, String)>,
    /// What became of it.
    pub outcome: DeliveryOutcome,
}

/// Where a delivery goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}
