//! One lane, a crowd that wants into it, and a Twilio that answers as a test says: in virtual time.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::decide::Timing;
use crate::lanes::breaker::Stand;
use crate::lanes::closed::Closed;
use crate::lanes::heard::Heard;
use crate::lanes::lane::{Admission, Answer, Call, Errand, Lane, Ticket};
use crate::lanes::limits::Limits;

pub(super) const REFUSED: Heard = Heard::RateLimited { retry_after: None, concurrent: None };

/// A conversation that nobody asked about before.
pub(super) fn new_topic() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// One more request without an answer, about another conversation than any before.
pub(super) fn no_answer() -> Heard {
    Heard::NoAnswer { topic: Some(new_topic()) }
}

pub(super) fn limits(ceiling: usize) -> Limits {
    Limits::new(ceiling, &Timing::REAL)
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(super) fn just_before(time: Duration) -> Duration {
    time.saturating_sub(Duration::from_nanos(1))
}

/// Writes down who was called.
#[derive(Clone, Debug)]
pub(super) struct Bell {
    who: usize,
    calls: Rc<RefCell<VecDeque<usize>>>,
}

impl Bell {
    pub(super) fn new(who: usize, calls: &Rc<RefCell<VecDeque<usize>>>) -> Self {
        Self { who, calls: Rc::clone(calls) }
    }
}

impl Call for Bell {
    fn call(&self) {
        self.calls.borrow_mut().push_back(self.who);
    }
}

/// A lane without anybody who has to be called.
pub(super) fn lane(ceiling: usize) -> Lane<Bell> {
    Lane::new(limits(ceiling), 7)
}

/// Joins and asks once.
pub(super) fn try_enter(lane: &mut Lane<Bell>, errand: Errand, now: Duration) -> Answer {
    let ticket = lane.join(errand, Bell::new(0, &Rc::default()));
    lane.ask(ticket, errand, now)
}

pub(super) fn admitted(answer: Answer) -> Admission {
    match answer {
        Answer::Enter(admission) => admission,
        other => panic!("{other:?}"),
    }
}

pub(super) fn closed(answer: Answer) -> Closed {
    match answer {
        Answer::Closed(closed) => closed,
        other => panic!("{other:?}"),
    }
}

/// Five requests without an answer.
pub(super) fn break_down(lane: &mut Lane<Bell>, now: Duration) {
    for _ in 0..5 {
        lane.hear(no_answer(), now, now);
    }
    assert_eq!(lane.stand(), Stand::Open);
}

/// A request that was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) at: Duration,
    pub(super) heard: Heard,
    /// Passes in the lane, this one included.
    pub(super) in_flight: u32,
    /// Width of the lane when it was sent.
    pub(super) width: u32,
    pub(super) errand: Errand,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Start(usize),
    Ask(usize),
    Done(usize),
}

#[derive(Debug)]
struct Worker {
    errand: Errand,
    ticket: Option<Ticket>,
    request: Option<(Admission, Heard, Duration)>,
    failures: u32,
}

/// A crowd that wants into the lane again and again.
pub(super) struct World<T> {
    pub(super) lane: Lane<Bell>,
    pub(super) now: Duration,
    pub(super) sent: Vec<Sent>,
    ceiling: u32,
    /// How Twilio answers a request: at this time, with so many others under way that it has not refused.
    twilio: T,
    /// Those that failed say so, and pause ever longer.
    backs_off: bool,
    workers: Vec<Worker>,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    number: u64,
    calls: Rc<RefCell<VecDeque<usize>>>,
    in_flight: u32,
    at_twilio: u32,
    rng: fastrand::Rng,
}

impl<T: FnMut(Duration, u32) -> (Heard, Duration)> World<T> {
    pub(super) fn new(limits: Limits, workers: usize, backs_off: bool, twilio: T) -> Self {
        let mut world = Self {
            lane: Lane::new(limits, 11),
            now: Duration::ZERO,
            sent: Vec::new(),
            ceiling: limits.ceiling,
            twilio,
            backs_off,
            workers: (0..workers)
                .map(|_| Worker { errand: Errand::First, ticket: None, request: None, failures: 0 })
                .collect(),
            events: BinaryHeap::new(),
            number: 0,
            calls: Rc::default(),
            in_flight: 0,
            at_twilio: 0,
            rng: fastrand::Rng::with_seed(3),
        };
        for who in 0..workers {
            world.plan(Duration::ZERO, Event::Start(who));
        }
        world
    }

    fn plan(&mut self, at: Duration, event: Event) {
        self.number += 1;
        self.events.push(Reverse((at, self.number, event)));
    }

    pub(super) fn run_until(&mut self, end: Duration) {
        while let Some(Reverse((at, _, _))) = self.events.peek()
            && *at <= end
        {
            let Some(Reverse((at, _, event))) = self.events.pop() else { return };
            self.now = at;
            match event {
                Event::Start(who) => {
                    let bell = Bell::new(who, &self.calls);
                    self.workers[who].ticket = Some(self.lane.join(self.workers[who].errand, bell));
                    self.ask(who);
                }
                Event::Ask(who) => self.ask(who),
                Event::Done(who) => self.done(who),
            }
            loop {
                let called = self.calls.borrow_mut().pop_front();
                let Some(who) = called else { break };
                self.ask(who);
            }
            let width = self.lane.width();
            assert!((1..=self.ceiling).contains(&width), "width {width}");
            assert!(self.in_flight <= self.ceiling, "{} in flight", self.in_flight);
        }
        self.now = end;
    }

    fn ask(&mut self, who: usize) {
        let Some(ticket) = self.workers[who].ticket else { return };
        match self.lane.ask(ticket, self.workers[who].errand, self.now) {
            Answer::Wait(None) => {}
            Answer::Wait(Some(until)) => self.plan(until, Event::Ask(who)),
            Answer::Closed(closed) => {
                assert!(!closed.until.is_zero());
                self.workers[who].ticket = None;
                let pause = self.pause(who).max(closed.until);
                self.plan(self.now + pause, Event::Start(who));
            }
            Answer::Enter(admission) => {
                self.workers[who].ticket = None;
                let probes = admission.probe.is_some();
                self.in_flight += 1;
                let (heard, latency) = (self.twilio)(self.now, self.at_twilio);
                self.at_twilio += u32::from(!matches!(heard, Heard::RateLimited { .. }));
                let (in_flight, width, errand) =
                    (self.in_flight, self.lane.width(), self.workers[who].errand);
                assert!(probes || in_flight <= width, "{in_flight} in a lane {width} wide");
                self.sent.push(Sent { at: self.now, heard, in_flight, width, errand });
                self.workers[who].request = Some((admission, heard, self.now));
                self.plan(self.now + latency, Event::Done(who));
            }
        }
    }

    fn done(&mut self, who: usize) {
        let Some((admission, heard, sent)) = self.workers[who].request.take() else { return };
        self.at_twilio -= u32::from(!matches!(heard, Heard::RateLimited { .. }));
        self.in_flight -= 1;
        self.lane.hear(heard, sent, self.now);
        self.lane.release(&admission, self.now);
        let pause = if heard == Heard::Answered {
            self.workers[who].failures = 0;
            self.workers[who].errand = Errand::First;
            millis(1)
        } else {
            self.pause(who)
        };
        self.plan(self.now + pause, Event::Start(who));
    }

    /// After a failure: none, or an exponential one with full jitter, as passes have it.
    fn pause(&mut self, who: usize) -> Duration {
        if !self.backs_off {
            return millis(1);
        }
        let worker = &mut self.workers[who];
        worker.failures += 1;
        worker.errand = Errand::Retry;
        let longest = Timing::REAL.backoff.1;
        let ceiling = secs(1).saturating_mul(2_u32.saturating_pow(worker.failures - 1)).min(longest);
        ceiling.mul_f64(self.rng.f64().max(0.05))
    }
}
