//! What befalls a request, or the process that sends it.

use std::fmt;
use std::time::Duration;

use super::point::{Kind, Layer};

/// How much later than its client was cut off a delayed request is carried out. Later than a process that takes over
/// needs to start, and within the time that a request to Twilio may take to be carried out and to show (15 s and 30 s,
/// under the matrix's scale).
pub(super) const DELAY: Duration = Duration::from_millis(600);

/// What befalls one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Blow {
    /// Nothing: the interference alone.
    Fine,
    /// It is refused for what it asks, and not carried out.
    Refused,
    /// It is not let in now, and not carried out.
    TurnedAway,
    /// It is carried out, and the connection breaks instead of a reply.
    ReplyLost,
    /// It is carried out, and answered with 500.
    ErrorAfterCommit,
    /// The connection breaks, and then it is carried out.
    DelayedCommit,
    /// The process is killed before the request gets through.
    CrashBefore,
    /// The process is killed when the request was carried out, before it hears of that.
    CrashAfter,
    /// The process is killed, and then the request is carried out.
    CrashDelayed,
}

impl Blow {
    pub(super) const ALL: [Self; 9] = [
        Self::Fine,
        Self::Refused,
        Self::TurnedAway,
        Self::ReplyLost,
        Self::ErrorAfterCommit,
        Self::DelayedCommit,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::CrashDelayed,
    ];

    /// Whether the process is killed.
    pub(super) const fn kills(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter | Self::CrashDelayed)
    }

    /// Whether the request is carried out before the interference, which happens at the last moment before the
    /// process learns how it ended.
    pub(super) const fn commits_first(self) -> bool {
        matches!(self, Self::ReplyLost | Self::ErrorAfterCommit | Self::CrashAfter)
    }

    /// Why it does not apply to a request of this kind, where it does not.
    pub(super) const fn excluded(self, kind: &Kind) -> Option<&'static str> {
        if kind.is_write {
            return None;
        }
        match self {
            Self::Refused => Some(
                "a read that is refused says what is missing or forbidden: `states` and `reasons` test that",
            ),
            Self::ErrorAfterCommit => Some("a read that fails is turned away: nothing was carried out"),
            Self::DelayedCommit | Self::CrashDelayed => Some("a read changes nothing, early or late"),
            _ => None,
        }
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fine => "fine",
            Self::Refused => "refused",
            Self::TurnedAway => "turned away",
            Self::ReplyLost => "reply lost",
            Self::ErrorAfterCommit => "500 after commit",
            Self::DelayedCommit => "delayed commit",
            Self::CrashBefore => "crash before",
            Self::CrashAfter => "crash after",
            Self::CrashDelayed => "crash, delayed commit",
        })
    }
}

/// A refusal of a write as this layer really gives it: status and body.
pub(super) fn refusal(kind: &Kind) -> (u16, String) {
    match kind.layer {
        // The conversation is being changed by another request.
        Layer::Twilio => (400, twilio_error(400, 50386)),
        Layer::Kube if kind.what.ends_with("events") => (403, kube_status(403, "Forbidden")),
        Layer::Kube => (409, kube_status(409, "Conflict")),
    }
}

/// The answer of a layer that has too much to do.
pub(super) fn turned_away(layer: Layer) -> (u16, String) {
    match layer {
        Layer::Twilio => (429, twilio_error(429, 20429)),
        Layer::Kube => (503, kube_status(503, "ServiceUnavailable")),
    }
}

/// The answer to a request that was carried out all the same.
pub(super) fn error_after_commit(layer: Layer) -> (u16, String) {
    match layer {
        Layer::Twilio => (500, twilio_error(500, 20500)),
        Layer::Kube => (500, kube_status(500, "InternalError")),
    }
}

fn twilio_error(status: u16, code: u32) -> String {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    serde_json::json!({ "code": code, "message": "refused", "more_info": more, "status": status }).to_string()
}

fn kube_status(code: u16, reason: &str) -> String {
    serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "refused", "reason": reason, "code": code,
    })
    .to_string()
}
