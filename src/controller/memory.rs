//! What a process remembers of an object between two passes. All of it may be lost at any time: a restart costs a
//! repeated look or a longer wait, never a webhook.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Trouble;
use super::index::key;
use crate::decide::{Absent, Journal, Object, Phase, Timing};

/// What is remembered of one object.
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    /// The newest resourceVersion that this process saw in a reply; an older object in the cache is out of date.
    pub(super) newest: Option<u64>,
    /// The [`fingerprint`] of the object as the last pass left it.
    pub(super) acted_on: Option<u64>,
    /// When the next pass is due.
    pub(super) due: Option<Instant>,
    /// Passes in a row that did not finish.
    pub(super) failures: u32,
    /// What the last of them met at Twilio, for passes that are not even let in.
    pub(super) trouble: Option<Trouble>,
    /// When this process first saw the open attempt, by its id.
    pub(super) attempt: Option<(String, Instant)>,
    /// What was first seen to be absent, and when.
    pub(super) absent: Option<(Absent, Instant)>,
    /// The generation that is not Ready yet, and when it was first seen.
    pub(super) changed: Option<(i64, Instant)>,
    /// Passes in a row that waited for a sibling.
    pub(super) waits: u32,
    /// Digest of the address from a Secret that the webhook was last seen to have.
    pub(super) address: Option<[u8; 32]>,
}

/// What a pass acts on, with what a user asks for beside it, as a digest: while that stays the same there is nothing to do before
/// the next pass is due.
pub(super) fn fingerprint(object: &Object, requested: Option<&str>) -> u64 {
    let journal = match &object.journal {
        Journal::Attempt(attempt) => Some(attempt.id.as_str()),
        Journal::Missing => None,
        Journal::Unreadable => Some(""),
    };
    let seen = (object.generation, object.deleting, object.finalizer, &object.label);
    key((seen, journal, &object.record, &object.answers, requested))
}

impl Remembered {
    /// Nothing of it would be missed.
    pub(super) fn is_empty(&self) -> bool {
        let Self { newest, acted_on, due, failures, trouble, attempt, absent, changed, waits, address } =
            self;
        newest.is_none()
            && acted_on.is_none()
            && due.is_none()
            && (*failures, *waits) == (0, 0)
            && trouble.is_none()
            && attempt.is_none()
            && absent.is_none()
            && changed.is_none()
            && address.is_none()
    }

    /// How far the time of this attempt has run. An attempt that was never seen before is seen now.
    pub(super) fn phase(&mut self, id: &str, timing: &Timing) -> Phase {
        let since = self.first_sight(id).elapsed();
        if since < timing.send {
            Phase::BeforeNotAfter
        } else if since < timing.window() {
            Phase::InWindow
        } else {
            Phase::WindowOver
        }
    }

    /// How long until the attempt's window is over.
    pub(super) fn until_window_over(&mut self, id: &str, timing: &Timing) -> Duration {
        timing.window().saturating_sub(self.first_sight(id).elapsed())
    }

    /// Notes that this generation is to become Ready, and is seen now if it was not before.
    pub(super) fn note_change(&mut self, generation: i64) {
        if self.changed.is_none_or(|(noted, _)| noted != generation) {
            self.changed = Some((generation, Instant::now()));
        }
    }

    /// The generation is Ready: how long that took since its first sight, where it was noted.
    pub(super) fn take_change(&mut self, generation: i64) -> Option<Duration> {
        self.changed.take_if(|(noted, _)| *noted == generation).map(|(_, since)| since.elapsed())
    }

    fn first_sight(&mut self, id: &str) -> Instant {
        match &self.attempt {
            Some((seen, at)) if seen == id => *at,
            _ => {
                let now = Instant::now();
                self.attempt = Some((id.to_owned(), now));
                now
            }
        }
    }
}

/// What is remembered of objects that go. The rest is kept beside the objects themselves, by the index.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When the deletion of an object was first seen.
    deletions: Mutex<HashMap<String, Instant>>,
    /// Objects that this process let go, and whether that is known to be stored: whatever else vanishes did so behind its
    /// back.
    released: Mutex<HashMap<String, bool>>,
}

impl Memory {
    /// The object is gone.
    pub(super) fn forget(&self, uid: &str) {
        self.deletions.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// The object is being deleted. Says when that was first seen.
    pub(super) fn deletion(&self, uid: &str) -> Instant {
        let mut deletions = self.deletions.lock().unwrap_or_else(PoisonError::into_inner);
        *deletions.entry(uid.to_owned()).or_insert_with(Instant::now)
    }

    /// This process takes its finalizer off the object.
    pub(super) fn release(&self, uid: &str) {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned(), false);
    }

    /// The finalizer is off, and the object is not seen to be gone yet.
    pub(super) fn released(&self, uid: &str) {
        if let Some(stored) = self.released.lock().unwrap_or_else(PoisonError::into_inner).get_mut(uid) {
            *stored = true;
        }
    }

    /// Whether the finalizer is off: what the cache still holds of the object is older, and asks for nothing.
    pub(super) fn is_released(&self, uid: &str) -> bool {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).get(uid) == Some(&true)
    }

    /// Whether this process let the object go.
    pub(super) fn was_released(&self, uid: &str) -> bool {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).contains_key(uid)
    }

    /// The cache has dropped the object, or the finalizer is on it still: whether it was let go counts no more.
    pub(super) fn forget_released(&self, uid: &str) {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// Everything was listed anew: only these objects are left.
    pub(super) fn relisted(&self, is_left: impl Fn(&str) -> bool) {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).retain(|uid, _| is_left(uid));
        self.deletions.lock().unwrap_or_else(PoisonError::into_inner).retain(|uid, _| is_left(uid));
    }
}
