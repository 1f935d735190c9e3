//! How many changes a second something admits: a window of one second, counted.

use jiff::{SignedDuration, Timestamp};

use crate::api::Refusal;

const WINDOW: SignedDuration = SignedDuration::from_secs(1);

/// The changes of the present window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    since: Timestamp,
    changes: u32,
}

impl Pace {
    /// Counts a change, or refuses it when there were `limit` within this second.
    pub(crate) fn step(&mut self, now: Timestamp, limit: Option<u32>) -> Result<(), Refusal> {
        let Some(limit) = limit else { return Ok(()) };
        if now.duration_since(self.since) >= WINDOW {
            *self = Self { since: now, changes: 0 };
        }
        if self.changes >= limit {
            return Err(Refusal::TooFast);
        }
        self.changes += 1;
        Ok(())
    }
}
