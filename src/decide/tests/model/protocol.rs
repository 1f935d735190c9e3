//! One configuration of the model: who takes part, what may go wrong and how often, and what follows from an event.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stateright::{Model, Property};

use super::driver::{Luck, index, number};
use super::environment::{Backup, Event, Fate, InWords, is_full};
use super::properties::{Wrong, at_all_times, at_rest, comes_about};
use super::rules::Rule;
use super::state::{Budget, Config, Hook, Life, NOTHING, Object, Sender, State, bit, has, members};
use super::view::{Decision, Policies};

/// Where the assumptions on time are broken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timing {
    /// A process freezes between its last look at the clock and its request, for longer than the window.
    pub(super) late_sender: bool,
    /// Twilio carries a request out after the window.
    pub(super) late_commits: bool,
    /// Even after the next attempt has looked at the conversation.
    pub(super) beyond_next_attempt: bool,
    /// A list shows a webhook later than it should.
    pub(super) late_lists: bool,
}

/// A configuration.
#[derive(Clone, Debug)]
pub(super) struct Protocol {
    pub(super) name: &'static str,
    /// What each object asks for; [`Config::None`] where there is none.
    pub(super) wanted: [Config; 2],
    /// Webhooks of strangers that are there already.
    pub(super) foreign: &'static [Config],
    pub(super) processes: usize,
    pub(super) budget: Budget,
    pub(super) policies: Policies,
    pub(super) timing: Timing,
    /// Nobody but the operator and its users is at work: every object must end up as written.
    pub(super) alone: bool,
    /// A stranger's exact twin that is taken for ours counts as touched when it is changed or deleted.
    pub(super) strict: bool,
    /// A strip may hit an attempt whose request is under way.
    pub(super) strips_open: bool,
    /// The look before a compensation and its delete are one step. One request lies between them: a stated risk.
    pub(super) joins_compensation: bool,
    pub(super) without: Option<Rule>,
    /// States whose successors are looked at; those beyond are checked, and stay open.
    pub(super) limit: usize,
    /// What must come about somewhere, or the configuration shows nothing.
    pub(super) reaches: &'static [&'static str],
    pub(super) expanded: Arc<AtomicUsize>,
    pub(super) open: Arc<AtomicUsize>,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            name: "",
            wanted: [Config::A, Config::None],
            foreign: &[],
            processes: 2,
            budget: Budget::default(),
            policies: Policies::default(),
            timing: Timing::default(),
            alone: false,
            strict: false,
            strips_open: false,
            joins_compensation: false,
            without: None,
            limit: usize::MAX,
            reaches: &[],
            expanded: Arc::default(),
            open: Arc::default(),
        }
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        let mut state = State { budget: self.budget, ..State::default() };
        for (n, config) in self.wanted.iter().enumerate().filter(|(_, config)| **config != Config::None) {
            state.objects[n] =
                Object { exists: true, uid: if n == 0 { 0 } else { 1 }, config: *config, ..Object::default() };
        }
        for config in self.foreign {
            let _ = self.make(&mut state, stranger(*config), false);
        }
        if self.budget.stale > 0 {
            state.before = state.objects;
        }
        vec![state]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        if state.wrong != 0 {
            return;
        }
        if self.expanded.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.open.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.work(state, events);
        self.faults(state, events);
        self.time(state, events);
        self.people(state, events);
        self.outsiders(state, events);
    }

    fn next_state(&self, state: &State, event: Event) -> Option<State> {
        let mut next = *state;
        self.take(&mut next, event)?;
        next.normalize();
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = at_all_times();
        properties.extend(at_rest());
        properties.extend(comes_about().into_iter().filter(|property| self.reaches.contains(&property.name)));
        properties
    }

    fn format_action(&self, event: &Event) -> String {
        InWords { event, next: None }.to_string()
    }
}

impl Protocol {
    /// The same, not begun yet.
    pub(super) fn again(&self) -> Self {
        Self { expanded: Arc::default(), open: Arc::default(), ..self.clone() }
    }

    /// An event in words, in this state.
    pub(super) fn in_words(&self, state: &State, event: &Event) -> String {
        let next = match event {
            Event::Step { worker, .. } => {
                self.next(state, *worker).map(|decision| (index(state, *worker), decision))
            }
            _ => None,
        };
        InWords { event, next }.to_string()
    }

    /// What processes, Twilio and time do by themselves.
    fn work(&self, state: &State, events: &mut Vec<Event>) {
        let busy = state.workers.iter().filter(|worker| worker.is_busy()).count();
        for (worker, process) in state.workers.iter().enumerate() {
            let same_as_first = worker == 1 && state.workers[0] == state.workers[1];
            if same_as_first {
                continue;
            }
            if process.is_busy() {
                if process.pass.view.sender != Sender::Awaiting && !self.waits_for_late_commit(state, worker) {
                    events.push(Event::Step { worker, luck: Luck::Good });
                }
            } else if busy < self.processes {
                for object in 0..2 {
                    if self.has_work(state, object) {
                        events.push(Event::Begin { worker, object, stale: false });
                    }
                    if state.budget.stale > 0 && state.before[object].exists && state.before[object] != state.objects[object] {
                        events.push(Event::Begin { worker, object, stale: true });
                    }
                    if state.remains[object] != (0, 0) {
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

    /// A pass that would find everything in order is not begun.
    pub(super) fn has_work(&self, state: &State, index: usize) -> bool {
        let object = &state.objects[index];
        let hook = &state.hooks[usize::from(object.webhook)];
        let in_order = object.webhook != 0
            && !object.deleting
            && object.observed
            && object.finalizer
            && object.label
            && hook.life == Life::Shown
            && hook.config == object.config
            && object.journal.id == object.settled
            && !members(object.lost).any(|sid| state.hooks[usize::from(sid)].is_alive());
        object.exists && !in_order
    }

    fn faults(&self, state: &State, events: &mut Vec<Event>) {
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
                Sender::Journalled { late: false, .. } if budget.slow > 0 => events.push(Event::TooLate(worker)),
                _ => {}
            }
            match self.next(state, worker) {
                Some(
                    Decision::Update(_) | Decision::Delete(_) | Decision::DeleteLost(_) | Decision::Compensate(_),
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

    fn time(&self, state: &State, events: &mut Vec<Event>) {
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
        for object in &state.objects {
            if let Some(open) = object.open()
                && open.adopt == 0
                && self.may_end(state, open.id)
                && !events.contains(&Event::WindowOver(open.id))
            {
                events.push(Event::WindowOver(open.id));
            }
        }
    }

    fn people(&self, state: &State, events: &mut Vec<Event>) {
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
            // Otherwise nothing but status, or nothing at all, knows of the webhook: a stated risk.
            let is_announced = state.workers.iter().any(|worker| {
                worker.pass.index == number(n) && matches!(worker.pass.view.sender, Sender::Journalled { .. })
            });
            let strippable = !object.deleting && (object.webhook != 0 || self.strips_open && !is_announced);
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
                let newcomers = || state.alive().filter(|(sid, hook)| !has(open.baseline, *sid) && hook.life == Life::Shown);
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

    fn outsiders(&self, state: &State, events: &mut Vec<Event>) {
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
                let is_known = state
                    .objects
                    .iter()
                    .any(|object| object.exists && !object.deleting && (object.webhook == sid || has(object.lost, sid)));
                if budget.resurfacing > 0 && hook.life == Life::Removed && is_known {
                    events.push(Event::Resurface(sid));
                }
            }
        }
        for (sid, hook) in state.alive() {
            // An edit of a webhook that nobody claims yet, beside its lookalike, is a stated risk.
            let is_claimed = state.bearer(sid).is_some() || hook.made_for == 0;
            if budget.outside_edits > 0 && hook.config != Config::Foreign && (is_claimed || budget.twins == 0) {
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

    fn take(&self, state: &mut State, event: Event) -> Option<()> {
        self.spend(state, event)?;
        match event {
            Event::Begin { worker, object, stale } => {
                self.begin(state, worker, object, stale);
            }
            Event::CleanUp { worker, object } => {
                self.begin_clean_up(state, worker, object);
            }
            Event::Step { worker, luck } => {
                self.step(state, worker, luck)?;
            }
            Event::Crash(worker) => state.workers[worker] = super::state::Worker::default(),
            Event::TooLate(worker) => {
                if let Sender::Journalled { late, .. } = &mut state.workers[worker].pass.view.sender {
                    *late = true;
                }
            }
            Event::GiveUp(worker) => state.workers[worker].lose_hold(),
            Event::Answer { request, fate, hidden } => self.answer(state, request, fate, hidden)?,
            Event::Show(sid) => {
                let hook = state.hook(sid);
                hook.life = Life::Shown;
                hook.attempt = 0;
            }
            Event::WindowOver(attempt) => state.over |= bit(attempt),
            Event::Land => {
                let late = std::mem::take(&mut state.late);
                self.store(state, usize::from(late.index) - 1, late.object, super::environment::By::Late);
            }
            Event::NeverLand => state.late = super::state::LateWrite::default(),
            Event::Edit(object) => self.edit(state, object),
            Event::Delete(object) => self.delete(state, object),
            Event::Restore(object, backup) => self.restore(state, object, backup),
            Event::Strip(object) => self.strip(state, object),
            Event::OldJournal(object) => self.put_old_journal_back(state, object)?,
            Event::Copy(object) => self.copy(state, object),
            Event::Say(n, made) => {
                let mut object = state.objects[n];
                object.answer = (object.journal.id, made);
                self.store(state, n, object, super::environment::By::People);
            }
            Event::Stranger(config) => {
                self.make(state, stranger(config), false)?;
            }
            Event::OutsideEdit(sid) => state.hook(sid).config = Config::Foreign,
            Event::OutsideDelete(sid) => {
                let resurfaces = state.budget.resurfacing > 0 && state.hook(sid).made_for != 0;
                let removed = Hook { life: Life::Removed, ..*state.hook(sid) };
                *state.hook(sid) = if resurfaces { removed } else { Hook::default() };
            }
            Event::Resurface(sid) => {
                let hook = state.hook(sid);
                hook.life = Life::Shown;
                hook.returned = true;
            }
            Event::ConversationGone => self.delete_conversation(state),
        }
        Some(())
    }

    fn spend(&self, state: &mut State, event: Event) -> Option<()> {
        let budget = &mut state.budget;
        let waits = match event {
            Event::Answer { request, .. } => {
                let attempt = state.requests[request].attempt;
                state.workers.iter().any(|worker| {
                    worker.pass.view.sender == Sender::Awaiting && worker.pass.view.attempt == attempt
                })
            }
            _ => false,
        };
        if let Event::Answer { hidden: true, .. } = event {
            budget.lag = budget.lag.checked_sub(1)?;
        }
        let used = match event {
            Event::Begin { stale: true, .. } => &mut budget.stale,
            Event::Crash(_) => &mut budget.crashes,
            Event::TooLate(_) => &mut budget.slow,
            Event::GiveUp(_) => &mut budget.lost,
            Event::Answer { fate: Fate::ReplyLost | Fate::Dropped, .. } if waits => &mut budget.lost,
            Event::Answer { fate: Fate::Refused, .. } => &mut budget.refused,
            Event::Step { luck: Luck::Misread | Luck::GivenUp, .. } => &mut budget.writes,
            Event::Step { worker, luck: Luck::ReplyLost } => match self.next(state, worker) {
                Some(
                    Decision::Update(_) | Decision::Delete(_) | Decision::DeleteLost(_) | Decision::Compensate(_),
                ) => &mut state.budget.lost,
                _ => &mut state.budget.writes,
            },
            Event::Edit(_) => &mut budget.edits,
            Event::Delete(_) => &mut budget.deletes,
            Event::Restore(..) => &mut budget.restores,
            Event::Strip(_) => &mut budget.strips,
            Event::OldJournal(_) => &mut budget.old_journals,
            Event::Copy(_) => &mut budget.copies,
            Event::Say(..) => &mut budget.answers,
            Event::Stranger(Config::Foreign | Config::Trigger) => &mut budget.strangers,
            Event::Stranger(_) => &mut budget.twins,
            Event::OutsideEdit(_) => &mut budget.outside_edits,
            Event::OutsideDelete(_) => &mut budget.outside_deletes,
            Event::Resurface(_) => &mut budget.resurfacing,
            Event::ConversationGone => &mut budget.conversation,
            _ => return Some(()),
        };
        *used = used.checked_sub(1)?;
        Some(())
    }

    /// Whether something has gone wrong on the way to this state.
    pub(super) fn is_wrong(state: &State, wrong: Wrong) -> bool {
        has(state.wrong, wrong.number())
    }
}

fn stranger(config: Config) -> Hook {
    Hook { config, strangers: true, ..Hook::default() }
}
