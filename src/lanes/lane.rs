//! One account's lane: who may enter now, and what the outcomes of requests change about that.
//!
//! No clock, no client, no async: time comes in as the duration since some start. Whoever waits asks again when called.
//! Only the first in line ever is: it is nobody else's turn before it has entered or left.

use std::collections::BTreeMap;
use std::time::Duration;

use super::breaker::{Breaker, Change, Stand, Verdict};
use super::budget::RetryBudget;
use super::closed::{Closed, ClosedBy};
use super::heard::Heard;
use super::limits::Limits;
use super::window::Window;

/// What somebody wants in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Something that has not failed before.
    First,
    /// Something that is tried again after a failure.
    Retry,
    /// Something that follows on what was looked at a moment ago, and would have to be looked at again later. Enters ahead of
    /// those that wait; whoever asks for it sees to it that only so many follow on one look.
    Next,
}

/// How somebody in line is told to ask again.
pub(super) trait Call {
    /// Ask again.
    fn call(&self);
}

/// A place in line: whether at its end, and which. Lower ones enter first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(bool, u64);

/// The right to be in a lane; given back by [`Lane::release`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a place that is not given back is lost"]
pub(super) struct Admission {
    /// The name of the probe that goes with it.
    pub(super) probe: Option<Duration>,
}

/// The answer to somebody in line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// In. The ticket is used up.
    Enter(Admission),
    /// Not now, and not soon. The ticket is used up.
    Closed(Closed),
    /// In line; to be asked again at this time, if it gives one, or when the first in line is called.
    Wait(Option<Duration>),
}

/// One account's lane.
#[derive(Debug)]
pub(super) struct Lane<C> {
    limits: Limits,
    window: Window,
    breaker: Breaker,
    budget: RetryBudget,
    /// Until when Twilio asked to be left alone.
    parked_until: Duration,
    in_flight: u32,
    line: BTreeMap<Ticket, C>,
    next_ticket: u64,
    /// When somebody last asked or a request ended.
    used_at: Duration,
    jitter: fastrand::Rng,
}

impl<C: Call> Lane<C> {
    /// As of an account that nothing is known of.
    pub(super) fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            window: Window::new(limits.ceiling),
            breaker: Breaker::new(),
            budget: RetryBudget::new(limits.token),
            parked_until: Duration::ZERO,
            in_flight: 0,
            line: BTreeMap::new(),
            next_ticket: 0,
            used_at: Duration::ZERO,
            jitter: fastrand::Rng::with_seed(seed),
        }
    }

    /// Takes a place in line, and is to ask at once.
    pub(super) fn join(&mut self, errand: Errand, call: C) -> Ticket {
        let ticket = Ticket(errand != Errand::Next, self.next_ticket);
        self.next_ticket += 1;
        self.line.insert(ticket, call);
        ticket
    }

    /// Gives a place in line up, if it is not used up yet.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        let was_first = self.is_first(ticket);
        self.line.remove(&ticket);
        if was_first {
            self.call_first();
        }
    }

    /// Whether the holder of a ticket may enter now.
    pub(super) fn ask(&mut self, ticket: Ticket, errand: Errand, now: Duration) -> Answer {
        self.used_at = now;
        let answer = self.answer(ticket, errand, now);
        if !matches!(answer, Answer::Wait(_)) {
            self.leave(ticket);
        }
        answer
    }

    fn is_first(&self, ticket: Ticket) -> bool {
        self.line.first_key_value().is_some_and(|(first, _)| *first == ticket)
    }

    fn call_first(&self) {
        if let Some((_, first)) = self.line.first_key_value() {
            first.call();
        }
    }

    fn answer(&mut self, ticket: Ticket, errand: Errand, now: Duration) -> Answer {
        if let Some(due) = self.breaker.next_probe() {
            return self.answer_while_open(due, now);
        }
        let parked = self.parked_until.saturating_sub(now);
        if parked > self.limits.wait_in_line {
            return Answer::Closed(Closed { why: ClosedBy::RateLimited, until: parked });
        }
        if errand == Errand::Retry {
            let until = self.budget.until_retry(now);
            if !until.is_zero() {
                return Answer::Closed(Closed { why: ClosedBy::RetryBudget, until });
            }
        }
        if !self.is_first(ticket) {
            Answer::Wait(None)
        } else if !parked.is_zero() {
            Answer::Wait(Some(self.parked_until))
        } else if self.in_flight < self.window.width() {
            self.admit(None)
        } else {
            Answer::Wait(None)
        }
    }

    fn answer_while_open(&mut self, due: Duration, now: Duration) -> Answer {
        let due = due.max(self.parked_until);
        // What is left of before the outage must not keep the probe out, unless the budget is used up.
        if due <= now && self.in_flight < self.limits.ceiling {
            let roll = self.jitter.f64();
            let probe = self.breaker.start_probe(now, self.limits.probe, roll);
            return self.admit(probe);
        }
        let until = due.saturating_sub(now);
        let until = if until.is_zero() { self.limits.token } else { until };
        Answer::Closed(Closed { why: ClosedBy::NoAnswer, until })
    }

    fn admit(&mut self, probe: Option<Duration>) -> Answer {
        self.in_flight += 1;
        Answer::Enter(Admission { probe })
    }

    /// Somebody leaves the lane.
    pub(super) fn release(&mut self, admission: &Admission, now: Duration) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(probe) = admission.probe {
            self.breaker.end_probe(probe, now);
        }
        self.call_first();
    }

    /// A request that was sent at `sent` is over. Says whether that opened the breaker or closed it.
    pub(super) fn hear(&mut self, heard: Heard, sent: Duration, now: Duration) -> Option<Change> {
        self.used_at = now;
        match heard {
            Heard::Answered => {
                self.budget.succeeded(now);
                self.window.answered(sent, now, self.limits.avoid);
            }
            Heard::RateLimited { retry_after, concurrent } => {
                self.budget.failed(now);
                self.window.rate_limited(sent, now, concurrent);
                self.parked_until = self.parked_until.max(now + retry_after.unwrap_or_default());
            }
            Heard::NoAnswer { .. } | Heard::Unclear => {
                self.budget.failed(now);
                self.window.unanswered();
            }
        }
        let verdict = match heard {
            Heard::Answered | Heard::RateLimited { .. } => Verdict::Answered,
            Heard::NoAnswer { topic } => Verdict::Silent { topic },
            Heard::Unclear => Verdict::Unclear,
        };
        let roll = self.jitter.f64();
        let change = self.breaker.hear(verdict, sent, now, self.limits.probe, roll);
        if change == Some(Change::Closed) {
            // The end of an outage is no time for a storm.
            self.window.restart(now);
            self.budget.refill(now);
        }
        self.call_first();
        change
    }

    /// Whether nothing is lost if the lane is forgotten: nobody is in it, and it is as new, or its word is out of date.
    pub(super) fn is_forgettable(&self, now: Duration) -> bool {
        let as_new = self.window.is_as_new()
            && self.breaker.is_sound()
            && self.budget.is_full(now)
            && self.parked_until <= now;
        let out_of_date = now.saturating_sub(self.used_at.max(self.parked_until)) >= self.limits.forget;
        self.in_flight == 0 && self.line.is_empty() && (as_new || out_of_date)
    }

    /// How many may be in it at once.
    pub(super) fn width(&self) -> u32 {
        self.window.width()
    }

    /// How its breaker stands.
    pub(super) fn stand(&self) -> Stand {
        self.breaker.stand()
    }
}
