//! Who is let in, and in which order.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;

use super::world::*;
use crate::lanes::closed::ClosedBy;
use crate::lanes::heard::Heard;
use crate::lanes::lane::{Answer, Errand, Lane, Ticket};

const NOW: Duration = Duration::from_secs(100);

fn enter_and_leave(lane: &mut Lane<Bell>, errand: Errand, now: Duration) {
    let inside = admitted(try_enter(lane, errand, now));
    lane.release(&inside, now);
}

#[test]
fn nobody_enters_before_who_came_first_even_when_there_is_room() {
    let mut lane = lane(1);
    let inside = admitted(try_enter(&mut lane, Errand::First, NOW));
    let calls = Rc::default();
    let first = lane.join(Errand::First, Bell::new(1, &calls));
    assert_eq!(lane.ask(first, Errand::First, NOW), Answer::Wait(None));
    let second = lane.join(Errand::First, Bell::new(2, &calls));
    lane.release(&inside, NOW);
    assert_eq!(calls.borrow_mut().drain(..).collect::<Vec<_>>(), [1]);
    assert_eq!(lane.ask(second, Errand::First, NOW), Answer::Wait(None));
    let _inside = admitted(lane.ask(first, Errand::First, NOW));
    assert_eq!(calls.borrow_mut().drain(..).collect::<Vec<_>>(), [2], "the next one is called");
}

#[test]
fn who_follows_on_a_look_enters_ahead_and_costs_nobody_a_call() {
    let mut lane = lane(1);
    let inside = admitted(try_enter(&mut lane, Errand::First, NOW));
    let calls = Rc::default();
    let first = lane.join(Errand::First, Bell::new(1, &calls));
    let second = lane.join(Errand::First, Bell::new(2, &calls));
    lane.release(&inside, NOW);
    // The first in line was called and has not asked yet.
    let follows = lane.join(Errand::Next, Bell::new(3, &calls));
    let inside = admitted(lane.ask(follows, Errand::Next, NOW));
    assert_eq!(lane.ask(first, Errand::First, NOW), Answer::Wait(None));
    let waits = lane.join(Errand::Next, Bell::new(4, &calls));
    assert_eq!(lane.ask(waits, Errand::Next, NOW), Answer::Wait(None));
    calls.borrow_mut().clear();
    lane.release(&inside, NOW);
    assert_eq!(calls.borrow_mut().drain(..).collect::<Vec<_>>(), [4]);
    lane.leave(waits);
    assert_eq!(calls.borrow_mut().drain(..).collect::<Vec<_>>(), [1]);
    let inside = admitted(lane.ask(first, Errand::First, NOW));
    assert_eq!(calls.borrow_mut().drain(..).collect::<Vec<_>>(), [2]);
    assert_eq!(lane.ask(second, Errand::First, NOW), Answer::Wait(None));
    lane.release(&inside, NOW);
    let _inside = admitted(lane.ask(second, Errand::First, NOW));
}

#[test]
fn who_gives_a_place_in_line_up_after_being_called_passes_the_call_on() {
    let mut lane = lane(1);
    let inside = admitted(try_enter(&mut lane, Errand::First, NOW));
    let calls = Rc::default();
    let first = lane.join(Errand::First, Bell::new(1, &calls));
    let second = lane.join(Errand::First, Bell::new(2, &calls));
    lane.release(&inside, NOW);
    lane.leave(first);
    assert_eq!(calls.borrow_mut().drain(..).collect::<Vec<_>>(), [1, 2]);
    let _inside = admitted(lane.ask(second, Errand::First, NOW));
}

#[test]
fn a_short_retry_after_is_waited_for_in_line() {
    let mut lane = lane(5);
    let asked = Heard::RateLimited { retry_after: Some(secs(15)), concurrent: None };
    lane.hear(asked, NOW, NOW);
    let ticket = lane.join(Errand::First, Bell::new(0, &Rc::default()));
    assert_eq!(lane.ask(ticket, Errand::First, NOW), Answer::Wait(Some(NOW + secs(15))));
    let shorter = Heard::RateLimited { retry_after: Some(secs(1)), concurrent: None };
    lane.hear(shorter, NOW, NOW + secs(1));
    let early = just_before(NOW + secs(15));
    assert_eq!(lane.ask(ticket, Errand::First, early), Answer::Wait(Some(NOW + secs(15))));
    let _inside = admitted(lane.ask(ticket, Errand::First, NOW + secs(15)));
}

#[test]
fn a_long_retry_after_closes_the_lane_and_sends_away_who_waits() {
    let mut lane = lane(1);
    let inside = admitted(try_enter(&mut lane, Errand::First, NOW));
    let calls = Rc::default();
    let waiting = lane.join(Errand::First, Bell::new(1, &calls));
    assert_eq!(lane.ask(waiting, Errand::First, NOW), Answer::Wait(None));
    let asked = Heard::RateLimited { retry_after: Some(secs(60)), concurrent: None };
    lane.hear(asked, NOW, NOW);
    assert_eq!(calls.borrow().len(), 1);
    let told = closed(lane.ask(waiting, Errand::First, NOW));
    assert_eq!((told.why, told.until), (ClosedBy::RateLimited, secs(60)));
    lane.release(&inside, NOW);
    let told = closed(try_enter(&mut lane, Errand::First, NOW + secs(40)));
    assert_eq!((told.why, told.until), (ClosedBy::RateLimited, secs(20)));
    assert_eq!(try_enter(&mut lane, Errand::First, NOW + secs(45)), Answer::Wait(Some(NOW + secs(60))));
}

#[test]
fn an_answer_of_twilios_own_is_no_reason_to_wait_whatever_it_says() {
    let mut lane = lane(1);
    for _ in 0..100 {
        lane.hear(Heard::Answered, NOW, NOW);
    }
    let _inside = admitted(try_enter(&mut lane, Errand::Retry, NOW));
}

#[test]
fn what_failed_too_often_is_not_tried_again_while_first_errands_are() {
    let mut lane = lane(5);
    for _ in 0..9 {
        lane.hear(REFUSED, NOW, NOW);
    }
    enter_and_leave(&mut lane, Errand::Retry, NOW);
    lane.hear(REFUSED, NOW, NOW);
    let told = closed(try_enter(&mut lane, Errand::Retry, NOW));
    assert_eq!(told.why, ClosedBy::RetryBudget);
    enter_and_leave(&mut lane, Errand::First, NOW);

    // By time, and at the time that was said.
    let early = just_before(NOW + told.until);
    assert_eq!(closed(try_enter(&mut lane, Errand::Retry, early)).why, ClosedBy::RetryBudget);
    enter_and_leave(&mut lane, Errand::Retry, NOW + told.until);
}

#[test]
fn the_retry_budget_comes_back_by_one_token_in_three_seconds_and_half_a_one_for_a_success() {
    let mut lane = lane(5);
    for _ in 0..20 {
        lane.hear(REFUSED, NOW, NOW);
    }
    let left = |lane: &mut Lane<Bell>, now| closed(try_enter(lane, Errand::Retry, now)).until;
    let hair = Duration::from_nanos(1);
    assert_eq!(left(&mut lane, NOW), secs(30) + hair);
    assert_eq!(left(&mut lane, NOW + secs(3)), secs(27) + hair);
    lane.hear(Heard::Answered, NOW, NOW + secs(3));
    lane.hear(Heard::Answered, NOW, NOW + secs(3));
    assert_eq!(left(&mut lane, NOW + secs(3)), secs(24) + hair);
}

#[test]
fn a_lane_is_forgotten_once_it_is_as_new_or_its_word_is_out_of_date() {
    let mut lane = lane(2);
    assert!(lane.is_forgettable(NOW));
    let inside = admitted(try_enter(&mut lane, Errand::First, NOW));
    assert!(!lane.is_forgettable(NOW + secs(10_000)), "somebody is in it");
    lane.release(&inside, NOW);
    assert!(lane.is_forgettable(NOW));
    let ticket = lane.join(Errand::First, Bell::new(0, &Rc::default()));
    assert!(!lane.is_forgettable(NOW), "somebody waits");
    lane.leave(ticket);

    lane.hear(no_answer(), NOW, NOW);
    assert!(!lane.is_forgettable(NOW + secs(60)), "a failure is remembered");
    lane.hear(Heard::Answered, NOW, NOW);
    assert!(!lane.is_forgettable(NOW), "the retry budget is not full");
    assert!(lane.is_forgettable(NOW + secs(2)));
    lane.hear(REFUSED, NOW, NOW);
    assert!(!lane.is_forgettable(NOW + secs(3_599)));
    assert!(lane.is_forgettable(NOW + secs(3_600)));
}

#[derive(Clone, Debug)]
enum Step {
    Join(Errand),
    Cancel(usize),
    Release(usize),
    Hear(Heard, u64),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let retry_after = prop::option::weighted(0.3, (0_u64..40).prop_map(Duration::from_secs));
    let concurrent = prop::option::of(0_u32..20);
    let heard = prop_oneof![
        4 => Just(Heard::Answered),
        2 => (retry_after, concurrent)
            .prop_map(|(retry_after, concurrent)| Heard::RateLimited { retry_after, concurrent }),
        3 => Just(no_answer()),
    ];
    prop_oneof![
        6 => prop::sample::select(vec![Errand::First, Errand::Retry, Errand::Next]).prop_map(Step::Join),
        1 => (0_usize..20).prop_map(Step::Cancel),
        4 => (0_usize..20).prop_map(Step::Release),
        4 => (heard, 0_u64..20_000).prop_map(|(heard, ago)| Step::Hear(heard, ago)),
        3 => (0_u64..20_000).prop_map(Step::Pass),
    ]
}

/// People in line do what they are told: they ask when called, and at the time that they were given.
struct Crowd {
    lane: Lane<Bell>,
    now: Duration,
    calls: Rc<RefCell<VecDeque<usize>>>,
    line: Vec<(usize, Ticket, Errand, Option<Duration>)>,
    inside: Vec<crate::lanes::lane::Admission>,
    last_in: Option<usize>,
    ceiling: usize,
}

impl Crowd {
    fn ask(&mut self, who: usize) -> Result<(), TestCaseError> {
        let Some(place) = self.line.iter().position(|(other, ..)| *other == who) else { return Ok(()) };
        let (_, ticket, errand, _) = self.line[place];
        let was_open = self.lane.stand() != crate::lanes::breaker::Stand::Closed;
        match self.lane.ask(ticket, errand, self.now) {
            Answer::Wait(until) => self.line[place].3 = until,
            Answer::Closed(closed) => {
                prop_assert!(!closed.until.is_zero());
                self.line.remove(place);
            }
            Answer::Enter(admission) => {
                prop_assert_eq!(admission.probe.is_some(), was_open);
                if admission.probe.is_none() {
                    prop_assert_eq!(place, 0, "first come, first served");
                    prop_assert!(self.inside.len() < self.lane.width() as usize);
                    if errand != Errand::Next {
                        prop_assert!(self.last_in.is_none_or(|last| last < who));
                        self.last_in = Some(who);
                    }
                }
                self.line.remove(place);
                self.inside.push(admission);
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), TestCaseError> {
        loop {
            let called = self.calls.borrow_mut().pop_front();
            if let Some(who) = called {
                self.ask(who)?;
                continue;
            }
            let now = self.now;
            let due = self.line.iter().find(|(.., until)| until.is_some_and(|until| until <= now));
            match due.map(|(who, ..)| *who) {
                Some(who) => self.ask(who)?,
                None => return Ok(()),
            }
        }
    }
}

proptest! {
    #[test]
    fn in_any_order_of_events_the_budget_holds_and_nobody_is_forgotten_in_line(
        ceiling in 1_usize..8,
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut crowd = Crowd {
            lane: lane(ceiling),
            now: Duration::ZERO,
            calls: Rc::default(),
            line: Vec::new(),
            inside: Vec::new(),
            last_in: None,
            ceiling,
        };
        for (who, step) in steps.into_iter().enumerate() {
            match step {
                Step::Join(errand) => {
                    let ticket = crowd.lane.join(errand, Bell::new(who, &crowd.calls));
                    crowd.line.push((who, ticket, errand, None));
                    crowd.line.sort_by_key(|(_, ticket, ..)| *ticket);
                    crowd.ask(who)?;
                }
                Step::Cancel(place) if place < crowd.line.len() => {
                    let (_, ticket, ..) = crowd.line.remove(place);
                    crowd.lane.leave(ticket);
                }
                Step::Release(place) if place < crowd.inside.len() => {
                    let admission = crowd.inside.remove(place);
                    crowd.lane.release(&admission, crowd.now);
                }
                Step::Hear(heard, ago) => {
                    let sent = crowd.now.saturating_sub(millis(ago));
                    crowd.lane.hear(heard, sent, crowd.now);
                }
                Step::Pass(time) => crowd.now += millis(time),
                Step::Cancel(_) | Step::Release(_) => {}
            }
            crowd.settle()?;
            prop_assert!(crowd.inside.len() <= crowd.ceiling);
            // Who is first and was not called has nothing to be called for.
            if let Some((first, ticket, errand, _)) = crowd.line.first().copied() {
                let answer = crowd.lane.ask(ticket, errand, crowd.now);
                let waits = matches!(answer, Answer::Wait(until) if until.is_none_or(|until| until > crowd.now));
                // A budget for retries that ran out is told at the next call.
                let lost = matches!(&answer, Answer::Closed(closed) if closed.why == ClosedBy::RetryBudget);
                prop_assert!(waits || lost, "{first}: {answer:?}");
                if lost {
                    crowd.line.remove(0);
                }
            }
        }
    }
}
