//! Sums of requests per account and operation: what budgets are checked against. They outlive the journal's ring.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::operation::Operation;
use crate::sid::AccountSid;

/// Sums for one operation of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationCounts {
    /// Requests that arrived.
    pub requests: u64,
    /// Requests that changed something.
    pub committed: u64,
    /// Requests that a fault was applied to.
    pub faulted: u64,
    /// Answers by HTTP status.
    pub by_status: BTreeMap<u16, u64>,
    /// Connections reset or closed without an answer.
    pub dropped: u64,
    /// Requests left hanging.
    pub hung: u64,
}

impl OperationCounts {
    /// How many answers had this status.
    #[must_use]
    pub fn answered(&self, status: u16) -> u64 {
        self.by_status.get(&status).copied().unwrap_or_default()
    }

    fn add(&mut self, other: &Self) {
        let Self { requests, committed, faulted, by_status, dropped, hung } = other;
        self.requests += requests;
        self.committed += committed;
        self.faulted += faulted;
        self.dropped += dropped;
        self.hung += hung;
        for (status, count) in by_status {
            *self.by_status.entry(*status).or_default() += count;
        }
    }
}

/// All sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counters {
    /// Per account and operation.
    pub accounts: BTreeMap<AccountSid, BTreeMap<Operation, OperationCounts>>,
    /// Requests whose credentials were refused.
    pub unauthenticated: u64,
    /// Requests with good credentials that name no operation.
    pub unrouted: u64,
}

impl Counters {
    /// The sums of one operation of one account.
    #[must_use]
    pub fn of(&self, account: AccountSid, operation: Operation) -> OperationCounts {
        self.accounts.get(&account).and_then(|counts| counts.get(&operation)).cloned().unwrap_or_default()
    }

    /// The sums of one operation over all accounts.
    #[must_use]
    pub fn total(&self, operation: Operation) -> OperationCounts {
        let mut total = OperationCounts::default();
        for counts in self.accounts.values().filter_map(|counts| counts.get(&operation)) {
            total.add(counts);
        }
        total
    }

    /// Requests to operations that change something, over all accounts.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.sum(Operation::is_write)
    }

    /// Requests to operations that only read, over all accounts.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.sum(|operation| !operation.is_write())
    }

    fn sum(&self, wanted: impl Fn(Operation) -> bool) -> u64 {
        let counts = self.accounts.values().flatten();
        counts.filter(|(operation, _)| wanted(**operation)).map(|(_, counts)| counts.requests).sum()
    }
}
