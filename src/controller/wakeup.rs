//! Objects that wait for something on a conversation to go: a slot, a twin, a claim. When the operator itself makes
//! room, they are looked at without waiting for their next check.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::twilio::{AccountSid, ConversationSid};

/// A conversation of an account.
type Place = (AccountSid, ConversationSid);

/// Who waits where, by uid. Only a hint: whoever is not on the list is looked at with the next check.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    by_place: Mutex<HashMap<Place, HashSet<String>>>,
}

impl Waiters {
    /// The object waits for something to go from this conversation.
    pub(super) fn wait(&self, place: Place, uid: String) {
        let mut waiters = self.by_place.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.entry(place).or_default().insert(uid);
    }

    /// The object is gone.
    pub(super) fn forget(&self, uid: &str) {
        self.by_place.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, waiters| {
            waiters.remove(uid);
            !waiters.is_empty()
        });
    }

    /// Something went: takes everybody who waits there.
    pub(super) fn take(&self, place: &Place) -> HashSet<String> {
        self.by_place.lock().unwrap_or_else(PoisonError::into_inner).remove(place).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(n: u8) -> Place {
        (format!("AC{:032x}", 1).parse().unwrap(), format!("CH{n:032x}").parse().unwrap())
    }

    fn names(waiters: &Waiters, n: u8) -> Vec<String> {
        let mut names: Vec<_> = waiters.take(&place(n)).into_iter().collect();
        names.sort();
        names
    }

    #[test]
    fn whoever_waits_is_named_once_there_and_once_only() {
        let waiters = Waiters::default();
        for (n, name) in [(1, "a"), (1, "b"), (1, "a"), (2, "c"), (2, "gone")] {
            waiters.wait(place(n), name.to_owned());
        }
        waiters.forget("gone");
        assert_eq!(names(&waiters, 1), ["a", "b"]);
        assert_eq!(names(&waiters, 1), Vec::<String>::new());
        assert_eq!(names(&waiters, 2), ["c"]);
    }
}
