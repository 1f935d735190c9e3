//! Whether Twilio answers an account at all; while it does not, one probe at a time finds out when it does again.

use std::time::Duration;

/// Outcomes in a row without an answer that open a breaker.
const FAILURES: u32 = 5;
/// Conversations that these must be about at least: trouble with one of them says nothing about the account, and must not
/// hold up what is to be done for others.
const TOPICS: usize = 3;
/// By which part of itself the time between two probes is lengthened at most, so that accounts do not probe together.
const JITTER: f64 = 0.2;

/// Closed while Twilio answers, open while it does not.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// When the state began: the outcome of what was sent before tells nothing about it.
    since: Duration,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32, topics: Vec<Option<u64>> },
    Open { next_probe: Duration, probe: Option<Probe> },
}

#[derive(Debug)]
struct Probe {
    started: Duration,
    /// A request was sent since.
    sent: bool,
}

/// What an outcome says about Twilio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answers.
    Answered,
    /// It does not.
    Silent {
        /// Which conversation the request was about; `None`: the account itself.
        topic: Option<u64>,
    },
    /// Nothing: somebody else is in between.
    Unclear,
}

/// What an outcome did to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened,
    Closed,
}

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stand {
    /// Twilio answers.
    Closed,
    /// It does not.
    Open,
    /// It did not, and one pass is finding out.
    Probing,
}

impl Stand {
    pub(super) const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::Probing];

    /// For a metric's label.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Probing => "probing",
        }
    }
}

impl State {
    fn closed() -> Self {
        Self::Closed { failures: 0, topics: Vec::new() }
    }
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self { state: State::closed(), since: Duration::ZERO }
    }

    pub(super) fn stand(&self) -> Stand {
        match self.state {
            State::Closed { .. } => Stand::Closed,
            State::Open { probe: None, .. } => Stand::Open,
            State::Open { probe: Some(_), .. } => Stand::Probing,
        }
    }

    /// Nothing speaks against Twilio.
    pub(super) fn is_sound(&self) -> bool {
        matches!(self.state, State::Closed { failures: 0, .. })
    }

    /// When the next probe is due; `None` while closed.
    pub(super) fn next_probe(&self) -> Option<Duration> {
        match self.state {
            State::Closed { .. } => None,
            State::Open { next_probe, .. } => Some(next_probe),
        }
    }

    /// Hears how a request went that was sent at `sent`. The first probe is due after `pause`, jittered by `roll`,
    /// which is uniform in 0..1.
    pub(super) fn hear(
        &mut self,
        verdict: Verdict,
        sent: Duration,
        now: Duration,
        pause: Duration,
        roll: f64,
    ) -> Option<Change> {
        if sent < self.since {
            return None;
        }
        match &mut self.state {
            State::Closed { .. } if verdict == Verdict::Answered => self.state = State::closed(),
            State::Closed { failures, topics } => {
                let Verdict::Silent { topic } = verdict else { return None };
                *failures = failures.saturating_add(1);
                // What is about the account itself tells something each time.
                let is_news = topic.is_none() || !topics.contains(&topic);
                if topics.len() < TOPICS && is_news {
                    topics.push(topic);
                }
                if *failures >= FAILURES && topics.len() >= TOPICS {
                    self.state = State::Open { next_probe: now + jittered(pause, roll), probe: None };
                    self.since = now;
                    return Some(Change::Opened);
                }
            }
            State::Open { .. } if verdict == Verdict::Answered => {
                self.state = State::closed();
                self.since = now;
                return Some(Change::Closed);
            }
            State::Open { probe, .. } => {
                if let Some(probe) = probe.as_mut().filter(|probe| sent >= probe.started) {
                    probe.sent = true;
                }
            }
        }
        None
    }

    /// Hands the probe out, which is due, and names it by its time. The next one is due after `pause`, jittered.
    pub(super) fn start_probe(&mut self, now: Duration, pause: Duration, roll: f64) -> Option<Duration> {
        let State::Open { next_probe, probe } = &mut self.state else { return None };
        *next_probe = now + jittered(pause, roll);
        *probe = Some(Probe { started: now, sent: false });
        Some(now)
    }

    /// Who held the probe of this time is done. Unless something was sent, somebody else may probe at once.
    pub(super) fn end_probe(&mut self, started: Duration, now: Duration) {
        let State::Open { next_probe, probe } = &mut self.state else { return };
        if let Some(ended) = probe.take_if(|probe| probe.started == started)
            && !ended.sent
        {
            *next_probe = now;
        }
    }
}

/// Never shorter than the pause: at most one probe is sent in each.
fn jittered(pause: Duration, roll: f64) -> Duration {
    pause.mul_f64(1.0 + JITTER * roll.clamp(0.0, 1.0))
}
