//! When objects are looked at next: a heap of times in which every object's place is known, in 16 bytes for each.

use super::reserve;
use crate::queue::ObjectId;

/// An object that has no timer.
const NOWHERE: u32 = u32::MAX;

/// At most one timer for each object.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// The two below the one at `n` stand at `2n + 1` and `2n + 2`, and are not earlier.
    heap: Vec<Timer>,
    /// By object: its position in the heap.
    places: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    /// The upper half and the lower one: with a whole number this would take a third more.
    at: [u32; 2],
    object: ObjectId,
}

impl Timer {
    fn new(at: u64, object: ObjectId) -> Self {
        let half = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self { at: [half(at >> 32), half(at)], object }
    }

    fn at(self) -> u64 {
        (u64::from(self.at[0]) << 32) | u64::from(self.at[1])
    }
}

impl Timers {
    /// The earliest of all, and whose it is.
    pub(super) fn first(&self) -> Option<(u64, ObjectId)> {
        self.heap.first().map(|timer| (timer.at(), timer.object))
    }

    /// The object's timer goes off then, in place of the one that it had.
    pub(super) fn set(&mut self, object: ObjectId, at: u64) {
        let timer = Timer::new(at, object);
        let index = object as usize;
        if self.places.len() <= index {
            reserve(&mut self.places, index + 1);
            self.places.resize(index + 1, NOWHERE);
        }
        match self.places.get(index) {
            Some(&place) if place != NOWHERE => self.replace(place as usize, timer),
            _ => {
                let end = self.heap.len() + 1;
                reserve(&mut self.heap, end);
                self.heap.push(timer);
                self.rise(self.heap.len() - 1);
            }
        }
    }

    /// The object has no timer any more.
    pub(super) fn remove(&mut self, object: ObjectId) {
        let Some(place) = self.places.get_mut(object as usize) else { return };
        let place = std::mem::replace(place, NOWHERE) as usize;
        if place >= self.heap.len() {
            return;
        }
        if let Some(last) = self.heap.pop()
            && place < self.heap.len()
        {
            self.replace(place, last);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Another timer takes this position, and goes from there to where it belongs.
    fn replace(&mut self, place: usize, timer: Timer) {
        self.heap[place] = timer;
        self.sink(place);
        self.rise(place);
    }

    /// The timer at this position goes up until none above it is later.
    fn rise(&mut self, mut place: usize) {
        while let Some(above) = place.checked_sub(1).map(|place| place / 2)
            && self.heap[place] < self.heap[above]
        {
            self.swap(place, above);
            place = above;
        }
        self.note(place);
    }

    /// The timer at this position goes down until none below it is earlier.
    fn sink(&mut self, mut place: usize) {
        loop {
            let below = (2 * place + 1..2 * place + 3).filter(|below| *below < self.heap.len());
            let Some(earlier) = below.min_by_key(|below| self.heap[*below]) else { break };
            if self.heap[place] <= self.heap[earlier] {
                break;
            }
            self.swap(place, earlier);
            place = earlier;
        }
        self.note(place);
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.note(one);
        self.note(other);
    }

    fn note(&mut self, place: usize) {
        let object = self.heap[place].object as usize;
        self.places[object] = u32::try_from(place).unwrap_or(NOWHERE);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// Some object's timer is set, or removed.
    fn steps() -> impl Strategy<Value = Vec<(ObjectId, Option<u64>)>> {
        let at = prop_oneof![0..20_u64, (1_u64 << 32) - 3..(1 << 32) + 3, Just(u64::MAX)];
        prop::collection::vec((0..40_u32, prop::option::weighted(0.7, at)), 0..200)
    }

    proptest! {
        /// Against a sorted set, after each step; and at the end they go off in order.
        #[test]
        fn the_first_is_always_the_earliest(steps in steps()) {
            let (mut timers, mut expected) = (Timers::default(), BTreeMap::new());
            for (object, at) in steps {
                if let Some(at) = at {
                    timers.set(object, at);
                    expected.insert(object, at);
                } else {
                    timers.remove(object);
                    expected.remove(&object);
                }
                let sorted: BTreeSet<_> = expected.iter().map(|(object, at)| (*at, *object)).collect();
                prop_assert_eq!(timers.first(), sorted.first().copied());
            }
            while let Some((at, object)) = timers.first() {
                prop_assert_eq!(expected.remove(&object), Some(at));
                timers.remove(object);
            }
            prop_assert!(expected.is_empty() && timers.is_empty());
        }
    }
}
