//! The hook that metrics and adaptive limits hang on: told once about each request, after it.

use std::time::Duration;

use super::error::Error;
use super::operation::Operation;
use super::sid::AccountSid;

/// Hears of every request. Called on the request's own task: it must not block.
pub trait Observer: Send + Sync {
    /// One request is over.
    fn observe(&self, exchange: &Exchange<'_>);
}

/// One request and how it went.
#[derive(Debug, Clone)]
pub struct Exchange<'a> {
    /// What was asked.
    pub operation: Operation,
    /// The account whose credentials were used.
    pub account: &'a AccountSid,
    /// How it went.
    pub outcome: Outcome,
    /// From before the connection to after the answer's last byte.
    pub duration: Duration,
    /// Requests that the account had in flight, as Twilio counts them (`Twilio-Concurrent-Requests`).
    pub concurrent_requests: Option<u32>,
}

/// How a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Answered as hoped.
    Ok,
    /// Answered with an error.
    ApiError {
        /// HTTP status.
        status: u16,
        /// Twilio's error code.
        code: Option<u32>,
    },
    /// Answered with something else than Twilio's API answers: a redirect, another account, not JSON.
    Unusable,
    /// No whole answer: timeout, broken connection.
    Unanswered,
    /// Nothing was written to a socket.
    NotSent,
}

impl Outcome {
    /// A short name for a metric's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ApiError { .. } => "api_error",
            Self::Unusable => "unusable",
            Self::Unanswered => "unanswered",
            Self::NotSent => "not_sent",
        }
    }

    pub(super) fn of<T>(result: &Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(Error::Api { status, code, .. }) => Self::ApiError { status: *status, code: *code },
            Err(Error::NotSent { .. } | Error::CertificateNotTrusted { .. }) => Self::NotSent,
            Err(Error::Timeout { .. } | Error::Transport { .. }) => Self::Unanswered,
            Err(
                Error::InvalidReply { .. }
                | Error::Redirected { .. }
                | Error::ForeignAccount { .. }
                | Error::EndlessPages { .. },
            ) => Self::Unusable,
        }
    }
}
