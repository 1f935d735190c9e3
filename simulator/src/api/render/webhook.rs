//! Scoped webhooks, with the switches for what Twilio's sources do not agree on.

use serde::Serialize;

use super::{Date, Links};
use crate::api::page::Meta;
use crate::settings::{DateUpdated, FilterOrder, MethodCase, Settings, StudioFilters, TriggerKeys};
use crate::sid::{AccountSid, ConversationSid, FlowSid, ServiceSid, WebhookSid};
use crate::world::{Configuration, Method, Target, WebhookRecord};

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
    date_updated: Option<Date>,
    url: String,
}

#[derive(Serialize, Default)]
struct ConfigurationOfWebhook<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggers: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_sid: Option<FlowSid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_after: Option<u64>,
}

impl<'a> WebhookJson<'a> {
    pub(crate) fn new(record: &'a WebhookRecord, links: &Links<'_>, settings: Settings) -> Self {
        let is_changed = !record.edits.is_empty() || settings.date_updated == DateUpdated::Always;
        Self {
            sid: record.sid,
            account_sid: record.account,
            chat_service_sid: links.service,
            conversation_sid: record.conversation,
            target: record.configuration.target(),
            configuration: ConfigurationOfWebhook::new(record, settings),
            date_created: Date(record.created.at),
            date_updated: is_changed.then(|| Date(record.updated_at())),
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
        let set = |values: &'a [String]| {
            let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
            if settings.filter_order == FilterOrder::Reversed {
                values.reverse();
            }
            Some(values)
        };
        let fields = match &record.configuration {
            Configuration::Webhook { url, method: verb, filters } => {
                Self { url: Some(url), method: Some(method(*verb)), filters: set(filters), ..Self::default() }
            }
            Configuration::Trigger { url, method: verb, triggers } => {
                let (filters, triggers) = match settings.trigger_keys {
                    TriggerKeys::Triggers => (None, set(triggers)),
                    TriggerKeys::Filters => (set(triggers), None),
                };
                Self { url: Some(url), method: Some(method(*verb)), filters, triggers, ..Self::default() }
            }
            Configuration::Studio { flow_sid, filters } => {
                let is_shown = !filters.is_empty() && settings.studio_filters == StudioFilters::Echo;
                let filters = if is_shown { set(filters) } else { None };
                Self { flow_sid: Some(*flow_sid), filters, ..Self::default() }
            }
        };
        Self { replay_after: record.replay_after.filter(|_| settings.echo_replay_after), ..fields }
    }
}
