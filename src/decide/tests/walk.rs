//! Walks of chance through the small world, and what must hold at their end.
//!
//! A walk is a list of events, so that a failing one shrinks to the few that matter. After the walk the faults stop,
//! everything under way arrives, and the processes are given time: then each object has at most one webhook, each
//! webhook that we made is claimed, deleted or reported, and nothing is left undone without a word.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::domain::kind;
use super::sample::*;
use super::worker::{Ending, Worker};
use super::world::{Fate, Luck, Time, World};
use crate::decide::{Action, Desired, Hold, Waiting};
use crate::twilio::WebhookConfig;

#[derive(Clone, Debug)]
enum Event {
    /// A process does the next thing, or begins a pass over an object that it reads live or from the cache.
    Step {
        worker: usize,
        object: usize,
        stale: bool,
        luck: Luck,
    },
    /// Twilio answers a request, or does not.
    Answer {
        request: usize,
        fate: Fate,
        lag: Time,
    },
    Tick(Time),
    /// The watch cache catches up.
    Sync,
    /// A process dies, and another takes its place.
    Crash(usize),
    /// A user changes the address.
    Edit(usize),
    Delete(usize),
    /// A backup brings the object back.
    Restore(usize),
    /// A `kubectl replace` takes finalizer, label and journal off.
    Strip(usize),
    /// A manifest is applied again under another name, with all its annotations.
    Copy(usize),
    /// A stranger makes a webhook.
    Stranger(WebhookConfig),
    DeleteConversation,
    /// An outsider removes an object's webhook.
    Remove(usize),
    /// What was removed turns up again.
    Resurface,
}

/// What a walk starts from.
#[derive(Clone, Debug)]
struct Start {
    /// What the objects ask for, and what they ask for after an edit.
    wanted: Vec<[WebhookConfig; 2]>,
    foreign: Vec<WebhookConfig>,
    retain: bool,
    adopts: bool,
    workers: usize,
}

/// Nobody but the operator and its users is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    Alone,
    Strangers,
}

struct Walk {
    start: Start,
    world: World,
    workers: Vec<Worker>,
    /// How the last pass over each object ended.
    endings: Vec<Option<Ending>>,
}

impl Walk {
    fn new(start: Start) -> Self {
        let wanted: Vec<WebhookConfig> = start.wanted.iter().map(|[first, _]| first.clone()).collect();
        let mut world = World::new(&wanted, &start.foreign, start.retain);
        for index in 0..wanted.len() {
            world.touch(index, |object| object.adopts_identical = start.adopts);
        }
        world.cache.clone_from(&world.objects);
        Self {
            world,
            workers: (0..start.workers).map(Worker::new).collect(),
            endings: vec![None; wanted.len()],
            start,
        }
    }

    fn take(&mut self, event: &Event) {
        let objects = self.world.objects.len();
        match event {
            Event::Step { worker, object, stale, luck } => {
                let (worker, object) = (worker % self.workers.len(), object % objects);
                self.workers[worker].step(&mut self.world, object, *stale, *luck);
            }
            Event::Answer { request, fate, lag } => self.answer(*request, *fate, *lag),
            Event::Tick(seconds) => self.world.tick(*seconds),
            Event::Sync => self.world.cache.clone_from(&self.world.objects),
            Event::Crash(worker) => {
                let worker = worker % self.workers.len();
                self.workers[worker] = Worker::new(worker);
            }
            Event::Edit(object) => self.edit(object % objects),
            Event::Delete(object) => self.world.delete(object % objects),
            Event::Restore(object) => self.world.restore(object % objects),
            Event::Strip(object) => self.world.strip(object % objects),
            Event::Copy(object) => self.world.copy(object % objects, (object + 1) % objects),
            Event::Stranger(config) => self.world.stranger(config.clone()),
            Event::DeleteConversation => self.world.delete_conversation(),
            Event::Remove(object) => self.world.remove_borne(object % objects),
            Event::Resurface => self.world.resurface(),
        }
    }

    fn answer(&mut self, request: usize, fate: Fate, lag: Time) {
        if self.world.requests.is_empty() {
            return;
        }
        let request = request % self.world.requests.len();
        let (request, heard) = self.world.answer(request, fate, lag);
        self.workers[request.worker].hear(&mut self.world, &request.attempt, heard);
    }

    fn edit(&mut self, index: usize) {
        let [first, second] = self.start.wanted[index].clone();
        self.world.touch(index, |object| {
            let is_first = object.desired.as_ref().is_ok_and(|desired| desired.config == first);
            if let Ok(Desired { config, .. }) = &mut object.desired {
                *config = if is_first { second } else { first };
            }
            object.generation += 1;
        });
    }

    /// No more faults: everything arrives, and the processes have time.
    fn come_to_rest(&mut self) {
        for round in 0..14 {
            if round == 7 {
                // What was removed and made again may turn up beside what was made in its place.
                self.world.resurface();
            }
            for worker in 0..self.workers.len() {
                for object in 0..self.world.objects.len() {
                    self.whole_pass(worker, object);
                }
            }
            self.world.tick(30);
        }
    }

    fn whole_pass(&mut self, worker: usize, object: usize) {
        for _ in 0..200 {
            while !self.world.requests.is_empty() {
                self.answer(0, Fate::Answered, 0);
            }
            self.world.cache.clone_from(&self.world.objects);
            let ending = self.workers[worker].step(&mut self.world, object, false, Luck::Good);
            if ending.is_some() || self.world.objects[object].object.is_none() {
                self.endings[object] = ending;
                return;
            }
        }
        self.world.wrong.push("a pass does not end".to_owned());
    }

    /// The object's last pass said what is the matter.
    fn says_why(&self, index: usize) -> bool {
        matches!(
            self.endings[index],
            Some(Ending::Decided(Action::Hold(_) | Action::Wait(Waiting::Sibling(_))))
        )
    }

    fn check(&self, company: Company) -> Result<(), TestCaseError> {
        let world = &self.world;
        prop_assert!(world.wrong.is_empty(), "{:?}", world.wrong);
        let mut made = vec![0; world.objects.len()];
        for (webhook, hook) in &world.hooks {
            let Some(made_for) = hook.made_for.filter(|_| !hook.retained) else { continue };
            let bearer = world.is_borne(webhook);
            if bearer.is_none() && hook.strangers {
                // Taken over once, and given up: it was never made here.
                continue;
            }
            made[bearer.unwrap_or(made_for)] += 1;
            let reported = (0..world.objects.len()).any(|index| match &self.endings[index] {
                Some(Ending::Decided(Action::Hold(Hold::Ambiguous { candidates, .. }))) => {
                    candidates.contains(webhook)
                }
                Some(Ending::Decided(Action::Hold(
                    Hold::TwinExists { webhook: named, more, .. } | Hold::LateTwin { webhook: named, more },
                ))) => named == webhook || more.contains(webhook),
                Some(Ending::Decided(Action::Wait(Waiting::Sibling(_)))) => true,
                _ => false,
            });
            prop_assert!(bearer.is_some() || reported, "{webhook} is neither claimed nor reported");
        }
        prop_assert!(made.iter().all(|made| *made <= 1), "more than one webhook for an object: {made:?}");
        for (index, stored) in world.objects.iter().enumerate() {
            let Some(object) = &stored.object else { continue };
            prop_assert!(!object.deleting || self.says_why(index), "a deletion does not end");
            let as_written = object.record.webhook.as_ref().is_some_and(|webhook| {
                let found = world.hooks.get(webhook);
                found.is_some_and(|hook| {
                    object.desired.as_ref().is_ok_and(|desired| desired.config == hook.config)
                })
            });
            let as_asked = match company {
                Company::Alone => as_written && object.finalizer,
                Company::Strangers => as_written || self.says_why(index),
            };
            prop_assert!(as_asked, "{:?}", self.endings[index]);
        }
        Ok(())
    }
}

fn walked(start: Start, events: &[Event]) -> Walk {
    let mut walk = Walk::new(start);
    for event in events {
        walk.take(event);
    }
    walk.come_to_rest();
    walk
}

/// What happens to an operator whatever its users do.
fn everyday() -> impl Strategy<Value = Event> {
    let luck = prop_oneof![
        12 => Just(Luck::Good),
        1 => Just(Luck::ReplyLost),
        1 => Just(Luck::ReplyLostForGood),
        1 => Just(Luck::Failed),
    ];
    let step = (0..2_usize, 0..2_usize, any::<bool>(), luck);
    let step = step.prop_map(|(worker, object, stale, luck)| Event::Step { worker, object, stale, luck });
    let fate = select(vec![Fate::Answered, Fate::AnswerLost, Fate::AnswerLost, Fate::Refused, Fate::Dropped]);
    let answer = (0..3_usize, fate, select(vec![0, 10, 30]));
    let answer = answer.prop_map(|(request, fate, lag)| Event::Answer { request, fate, lag });
    prop_oneof![
        40 => step,
        5 => answer,
        5 => select(vec![1, 9, 10, 15, 30, 55]).prop_map(Event::Tick),
        3 => Just(Event::Sync),
        1 => (0..2_usize).prop_map(Event::Crash),
    ]
}

fn users() -> impl Strategy<Value = Event> {
    prop_oneof![
        40 => everyday(),
        1 => (0..2_usize).prop_map(Event::Edit),
        1 => (0..2_usize).prop_map(Event::Delete),
    ]
}

fn everybody() -> impl Strategy<Value = Event> {
    let stranger = select(vec![trigger(), strangers_bot()]);
    prop_oneof![
        120 => users(),
        2 => (0..2_usize).prop_map(Event::Restore),
        2 => (0..2_usize).prop_map(Event::Strip),
        2 => (0..2_usize).prop_map(Event::Copy),
        2 => stranger.prop_map(Event::Stranger),
        1 => Just(Event::DeleteConversation),
        3 => (0..2_usize).prop_map(Event::Remove),
        3 => Just(Event::Resurface),
    ]
}

/// Webhooks that nobody claims are strangers: those that a user left behind, too.
fn start(
    wanted: Vec<Vec<[WebhookConfig; 2]>>,
    foreign: Vec<WebhookConfig>,
    company: Company,
) -> impl Strategy<Value = Start> {
    let policy = || any::<bool>().prop_map(move |policy| policy && company == Company::Strangers);
    (select(wanted), vec(select(foreign), 0..4), policy(), policy(), 1..3_usize).prop_map(
        |(wanted, foreign, retain, adopts, workers)| Start { wanted, foreign, retain, adopts, workers },
    )
}

fn strangers() -> impl Strategy<Value = Start> {
    start(
        vec![vec![first()], vec![first(), second()], vec![first(), first()]],
        vec![bot(), other_bot(), trigger(), strangers_bot()],
        Company::Strangers,
    )
}

fn first() -> [WebhookConfig; 2] {
    [bot(), other_bot()]
}

fn second() -> [WebhookConfig; 2] {
    [calling("https://bot.example.com/c"), calling("https://bot.example.com/d")]
}

/// Walks that never meet a lost reply show nothing.
#[test]
fn walks_come_by_the_deep_rules() {
    let mut runner = TestRunner::deterministic();
    let walks = (strangers(), vec(everybody(), 0..120));
    let mut decided = BTreeSet::new();
    for _ in 0..400 {
        let (start, events) = walks.new_tree(&mut runner).expect("there are walks").current();
        decided.extend(walked(start, &events).world.decided.iter().map(kind));
    }
    for rare in [
        "Record Created",
        "Record Inferred",
        "Record Adopted",
        "Lose",
        "DeleteLost",
        "Settle NotSent",
        "Settle NotCreated",
        "Settle ProvedAbsent",
        "Settle Copied",
        "Update",
        "Delete",
        "Protect",
        "ReleaseFinalizer",
        "LookAgain",
        "Wait",
        "Hold",
    ] {
        assert!(decided.contains(rare), "{rare} is not among {decided:?}");
    }
}

fn strangers_bot() -> WebhookConfig {
    calling("https://stranger.example.com")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_gets_lost_each_object_ends_with_its_one_webhook(
        start in start(
            vec![vec![first()], vec![first(), second()]],
            vec![trigger(), strangers_bot()],
            Company::Alone,
        ),
        events in vec(users(), 0..120),
    ) {
        walked(start, &events).check(Company::Alone)?;
    }

    #[test]
    fn whatever_others_do_nothing_is_made_twice_left_behind_or_taken(
        start in strangers(),
        events in vec(everybody(), 0..120),
    ) {
        walked(start, &events).check(Company::Strangers)?;
    }
}
