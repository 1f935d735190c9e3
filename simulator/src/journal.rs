//! What was asked and what was answered: a ring of the last requests, and the counters that outlive it.
//!
//! An entry is opened when a request has arrived and closed when its fate is decided, so that a request that hangs
//! can be seen while it does. Credentials never enter it: of `Authorization` only the user is kept, and only when it
//! has the form of a SID.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::counters::{Counters, OperationCounts};
use crate::fault::FaultId;
use crate::operation::Operation;
use crate::sid::{AccountSid, RequestId};

/// Of a method.
pub(crate) const METHOD_BYTES: usize = 32;
/// Of a `User-Agent`: here, and in the ledger.
pub(crate) const USER_AGENT_BYTES: usize = 512;
/// Of path and query.
pub(crate) const PATH_BYTES: usize = 2 * 1024;
/// Of a form, in memory. A webhook with the longest URL and the longest triggers has a form that is smaller.
pub(crate) const FORM_BYTES: usize = 16 * 1024;

/// One request.
///
/// It takes at most 20 KiB, however large the request was: a user agent of more than 512 bytes, a path of more than
/// 2 KiB and fields of more than 16 KiB together are cut, and end in `…[+N bytes]` or a last `…[+N fields]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number, from 1, in the order of arrival.
    pub seq: u64,
    /// When it had arrived.
    pub at: Timestamp,
    /// The account, once the credentials were accepted.
    pub account: Option<AccountSid>,
    /// The user of its credentials.
    pub user: Option<String>,
    /// Its `User-Agent`, at most 512 bytes of it.
    pub user_agent: String,
    /// The HTTP method.
    pub method: String,
    /// Path and query as sent, at most 2 KiB of them.
    pub path: String,
    /// The operation, when there is one of that path and method.
    pub operation: Option<Operation>,
    /// The fields of its form, at most 16 KiB of them.
    pub params: Vec<(String, String)>,
    /// The value of `Twilio-Request-Id`.
    pub request_id: RequestId,
    /// What became of it.
    pub outcome: Outcome,
    /// The HTTP status of the answer, when one was sent.
    pub status: Option<u16>,
    /// Twilio's error code in the answer.
    pub code: Option<u32>,
    /// The fault that was applied to it.
    pub fault: Option<FaultId>,
    /// Whether it changed anything; set late when a fault committed it late.
    pub committed: bool,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

impl Entry {
    /// The first value of that form field.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether it asked for a change.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Not decided yet.
    Pending,
    /// An answer was sent.
    Answered,
    /// The connection was reset instead.
    Reset,
    /// The connection was closed instead.
    Closed,
    /// Nothing was sent, and nothing will be.
    Hung,
}

/// What an entry is closed with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<u32>,
    pub(crate) committed: bool,
    pub(crate) duration_us: u64,
}

/// The ring and the counters.
pub(crate) struct Journal {
    inner: Mutex<Inner>,
}

struct Inner {
    ring: VecDeque<Entry>,
    size: usize,
    last: u64,
    counts: HashMap<(AccountSid, Operation), OperationCounts>,
    unauthenticated: u64,
    unrouted: u64,
}

impl Inner {
    fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        let first = self.ring.front()?.seq;
        self.ring.get_mut(usize::try_from(seq.checked_sub(first)?).ok()?)
    }

    fn counts(&mut self, key: CounterKey) -> Option<&mut OperationCounts> {
        Some(self.counts.entry((key.account?, key.operation?)).or_default())
    }

    fn push(&mut self, entry: Entry) {
        if self.size == 0 {
            return;
        }
        self.trim(self.size - 1);
        if self.ring.len() == self.ring.capacity() {
            // The ring walks through all the room that it has: more than its size would be touched in time, and held.
            self.ring.reserve_exact(self.ring.len().clamp(1, self.size - self.ring.len()));
        }
        self.ring.push_back(entry);
    }

    fn trim(&mut self, size: usize) {
        while self.ring.len() > size {
            self.ring.pop_front();
        }
    }
}

/// Which counters a request belongs to. It stays with the request, since its entry may leave the ring first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CounterKey {
    pub(crate) account: Option<AccountSid>,
    pub(crate) operation: Option<Operation>,
}

impl Journal {
    pub(crate) fn new(size: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                ring: VecDeque::new(),
                size,
                last: 0,
                counts: HashMap::new(),
                unauthenticated: 0,
                unrouted: 0,
            }),
        }
    }

    /// Enters a request, and gives it its number.
    pub(crate) fn open(&self, mut entry: Entry) -> u64 {
        let mut inner = self.inner.lock();
        inner.last += 1;
        entry.seq = inner.last;
        let key = CounterKey { account: entry.account, operation: entry.operation };
        match (key.account, key.operation) {
            (None, _) => inner.unauthenticated += 1,
            (Some(_), None) => inner.unrouted += 1,
            (Some(_), Some(_)) => {}
        }
        if let Some(counts) = inner.counts(key) {
            counts.requests += 1;
        }
        inner.push(entry);
        inner.last
    }

    pub(crate) fn fault(&self, seq: u64, key: CounterKey, fault: FaultId) {
        let mut inner = self.inner.lock();
        if let Some(counts) = inner.counts(key) {
            counts.faulted += 1;
        }
        if let Some(entry) = inner.entry(seq) {
            entry.fault = Some(fault);
        }
    }

    pub(crate) fn close(&self, seq: u64, key: CounterKey, closing: Closing) {
        let Closing { outcome, status, code, committed, duration_us } = closing;
        let mut inner = self.inner.lock();
        if let Some(counts) = inner.counts(key) {
            counts.committed += u64::from(committed);
            match outcome {
                Outcome::Answered => {
                    *counts.by_status.entry(status.unwrap_or_default()).or_default() += 1;
                }
                Outcome::Reset | Outcome::Closed => counts.dropped += 1,
                Outcome::Hung => counts.hung += 1,
                Outcome::Pending => {}
            }
        }
        if let Some(entry) = inner.entry(seq) {
            entry.outcome = outcome;
            entry.status = status;
            entry.code = code;
            entry.committed |= committed;
            entry.duration_us = duration_us;
        }
    }

    /// Notes a commit that came after the request was closed.
    pub(crate) fn committed_late(&self, seq: u64, key: CounterKey) {
        let mut inner = self.inner.lock();
        if let Some(counts) = inner.counts(key) {
            counts.committed += 1;
        }
        if let Some(entry) = inner.entry(seq) {
            entry.committed = true;
        }
    }

    pub(crate) fn since(&self, seq: u64) -> Vec<Entry> {
        let inner = self.inner.lock();
        let first = inner.ring.front().map_or(0, |entry| entry.seq);
        let known = usize::try_from(seq.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        inner.ring.iter().skip(known).cloned().collect()
    }

    pub(crate) fn last(&self) -> u64 {
        self.inner.lock().last
    }

    pub(crate) fn clear(&self) {
        self.inner.lock().ring = VecDeque::new();
    }

    pub(crate) fn resize(&self, size: usize) {
        let mut inner = self.inner.lock();
        inner.size = size;
        inner.trim(size);
        inner.ring.shrink_to_fit();
    }

    pub(crate) fn counters(&self) -> Counters {
        let inner = self.inner.lock();
        let mut counters = Counters {
            accounts: BTreeMap::new(),
            unauthenticated: inner.unauthenticated,
            unrouted: inner.unrouted,
        };
        for ((account, operation), counts) in &inner.counts {
            counters.accounts.entry(*account).or_default().insert(*operation, counts.clone());
        }
        counters
    }

    pub(crate) fn clear_counters(&self) {
        let mut inner = self.inner.lock();
        inner.counts.clear();
        inner.unauthenticated = 0;
        inner.unrouted = 0;
    }
}
