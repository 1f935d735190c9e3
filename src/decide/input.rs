//! What one decision rests on: the object as the API server has it, and what was read for it so far.
//!
//! Whatever was not read is `Unread` or `None`, so that a decision which needs it asks for it instead of guessing.

use super::{Attempt, Board, Desired, Unservable};
use crate::api::Provenance;
use crate::twilio::{AccountSid, ConversationSid, WebhookSid};

/// Everything that [`super::decide`] may look at.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// The object; `None` when a live read said that it is gone.
    pub object: Option<&'a Object>,
    /// Id of the cluster that this process works for.
    pub cluster: &'a str,
    /// This process sees the objects of all namespaces.
    pub sees_all: bool,
    /// The account that the object's Secret opens.
    pub access: &'a Access,
    /// The conversation that the object means.
    pub conversation: Option<&'a ConversationSid>,
    /// The conversation's webhooks.
    pub remote: &'a Remote,
    /// The other objects on the conversation.
    pub siblings: &'a Siblings,
    /// How far the time of the object's open attempt has run.
    pub phase: Phase,
    /// What was absent in this pass, and in a look long enough before it.
    pub confirmed: Option<&'a Absent>,
    /// What this process itself has under way for the object.
    pub sender: &'a Sender,
    /// What Twilio said to an update in this pass.
    pub update: Reply,
    /// What Twilio said to a delete in this pass.
    pub removal: Reply,
    /// Whether the kind itself is being removed from the cluster, read after the object's deletion was seen.
    pub kind: Kind,
    /// A comparison with Twilio is due.
    pub due: bool,
}

/// The `CustomResourceDefinition` behind the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not read since the object's deletion was seen.
    Unread,
    /// It stays.
    Stays,
    /// It is being deleted, and every object with it.
    Leaves,
}

/// The object, as far as decisions depend on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// `metadata.uid`.
    pub uid: String,
    /// `namespace/name`, for messages.
    pub name: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// Our finalizer is there.
    pub finalizer: bool,
    /// Our label names this conversation.
    pub label: Option<ConversationSid>,
    /// What the spec asks for.
    pub desired: Result<Desired, Unservable>,
    /// The webhook stays when the object goes.
    pub retain: bool,
    /// The journal.
    pub journal: Journal,
    /// What status records.
    pub record: Record,
}

/// The journal annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Journal {
    /// There is none.
    Missing,
    /// Somebody edited it.
    Unreadable,
    /// The latest attempt.
    Attempt(Box<Attempt>),
}

impl Journal {
    /// The attempt while its outcome is unknown, beside what status records.
    #[must_use]
    pub fn open(&self, webhook: Option<&WebhookSid>, settled: Option<&str>) -> Option<&Attempt> {
        match self {
            Self::Attempt(attempt) if webhook.is_none() && settled != Some(attempt.id.as_str()) => {
                Some(attempt)
            }
            Self::Attempt(_) | Self::Missing | Self::Unreadable => None,
        }
    }
}

/// What status records about the webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The webhook.
    pub webhook: Option<WebhookSid>,
    /// Id of the last attempt whose outcome is known.
    pub settled_attempt: Option<String>,
    /// The account that the webhook lives in.
    pub account: Option<AccountSid>,
    /// The region that the webhook lives in.
    pub region: Option<String>,
    /// The conversation that the webhook hangs on.
    pub conversation: Option<ConversationSid>,
    /// How the webhook came to be the object's.
    pub provenance: Option<Provenance>,
    /// Generation that the last finished pass acted on.
    pub observed_generation: Option<i64>,
}

impl Object {
    /// The journal's attempt while its outcome is unknown (R1). With a SID in status it never counts.
    #[must_use]
    pub fn open_attempt(&self) -> Option<&Attempt> {
        self.journal.open(self.record.webhook.as_ref(), self.record.settled_attempt.as_deref())
    }

    /// Finalizer, label and journal are there: what keeps a webhook from being lost track of.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.finalizer
            && self.label.is_some()
            && self.label == self.record.conversation
            && matches!(self.journal, Journal::Attempt(_))
    }

    /// Whether it is the object that the attempt was journalled for, unedited. Deleting adds one to the generation.
    #[must_use]
    pub fn is_as_journalled(&self, attempt: &Attempt) -> bool {
        attempt.uid == self.uid && attempt.generation == self.generation - i64::from(self.deleting)
    }

    /// Whether the attempt with this id is the object's open one.
    #[must_use]
    pub fn has_open(&self, id: &str) -> bool {
        self.open_attempt().is_some_and(|attempt| attempt.id == id)
    }
}

/// The account that the object's Secret opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// The Secret was not read in this pass.
    Unread,
    /// The Secret was read.
    Known {
        /// The account that it declares.
        account: AccountSid,
        /// The region that it declares.
        region: String,
        /// Twilio confirmed that the credentials belong to that account.
        proved: bool,
    },
}

/// What a list of the conversation's webhooks said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remote {
    /// None was read in this pass.
    Unread,
    /// These webhooks.
    Listed {
        /// The webhooks.
        board: Board,
        /// The list was made in this pass, not taken over from a sibling's.
        fresh: bool,
    },
    /// Twilio knows no such conversation.
    NotFound,
}

/// The other objects on the same conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Siblings {
    /// Not read since the last list.
    Unread,
    /// From the watch cache, which may be behind: good enough to wait for one, not to claim a webhook.
    Cached(Vec<Sibling>),
    /// Read from the API server after the last list.
    Live(Vec<Sibling>),
}

/// Another object on the same conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Sibling {
    /// `metadata.uid`.
    pub uid: String,
    /// `namespace/name`, for messages.
    pub name: String,
    /// Its webhook.
    pub webhook: Option<WebhookSid>,
    /// Its open attempt.
    pub open: Option<Attempt>,
    /// What it asks for; `None` when its spec cannot be read.
    pub desired: Option<Desired>,
}

/// What a look at Twilio did not find. One look proves nothing: a list may lag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The webhook of the attempt with this id.
    Newborn(String),
    /// A webhook of the conversation.
    Webhook(WebhookSid),
    /// The conversation.
    Conversation,
    /// A webhook that a list shows and an update does not find.
    Disputed(WebhookSid),
}

/// How far the time of an open attempt has run, by the clock of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its request may still be sent.
    BeforeNotAfter,
    /// Its request may still be under way, or its effect not listed yet.
    InWindow,
    /// Whatever it did shows in a list.
    WindowOver,
}

/// What this process itself has under way for the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Nothing.
    Idle,
    /// The journal of this attempt is written.
    Journalled {
        /// Id of the attempt.
        id: String,
        /// The API server's own reply said so. Otherwise only a later read did, and nothing may be sent.
        clear: bool,
    },
    /// Twilio made the webhook; its SID is not in status yet.
    Created {
        /// Id of the attempt.
        id: String,
        /// The webhook.
        webhook: WebhookSid,
        /// The object was read again after a write that did not go through.
        reread: bool,
    },
    /// Twilio did not make the webhook; the attempt is not settled yet.
    NotCreated {
        /// Id of the attempt.
        id: String,
    },
}

/// What Twilio said to an update or a delete in this pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing was sent.
    None,
    /// Done.
    Done,
    /// Done, but what Twilio reports is not what was sent.
    Differs,
    /// There is no such webhook.
    NotFound,
}
