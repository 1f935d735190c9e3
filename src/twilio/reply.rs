//! A reply's bytes as data, or what is wrong with them.
//!
//! Strict about whose webhook it is and whether the answer is whole, lenient about everything that Twilio's own
//! sources disagree on: the case of methods, the place of a trigger's keywords, unknown fields. One webhook of
//! somebody else's with an odd configuration must not hide the others.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};

use super::error::{Error, ReplyFault};
use super::operation::Operation;
use super::sid::{AccountSid, ChatServiceSid, ConversationSid, WebhookSid};
use super::transport;
use super::webhook::{Conversation, ConversationState, Target, Webhook, WebhookConfig};

/// No answer of this API comes near: a list holds at most five webhooks.
const MAX_BODY: usize = 1 << 20;
/// A longer `Retry-After` is taken for a mistake: nothing is given up for good.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// What the status line and the headers say.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) operation: Operation,
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    pub(super) concurrent_requests: Option<u32>,
    retry_after: Option<Duration>,
}

impl Head {
    pub(super) fn of(operation: Operation, response: &Response) -> Self {
        let headers = response.headers();
        Self {
            operation,
            status: response.status().as_u16(),
            request_id: text(headers, "twilio-request-id").filter(|id| is_id(id)).map(str::to_owned),
            concurrent_requests: text(headers, "twilio-concurrent-requests")
                .and_then(|number| number.parse().ok()),
            retry_after: text(headers, "retry-after")
                .and_then(|seconds| seconds.parse().ok())
                .map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER)),
        }
    }

    /// The answer is not what Twilio's API answers.
    pub(super) fn invalid(&self, what: ReplyFault) -> Error {
        let Self { operation, status, request_id, .. } = self;
        Error::InvalidReply { operation: *operation, status: *status, request_id: request_id.clone(), what }
    }

    /// Sorts the answer by its status. A refusal stands by its status alone: its body adds the code where it can.
    pub(super) fn judge(self, body: Result<Vec<u8>, Error>) -> Result<Reply, Error> {
        let Self { operation, status, .. } = self;
        match status {
            _ if operation.succeeded(status) => Ok(Reply { body: body?, head: self }),
            300..=399 => Err(Error::Redirected { operation, status }),
            400..=599 => {
                let code = body.ok().and_then(|body| error_code(&body));
                let Self { request_id, retry_after, .. } = self;
                Err(Error::Api { operation, status, code, request_id, retry_after })
            }
            _ => Err(self.invalid(ReplyFault::UnexpectedStatus)),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The request id is shown to users, so it must be one.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn error_code(body: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct ErrorBody {
        code: u32,
    }
    serde_json::from_slice::<ErrorBody>(body).ok().map(|error| error.code)
}

/// Reads a body up to its bound.
pub(super) async fn read(head: &Head, mut response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => {
                return Err(head.invalid(ReplyFault::TooLarge));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(transport::error(head.operation, &error)),
        }
    }
}

/// A whole answer with the status of a success.
#[derive(Debug)]
pub(super) struct Reply {
    head: Head,
    body: Vec<u8>,
}

impl Reply {
    /// One webhook, checked to be the account's and the conversation's, and, where one was asked for, that one.
    pub(super) fn webhook(
        &self,
        account: &AccountSid,
        conversation: &ConversationSid,
        sid: Option<&WebhookSid>,
    ) -> Result<Webhook, Error> {
        let webhook = self.checked(self.json()?, account, conversation)?;
        if sid.is_some_and(|sid| *sid != webhook.sid) {
            return Err(self.head.invalid(ReplyFault::OtherWebhook));
        }
        Ok(webhook)
    }

    /// One page of webhooks, each checked, and the link to the next page.
    pub(super) fn page(
        &self,
        account: &AccountSid,
        conversation: &ConversationSid,
    ) -> Result<(Vec<Webhook>, Option<String>), Error> {
        let PageReply { meta, webhooks } = self.json()?;
        let webhooks = webhooks
            .into_iter()
            .map(|webhook| self.checked(webhook, account, conversation))
            .collect::<Result<_, _>>()?;
        Ok((webhooks, meta.next_page_url))
    }

    /// One conversation, checked to be the account's and, where a SID was asked for, that one.
    pub(super) fn conversation(&self, account: &AccountSid, asked: &str) -> Result<Conversation, Error> {
        let ConversationReply { sid, account_sid, chat_service_sid, state } = self.json()?;
        self.check_account(account, &account_sid)?;
        if asked.parse().is_ok_and(|asked: ConversationSid| asked != sid) {
            return Err(self.head.invalid(ReplyFault::OtherConversation));
        }
        let state = state.as_deref().map_or(ConversationState::Unknown, ConversationState::from_name);
        Ok(Conversation { sid, account_sid, chat_service_sid, state })
    }

    /// The account of the global configuration, whichever it is.
    pub(super) fn account(&self) -> Result<AccountSid, Error> {
        self.json().map(|AccountReply { account_sid }| account_sid)
    }

    /// That the next page is not one of this list.
    pub(super) fn foreign_page(&self) -> Error {
        self.head.invalid(ReplyFault::ForeignPage)
    }

    fn checked(
        &self,
        reply: WebhookReply,
        account: &AccountSid,
        conversation: &ConversationSid,
    ) -> Result<Webhook, Error> {
        let WebhookReply { sid, account_sid, conversation_sid, target, configuration } = reply;
        self.check_account(account, &account_sid)?;
        if conversation_sid != *conversation {
            return Err(self.head.invalid(ReplyFault::OtherConversation));
        }
        let target = target.parse().unwrap_or(Target::Unknown);
        Ok(Webhook { sid, account_sid, conversation_sid, config: configuration_of(target, &configuration) })
    }

    fn check_account(&self, expected: &AccountSid, found: &AccountSid) -> Result<(), Error> {
        if expected == found {
            return Ok(());
        }
        Err(Error::ForeignAccount {
            operation: self.head.operation,
            expected: expected.clone(),
            found: found.clone(),
        })
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let fault = match self.body.trim_ascii_start().first() {
            None => ReplyFault::Empty,
            Some(b'<') => ReplyFault::Html,
            Some(_) => match serde_json::from_slice(&self.body) {
                Ok(data) => return Ok(data),
                Err(error) => match error.classify() {
                    Category::Eof => ReplyFault::Truncated,
                    Category::Data => ReplyFault::Shape,
                    Category::Syntax | Category::Io => ReplyFault::NotJson,
                },
            },
        };
        Err(self.head.invalid(fault))
    }
}

#[derive(Deserialize)]
struct WebhookReply {
    sid: WebhookSid,
    account_sid: AccountSid,
    conversation_sid: ConversationSid,
    target: String,
    #[serde(default)]
    configuration: Value,
}

/// Both fields are required: an answer without a list is no empty list.
#[derive(Deserialize)]
struct PageReply {
    meta: MetaReply,
    webhooks: Vec<WebhookReply>,
}

#[derive(Deserialize)]
struct MetaReply {
    next_page_url: Option<String>,
}

#[derive(Deserialize)]
struct ConversationReply {
    sid: ConversationSid,
    account_sid: AccountSid,
    chat_service_sid: Option<ChatServiceSid>,
    state: Option<String>,
}

#[derive(Deserialize)]
struct AccountReply {
    account_sid: AccountSid,
}

/// Reads the free-form `configuration`: whatever cannot be read counts as not there.
///
/// Of a trigger, the keywords are under `triggers`, or under `filters` as in Twilio's own examples. `replay_after`
/// and the dates are not read.
fn configuration_of(target: Target, configuration: &Value) -> WebhookConfig {
    let text = |key| configuration.get(key).and_then(Value::as_str);
    let filters = texts(configuration.get("filters"));
    let mut triggers = texts(configuration.get("triggers"));
    if target == Target::Trigger && triggers.is_empty() {
        triggers.clone_from(&filters);
    }
    WebhookConfig {
        target,
        url: text("url").map(str::to_owned),
        method: text("method").and_then(|method| method.parse().ok()),
        filters,
        triggers,
        flow_sid: text("flow_sid").and_then(|flow| flow.parse().ok()),
    }
    .canonical()
}

fn texts(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(one)) => BTreeSet::from([one.clone()]),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::webhook::Method;
    use super::*;

    const AC: &str = "AC00000000000000000000000000000001";
    const CH: &str = "CH00000000000000000000000000000001";
    const WH: &str = "WH00000000000000000000000000000001";
    const FW: &str = "FW00000000000000000000000000000001";

    fn head(operation: Operation, status: u16) -> Head {
        Head { operation, status, request_id: None, concurrent_requests: None, retry_after: None }
    }

    fn reply(body: impl Into<Vec<u8>>) -> Reply {
        Reply { head: head(Operation::FetchWebhook, 200), body: body.into() }
    }

    fn read_webhook(reply: &Reply) -> Result<Webhook, Error> {
        reply.webhook(&AC.parse().unwrap(), &CH.parse().unwrap(), None)
    }

    fn config(target: &str, configuration: &Value) -> WebhookConfig {
        let body = json!({"sid": WH, "account_sid": AC, "conversation_sid": CH, "target": target,
            "configuration": configuration, "date_created": "nonsense", "date_updated": null, "new": {"a": 1}});
        read_webhook(&reply(body.to_string())).unwrap().config
    }

    fn set<const N: usize>(items: [&str; N]) -> BTreeSet<String> {
        items.into_iter().map(str::to_owned).collect()
    }

    fn fault(result: Result<impl std::fmt::Debug, Error>) -> ReplyFault {
        match result.unwrap_err() {
            Error::InvalidReply { what, .. } => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_webhook_is_read_whatever_the_case_of_its_method() {
        for method in ["post", "POST", "Post"] {
            let config = config(
                "webhook",
                &json!({"url": "https://a.example", "method": method, "filters": ["b", "a", "a"], "replay_after": 7}),
            );
            assert_eq!(config.method, Some(Method::Post));
            assert_eq!(config.filters, set(["a", "b"]));
            assert_eq!(config.url.as_deref(), Some("https://a.example"));
        }
    }

    #[test]
    fn keywords_are_read_under_both_names() {
        let url = "https://a.example";
        for configuration in [
            json!({"url": url, "method": "get", "triggers": ["help"]}),
            json!({"url": url, "method": "get", "filters": ["help"]}),
            json!({"url": url, "method": "get", "filters": ["help"], "triggers": []}),
            json!({"url": url, "method": "get", "filters": ["other"], "triggers": ["help"]}),
        ] {
            let config = config("trigger", &configuration);
            assert_eq!((config.triggers, config.filters), (set(["help"]), set([])), "{configuration}");
        }
    }

    #[test]
    fn a_studio_webhook_is_read_without_what_it_does_not_have() {
        let config = config(
            "studio",
            &json!({"flow_sid": FW, "url": null, "method": "POST", "filters": ["onMessageAdded"]}),
        );
        assert_eq!(config.flow_sid.unwrap().as_str(), FW);
        assert_eq!((config.url, config.method), (None, None));
        assert_eq!(config.filters, set(["onMessageAdded"]));
    }

    #[test]
    fn an_odd_configuration_hides_nothing_else() {
        for configuration in
            [json!(null), json!([]), json!("x"), json!({"filters": {"a": 1}, "url": 1, "method": "PUT"})]
        {
            let config = config("webhook", &configuration);
            assert_eq!((config.url, config.method, config.filters), (None, None, set([])));
        }
        assert_eq!(config("webhook", &json!({"filters": "onMessageAdded"})).filters, set(["onMessageAdded"]));
        assert_eq!(config("flex", &json!({})).target, Target::Unknown);
        assert!(config("studio", &json!({"flow_sid": "x"})).flow_sid.is_none());
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said() {
        for (body, what) in [
            ("", ReplyFault::Empty),
            (" \n", ReplyFault::Empty),
            ("<!DOCTYPE html><p>Sign in", ReplyFault::Html),
            ("upstream timed out", ReplyFault::NotJson),
            ("{\"sid\":\"WH", ReplyFault::Truncated),
            ("{}", ReplyFault::Shape),
            ("[]", ReplyFault::Shape),
            ("null", ReplyFault::Shape),
            ("{\"sid\":\"WH1\"}", ReplyFault::Shape),
        ] {
            assert_eq!(fault(read_webhook(&reply(body))), what, "{body}");
        }
        assert_eq!(fault(read_webhook(&reply(b"\xff\xfe".to_vec()))), ReplyFault::NotJson);
    }

    #[test]
    fn a_body_without_a_list_is_no_empty_list() {
        let page = |body: Value| reply(body.to_string()).page(&AC.parse().unwrap(), &CH.parse().unwrap());
        for body in
            [json!({}), json!({"webhooks": []}), json!({"meta": {}}), json!({"meta": {}, "webhooks": null})]
        {
            assert_eq!(fault(page(body)), ReplyFault::Shape);
        }
        assert_eq!(page(json!({"meta": {}, "webhooks": []})).unwrap(), (vec![], None));
    }

    #[test]
    fn whose_it_is_is_checked() {
        let other = |sid: &str| sid.replace('1', "2");
        let body = |account: &str, conversation: &str| {
            let body = json!({"sid": WH, "account_sid": account, "conversation_sid": conversation, "target": "webhook"});
            reply(body.to_string())
        };
        assert!(read_webhook(&body(AC, CH)).is_ok());
        assert_eq!(fault(read_webhook(&body(AC, &other(CH)))), ReplyFault::OtherConversation);
        assert_eq!(
            read_webhook(&body(&other(AC), CH)).unwrap_err(),
            Error::ForeignAccount {
                operation: Operation::FetchWebhook,
                expected: AC.parse().unwrap(),
                found: other(AC).parse().unwrap()
            }
        );
        let wanted = other(WH).parse().unwrap();
        let result = body(AC, CH).webhook(&AC.parse().unwrap(), &CH.parse().unwrap(), Some(&wanted));
        assert_eq!(fault(result), ReplyFault::OtherWebhook);
    }

    #[test]
    fn a_conversation_is_read_with_any_state() {
        let read =
            |body: Value, asked: &str| reply(body.to_string()).conversation(&AC.parse().unwrap(), asked);
        let body = json!({"sid": CH, "account_sid": AC, "chat_service_sid": null, "state": "closed"});
        assert_eq!(read(body.clone(), "support").unwrap().state, ConversationState::Closed);
        assert_eq!(read(body.clone(), CH).unwrap().sid.as_str(), CH);
        assert_eq!(fault(read(body, &CH.replace('1', "2"))), ReplyFault::OtherConversation);
        let body = json!({"sid": CH, "account_sid": AC, "state": "archived"});
        assert_eq!(read(body, "support").unwrap().state, ConversationState::Unknown);
    }

    #[test]
    fn a_refusal_stands_by_its_status_alone() {
        let judge = |status, body: Result<&str, Error>| {
            head(Operation::CreateWebhook, status)
                .judge(body.map(|body| body.as_bytes().to_vec()))
                .unwrap_err()
        };
        let broken = Error::Timeout { operation: Operation::CreateWebhook };
        assert_eq!(judge(400, Ok(r#"{"code":50361,"message":"…"}"#)).code(), Some(50361));
        for body in [Ok("<html>"), Ok(r#"{"code":"50361"}"#), Ok(""), Err(broken.clone())] {
            let error = judge(429, body);
            assert_eq!((error.status(), error.code()), (Some(429), None));
        }
        assert_eq!(judge(201, Err(broken.clone())), broken);
        assert!(matches!(judge(307, Ok("")), Error::Redirected { status: 307, .. }));
        assert!(matches!(
            judge(202, Ok("{}")),
            Error::InvalidReply { what: ReplyFault::UnexpectedStatus, .. }
        ));
    }
}
