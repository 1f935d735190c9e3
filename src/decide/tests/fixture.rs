//! What is known about one object, in as few words as a test needs.

use super::sample::*;
use crate::decide::{
    Absent, Access, Action, Attempt, Board, Desired, Input, Journal, Kind, Object, Phase, Remote, Renamed,
    Reply, Sender, Sibling, Siblings, Wanted, decide,
};
use crate::twilio::{ConversationSid, Webhook, WebhookConfig};

/// An [`Input`] that owns its parts.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none rules another out")]
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) object: Option<Object>,
    pub(super) vanished: bool,
    pub(super) sees_all: bool,
    pub(super) access: Access,
    pub(super) conversation: Option<ConversationSid>,
    pub(super) renamed: Renamed,
    pub(super) remote: Remote,
    pub(super) siblings: Siblings,
    pub(super) phase: Phase,
    /// Whatever is absent was so before.
    pub(super) absence_confirmed: bool,
    /// This was absent before.
    pub(super) confirmed: Option<Absent>,
    pub(super) sender: Sender,
    pub(super) update: Reply,
    pub(super) removal: Reply,
    pub(super) kind: Kind,
    pub(super) due: bool,
    pub(super) asked: bool,
    pub(super) repairs: usize,
    pub(super) mass_change: bool,
    pub(super) address_is_new: bool,
}

impl Known {
    /// A new object of which only the API server's word is known.
    pub(super) fn new_object() -> Self {
        Self {
            object: Some(object()),
            vanished: false,
            sees_all: true,
            access: Access::Unread,
            conversation: Some(conversation()),
            renamed: Renamed::Unread,
            remote: Remote::Unread,
            siblings: Siblings::Unread,
            phase: Phase::WindowOver,
            absence_confirmed: false,
            confirmed: None,
            sender: Sender::Idle,
            update: Reply::None,
            removal: Reply::None,
            kind: Kind::Stays,
            due: false,
            asked: false,
            repairs: 0,
            mass_change: false,
            address_is_new: false,
        }
    }

    /// A new object for which everything speaks for a create: one action away from the journal.
    pub(super) fn ready_to_create() -> Self {
        Self::new_object().proved().listed([]).cached([])
    }

    /// An object whose create lost its reply, and whose window is over: everything is read, nothing was found.
    pub(super) fn unresolved() -> Self {
        Self::new_object().open(attempt()).proved().listed([]).live([])
    }

    /// An object with webhook 1 that is as written, not due for a check.
    pub(super) fn with_webhook() -> Self {
        Self::new_object().with(|object| {
            object.finalizer = true;
            object.label = Some(conversation());
            object.journal = Journal::Attempt(Box::new(attempt()));
            object.record = record(1);
        })
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Object)) -> Self {
        change(self.object.as_mut().expect("the fixture has an object"));
        self
    }

    /// The object names its conversation by its unique name.
    pub(super) fn by_name(self) -> Self {
        self.with(|object| {
            if let Ok(Desired { conversation, .. }) = &mut object.desired {
                *conversation = Wanted::UniqueName("support".to_owned());
            }
        })
    }

    /// This attempt is open.
    pub(super) fn open(self, attempt: Attempt) -> Self {
        self.with(|object| {
            object.finalizer = true;
            object.label = Some(conversation());
            object.journal = Journal::Attempt(Box::new(attempt));
        })
    }

    /// The object is gone, and nobody let it go.
    pub(super) fn vanished(mut self) -> Self {
        self.vanished = true;
        self
    }

    pub(super) fn deleting(self) -> Self {
        self.with(|object| {
            object.deleting = true;
            object.finalizer = true;
            // The API server counts a deletion as a change.
            object.generation += 1;
        })
    }

    /// The user changed the spec since the last finished pass.
    pub(super) fn edited(self, to: WebhookConfig) -> Self {
        self.with(|object| {
            object.generation += 1;
            object.desired = Ok(desired(to));
        })
    }

    pub(super) fn access(mut self, proved: bool) -> Self {
        self.access = Access::Known { account: account(1), region: "us1".to_owned(), proved };
        self
    }

    pub(super) fn proved(self) -> Self {
        self.access(true)
    }

    pub(super) fn other_account(mut self) -> Self {
        self.access = Access::Known { account: account(2), region: "us1".to_owned(), proved: true };
        self
    }

    pub(super) fn listed<const N: usize>(mut self, webhooks: [Webhook; N]) -> Self {
        self.remote = Remote::Listed { board: Board::new(webhooks.into()), fresh: true };
        self
    }

    pub(super) fn listed_by_a_sibling<const N: usize>(mut self, webhooks: [Webhook; N]) -> Self {
        self.remote = Remote::Listed { board: Board::new(webhooks.into()), fresh: false };
        self
    }

    pub(super) fn conversation_gone(mut self) -> Self {
        self.remote = Remote::NotFound;
        self
    }

    pub(super) fn live<const N: usize>(mut self, siblings: [Sibling; N]) -> Self {
        self.siblings = Siblings::Live(siblings.into());
        self
    }

    pub(super) fn cached<const N: usize>(mut self, siblings: [Sibling; N]) -> Self {
        self.siblings = Siblings::Cached(siblings.into());
        self
    }

    pub(super) fn siblings_unread(mut self) -> Self {
        self.siblings = Siblings::Unread;
        self
    }

    pub(super) fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// An earlier look, long enough ago, showed the same absence.
    pub(super) fn seen_before(mut self) -> Self {
        self.absence_confirmed = true;
        self
    }

    pub(super) fn sender(mut self, sender: Sender) -> Self {
        self.sender = sender;
        self
    }

    pub(super) fn updated(mut self, reply: Reply) -> Self {
        self.update = reply;
        self
    }

    pub(super) fn removed(mut self, reply: Reply) -> Self {
        self.removal = reply;
        self
    }

    pub(super) fn due(mut self) -> Self {
        self.due = true;
        self
    }

    /// What follows from all this; where something was absent and was so before, what follows from that.
    pub(super) fn decide(&self) -> Action {
        match self.decide_with(self.confirmed.as_ref()) {
            Action::LookAgain(absent) if self.absence_confirmed => self.decide_with(Some(&absent)),
            action => action,
        }
    }

    fn decide_with(&self, confirmed: Option<&Absent>) -> Action {
        decide(&Input {
            object: self.object.as_ref(),
            vanished: self.vanished,
            cluster: CLUSTER,
            sees_all: self.sees_all,
            access: &self.access,
            conversation: self.conversation.as_ref(),
            renamed: &self.renamed,
            remote: &self.remote,
            siblings: &self.siblings,
            phase: self.phase,
            confirmed,
            sender: &self.sender,
            update: self.update,
            removal: self.removal,
            kind: self.kind,
            due: self.due,
            asked: self.asked,
            repairs: self.repairs,
            mass_change: self.mass_change,
            address_is_new: self.address_is_new,
        })
    }
}
