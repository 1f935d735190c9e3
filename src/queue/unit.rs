//! The objects of one conversation: one pass at a time.

use std::collections::BTreeMap;

use super::{Class, ObjectId};
use crate::decide::SLOTS;

/// The objects of one conversation that wait, and whether one of them has its pass.
#[derive(Debug, Default)]
pub(super) struct Unit {
    waiting: BTreeMap<(Class, u64), ObjectId>,
    busy: bool,
    /// How many went in a row.
    row: usize,
    /// In which classes it stands in its lane.
    listed: [bool; 3],
}

impl Unit {
    pub(super) fn wait(&mut self, class: Class, number: u64, object: ObjectId) {
        self.waiting.insert((class, number), object);
    }

    pub(super) fn leave(&mut self, class: Class, number: u64) {
        self.waiting.remove(&(class, number));
    }

    /// The class of the object that is next.
    pub(super) fn first(&self) -> Option<Class> {
        self.waiting.first_key_value().map(|((class, _), _)| *class)
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.busy
    }

    /// Takes the object that is next.
    pub(super) fn begin(&mut self) -> Option<ObjectId> {
        let (_, object) = self.waiting.pop_first()?;
        self.busy = true;
        self.row += 1;
        Some(object)
    }

    pub(super) fn end(&mut self) {
        self.busy = false;
    }

    /// Whether the next object may go on at once: as many in a row as a conversation has webhooks, so that one list serves
    /// them, and others do not wait for ever.
    pub(super) fn may_follow(&self) -> bool {
        self.row < SLOTS
    }

    /// The row is over.
    pub(super) fn pause(&mut self) {
        self.row = 0;
    }

    /// Whether it has to be put in its lane, where it counts as put from now on.
    pub(super) fn enlists(&mut self, class: Class) -> bool {
        !self.busy && !std::mem::replace(&mut self.listed[class as usize], true)
    }

    /// It stands in its lane no more.
    pub(super) fn unlist(&mut self, class: Class) {
        self.listed[class as usize] = false;
    }
}
