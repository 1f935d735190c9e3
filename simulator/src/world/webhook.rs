//! A scoped webhook: what it does, and its life from creation to deletion. The record *is* the webhook: being
//! alive is a property of it, so that the API and the ledger can never disagree.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actor::Act;
use crate::sid::{AccountSid, ConversationSid, FlowSid, ServiceSid, WebhookSid};

/// Twilio's `Target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Events go to a URL.
    #[default]
    Webhook,
    /// Messages with a keyword go to a URL.
    Trigger,
    /// Events start a Studio flow.
    Studio,
}

/// The HTTP method of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Fields in the query.
    Get,
    /// Fields in a form.
    #[default]
    Post,
}

/// What a webhook does: the fields that its target has, and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Configuration {
    /// Target `webhook`.
    Webhook {
        /// Where events go.
        url: String,
        /// How.
        method: Method,
        /// Which events.
        filters: Vec<String>,
    },
    /// Target `trigger`.
    Trigger {
        /// Where messages go.
        url: String,
        /// How.
        method: Method,
        /// The keywords.
        triggers: Vec<String>,
    },
    /// Target `studio`.
    Studio {
        /// The flow that is started.
        flow_sid: FlowSid,
        /// Which events start it; empty means messages.
        filters: Vec<String>,
    },
}

impl Configuration {
    /// The target that it belongs to.
    #[must_use]
    pub const fn target(&self) -> Target {
        match self {
            Self::Webhook { .. } => Target::Webhook,
            Self::Trigger { .. } => Target::Trigger,
            Self::Studio { .. } => Target::Studio,
        }
    }

    /// The URL that deliveries go to; a Studio flow has none.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Webhook { url, .. } | Self::Trigger { url, .. } => Some(url),
            Self::Studio { .. } => None,
        }
    }

    /// The same with its sets in order: two webhooks do the same when these are equal.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let mut canonical = self.clone();
        let (Self::Webhook { filters: set, .. }
        | Self::Trigger { triggers: set, .. }
        | Self::Studio { filters: set, .. }) = &mut canonical;
        set.sort_unstable();
        set.dedup();
        canonical
    }
}

/// A change of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// Who and when.
    pub by: Act,
    /// What it did until then.
    pub before: Configuration,
}

/// The end of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// Who and when.
    pub by: Act,
    /// Whether it went because its conversation was deleted.
    pub with_conversation: bool,
}

/// The return of a webhook that was deleted, under the same SID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restoration {
    /// Who and when.
    pub by: Act,
    /// The end that it takes back.
    pub deleted: Deletion,
}

/// One webhook that exists or has existed: the truth about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookRecord {
    /// Its SID.
    pub sid: WebhookSid,
    /// The account that it lives in.
    pub account: AccountSid,
    /// The service of its conversation.
    pub service: ServiceSid,
    /// Its conversation.
    pub conversation: ConversationSid,
    /// What it does, or did last.
    pub configuration: Configuration,
    /// The `ReplayAfter` that it was created with.
    pub replay_after: Option<u64>,
    /// Who made it.
    pub created: Act,
    /// The last 32 changes since, oldest first; a client that changed it often has given up its older ones first.
    pub edits: Vec<Edit>,
    /// Its end, if it has ended.
    pub deleted: Option<Deletion>,
    /// Every time that it came back after it had ended, oldest first.
    pub restored: Vec<Restoration>,
}

/// How many changes of a webhook are on record.
const EDITS_KEPT: usize = 32;

impl WebhookRecord {
    /// Puts a change on record. When there are too many, the oldest goes whose client has changed it again since, so
    /// that nobody who touched it is forgotten before there are as many clients as places.
    pub(crate) fn remember(&mut self, edit: Edit) {
        self.edits.push(edit);
        if self.edits.len() > EDITS_KEPT {
            let again = |(place, edit): (usize, &Edit)| {
                self.edits[place + 1..].iter().any(|later| later.by.origin.is_same_client(&edit.by.origin))
            };
            let place = (0..EDITS_KEPT).find(|place| again((*place, &self.edits[*place])));
            self.edits.remove(place.unwrap_or_default());
        }
    }

    /// Whether it exists now.
    #[must_use]
    pub const fn alive(&self) -> bool {
        self.deleted.is_none()
    }

    /// When it was last changed.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.edits.last().map_or(self.created.at, |edit| edit.by.at)
    }

    /// What it did at that moment; nothing when it did not exist then.
    #[must_use]
    pub fn as_of(&self, moment: Timestamp) -> Option<Self> {
        let was_away = |back: &Restoration| back.deleted.by.at <= moment && back.by.at > moment;
        let existed = self.created.at <= moment
            && self.deleted.as_ref().is_none_or(|deletion| deletion.by.at > moment)
            && !self.restored.iter().any(was_away);
        existed.then(|| {
            let known = self.edits.partition_point(|edit| edit.by.at <= moment);
            let mut past = self.clone();
            if let Some(next) = self.edits.get(known) {
                past.configuration = next.before.clone();
            }
            past.edits.truncate(known);
            past.deleted = None;
            past.restored.retain(|back| back.by.at <= moment);
            past
        })
    }
}
