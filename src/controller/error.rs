//! Why a pass ended before it was finished, what the user reads about it, and when it is tried again.

use std::time::Duration;

use super::write::WriteError;
use crate::api::{LastError, Reason};
use crate::lanes::{Closed, ClosedBy};
use crate::twilio::{self, CredentialsError, ErrorKind};

/// What kept a pass from finishing.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The Secret does not exist.
    #[error("Secret {0} does not exist")]
    SecretMissing(String),
    /// The API server does not let the operator read the Secret.
    #[error("the operator may not read Secret {0}")]
    SecretForbidden(String),
    /// The Secret lacks a key, or a key's value cannot be right.
    #[error("Secret {secret}: {source}")]
    SecretInvalid {
        /// `namespace/name`.
        secret: String,
        /// What is wrong with it.
        source: CredentialsError,
    },
    /// The webhook's address cannot be had from the Secret that the spec names.
    #[error("key {key} of Secret {secret}: {fault}")]
    Address {
        /// `namespace/name`.
        secret: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        fault: AddressFault,
    },
    /// Twilio refused, or did not answer.
    #[error(transparent)]
    Twilio(#[from] twilio::Error),
    /// Nothing is sent for the account now.
    #[error(transparent)]
    Lane(#[from] Closed),
    /// The API server refused, or did not answer. Said in the log only: it cannot be written to the object.
    #[error("{0}")]
    Kubernetes(String),
    /// The Secret was replaced while its old content was in use.
    #[error("the Secret was replaced meanwhile")]
    Rotated,
    /// Others had the conversation, or the account's lane, for the whole time that a pass may take.
    #[error("its turn did not come in time")]
    Crowded,
    /// The operator is told to stop, and nothing is under way.
    #[error("told to stop")]
    Stopping,
    /// A step was asked for before what it needs was read.
    #[error("internal: {0}")]
    Internal(&'static str),
}

/// What is wrong with an address from a Secret. The value itself is never said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressFault {
    /// The Secret does not exist.
    #[error("the Secret does not exist")]
    SecretMissing,
    /// The API server does not let the operator read the Secret.
    #[error("the operator may not read the Secret")]
    SecretForbidden,
    /// The Secret has no such key, or its value is empty.
    #[error("the key is missing or empty")]
    KeyMissing,
    /// The value is not what `configuration.url` would take.
    #[error(
        "the value is not an absolute http or https address of at most 512 characters, without spaces and without user \
         information"
    )]
    Malformed,
}

/// When a pass is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Retry {
    /// After a growing, jittered pause, at least this long.
    Backoff(Duration),
    /// When credentials are looked at again.
    Credentials,
    /// At the object's next regular check.
    NextCheck,
    /// When somebody changes the object, or asks for it.
    Never,
}

impl From<kube::Error> for Trouble {
    fn from(error: kube::Error) -> Self {
        Self::Kubernetes(error.to_string())
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        Self::Kubernetes(error.to_string())
    }
}

impl Trouble {
    /// The reason for conditions; `None` when nothing can be said in the object.
    pub(super) fn reason(&self) -> Option<Reason> {
        Some(match self {
            Self::SecretMissing(_) | Self::SecretForbidden(_) | Self::SecretInvalid { .. } => {
                Reason::CredentialsMissing
            }
            Self::Address { .. } => Reason::InvalidConfiguration,
            Self::Twilio(error) => match error.kind() {
                ErrorKind::Credentials | ErrorKind::AccountForbidden => Reason::CredentialsRejected,
                ErrorKind::ForeignAccount => Reason::AccountMismatch,
                ErrorKind::NotFound(_) | ErrorKind::ConversationDeleting => Reason::ConversationNotFound,
                ErrorKind::ConversationClosed => Reason::ConversationClosed,
                ErrorKind::ConversationFull => Reason::ConversationFull,
                ErrorKind::InvalidConfiguration | ErrorKind::RegionUnsupported => {
                    Reason::InvalidConfiguration
                }
                ErrorKind::RateLimited => Reason::RateLimited,
                ErrorKind::ConversationBusy
                | ErrorKind::Unavailable
                | ErrorKind::CertificateNotTrusted
                | ErrorKind::UnexpectedReply => Reason::TwilioUnavailable,
            },
            Self::Lane(Closed { why, .. }) => match why {
                ClosedBy::NoAnswer | ClosedBy::RetryBudget => Reason::TwilioUnavailable,
                ClosedBy::RateLimited => Reason::RateLimited,
            },
            Self::Kubernetes(_) | Self::Rotated | Self::Crowded | Self::Stopping | Self::Internal(_) => {
                return None;
            }
        })
    }

    /// Whether a human must act.
    pub(super) fn stalled(&self) -> bool {
        matches!(self, Self::Twilio(error) if error.kind() == ErrorKind::CertificateNotTrusted)
            || self.reason().is_some_and(Reason::stalled)
    }

    /// Whether it is about the credentials, not about the webhook.
    pub(super) fn about_credentials(&self) -> bool {
        matches!(
            self.reason(),
            Some(Reason::CredentialsMissing | Reason::CredentialsRejected | Reason::AccountMismatch)
        )
    }

    /// Whether Twilio itself answered, with something else than a refusal of the credentials.
    pub(super) fn was_let_in(&self) -> bool {
        matches!(self, Self::Twilio(error) if error.code().is_some()) && !self.about_credentials()
    }

    /// When the pass is tried again.
    pub(super) fn retry(&self) -> Retry {
        match self.reason() {
            _ if matches!(self, Self::Address { .. }) => Retry::Credentials,
            // Closed is final.
            Some(Reason::ConversationClosed) => Retry::Never,
            Some(Reason::CredentialsMissing | Reason::CredentialsRejected | Reason::AccountMismatch) => {
                Retry::Credentials
            }
            Some(Reason::RateLimited | Reason::TwilioUnavailable) | None => Retry::Backoff(match self {
                Self::Twilio(error) => error.retry_after().unwrap_or_default(),
                Self::Lane(closed) => closed.until,
                _ => Duration::ZERO,
            }),
            Some(_) => Retry::NextCheck,
        }
    }

    /// Twilio's numbers, for `status.lastError`.
    pub(super) fn last_error(&self) -> Option<LastError> {
        let Self::Twilio(error) = self else { return None };
        Some(LastError {
            operation: error.operation().as_str().to_owned(),
            code: error.code().map(i64::from),
            http_status: error.status().map(i32::from),
            request_id: error.request_id().map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::Operation;

    fn api(status: u16, code: Option<u32>, retry_after: Option<Duration>) -> Trouble {
        let operation = Operation::UpdateWebhook;
        Trouble::Twilio(twilio::Error::Api { operation, status, code, request_id: None, retry_after })
    }

    const SOON: Retry = Retry::Backoff(Duration::ZERO);

    /// Twilio's codes for this resource and its general ones, each with a status that it comes with.
    #[rustfmt::skip]
    const CODES: [(u16, u32, Reason, bool, Retry); 34] = {
        use Reason::*;
        use Retry::{Credentials, NextCheck, Never};
        [
            (404, 50350, ConversationNotFound, true, NextCheck),
            (400, 50351, InvalidConfiguration, true, NextCheck),
            (400, 50363, InvalidConfiguration, true, NextCheck),
            (404, 50360, ConversationNotFound, true, NextCheck),
            (400, 50361, ConversationFull, true, NextCheck),
            (400, 50362, InvalidConfiguration, true, NextCheck),
            (400, 50366, InvalidConfiguration, true, NextCheck),
            (400, 50364, InvalidConfiguration, true, NextCheck),
            (400, 50368, InvalidConfiguration, true, NextCheck),
            (400, 50365, InvalidConfiguration, true, NextCheck),
            (400, 50370, InvalidConfiguration, true, NextCheck),
            (400, 50367, InvalidConfiguration, true, NextCheck),
            (400, 50369, InvalidConfiguration, true, NextCheck),
            (400, 50371, InvalidConfiguration, true, NextCheck),
            (400, 50372, InvalidConfiguration, true, NextCheck),
            (404, 50050, ConversationNotFound, true, NextCheck),
            (400, 50054, InvalidConfiguration, true, NextCheck),
            (400, 50055, InvalidConfiguration, true, NextCheck),
            (400, 50377, ConversationClosed, true, Never),
            (400, 50386, TwilioUnavailable, false, SOON),
            (409, 50391, TwilioUnavailable, false, SOON),
            (400, 50334, ConversationNotFound, true, NextCheck),
            (400, 50385, InvalidConfiguration, true, NextCheck),
            (401, 20003, CredentialsRejected, true, Credentials),
            (403, 20403, CredentialsRejected, true, Credentials),
            (404, 20404, ConversationNotFound, true, NextCheck),
            (409, 20409, TwilioUnavailable, false, SOON),
            (409, 20162, TwilioUnavailable, false, SOON),
            (400, 20001, InvalidConfiguration, true, NextCheck),
            (400, 21481, TwilioUnavailable, false, SOON),
            (429, 20429, RateLimited, false, SOON),
            (429, 50063, RateLimited, false, SOON),
            (429, 50074, RateLimited, false, SOON),
            (500, 20500, TwilioUnavailable, false, SOON),
        ]
    };

    #[test]
    fn every_code_of_twilios_has_its_reason_and_its_time_to_try_again() {
        for (status, code, reason, stalled, retry) in CODES {
            let trouble = api(status, Some(code), None);
            let found = (trouble.reason(), trouble.stalled(), trouble.retry());
            assert_eq!(found, (Some(reason), stalled, retry), "{code}");
        }
    }

    /// A code that the client knows means the same whatever the status; an unknown one leaves it to the status.
    #[test]
    fn the_table_above_lists_every_code_that_the_client_knows() {
        let kind = |status, code| match api(status, Some(code), None) {
            Trouble::Twilio(error) => error.kind(),
            _ => unreachable!(),
        };
        let known = (10_000..70_000).filter(|code| kind(418, *code) == kind(503, *code));
        let mut listed = CODES.map(|(_, code, ..)| code);
        listed.sort_unstable();
        assert_eq!(known.collect::<Vec<_>>(), listed);
    }

    #[test]
    fn without_a_code_the_status_decides_when_to_try_again() {
        use Reason::{CredentialsRejected, InvalidConfiguration, RateLimited, TwilioUnavailable};
        for (status, reason, stalled, retry) in [
            (400, InvalidConfiguration, true, Retry::NextCheck),
            (401, CredentialsRejected, true, Retry::Credentials),
            (403, CredentialsRejected, true, Retry::Credentials),
            (404, TwilioUnavailable, false, SOON),
            (409, TwilioUnavailable, false, SOON),
            (429, RateLimited, false, SOON),
            (500, TwilioUnavailable, false, SOON),
            (503, TwilioUnavailable, false, SOON),
        ] {
            let trouble = api(status, None, None);
            let found = (trouble.reason(), trouble.stalled(), trouble.retry());
            assert_eq!(found, (Some(reason), stalled, retry), "{status}");
        }
    }

    #[test]
    fn twilio_is_given_the_time_that_it_asks_for() {
        let wait = Duration::from_secs(7);
        assert_eq!(api(429, Some(20429), Some(wait)).retry(), Retry::Backoff(wait));
        assert_eq!(api(503, None, Some(wait)).retry(), Retry::Backoff(wait));
    }
}
