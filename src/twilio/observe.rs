//! The hook that metrics and adaptive limits hang on: told once about each request, after it.

use std::sync::Arc;
use std::time::Duration;

use super::credentials::Door;
use super::error::Error;
use super::operation::Operation;

/// Hears of every request. Called on the request's own task: it must not block.
pub trait Observer: Send + Sync {
    /// One request is over.
    fn observe(&self, exchange: &Exchange<'_>);
}

/// Several hear of every request, one after the other.
impl Observer for Vec<Arc<dyn Observer>> {
    fn observe(&self, exchange: &Exchange<'_>) {
        for observer in self {
            observer.observe(exchange);
        }
    }
}

/// One request and how it went.
#[derive(Debug, Clone)]
pub struct Exchange<'a> {
    /// What was asked.
    pub operation: Operation,
    /// Where it went in: account, region and edge of the credentials.
    pub door: &'a Door,
    /// Tells requests about different conversations apart; `None` for one about the account itself.
    pub topic: Option<u64>,
    /// How it went.
    pub outcome: Outcome,
    /// From before the connection to after the answer's last byte.
    pub duration: Duration,
    /// Requests that the account had in flight, as Twilio counts them (`Twilio-Concurrent-Requests`).
    pub concurrent_requests: Option<u32>,
    /// How long Twilio asks to wait (`Retry-After` of an error, in seconds), at most an hour.
    pub retry_after: Option<Duration>,
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
    /// Answered with something else than Twilio's API answers: a redirect, not JSON.
    Unusable,
    /// Answered by Twilio, from another account than the credentials declare.
    ForeignAccount,
    /// No whole answer: timeout, broken connection.
    Unanswered,
    /// Nothing was written to a socket.
    NotSent,
    /// Nothing was written, because the server's certificate is not trusted.
    NotTrusted,
}

impl Outcome {
    /// A short name for a metric's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ApiError { .. } => "api_error",
            Self::Unusable => "unusable",
            Self::ForeignAccount => "foreign_account",
            Self::Unanswered => "unanswered",
            Self::NotSent => "not_sent",
            Self::NotTrusted => "not_trusted",
        }
    }

    pub(super) fn of<T>(result: &Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(Error::Api { status, code, .. }) => Self::ApiError { status: *status, code: *code },
            Err(Error::NotSent { .. }) => Self::NotSent,
            Err(Error::CertificateNotTrusted { .. }) => Self::NotTrusted,
            Err(Error::ForeignAccount { .. }) => Self::ForeignAccount,
            Err(Error::Timeout { .. } | Error::Transport { .. }) => Self::Unanswered,
            Err(Error::InvalidReply { .. } | Error::Redirected { .. } | Error::EndlessPages { .. }) => {
                Self::Unusable
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::twilio::{AccountSid, Region};

    #[derive(Default)]
    struct Listener(Mutex<Vec<Option<Duration>>>);

    impl Observer for Listener {
        fn observe(&self, exchange: &Exchange<'_>) {
            self.0.lock().unwrap().push(exchange.retry_after);
        }
    }

    #[test]
    fn each_of_several_observers_hears_of_a_request_once() {
        let listeners = [Arc::new(Listener::default()), Arc::new(Listener::default())];
        let all: Vec<Arc<dyn Observer>> = vec![listeners[0].clone(), listeners[1].clone()];
        let account = format!("AC{}", "1".repeat(32)).parse().unwrap();
        let door = Door { account, region: Region::default(), edge: None };
        all.observe(&Exchange {
            operation: Operation::ListWebhooks,
            door: &door,
            topic: Some(0),
            outcome: Outcome::Ok,
            duration: Duration::ZERO,
            concurrent_requests: None,
            retry_after: Some(Duration::from_secs(3)),
        });
        for listener in listeners {
            assert_eq!(*listener.0.lock().unwrap(), [Some(Duration::from_secs(3))]);
        }
    }

    #[test]
    fn an_answer_from_another_account_is_an_answer() {
        let account = |digit: &str| -> AccountSid { format!("AC{}", digit.repeat(32)).parse().unwrap() };
        let operation = Operation::ListWebhooks;
        let foreign = Error::ForeignAccount { operation, expected: account("1"), found: account("2") };
        assert_eq!(Outcome::of::<()>(&Err(foreign)), Outcome::ForeignAccount);
    }
}
