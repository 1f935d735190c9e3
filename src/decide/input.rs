//! What one decision rests on: the object as the API server has it, and what was read for it so far.
//!
//! Whatever was not read is `Unread` or `None`, so that a decision which needs it asks for it instead of guessing.

use super::{Attempt, Board, Desired, Unservable};
use crate::api::{Mode, Provenance};
use crate::twilio::{AccountSid, ConversationSid, WebhookSid};

/// Everything that [`super::decide`] may look at.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none rules another out")]
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// The object; `None` when a live read said that it is gone.
    pub object: Option<&'a Object>,
    /// The object vanished with an open attempt, and `object` is what it last was.
    pub vanished: bool,
    /// Id of the cluster that this process works for.
    pub cluster: &'a str,
    /// This process sees the objects of all namespaces.
    pub sees_all: bool,
    /// The account that the object's Secret opens.
    pub access: &'a Access,
    /// The conversation that the object means.
    pub conversation: Option<&'a ConversationSid>,
    /// What the object's unique name means now, where that was looked up again because the conversation is gone.
    pub renamed: &'a Renamed,
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
    /// A user asked for this pass by annotation.
    pub asked: bool,
    /// How often the webhook was made again, or an outside edit of it corrected, within the last day.
    pub repairs: usize,
    /// Many webhooks of the account went missing within one interval.
    pub mass_change: bool,
    /// The webhook's address comes from a Secret, and this process has not seen it at Twilio yet: a difference is no
    /// outsider's.
    pub address_is_new: bool,
}

impl Input<'_> {
    /// Whether the object is on its way out, or gone.
    pub(super) fn goes(&self, object: &Object) -> bool {
        object.deleting || self.vanished
    }
}

/// What a unique name means, looked up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// Not looked up again in this pass.
    Unread,
    /// This conversation.
    Found(ConversationSid),
    /// No conversation.
    NotFound,
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
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none rules another out")]
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
    /// What the operator may do.
    pub mode: Mode,
    /// An identical webhook that nobody claims is taken over.
    pub adopts_identical: bool,
    /// A webhook that disappeared is made again.
    pub recreates: bool,
    /// The webhook that is to be taken over instead of creating one.
    pub hint: Option<WebhookSid>,
    /// What a user said by annotation.
    pub answers: Answers,
    /// The journal.
    pub journal: Journal,
    /// What status records.
    pub record: Record,
}

/// What a user said by annotation, where rules alone do not lead on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Answers {
    /// What a create whose reply was lost has made.
    pub resolve: Option<Resolution>,
    /// The webhook, or the open attempt, that is left behind so that the object can go.
    pub abandon: Option<String>,
    /// The uid of the object that has moved here from another cluster.
    pub confirm_restore: Option<String>,
}

/// What a user says that a create made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// Id of the attempt that it is about.
    pub attempt: String,
    /// What it made; `None` for nothing.
    pub made: Option<WebhookSid>,
}

impl Resolution {
    /// Reads `<attempt id>=<SID>` or `<attempt id>=none`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (attempt, made) = text.trim().split_once('=')?;
        let made = if made == "none" { None } else { Some(made.parse().ok()?) };
        Some(Self { attempt: attempt.to_owned(), made })
    }
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
    /// Webhooks of the object that were verified absent.
    pub lost: Vec<WebhookSid>,
    /// Status says that the webhook is not made again before somebody confirms it.
    pub mass_change: bool,
    /// Status says that Twilio refused the configuration: what is there is not an outsider's edit.
    pub refused: bool,
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

    /// What a user says that this attempt made.
    #[must_use]
    pub fn answer(&self, attempt: &Attempt) -> Option<&Resolution> {
        self.answers.resolve.as_ref().filter(|answer| answer.attempt == attempt.id)
    }

    /// Whether the attempt was written in another cluster, and nobody confirmed that the object has moved here.
    #[must_use]
    pub fn is_elsewhere(&self, attempt: &Attempt, cluster: &str) -> bool {
        attempt.cluster != cluster && !self.is_confirmed()
    }

    /// Whether a user says that this very object has moved here.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.answers.confirm_restore.as_deref() == Some(self.uid.as_str())
    }

    /// Whether what it made stays at Twilio should it vanish: by policy, by mode, or because a user says so.
    #[must_use]
    pub fn leaves_all_behind(&self) -> bool {
        self.retain || self.mode == Mode::Observe || self.is_abandoned()
    }

    /// Whether a user lets the object go without the webhook, or without an answer to the attempt, that keeps it.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        let Some(named) = &self.answers.abandon else { return false };
        let held_by = match (&self.record.webhook, self.open_attempt()) {
            (Some(webhook), _) => Some(webhook.as_str()),
            (None, Some(attempt)) => Some(attempt.id.as_str()),
            (None, None) => self.record.lost.last().map(WebhookSid::as_str),
        };
        held_by == Some(named.as_str())
    }

    /// Whether a webhook of this object was made before. Only the first create may replay messages, or the bot would
    /// get history twice. A journal of another object tells of an earlier life.
    #[must_use]
    pub fn was_made_before(&self) -> bool {
        !self.record.lost.is_empty()
            || matches!(&self.journal, Journal::Attempt(last) if last.again || last.uid != self.uid)
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
    /// What it asks for; `None` when its spec, or its address, was not read.
    pub desired: Option<Desired>,
    /// It is the object that its open attempt was journalled for, unedited.
    pub as_journalled: bool,
    /// What a user says that its open attempt made.
    pub answer: Option<WebhookSid>,
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
