//! What a simulator holds at its start, written by people: in Rust with the builders, in YAML with `--seed`, in
//! JSON through the control API. Types only; [`crate::world`] makes the world of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fault::FaultRule;
use crate::operation::Operation;
use crate::settings::Settings;
use crate::sid::{
    AccountSid, ConversationSid, FlowSid, KeySid, MessagingServiceSid, ParticipantSid, ServiceSid, WebhookSid,
};
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
    /// The region that it is in. Twilio's regions share nothing: an account that is in two of them is two accounts,
    /// and here two simulators.
    #[serde(default)]
    pub region: Region,
    /// Whether it can be used.
    #[serde(default)]
    pub status: AccountStatus,
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

/// Twilio's regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// The United States, which is the default.
    #[default]
    Us1,
    /// Ireland: neither Studio nor delivery receipts nor restricted keys.
    Ie1,
    /// Australia: Conversations are not offered (50385).
    Au1,
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// It can.
    #[default]
    Active,
    /// Twilio has suspended it: everything is forbidden (20403).
    Suspended,
    /// Its credentials are test credentials, for which everything here is forbidden, too.
    Test,
}

/// What an API key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Everything, accounts and keys included, which this API does not have.
    Main,
    /// Everything else.
    #[default]
    Standard,
    /// What it was given, and only in the region us1.
    Restricted,
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
            region: Region::default(),
            status: AccountStatus::default(),
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

    /// Puts the account in a region.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.region = region;
        self
    }

    /// Says whether the account can be used.
    #[must_use]
    pub fn status(mut self, status: AccountStatus) -> Self {
        self.status = status;
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
    /// What it is good for.
    #[serde(default)]
    pub kind: KeyKind,
    /// The only operations that a restricted key may do. Naming some makes any key a restricted one.
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
        Self { sid, secret: secret.into(), kind: KeyKind::Standard, restricted_to: None, revoked: false }
    }

    /// A main key.
    #[must_use]
    pub fn main(mut self) -> Self {
        self.kind = KeyKind::Main;
        self
    }

    /// Restricts the key to these operations.
    #[must_use]
    pub fn restricted_to(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.kind = KeyKind::Restricted;
        self.restricted_to = Some(operations.into_iter().collect());
        self
    }

    /// The only operations that it may do; `None` means all.
    pub(crate) fn rights(&self) -> Option<BTreeSet<Operation>> {
        match (&self.restricted_to, self.kind) {
            (Some(operations), _) => Some(operations.clone()),
            (None, KeyKind::Restricted) => Some(BTreeSet::new()),
            (None, KeyKind::Main | KeyKind::Standard) => None,
        }
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
    /// After so long without a message it is inactive: an ISO 8601 duration such as `PT1M`.
    pub inactive_after: Option<String>,
    /// After so long without a message it is closed: an ISO 8601 duration such as `PT10M`.
    pub closed_after: Option<String>,
    /// Webhooks that are there already, made by nobody that uses the API.
    pub webhooks: Vec<WebhookSeed>,
    /// Participants that are there already.
    pub participants: Vec<ParticipantSeed>,
    /// Messages that are there already. No webhook hears of them, but for one that asks with `ReplayAfter`.
    pub messages: Vec<MessageSeed>,
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

    /// Sets the timers, as ISO 8601 durations.
    #[must_use]
    pub fn timers(mut self, inactive_after: impl Into<String>, closed_after: impl Into<String>) -> Self {
        self.inactive_after = Some(inactive_after.into());
        self.closed_after = Some(closed_after.into());
        self
    }

    /// Adds a webhook.
    #[must_use]
    pub fn webhook(mut self, webhook: WebhookSeed) -> Self {
        self.webhooks.push(webhook);
        self
    }

    /// Adds a participant.
    #[must_use]
    pub fn participant(mut self, participant: ParticipantSeed) -> Self {
        self.participants.push(participant);
        self
    }

    /// Adds a message.
    #[must_use]
    pub fn message(mut self, author: impl Into<String>, body: impl Into<String>) -> Self {
        self.messages.push(MessageSeed::new(author, body));
        self
    }
}

/// One participant: with an identity, or reached over a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ParticipantSeed {
    /// Its SID; made up when absent.
    pub sid: Option<ParticipantSid>,
    /// The name that its client uses.
    pub identity: Option<String>,
    /// Its address, such as `+15558675310`.
    pub address: Option<String>,
    /// The Twilio address that it writes to.
    pub proxy_address: Option<String>,
}

impl ParticipantSeed {
    /// A participant with an identity.
    #[must_use]
    pub fn identity(identity: impl Into<String>) -> Self {
        Self { identity: Some(identity.into()), ..Self::default() }
    }

    /// A participant that is reached over a channel.
    #[must_use]
    pub fn address(address: impl Into<String>, proxy_address: impl Into<String>) -> Self {
        let (address, proxy_address) = (Some(address.into()), Some(proxy_address.into()));
        Self { address, proxy_address, ..Self::default() }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MessageSeed {
    /// Who wrote it.
    pub author: String,
    /// What.
    pub body: String,
}

impl MessageSeed {
    /// A message.
    #[must_use]
    pub fn new(author: impl Into<String>, body: impl Into<String>) -> Self {
        Self { author: author.into(), body: body.into() }
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
