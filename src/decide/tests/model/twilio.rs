//! Twilio, with its five slots and its slow lists: what becomes of a request, and when its window is over.

use super::events::Fate;
use super::process::{Absent, Pass, Sender, Siblings, Worker};
use super::properties::Wrong;
use super::protocol::Protocol;
use super::rules::Rule;
use super::state::{Config, Hook, Life, Request, State, has};
use crate::decide::SLOTS;

impl Protocol {
    /// What becomes of a create, and what its sender hears if it still waits.
    pub(super) fn answer(&self, state: &mut State, request: usize, fate: Fate, hidden: bool) -> Option<()> {
        let Request { attempt, made_for, config } = std::mem::take(&mut state.requests[request]);
        let made = match fate {
            Fate::Answered | Fate::ReplyLost if !is_full(state) => {
                Some(state.make(Hook { config, made_for, attempt, ..Hook::default() }, hidden)?)
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
            (Fate::ReplyLost | Fate::Dropped, _) if self.without(Rule::R6) => {
                view.sender = Sender::NotCreated;
            }
            (Fate::ReplyLost | Fate::Dropped, _) => worker.lose_hold(),
        }
        Some(())
    }

    /// The window of an attempt is over. As long as timing holds, nothing of it is under way or hidden then, and its sender
    /// has noticed that it is too late.
    pub(super) fn may_end(&self, state: &State, attempt: u8) -> bool {
        if has(state.over, attempt) || self.without(Rule::R9) {
            return !has(state.over, attempt);
        }
        let sends = state.workers.iter().any(|worker| {
            let view = &worker.pass.view;
            let frozen = view.sender == Sender::Sending && !self.timing.late_sender;
            view.attempt == attempt
                && (matches!(view.sender, Sender::Journalled { late: false, .. }) || frozen)
        });
        let commits = state.requests.iter().any(|request| request.attempt == attempt);
        let hides = state.hooks.iter().any(|hook| hook.life == Life::Hidden && hook.attempt == attempt);
        !sends && (!commits || self.timing.late_commits) && (!hides || self.timing.late_lists)
    }
}

impl State {
    /// The create of the attempt goes out.
    pub(super) fn post(&mut self, worker: usize) {
        let Pass { index, view, .. } = self.workers[worker].pass;
        let stored = self.objects[usize::from(index) - 1];
        // A watch shows the journal of one that vanished since.
        if !stored.has_open(view.attempt) && !self.remains[usize::from(index) - 1].has_open(view.attempt) {
            Wrong::SentUnannounced.note(self);
        }
        let request = Request { attempt: view.attempt, made_for: index, config: view.object.config };
        match self.requests.iter_mut().find(|request| request.attempt == 0) {
            Some(free) => *free = request,
            None => Wrong::NoRoom.note(self),
        }
        self.workers[worker].pass.view.sender = Sender::Awaiting;
    }

    /// A webhook is made; its SID, if one is left.
    pub(super) fn make(&mut self, hook: Hook, hidden: bool) -> Option<u8> {
        let Some(sid) = self.new_sid() else {
            Wrong::NoRoom.note(self);
            return None;
        };
        let life = if hidden { Life::Hidden } else { Life::Shown };
        let attempt = if hidden { hook.attempt } else { 0 };
        *self.hook(sid) = Hook { life, attempt, ..hook };
        Some(sid)
    }

    /// Changes a webhook where it is; says whether it was there.
    pub(super) fn update(&mut self, sid: u8, config: Config) -> bool {
        self.touch(sid);
        let hook = self.hook(sid);
        if hook.is_alive() {
            hook.config = config;
        }
        hook.is_alive()
    }

    pub(super) fn remove(&mut self, sid: u8) -> bool {
        self.touch(sid);
        let was_there = self.hook(sid).is_alive();
        *self.hook(sid) = Hook::default();
        was_there
    }

    /// The same on behalf of an object.
    pub(super) fn remove_for(&mut self, index: usize, sid: u8) -> bool {
        if self.bearer(sid).is_some_and(|bearer| bearer != index) {
            Wrong::CompensatedAway.note(self);
        }
        self.remove(sid)
    }

    fn touch(&mut self, sid: u8) {
        let hook = self.hook(sid);
        if hook.is_alive() && hook.made_for == 0 {
            Wrong::ForeignTouched.note(self);
        }
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
