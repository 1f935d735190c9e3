//! Everything that the model can be in, small enough that many millions of states fit: numbers for names, bits for sets.

use super::process::{Board, Worker};

/// Webhooks that can be told apart at a time. SIDs count from 1; 0 is none.
pub(super) const SIDS: u8 = 7;
/// Attempts that can be told apart at a time. Ids count from 1; 0 is none.
pub(super) const ATTEMPTS: u8 = 9;
/// A user's answer that an attempt made nothing.
pub(super) const NOTHING: u8 = 255;

/// SIDs, or configurations, as bits.
pub(super) type Set = u16;

pub(super) fn bit(n: u8) -> Set {
    if n == 0 { 0 } else { 1 << n }
}

pub(super) fn has(set: Set, n: u8) -> bool {
    set & bit(n) != 0
}

pub(super) fn members(set: Set) -> impl Iterator<Item = u8> {
    (1..16_u8).filter(move |n| has(set, *n))
}

/// What a webhook does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Config {
    /// There is no webhook.
    #[default]
    None,
    /// What the first object asks for, and what it asks for after an edit.
    A,
    A2,
    /// The same of the second object, where it asks for something else.
    B,
    B2,
    /// A stranger's, of the same target.
    Foreign,
    /// A stranger's, of another target.
    Trigger,
}

impl Config {
    pub(super) const ALL: [Self; 7] =
        [Self::None, Self::A, Self::A2, Self::B, Self::B2, Self::Foreign, Self::Trigger];

    pub(super) fn number(self) -> u8 {
        self as u8
    }

    /// What an edit makes of it, and another edit undoes.
    pub(super) fn edited(self) -> Self {
        match self {
            Self::A => Self::A2,
            Self::A2 => Self::A,
            Self::B => Self::B2,
            Self::B2 => Self::B,
            other => other,
        }
    }

    /// What it was before any edit.
    pub(super) fn original(self) -> Self {
        match self {
            Self::A2 => Self::A,
            Self::B2 => Self::B,
            other => other,
        }
    }
}

/// The journal; with id 0 there is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct Journal {
    pub(super) id: u8,
    pub(super) uid: u8,
    pub(super) baseline: Set,
    pub(super) config: Config,
    pub(super) past: Set,
    pub(super) adopt: u8,
    /// Its generation is the object's, a deletion not counted.
    pub(super) current: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Provenance {
    #[default]
    Unknown,
    Created,
    Adopted,
    Inferred,
}

/// An object. What is gone keeps its spec and journal only where a backup may bring it back.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none rules another out")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct Object {
    pub(super) exists: bool,
    pub(super) uid: u8,
    pub(super) config: Config,
    pub(super) deleting: bool,
    pub(super) finalizer: bool,
    pub(super) label: bool,
    pub(super) journal: Journal,
    pub(super) webhook: u8,
    pub(super) settled: u8,
    /// Status says on which conversation.
    pub(super) placed: bool,
    pub(super) provenance: Provenance,
    /// The last finished pass acted on this generation.
    pub(super) observed: bool,
    pub(super) lost: Set,
    /// What a user says that an attempt made: its id, and a SID or [`NOTHING`].
    pub(super) answer: (u8, u8),
}

impl Object {
    pub(super) fn open(&self) -> Option<&Journal> {
        let is_open =
            self.exists && self.journal.id != 0 && self.journal.id != self.settled && self.webhook == 0;
        is_open.then_some(&self.journal)
    }

    pub(super) fn has_open(&self, id: u8) -> bool {
        self.open().is_some_and(|journal| journal.id == id)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Life {
    #[default]
    None,
    /// It exists, and lists do not show it yet.
    Hidden,
    Shown,
    /// An outsider removed it, and it may turn up again.
    Removed,
}

/// A webhook at Twilio.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct Hook {
    pub(super) life: Life,
    pub(super) config: Config,
    /// The object that it was made for, counted from 1; 0 for a stranger's.
    pub(super) made_for: u8,
    /// The attempt whose window it has to show up in, until it does.
    pub(super) attempt: u8,
    /// A stranger made it, whoever took it over since.
    pub(super) strangers: bool,
    /// It was gone, and is back.
    pub(super) returned: bool,
    /// A policy or a person left it behind.
    pub(super) left: bool,
}

impl Hook {
    pub(super) fn is_alive(self) -> bool {
        matches!(self.life, Life::Hidden | Life::Shown)
    }
}

/// A create on its way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct Request {
    pub(super) attempt: u8,
    pub(super) made_for: u8,
    pub(super) config: Config,
}

/// A write that its sender gave up on: it lands later, if nobody wrote before it, or never.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct LateWrite {
    /// The object, counted from 1; 0 for no write.
    pub(super) index: u8,
    pub(super) object: Object,
}

/// How often each thing may still happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct Budget {
    pub(super) crashes: u8,
    /// Replies to creates, updates and deletes that get lost, requests that do, and senders that give up waiting.
    pub(super) lost: u8,
    pub(super) refused: u8,
    /// Commits that lists show later.
    pub(super) lag: u8,
    /// Senders that are too slow.
    pub(super) slow: u8,
    /// Writes to the API server whose reply is lost, is taken for a refusal, or that land later.
    pub(super) writes: u8,
    /// Passes that start from the version of an object before the last write.
    pub(super) stale: u8,
    pub(super) edits: u8,
    pub(super) deletes: u8,
    /// Deletes that were decided on before the finalizer was there, and finalizers that are removed by hand.
    pub(super) vanishings: u8,
    pub(super) restores: u8,
    pub(super) strips: u8,
    pub(super) old_journals: u8,
    pub(super) copies: u8,
    pub(super) answers: u8,
    /// Strangers' webhooks: of any kind, and equal to what an object asks for.
    pub(super) strangers: u8,
    pub(super) twins: u8,
    pub(super) outside_edits: u8,
    pub(super) outside_deletes: u8,
    pub(super) resurfacing: u8,
    pub(super) conversation: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct State {
    pub(super) objects: [Object; 2],
    /// Each object before the last write, where passes may start from that.
    pub(super) before: [Object; 2],
    pub(super) hooks: [Hook; SIDS as usize + 1],
    pub(super) requests: [Request; 3],
    pub(super) workers: [Worker; 2],
    pub(super) late: LateWrite,
    /// What an object last was that vanished with a webhook or an open attempt although nobody let it go, as long as it is
    /// not cleaned up after. Some process saw it.
    pub(super) remains: [Object; 2],
    /// Attempts whose window is over.
    pub(super) over: Set,
    pub(super) conversation_gone: bool,
    pub(super) budget: Budget,
    /// What must never happen, and did: bits of [`super::properties::Wrong`].
    pub(super) wrong: u16,
}

impl State {
    pub(super) fn board(&self) -> Board {
        let mut board = Board::default();
        for (shown, hook) in board.iter_mut().zip(&self.hooks) {
            if hook.life == Life::Shown {
                *shown = hook.config;
            }
        }
        board
    }

    pub(super) fn hook(&mut self, sid: u8) -> &mut Hook {
        &mut self.hooks[usize::from(sid)]
    }

    pub(super) fn alive(&self) -> impl Iterator<Item = (u8, &Hook)> {
        (0..).zip(&self.hooks).filter(|(_, hook)| hook.is_alive())
    }

    /// The object that has the webhook in its status.
    pub(super) fn bearer(&self, sid: u8) -> Option<usize> {
        self.objects.iter().position(|object| object.exists && object.webhook == sid)
    }
}
