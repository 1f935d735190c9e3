//! No more faults: everything under way arrives, time passes, and the processes do what is left to do.
//!
//! This is run from every state that the model reaches. Where it ends, nothing changes any more: that is what the properties
//! at rest are about. That it ends at all, within a bound, shows that no state is a trap and that the way out has no cycle.

use super::decision::Decision;
use super::driver::{Ended, Luck, number};
use super::events::Fate;
use super::people::By;
use super::process::Sender;
use super::protocol::Protocol;
use super::state::{Life, State, bit};

/// Rounds within which everything comes to rest: several times what any state needs.
const ROUNDS: usize = 12;
/// Steps of one pass, several times what the longest needs.
const STEPS: usize = 40;

/// Where a state comes to rest.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Rest {
    pub(super) state: State,
    /// How the last pass over each object ended.
    pub(super) endings: [Option<Decision>; 2],
}

impl Protocol {
    /// Where a state comes to rest; `None` if it does not.
    pub(super) fn rest(&self, state: &State) -> Option<Rest> {
        let mut now = *state;
        now.budget = super::state::Budget { restores: now.budget.restores, ..Default::default() };
        for _ in 0..ROUNDS {
            let before = now;
            self.arrive(&mut now);
            for worker in 0..2 {
                if now.workers[worker].is_busy() {
                    self.run(&mut now, worker)?;
                }
            }
            let worker = now.workers.iter().position(|worker| !worker.is_busy())?;
            let mut endings = [None; 2];
            for (index, ending) in endings.iter_mut().enumerate() {
                *ending = self.whole_pass(&mut now, worker, index)?;
            }
            now.normalize();
            if now == before && now.workers.iter().all(|worker| !worker.is_busy()) {
                return Some(Rest { state: now, endings });
            }
        }
        None
    }

    /// Writes land, lists show everything, and all windows are over as soon as they can be.
    fn arrive(&self, state: &mut State) {
        for request in 0..state.requests.len() {
            if state.requests[request].attempt != 0 {
                self.answer(state, request, Fate::Answered, false);
            }
        }
        if state.late.index != 0 {
            let late = std::mem::take(&mut state.late);
            self.store(state, usize::from(late.index) - 1, late.object, By::Late);
        }
        for hook in &mut state.hooks {
            if hook.life == Life::Hidden {
                hook.life = Life::Shown;
                hook.attempt = 0;
            }
        }
        let all = [state.objects, state.remains].concat();
        for object in all {
            if let Some(id) = object.open().map(|open| open.id)
                && self.may_end(state, id)
            {
                state.over |= bit(id);
            }
        }
    }

    /// A pass under way goes on to its end.
    fn run(&self, state: &mut State, worker: usize) -> Option<Ended> {
        for _ in 0..STEPS {
            if !state.workers[worker].is_busy() {
                return Some(None);
            }
            for request in 0..state.requests.len() {
                if state.requests[request].attempt != 0 {
                    self.answer(state, request, Fate::Answered, false);
                }
            }
            if let Some(ended) = self.step(state, worker, Luck::Good)? {
                return Some(Some(ended));
            }
        }
        // Only what Twilio made may keep a pass from ending, until somebody else is done with it.
        matches!(state.workers[worker].pass.view.sender, Sender::Created { .. }).then_some(None)
    }

    fn whole_pass(&self, state: &mut State, worker: usize, index: usize) -> Option<Ended> {
        if state.remains[index].exists && self.begin_clean_up(state, worker, index).is_none() {
            self.run(state, worker)?;
        }
        if !state.objects[index].exists {
            return Some(None);
        }
        if let Some(ended) = self.begin(state, worker, index, false) {
            return Some(Some(ended));
        }
        debug_assert_eq!(state.workers[worker].pass.index, number(index));
        self.run(state, worker)
    }
}
