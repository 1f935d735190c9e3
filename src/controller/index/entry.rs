//! What is kept of each object beside its packed self: what is asked about all of them, and what is remembered of one.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use kube::ResourceExt;

use super::packed::Packed;
use crate::api::{ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConversationWebhook, Reason};
use crate::controller::guarded::Guarded;
use crate::controller::in_use::kept_for;
use crate::controller::memory::{Remembered, fingerprint};
use crate::controller::object::{is_doubled, ready_reason, requested, view};
use crate::controller::reconcile::check_key;
use crate::controller::schedule::{interval, is_at_rest, is_closed};
use crate::controller::secrets::SecretName;
use crate::controller::write::version;
use crate::decide::address_source;
use crate::queue::Place;

/// A uid in 16 bytes.
pub(super) type Uid = [u8; 16];

/// The uid as a number: that of a UUID, which is what the API server gives out; of anything else a digest.
pub(super) fn uid(text: &str) -> Uid {
    uuid::Uuid::parse_str(text).map_or_else(
        |_| {
            let halves = (u128::from(key(text)) << 64) | u128::from(key((text, "second half")));
            halves.to_be_bytes()
        },
        |uuid| *uuid.as_bytes(),
    )
}

/// Equal things have equal keys, in this process; different ones different keys, but for bad luck.
pub(in crate::controller) fn key(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    // Nothing has the key 0.
    hasher.finish().max(1)
}

/// A namespace's key: fewer bytes, since it only narrows a search down.
pub(super) fn namespace_key(namespace: &str) -> u32 {
    u32::try_from(key(namespace) >> 32).unwrap_or_default()
}

/// One object.
pub(super) struct Entry {
    pub(super) packed: Packed,
    pub(super) facts: Facts,
    /// The watch that it came by, and the list that it was last on.
    pub(super) scope: u16,
    pub(super) listed: u32,
    /// Its next pass is due whatever its memory says.
    pub(super) woken: bool,
    /// When it is looked at next, should nothing happen; 0 for never. In milliseconds of the index's time.
    pub(super) timer: u64,
    pub(super) memory: Memory,
}

/// What is remembered, as little of it as there is.
#[derive(Default)]
pub(super) struct Memory {
    /// A pass looked at it, or it was at rest when it was first seen.
    known: bool,
    acted_on: u64,
    newest: u64,
    /// In microseconds of the index's time, and one more: 0 for none.
    due: u64,
    rest: Option<Box<Remembered>>,
}

impl Memory {
    /// What is remembered, by an index of this start.
    pub(super) fn of(remembered: Remembered, start: Instant) -> Self {
        let (acted_on, newest) = (remembered.acted_on.unwrap_or(0), remembered.newest.unwrap_or(0));
        let due = remembered.due.map_or(0, |due| {
            let micros = due.saturating_duration_since(start).as_nanos().div_ceil(1000);
            u64::try_from(micros).unwrap_or(u64::MAX - 1).saturating_add(1)
        });
        let rest = Remembered { acted_on: None, newest: None, due: None, ..remembered };
        let rest = (!rest.is_empty()).then(|| Box::new(rest));
        Self { known: true, acted_on, newest, due, rest }
    }

    pub(super) fn recall(&self, start: Instant) -> Option<Remembered> {
        self.known.then(|| Remembered {
            acted_on: (self.acted_on != 0).then_some(self.acted_on),
            newest: (self.newest != 0).then_some(self.newest),
            due: self.due().map(|due| start + due),
            ..self.rest.as_deref().cloned().unwrap_or_default()
        })
    }

    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    /// When its next pass is due, in the index's time.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due.checked_sub(1).map(Duration::from_micros)
    }

    pub(super) fn has_acted_on(&self, seen: u64) -> bool {
        self.acted_on == seen
    }

    /// Whether there is a newer one than the watch brought.
    pub(super) fn is_ahead_of(&self, version: u64) -> bool {
        version != 0 && self.newest > version
    }

    /// The watch brought this one.
    pub(super) fn caught_up(&mut self, version: u64) {
        if version >= self.newest {
            self.newest = 0;
        }
    }

    /// The watch counts anew.
    pub(super) fn relisted(&mut self) {
        self.newest = 0;
    }
}

/// What is asked about all objects.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Facts {
    pub(super) place: Place,
    /// Key of the conversation that status or label names; 0 for none.
    pub(super) conversation: u64,
    /// The two name different ones.
    pub(super) is_torn: bool,
    /// What a pass acts on, as a digest.
    pub(super) seen: u64,
    /// Key of the account in status; 0 for none.
    pub(super) account: u64,
    /// Its resourceVersion, where that is a number; 0 otherwise.
    pub(super) version: u64,
    /// Between two checks, in milliseconds.
    pub(super) interval: u32,
    /// Key of its namespace.
    pub(super) namespace: u32,
    /// Position of the reason of its Ready condition in [`Reason::ALL`].
    pub(super) reason: Option<u8>,
    pub(super) is_decoded: bool,
    pub(super) is_at_rest: bool,
    pub(super) is_closed: bool,
    pub(super) has_webhook: bool,
    pub(super) is_doubled: bool,
    pub(super) is_unresolved: bool,
    /// Its address comes from a Secret.
    pub(super) has_address: bool,
    /// The Secret that bears a finalizer on its behalf is the one that it refers to, or another.
    pub(super) keeps_own_secret: bool,
    pub(super) keeps_other_secret: bool,
}

impl Facts {
    pub(super) fn of(guarded: &Guarded, resync: Duration) -> Self {
        let mut facts = Self {
            place: Place { lane: key(guarded.namespace()), conversation: key(guarded.uid()) },
            conversation: 0,
            is_torn: false,
            // Looked at with each change.
            seen: key(guarded.resource_version()),
            account: 0,
            version: version(guarded).unwrap_or(0),
            interval: 0,
            namespace: namespace_key(&guarded.namespace().unwrap_or_default()),
            reason: None,
            is_decoded: false,
            is_at_rest: false,
            is_closed: false,
            has_webhook: false,
            is_doubled: false,
            is_unresolved: false,
            has_address: false,
            keeps_own_secret: false,
            keeps_other_secret: kept_for(guarded).is_some(),
        };
        if let Ok(object) = &guarded.0 {
            facts.add(object, resync);
        }
        facts
    }

    fn add(&mut self, object: &ConversationWebhook, resync: Duration) {
        let seen = view(object, None);
        let label = object.labels().get(CONVERSATION_LABEL).map_or(0, |label| key(label.as_str()));
        let recorded = seen.record.conversation.as_ref().map_or(0, |sid| key(sid.as_str()));
        let reason = object.status.as_ref().and_then(ready_reason);
        self.is_decoded = true;
        if let Some(secret) = secret_of(object) {
            self.place.lane = key(&secret);
            self.keeps_own_secret = kept_for(object).as_ref() == Some(&secret);
            self.keeps_other_secret &= !self.keeps_own_secret;
        }
        self.place.conversation = key(check_key(&seen).as_str());
        self.conversation = if recorded == 0 { label } else { recorded };
        self.is_torn = recorded != 0 && label != 0 && recorded != label;
        self.seen = fingerprint(&seen, requested(object).as_deref());
        self.account = seen.record.account.as_ref().map_or(0, |sid| key(sid.as_str()));
        self.interval = u32::try_from(interval(object, resync).as_millis()).unwrap_or(u32::MAX);
        self.reason = Reason::ALL
            .iter()
            .position(|known| Some(known.as_str()) == reason)
            .and_then(|at| u8::try_from(at).ok());
        self.is_at_rest = is_at_rest(&seen, object);
        self.is_closed = is_closed(object);
        self.has_webhook = seen.record.webhook.is_some();
        self.is_doubled = object.status.as_ref().is_some_and(is_doubled);
        // Most have their webhook: no journal needs to be read for those.
        self.is_unresolved = !self.has_webhook
            && object.annotations().contains_key(ATTEMPT_ANNOTATION)
            && seen.open_attempt().is_some();
        self.has_address = address_source(&object.spec).is_some();
    }
}

/// The Secret that an object refers to for its credentials.
pub(in crate::controller) fn secret_of(object: &ConversationWebhook) -> Option<SecretName> {
    let name = object.spec.credentials_secret_ref.name.clone();
    Some(SecretName { namespace: object.namespace()?, name })
}
