//! The journal of a create: what is written down in the object before anything is sent to Twilio.
//!
//! It is an annotation, because a restored object keeps its annotations and loses its status. An attempt is closed
//! by evidence only; see [`crate::decide`] for the rules.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::twilio::{AccountSid, ConversationSid, FlowSid, Method, Target, WebhookConfig, WebhookSid};

/// Earlier configurations that an attempt carries along at most.
const MAX_PAST: usize = 16;

/// One attempt to create, or to take over, a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Random id; `status.settledAttempt` repeats it once the outcome is known.
    pub id: String,
    /// Uid of the object that it was written for.
    pub uid: String,
    /// Id of the cluster that it was written in.
    pub cluster: String,
    /// Account that the webhook is created in.
    pub account: AccountSid,
    /// Region that the webhook is created in.
    pub region: String,
    /// Conversation that the webhook is created on.
    pub conversation: ConversationSid,
    /// Generation of the object that `config` was taken from.
    pub generation: i64,
    /// Wall-clock time after which nothing was sent any more. For people: no decision rests on it.
    pub not_after: String,
    /// Webhooks that hung on the conversation before.
    pub baseline: BTreeSet<WebhookSid>,
    /// What is being created.
    pub config: Recorded,
    /// What earlier attempts of this object were to create.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past_configs: Vec<Recorded>,
    /// The webhook that is being taken over, instead of a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<WebhookSid>,
    /// A webhook of this object was made before, in this life or an earlier one: messages are not replayed again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

impl Attempt {
    /// Reads the annotation's value.
    ///
    /// # Errors
    /// It is not the JSON of an attempt: somebody edited it.
    pub fn parse(annotation: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(annotation)
    }

    /// The annotation's value.
    ///
    /// # Errors
    /// Never in practice: every part of an attempt has a JSON form.
    pub fn to_annotation(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The configurations that the next attempt carries along: the earlier ones and this one, without repeats.
    #[must_use]
    pub fn carried(&self) -> Vec<Recorded> {
        let mut carried: Vec<Recorded> = Vec::new();
        // The newest are the likeliest to turn up, so the oldest are dropped.
        for config in std::iter::once(&self.config).chain(&self.past_configs) {
            if carried.len() < MAX_PAST && !carried.contains(config) {
                carried.push(config.clone());
            }
        }
        carried
    }
}

/// A webhook's configuration in the journal. An address from a Secret is kept as a salted digest only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    target: Target,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<RecordedUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<Method>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    filters: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    triggers: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flow_sid: Option<FlowSid>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum RecordedUrl {
    /// It stands in the object's spec anyway.
    Plain(String),
    /// HMAC-SHA-256 under a random salt, both in hexadecimal.
    Digest { hmac: String, salt: String },
}

/// An address may carry a secret, and journals are printed in logs.
impl std::fmt::Debug for RecordedUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Recorded {
    /// Records a configuration. With a salt the address is kept as a digest under it.
    #[must_use]
    pub fn new(config: &WebhookConfig, salt: Option<&str>) -> Self {
        let WebhookConfig { target, url, method, filters, triggers, flow_sid } = config;
        Self {
            target: *target,
            url: url.as_ref().map(|url| match salt {
                None => RecordedUrl::Plain(url.clone()),
                Some(salt) => RecordedUrl::Digest { hmac: digest(salt, url), salt: salt.to_owned() },
            }),
            method: *method,
            filters: filters.clone(),
            triggers: triggers.clone(),
            flow_sid: flow_sid.clone(),
        }
    }

    /// Whether a webhook with this configuration is what was recorded.
    #[must_use]
    pub fn matches(&self, config: &WebhookConfig) -> bool {
        let Self { target, url, method, filters, triggers, flow_sid } = self;
        let same_url = match (url, &config.url) {
            (None, None) => true,
            (Some(RecordedUrl::Plain(recorded)), Some(url)) => recorded == url,
            (Some(RecordedUrl::Digest { hmac, salt }), Some(url)) => *hmac == digest(salt, url),
            (None, Some(_)) | (Some(_), None) => false,
        };
        same_url
            && *target == config.target
            && *method == config.method
            && *filters == config.filters
            && *triggers == config.triggers
            && *flow_sid == config.flow_sid
    }

    /// Whether a webhook that is reported like this may be what was recorded: see [`WebhookConfig::may_show_as`].
    #[must_use]
    pub fn may_show_as(&self, reported: &WebhookConfig) -> bool {
        let may_hide_filters = self.target == Target::Studio && reported.filters.is_empty();
        self.matches(reported)
            || may_hide_filters
                && self.matches(&WebhookConfig { filters: self.filters.clone(), ..reported.clone() })
    }

    /// The salt under which the address is kept, where it came from a Secret. The next attempt uses it again, so that
    /// equal configurations stay equal.
    #[must_use]
    pub fn salt(&self) -> Option<&str> {
        match &self.url {
            Some(RecordedUrl::Digest { salt, .. }) => Some(salt),
            Some(RecordedUrl::Plain(_)) | None => None,
        }
    }

    /// The recorded target.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }
}

/// HMAC-SHA-256 of an address under a salt, in hexadecimal.
fn digest(salt: &str, url: &str) -> String {
    // HMAC takes a key of any length, so the error arm is never reached; an empty digest would match nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt.as_bytes()) else { return String::new() };
    mac.update(url.as_bytes());
    mac.finalize().into_bytes().iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> WebhookConfig {
        WebhookConfig {
            target: Target::Webhook,
            url: Some(url.to_owned()),
            method: Some(Method::Post),
            filters: BTreeSet::from(["onMessageAdded".to_owned()]),
            triggers: BTreeSet::new(),
            flow_sid: None,
        }
    }

    fn attempt(config: Recorded) -> Attempt {
        Attempt {
            id: "7f3c".to_owned(),
            uid: "uid".to_owned(),
            cluster: "cluster".to_owned(),
            account: format!("AC{:032x}", 1).parse().unwrap(),
            region: "us1".to_owned(),
            conversation: format!("CH{:032x}", 1).parse().unwrap(),
            generation: 1,
            not_after: "2026-01-01T00:00:10Z".to_owned(),
            baseline: BTreeSet::from([format!("WH{:032x}", 1).parse().unwrap()]),
            config,
            past_configs: Vec::new(),
            adopt: None,
            again: false,
        }
    }

    #[test]
    fn an_annotation_reads_back_as_it_was_written() {
        let past = Recorded::new(&config("https://bot.example.com/old"), None);
        let taking_over = Attempt {
            past_configs: vec![past],
            adopt: format!("WH{:032x}", 2).parse().ok(),
            again: true,
            ..attempt(Recorded::new(&config("https://bot.example.com"), Some("salt")))
        };
        for attempt in [taking_over, attempt(Recorded::new(&config("https://bot.example.com"), None))] {
            let annotation = attempt.to_annotation().unwrap();
            assert_eq!(Attempt::parse(&annotation).unwrap(), attempt);
        }
    }

    #[test]
    fn an_annotation_of_a_later_version_is_read_and_a_broken_one_is_not() {
        let annotation =
            attempt(Recorded::new(&config("https://bot.example.com"), None)).to_annotation().unwrap();
        let later = annotation.replacen('{', "{\"addedLater\":true,", 1);
        assert!(Attempt::parse(&later).is_ok());
        for broken in ["", "{}", "null", &annotation[..annotation.len() - 1], &annotation.replace("CH", "XX")]
        {
            assert!(Attempt::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_recorded_configuration_matches_its_own_and_no_other() {
        let original = config("https://bot.example.com");
        let flow = "FW00000000000000000000000000000000".parse().ok();
        let others = [
            config("https://bot.example.com/"),
            WebhookConfig { target: Target::Trigger, ..original.clone() },
            WebhookConfig { url: None, ..original.clone() },
            WebhookConfig { method: Some(Method::Get), ..original.clone() },
            WebhookConfig { filters: BTreeSet::new(), ..original.clone() },
            WebhookConfig { triggers: BTreeSet::from(["help".to_owned()]), ..original.clone() },
            WebhookConfig { flow_sid: flow, ..original.clone() },
        ];
        for salt in [None, Some("salt")] {
            let recorded = Recorded::new(&original, salt);
            assert!(recorded.matches(&original));
            for other in &others {
                assert!(!recorded.matches(other), "{other:?}");
                assert!(!Recorded::new(other, salt).matches(&original), "{other:?}");
            }
        }
    }

    #[test]
    fn a_salted_address_cannot_be_read_from_the_annotation() {
        let secret = "https://bot.example.com/canary";
        let annotation = attempt(Recorded::new(&config(secret), Some("salt"))).to_annotation().unwrap();
        assert!(!annotation.contains("canary") && !annotation.contains("example.com"), "{annotation}");
        assert_ne!(
            Recorded::new(&config(secret), Some("salt")),
            Recorded::new(&config(secret), Some("pepper"))
        );
    }

    #[test]
    fn a_digest_is_hmac_sha_256() {
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(digest("Jefe", "what do ya want for nothing?"), expected);
    }

    #[test]
    fn the_next_attempt_carries_the_newest_configurations_without_repeats() {
        let numbered = |n: usize| Recorded::new(&config(&format!("https://bot.example.com/{n}")), None);
        let mut last = attempt(numbered(0));
        assert_eq!(last.carried(), [numbered(0)]);
        last.past_configs = vec![numbered(0), numbered(1), numbered(1)];
        assert_eq!(last.carried(), [numbered(0), numbered(1)]);
        last.past_configs = (1..40).map(numbered).collect();
        assert_eq!(last.carried(), (0..MAX_PAST).map(numbered).collect::<Vec<_>>());
    }
}
