//! Every fault as the same four parts: a wait, whether and when the request is carried out, another wait, and what
//! the client gets.

use std::time::Duration;

use super::{Fault, Garble, Silence};

/// What is done with one request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) before: Duration,
    pub(crate) commit: Commit,
    pub(crate) after: Duration,
    pub(crate) reply: Reply,
    /// A list shows the state of so long ago.
    pub(crate) lag: Option<Duration>,
}

/// Whether and when a request is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    Now,
    Never,
    /// So long after the client was dealt with.
    Later(Duration),
}

/// What the client gets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// The true answer.
    True,
    Error {
        status: u16,
        code: u32,
        retry_after: Option<u64>,
    },
    Garbled(Garble),
    Silence(Silence),
}

impl From<Fault> for Plan {
    fn from(fault: Fault) -> Self {
        let plain = Self {
            before: Duration::ZERO,
            commit: Commit::Now,
            after: Duration::ZERO,
            reply: Reply::True,
            lag: None,
        };
        let commit_if = |commit| if commit { Commit::Now } else { Commit::Never };
        let silent = |silence, commit| (commit_if(commit), Reply::Silence(silence));
        let (commit, reply) = match fault {
            Fault::Delay { before_ms, after_ms } => {
                return Self {
                    before: Duration::from_millis(before_ms),
                    after: Duration::from_millis(after_ms),
                    ..plain
                };
            }
            Fault::StaleList { lag_ms } => return Self { lag: Some(Duration::from_millis(lag_ms)), ..plain },
            Fault::TooManyRequests { retry_after, code } => {
                (Commit::Never, Reply::Error { status: 429, code: code.unwrap_or(20429), retry_after })
            }
            Fault::Error { status, code, commit } => {
                let code = code.unwrap_or(20500);
                (commit_if(commit), Reply::Error { status, code, retry_after: None })
            }
            Fault::Reset { commit } => silent(Silence::Reset, commit),
            Fault::Close { commit } => silent(Silence::Close, commit),
            Fault::Hang { commit } => silent(Silence::Hang, commit),
            Fault::LateCommit { after_ms, connection } => {
                (Commit::Later(Duration::from_millis(after_ms)), Reply::Silence(connection))
            }
            Fault::Garbled { reply, commit } => (commit_if(commit), Reply::Garbled(reply)),
        };
        Self { commit, reply, ..plain }
    }
}
