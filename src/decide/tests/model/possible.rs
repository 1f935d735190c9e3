//! What can happen in a state: what processes, Twilio and time do by themselves, and what the budget still allows.

use super::decision::Decision;
use super::driver::{Luck, number};
use super::events::{Backup, Event, Fate};
use super::process::Sender;
use super::protocol::Protocol;
use super::state::{Config, Life, NOTHING, State, has, members};
use super::twilio::is_full;

impl Protocol {
    /// What processes, Twilio and time do by themselves.
    pub(super) fn work(&self, state: &State, events: &mut Vec<Event>) {
        let busy = state.workers.iter().filter(|worker| worker.is_busy()).count();
        for (worker, process) in state.workers.iter().enumerate() {
            let same_as_first = worker == 1 && state.workers[0] == state.workers[1];
            if same_as_first {
                continue;
            }
            if process.is_busy() {
                if process.pass.view.sender != Sender::Awaiting && !self.waits_for_late_commit(state, worker)
                {
                    events.push(Event::Step { worker, luck: Luck::Good });
                }
            } else if busy < self.processes {
                for object in 0..2 {
                    if state.has_work(object) {
                        events.push(Event::Begin { worker, object, stale: false });
                    }
                    if state.budget.stale > 0
                        && state.before[object].exists
                        && state.before[object] != state.objects[object]
                    {
                        events.push(Event::Begin { worker, object, stale: true });
                    }
                    if state.may_clean_up(object) {
                        events.push(Event::CleanUp { worker, object });
                    }
                }
            }
        }
    }

    /// Where Twilio is late, but not later than the next attempt.
    fn waits_for_late_commit(&self, state: &State, worker: usize) -> bool {
        let object = state.workers[worker].pass.index;
        self.timing.late_commits
            && !self.timing.beyond_next_attempt
            && state.requests.iter().any(|request| request.attempt != 0 && request.made_for == object)
            && state.workers[worker].pass.view.object.open().is_none()
            && matches!(self.next(state, worker), Some(Decision::List { .. } | Decision::Journal { .. }))
    }

    pub(super) fn faults(&self, state: &State, events: &mut Vec<Event>) {
        let budget = &state.budget;
        for (worker, process) in state.workers.iter().enumerate() {
            let same_as_first = worker == 1 && state.workers[0] == state.workers[1];
            if !process.is_busy() || same_as_first {
                continue;
            }
            if budget.crashes > 0 {
                events.push(Event::Crash(worker));
            }
            match process.pass.view.sender {
                Sender::Awaiting if budget.lost > 0 => events.push(Event::GiveUp(worker)),
                Sender::Journalled { late: false, .. } if budget.slow > 0 => {
                    events.push(Event::TooLate(worker));
                }
                _ => {}
            }
            match self.next(state, worker) {
                Some(
                    Decision::Update(_)
                    | Decision::Delete(_)
                    | Decision::DeleteLost(_)
                    | Decision::Compensate(_),
                ) if budget.lost > 0 => events.push(Event::Step { worker, luck: Luck::ReplyLost }),
                Some(
                    Decision::Journal { .. }
                    | Decision::Record { .. }
                    | Decision::Settle { .. }
                    | Decision::Lose(_)
                    | Decision::Protect { .. }
                    | Decision::Release
                    | Decision::Available
                    | Decision::Hold { .. },
                ) if budget.writes > 0 && process.pass.fresh => {
                    for luck in [Luck::ReplyLost, Luck::Misread, Luck::GivenUp] {
                        events.push(Event::Step { worker, luck });
                    }
                }
                _ => {}
            }
        }
        if state.late.index != 0 {
            events.extend([Event::Land, Event::NeverLand]);
        }
    }

    pub(super) fn time(&self, state: &State, events: &mut Vec<Event>) {
        let budget = &state.budget;
        for (request, sent) in state.requests.iter().enumerate().filter(|(_, request)| request.attempt != 0) {
            let waits = state.workers.iter().any(|worker| {
                worker.pass.view.sender == Sender::Awaiting && worker.pass.view.attempt == sent.attempt
            });
            let mut fates = vec![Fate::Answered];
            if waits && budget.lost > 0 {
                fates.extend([Fate::ReplyLost, Fate::Dropped]);
            } else if !waits {
                fates.push(Fate::Dropped);
            }
            if waits && budget.refused > 0 {
                fates.push(Fate::Refused);
            }
            for fate in fates {
                events.push(Event::Answer { request, fate, hidden: false });
                let commits = matches!(fate, Fate::Answered | Fate::ReplyLost) && !is_full(state);
                if budget.lag > 0 && commits {
                    events.push(Event::Answer { request, fate, hidden: true });
                }
            }
        }
        for (sid, hook) in state.alive() {
            if hook.life == Life::Hidden {
                events.push(Event::Show(sid));
            }
        }
        for object in state.objects.iter().chain(&state.remains) {
            if let Some(open) = object.open()
                && open.adopt == 0
                && self.may_end(state, open.id)
                && !events.contains(&Event::WindowOver(open.id))
            {
                events.push(Event::WindowOver(open.id));
            }
        }
    }

    pub(super) fn people(&self, state: &State, events: &mut Vec<Event>) {
        let budget = &state.budget;
        for (n, object) in state.objects.iter().enumerate() {
            if budget.restores > 0 && object.journal.id != 0 && object.uid < 6 {
                events.push(Event::Restore(n, Backup::Latest));
                if object.config != object.config.original() {
                    events.push(Event::Restore(n, Backup::Old));
                }
                if object.exists && (object.webhook != 0 || object.settled != 0) {
                    events.push(Event::Restore(n, Backup::Status));
                }
            }
            if !object.exists {
                continue;
            }
            if budget.edits > 0 && !object.deleting {
                events.push(Event::Edit(n));
            }
            if budget.deletes > 0 && !object.deleting {
                events.push(Event::Delete(n));
            }
            if budget.vanishings > 0 && !object.deleting && object.journal.id != 0 {
                events.push(Event::Vanish(n));
            }
            // Otherwise nothing but status, or nothing at all, knows of the webhook: a stated risk.
            let is_announced = state.workers.iter().any(|worker| {
                worker.pass.index == number(n) && matches!(worker.pass.view.sender, Sender::Journalled { .. })
            });
            let strippable = !object.deleting && (object.webhook != 0 || self.meddles && !is_announced);
            if budget.strips > 0 && strippable && object.journal.id != 0 {
                events.push(Event::Strip(n));
            }
            let sends = state.workers.iter().any(|worker| worker.pass.view.attempt != 0);
            if budget.old_journals > 0 && object.webhook != 0 && !sends {
                events.push(Event::OldJournal(n));
            }
            if budget.copies > 0 && !state.objects[1 - n].exists && object.journal.id != 0 {
                events.push(Event::Copy(n));
            }
            if let Some(open) = object.open()
                && budget.answers > 0
                && open.adopt == 0
                && has(state.over, open.id)
                && object.answer.0 != open.id
            {
                let newcomers = || {
                    state.alive().filter(|(sid, hook)| !has(open.baseline, *sid) && hook.life == Life::Shown)
                };
                let made = |sid: u8, made_for: u8| state.bearer(sid).is_none() && made_for == number(n);
                // Alone means that people know, and tell the truth.
                if !self.alone || !newcomers().any(|(sid, hook)| made(sid, hook.made_for)) {
                    events.push(Event::Say(n, NOTHING));
                }
                let told = newcomers().filter(|(sid, hook)| !self.alone || made(*sid, hook.made_for));
                events.extend(told.map(|(sid, _)| Event::Say(n, sid)));
            }
        }
    }

    pub(super) fn outsiders(&self, state: &State, events: &mut Vec<Event>) {
        let budget = &state.budget;
        if !is_full(state) {
            if budget.strangers > 0 {
                events.extend([Event::Stranger(Config::Foreign), Event::Stranger(Config::Trigger)]);
            }
            for (n, object) in state.objects.iter().enumerate() {
                let same = n == 1 && object.config == state.objects[0].config;
                if budget.twins > 0 && object.exists && !same {
                    events.push(Event::Stranger(object.config));
                }
            }
            for (sid, hook) in (0..).zip(&state.hooks) {
                // Nobody else knows of it any more: a stated risk.
                let is_known = state.objects.iter().any(|object| {
                    object.exists && !object.deleting && (object.webhook == sid || has(object.lost, sid))
                });
                if budget.resurfacing > 0 && hook.life == Life::Removed && is_known {
                    events.push(Event::Resurface(sid));
                }
            }
        }
        for (sid, hook) in state.alive() {
            // An edit of a webhook that nobody claims yet, beside its lookalike, is a stated risk.
            let is_claimed = state.bearer(sid).is_some() || hook.made_for == 0;
            if budget.outside_edits > 0
                && hook.config != Config::Foreign
                && (is_claimed || self.meddles || budget.twins == 0)
            {
                events.push(Event::OutsideEdit(sid));
            }
            if budget.outside_deletes > 0 {
                events.push(Event::OutsideDelete(sid));
            }
        }
        if budget.conversation > 0 {
            events.push(Event::ConversationGone);
        }
    }
}

impl State {
    /// What vanished left a webhook, or an attempt whose window is over.
    fn may_clean_up(&self, index: usize) -> bool {
        let last = &self.remains[index];
        last.webhook != 0 || last.exists && has(self.over, last.journal.id)
    }

    /// A pass that would find everything in order is not begun.
    fn has_work(&self, index: usize) -> bool {
        let object = &self.objects[index];
        let hook = &self.hooks[usize::from(object.webhook)];
        let in_order = object.webhook != 0
            && !object.deleting
            && object.observed
            && object.finalizer
            && object.label
            && hook.life == Life::Shown
            && hook.config == object.config
            && object.journal.id == object.settled
            && !members(object.lost).any(|sid| self.hooks[usize::from(sid)].is_alive());
        object.exists && !in_order
    }
}
