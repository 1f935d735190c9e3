//! What a simulator holds at its start, written by people: in Rust with the builders, in YAML with `--seed`, in
//! JSON through the control API. Types only; [`crate::world`] makes the world of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fault::FaultRule;
use crate::operation::Operation;
use crate::settings::Settings;
use crate::sid::{AccountSid, ConversationSid, FlowSid, KeySid, MessagingServiceSid, ServiceSid, WebhookSid};
use crate::world::{ConversationState, Target};

/// The whole of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Seed {
    /// The accounts, each a world of its own.
    pub accounts: Vec<AccountSeed>,
    /// Faults that are armed from the start.
    pub faults: Vec<FaultRule>,
    /// The switches; absent means: as they are.
    pub settings: Option<Settings>,
}

impl Seed {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an account.
    #[must_use]
    pub fn account(mut self, account: AccountSeed) -> Self {
        self.accounts.push(account);
        self
    }

    /// Arms a fault.
    #[must_use]
    pub fn fault(mut self, rule: FaultRule) -> Self {
        self.faults.push(rule);
        self
    }

    /// Sets the switches.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }
}

/// One account.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountSeed {
    /// Its SID.
    pub sid: AccountSid,
    /// Its Auth Token: the password of `AC…`, and the key that deliveries are signed with.
    pub auth_token: String,
    /// Its API keys.
    #[serde(default)]
    pub keys: Vec<KeySeed>,
    /// The service that the short path means; made up when absent.
    #[serde(default)]
    pub default_service: Option<ServiceSid>,
    /// Services beside the default one.
    #[serde(default)]
    pub services: Vec<ServiceSid>,
    /// The messaging service of its conversations; made up when absent.
    #[serde(default)]
    pub messaging_service: Option<MessagingServiceSid>,
    /// The Studio flows of this account. Absent means that every well-formed SID is one.
    #[serde(default)]
    pub flows: Option<BTreeSet<FlowSid>>,
    /// Its conversations.
    #[serde(default)]
    pub conversations: Vec<ConversationSeed>,
}

impl std::fmt::Debug for AccountSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountSeed")
            .field("sid", &self.sid)
            .field("keys", &self.keys)
            .field("services", &self.services)
            .field("conversations", &self.conversations)
            .finish_non_exhaustive()
    }
}

impl AccountSeed {
    /// An account with its Auth Token and nothing in it.
    #[must_use]
    pub fn new(sid: AccountSid, auth_token: impl Into<String>) -> Self {
        Self {
            sid,
            auth_token: auth_token.into(),
            keys: Vec::new(),
            default_service: None,
            services: Vec::new(),
            messaging_service: None,
            flows: None,
            conversations: Vec::new(),
        }
    }

    /// Adds an API key.
    #[must_use]
    pub fn key(mut self, key: KeySeed) -> Self {
        self.keys.push(key);
        self
    }

    /// Names the default service.
    #[must_use]
    pub fn default_service(mut self, sid: ServiceSid) -> Self {
        self.default_service = Some(sid);
        self
    }

    /// Adds a service.
    #[must_use]
    pub fn service(mut self, sid: ServiceSid) -> Self {
        self.services.push(sid);
        self
    }

    /// Says which Studio flows exist; all others are refused with 50367 from then on.
    #[must_use]
    pub fn flow(mut self, sid: FlowSid) -> Self {
        self.flows.get_or_insert_default().insert(sid);
        self
    }

    /// Adds a conversation.
    #[must_use]
    pub fn conversation(mut self, conversation: ConversationSeed) -> Self {
        self.conversations.push(conversation);
        self
    }
}

/// One API key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeySeed {
    /// Its SID, the user of Basic authentication.
    pub sid: KeySid,
    /// Its secret, the password.
    pub secret: String,
    /// A restricted key: the only operations that it may do. Absent means all.
    #[serde(default)]
    pub restricted_to: Option<BTreeSet<Operation>>,
    /// Whether it was revoked already.
    #[serde(default)]
    pub revoked: bool,
}

impl std::fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySeed")
            .field("sid", &self.sid)
            .field("restricted_to", &self.restricted_to)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}

impl KeySeed {
    /// A standard key.
    #[must_use]
    pub fn new(sid: KeySid, secret: impl Into<String>) -> Self {
        Self { sid, secret: secret.into(), restricted_to: None, revoked: false }
    }

    /// Restricts the key to these operations.
    #[must_use]
    pub fn restricted_to(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.restricted_to = Some(operations.into_iter().collect());
        self
    }
}

/// One conversation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ConversationSeed {
    /// Its SID; made up when absent.
    pub sid: Option<ConversationSid>,
    /// The name by which it can be addressed, unique in its service.
    pub unique_name: Option<String>,
    /// The name for people.
    pub friendly_name: Option<String>,
    /// Its service; the default one when absent.
    pub service: Option<ServiceSid>,
    /// JSON as text.
    pub attributes: Option<String>,
    /// Its state.
    pub state: ConversationState,
    /// For so many milliseconds it is `initializing` first.
    pub initializing_ms: Option<u64>,
    /// Webhooks that are there already, made by nobody that uses the API.
    pub webhooks: Vec<WebhookSeed>,
}

impl ConversationSeed {
    /// A conversation with this SID.
    #[must_use]
    pub fn new(sid: ConversationSid) -> Self {
        Self { sid: Some(sid), ..Self::default() }
    }

    /// A conversation with this unique name.
    #[must_use]
    pub fn named(unique_name: impl Into<String>) -> Self {
        Self::default().unique_name(unique_name)
    }

    /// Sets the unique name.
    #[must_use]
    pub fn unique_name(mut self, unique_name: impl Into<String>) -> Self {
        self.unique_name = Some(unique_name.into());
        self
    }

    /// Puts it in a service other than the default one.
    #[must_use]
    pub fn service(mut self, sid: ServiceSid) -> Self {
        self.service = Some(sid);
        self
    }

    /// Sets the state.
    #[must_use]
    pub fn state(mut self, state: ConversationState) -> Self {
        self.state = state;
        self
    }

    /// Has it `initializing` for so long first.
    #[must_use]
    pub fn initializing_for_ms(mut self, ms: u64) -> Self {
        self.initializing_ms = Some(ms);
        self
    }

    /// Adds a webhook.
    #[must_use]
    pub fn webhook(mut self, webhook: WebhookSeed) -> Self {
        self.webhooks.push(webhook);
        self
    }
}

/// One webhook, as a client would ask for it. It passes the same checks as a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WebhookSeed {
    /// Its SID; made up when absent.
    pub sid: Option<WebhookSid>,
    /// `Target`.
    pub target: Target,
    /// `Configuration.Url`.
    pub url: Option<String>,
    /// `Configuration.Method`.
    pub method: Option<String>,
    /// `Configuration.Filters`.
    pub filters: Vec<String>,
    /// `Configuration.Triggers`.
    pub triggers: Vec<String>,
    /// `Configuration.FlowSid`.
    pub flow_sid: Option<String>,
    /// `Configuration.ReplayAfter`.
    pub replay_after: Option<u64>,
}

impl WebhookSeed {
    /// A `webhook` target that wants `onMessageAdded`.
    #[must_use]
    pub fn webhook(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), filters: vec!["onMessageAdded".to_owned()], ..Self::default() }
    }

    /// A `trigger` target.
    #[must_use]
    pub fn trigger<T: Into<String>>(url: impl Into<String>, keywords: impl IntoIterator<Item = T>) -> Self {
        Self {
            target: Target::Trigger,
            url: Some(url.into()),
            triggers: keywords.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// A `studio` target.
    #[must_use]
    pub fn studio(flow: FlowSid) -> Self {
        Self { target: Target::Studio, flow_sid: Some(flow.to_string()), ..Self::default() }
    }

    /// Replaces the filters.
    #[must_use]
    pub fn filters<T: Into<String>>(mut self, filters: impl IntoIterator<Item = T>) -> Self {
        self.filters = filters.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Sets the message index from which messages are replayed at creation.
    #[must_use]
    pub fn replay_after(mut self, index: u64) -> Self {
        self.replay_after = Some(index);
        self
    }
}
