//! Webhooks and conversations as data: what is asked of Twilio, and what Twilio reports.
//!
//! No I/O, and no opinion on what ought to be: comparing and deciding is somebody else's work.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::sid::{AccountSid, ChatServiceSid, ConversationSid, FlowSid, WebhookSid};

/// What a webhook does when it fires. Twilio never changes it after the creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Calls a URL on events.
    Webhook,
    /// Calls a URL on messages that hold a keyword.
    Trigger,
    /// Starts a Studio flow.
    Studio,
    /// A target that this version does not know. Only ever read from Twilio: such a webhook is somebody else's.
    Unknown,
}

impl Target {
    /// The target as Twilio writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Trigger => "trigger",
            Self::Studio => "studio",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text is none of `webhook`, `trigger` and `studio`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the target is none of webhook, trigger and studio")]
pub struct UnknownTarget;

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, UnknownTarget> {
        [Self::Webhook, Self::Trigger, Self::Studio]
            .into_iter()
            .find(|target| text.eq_ignore_ascii_case(target.as_str()))
            .ok_or(UnknownTarget)
    }
}

/// How a webhook calls its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The event's fields in the query.
    #[serde(alias = "GET")]
    Get,
    /// The event's fields as a form.
    #[serde(alias = "POST")]
    Post,
}

impl Method {
    /// The method as it is sent: lower case, Twilio's enumeration since 2025-07-03.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text is neither GET nor POST, in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the method is neither GET nor POST")]
pub struct UnknownMethod;

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        [Self::Get, Self::Post]
            .into_iter()
            .find(|method| text.eq_ignore_ascii_case(method.as_str()))
            .ok_or(UnknownMethod)
    }
}

/// What a webhook does, in a canonical form: two configurations are equal when Twilio would act the same on both.
///
/// Lists are sets, the method has no case, and what is only said at the creation (`ReplayAfter`) is not part of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WebhookConfig {
    /// What happens when it fires.
    pub target: Target,
    /// Where events go (webhook, trigger). At most 512 characters (Twilio error 50372). It may carry a secret.
    pub url: Option<String>,
    /// How the URL is called (webhook, trigger).
    pub method: Option<Method>,
    /// The events that fire it (webhook, and where given studio).
    pub filters: BTreeSet<String>,
    /// The keywords that fire it (trigger): 1 to 5 (Twilio error 50362).
    pub triggers: BTreeSet<String>,
    /// The Studio flow that it starts (studio).
    pub flow_sid: Option<FlowSid>,
}

impl WebhookConfig {
    /// The same without the fields that mean nothing to the target.
    ///
    /// Twilio may echo such fields, a method with a Studio webhook for example; compared as they are, they would
    /// look like an outside edit that no update can undo.
    #[must_use]
    pub fn canonical(self) -> Self {
        match self.target {
            Target::Webhook => Self { triggers: BTreeSet::new(), flow_sid: None, ..self },
            Target::Trigger => Self { filters: BTreeSet::new(), flow_sid: None, ..self },
            Target::Studio => Self { url: None, method: None, triggers: BTreeSet::new(), ..self },
            Target::Unknown => self,
        }
    }

    /// Whether a webhook with this configuration may be reported like that.
    ///
    /// They are equal, or what is reported is a Studio webhook without filters: no source of Twilio's says whether a
    /// reply has them, and its examples have none. An empty list cannot be sent, so nobody can have emptied them.
    #[must_use]
    pub fn may_show_as(&self, reported: &Self) -> bool {
        self == reported
            || (reported.target == Target::Studio
                && reported.filters.is_empty()
                && self.flow_sid == reported.flow_sid
                && self.target == reported.target)
    }
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, url, method, filters, triggers, flow_sid } = self;
        f.debug_struct("WebhookConfig")
            .field("target", target)
            .field("url", &url.as_ref().map(|_| format_args!("[redacted]")))
            .field("method", method)
            .field("filters", filters)
            .field("triggers", triggers)
            .field("flow_sid", flow_sid)
            .finish()
    }
}

/// A webhook as Twilio reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub sid: WebhookSid,
    /// The account that it lives in, as Twilio says: with a reply of 2xx, proof of whose credentials were used.
    pub account_sid: AccountSid,
    /// The conversation that it hangs on.
    pub conversation_sid: ConversationSid,
    /// What it does, in canonical form.
    pub config: WebhookConfig,
}

/// A webhook to be created.
#[derive(Debug, Clone, Copy)]
pub struct NewWebhook<'a> {
    /// What it shall do. A configuration with [`Target::Unknown`] is refused before anything is sent.
    pub config: &'a WebhookConfig,
    /// Index of the first message to be sent to the webhook again (`Configuration.ReplayAfter`); `None`: no history.
    /// Twilio reads it at the creation only.
    pub replay_after: Option<u64>,
}

/// A conversation, as far as webhooks are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its name.
    pub sid: ConversationSid,
    /// The account that it lives in.
    pub account_sid: AccountSid,
    /// The service that it lives in; Twilio says it for the default service's conversations too.
    pub chat_service_sid: Option<ChatServiceSid>,
    /// Where it is in its life.
    pub state: ConversationState,
}

/// Where a conversation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConversationState {
    /// Being set up: may not be changed yet (Twilio error 50386).
    Initializing,
    /// In use.
    Active,
    /// Idle; a message wakes it.
    Inactive,
    /// Over for good (Twilio error 50377).
    Closed,
    /// Not said, or a state that this version does not know.
    Unknown,
}

impl ConversationState {
    /// Reads Twilio's name of the state, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        [Self::Initializing, Self::Active, Self::Inactive, Self::Closed]
            .into_iter()
            .find(|state| name.eq_ignore_ascii_case(state.as_str()))
            .unwrap_or(Self::Unknown)
    }

    /// The state as Twilio writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a conversation lives, which selects the path family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationRef {
    /// The service; `None` means the account's default service, by the short path.
    pub service: Option<ChatServiceSid>,
    /// The conversation.
    pub conversation: ConversationSid,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything(target: Target) -> WebhookConfig {
        WebhookConfig {
            target,
            url: Some("https://bot.example.com/canary-secret".to_owned()),
            method: Some(Method::Post),
            filters: BTreeSet::from(["onMessageAdded".to_owned()]),
            triggers: BTreeSet::from(["help".to_owned()]),
            flow_sid: Some("FW00000000000000000000000000000000".parse().unwrap()),
        }
    }

    #[test]
    fn names_are_read_in_any_case_and_written_lower() {
        assert_eq!("TRIGGER".parse(), Ok(Target::Trigger));
        assert_eq!("flex".parse::<Target>(), Err(UnknownTarget));
        assert_eq!("unknown".parse::<Target>(), Err(UnknownTarget));
        assert_eq!("Post".parse(), Ok(Method::Post));
        assert_eq!("PUT".parse::<Method>(), Err(UnknownMethod));
        assert_eq!(serde_json::to_string(&Target::Studio).unwrap(), "\"studio\"");
        assert_eq!(serde_json::to_string(&Method::Get).unwrap(), "\"get\"");
        assert_eq!(serde_json::from_str::<Method>("\"GET\"").unwrap(), Method::Get);
        assert_eq!(ConversationState::from_name("Closed"), ConversationState::Closed);
        assert_eq!(ConversationState::from_name("archived"), ConversationState::Unknown);
    }

    #[test]
    fn a_studio_webhook_may_be_reported_without_its_filters() {
        let studio = everything(Target::Studio).canonical();
        let hidden = WebhookConfig { filters: BTreeSet::new(), ..studio.clone() };
        assert!(studio.may_show_as(&studio) && studio.may_show_as(&hidden));
        assert!(!hidden.may_show_as(&studio), "filters that nobody asked for");
        let other = WebhookConfig { flow_sid: None, ..hidden.clone() };
        assert!(!studio.may_show_as(&other));
        for target in [Target::Webhook, Target::Trigger] {
            let config = everything(target).canonical();
            let emptied =
                WebhookConfig { filters: BTreeSet::new(), triggers: BTreeSet::new(), ..config.clone() };
            assert!(config.may_show_as(&config) && !config.may_show_as(&emptied), "{target}");
        }
    }

    #[test]
    fn canonical_keeps_what_the_target_has() {
        let webhook = everything(Target::Webhook).canonical();
        assert!(webhook.triggers.is_empty() && webhook.flow_sid.is_none());
        assert!(webhook.url.is_some() && webhook.method.is_some() && !webhook.filters.is_empty());

        let trigger = everything(Target::Trigger).canonical();
        assert!(trigger.filters.is_empty() && trigger.flow_sid.is_none());
        assert!(trigger.url.is_some() && trigger.method.is_some() && !trigger.triggers.is_empty());

        let studio = everything(Target::Studio).canonical();
        assert!(studio.url.is_none() && studio.method.is_none() && studio.triggers.is_empty());
        assert!(studio.flow_sid.is_some() && !studio.filters.is_empty());

        assert_eq!(everything(Target::Unknown).canonical(), everything(Target::Unknown));
    }

    #[test]
    fn debug_redacts_the_url() {
        let config = everything(Target::Webhook);
        let new = format!("{:?}", NewWebhook { config: &config, replay_after: Some(7) });
        for text in [format!("{config:?}"), format!("{config:#?}"), new] {
            assert!(text.contains("redacted") && text.contains("onMessageAdded"), "{text}");
            assert!(!text.contains("canary") && !text.contains("example.com"), "{text}");
        }
    }
}
