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
