//! Conversations.

use serde::Serialize;

use super::{Date, Links};
use crate::api::page::Meta;
use crate::sid::{AccountSid, ConversationSid, MessagingServiceSid, ServiceSid};
use crate::world::{Conversation, ConversationState};

/// A list.
#[derive(Serialize)]
pub(crate) struct ConversationList<'a> {
    pub(crate) meta: Meta,
    pub(crate) conversations: Vec<ConversationJson<'a>>,
}

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
    timers: Timers,
    bindings: Bindings,
    url: String,
    links: ConversationLinks,
}

#[derive(Serialize)]
struct Timers {
    #[serde(skip_serializing_if = "Option::is_none")]
    date_inactive: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_closed: Option<Date>,
}

/// E-mail addresses, which are not simulated.
#[derive(Serialize)]
struct Bindings {}

#[derive(Serialize)]
struct ConversationLinks {
    participants: String,
    messages: String,
    webhooks: String,
    export: String,
}

impl<'a> ConversationJson<'a> {
    pub(crate) fn new(account: AccountSid, conversation: &'a Conversation, links: &Links<'_>) -> Self {
        let url = links.conversation(conversation.sid);
        let below = |name: &str| format!("{url}/{name}");
        Self {
            sid: conversation.sid,
            account_sid: account,
            chat_service_sid: conversation.service,
            messaging_service_sid: conversation.messaging_service,
            friendly_name: conversation.friendly_name.as_deref(),
            unique_name: conversation.unique_name.as_deref(),
            attributes: &conversation.attributes,
            state: conversation.state,
            date_created: Date(conversation.created_at),
            date_updated: Date(conversation.updated_at),
            timers: Timers {
                date_inactive: conversation.inactive_at.map(Date),
                date_closed: conversation.closed_at.map(Date),
            },
            bindings: Bindings {},
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
