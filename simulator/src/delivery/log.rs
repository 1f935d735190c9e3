//! The record of deliveries: a ring, like the journal.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::{Delivery, DeliveryOutcome};

pub(crate) struct DeliveryLog {
    inner: Mutex<Inner>,
}

struct Inner {
    ring: VecDeque<Delivery>,
    size: usize,
    last: u64,
    pending: usize,
}

impl DeliveryLog {
    pub(crate) fn new(size: usize) -> Self {
        Self { inner: Mutex::new(Inner { ring: VecDeque::new(), size, last: 0, pending: 0 }) }
    }

    /// Enters a delivery, and gives it its number.
    pub(crate) fn open(&self, mut delivery: Delivery) -> u64 {
        let mut inner = self.inner.lock();
        inner.last += 1;
        inner.pending += 1;
        delivery.id = inner.last;
        inner.ring.push_back(delivery);
        while inner.ring.len() > inner.size {
            inner.ring.pop_front();
        }
        inner.last
    }

    pub(crate) fn close(&self, id: u64, outcome: DeliveryOutcome) {
        let mut inner = self.inner.lock();
        inner.pending -= 1;
        if let Some(delivery) = inner.ring.iter_mut().rev().find(|delivery| delivery.id == id) {
            delivery.outcome = outcome;
        }
    }

    pub(crate) fn list(&self) -> Vec<Delivery> {
        self.inner.lock().ring.iter().cloned().collect()
    }

    pub(crate) fn pending(&self) -> usize {
        self.inner.lock().pending
    }

    pub(crate) fn clear(&self) {
        self.inner.lock().ring.clear();
    }
}
