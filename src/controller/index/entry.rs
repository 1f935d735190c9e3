//! What is kept of each object beside its packed self: what is asked about all of them, and what is remembered of one.
//!
//! There are a hundred thousand: every byte here is a tenth of a megabyte.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU8;
use std::time::{Duration, Instant};

use bitflags::bitflags;
use kube::ResourceExt;

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
use crate::twilio::AccountSid;

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
pub(super) fn namespace_key(namespace: &str) -> u16 {
    u16::try_from(key(namespace) >> 48).unwrap_or_default()
}

/// A conversation's key, likewise.
pub(super) fn conversation_key(conversation: &str) -> u32 {
    u32::try_from(key(conversation) >> 32).unwrap_or_default().max(1)
}

/// Key of an account, in 48 bits: among a million accounts there are hardly two of one key.
pub(super) fn account_key(account: &AccountSid) -> [u16; 3] {
    let key = key(account.as_str()).max(1 << 16);
    [48, 32, 16].map(|shift| u16::try_from(key >> shift & u64::from(u16::MAX)).unwrap_or_default())
}

bitflags! {
    /// What holds for an object.
    #[derive(Clone, Copy)]
    pub(super) struct Is: u16 {
        const DECODED = 1;
        const AT_REST = 1 << 1;
        const CLOSED = 1 << 2;
        const DOUBLED = 1 << 3;
        const UNRESOLVED = 1 << 4;
        /// It has its webhook.
        const SERVED = 1 << 5;
        /// Its address comes from a Secret.
        const SECRETLY_ADDRESSED = 1 << 6;
        /// The Secret that bears a finalizer on its behalf is the one that it refers to.
        const KEEPING_ITS_SECRET = 1 << 7;
        /// It is another one.
        const KEEPING_ANOTHER = 1 << 8;
        /// Status and label name different conversations.
        const TORN = 1 << 9;
        /// A pass looked at it, or it was at rest when it was first seen.
        const KNOWN = 1 << 10;
        /// What is there now was acted on by the last pass, or was at rest when it was first seen.
        const ACTED_ON = 1 << 11;
    }
}

/// One object: what is asked about all of them, and as little as there is of what is remembered of it.
pub(super) struct Entry {
    pub(super) place: Place,
    /// What a pass acts on, as a digest.
    pub(super) seen: u64,
    /// Its resourceVersion, where that is a number; 0 otherwise.
    pub(super) version: u64,
    /// When its next pass is due, in microseconds of the index's time, and one more: 0 for none.
    due: u64,
    /// What else is remembered, which at rest is nothing but of an address from a Secret. What the last pass acted on stands
    /// here where it is not what is there now.
    rest: Option<Box<Remembered>>,
    /// Key of the conversation that status or label names; 0 for none.
    pub(super) conversation: u32,
    /// Key of the account in status; zeros for none.
    pub(super) account: [u16; 3],
    /// Between two checks, in milliseconds.
    pub(super) interval: u32,
    /// Key of its namespace.
    pub(super) namespace: u16,
    /// The watch that it came by, and the list that it was last on.
    pub(super) scope: u16,
    pub(super) listed: u16,
    is: Is,
    /// Its next pass is due whatever is remembered of it.
    pub(super) woken: bool,
    /// Position of the reason of its Ready condition in [`Reason::ALL`], and one more.
    reason: Option<NonZeroU8>,
}

impl Entry {
    /// An object of which nothing is remembered.
    pub(super) fn new(guarded: &Guarded, resync: Duration) -> Self {
        let mut entry = Self {
            place: Place { lane: key(guarded.namespace()), conversation: key(guarded.uid()) },
            // Looked at with each change.
            seen: key(guarded.resource_version()),
            version: version(guarded).unwrap_or(0),
            due: 0,
            rest: None,
            conversation: 0,
            account: [0; 3],
            interval: 0,
            namespace: namespace_key(&guarded.namespace().unwrap_or_default()),
            scope: 0,
            listed: 0,
            is: Is::empty(),
            woken: false,
            reason: None,
        };
        entry.is.set(Is::KEEPING_ANOTHER, kept_for(guarded).is_some());
        if let Ok(object) = &guarded.0 {
            entry.add(object, resync);
        }
        entry
    }

    fn add(&mut self, object: &ConversationWebhook, resync: Duration) {
        let seen = view(object, None);
        let label = object.labels().get(CONVERSATION_LABEL).map_or(0, |label| conversation_key(label));
        let recorded = seen.record.conversation.as_ref().map_or(0, |sid| conversation_key(sid.as_str()));
        if let Some(secret) = secret_of(object) {
            self.place.lane = key(&secret);
            self.is.set(Is::KEEPING_ITS_SECRET, kept_for(object).as_ref() == Some(&secret));
            self.is
                .set(Is::KEEPING_ANOTHER, self.is(Is::KEEPING_ANOTHER) && !self.is(Is::KEEPING_ITS_SECRET));
        }
        self.place.conversation = key(check_key(&seen).as_str());
        self.conversation = if recorded == 0 { label } else { recorded };
        self.seen = fingerprint(&seen, requested(object).as_deref());
        self.account = seen.record.account.as_ref().map_or([0; 3], account_key);
        self.interval = u32::try_from(interval(object, resync).as_millis()).unwrap_or(u32::MAX);
        let reason = object.status.as_ref().and_then(ready_reason);
        self.reason = Reason::ALL
            .iter()
            .position(|known| Some(known.as_str()) == reason)
            .and_then(|at| NonZeroU8::new(u8::try_from(at + 1).ok()?));
        let is_served = seen.record.webhook.is_some();
        // Most have their webhook: no journal needs to be read for those.
        let is_unresolved = !is_served
            && object.annotations().contains_key(ATTEMPT_ANNOTATION)
            && seen.open_attempt().is_some();
        self.is.insert(Is::DECODED);
        self.is.set(Is::TORN, recorded != 0 && label != 0 && recorded != label);
        self.is.set(Is::AT_REST, is_at_rest(&seen, object));
        self.is.set(Is::CLOSED, is_closed(object));
        self.is.set(Is::SERVED, is_served);
        self.is.set(Is::DOUBLED, object.status.as_ref().is_some_and(is_doubled));
        self.is.set(Is::UNRESOLVED, is_unresolved);
        self.is.set(Is::SECRETLY_ADDRESSED, address_source(&object.spec).is_some());
    }

    pub(super) fn is(&self, what: Is) -> bool {
        self.is.contains(what)
    }

    /// The reason of its Ready condition.
    pub(super) fn reason(&self) -> Option<&'static Reason> {
        Reason::ALL.get(usize::from(self.reason?.get()) - 1)
    }

    /// It takes the place of an earlier one of itself, and what is remembered of that.
    pub(super) fn follow(&mut self, earlier: Self) {
        let acted_on = earlier.acted_on();
        self.is |= earlier.is & Is::KNOWN;
        self.woken = earlier.woken;
        self.due = earlier.due;
        let mut rest = Remembered { acted_on, ..earlier.rest.map(|rest| *rest).unwrap_or_default() };
        // What was acted on tells nothing of this one, unless this one is only on the way there: where everybody's objects
        // change at once, a box for each would be as long as the objects.
        let is_on_the_way = rest.newest.is_some_and(|newest| newest > self.version);
        rest.acted_on.take_if(|acted_on| *acted_on != self.seen && !is_on_the_way);
        self.keep(rest);
    }

    /// Remembers this, of an index of this start.
    pub(super) fn remember(&mut self, remembered: Remembered, start: Instant) {
        self.is.insert(Is::KNOWN);
        self.due = remembered.due.map_or(0, |due| {
            let micros = due.saturating_duration_since(start).as_nanos().div_ceil(1000);
            u64::try_from(micros).unwrap_or(u64::MAX - 1).saturating_add(1)
        });
        self.keep(Remembered { due: None, ..remembered });
    }

    /// Keeps what has no place of its own.
    fn keep(&mut self, mut rest: Remembered) {
        let has_acted = rest.acted_on == Some(self.seen);
        self.is.set(Is::ACTED_ON, has_acted);
        rest.acted_on.take_if(|_| has_acted);
        rest.newest.take_if(|newest| self.version >= *newest);
        self.rest = (!rest.is_empty()).then(|| Box::new(rest));
    }

    /// What is remembered; `None`: nothing was ever done.
    pub(super) fn recall(&self, start: Instant) -> Option<Remembered> {
        self.is(Is::KNOWN).then(|| Remembered {
            acted_on: self.acted_on(),
            due: self.due().map(|due| start + due),
            ..self.rest.as_deref().cloned().unwrap_or_default()
        })
    }

    /// Nothing is remembered any more.
    pub(super) fn forget(&mut self) {
        self.is.remove(Is::KNOWN | Is::ACTED_ON);
        self.woken = false;
        self.due = 0;
        self.rest = None;
    }

    /// When its next pass is due, in the index's time.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due.checked_sub(1).map(Duration::from_micros)
    }

    fn acted_on(&self) -> Option<u64> {
        if self.is(Is::ACTED_ON) { Some(self.seen) } else { self.rest.as_ref()?.acted_on }
    }

    /// Whether a newer one was seen than the watch brought.
    pub(super) fn is_outdated(&self) -> bool {
        let newest = self.rest.as_ref().and_then(|rest| rest.newest).unwrap_or(0);
        self.version != 0 && newest > self.version
    }

    /// It was listed, and the API server may count anew.
    pub(super) fn relisted(&mut self) {
        if let Some(rest) = &mut self.rest {
            rest.newest = None;
            self.rest.take_if(|rest| rest.is_empty());
        }
    }
}

/// The Secret that an object refers to for its credentials.
pub(in crate::controller) fn secret_of(object: &ConversationWebhook) -> Option<SecretName> {
    let name = object.spec.credentials_secret_ref.name.clone();
    Some(SecretName { namespace: object.namespace()?, name })
}
