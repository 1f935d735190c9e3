use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::*;

const LIMITS: Limits =
    Limits { per_lane: 4, most: 32, checks: 16, writers: 24, young: Duration::from_millis(250) };

fn place(lane: u64, conversation: u64) -> Place {
    Place { lane, conversation }
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Everybody who may begin now.
fn begin_all(queue: &mut Queue, now: Duration) -> Vec<ObjectId> {
    std::iter::from_fn(|| queue.next(0, now)).collect()
}

#[test]
fn one_conversation_has_one_pass_and_its_objects_follow_one_another() {
    let mut queue = Queue::new(LIMITS);
    for object in 0..5 {
        // Between each two of them somebody else's.
        queue.push(object, place(1, 1), Class::Change);
        queue.push(100 + object, place(1, 100 + u64::from(object)), Class::Change);
    }
    let mut order = vec![];
    let mut running: VecDeque<ObjectId> = begin_all(&mut queue, at(0)).into();
    assert_eq!(running, [0, 100, 101, 102], "one of the conversation, and what else there is room for");
    while let Some(object) = running.pop_front() {
        order.push(object);
        queue.end(object);
        running.extend(begin_all(&mut queue, at(0)));
    }
    let of_the_conversation: Vec<usize> =
        (0..5).map(|object| order.iter().position(|other| *other == object).unwrap()).collect();
    assert!(of_the_conversation.is_sorted(), "in order");
    assert!(of_the_conversation[4] <= 4 * 4, "each as soon as the one before it is done: {order:?}");
    assert_eq!(order.len(), 10);
}

#[test]
fn many_objects_on_one_conversation_let_others_go_in_between() {
    let mut queue = Queue::new(Limits { most: 1, ..LIMITS });
    for object in 0..100 {
        queue.push(object, place(1, 1), Class::Change);
    }
    queue.push(100, place(1, 2), Class::Change);
    for _ in 0..crate::decide::SLOTS {
        let object = queue.next(0, at(0)).unwrap();
        assert!(object < 100);
        queue.end(object);
    }
    assert_eq!(queue.next(0, at(0)), Some(100));
}

#[test]
fn a_change_waits_for_no_backlog_of_checks() {
    let mut queue = Queue::new(LIMITS);
    for object in 0..10_000 {
        queue.push(object, place(u64::from(object % 100), u64::from(object)), Class::Check);
    }
    let running = begin_all(&mut queue, at(0));
    assert_eq!(running.len(), LIMITS.checks);
    // The tenant of the change is one of those with a backlog.
    queue.push(10_000, place(7, 10_000), Class::Change);
    assert_eq!(queue.next(0, at(0)), Some(10_000));
}

#[test]
fn nobody_is_passed_over_for_ever() {
    let mut queue = Queue::new(Limits { most: 1, ..LIMITS });
    queue.push(0, place(1, 0), Class::Check);
    queue.push(1, place(2, 1), Class::Retry);
    let mut begun = vec![];
    for other in 2..42 {
        queue.push(other, place(3, other.into()), Class::Change);
        let object = queue.next(0, at(0)).unwrap();
        begun.push(object);
        queue.end(object);
    }
    let turn = |object| begun.iter().position(|other| *other == object).unwrap();
    let passed_over = usize::try_from(shares::PASSED_OVER).unwrap();
    assert_eq!(turn(1), passed_over);
    assert!(turn(0) <= 2 * passed_over, "{begun:?}");
}

#[test]
fn no_more_is_begun_than_the_api_server_takes_and_checks_do_not_count() {
    let mut queue = Queue::new(Limits { most: 100, ..LIMITS });
    for object in 0..100 {
        queue.push(object, place(object.into(), 0), Class::Change);
        queue.push(100 + object, place(object.into(), 1), Class::Check);
    }
    let writers = |begun: Vec<ObjectId>| begun.iter().filter(|object| **object < 100).count();
    let begun: Vec<ObjectId> = std::iter::from_fn(|| queue.next(10, at(0))).collect();
    assert_eq!(begun.len(), 14 + LIMITS.checks);
    assert_eq!(writers(begun), 14, "24, and 10 requests are under way");
    assert_eq!(writers(begin_all(&mut queue, at(249))), 10, "those requests are over");
    assert_eq!(queue.next_chance(), Some(at(250)));
    assert!(queue.next(0, at(249)).is_none());
    // The first wait for something else by now: others need not wait for that.
    assert!(queue.next(0, at(250)).is_some());
}

#[test]
fn what_comes_while_a_pass_runs_is_named_at_its_end() {
    let mut queue = Queue::new(LIMITS);
    queue.push(1, place(1, 1), Class::Check);
    assert_eq!(queue.next(0, at(0)), Some(1));
    queue.push(1, place(1, 1), Class::Change);
    assert_eq!(queue.next(0, at(0)), None);
    assert_eq!(queue.end(1), Left::News);
    queue.push(1, place(1, 1), Class::Change);
    assert_eq!(queue.next(0, at(0)), Some(1));
    assert_eq!(queue.end(1), Left::Nothing);
    assert_eq!(queue.next(0, at(0)), None);
}

#[test]
fn the_number_of_an_object_that_is_gone_is_free_once_its_pass_is_over() {
    let mut queue = Queue::new(LIMITS);
    queue.push(1, place(1, 1), Class::Check);
    queue.push(2, place(1, 1), Class::Check);
    assert!(queue.forget(2));
    assert!(queue.forget(3), "never seen");
    assert_eq!(queue.next(0, at(0)), Some(1));
    assert!(!queue.forget(1));
    assert_eq!(queue.end(1), Left::Gone);
    assert_eq!((queue.waiting(), queue.running()), (0, 0));
    assert!(queue.units.is_empty() && queue.lanes.is_empty(), "nothing is left of it");
}

#[derive(Clone, Debug)]
enum Event {
    Push { object: ObjectId, lane: u64, conversation: u64, class: usize },
    Forget { object: ObjectId },
    Begin { requests: usize },
    End { which: usize },
    StepAside { which: usize },
    Wait { millis: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u32..40, 0_u64..5, 0_u64..4, 0_usize..3)
            .prop_map(|(object, lane, conversation, class)| Event::Push { object, lane, conversation, class }),
        1 => (0_u32..40).prop_map(|object| Event::Forget { object }),
        4 => (0_usize..30).prop_map(|requests| Event::Begin { requests }),
        4 => (0_usize..32).prop_map(|which| Event::End { which }),
        1 => (0_usize..32).prop_map(|which| Event::StepAside { which }),
        1 => (0_u64..300).prop_map(|millis| Event::Wait { millis }),
    ]
}

/// A queue, and what it must be like.
struct World {
    queue: Queue,
    now: Duration,
    wanted: HashMap<ObjectId, Place>,
    running: Vec<(ObjectId, Place, Class)>,
    aside: Vec<(ObjectId, Place)>,
}

impl World {
    fn begin(&mut self, requests: usize) -> bool {
        let Some(object) = self.queue.next(requests, self.now) else { return false };
        let place = self.wanted.remove(&object).expect("somebody wanted it");
        assert!(self.running.iter().all(|(_, other, _)| *other != place), "two passes on one conversation");
        assert!(self.aside.iter().all(|(other, _)| *other != object), "two passes on one object");
        let Some(Task::Running { class, .. }) = self.queue.tasks.get(&object) else { panic!("not running") };
        self.running.push((object, place, *class));
        let of_lane = self.running.iter().filter(|(_, other, _)| other.lane == place.lane).count();
        assert!(of_lane <= LIMITS.per_lane as usize, "too many of one tenant");
        let checks = self
            .running
            .iter()
            .filter(|(_, other, class)| other.lane == place.lane && *class == Class::Check);
        assert!(checks.count() < LIMITS.per_lane as usize / 2, "a change would wait for checks");
        assert!(self.running.len() <= LIMITS.most);
        let checks = self.running.iter().filter(|(.., class)| *class == Class::Check).count();
        assert!(checks <= LIMITS.checks);
        true
    }

    fn step_aside(&mut self, which: usize) {
        let (object, place, _) = self.running.swap_remove(which);
        self.queue.step_aside(object);
        self.aside.push((object, place));
    }

    fn end(&mut self, which: usize) {
        let (object, place, _) = self.running.swap_remove(which);
        self.over(object, place);
    }

    fn over(&mut self, object: ObjectId, place: Place) {
        if self.queue.end(object) == Left::News {
            self.queue.push(object, place, Class::Change);
            self.wanted.insert(object, place);
        }
    }
}

proptest! {
    #[test]
    fn nobody_is_lost_and_no_bound_is_passed(events in prop::collection::vec(event(), 1..400)) {
        let (queue, now) = (Queue::new(LIMITS), Duration::ZERO);
        let mut world = World { queue, now, wanted: HashMap::new(), running: Vec::new(), aside: Vec::new() };
        for event in events {
            match event {
                Event::Push { object, lane, conversation, class } => {
                    let place = place(lane, conversation);
                    world.queue.push(object, place, Class::ALL[class]);
                    if world.queue.tasks.get(&object).is_some_and(
                        |task| matches!(task, Task::Waiting { place: at, .. } if *at == place),
                    ) {
                        world.wanted.insert(object, place);
                    }
                }
                Event::Forget { object } => {
                    if world.queue.forget(object) {
                        world.wanted.remove(&object);
                    }
                }
                Event::Begin { requests } => {
                    world.begin(requests);
                }
                Event::End { which } if !world.running.is_empty() => {
                    let which = which % world.running.len();
                    world.end(which);
                }
                Event::StepAside { which } if !world.running.is_empty() => {
                    let which = which % world.running.len();
                    world.step_aside(which);
                }
                Event::End { .. } | Event::StepAside { .. } => {}
                Event::Wait { millis } => world.now += Duration::from_millis(millis),
            }
        }
        while let Some((object, place)) = world.aside.pop() {
            world.over(object, place);
        }
        // With room for all, everybody has a pass in the end.
        for _ in 0..1000 {
            while world.begin(0) {}
            if world.running.is_empty() {
                break;
            }
            world.end(0);
        }
        prop_assert!(world.wanted.is_empty(), "waits for ever: {:?}", world.wanted);
        prop_assert_eq!((world.queue.waiting(), world.queue.running()), (0, 0));
        prop_assert!(world.queue.units.is_empty() && world.queue.lanes.is_empty(), "something is left");
        prop_assert_eq!(world.queue.checks, 0);
    }

    /// Every tenant that has work gets its share of what begins, whatever the others have waiting.
    #[test]
    fn tenants_with_work_begin_about_as_much(
        backlogs in prop::collection::vec(1_u32..400, 2..12),
        class in 0_usize..3,
    ) {
        let mut queue = Queue::new(LIMITS);
        let mut lane_of = Vec::new();
        for (lane, backlog) in (0_u64..).zip(&backlogs) {
            for _ in 0..*backlog {
                let object = ObjectId::try_from(lane_of.len()).unwrap();
                queue.push(object, place(lane, object.into()), Class::ALL[class]);
                lane_of.push(lane);
            }
        }
        let mut running = VecDeque::new();
        let mut begun = vec![0_u32; backlogs.len()];
        let mut now = Duration::ZERO;
        loop {
            while let Some(object) = queue.next(0, now) {
                begun[usize::try_from(lane_of[object as usize]).unwrap()] += 1;
                running.push_back(object);
            }
            let still: Vec<u32> = begun.iter().zip(&backlogs).filter(|(b, n)| b < n).map(|(b, _)| *b).collect();
            if let (Some(least), Some(most)) = (still.iter().min(), still.iter().max()) {
                prop_assert!(most - least <= LIMITS.per_lane + 1, "{begun:?} of {backlogs:?}");
            }
            let Some(object) = running.pop_front() else { break };
            queue.end(object);
            now += Duration::from_millis(10);
        }
        prop_assert_eq!(begun, backlogs);
    }
}
