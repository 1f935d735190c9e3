//! The windows of the protocol, in one value, so that tests scale them together.
//!
//! Safety rests on their ratios: the whole window is what a create can take to be sent, answered and listed. The
//! values are durations; no clock is read here.

use std::time::Duration;

/// How long each step of the protocol may take, and how long one waits before an absence is believed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// From the decision to create until the request must be on its way (`notAfter`).
    pub send: Duration,
    /// One request to Twilio, connecting included.
    pub request: Duration,
    /// From the end of a request until its effect shows in every list; also the time between two looks.
    pub settle: Duration,
    /// Age up to which one list of a conversation's webhooks serves all its objects.
    pub board: Duration,
    /// Between two looks at credentials that are missing or refused.
    pub credentials_poll: Duration,
    /// First and longest pause after a failed pass; the pauses between grow and are jittered.
    pub backoff: (Duration, Duration),
    /// The time over which repairs of one webhook are counted.
    pub contention: Duration,
    /// One pass, waits for others included.
    pub pass: Duration,
}

impl Timing {
    /// The values that production uses.
    pub const REAL: Self = Self {
        send: Duration::from_secs(10),
        request: Duration::from_secs(15),
        settle: Duration::from_secs(30),
        board: Duration::from_secs(2),
        credentials_poll: Duration::from_secs(30),
        backoff: (Duration::from_secs(1), Duration::from_mins(5)),
        contention: Duration::from_hours(24),
        pass: Duration::from_mins(5),
    };

    /// Every value times `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let Self { send, request, settle, board, credentials_poll, backoff, contention, pass } = self;
        Self {
            send: send.mul_f64(factor),
            request: request.mul_f64(factor),
            settle: settle.mul_f64(factor),
            board: board.mul_f64(factor),
            credentials_poll: credentials_poll.mul_f64(factor),
            backoff: (backoff.0.mul_f64(factor), backoff.1.mul_f64(factor)),
            contention: contention.mul_f64(factor),
            pass: pass.mul_f64(factor),
        }
    }

    /// From the first sight of an attempt until its outcome can be read from a list.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.send + self.request + self.settle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_keeps_the_ratios_that_safety_rests_on() {
        let scaled = Timing::REAL.scaled(0.02);
        assert_eq!(scaled.window(), Timing::REAL.window().mul_f64(0.02));
        assert_eq!(scaled.window(), Duration::from_millis(1100));
    }
}
