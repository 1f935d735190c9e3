//! What a process has in hand: the pass that it is in, what it read for it, and what it remembers.

use super::state::{Config, Object, SIDS};

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Remote {
    #[default]
    Unread,
    Listed {
        fresh: bool,
    },
    NotFound,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Siblings {
    #[default]
    Unread,
    Cached,
    Live,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Sender {
    #[default]
    Idle,
    /// The journal is stored; `late` once the time to send is over.
    Journalled {
        clear: bool,
        late: bool,
    },
    /// The clock was looked at; the request is about to go out. A step of its own only where processes may freeze there.
    Sending,
    /// The request is out.
    Awaiting,
    Created {
        webhook: u8,
        reread: bool,
    },
    NotCreated,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Reply {
    #[default]
    None,
    Done,
    NotFound,
}

/// What a process saw to be absent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Absent {
    #[default]
    Nothing,
    Newborn(u8),
    Webhook(u8),
    Conversation,
    Disputed(u8),
}

/// What lists show of each SID.
pub(super) type Board = [Config; SIDS as usize + 1];

/// What a decision rests on, as far as the model knows it: two that are equal lead to the same action.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct View {
    pub(super) object: Object,
    /// The object vanished, and is what it last was.
    pub(super) vanished: bool,
    pub(super) remote: Remote,
    pub(super) board: Board,
    pub(super) siblings: Siblings,
    pub(super) others: [Object; 2],
    pub(super) sender: Sender,
    /// The attempt that the sender has under way.
    pub(super) attempt: u8,
    /// The window of the object's open attempt is over.
    pub(super) over: bool,
    pub(super) confirmed: bool,
    /// What was absent; with `confirmed`, in an earlier look as well.
    pub(super) absent: Absent,
    pub(super) update: Reply,
    pub(super) removal: Reply,
}

/// A pass under way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct Pass {
    /// The object, counted from 1; 0 for no pass.
    pub(super) index: u8,
    pub(super) uid: u8,
    /// The object's resourceVersion is still the one that was read.
    pub(super) fresh: bool,
    pub(super) view: View,
}

/// A process: the pass that it is in, and what it remembers of each object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct Worker {
    pub(super) pass: Pass,
    /// Of each object, and of each that vanished.
    pub(super) absent: [Absent; 4],
}

impl Pass {
    /// It is for an object that vanished.
    pub(super) fn cleans_up(&self) -> bool {
        self.uid == u8::MAX
    }

    /// The place of what is remembered to be absent.
    pub(super) fn place(&self) -> usize {
        usize::from(self.index) - 1 + if self.cleans_up() { 2 } else { 0 }
    }
}

impl Worker {
    pub(super) fn is_busy(&self) -> bool {
        self.pass.index != 0
    }
}
