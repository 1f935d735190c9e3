//! One tenant's units: who waits, in order, and how much is under way.

use std::collections::VecDeque;

use super::{Class, Place};

/// The units of one tenant.
#[derive(Debug, Default)]
pub(super) struct Lane {
    ready: [VecDeque<Place>; 3],
    /// Whether it takes part in the turns of a class.
    rings: [bool; 3],
    running: u32,
    checks: u32,
}

impl Lane {
    pub(super) fn wait(&mut self, class: Class, unit: Place) {
        self.ready[class as usize].push_back(unit);
    }

    pub(super) fn take(&mut self, class: Class) -> Option<Place> {
        self.ready[class as usize].pop_front()
    }

    /// Whether one more of a class may be under way. Checks leave room for changes, and where Twilio takes more than one request
    /// at a time, one of these as well: a change waits for no check.
    pub(super) fn has_room(&self, class: Class, limit: u32) -> bool {
        let checks = (limit / 2).saturating_sub(1).max(1);
        self.running < limit && (class != Class::Check || self.checks < checks)
    }

    /// Whether it has to be put in the ring of a class, where it counts as put from now on.
    pub(super) fn joins(&mut self, class: Class, limit: u32) -> bool {
        let ready = !self.ready[class as usize].is_empty() && self.has_room(class, limit);
        ready && !std::mem::replace(&mut self.rings[class as usize], true)
    }

    /// It was taken out of the ring of a class.
    pub(super) fn leaves_ring(&mut self, class: Class) {
        self.rings[class as usize] = false;
    }

    pub(super) fn began(&mut self, class: Class) {
        self.running += 1;
        self.checks += u32::from(class == Class::Check);
    }

    pub(super) fn ended(&mut self, class: Class) {
        self.running -= 1;
        self.checks -= u32::from(class == Class::Check);
    }

    /// Nothing is under way, nobody waits, and nobody else has it on a list.
    pub(super) fn is_empty(&self) -> bool {
        self.running == 0 && self.ready.iter().all(VecDeque::is_empty) && self.rings == [false; 3]
    }
}
