//! How much may be tried again, as gRPC throttles retries: a Twilio in trouble is spared second tries, never first ones.

use std::time::Duration;

/// Tokens at the start, and at most.
const TOKENS: u32 = 20;
/// Retries are let in while there are more tokens than these.
const RESERVE: u32 = 10;

/// Tokens, counted as the time in which they come back.
#[derive(Debug)]
pub(super) struct RetryBudget {
    /// In which one token comes back.
    token: Duration,
    level: Duration,
    /// When the level was as it says.
    at: Duration,
}

impl RetryBudget {
    /// Full.
    pub(super) fn new(token: Duration) -> Self {
        Self { token, level: token * TOKENS, at: Duration::ZERO }
    }

    /// A request failed: one token less.
    pub(super) fn failed(&mut self, now: Duration) {
        self.set(self.level(now).saturating_sub(self.token), now);
    }

    /// A request went well: half a token more.
    pub(super) fn succeeded(&mut self, now: Duration) {
        self.set(self.level(now).saturating_add(self.token / 2), now);
    }

    /// As at the start.
    pub(super) fn refill(&mut self, now: Duration) {
        self.set(self.full(), now);
    }

    /// How long until something may be tried again; zero if it may be now.
    pub(super) fn until_retry(&self, now: Duration) -> Duration {
        let enough = self.token * RESERVE + Duration::from_nanos(1);
        enough.saturating_sub(self.level(now))
    }

    pub(super) fn is_full(&self, now: Duration) -> bool {
        self.level(now) == self.full()
    }

    fn full(&self) -> Duration {
        self.token * TOKENS
    }

    fn level(&self, now: Duration) -> Duration {
        self.level.saturating_add(now.saturating_sub(self.at)).min(self.full())
    }

    fn set(&mut self, level: Duration, now: Duration) {
        self.level = level.min(self.full());
        self.at = self.at.max(now);
    }
}
