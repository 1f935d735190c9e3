//! What went wrong with one request, and what is known after a create.
//!
//! An error holds numbers, enumerations and SIDs: no body, no text of Twilio's, no URL, no credential can get into
//! one, so that it may be logged and shown as it is.

use std::fmt;
use std::io;
use std::time::Duration;

use super::kind::{self, ErrorKind};
use super::operation::Operation;
use super::sid::AccountSid;
use super::webhook::Webhook;

/// Why an operation gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Twilio, or something before it, answered with an error.
    #[error("{operation}: answered with status {status}{}", OfCode(*code))]
    Api {
        /// What was asked.
        operation: Operation,
        /// HTTP status, 400 to 599.
        status: u16,
        /// Twilio's error code; `None` where the answer carried none, as a proxy's does.
        code: Option<u32>,
        /// Twilio's name of the request, for its support.
        request_id: Option<String>,
        /// `Retry-After`, where given in seconds; at most an hour.
        retry_after: Option<Duration>,
    },
    /// Nothing of the request was written to a socket.
    #[error("{operation}: not sent: {reason}")]
    NotSent {
        /// What was asked.
        operation: Operation,
        /// Why it was not sent.
        reason: NotSent,
    },
    /// The server's certificate is not trusted. Nothing of the request was written.
    #[error("{operation}: not sent: the server's certificate is not trusted: {fault}")]
    CertificateNotTrusted {
        /// What was asked.
        operation: Operation,
        /// What is wrong with the certificate.
        fault: CertificateFault,
    },
    /// No whole answer in time. The request may have been carried out.
    #[error("{operation}: no answer in time")]
    Timeout {
        /// What was asked.
        operation: Operation,
    },
    /// The connection broke before the answer was whole. The request may have been carried out.
    #[error("{operation}: the connection broke{}", OfIo(*cause))]
    Transport {
        /// What was asked.
        operation: Operation,
        /// What the operating system says, where it does.
        cause: Option<io::ErrorKind>,
    },
    /// An answer that is not what Twilio's API answers. The request may have been carried out.
    #[error("{operation}: unusable answer with status {status}: {what}")]
    InvalidReply {
        /// What was asked.
        operation: Operation,
        /// HTTP status.
        status: u16,
        /// Twilio's name of the request.
        request_id: Option<String>,
        /// What is wrong with the answer.
        what: ReplyFault,
    },
    /// An answer that points elsewhere: not followed, since credentials would follow too.
    #[error("{operation}: answered with a redirect, status {status}, which is not followed")]
    Redirected {
        /// What was asked.
        operation: Operation,
        /// HTTP status, 300 to 399.
        status: u16,
    },
    /// The answer is about another account than the one that the credentials declare.
    #[error("{operation}: the credentials are declared for account {expected}, the answer is from {found}")]
    ForeignAccount {
        /// What was asked.
        operation: Operation,
        /// The account that the Secret declares.
        expected: AccountSid,
        /// The account that answered.
        found: AccountSid,
    },
    /// A list whose pages do not end.
    #[error("{operation}: the pages of the list do not end")]
    EndlessPages {
        /// What was asked.
        operation: Operation,
    },
}

/// Why nothing was written to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotSent {
    /// The host's name has no address.
    #[error("the host name cannot be resolved")]
    Dns,
    /// No connection, says the operating system.
    #[error("cannot connect: {0}")]
    Connect(io::ErrorKind),
    /// The proxy of `HTTPS_PROXY` was reached and lets nobody through.
    #[error("the proxy gives no connection")]
    Proxy,
    /// No connection in time.
    #[error("no connection in time")]
    Timeout,
    /// No TLS session, for another reason than the certificate.
    #[error("no TLS session")]
    Tls,
    /// The name cannot be one segment of a URL's path: it is empty, or a dot or two.
    #[error("the unique name cannot be addressed")]
    Name,
    /// [`Target::Unknown`](super::Target::Unknown) is only ever read.
    #[error("the target is unknown")]
    Target,
    /// The request cannot be put together; not expected to happen.
    #[error("the request cannot be built")]
    Request,
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CertificateFault {
    /// No trusted authority signed it.
    #[error("unknown issuer")]
    UnknownIssuer,
    /// It is over, or not yet begun: or the clock is wrong.
    #[error("outside its validity period")]
    NotValidNow,
    /// It is another host's.
    #[error("made for another host name")]
    WrongName,
    /// It was revoked.
    #[error("revoked")]
    Revoked,
    /// Anything else.
    #[error("invalid")]
    Invalid,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ReplyFault {
    /// A status that the operation never has.
    #[error("unexpected status")]
    UnexpectedStatus,
    /// No body.
    #[error("empty")]
    Empty,
    /// A web page: something in between answered.
    #[error("HTML instead of JSON")]
    Html,
    /// Not JSON.
    #[error("not JSON")]
    NotJson,
    /// JSON that stops in the middle.
    #[error("truncated")]
    Truncated,
    /// More than is read.
    #[error("too large")]
    TooLarge,
    /// JSON with a field missing or of another form.
    #[error("JSON of another shape")]
    Shape,
    /// About another conversation than was asked for.
    #[error("about another conversation")]
    OtherConversation,
    /// About another webhook than was asked for.
    #[error("about another webhook")]
    OtherWebhook,
    /// The next page is not one of the list that was asked for.
    #[error("the next page belongs to something else")]
    ForeignPage,
}

impl Error {
    /// What was asked.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::Api { operation, .. }
            | Self::NotSent { operation, .. }
            | Self::CertificateNotTrusted { operation, .. }
            | Self::Timeout { operation }
            | Self::Transport { operation, .. }
            | Self::InvalidReply { operation, .. }
            | Self::Redirected { operation, .. }
            | Self::ForeignAccount { operation, .. }
            | Self::EndlessPages { operation } => *operation,
        }
    }

    /// Twilio's error code, where the answer carried one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Api { code, .. } => *code,
            _ => None,
        }
    }

    /// HTTP status, where there was an answer whose status says something.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. }
            | Self::InvalidReply { status, .. }
            | Self::Redirected { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Twilio's name of the request (`RQ…`), for its support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Api { request_id, .. } | Self::InvalidReply { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }

    /// How long Twilio asks to wait, at most an hour.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether Twilio itself says that the thing, or the conversation that it hangs on, is not there: 404 with code
    /// 20404, 50350 or 50360. Only as good as the proof that the credentials are the right account's.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api { status: 404, code: Some(20404 | 50350 | 50360), .. })
    }

    /// Which sort of trouble this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Api { operation, status, code, .. } => kind::of_api_error(*operation, *status, *code),
            Self::NotSent { reason: NotSent::Name | NotSent::Target, .. } => ErrorKind::InvalidConfiguration,
            Self::NotSent { .. } | Self::Timeout { .. } | Self::Transport { .. } => ErrorKind::Unavailable,
            Self::CertificateNotTrusted { .. } => ErrorKind::CertificateNotTrusted,
            Self::ForeignAccount { .. } => ErrorKind::ForeignAccount,
            Self::InvalidReply { .. } | Self::Redirected { .. } | Self::EndlessPages { .. } => {
                ErrorKind::UnexpectedReply
            }
        }
    }

    /// Whether the request was certainly not carried out: nothing of it was written, or it was refused. The statuses
    /// 408, 425 and 499 are no refusal, since a gateway may say them of a request that Twilio has already got.
    #[must_use]
    pub fn is_certainly_not_done(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::CertificateNotTrusted { .. } => true,
            Self::Api { status, .. } => matches!(status, 400..=499) && !matches!(status, 408 | 425 | 499),
            Self::Timeout { .. }
            | Self::Transport { .. }
            | Self::InvalidReply { .. }
            | Self::Redirected { .. }
            | Self::ForeignAccount { .. }
            | Self::EndlessPages { .. } => false,
        }
    }
}

/// What is known after a create was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an unknown outcome must be resolved before anything is created again"]
pub enum CreateOutcome {
    /// There is a webhook, and this is it.
    Created(Webhook),
    /// There is none by this request: nothing of it was written, or Twilio refused it.
    NotCreated(Error),
    /// There may be one. Only a later look at the list tells.
    Unknown(Error),
}

impl From<Result<Webhook, Error>> for CreateOutcome {
    fn from(result: Result<Webhook, Error>) -> Self {
        match result {
            Ok(webhook) => Self::Created(webhook),
            Err(error) if error.is_certainly_not_done() => Self::NotCreated(error),
            Err(error) => Self::Unknown(error),
        }
    }
}

struct OfCode(Option<u32>);

impl fmt::Display for OfCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, ", Twilio error {code}"),
            None => f.write_str(", no Twilio error code"),
        }
    }
}

struct OfIo(Option<io::ErrorKind>);

impl fmt::Display for OfIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATION: Operation = Operation::CreateWebhook;

    fn api(status: u16, code: Option<u32>) -> Error {
        Error::Api { operation: OPERATION, status, code, request_id: None, retry_after: None }
    }

    fn invalid(status: u16, what: ReplyFault) -> Error {
        Error::InvalidReply { operation: OPERATION, status, request_id: None, what }
    }

    fn outcome(error: Error) -> &'static str {
        match CreateOutcome::from(Err(error)) {
            CreateOutcome::Created(_) => "created",
            CreateOutcome::NotCreated(_) => "not created",
            CreateOutcome::Unknown(_) => "unknown",
        }
    }

    #[test]
    fn a_refused_or_unsent_create_made_nothing() {
        for error in [
            Error::NotSent { operation: OPERATION, reason: NotSent::Dns },
            Error::NotSent { operation: OPERATION, reason: NotSent::Timeout },
            Error::CertificateNotTrusted { operation: OPERATION, fault: CertificateFault::UnknownIssuer },
            api(400, Some(50361)),
            api(401, None),
            api(403, None),
            api(404, Some(20404)),
            api(409, Some(20409)),
            api(429, Some(20429)),
            api(429, None),
        ] {
            assert_eq!(outcome(error.clone()), "not created", "{error}");
        }
    }

    #[test]
    fn every_other_create_may_have_made_something() {
        let account = |digit: &str| format!("AC{}", digit.repeat(32)).parse().unwrap();
        for error in [
            api(408, None),
            api(425, None),
            api(499, None),
            api(500, Some(20500)),
            api(503, None),
            api(500, Some(50361)),
            Error::Timeout { operation: OPERATION },
            Error::Transport { operation: OPERATION, cause: Some(io::ErrorKind::ConnectionReset) },
            invalid(201, ReplyFault::Truncated),
            invalid(201, ReplyFault::OtherConversation),
            Error::Redirected { operation: OPERATION, status: 307 },
            Error::ForeignAccount { operation: OPERATION, expected: account("1"), found: account("2") },
        ] {
            assert_eq!(outcome(error.clone()), "unknown", "{error}");
        }
    }

    #[test]
    fn absence_needs_the_status_and_a_code_of_twilios() {
        for code in [20404, 50350, 50360] {
            assert!(api(404, Some(code)).is_not_found());
            assert!(!api(500, Some(code)).is_not_found());
        }
        assert!(!api(404, None).is_not_found());
        assert!(!api(404, Some(50050)).is_not_found());
        assert!(!invalid(404, ReplyFault::Html).is_not_found());
    }

    #[test]
    fn texts_say_what_happened() {
        for (error, text) in [
            (api(400, Some(50361)), "create_webhook: answered with status 400, Twilio error 50361"),
            (api(502, None), "create_webhook: answered with status 502, no Twilio error code"),
            (
                Error::NotSent {
                    operation: OPERATION,
                    reason: NotSent::Connect(io::ErrorKind::ConnectionRefused),
                },
                "create_webhook: not sent: cannot connect: connection refused",
            ),
            (Error::Transport { operation: OPERATION, cause: None }, "create_webhook: the connection broke"),
            (
                invalid(200, ReplyFault::Html),
                "create_webhook: unusable answer with status 200: HTML instead of JSON",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
