//! Every object that this process serves: at rest packed and next to nothing, and whose pass is due when.
//!
//! One lock for all of it, held for moments: what the watch brings, what passes learn and whose turn it is fit together. A
//! thousand tenants' objects are at rest most of the time, and of one at rest nothing is kept that nobody asks for.
//!
//! | file | what it holds |
//! |---|---|
//! | `packed` | an object as few bytes |
//! | `shelves` | all of them |
//! | `entry` | what is kept beside it |
//! | `timers` | when it is looked at next |
//! | `census` | what is asked about all objects |

mod census;
mod entry;
mod packed;
mod shelves;
mod timers;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use kube::ResourceExt;
use tokio::sync::Notify;

pub(super) use self::entry::{key, secret_of};

use self::entry::{Entry, Is, Uid, uid};
use self::packed::Packer;
use self::shelves::Shelves;
use self::timers::Timers;
use super::guarded::Guarded;
use super::memory::Remembered;
use super::schedule::{FAR, until_check};
use super::secrets::SecretName;
use crate::queue::{Class, Left, Limits, ObjectId, Queue};

/// All objects, and the passes that they wait for.
pub(super) struct Index {
    start: Instant,
    resync: Duration,
    packer: Packer,
    book: Mutex<Book>,
    bell: Notify,
}

struct Book {
    /// By number; a number without an entry is free, or its pass is not over.
    entries: Vec<Option<Entry>>,
    /// Each packed, by the same number.
    packed: Shelves,
    free: Vec<ObjectId>,
    by_uid: HashMap<Uid, ObjectId>,
    /// Key of a conversation, and an object on it.
    by_conversation: BTreeSet<(u32, ObjectId)>,
    /// Objects whose label names another conversation than their status.
    torn: HashSet<ObjectId>,
    /// Secrets that objects refer to, by their lane, and by how many.
    secrets: HashMap<u64, (SecretName, u32)>,
    undecoded: usize,
    /// When objects are looked at next, in milliseconds.
    timers: Timers,
    queue: Queue,
    /// Whether passes begin at all. Until then objects are kept, and nothing else.
    active: bool,
    /// The list that each watch makes, or made last, and whether one was ever complete: what is made rests on all the objects
    /// of a conversation.
    lists: Vec<(u16, bool)>,
    /// How long until an object is looked at again that is older than what was seen of it.
    settle: Duration,
}

/// An object's pass begins.
pub(super) struct Begun {
    pub(super) id: ObjectId,
    pub(super) guarded: Guarded,
    /// What is remembered of it; `None`: nothing was ever done.
    pub(super) memory: Option<Remembered>,
    pub(super) woken: bool,
}

impl Index {
    /// No objects yet; `scopes` watches bring them.
    pub(super) fn new(
        scopes: usize,
        resync: Duration,
        settle: Duration,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let book = Book {
            entries: Vec::new(),
            packed: Shelves::default(),
            free: Vec::new(),
            by_uid: HashMap::new(),
            by_conversation: BTreeSet::new(),
            torn: HashSet::new(),
            secrets: HashMap::new(),
            undecoded: 0,
            timers: Timers::default(),
            queue: Queue::new(limits),
            active: false,
            lists: vec![(0, false); scopes],
            settle,
        };
        Ok(Self {
            start: Instant::now(),
            resync,
            packer: Packer::new()?,
            book: Mutex::new(book),
            bell: Notify::new(),
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unpack(&self, packed: &packed::Packed) -> Option<Guarded> {
        let unpacked = self.packer.unpack(packed);
        unpacked.inspect_err(|error| tracing::error!(%error, "an object cannot be unpacked")).ok()
    }

    /// The watch brought an object.
    pub(super) fn apply(&self, scope: usize, guarded: &Guarded) {
        let packed = match self.packer.pack(guarded) {
            Ok(packed) => packed,
            Err(error) => {
                return tracing::error!(%error, name = guarded.name_any(), "an object cannot be packed");
            }
        };
        let mut entry = Entry::new(guarded, self.resync);
        let secret = guarded.0.as_ref().ok().and_then(secret_of);
        let uid = uid(&guarded.uid().unwrap_or_default());
        let mut book = self.book();
        entry.scope = u16::try_from(scope).unwrap_or(u16::MAX);
        entry.listed = book.lists.get(scope).copied().unwrap_or_default().0;
        let id = book.by_uid.get(&uid).copied().unwrap_or_else(|| book.number(uid));
        if let Some(old) = book.entries.get_mut(id as usize).and_then(Option::take) {
            book.unlink(id, &old);
            entry.follow(old);
        }
        book.packed.put(id, packed);
        book.link(id, &entry, secret);
        if let Some(place) = book.entries.get_mut(id as usize) {
            *place = Some(entry);
        }
        book.look(id, self.start);
        drop(book);
        self.bell.notify_one();
    }

    /// A watch begins a new list.
    pub(super) fn begin_list(&self, scope: usize) {
        if let Some((list, _)) = self.book().lists.get_mut(scope) {
            *list = list.wrapping_add(1);
        }
    }

    /// The list is done: the objects that are not on it.
    pub(super) fn end_list(&self, scope: usize) -> Vec<Guarded> {
        let mut book = self.book();
        let Some((list, complete)) = book.lists.get_mut(scope) else { return Vec::new() };
        *complete = true;
        let (list, scope) = (*list, u16::try_from(scope).unwrap_or(u16::MAX));
        let (mut gone, mut there) = (Vec::new(), Vec::new());
        let Book { entries, packed, .. } = &mut *book;
        for (id, entry) in (0..).zip(entries) {
            let Some(entry) = entry.as_mut().filter(|entry| entry.scope == scope) else { continue };
            if entry.listed == list {
                entry.relisted();
                there.push(id);
            } else {
                gone.extend(packed.get(id));
            }
        }
        // Also at those that seemed older than what was seen of them.
        for id in there {
            book.look(id, self.start);
        }
        drop(book);
        self.bell.notify_one();
        gone.iter().filter_map(|packed| self.unpack(packed)).collect()
    }

    /// The object is gone.
    pub(super) fn remove(&self, uid_: &str) {
        let mut book = self.book();
        let Some(id) = book.by_uid.remove(&uid(uid_)) else { return };
        if let Some(entry) = book.entries.get_mut(id as usize).and_then(Option::take) {
            book.unlink(id, &entry);
            book.packed.remove(id);
            book.timers.remove(id);
        }
        if book.queue.forget(id) {
            book.free.push(id);
        }
    }

    /// Passes begin from now on: every object is looked at.
    pub(super) fn activate(&self) {
        let mut book = self.book();
        book.active = true;
        for id in 0..book.entries.len() {
            if let Ok(id) = ObjectId::try_from(id) {
                book.look(id, self.start);
            }
        }
        drop(book);
        self.bell.notify_one();
    }

    /// The object is looked at now, whatever it waits for.
    pub(super) fn wake(&self, uid_: &str) {
        let mut book = self.book();
        let Some(&id) = book.by_uid.get(&uid(uid_)) else { return };
        if let Some(Some(entry)) = book.entries.get_mut(id as usize) {
            entry.woken = true;
        }
        book.look(id, self.start);
        drop(book);
        self.bell.notify_one();
    }

    /// The object's pass goes on, and nobody waits for it.
    pub(super) fn step_aside(&self, uid_: &str) {
        let mut book = self.book();
        let Some(&id) = book.by_uid.get(&uid(uid_)) else { return };
        book.queue.step_aside(id);
        drop(book);
        self.bell.notify_one();
    }

    /// The next object whose pass begins; `requests` are under way at the API server.
    pub(super) fn begin(&self, requests: usize) -> Option<Begun> {
        loop {
            let mut book = self.book();
            book.ring(self.start);
            let id = book.queue.next(requests, self.start.elapsed())?;
            let Some(Some(entry)) = book.entries.get_mut(id as usize) else {
                book.end(id);
                continue;
            };
            let woken = std::mem::take(&mut entry.woken);
            if !woken && entry.is_idle(self.start.elapsed()) {
                // Nothing to do any more.
                book.end(id);
                book.look(id, self.start);
                continue;
            }
            let (memory, packed) = (entry.recall(self.start), book.packed.get(id));
            drop(book);
            if let Some(guarded) = packed.and_then(|packed| self.unpack(&packed)) {
                return Some(Begun { id, guarded, memory, woken });
            }
            self.end(id, None);
        }
    }

    /// The object's pass is over; it is looked at again after `wait`, or when something happens.
    pub(super) fn end(&self, id: ObjectId, wait: Option<Duration>) {
        let mut book = self.book();
        match book.end(id) {
            Left::Gone => {}
            Left::Nothing => book.time(id, wait.map(|wait| self.start.elapsed() + wait)),
            Left::News => {
                book.time(id, wait.map(|wait| self.start.elapsed() + wait));
                book.look(id, self.start);
            }
        }
        drop(book);
        self.bell.notify_one();
    }

    /// Waits until somebody's pass may begin.
    pub(super) async fn called(&self) {
        let next = {
            let book = self.book();
            let timer = book.timers.first().map(|(due, _)| Duration::from_millis(due));
            match (timer, book.queue.next_chance()) {
                (Some(timer), Some(chance)) => Some(timer.min(chance)),
                (timer, chance) => timer.or(chance),
            }
        };
        let now = self.start.elapsed();
        let wait = next.map_or(Duration::from_mins(1), |next| next.saturating_sub(now));
        // Called or not, it is time to look.
        let _ = tokio::time::timeout(wait.max(Duration::from_millis(1)), self.bell.notified()).await;
    }

    /// Whether an object waits for a pass.
    pub(super) fn somebody_waits(&self) -> bool {
        self.book().queue.waiting() > 0
    }

    /// What is remembered of an object.
    pub(super) fn recall(&self, uid_: &str) -> Option<Remembered> {
        self.book().entry(uid_)?.recall(self.start)
    }

    /// Remembers this of an object.
    pub(super) fn remember(&self, uid_: &str, remembered: Remembered) {
        if let Some(entry) = self.book().entry_mut(uid_) {
            entry.remember(remembered, self.start);
        }
    }

    /// Nothing is known of the object any more.
    pub(super) fn forget(&self, uid_: &str) {
        if let Some(entry) = self.book().entry_mut(uid_) {
            entry.forget();
        }
    }
}

impl Entry {
    /// A pass would do nothing.
    fn is_idle(&self, now: Duration) -> bool {
        self.is(Is::ACTED_ON) && self.due().is_some_and(|due| due > now)
    }

    /// A restart must not ask Twilio about everything at once: what was at rest keeps its place in the interval.
    fn first_sight(&mut self, start: Instant) {
        let wait = if self.is(Is::CLOSED) {
            FAR
        } else {
            let interval = Duration::from_millis(self.interval.max(1).into());
            until_check(self.place.conversation, interval, SystemTime::now())
        };
        let (acted_on, due) = (Some(self.seen), Some(Instant::now() + wait));
        self.remember(Remembered { acted_on, due, ..Remembered::default() }, start);
    }
}

impl Book {
    fn number(&mut self, uid: Uid) -> ObjectId {
        let id = self.free.pop().unwrap_or_else(|| {
            let length = self.entries.len() + 1;
            reserve(&mut self.entries, length);
            self.entries.push(None);
            ObjectId::try_from(self.entries.len() - 1).unwrap_or(ObjectId::MAX)
        });
        self.by_uid.insert(uid, id);
        id
    }

    fn entry(&self, uid_: &str) -> Option<&Entry> {
        let id = *self.by_uid.get(&uid(uid_))?;
        self.entries.get(id as usize)?.as_ref()
    }

    fn entry_mut(&mut self, uid_: &str) -> Option<&mut Entry> {
        let id = *self.by_uid.get(&uid(uid_))?;
        self.entries.get_mut(id as usize)?.as_mut()
    }

    fn link(&mut self, id: ObjectId, entry: &Entry, secret: Option<SecretName>) {
        if entry.conversation != 0 {
            self.by_conversation.insert((entry.conversation, id));
        }
        if entry.is(Is::TORN) {
            self.torn.insert(id);
        }
        self.undecoded += usize::from(!entry.is(Is::DECODED));
        if let Some(secret) = secret {
            self.secrets.entry(entry.place.lane).or_insert((secret, 0)).1 += 1;
        }
    }

    fn unlink(&mut self, id: ObjectId, entry: &Entry) {
        self.by_conversation.remove(&(entry.conversation, id));
        self.torn.remove(&id);
        self.undecoded -= usize::from(!entry.is(Is::DECODED));
        if entry.is(Is::DECODED)
            && let Some((_, objects)) = self.secrets.get_mut(&entry.place.lane)
        {
            *objects -= 1;
            if *objects == 0 {
                self.secrets.remove(&entry.place.lane);
            }
        }
    }

    /// Something happened to the object, or its time has come: it joins the queue if there may be something to do.
    fn look(&mut self, id: ObjectId, start: Instant) {
        let now = start.elapsed();
        let Some(Some(entry)) = self.entries.get_mut(id as usize) else { return };
        let is_complete = self.lists.get(usize::from(entry.scope)).is_some_and(|(_, complete)| *complete);
        if !self.active || !is_complete {
            return;
        }
        if entry.is_outdated() {
            // The watch brings the newer one.
            return self.time(id, Some(now + self.settle));
        }
        if !entry.is(Is::KNOWN) && entry.is(Is::AT_REST) {
            entry.first_sight(start);
        }
        if !entry.woken && entry.is_idle(now) {
            let due = entry.due();
            return self.time(id, due);
        }
        let is_news = entry.woken || !entry.is(Is::ACTED_ON);
        let class = match (is_news, entry.is(Is::AT_REST)) {
            (true, _) => Class::Change,
            (false, false) => Class::Retry,
            (false, true) => Class::Check,
        };
        self.queue.push(id, entry.place, class);
    }

    /// The objects whose time has come.
    fn ring(&mut self, start: Instant) {
        let now = start.elapsed();
        while let Some((due, id)) = self.timers.first()
            && Duration::from_millis(due) <= now
        {
            self.timers.remove(id);
            self.look(id, start);
        }
    }

    /// When the object is looked at next, should nothing happen.
    fn time(&mut self, id: ObjectId, at: Option<Duration>) {
        if self.entries.get(id as usize).is_none_or(Option::is_none) {
            return;
        }
        match at {
            // Rounded up: a look that is a hair too early would be for nothing.
            Some(at) => self.timers.set(id, u64::try_from(at.as_micros() / 1000 + 1).unwrap_or(u64::MAX)),
            None => self.timers.remove(id),
        }
    }

    fn end(&mut self, id: ObjectId) -> Left {
        let left = self.queue.end(id);
        if left == Left::Gone {
            self.free.push(id);
        }
        left
    }
}

/// Room for so many. Not twice as many at once: for 100,000 objects that would be a megabyte that nobody needs.
fn reserve<T>(list: &mut Vec<T>, length: usize) {
    if list.capacity() < length {
        list.reserve_exact((length - list.len()).max(list.len() / 8).max(64));
    }
}

#[cfg(test)]
mod tests;
