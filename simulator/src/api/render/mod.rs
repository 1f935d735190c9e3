//! Twilio's JSON. Every absolute URL is built from the `Host` of the request, so that a client that follows links
//! stays with the simulator.

mod conversation;
mod message;
mod participant;
mod settings;
mod webhook;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

pub(super) use conversation::{ConversationJson, ConversationList};
pub(super) use message::{MessageJson, MessageList, ReceiptJson, ReceiptList};
pub(super) use participant::{ParticipantJson, ParticipantList};
pub(super) use settings::{
    ConfigurationJson, GlobalWebhookJson, ServiceJson, ServiceList, ServiceWebhookJson,
};
pub(super) use webhook::{WebhookJson, WebhookList};

use crate::sid::{ConversationSid, ServiceSid};

/// Where links point: the request's host and path family.
pub(crate) struct Links<'a> {
    pub(crate) host: &'a str,
    pub(crate) service: Option<ServiceSid>,
}

impl Links<'_> {
    fn root(&self) -> String {
        format!("http://{}/v1", self.host)
    }

    pub(crate) fn services(&self) -> String {
        format!("{}/Services", self.root())
    }

    pub(crate) fn conversations(&self) -> String {
        match self.service {
            None => format!("{}/Conversations", self.root()),
            Some(service) => format!("{}/{service}/Conversations", self.services()),
        }
    }

    pub(crate) fn conversation(&self, sid: ConversationSid) -> String {
        format!("{}/{sid}", self.conversations())
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
