//! What each account's requests may cost: nobody's work takes Twilio's whole concurrency away from the account's own
//! applications, and a Twilio in trouble is left in peace.
//!
//! For: letting passes in, one lane per account, in the order in which they came. A lane learns from every request's
//! outcome. Must never: let one account wait for another, hold a lock over an await, or show an account in a number.
//!
//! | file | what it holds |
//! |---|---|
//! | `lane` | one account's lane as a whole, in virtual time |
//! | `window` | how wide it is |
//! | `breaker` | whether Twilio answers at all |
//! | `budget` | how much may be tried again |
//! | `heard` | what a lane hears of a request |
//! | `limits` | the numbers it goes by |
//! | `closed` | the answer to who may not enter |
//! | `permit` | places in lane and line that are given back when dropped |
//! | `accounts` | the lanes of all accounts, and who is called when something changed |
//! | `numbers` | what `/metrics` shows |

mod accounts;
mod breaker;
mod budget;
mod closed;
mod heard;
mod lane;
mod limits;
mod numbers;
mod permit;
mod window;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::time::{Instant, timeout_at};

pub use self::closed::{Closed, ClosedBy};
pub use self::lane::Errand;
pub use self::limits::Limits;
pub use self::permit::Permit;

use self::accounts::Accounts;
use self::breaker::Change;
use self::heard::Heard;
use self::lane::Answer;
use self::numbers::{Gauges, Numbers};
use self::permit::InLine;
use crate::twilio::{Door, Exchange, Observer};

/// One lane per account, region and edge. Hears of the outcomes as the [`Observer`] of the client that the permits are for.
#[derive(Debug)]
pub struct Lanes {
    shared: Arc<Shared>,
}

/// What permits hold on to.
#[derive(Debug)]
struct Shared {
    /// The start of the lanes' time.
    start: Instant,
    accounts: Accounts,
    numbers: Numbers,
}

impl Shared {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Lanes {
    /// Lanes that go by these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let (accounts, numbers) = (Accounts::new(limits), Numbers::default());
        Self { shared: Arc::new(Shared { start: Instant::now(), accounts, numbers }) }
    }

    /// How many passes of an account may be in its lane at most.
    #[must_use]
    pub fn ceiling(&self) -> usize {
        usize::try_from(self.shared.accounts.limits().ceiling).unwrap_or(usize::MAX)
    }

    /// Waits for a free place in the account's lane. May be cancelled at any time.
    ///
    /// # Errors
    /// The lane takes nobody in for longer than is waited in line.
    pub async fn enter(&self, account: &Door, errand: Errand) -> Result<Permit, Closed> {
        let shared = &self.shared;
        let asked = shared.now();
        let line = InLine::join(shared, account, errand);
        loop {
            match line.ask(errand) {
                Answer::Enter(admission) => {
                    shared.numbers.waited(shared.now().saturating_sub(asked));
                    return Ok(line.permit(admission));
                }
                Answer::Closed(closed) => {
                    shared.numbers.closed(closed.why);
                    return Err(closed);
                }
                Answer::Wait(None) => line.called().await,
                Answer::Wait(Some(until)) => {
                    // Called or not, it is time to ask again.
                    let _called = timeout_at(shared.start + until, line.called()).await;
                }
            }
        }
    }

    /// Adds the lanes' numbers to those of a process.
    pub fn register(&self, registry: &mut Registry) {
        self.shared.numbers.register(registry);
        registry.register_collector(Box::new(Gauges(Arc::clone(&self.shared))));
    }
}

impl Observer for Lanes {
    fn observe(&self, exchange: &Exchange<'_>) {
        let now = self.shared.now();
        let sent = now.saturating_sub(exchange.duration);
        let heard = Heard::of(exchange);
        let change = self.shared.accounts.with(exchange.door, now, |lane| lane.hear(heard, sent, now));
        match change {
            Some(Change::Opened) => {
                self.shared.numbers.opened();
                tracing::warn!("Twilio does not answer an account: it is probed until it does");
            }
            Some(Change::Closed) => tracing::info!("Twilio answers the account again"),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
