//! One configuration of the model: who takes part, what may go wrong and how often, and what follows from an event.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stateright::{Model, Property};

use super::driver::{index, number};
use super::events::Event;
use super::people::By;
use super::process::{Sender, Worker};
use super::properties::{Wrong, at_all_times, at_rest, comes_about};
use super::rules::Rule;
use super::state::{Budget, Config, Hook, LateWrite, Life, Object, State, bit, has};
use super::view::Policies;
use super::words::InWords;

/// Where the assumptions on time are broken.
#[expect(clippy::struct_excessive_bools, reason = "each is an assumption of its own")]
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
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none rules another out")]
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
    /// People strip while a request is under way, and outsiders edit what nobody claims yet: stated risks.
    pub(super) meddles: bool,
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
            meddles: false,
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
                Object { exists: true, uid: number(n) - 1, config: *config, ..Object::default() };
        }
        for config in self.foreign {
            let _ = state.make(stranger(*config), false);
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
            Event::Crash(worker) => state.workers[worker] = Worker::default(),
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
                self.store(state, usize::from(late.index) - 1, late.object, By::Late);
            }
            Event::NeverLand => state.late = LateWrite::default(),
            Event::Edit(object) => self.edit(state, object),
            Event::Delete(object) => self.delete(state, object),
            Event::Vanish(object) => self.vanish(state, object),
            Event::Restore(object, backup) => self.restore(state, object, backup),
            Event::Strip(object) => self.strip(state, object),
            Event::OldJournal(object) => self.put_old_journal_back(state, object)?,
            Event::Copy(object) => self.copy(state, object),
            Event::Say(n, made) => {
                let mut object = state.objects[n];
                object.answer = (object.journal.id, made);
                self.store(state, n, object, By::People);
            }
            Event::Stranger(config) => {
                state.make(stranger(config), false)?;
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
            Event::ConversationGone => state.delete_conversation(),
        }
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
