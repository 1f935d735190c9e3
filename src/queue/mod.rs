//! Whose turn it is: objects that wait for a pass, and which of them begins one next.
//!
//! For: fairness among tenants, order within a conversation, and no more begun than the API server takes. No clock, no
//! client, no async: time comes in as the duration since some start, an object is a number. Must never: lose an object,
//! begin two passes on one conversation of a tenant, or let one tenant's backlog delay another's change.
//!
//! | file | what it holds |
//! |---|---|
//! | `unit` | the objects of one conversation, which go one after another |
//! | `lane` | the units of one tenant |
//! | `shares` | which class is next |
//!
//! A tenant is whoever shares a Secret. What Twilio allows an account is not known here: [`lanes`](crate::lanes) keeps to that,
//! also where several tenants share an account.

mod lane;
mod shares;
mod unit;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use self::lane::Lane;
use self::shares::Shares;
use self::unit::Unit;

/// An object's number.
pub type ObjectId = u32;

/// What an object's pass is for. The first goes first; none waits for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Something changed, or somebody asked.
    Change,
    /// Something is not as it should be yet, and is tried or looked at again.
    Retry,
    /// A webhook is compared with what it should be.
    Check,
}

impl Class {
    const ALL: [Self; 3] = [Self::Change, Self::Retry, Self::Check];
}

/// Where an object stands in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Its tenant.
    pub lane: u64,
    /// Its conversation. Different tenants may name the same one: they do not share it.
    pub conversation: u64,
}

/// The numbers that a queue goes by.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Passes of one tenant that are under way at most: twice as many as Twilio takes at a time. One less than it takes are
    /// checks at most, or 1. At least 2.
    pub per_lane: u32,
    /// Passes under way at most.
    pub most: usize,
    /// Checks under way at most.
    pub checks: usize,
    /// Requests to the API server, made and to be expected, at which nothing is begun that writes.
    pub writers: usize,
    /// How long a pass that may write is expected to come to that. After that it waits for something else, and whoever
    /// waits for a slow Twilio must not keep others waiting.
    pub young: Duration,
}

impl Limits {
    /// The limits, where `in_flight` requests of one account are.
    #[must_use]
    pub fn new(in_flight: usize, writers: usize) -> Self {
        let in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
        Self {
            // A pass that writes to the API server leaves Twilio to another.
            per_lane: in_flight.max(1).saturating_mul(2),
            most: 1024,
            checks: 256,
            writers,
            young: Duration::from_millis(250),
        }
    }
}

/// An object that is in the queue.
#[derive(Debug)]
enum Task {
    Waiting {
        place: Place,
        class: Class,
        number: u64,
    },
    Running {
        place: Place,
        class: Class,
        since: Duration,
        /// Something came meanwhile.
        again: bool,
        /// The object is gone.
        gone: bool,
        /// It holds nobody up any more.
        aside: bool,
    },
}

/// What the end of a pass leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// Something came while it ran: it may have to run again.
    News,
    /// The object is gone: its number is free.
    Gone,
}

/// All objects that wait for a pass or have one.
#[derive(Debug)]
pub struct Queue {
    limits: Limits,
    tasks: HashMap<ObjectId, Task>,
    units: HashMap<Place, Unit>,
    lanes: HashMap<u64, Lane>,
    /// Lanes in which somebody of a class may begin, in the order of their turns.
    rings: [VecDeque<u64>; 3],
    /// Units whose next object goes ahead of all lanes' turns: what was just read for the one before it serves it as well.
    followers: [VecDeque<Place>; 3],
    shares: Shares,
    /// Passes under way that may be about to write, by when they began.
    young: BTreeSet<(Duration, ObjectId)>,
    running: usize,
    /// Passes under way that stepped aside.
    aside: usize,
    checks: usize,
    number: u64,
}

impl Queue {
    /// Nobody waits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits: Limits { per_lane: limits.per_lane.max(2), ..limits },
            tasks: HashMap::new(),
            units: HashMap::new(),
            lanes: HashMap::new(),
            rings: Default::default(),
            followers: Default::default(),
            shares: Shares::default(),
            young: BTreeSet::new(),
            running: 0,
            aside: 0,
            checks: 0,
            number: 0,
        }
    }

    /// Passes under way that others may have to wait for.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running
    }

    /// Objects that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.tasks.len() - self.running - self.aside
    }

    /// The object needs a pass. One that waits already keeps its turn, or gets the better class; one whose pass is under way is
    /// named again at its end.
    pub fn push(&mut self, object: ObjectId, place: Place, class: Class) {
        let (number, class) = match self.tasks.get_mut(&object) {
            Some(Task::Running { again, .. }) => {
                *again = true;
                return;
            }
            Some(Task::Waiting { place: at, class: as_what, .. }) if *at == place && *as_what <= class => {
                return;
            }
            Some(Task::Waiting { place: at, class: as_what, number }) => {
                let (at, as_what, number) = (*at, *as_what, *number);
                self.leave(at, as_what, number);
                (number, class.min(as_what))
            }
            None => {
                self.number += 1;
                (self.number, class)
            }
        };
        self.tasks.insert(object, Task::Waiting { place, class, number });
        self.units.entry(place).or_default().wait(class, number, object);
        self.enlist(place);
    }

    /// The object is gone. Says whether its number is free; otherwise it is at the end of its pass.
    pub fn forget(&mut self, object: ObjectId) -> bool {
        match self.tasks.get_mut(&object) {
            None => true,
            Some(Task::Running { gone, .. }) => {
                *gone = true;
                false
            }
            Some(Task::Waiting { place, class, number }) => {
                let (place, class, number) = (*place, *class, *number);
                self.leave(place, class, number);
                self.tasks.remove(&object);
                true
            }
        }
    }

    /// The object whose pass begins now, if one may: `requests` are under way at the API server.
    pub fn next(&mut self, requests: usize, now: Duration) -> Option<ObjectId> {
        while let Some(&(since, object)) = self.young.first()
            && now >= since + self.limits.young
        {
            self.young.remove(&(since, object));
        }
        if self.running >= self.limits.most {
            return None;
        }
        for class in self.shares.order() {
            let is_full = match class {
                Class::Check => self.checks >= self.limits.checks,
                Class::Change | Class::Retry => self.young.len() + requests >= self.limits.writers,
            };
            if is_full {
                continue;
            }
            if let Some(place) = self.next_unit(class) {
                let others_wait = Class::ALL.map(|class| self.somebody_waits(class));
                self.shares.served(class, others_wait);
                return self.begin(place, class, now);
            }
        }
        None
    }

    /// When somebody who may not begin now may at the latest, should nothing else happen.
    #[must_use]
    pub fn next_chance(&self) -> Option<Duration> {
        let (since, _) = self.young.first().filter(|_| self.waiting() > 0)?;
        Some(*since + self.limits.young)
    }

    /// The object's pass is over.
    pub fn end(&mut self, object: ObjectId) -> Left {
        self.step_aside(object);
        let Some(Task::Running { again, gone, .. }) = self.tasks.get(&object) else { return Left::Nothing };
        let left = match (gone, again) {
            (true, _) => Left::Gone,
            (false, true) => Left::News,
            (false, false) => Left::Nothing,
        };
        self.tasks.remove(&object);
        self.aside -= 1;
        left
    }

    /// The object's pass goes on, for who knows how long, and others need not wait for it: its conversation and its tenant are as
    /// if it were over. The object itself has no other pass until then.
    pub fn step_aside(&mut self, object: ObjectId) {
        let Some(Task::Running { place, class, since, aside, .. }) = self.tasks.get_mut(&object) else {
            return;
        };
        if std::mem::replace(aside, true) {
            return;
        }
        let (place, class, since) = (*place, *class, *since);
        self.young.remove(&(since, object));
        self.running -= 1;
        self.aside += 1;
        self.checks -= usize::from(class == Class::Check);
        if let Some(lane) = self.lanes.get_mut(&place.lane) {
            lane.ended(class);
        }
        let unit = self.units.entry(place).or_default();
        unit.end();
        match unit.first() {
            Some(next) if unit.may_follow() => self.followers[next as usize].push_back(place),
            _ => {
                unit.pause();
                self.enlist(place);
            }
        }
        self.call(place.lane);
    }

    fn somebody_waits(&self, class: Class) -> bool {
        !self.rings[class as usize].is_empty() || !self.followers[class as usize].is_empty()
    }

    /// An idle unit takes its place in its lane, by the best that waits in it.
    fn enlist(&mut self, place: Place) {
        let Some(unit) = self.units.get_mut(&place) else { return };
        let Some(class) = unit.first() else {
            if unit.is_idle() {
                self.units.remove(&place);
            }
            return;
        };
        if unit.enlists(class) {
            self.lanes.entry(place.lane).or_default().wait(class, place);
            self.call(place.lane);
        }
    }

    /// A lane takes part in the turns of each class that somebody waits for in it, and may begin.
    fn call(&mut self, lane: u64) {
        let Some(entry) = self.lanes.get_mut(&lane) else { return };
        for class in Class::ALL {
            if entry.joins(class, self.limits.per_lane) {
                self.rings[class as usize].push_back(lane);
            }
        }
        if entry.is_empty() {
            self.lanes.remove(&lane);
        }
    }

    fn leave(&mut self, place: Place, class: Class, number: u64) {
        if let Some(unit) = self.units.get_mut(&place) {
            unit.leave(class, number);
        }
        // What stands for it in its lane finds out that nobody is there.
        self.enlist(place);
    }

    /// The unit that is next in a class.
    fn next_unit(&mut self, class: Class) -> Option<Place> {
        while let Some(place) = self.followers[class as usize].pop_front() {
            if !self.is_next(place, class) {
                continue;
            }
            let has_room =
                self.lanes.get(&place.lane).is_none_or(|lane| lane.has_room(class, self.limits.per_lane));
            if has_room {
                return Some(place);
            }
            self.enlist(place);
        }
        while let Some(id) = self.rings[class as usize].pop_front() {
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            lane.leaves_ring(class);
            let mut found = None;
            if lane.has_room(class, self.limits.per_lane) {
                while let Some(place) = self.lanes.get_mut(&id).and_then(|lane| lane.take(class)) {
                    if let Some(unit) = self.units.get_mut(&place) {
                        unit.unlist(class);
                    }
                    if self.is_next(place, class) {
                        found = Some(place);
                        break;
                    }
                }
            }
            self.call(id);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Whether a unit may begin with an object of this class. One that is better than it looked stands there as well.
    fn is_next(&self, place: Place, class: Class) -> bool {
        self.units.get(&place).is_some_and(|unit| unit.is_idle() && unit.first() == Some(class))
    }

    fn begin(&mut self, place: Place, class: Class, now: Duration) -> Option<ObjectId> {
        let object = self.units.get_mut(&place)?.begin()?;
        let task = Task::Running { place, class, since: now, again: false, gone: false, aside: false };
        self.tasks.insert(object, task);
        self.lanes.entry(place.lane).or_default().began(class);
        self.running += 1;
        match class {
            Class::Check => self.checks += 1,
            Class::Change | Class::Retry => {
                self.young.insert((now, object));
            }
        }
        Some(object)
    }
}

#[cfg(test)]
mod tests;
