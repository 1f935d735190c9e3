//! What a lane hears of a request.

use std::time::Duration;

use crate::twilio::{Exchange, Outcome};

/// How a request went, as far as a lane cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Twilio answered, be it with a refusal.
    Answered,
    /// Twilio answered with a 429.
    RateLimited {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
        /// Requests that the account had in flight, those of its own applications included.
        concurrent: Option<u32>,
    },
    /// No answer of Twilio's own: none at all, a gateway's, or a sign of trouble.
    NoAnswer {
        /// Which conversation it was about; `None`: the account itself.
        topic: Option<u64>,
    },
    /// Somebody else is in between, with a page or a certificate of its own: nothing is known of Twilio.
    Unclear,
}

impl Heard {
    /// Of a request as the client tells it.
    pub(super) fn of(exchange: &Exchange<'_>) -> Self {
        match exchange.outcome {
            Outcome::ApiError { status: 429, .. } => Self::RateLimited {
                retry_after: exchange.retry_after,
                concurrent: exchange.concurrent_requests,
            },
            // The same statuses after which it is unknown whether a create was carried out.
            Outcome::ApiError { status: 408 | 425 | 499 | 500.., .. }
            | Outcome::Unanswered
            | Outcome::NotSent => Self::NoAnswer { topic: exchange.topic },
            Outcome::Unusable | Outcome::NotTrusted => Self::Unclear,
            Outcome::Ok | Outcome::ForeignAccount | Outcome::ApiError { .. } => Self::Answered,
        }
    }
}
