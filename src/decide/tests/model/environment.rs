//! What happens around the processes: Twilio answers or does not, lists lag, writes land late, processes die, time passes,
//! and people and strangers do what they like, each as often as the budget allows.

use std::fmt;

use super::driver::{Luck, number};
use super::properties::Wrong;
use super::protocol::Protocol;
use super::rules::Rule;
use super::state::{
    Absent, Config, Hook, Journal, LateWrite, Life, NOTHING, Object, Pass, Provenance, Request, Sender, Siblings, State,
    Worker, bit, has,
};
use super::view::Decision;
use crate::decide::SLOTS;

/// Who writes to an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Worker(usize),
    /// A process that has given the write up.
    Late,
    People,
}

/// What becomes of a create.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Fate {
    Answered,
    /// It is carried out, and the reply is lost or says nothing.
    ReplyLost,
    /// It never arrives.
    Dropped,
    Refused,
}

/// How an object comes back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Backup {
    /// With another uid, as it is but for status.
    Latest,
    /// The same from before its edit.
    Old,
    /// Only status is lost.
    Status,
}

impl Protocol {
    // The API server.

    /// An object is stored. One that is being deleted goes with its finalizer.
    pub(super) fn store(&self, state: &mut State, index: usize, mut new: Object, by: By) {
        let old = state.objects[index];
        if state.budget.stale > 0 {
            state.before[index] = old;
        }
        for (worker, other) in state.workers.iter_mut().enumerate() {
            if other.pass.index == number(index) && by != By::Worker(worker) {
                other.pass.fresh = false;
            }
        }
        if state.late.index == number(index) {
            state.late = LateWrite::default();
        }
        if new.deleting && !new.finalizer {
            if by != By::People && self.policies.retain {
                for (sid, hook) in (0..).zip(&mut state.hooks) {
                    hook.left |= sid == new.webhook && sid != 0 || has(new.lost, sid);
                }
            }
            if by == By::People && new.webhook != 0 && !self.policies.retain && !self.without(Rule::R18) {
                state.remains[index] = (new.webhook, new.settled);
            }
            // A backup may bring it back.
            let kept = Object { uid: new.uid, config: new.config, journal: new.journal, ..Object::default() };
            new = if state.budget.restores > 0 && new.journal.id != 0 { kept } else { Object::default() };
        }
        state.objects[index] = new;
        if new.webhook != 0 && new.webhook != old.webhook {
            self.claimed(state, index, new.webhook, new.provenance);
        }
    }

    fn claimed(&self, state: &mut State, index: usize, sid: u8, provenance: Provenance) {
        let others = state.objects.iter().enumerate().filter(|(other, object)| *other != index && object.webhook == sid);
        if others.count() > 0 {
            Wrong::ClaimedTwice.note(state);
        }
        let hook = state.hook(sid);
        // Whoever takes a webhook over has it for its own. An exact twin made in the window of a lost create is taken for
        // the object's by everybody who looks.
        let taken = hook.strangers && provenance == Provenance::Inferred && !self.strict;
        if provenance == Provenance::Adopted || taken {
            hook.made_for = number(index);
            hook.left = false;
        }
    }

    // Twilio.

    /// The create of the attempt goes out.
    pub(super) fn post(&self, state: &mut State, worker: usize) {
        let Pass { index, view, .. } = state.workers[worker].pass;
        let stored = state.objects[usize::from(index) - 1];
        if !stored.has_open(view.attempt) {
            Wrong::SentUnannounced.note(state);
        }
        let request = Request { attempt: view.attempt, made_for: index, config: view.object.config };
        match state.requests.iter_mut().find(|request| request.attempt == 0) {
            Some(free) => *free = request,
            None => Wrong::NoRoom.note(state),
        }
        state.workers[worker].pass.view.sender = Sender::Awaiting;
    }

    /// What becomes of a create, and what its sender hears if it still waits.
    pub(super) fn answer(&self, state: &mut State, request: usize, fate: Fate, hidden: bool) -> Option<()> {
        let Request { attempt, made_for, config } = std::mem::take(&mut state.requests[request]);
        let made = match fate {
            Fate::Answered | Fate::ReplyLost if !is_full(state) => {
                Some(self.make(state, Hook { config, made_for, attempt, ..Hook::default() }, hidden)?)
            }
            _ => None,
        };
        let waits = |worker: &&mut Worker| {
            worker.pass.view.sender == Sender::Awaiting && worker.pass.view.attempt == attempt
        };
        let Some(worker) = state.workers.iter_mut().find(waits) else { return Some(()) };
        let view = &mut worker.pass.view;
        match (fate, made) {
            (Fate::Answered, Some(webhook)) => {
                view.sender = Sender::Created { webhook, reread: false };
                view.siblings = Siblings::Unread;
                if let Some(shown) = view.board.get_mut(usize::from(webhook)) {
                    *shown = config;
                }
            }
            (Fate::Answered | Fate::Refused, _) => view.sender = Sender::NotCreated,
            (Fate::ReplyLost | Fate::Dropped, _) if self.without(Rule::R6) => view.sender = Sender::NotCreated,
            (Fate::ReplyLost | Fate::Dropped, _) => worker.lose_hold(),
        }
        Some(())
    }

    /// A webhook is made; its SID, if one is left.
    pub(super) fn make(&self, state: &mut State, hook: Hook, hidden: bool) -> Option<u8> {
        let Some(sid) = state.new_sid() else {
            Wrong::NoRoom.note(state);
            return None;
        };
        let life = if hidden { Life::Hidden } else { Life::Shown };
        let attempt = if hidden { hook.attempt } else { 0 };
        *state.hook(sid) = Hook { life, attempt, ..hook };
        Some(sid)
    }

    /// Changes a webhook where it is; says whether it was there.
    pub(super) fn update(&self, state: &mut State, sid: u8, config: Config) -> bool {
        self.touch(state, sid);
        let hook = state.hook(sid);
        if hook.is_alive() {
            hook.config = config;
        }
        hook.is_alive()
    }

    pub(super) fn remove(&self, state: &mut State, sid: u8) -> bool {
        self.touch(state, sid);
        let was_there = state.hook(sid).is_alive();
        *state.hook(sid) = Hook::default();
        was_there
    }

    /// The same on behalf of an object.
    pub(super) fn remove_for(&self, state: &mut State, index: usize, sid: u8) -> bool {
        if state.bearer(sid).is_some_and(|bearer| bearer != index) {
            Wrong::CompensatedAway.note(state);
        }
        self.remove(state, sid)
    }

    fn touch(&self, state: &mut State, sid: u8) {
        let hook = state.hook(sid);
        if hook.is_alive() && hook.made_for == 0 {
            Wrong::ForeignTouched.note(state);
        }
    }

    // Time.

    /// The window of an attempt is over. As long as timing holds, nothing of it is under way or hidden then, and its sender
    /// has noticed that it is too late.
    pub(super) fn may_end(&self, state: &State, attempt: u8) -> bool {
        if has(state.over, attempt) || self.without(Rule::R9) {
            return !has(state.over, attempt);
        }
        let sends = state.workers.iter().any(|worker| {
            let view = &worker.pass.view;
            let frozen = view.sender == Sender::Sending && !self.timing.late_sender;
            view.attempt == attempt && (matches!(view.sender, Sender::Journalled { late: false, .. }) || frozen)
        });
        let commits = state.requests.iter().any(|request| request.attempt == attempt);
        let hides = state.hooks.iter().any(|hook| hook.life == Life::Hidden && hook.attempt == attempt);
        !sends && (!commits || self.timing.late_commits) && (!hides || self.timing.late_lists)
    }

    // People.

    pub(super) fn delete(&self, state: &mut State, index: usize) {
        let mut object = state.objects[index];
        object.deleting = true;
        object.observed = false;
        self.store(state, index, object, By::People);
    }

    pub(super) fn edit(&self, state: &mut State, index: usize) {
        let mut object = state.objects[index];
        object.config = object.config.edited();
        object.observed = false;
        object.journal.current = false;
        self.store(state, index, object, By::People);
    }

    pub(super) fn restore(&self, state: &mut State, index: usize, backup: Backup) {
        let old = state.objects[index];
        let mut object = Object {
            exists: true,
            uid: old.uid,
            config: old.config,
            finalizer: true,
            label: true,
            deleting: old.deleting,
            journal: old.journal,
            ..Object::default()
        };
        if backup != Backup::Status {
            object.uid = old.uid + 2;
            object.deleting = false;
            state.workers.iter_mut().for_each(|worker| worker.absent[index] = Absent::Nothing);
        }
        if backup == Backup::Old {
            object.config = old.config.original();
        }
        self.store(state, index, object, By::People);
    }

    pub(super) fn strip(&self, state: &mut State, index: usize) {
        let mut object = state.objects[index];
        object.finalizer = false;
        object.label = false;
        object.journal = Journal::default();
        object.answer = (0, 0);
        self.store(state, index, object, By::People);
    }

    /// Somebody applies a manifest with the journal of an attempt that was settled long ago.
    pub(super) fn put_old_journal_back(&self, state: &mut State, index: usize) -> Option<()> {
        let id = state.new_attempt()?;
        let mut object = state.objects[index];
        let config = object.config.original();
        object.journal = Journal { id, uid: object.uid, config, ..Journal::default() };
        state.over |= bit(id);
        self.store(state, index, object, By::People);
        Some(())
    }

    /// Somebody applies the manifest of one object, with its annotations, as another that does not exist.
    pub(super) fn copy(&self, state: &mut State, from: usize) {
        let original = state.objects[from];
        let copy = Object {
            exists: true,
            uid: number(1 - from) - 1,
            config: original.config,
            finalizer: original.finalizer,
            label: original.label,
            journal: original.journal,
            ..Object::default()
        };
        self.store(state, 1 - from, copy, By::People);
    }

    pub(super) fn delete_conversation(&self, state: &mut State) {
        state.conversation_gone = true;
        state.hooks = [Hook::default(); 8];
    }
}

impl Worker {
    /// The sender does not know what became of its create: only the window tells.
    pub(super) fn lose_hold(&mut self) {
        let index = usize::from(self.pass.index) - 1;
        self.absent[index] = Absent::Nothing;
        self.pass = Pass::default();
    }
}

pub(super) fn is_full(state: &State) -> bool {
    state.conversation_gone || state.alive().count() >= SLOTS
}

/// One thing that happens. Objects, processes and requests are counted from 0, webhooks and attempts from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Event {
    Begin { worker: usize, object: usize, stale: bool },
    CleanUp { worker: usize, object: usize },
    Step { worker: usize, luck: Luck },
    Crash(usize),
    TooLate(usize),
    GiveUp(usize),
    Answer { request: usize, fate: Fate, hidden: bool },
    Show(u8),
    WindowOver(u8),
    Land,
    NeverLand,
    Edit(usize),
    Delete(usize),
    Restore(usize, Backup),
    Strip(usize),
    OldJournal(usize),
    Copy(usize),
    Say(usize, u8),
    Stranger(Config),
    OutsideEdit(u8),
    OutsideDelete(u8),
    Resurface(u8),
    ConversationGone,
}

/// An event in words; `next` is what the process is about to do.
pub(super) struct InWords<'a> {
    pub(super) event: &'a Event,
    pub(super) next: Option<(usize, Decision)>,
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.event {
            Event::Begin { object, stale: false, .. } => write!(f, "a process begins a pass over object {}", object + 1),
            Event::Begin { object, .. } => write!(f, "a process begins a pass over an old version of object {}", object + 1),
            Event::CleanUp { object, .. } => write!(f, "a process sees that object {} vanished", object + 1),
            Event::Step { luck, .. } => {
                match &self.next {
                    Some((object, decision)) => write!(f, "for object {}: {decision:?}", object + 1)?,
                    None => write!(f, "the request goes out")?,
                }
                match luck {
                    Luck::Good => Ok(()),
                    Luck::ReplyLost => write!(f, "; its reply is lost"),
                    Luck::Misread => write!(f, "; stored, and taken for overtaken"),
                    Luck::GivenUp => write!(f, "; given up, may land later"),
                }
            }
            Event::Crash(_) => write!(f, "the process dies and starts again"),
            Event::TooLate(_) => write!(f, "the time to send is over before anything was sent"),
            Event::GiveUp(_) => write!(f, "the sender stops waiting; its request is still under way"),
            Event::Answer { fate: Fate::Answered, hidden, .. } => {
                write!(f, "Twilio carries the create out and answers{}", lag(hidden))
            }
            Event::Answer { fate: Fate::ReplyLost, hidden, .. } => {
                write!(f, "Twilio carries the create out; the reply is lost{}", lag(hidden))
            }
            Event::Answer { fate: Fate::Dropped, .. } => write!(f, "the create never arrives"),
            Event::Answer { fate: Fate::Refused, .. } => write!(f, "Twilio refuses the create"),
            Event::Show(sid) => write!(f, "lists show webhook {sid} now"),
            Event::WindowOver(id) => write!(f, "the window of attempt {id} is over"),
            Event::Land => write!(f, "the write that was given up lands"),
            Event::NeverLand => write!(f, "the write that was given up will never land"),
            Event::Edit(object) => write!(f, "a user edits object {}", object + 1),
            Event::Delete(object) => write!(f, "a user deletes object {}", object + 1),
            Event::Restore(object, Backup::Latest) => write!(f, "object {} is restored with another uid", object + 1),
            Event::Restore(object, Backup::Old) => write!(f, "object {} is restored from before its edit", object + 1),
            Event::Restore(object, Backup::Status) => write!(f, "object {} loses its status", object + 1),
            Event::Strip(object) => write!(f, "finalizer, label and journal are stripped from object {}", object + 1),
            Event::OldJournal(object) => write!(f, "an old journal is put back into object {}", object + 1),
            Event::Copy(object) => write!(f, "the manifest of object {} is applied under another name", object + 1),
            Event::Say(object, NOTHING) => write!(f, "a user says that the attempt of object {} made nothing", object + 1),
            Event::Say(object, sid) => write!(f, "a user says that object {} made webhook {sid}", object + 1),
            Event::Stranger(config) => write!(f, "a stranger makes a webhook: {config:?}"),
            Event::OutsideEdit(sid) => write!(f, "an outsider edits webhook {sid}"),
            Event::OutsideDelete(sid) => write!(f, "an outsider deletes webhook {sid}"),
            Event::Resurface(sid) => write!(f, "webhook {sid} turns up again"),
            Event::ConversationGone => write!(f, "the conversation is deleted"),
        }
    }
}

fn lag(hidden: bool) -> &'static str {
    if hidden { "; lists do not show it yet" } else { "" }
}
