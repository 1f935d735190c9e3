//! The lanes of all accounts. Each is worked on for an instant under one lock, which nobody holds while waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::lane::Lane;
use super::limits::Limits;
use crate::twilio::Door;

/// Lanes up to this number are kept without a look at whether they are needed.
const FEW: usize = 64;

/// An account's lane, with the bells of those in line.
pub(super) type AccountLane = Lane<Arc<Notify>>;

/// The lanes of all accounts.
#[derive(Debug)]
pub(super) struct Accounts {
    limits: Limits,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    lanes: HashMap<Door, AccountLane>,
    /// The number of lanes at which those that are not needed are forgotten.
    sweep_at: usize,
}

impl Accounts {
    /// None yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, book: Mutex::new(Book { lanes: HashMap::new(), sweep_at: FEW }) }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Works on the account's lane, which there is from now on.
    pub(super) fn with<T>(
        &self,
        account: &Door,
        now: Duration,
        work: impl FnOnce(&mut AccountLane) -> T,
    ) -> T {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = book.lanes.get_mut(account) {
            return work(lane);
        }
        if book.lanes.len() >= book.sweep_at {
            book.lanes.retain(|_, lane| !lane.is_forgettable(now));
            // Tenants come and go: each look at all lanes is paid for by as many new ones.
            book.sweep_at = FEW.max(book.lanes.len() * 2);
        }
        work(book.lanes.entry(account.clone()).or_insert_with(|| Lane::new(self.limits, fastrand::u64(..))))
    }

    /// Looks at every lane.
    pub(super) fn each(&self, look: impl FnMut(&AccountLane)) {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).lanes.values().for_each(look);
    }
}
