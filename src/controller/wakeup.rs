//! Objects that wait for something on a conversation to go: a slot, a twin, a claim. When the operator itself makes
//! room, they are looked at without waiting for their next check.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures::channel::mpsc::UnboundedSender;
use kube::runtime::reflector::ObjectRef;

use super::object::Guarded;
use crate::twilio::{AccountSid, ConversationSid};

/// A conversation of an account.
type Place = (AccountSid, ConversationSid);

/// Who waits where, by uid. Only a hint: whoever is not on the list is looked at with the next check.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    by_place: Mutex<HashMap<Place, HashMap<String, ObjectRef<Guarded>>>>,
}

impl Waiters {
    /// The object waits for something to go from this conversation.
    pub(super) fn wait(&self, place: Place, uid: String, object: ObjectRef<Guarded>) {
        let mut waiters = self.by_place.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.entry(place).or_default().insert(uid, object);
    }

    /// Something went: takes everybody who waits there.
    pub(super) fn take(&self, place: &Place) -> HashMap<String, ObjectRef<Guarded>> {
        self.by_place.lock().unwrap_or_else(PoisonError::into_inner).remove(place).unwrap_or_default()
    }
}

/// Hands objects to the controller out of turn; one sender per watch.
pub(super) type Bell = UnboundedSender<ObjectRef<Guarded>>;
