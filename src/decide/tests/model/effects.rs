//! The doing half of the driver in miniature: one effect, and what became of it.

use super::decision::{Because, Decision};
use super::driver::{Ended, Luck, end, index, number};
use super::people::By;
use super::process::{Remote, Reply, Sender, Siblings};
use super::properties::Wrong;
use super::protocol::Protocol;
use super::rules::Rule;
use super::state::{Config, Journal, Object, Provenance, Set, State, bit, members};
use super::writes::{Written, after_write, good};

impl Protocol {
    /// One effect. The outer `None`: it cannot go this way; the inner: the pass goes on.
    #[expect(clippy::too_many_lines, reason = "one arm per action")]
    pub(super) fn act(
        &self,
        state: &mut State,
        worker: usize,
        decision: Decision,
        luck: Luck,
    ) -> Option<Ended> {
        let index = index(state, worker);
        let view = &mut state.workers[worker].pass.view;
        let ended = match decision {
            Decision::List { .. } => {
                good(luck)?;
                let shown = state.board();
                let view = &mut state.workers[worker].pass.view;
                let keeps = self.without(Rule::SiblingsAfterList) && view.siblings == Siblings::Live;
                view.remote =
                    if state.conversation_gone { Remote::NotFound } else { Remote::Listed { fresh: true } };
                view.board = shown;
                if !keeps {
                    view.siblings =
                        if view.object.webhook == 0 { Siblings::Cached } else { Siblings::Unread };
                    view.others = state.objects;
                }
                None
            }
            Decision::ReadSiblings => {
                good(luck)?;
                view.siblings = Siblings::Live;
                view.others = state.objects;
                match self.next(state, worker) {
                    Some(compensate @ Decision::Compensate(_)) if self.joins_compensation => {
                        self.act(state, worker, compensate, luck)?
                    }
                    _ => None,
                }
            }
            Decision::Journal { baseline, past, adopt } => {
                self.journal(state, worker, (baseline, past, adopt), luck)?
            }
            Decision::Create => {
                good(luck)?;
                if self.timing.late_sender {
                    view.sender = Sender::Sending;
                } else {
                    state.post(worker);
                }
                None
            }
            Decision::Record { attempt, webhook, provenance, left_over } => {
                self.record(state, worker, (attempt, webhook, provenance, left_over), luck)?
            }
            Decision::Settle { attempt, because, left_over } => {
                self.settle(state, worker, (attempt, because, left_over), luck)?
            }
            Decision::Compensate(sid) => {
                if state.bearer(sid).is_some() {
                    Wrong::CompensatedAway.note(state);
                }
                let infers = state.workers[worker].pass.view.vanished;
                if infers && state.hook(sid).strangers && !self.strict {
                    // An exact twin made in the window of a lost create is taken for the object's.
                    state.hook(sid).made_for = number(index);
                }
                state.remove(sid);
                if luck == Luck::ReplyLost {
                    state.workers[worker].pass.view.siblings = Siblings::Unread;
                    None
                } else {
                    good(luck)?;
                    if !state.workers[worker].pass.view.object.exists {
                        state.remains[index] = Object::default();
                    }
                    Some(end(state, worker, Decision::Rest))
                }
            }
            Decision::Update(sid) => {
                let config = view.object.config;
                let found = state.update(sid, config);
                let view = &mut state.workers[worker].pass.view;
                view.update = if found { Reply::Done } else { Reply::NotFound };
                if found && view.remote != Remote::Unread {
                    view.board[usize::from(sid)] = config;
                } else if !found {
                    view.remote = Remote::Unread;
                    view.siblings = Siblings::Unread;
                }
                unless_lost(state, worker, luck)?
            }
            Decision::Lose(sid) => {
                let hook = &state.hooks[usize::from(sid)];
                if hook.is_alive() && !hook.returned {
                    Wrong::GivenUpAlive.note(state);
                }
                let written = self.write(state, worker, luck, |object| {
                    object.webhook = 0;
                    object.lost |= bit(sid);
                    if object.journal.id != 0 {
                        object.settled = object.journal.id;
                    }
                })?;
                after_write(state, worker, &written, true)
            }
            Decision::Delete(sid) => {
                let found = state.remove_for(index, sid);
                let view = &mut state.workers[worker].pass.view;
                view.board[usize::from(sid)] = Config::None;
                view.removal = if found { Reply::Done } else { Reply::NotFound };
                unless_lost(state, worker, luck)?
            }
            Decision::DeleteLost(sid) => {
                state.remove_for(index, sid);
                let view = &mut state.workers[worker].pass.view;
                view.remote = Remote::Unread;
                unless_lost(state, worker, luck)?
            }
            Decision::Protect { adopt } => {
                let settled = view.object.settled;
                let id = if settled == 0 { state.new_attempt()? } else { settled };
                let object = state.workers[worker].pass.view.object;
                let journal = Journal {
                    id,
                    uid: object.uid,
                    baseline: 0,
                    config: object.config,
                    past: 0,
                    adopt,
                    current: true,
                };
                let written = self.write(state, worker, luck, |object| protect(object, journal))?;
                after_write(state, worker, &written, false)
            }
            Decision::Release => self.release(state, worker, luck)?,
            Decision::Available | Decision::Hold { .. } => {
                let written = self.write(state, worker, luck, |object| object.observed = true)?;
                match written {
                    Written::Clear | Written::Unclear => Some(end(state, worker, decision)),
                    Written::Lost | Written::GivenUp => Some(end(state, worker, Decision::Rest)),
                }
            }
            Decision::Rest | Decision::LookAgain(_) | Decision::WaitForWindow | Decision::WaitForSibling => {
                return None;
            }
        };
        Some(ended)
    }

    fn journal(
        &self,
        state: &mut State,
        worker: usize,
        (baseline, past, adopt): (Set, Set, u8),
        luck: Luck,
    ) -> Option<Ended> {
        let Some(id) = state.new_attempt() else {
            Wrong::NoRoom.note(state);
            return Some(Some(end(state, worker, Decision::Rest)));
        };
        let object = state.workers[worker].pass.view.object;
        let past = if self.without(Rule::R13) { 0 } else { past };
        if adopt != 0 && self.without(Rule::R4) {
            let plain = (0, adopt, Provenance::Adopted, 0);
            return self.record(state, worker, plain, luck);
        }
        let journal =
            Journal { id, uid: object.uid, baseline, config: object.config, past, adopt, current: true };
        let written = self.write(state, worker, luck, |object| protect(object, journal))?;
        let view = &mut state.workers[worker].pass.view;
        let clear = match written {
            Written::Clear => true,
            Written::Unclear => false,
            Written::GivenUp if self.without(Rule::R5) => {
                view.object.journal = journal;
                true
            }
            Written::Lost | Written::GivenUp => return Some(Some(end(state, worker, Decision::Rest))),
        };
        if adopt == 0 {
            view.sender = Sender::Journalled { clear, late: false };
            view.attempt = id;
        } else {
            view.siblings = Siblings::Unread;
        }
        Some(None)
    }

    fn record(
        &self,
        state: &mut State,
        worker: usize,
        (attempt, webhook, provenance, left_over): (u8, u8, Provenance, Set),
        luck: Luck,
    ) -> Option<Ended> {
        let index = index(state, worker);
        let object = &state.workers[worker].pass.view.object;
        if attempt != 0 && object.journal.id != attempt {
            return Some(Some(end(state, worker, Decision::Rest)));
        }
        let as_made = object.journal.current && object.journal.uid == object.uid && !object.deleting;
        let observed = provenance != Provenance::Adopted && as_made;
        let written = self.write(state, worker, luck, |object| {
            object.settled = if attempt == 0 { object.settled } else { attempt };
            object.webhook = webhook;
            object.provenance = provenance;
            object.observed = observed;
            object.placed = true;
            if attempt == 0 {
                object.finalizer = true;
                object.label = true;
            }
        })?;
        if matches!(written, Written::GivenUp) || state.objects[index].webhook == webhook {
            leave(state, left_over);
        }
        Some(after_write(state, worker, &written, false))
    }

    fn settle(
        &self,
        state: &mut State,
        worker: usize,
        (attempt, because, left_over): (u8, Because, Set),
        luck: Luck,
    ) -> Option<Ended> {
        let written = self.write(state, worker, luck, |object| object.settled = attempt)?;
        if matches!(written, Written::GivenUp) || state.objects[index(state, worker)].settled == attempt {
            leave(state, left_over);
        }
        let stored = matches!(written, Written::Clear | Written::Unclear);
        let ended = after_write(state, worker, &written, stored);
        if stored && matches!(because, Because::NotSent | Because::NotCreated) {
            return Some(Some(end(state, worker, Decision::Rest)));
        }
        Some(ended)
    }

    fn release(&self, state: &mut State, worker: usize, luck: Luck) -> Option<Ended> {
        let index = index(state, worker);
        if self.without(Rule::R17) && state.objects[index].exists {
            let mut now = state.objects[index];
            now.finalizer = false;
            self.store(state, index, now, By::Worker(worker));
        } else {
            self.write(state, worker, luck, |object| object.finalizer = false)?;
        }
        Some(Some(end(state, worker, Decision::Rest)))
    }
}

fn protect(object: &mut Object, journal: Journal) {
    object.finalizer = true;
    object.label = true;
    object.journal = journal;
}

/// A person knows of these webhooks, or a policy leaves them behind.
pub(super) fn leave(state: &mut State, sids: Set) {
    for sid in members(sids) {
        state.hook(sid).left = true;
    }
}

/// A call to Twilio that is carried out, and whose reply may be lost: then the pass is over.
fn unless_lost(state: &mut State, worker: usize, luck: Luck) -> Option<Ended> {
    match luck {
        Luck::Good => Some(None),
        Luck::ReplyLost => Some(Some(end(state, worker, Decision::Rest))),
        Luck::Misread | Luck::GivenUp => None,
    }
}
