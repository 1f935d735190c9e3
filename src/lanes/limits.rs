//! The numbers that a lane goes by, in one value, so that tests scale the times together.

use std::time::Duration;

use crate::decide::Timing;

/// What a lane goes by. The times keep their ratios to those of [`Timing`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Passes of one account that may be in the lane at once, at most; at least 1.
    pub ceiling: u32,
    /// The longest `Retry-After` that is waited for in line; 15 s.
    pub wait_in_line: Duration,
    /// Between two probes of a Twilio that does not answer, at least; 30 s.
    pub probe: Duration,
    /// How long a window that drew a 429 is not reached again; 1 min.
    pub avoid: Duration,
    /// The time in which the retry budget gets a token back; 3 s.
    pub token: Duration,
    /// A lane that nobody asked for as long is forgotten in whatever state; 1 h.
    pub forget: Duration,
}

impl Limits {
    /// The limits for at most `ceiling` passes of an account at once; 0 is taken for 1.
    #[must_use]
    pub fn new(ceiling: usize, timing: &Timing) -> Self {
        let probe = timing.credentials_poll;
        Self {
            ceiling: u32::try_from(ceiling).unwrap_or(u32::MAX).max(1),
            wait_in_line: timing.request,
            probe,
            avoid: probe * 2,
            token: probe / 10,
            forget: probe * 120,
        }
    }
}
