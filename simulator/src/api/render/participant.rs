//! Participants.

use serde::Serialize;

use super::{Date, Links};
use crate::api::page::Meta;
use crate::sid::{AccountSid, ConversationSid, ParticipantSid, RoleSid, ServiceSid};
use crate::world::{Binding, Participant};

/// A list.
#[derive(Serialize)]
pub(crate) struct ParticipantList<'a> {
    pub(crate) meta: Meta,
    pub(crate) participants: Vec<ParticipantJson<'a>>,
}

/// A participant.
#[derive(Serialize)]
pub(crate) struct ParticipantJson<'a> {
    sid: ParticipantSid,
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    identity: Option<&'a str>,
    attributes: &'a str,
    messaging_binding: Option<MessagingBinding<'a>>,
    role_sid: RoleSid,
    date_created: Date,
    date_updated: Date,
    last_read_message_index: Option<u64>,
    last_read_timestamp: Option<&'a str>,
    url: String,
}

#[derive(Serialize)]
struct MessagingBinding<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projected_address: Option<&'a str>,
}

impl<'a> MessagingBinding<'a> {
    fn new(binding: &'a Binding) -> Self {
        Self {
            r#type: binding.kind(),
            address: binding.address.as_deref(),
            proxy_address: binding.proxy_address.as_deref(),
            projected_address: binding.projected_address.as_deref(),
        }
    }
}

impl<'a> ParticipantJson<'a> {
    pub(crate) fn new(
        account: AccountSid,
        conversation: ConversationSid,
        participant: &'a Participant,
        links: &Links<'_>,
    ) -> Self {
        Self {
            sid: participant.sid,
            account_sid: account,
            chat_service_sid: links.service,
            conversation_sid: conversation,
            identity: participant.identity.as_deref(),
            attributes: &participant.attributes,
            messaging_binding: participant.binding.as_ref().map(MessagingBinding::new),
            role_sid: participant.role,
            date_created: Date(participant.created_at),
            date_updated: Date(participant.updated_at),
            last_read_message_index: participant.last_read_index,
            last_read_timestamp: participant.last_read_at.as_deref(),
            url: format!("{}/Participants/{}", links.conversation(conversation), participant.sid),
        }
    }
}
