//! What is asked about all objects at once.

use kube::ResourceExt;

use super::entry::{Entry, Is, account_key, conversation_key, namespace_key, uid};
use super::packed::Packed;
use super::{Book, Index, key};
use crate::api::Reason;
use crate::controller::guarded::Guarded;
use crate::controller::object::{is_on, sibling};
use crate::controller::secrets::SecretName;
use crate::decide::Sibling;
use crate::metrics::{NO_REASON, Objects};
use crate::queue::ObjectId;
use crate::twilio::{AccountSid, ConversationSid};

impl Book {
    fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flatten()
    }
}

impl Index {
    /// The objects by what their status says.
    pub(in crate::controller) fn count(&self) -> Objects {
        let book = self.book();
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (waiting, running) = (number(book.queue.waiting()), number(book.queue.running()));
        let mut objects = Objects { waiting, running, ..Objects::default() };
        for entry in book.all() {
            let reason = if entry.is(Is::DECODED) {
                entry.reason().map_or(NO_REASON, |reason| reason.as_str())
            } else {
                Reason::InvalidConfiguration.as_str()
            };
            *objects.by_reason.entry(reason).or_default() += 1;
            objects.doubled += i64::from(entry.is(Is::DOUBLED));
            objects.unresolved += i64::from(entry.is(Is::UNRESOLVED));
        }
        objects
    }

    /// How many objects have their webhook in an account.
    pub(in crate::controller) fn webhooks_in(&self, account: &AccountSid) -> usize {
        let account = account_key(account);
        let book = self.book();
        book.all().filter(|entry| entry.is(Is::SERVED) && entry.account == account).count()
    }

    /// The objects on a conversation, by status or label.
    pub(in crate::controller) fn siblings(&self, conversation: &ConversationSid) -> Vec<Sibling> {
        let wanted = conversation_key(conversation.as_str());
        let packed: Vec<_> = {
            let book = self.book();
            let here = book.by_conversation.range((wanted, 0)..=(wanted, ObjectId::MAX));
            let ids = here.map(|(_, id)| *id).chain(book.torn.iter().copied());
            ids.filter_map(|id| book.packed.get(id)).collect()
        };
        let objects = packed.iter().filter_map(|packed| self.unpack(packed)?.0.ok());
        let mut siblings: Vec<Sibling> =
            objects.filter(|object| is_on(object, conversation)).map(|object| sibling(&object)).collect();
        // One of those whose label and status differ may have come twice.
        siblings.sort_by(|a, b| a.uid.cmp(&b.uid));
        siblings.dedup_by(|a, b| a.uid == b.uid);
        siblings
    }

    /// The Secrets that objects refer to for their credentials.
    pub(in crate::controller) fn secrets(&self) -> Vec<SecretName> {
        self.book().secrets.values().map(|(secret, _)| secret.clone()).collect()
    }

    /// Whether every object can be decoded.
    pub(in crate::controller) fn all_decoded(&self) -> bool {
        self.book().undecoded == 0
    }

    /// Whether there is such an object.
    pub(in crate::controller) fn contains(&self, uid_: &str) -> bool {
        self.book().by_uid.contains_key(&uid(uid_))
    }

    /// Whether `needs` holds for an object on whose behalf this Secret may bear a finalizer.
    pub(in crate::controller) fn any_may_keep(
        &self,
        secret: &SecretName,
        needs: impl Fn(&Guarded) -> bool,
    ) -> bool {
        let (lane, namespace) = (key(secret), namespace_key(&secret.namespace));
        let candidates = self.packed(|entry| {
            (entry.is(Is::KEEPING_ITS_SECRET) && entry.place.lane == lane)
                || (entry.is(Is::KEEPING_ANOTHER) && entry.namespace == namespace)
        });
        candidates.iter().filter_map(|packed| self.unpack(packed)).any(|guarded| needs(&guarded))
    }

    /// Objects in a namespace whose address comes from some Secret.
    pub(in crate::controller) fn with_address(&self, namespace: &str) -> Vec<Guarded> {
        let key = namespace_key(namespace);
        let candidates = self.packed(|entry| entry.is(Is::SECRETLY_ADDRESSED) && entry.namespace == key);
        let objects = candidates.iter().filter_map(|packed| self.unpack(packed));
        objects.filter(|object| object.namespace().as_deref() == Some(namespace)).collect()
    }

    /// Objects that log in by a Secret and are not at rest.
    pub(in crate::controller) fn unserved_by(&self, secret: &SecretName) -> Vec<Guarded> {
        let lane = key(secret);
        let unserved =
            self.packed(|entry| entry.is(Is::DECODED) && entry.place.lane == lane && !entry.is(Is::AT_REST));
        unserved.iter().filter_map(|packed| self.unpack(packed)).collect()
    }

    fn packed(&self, which: impl Fn(&Entry) -> bool) -> Vec<Packed> {
        let book = self.book();
        let numbered = (0..).zip(&book.entries);
        let chosen = numbered.filter(|(_, entry)| entry.as_ref().is_some_and(&which));
        chosen.filter_map(|(id, _)| book.packed.get(id)).collect()
    }
}
