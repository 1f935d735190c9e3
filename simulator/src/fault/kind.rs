//! What may go wrong, in the words of those who ask for it.

use serde::{Deserialize, Serialize};

use crate::sid::AccountSid;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Fault {
    /// 429; the request is never processed.
    TooManyRequests {
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
        /// Twilio's code; 20429 when absent.
        #[serde(default)]
        code: Option<u32>,
    },
    /// An error answer in Twilio's form: 5xx, 409, 401, whatever is asked for.
    Error {
        /// The HTTP status.
        status: u16,
        /// Twilio's code; 20500 when absent.
        #[serde(default)]
        code: Option<u32>,
        /// Whether the request is carried out all the same.
        #[serde(default)]
        commit: bool,
    },
    /// The connection is reset (TCP RST) instead of an answer.
    Reset {
        /// Whether the request is carried out first.
        #[serde(default)]
        commit: bool,
    },
    /// The connection is closed (TCP FIN) instead of an answer.
    Close {
        /// Whether the request is carried out first.
        #[serde(default)]
        commit: bool,
    },
    /// The answer never comes; the connection stays open until the client leaves.
    Hang {
        /// Whether the request is carried out first.
        #[serde(default)]
        commit: bool,
    },
    /// A slow answer.
    Delay {
        /// Before the request is carried out.
        #[serde(default)]
        before_ms: u64,
        /// Between that and the answer.
        #[serde(default)]
        after_ms: u64,
    },
    /// The request is accepted and carried out later, when its client has heard nothing or has given up.
    LateCommit {
        /// How much later.
        after_ms: u64,
        /// What the client sees meanwhile.
        connection: Silence,
    },
    /// A list shows the state of some time ago; other operations are not affected.
    StaleList {
        /// How long ago.
        lag_ms: u64,
    },
    /// The request is carried out, and the answer is not what a client expects.
    Garbled {
        /// What comes instead.
        reply: Garble,
        /// Whether the request is carried out at all.
        #[serde(default = "yes")]
        commit: bool,
    },
}

const fn yes() -> bool {
    true
}

/// What a client sees when it is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Silence {
    /// A TCP reset.
    Reset,
    /// A TCP close.
    Close,
    /// Nothing.
    Hang,
}

/// An answer that is not what a client expects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Garble {
    /// The right status and `Content-Type`, and a body that is not JSON.
    NotJson,
    /// The right status, and a page of HTML.
    Html,
    /// The right headers, half of the body, and the end of the connection.
    Truncated,
    /// A body of so many bytes, in chunks.
    Huge {
        /// How many.
        bytes: u64,
    },
    /// A redirect.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Where to.
        location: String,
    },
    /// A list that always has one more page.
    EndlessPages,
    /// The true answer, but for the account that it names.
    OtherAccount {
        /// That account.
        account: AccountSid,
    },
    /// Any answer at all.
    Custom {
        /// The HTTP status.
        status: u16,
        /// `Content-Type`.
        content_type: String,
        /// The body.
        body: String,
    },
}

impl Fault {
    /// 429 without `Retry-After`.
    #[must_use]
    pub const fn too_many_requests() -> Self {
        Self::TooManyRequests { retry_after: None, code: None }
    }

    /// 429 with `Retry-After`.
    #[must_use]
    pub const fn retry_after(seconds: u64) -> Self {
        Self::TooManyRequests { retry_after: Some(seconds), code: None }
    }

    /// An error answer; the request is not carried out.
    #[must_use]
    pub const fn error(status: u16, code: u32) -> Self {
        Self::Error { status, code: Some(code), commit: false }
    }

    /// An error answer; the request is carried out first.
    #[must_use]
    pub const fn error_after_commit(status: u16) -> Self {
        Self::Error { status, code: None, commit: true }
    }

    /// A reset; the request is not carried out.
    #[must_use]
    pub const fn reset() -> Self {
        Self::Reset { commit: false }
    }

    /// A reset; the request is carried out first.
    #[must_use]
    pub const fn reset_after_commit() -> Self {
        Self::Reset { commit: true }
    }

    /// No answer; the request is not carried out.
    #[must_use]
    pub const fn hang() -> Self {
        Self::Hang { commit: false }
    }

    /// No answer; the request is carried out first.
    #[must_use]
    pub const fn hang_after_commit() -> Self {
        Self::Hang { commit: true }
    }

    /// A slow start.
    #[must_use]
    pub const fn delay_before_commit(ms: u64) -> Self {
        Self::Delay { before_ms: ms, after_ms: 0 }
    }

    /// A slow answer to what was carried out at once.
    #[must_use]
    pub const fn delay_after_commit(ms: u64) -> Self {
        Self::Delay { before_ms: 0, after_ms: ms }
    }

    /// Carried out so much later than the connection was reset.
    #[must_use]
    pub const fn late_commit(after_ms: u64) -> Self {
        Self::LateCommit { after_ms, connection: Silence::Reset }
    }

    /// A list that lags.
    #[must_use]
    pub const fn stale_list(lag_ms: u64) -> Self {
        Self::StaleList { lag_ms }
    }

    /// An unexpected answer to a request that is carried out.
    #[must_use]
    pub const fn garbled(reply: Garble) -> Self {
        Self::Garbled { reply, commit: true }
    }
}
