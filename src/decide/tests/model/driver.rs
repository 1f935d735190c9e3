//! The driver in miniature: what `src/controller` does with a decision, one effect a step, so that every await is a place to
//! stop, to be overtaken, or to die.
//!
//! A decision that has no effect (rest, wait, hold, look again) ends the pass in the same step. What only this process can
//! see, such as reading a Secret, is no step either. Coarser than the product: one conversation that the spec names by SID, one
//! proved account, no lists shared between passes, status texts that change nothing else.

use super::environment::By;
use super::protocol::Protocol;
use super::rules::Rule;
use super::state::{
    Absent, Config, Journal, LateWrite, Object, Pass, Provenance, Remote, Reply, Sender, Set, Siblings, State, View, bit, has,
    members,
};
use super::properties::Wrong;
use super::view::{Because, Decision, Why, decide};

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

/// What became of a write.
enum Written {
    Clear,
    Unclear,
    Lost,
    GivenUp,
}

/// How a pass ended, where this step ended it.
pub(super) type Ended = Option<Decision>;

impl Protocol {
    /// A process begins a pass over an object that it reads now, or as it was before the last write.
    pub(super) fn begin(&self, state: &mut State, worker: usize, index: usize, stale: bool) -> Ended {
        let object = if stale { state.before[index] } else { state.objects[index] };
        let mut view = View { object, ..View::default() };
        if self.without(Rule::SiblingsAfterList) {
            view.siblings = Siblings::Live;
            view.others = state.objects;
        }
        state.workers[worker].pass = Pass { index: number(index), uid: object.uid, fresh: !stale, view };
        self.go_on(state, worker)
    }

    /// A process cleans up after an object that vanished: as after a create of its own that no object can bear (R18).
    pub(super) fn begin_clean_up(&self, state: &mut State, worker: usize, index: usize) -> Ended {
        let (webhook, attempt) = state.remains[index];
        if state.objects[index].has_open(attempt) {
            state.remains[index] = (0, 0);
            return None;
        }
        let sender = Sender::Created { webhook, reread: true };
        let view = View { sender, attempt, ..View::default() };
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
            self.post(state, worker);
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
            let index = index(state, worker);
            match decision {
                Decision::LookAgain(absent) => {
                    let seen_before = state.workers[worker].absent[index] == absent;
                    let certain = !self.still_hidden(state, absent) && seen_before || self.without(Rule::TwoLooks);
                    let view = &mut state.workers[worker].pass.view;
                    if !certain || view.confirmed {
                        state.workers[worker].absent[index] = absent;
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
                Decision::Rest | Decision::WaitForWindow | Decision::WaitForSibling => {
                    return Some(end(state, worker, decision));
                }
                Decision::Available | Decision::Hold { .. } if state.workers[worker].pass.view.object.observed => {
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

    /// One effect. The outer `None`: it cannot go this way; the inner: the pass goes on.
    #[expect(clippy::too_many_lines, reason = "one arm per action")]
    fn act(&self, state: &mut State, worker: usize, decision: Decision, luck: Luck) -> Option<Ended> {
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
                    view.siblings = if view.object.webhook == 0 { Siblings::Cached } else { Siblings::Unread };
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
                    self.post(state, worker);
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
                self.remove(state, sid);
                if luck == Luck::ReplyLost {
                    state.workers[worker].pass.view.siblings = Siblings::Unread;
                    None
                } else {
                    good(luck)?;
                    if !state.workers[worker].pass.view.object.exists {
                        state.remains[index] = (0, 0);
                    }
                    Some(end(state, worker, Decision::Rest))
                }
            }
            Decision::Update(sid) => {
                let config = view.object.config;
                let found = self.update(state, sid, config);
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
                self.after_write(state, worker, written, true)
            }
            Decision::Delete(sid) => {
                let found = self.remove_for(state, index, sid);
                let view = &mut state.workers[worker].pass.view;
                view.board[usize::from(sid)] = Config::None;
                view.removal = if found { Reply::Done } else { Reply::NotFound };
                unless_lost(state, worker, luck)?
            }
            Decision::DeleteLost(sid) => {
                self.remove_for(state, index, sid);
                let view = &mut state.workers[worker].pass.view;
                view.remote = Remote::Unread;
                unless_lost(state, worker, luck)?
            }
            Decision::Protect { adopt } => {
                let settled = view.object.settled;
                let id = if settled == 0 { state.new_attempt()? } else { settled };
                let object = state.workers[worker].pass.view.object;
                let journal =
                    Journal { id, uid: object.uid, baseline: 0, config: object.config, past: 0, adopt, current: true };
                let written = self.write(state, worker, luck, |object| protect(object, journal))?;
                self.after_write(state, worker, written, false)
            }
            Decision::Release => self.release(state, worker, luck)?,
            Decision::Available | Decision::Hold { .. } => {
                let written = self.write(state, worker, luck, |object| object.observed = true)?;
                match written {
                    Written::Clear | Written::Unclear => Some(end(state, worker, decision)),
                    Written::Lost | Written::GivenUp => Some(end(state, worker, Decision::Rest)),
                }
            }
            Decision::Rest | Decision::LookAgain(_) | Decision::WaitForWindow | Decision::WaitForSibling => return None,
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
        let journal = Journal { id, uid: object.uid, baseline, config: object.config, past, adopt, current: true };
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
        Some(self.after_write(state, worker, written, false))
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
        let ended = self.after_write(state, worker, written, stored);
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

    /// What follows from a write: on with the pass, or with what Twilio said to the newer object, or the end.
    fn after_write(&self, state: &mut State, worker: usize, written: Written, start_over: bool) -> Ended {
        let index = index(state, worker);
        let view = &mut state.workers[worker].pass.view;
        match written {
            Written::Clear | Written::Unclear => {
                view.sender = Sender::Idle;
                view.attempt = 0;
                if start_over {
                    view.remote = Remote::Unread;
                    view.siblings = Siblings::Unread;
                    state.workers[worker].absent[index] = Absent::Nothing;
                }
                None
            }
            Written::Lost | Written::GivenUp if view.sender == Sender::Idle => {
                Some(end(state, worker, Decision::Rest))
            }
            Written::Lost => {
                if let Sender::Created { reread, .. } = &mut view.sender {
                    *reread = true;
                    view.siblings = Siblings::Unread;
                }
                None
            }
            // What Twilio made and nobody recorded keeps a pass from ending.
            Written::GivenUp if matches!(view.sender, Sender::Created { .. }) => {
                view.siblings = Siblings::Unread;
                None
            }
            Written::GivenUp => Some(end(state, worker, Decision::Rest)),
        }
    }

    /// A write with a resourceVersion.
    fn write(&self, state: &mut State, worker: usize, luck: Luck, change: impl FnOnce(&mut Object)) -> Option<Written> {
        let index = index(state, worker);
        let now = state.objects[index];
        if !now.exists || !state.workers[worker].pass.fresh {
            good(luck)?;
            reread(state, worker);
            return Some(Written::Lost);
        }
        let mut new = now;
        change(&mut new);
        if luck == Luck::GivenUp {
            if state.late.index != 0 || new == now {
                return None;
            }
            state.late = LateWrite { index: number(index), object: new };
            return Some(Written::GivenUp);
        }
        if new != now {
            self.store(state, index, new, By::Worker(worker));
        } else {
            good(luck)?;
        }
        reread(state, worker);
        Some(match luck {
            Luck::Good => Written::Clear,
            Luck::ReplyLost => Written::Unclear,
            Luck::Misread | Luck::GivenUp => Written::Lost,
        })
    }
}

/// Takes the API server's latest word.
fn reread(state: &mut State, worker: usize) {
    let now = state.objects[index(state, worker)];
    let pass = &mut state.workers[worker].pass;
    if now.exists && now.deleting && !pass.view.object.deleting {
        pass.view.remote = Remote::Unread;
        pass.view.siblings = Siblings::Unread;
    }
    pass.view.object = if now.exists { now } else { Object::default() };
    pass.fresh = now.exists;
}

/// The pass is over. An absence is remembered as long as nothing says otherwise.
pub(super) fn end(state: &mut State, worker: usize, decision: Decision) -> Decision {
    let index = index(state, worker);
    let Pass { uid, view, .. } = state.workers[worker].pass;
    let keeps = matches!(
        decision,
        Decision::LookAgain(_)
            | Decision::Rest
            | Decision::Hold { why: Why::Missing | Why::ConversationNotFound, .. }
    );
    let same_life = state.objects[index].uid == uid;
    if !same_life || !keeps {
        state.workers[worker].absent[index] = Absent::Nothing;
    }
    if !view.object.exists && matches!(view.sender, Sender::Created { reread: true, .. }) && uid == u8::MAX {
        state.remains[index] = (0, 0);
    }
    state.workers[worker].pass = Pass::default();
    decision
}

fn is_created(state: &State, worker: usize) -> bool {
    matches!(state.workers[worker].pass.view.sender, Sender::Created { .. })
}

fn protect(object: &mut Object, journal: Journal) {
    object.finalizer = true;
    object.label = true;
    object.journal = journal;
}

/// A person knows of these webhooks, or a policy leaves them behind.
fn leave(state: &mut State, sids: Set) {
    for sid in members(sids) {
        state.hook(sid).left = true;
    }
}

fn good(luck: Luck) -> Option<()> {
    (luck == Luck::Good).then_some(())
}

/// A call to Twilio that is carried out, and whose reply may be lost: then the pass is over.
fn unless_lost(state: &mut State, worker: usize, luck: Luck) -> Option<Ended> {
    match luck {
        Luck::Good => Some(None),
        Luck::ReplyLost => Some(Some(end(state, worker, Decision::Rest))),
        Luck::Misread | Luck::GivenUp => None,
    }
}

pub(super) fn index(state: &State, worker: usize) -> usize {
    usize::from(state.workers[worker].pass.index) - 1
}

pub(super) fn number(index: usize) -> u8 {
    u8::try_from(index + 1).expect("there are two objects")
}
