//! The driver in miniature: what `src/controller` does with a decision, one effect a step, so that every await is a place to
//! stop, to be overtaken, or to die.
//!
//! A decision that has no effect (rest, wait, hold, look again) ends the pass in the same step. What only this process can
//! see, such as reading a Secret, is no step either. Coarser than the product: one conversation that the spec names by SID, one
//! proved account, no lists shared between passes, status texts that change nothing else.

use super::decision::{Decision, Why};
use super::effects::leave;
use super::process::{Absent, Pass, Sender, Siblings, View};
use super::protocol::Protocol;
use super::rules::Rule;
use super::state::{Object, State, has};
use super::view::decide;

/// How a step goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Luck {
    Good,
    /// It is done, and its reply is lost; a write to the API server is recognised by a later read.
    ReplyLost,
    /// A write is stored, and its own reply says that somebody else wrote first.
    Misread,
    /// A write is given up, and may land later.
    GivenUp,
}

/// How a pass ended, where this step ended it.
pub(super) type Ended = Option<Decision>;

impl Protocol {
    /// A process begins a pass over an object that it reads now, or as it was before the last write.
    pub(super) fn begin(&self, state: &mut State, worker: usize, index: usize, old: bool) -> Ended {
        let object = if old { state.before[index] } else { state.objects[index] };
        let mut view = View { object, ..View::default() };
        if self.without(Rule::SiblingsAfterList) {
            view.siblings = Siblings::Live;
            view.others = state.objects;
        }
        state.workers[worker].pass = Pass { index: number(index), uid: object.uid, fresh: !old, view };
        self.go_on(state, worker)
    }

    /// A process cleans up after an object that vanished (R18): as after a create of its own that no object can bear, or it
    /// finds out first what the open attempt made.
    pub(super) fn begin_clean_up(&self, state: &mut State, worker: usize, index: usize) -> Ended {
        let last = state.remains[index];
        let attempt = if last.webhook == 0 { last.journal.id } else { last.settled };
        if state.objects[index].has_open(attempt) {
            state.remains[index] = Object::default();
            return None;
        }
        let view = if last.webhook == 0 {
            View { object: last, vanished: true, ..View::default() }
        } else {
            let sender = Sender::Created { webhook: last.webhook, reread: true };
            View { sender, attempt, ..View::default() }
        };
        state.workers[worker].pass = Pass { index: number(index), uid: u8::MAX, fresh: false, view };
        self.go_on(state, worker)
    }

    /// What a process does next; `None` while it waits for Twilio.
    pub(super) fn next(&self, state: &State, worker: usize) -> Option<Decision> {
        let pass = &state.workers[worker].pass;
        if matches!(pass.view.sender, Sender::Sending | Sender::Awaiting) {
            return None;
        }
        let over = has(state.over, pass.view.object.journal.id);
        let view = self.seen(View { over, ..pass.view });
        Some(self.done(&view, decide(&view, self.policies)))
    }

    /// A process does the next thing. `None` where it cannot go this way.
    pub(super) fn step(&self, state: &mut State, worker: usize, luck: Luck) -> Option<Ended> {
        if state.workers[worker].pass.view.sender == Sender::Sending {
            state.post(worker);
            return Some(None);
        }
        let decision = self.next(state, worker)?;
        match self.act(state, worker, decision, luck)? {
            Some(ended) => Some(Some(ended)),
            None => Some(self.go_on(state, worker)),
        }
    }

    /// Decides on until there is an effect to come, or the pass is over.
    fn go_on(&self, state: &mut State, worker: usize) -> Ended {
        loop {
            let decision = self.next(state, worker)?;
            let place = state.workers[worker].pass.place();
            match decision {
                Decision::LookAgain(absent) => {
                    let seen_before = state.workers[worker].absent[place] == absent;
                    let certain =
                        !self.still_hidden(state, absent) && seen_before || self.without(Rule::TwoLooks);
                    let view = &mut state.workers[worker].pass.view;
                    if !certain || view.confirmed {
                        state.workers[worker].absent[place] = absent;
                        return Some(end(state, worker, decision));
                    }
                    view.confirmed = true;
                    view.absent = absent;
                }
                // Whoever takes it over comes first; what was read is read again.
                Decision::WaitForSibling if is_created(state, worker) => {
                    state.workers[worker].pass.view.siblings = Siblings::Unread;
                    return None;
                }
                // Nothing is there to say it in: a person reads it elsewhere.
                Decision::Hold { named, .. } if state.workers[worker].pass.view.vanished => {
                    leave(state, named);
                    return Some(end(state, worker, decision));
                }
                Decision::Rest | Decision::WaitForWindow | Decision::WaitForSibling => {
                    return Some(end(state, worker, decision));
                }
                Decision::Available | Decision::Hold { .. }
                    if state.workers[worker].pass.view.object.observed =>
                {
                    return Some(end(state, worker, decision));
                }
                _ => return None,
            }
        }
    }

    /// Timing: 30 s after a first look, a list shows what existed then.
    fn still_hidden(&self, state: &State, absent: Absent) -> bool {
        let Absent::Webhook(sid) = absent else { return false };
        let hook = &state.hooks[usize::from(sid)];
        hook.life == super::state::Life::Hidden && !self.timing.late_lists
    }
}

/// The pass is over. An absence is remembered as long as nothing says otherwise.
pub(super) fn end(state: &mut State, worker: usize, decision: Decision) -> Decision {
    let index = index(state, worker);
    let pass = state.workers[worker].pass;
    let waits =
        matches!(decision, Decision::LookAgain(_) | Decision::WaitForWindow | Decision::WaitForSibling);
    let keeps = if pass.cleans_up() {
        if !waits {
            state.remains[index] = Object::default();
        }
        matches!(decision, Decision::LookAgain(_))
    } else {
        state.objects[index].uid == pass.uid
            && matches!(
                decision,
                Decision::LookAgain(_)
                    | Decision::Rest
                    | Decision::Hold { why: Why::Missing | Why::ConversationNotFound, .. }
            )
    };
    if !keeps {
        state.workers[worker].absent[pass.place()] = Absent::Nothing;
    }
    state.workers[worker].pass = Pass::default();
    decision
}

fn is_created(state: &State, worker: usize) -> bool {
    matches!(state.workers[worker].pass.view.sender, Sender::Created { .. })
}

pub(super) fn index(state: &State, worker: usize) -> usize {
    usize::from(state.workers[worker].pass.index) - 1
}

pub(super) fn number(index: usize) -> u8 {
    u8::try_from(index + 1).expect("there are two objects")
}
