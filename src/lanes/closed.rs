//! The answer to who may not enter a lane now.

use std::time::Duration;

/// A lane takes nobody in for longer than is waited in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing is sent for the account for {until:?}: {why}")]
pub struct Closed {
    /// What closed it.
    pub why: ClosedBy,
    /// How long from now it is of no use to ask again; never zero.
    pub until: Duration,
}

/// What closed a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ClosedBy {
    /// Twilio did not answer the account's last requests.
    #[error("Twilio did not answer its last requests")]
    NoAnswer,
    /// Twilio asked to be left alone for a while (`Retry-After` of a 429).
    #[error("Twilio asked to wait")]
    RateLimited,
    /// Too much failed of late to try anything again; first tries are let in.
    #[error("too much failed of late to try again")]
    RetryBudget,
}

impl ClosedBy {
    /// For a metric's label.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NoAnswer => "no_answer",
            Self::RateLimited => "rate_limited",
            Self::RetryBudget => "retry_budget",
        }
    }
}
