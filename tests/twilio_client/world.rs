//! The one account, conversation and webhook that the tests talk about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conversation_webhook_operator::twilio::{
    Client, ClientOptions, ConversationRef, Credentials, Method, Target, WebhookConfig, WebhookSid,
};
use serde_json::{Value, json};
use url::Url;

pub(crate) const AC: &str = "AC00000000000000000000000000000001";
pub(crate) const OTHER_AC: &str = "AC00000000000000000000000000000002";
pub(crate) const CH: &str = "CH00000000000000000000000000000001";
pub(crate) const OTHER_CH: &str = "CH00000000000000000000000000000002";
pub(crate) const IS: &str = "IS00000000000000000000000000000001";
pub(crate) const WH: &str = "WH00000000000000000000000000000001";

/// Appears in every secret, URL and body: and nowhere else.
pub(crate) const CANARY: &str = "canary";

/// How long a client waits that is sure to wait in vain.
pub(crate) const IMPATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn credentials() -> Credentials {
    let data = [("TWILIO_ACCOUNT_SID", AC), ("TWILIO_AUTH_TOKEN", "canary-token")];
    let data: BTreeMap<_, _> =
        data.into_iter().map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).collect();
    Credentials::from_secret_data(&data).unwrap()
}

pub(crate) fn options(base_url: &Url) -> ClientOptions {
    ClientOptions { base_url: Some(base_url.clone()), allow_http: true, ..ClientOptions::default() }
}

pub(crate) fn client(base_url: &Url) -> Client {
    Client::new(options(base_url)).unwrap()
}

pub(crate) fn impatient_client(base_url: &Url) -> Client {
    let connect_timeout = IMPATIENCE / 4;
    Client::new(ClientOptions { connect_timeout, request_timeout: IMPATIENCE, ..options(base_url) }).unwrap()
}

pub(crate) fn at() -> ConversationRef {
    ConversationRef { service: None, conversation: CH.parse().unwrap() }
}

pub(crate) fn at_service() -> ConversationRef {
    ConversationRef { service: Some(IS.parse().unwrap()), ..at() }
}

pub(crate) fn sid() -> WebhookSid {
    WH.parse().unwrap()
}

pub(crate) fn config() -> WebhookConfig {
    WebhookConfig {
        target: Target::Webhook,
        url: Some("https://bot.example.com/canary?a=1&b=2".to_owned()),
        method: Some(Method::Post),
        filters: BTreeSet::from(["onMessageAdded".to_owned(), "onDeliveryUpdated".to_owned()]),
        triggers: BTreeSet::new(),
        flow_sid: None,
    }
}

/// The webhook with [`config`], as Twilio writes it.
pub(crate) fn webhook_json() -> Value {
    webhook_json_of(AC, CH, WH)
}

pub(crate) fn webhook_json_of(account: &str, conversation: &str, sid: &str) -> Value {
    json!({
        "sid": sid, "account_sid": account, "conversation_sid": conversation, "target": "webhook",
        "configuration": {
            "url": "https://bot.example.com/canary?a=1&b=2",
            "method": "POST",
            "filters": ["onMessageAdded", "onDeliveryUpdated"],
        },
        "date_created": "2016-03-24T21:05:50Z", "date_updated": null,
        "url": format!("https://conversations.twilio.com/v1/Conversations/{conversation}/Webhooks/{sid}"),
    })
}

pub(crate) fn page_json(webhooks: &[Value], next_page_url: Option<&str>) -> String {
    json!({"meta": {"page": 0, "page_size": 5, "next_page_url": next_page_url, "key": "webhooks"},
        "webhooks": webhooks})
    .to_string()
}

/// What Twilio answers with an error, its message full of what must not be shown.
pub(crate) fn error_json(code: u32, status: u16) -> String {
    json!({"code": code, "message": "canary text", "more_info": "https://canary.example", "status": status})
        .to_string()
}
