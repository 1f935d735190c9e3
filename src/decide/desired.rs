//! From what a user wrote to what Twilio should have, in one canonical form.

use std::collections::BTreeSet;

use crate::api::{ConversationWebhookSpec, SecretKeyRef};
use crate::twilio::{ChatServiceSid, ConversationSid, Method, Target, WebhookConfig};

/// What the object asks for, checked and in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The conversation that the webhook hangs on.
    pub conversation: Wanted,
    /// The conversation's chat service; the account's default service when absent.
    pub service: Option<ChatServiceSid>,
    /// What the webhook does. Without its address while that is unread.
    pub config: WebhookConfig,
    /// Where the address in `config` comes from.
    pub address: Address,
    /// Index of the message from which Twilio replays when the webhook is first created.
    pub replay_after: Option<u64>,
}

/// How the object names its conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// By SID.
    Sid(ConversationSid),
    /// By unique name, which Twilio resolves.
    UniqueName(String),
}

/// Where a webhook's address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// It stands in the spec, or the target has none.
    InSpec,
    /// It stands in a Secret that was not read yet.
    Unread,
    /// It was read from a Secret.
    FromSecret,
}

/// Why an object cannot be carried out as written: the API server would refuse it today, it was written under other
/// rules. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unservable(pub &'static str);

impl Desired {
    /// Checks a spec and brings it into canonical form. `address` is what was read from the Secret that
    /// `configuration.urlFrom` names, where there is one.
    ///
    /// # Errors
    /// The spec breaks a rule of the schema that was not in force when the object was written.
    pub fn from_spec(spec: &ConversationWebhookSpec, address: Option<&str>) -> Result<Self, Unservable> {
        let conversation = match (&spec.conversation_sid, &spec.conversation_unique_name) {
            (Some(sid), None) => Wanted::Sid(sid.clone()),
            (None, Some(name)) => Wanted::UniqueName(unique_name(name)?.to_owned()),
            _ => {
                return Err(Unservable("set exactly one of conversationSid and conversationUniqueName"));
            }
        };
        Ok(Self {
            conversation,
            service: spec.chat_service_sid.clone(),
            config: canonical(spec, address)?,
            address: match (address_source(spec), address) {
                (None, _) => Address::InSpec,
                (Some(_), None) => Address::Unread,
                (Some(_), Some(_)) => Address::FromSecret,
            },
            replay_after: spec.configuration.replay_after,
        })
    }
}

/// The key of a Secret that the webhook's address comes from.
#[must_use]
pub fn address_source(spec: &ConversationWebhookSpec) -> Option<&SecretKeyRef> {
    let has_address = spec.target != crate::api::Target::Studio && spec.configuration.url.is_none();
    spec.configuration.url_from.as_ref().filter(|_| has_address).map(|from| &from.secret_key_ref)
}

/// A name that Twilio reads as a name. It would take the SID of a conversation for that conversation, whatever that
/// is called, and refuses such names (Twilio error 50390).
fn unique_name(name: &str) -> Result<&str, Unservable> {
    if name.parse::<ConversationSid>().is_ok() {
        return Err(Unservable(
            "conversationUniqueName is a conversation's SID, which no unique name can be: delete this object and \
             create it with conversationSid instead",
        ));
    }
    if matches!(name, "." | "..") {
        return Err(Unservable(
            "conversationUniqueName is one dot or two, which cannot be said in a URL: delete this object and create \
             it with conversationSid instead",
        ));
    }
    Ok(name)
}

/// Only what the target has; everything else is left out, so that two equal webhooks compare equal.
fn canonical(spec: &ConversationWebhookSpec, address: Option<&str>) -> Result<WebhookConfig, Unservable> {
    let configuration = &spec.configuration;
    let url = || match (&configuration.url, address_source(spec)) {
        (Some(url), _) => Ok(Some(url.clone())),
        (None, Some(_)) => Ok(address.map(str::to_owned)),
        (None, None) => Err(Unservable("configuration.url is missing: set it")),
    };
    // Unset means POST here, whatever Twilio's default may be.
    let method = match configuration.method {
        Some(crate::api::Method::Get) => Method::Get,
        Some(crate::api::Method::Post) | None => Method::Post,
    };
    let filters = words(configuration.filters.as_deref());
    let triggers = words(configuration.triggers.as_deref());
    let empty = |target| WebhookConfig {
        target,
        url: None,
        method: None,
        filters: BTreeSet::new(),
        triggers: BTreeSet::new(),
        flow_sid: None,
    };
    match spec.target {
        crate::api::Target::Webhook if filters.is_empty() => {
            Err(Unservable("configuration.filters is missing: name at least one event"))
        }
        crate::api::Target::Webhook => {
            Ok(WebhookConfig { url: url()?, method: Some(method), filters, ..empty(Target::Webhook) })
        }
        crate::api::Target::Trigger if triggers.is_empty() => {
            Err(Unservable("configuration.triggers is missing: name at least one keyword"))
        }
        crate::api::Target::Trigger => {
            Ok(WebhookConfig { url: url()?, method: Some(method), triggers, ..empty(Target::Trigger) })
        }
        crate::api::Target::Studio => match &configuration.flow_sid {
            Some(flow) => {
                Ok(WebhookConfig { filters, flow_sid: Some(flow.clone()), ..empty(Target::Studio) })
            }
            None => Err(Unservable("configuration.flowSid is missing: set it")),
        },
    }
}

fn words(list: Option<&[String]>) -> BTreeSet<String> {
    list.unwrap_or_default().iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(target: &str, configuration: &Value) -> Value {
        json!({
            "conversationSid": format!("CH{:032x}", 1),
            "target": target,
            "configuration": configuration,
        })
    }

    fn webhook() -> Value {
        spec(
            "webhook",
            &json!({ "url": "https://bot.example.com", "filters": ["onMessageAdded", "onMessageRemoved"] }),
        )
    }

    fn desired(spec: Value) -> Result<Desired, Unservable> {
        Desired::from_spec(&serde_json::from_value(spec).unwrap(), None)
    }

    #[test]
    fn the_order_and_repetition_of_lists_mean_nothing() {
        let mut shuffled = webhook();
        shuffled["configuration"]["filters"] =
            json!(["onMessageRemoved", "onMessageAdded", "onMessageRemoved"]);
        assert_eq!(desired(shuffled), desired(webhook()));
    }

    #[test]
    fn an_unset_method_is_post() {
        let mut posting = webhook();
        posting["configuration"]["method"] = json!("POST");
        assert_eq!(desired(posting), desired(webhook()));
        let mut getting = webhook();
        getting["configuration"]["method"] = json!("GET");
        assert_eq!(desired(getting).unwrap().config.method, Some(Method::Get));
    }

    /// Whatever Twilio echoes is brought into the same form, so the two must agree.
    #[test]
    fn each_target_is_in_twilios_canonical_form() {
        let everything = json!({
            "url": "https://bot.example.com", "method": "GET", "filters": ["onMessageAdded"], "triggers": ["help"],
            "flowSid": format!("FW{:032x}", 1),
        });
        for target in ["webhook", "trigger", "studio"] {
            let config = desired(spec(target, &everything)).unwrap().config;
            assert_eq!(config.target.as_str(), target);
            assert_eq!(config.clone().canonical(), config);
        }
    }

    #[test]
    fn a_conversation_is_named_in_exactly_one_way() {
        let mut by_name = webhook();
        by_name["conversationUniqueName"] = json!("support");
        assert!(matches!(desired(by_name.clone()), Err(Unservable(_))));
        by_name["conversationSid"] = Value::Null;
        assert_eq!(desired(by_name.clone()).unwrap().conversation, Wanted::UniqueName("support".to_owned()));
        by_name["conversationUniqueName"] = Value::Null;
        assert!(matches!(desired(by_name), Err(Unservable(_))));
    }

    #[test]
    fn a_unique_name_is_one_that_twilio_takes_for_a_name() {
        let named = |name: &str| {
            let mut by_name = webhook();
            by_name["conversationSid"] = Value::Null;
            by_name["conversationUniqueName"] = json!(name);
            desired(by_name)
        };
        for name in [&format!("CH{:032x}", 7), &format!("CH{:032X}", 0xab), ".", ".."] {
            assert!(matches!(named(name), Err(Unservable(_))), "{name}");
        }
        for name in ["...", "a/b", "CH1", " ", "%2e%2e"] {
            assert!(named(name).is_ok(), "{name}");
        }
    }

    /// Admission refuses these today; an object may be older than its rules.
    #[test]
    fn what_a_target_needs_is_asked_for() {
        for (target, configuration, missing) in [
            ("webhook", json!({ "filters": ["onMessageAdded"] }), "url"),
            ("webhook", json!({ "url": "https://bot.example.com" }), "filters"),
            ("trigger", json!({ "triggers": ["help"] }), "url"),
            ("trigger", json!({ "url": "https://bot.example.com", "triggers": [] }), "triggers"),
            ("studio", json!({}), "flowSid"),
        ] {
            let refused = desired(spec(target, &configuration)).unwrap_err();
            assert!(refused.to_string().contains(missing), "{refused}");
        }
    }

    #[test]
    fn an_address_from_a_secret_stands_where_one_of_the_spec_would() {
        let mut from_secret = webhook();
        let source = json!({ "secretKeyRef": { "name": "bot", "key": "url" } });
        from_secret["configuration"]["url"] = Value::Null;
        from_secret["configuration"]["urlFrom"] = source;
        let spec: ConversationWebhookSpec = serde_json::from_value(from_secret).unwrap();
        let unread = Desired::from_spec(&spec, None).unwrap();
        assert_eq!((unread.config.url, unread.address), (None, Address::Unread));
        let read = Desired::from_spec(&spec, Some("https://bot.example.com")).unwrap();
        assert_eq!(read.config, desired(webhook()).unwrap().config);
        assert_eq!(read.address, Address::FromSecret);
    }
}
