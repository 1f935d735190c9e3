//! How many requests an account may have in flight, so that one tenant's work never takes Twilio's whole
//! concurrency away from the account's own applications.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::twilio::AccountSid;

/// The right to have requests of one account in flight, one at a time, until dropped.
#[derive(Debug)]
pub struct Permit {
    _permit: Option<OwnedSemaphorePermit>,
}

/// One lane per account.
#[derive(Debug)]
pub struct Lanes {
    max_in_flight: usize,
    by_account: Mutex<HashMap<AccountSid, Arc<Semaphore>>>,
}

impl Lanes {
    /// Lanes in which at most `max_in_flight` requests of one account are under way.
    #[must_use]
    pub fn new(max_in_flight: usize) -> Self {
        Self { max_in_flight, by_account: Mutex::default() }
    }

    /// Waits for a free place in the account's lane.
    pub async fn enter(&self, account: &AccountSid) -> Permit {
        let lane = {
            let mut lanes = self.by_account.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(
                lanes.entry(account.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.max_in_flight))),
            )
        };
        // A lane is never closed, so the permit is always there.
        Permit { _permit: lane.acquire_owned().await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u8) -> AccountSid {
        format!("AC{n:032x}").parse().unwrap()
    }

    #[tokio::test]
    async fn a_full_lane_delays_its_own_account_only() {
        let lanes = Lanes::new(2);
        let first = lanes.enter(&account(1)).await;
        let _second = lanes.enter(&account(1)).await;
        drop(lanes.enter(&account(2)).await);
        let same = account(1);
        let mut third = Box::pin(lanes.enter(&same));
        assert!(futures::poll!(&mut third).is_pending());
        drop(first);
        drop(third.await);
    }
}
