//! What is set for a whole account or service.

use serde::Serialize;

use super::{Date, Links};
use crate::api::page::Meta;
use crate::sid::{AccountSid, MessagingServiceSid, ServiceSid};
use crate::world::{Defaults, Method, Service, WideWebhook};

/// A list.
#[derive(Serialize)]
pub(crate) struct ServiceList<'a> {
    pub(crate) meta: Meta,
    pub(crate) services: Vec<ServiceJson<'a>>,
}

/// A service.
#[derive(Serialize)]
pub(crate) struct ServiceJson<'a> {
    sid: ServiceSid,
    account_sid: AccountSid,
    friendly_name: &'a str,
    date_created: Date,
    date_updated: Date,
    url: String,
    links: ServiceLinks,
}

#[derive(Serialize)]
struct ServiceLinks {
    conversations: String,
    users: String,
    roles: String,
    bindings: String,
    configuration: String,
    participant_conversations: String,
    conversation_with_participants: String,
}

impl<'a> ServiceJson<'a> {
    pub(crate) fn new(account: AccountSid, service: &'a Service, links: &Links<'_>) -> Self {
        let url = format!("{}/{}", links.services(), service.sid);
        let below = |name: &str| format!("{url}/{name}");
        Self {
            sid: service.sid,
            account_sid: account,
            friendly_name: &service.friendly_name,
            date_created: Date(service.created_at),
            date_updated: Date(service.updated_at),
            links: ServiceLinks {
                conversations: below("Conversations"),
                users: below("Users"),
                roles: below("Roles"),
                bindings: below("Bindings"),
                configuration: below("Configuration"),
                participant_conversations: below("ParticipantConversations"),
                conversation_with_participants: below("ConversationWithParticipants"),
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
    pub(crate) fn new(account: AccountSid, defaults: &Defaults, links: &Links<'_>) -> Self {
        let root = links.root();
        Self {
            account_sid: account,
            default_chat_service_sid: defaults.service,
            default_messaging_service_sid: defaults.messaging_service,
            default_inactive_timer: defaults.inactive_after.as_ref().map(ToString::to_string),
            default_closed_timer: defaults.closed_after.as_ref().map(ToString::to_string),
            url: format!("{root}/Configuration"),
            links: ConfigurationLinks {
                service: format!("{root}/Services/{}/Configuration", defaults.service),
                webhooks: format!("{root}/Configuration/Webhooks"),
            },
        }
    }
}

/// The webhook of a whole account.
#[derive(Serialize)]
pub(crate) struct GlobalWebhookJson<'a> {
    account_sid: AccountSid,
    method: &'static str,
    filters: Option<&'a [String]>,
    pre_webhook_url: Option<&'a str>,
    post_webhook_url: Option<&'a str>,
    target: &'static str,
    url: String,
}

impl<'a> GlobalWebhookJson<'a> {
    pub(crate) fn new(account: AccountSid, webhook: &'a WideWebhook, links: &Links<'_>) -> Self {
        Self {
            account_sid: account,
            method: method(webhook.method.unwrap_or_default()),
            filters: filters(webhook),
            pre_webhook_url: webhook.pre_url.as_deref(),
            post_webhook_url: webhook.post_url.as_deref(),
            target: if webhook.to_flex { "flex" } else { "webhook" },
            url: format!("{}/Configuration/Webhooks", links.root()),
        }
    }
}

/// The webhook of a service.
#[derive(Serialize)]
pub(crate) struct ServiceWebhookJson<'a> {
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    method: Option<&'static str>,
    filters: Option<&'a [String]>,
    pre_webhook_url: Option<&'a str>,
    post_webhook_url: Option<&'a str>,
    url: String,
}

impl<'a> ServiceWebhookJson<'a> {
    pub(crate) fn new(account: AccountSid, service: &'a Service, links: &Links<'_>) -> Self {
        let webhook = &service.webhook;
        Self {
            account_sid: account,
            chat_service_sid: service.sid,
            method: webhook.method.map(method),
            filters: filters(webhook),
            pre_webhook_url: webhook.pre_url.as_deref(),
            post_webhook_url: webhook.post_url.as_deref(),
            url: format!("{}/{}/Configuration/Webhooks", links.services(), service.sid),
        }
    }
}

/// What was never set is null.
fn filters(webhook: &WideWebhook) -> Option<&[String]> {
    (!webhook.filters.is_empty()).then_some(&webhook.filters)
}

const fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
    }
}
