//! The simulator's time. It runs with the system's, and a test may put it ahead: timers of minutes are then due at
//! once. It never goes back, and it moves nothing but what the world does by itself: waits of faults and of
//! deliveries are real.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock; clones show the same time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        let ahead = self.ahead_ms.load(Ordering::Relaxed);
        if ahead == 0 {
            return Timestamp::now();
        }
        later(Timestamp::now(), SignedDuration::from_millis(ahead))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let add = |ahead: i64| Some(ahead.saturating_add(by));
        let _ = self.ahead_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

/// So much later, or the end of time.
pub(crate) fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advanced_clock_is_ahead_for_all_who_look_at_it() {
        let clock = Clock::default();
        let other = clock.clone();
        let before = other.now();
        clock.advance(Duration::from_mins(10));
        assert!(other.now().duration_since(before) >= SignedDuration::from_mins(10));
        clock.advance(Duration::MAX);
        assert_eq!(other.now(), Timestamp::MAX);
    }
}
