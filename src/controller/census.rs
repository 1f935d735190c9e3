//! How many webhooks of an account went missing at once: a single one is made again, many are somebody's doing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::twilio::AccountSid;

/// Fewer than these are no mass, however few webhooks the account has.
const AT_LEAST: usize = 5;

/// One in so many of an account's webhooks, and more, are a mass.
const ONE_IN: usize = 5;

/// The webhooks that were first missed lately, by the uid of their objects.
#[derive(Debug)]
pub(super) struct Census {
    interval: Duration,
    missing: Mutex<HashMap<AccountSid, HashMap<String, Instant>>>,
}

impl Census {
    /// Nothing is missing. What went missing longer than `interval` ago does not count.
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, missing: Mutex::default() }
    }

    /// An object's webhook is not listed.
    pub(super) fn missing(&self, account: &AccountSid, uid: &str) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let of_account = missing.entry(account.clone()).or_default();
        of_account.retain(|_, since| since.elapsed() <= self.interval);
        of_account.insert(uid.to_owned(), Instant::now());
    }

    /// An object's webhook is there.
    pub(super) fn found(&self, account: &AccountSid, uid: &str) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_account) = missing.get_mut(account) {
            of_account.remove(uid);
            if of_account.is_empty() {
                missing.remove(account);
            }
        }
    }

    /// Whether more than a fifth of the account's `webhooks`, and at least five, went missing within one interval.
    pub(super) fn is_mass(&self, account: &AccountSid, webhooks: impl FnOnce() -> usize) -> bool {
        let missing = {
            let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(of_account) = missing.get_mut(account) else { return false };
            of_account.retain(|_, since| since.elapsed() <= self.interval);
            of_account.len()
        };
        missing >= AT_LEAST && missing * ONE_IN > webhooks()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u8) -> AccountSid {
        format!("AC{n:032x}").parse().unwrap()
    }

    fn with_missing(objects: usize) -> Census {
        let census = Census::new(Duration::from_mins(1));
        for object in 0..objects {
            census.missing(&account(1), &object.to_string());
        }
        census
    }

    #[test]
    fn more_than_a_fifth_and_at_least_five_are_a_mass() {
        assert!(!with_missing(4).is_mass(&account(1), || 4));
        assert!(with_missing(5).is_mass(&account(1), || 24));
        assert!(!with_missing(5).is_mass(&account(1), || 25));
        assert!(with_missing(201).is_mass(&account(1), || 1000));
    }

    #[test]
    fn a_webhook_counts_once_and_not_when_it_is_back_or_long_gone_or_of_another_account() {
        let census = with_missing(5);
        census.missing(&account(1), "4");
        assert!(!census.is_mass(&account(2), || 5));
        census.found(&account(1), "4");
        assert!(!census.is_mass(&account(1), || 5));
        let long_ago = Census::new(Duration::ZERO);
        for object in 0..9 {
            long_ago.missing(&account(1), &object.to_string());
        }
        std::thread::sleep(Duration::from_millis(2));
        assert!(!long_ago.is_mass(&account(1), || 9));
    }
}
