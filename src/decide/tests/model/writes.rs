//! Writes to an object: compare and swap, and what follows from each outcome.

use super::decision::Decision;
use super::driver::{Ended, Luck, end, index, number};
use super::people::By;
use super::process::{Absent, Remote, Sender, Siblings};
use super::protocol::Protocol;
use super::state::{LateWrite, Object, State};

/// What became of a write.
pub(super) enum Written {
    Clear,
    Unclear,
    Lost,
    GivenUp,
}

impl Protocol {
    /// A write with a resourceVersion.
    pub(super) fn write(
        &self,
        state: &mut State,
        worker: usize,
        luck: Luck,
        change: impl FnOnce(&mut Object),
    ) -> Option<Written> {
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
        if new == now {
            good(luck)?;
        } else {
            self.store(state, index, new, By::Worker(worker));
        }
        reread(state, worker);
        Some(match luck {
            Luck::Good => Written::Clear,
            Luck::ReplyLost => Written::Unclear,
            Luck::Misread | Luck::GivenUp => Written::Lost,
        })
    }
}

/// What follows from a write: on with the pass, or with what Twilio said to the newer object, or the end.
pub(super) fn after_write(state: &mut State, worker: usize, written: &Written, start_over: bool) -> Ended {
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

pub(super) fn good(luck: Luck) -> Option<()> {
    (luck == Luck::Good).then_some(())
}
