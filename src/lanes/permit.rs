//! Places in lane and line that are given back when dropped, so that a cancelled pass costs nobody anything.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Shared;
use super::lane::{Admission, Answer, Call, Errand, Ticket};
use crate::twilio::Door;

/// The right to have requests of one account in flight, one at a time, until dropped.
#[derive(Debug)]
#[must_use = "a permit that is dropped lets the next one in"]
pub struct Permit {
    shared: Arc<Shared>,
    account: Door,
    admission: Admission,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = self.shared.now();
        self.shared.accounts.with(&self.account, now, |lane| lane.release(&self.admission, now));
    }
}

/// A place in line.
#[derive(Debug)]
pub(super) struct InLine<'a> {
    shared: &'a Arc<Shared>,
    account: &'a Door,
    ticket: Ticket,
    bell: Arc<Notify>,
}

impl Call for Arc<Notify> {
    /// A call that comes before somebody listens is kept, so that none is lost.
    fn call(&self) {
        self.notify_one();
    }
}

impl<'a> InLine<'a> {
    /// Takes a place in the account's line.
    pub(super) fn join(shared: &'a Arc<Shared>, account: &'a Door, errand: Errand) -> Self {
        let bell = Arc::new(Notify::new());
        let ticket = shared.accounts.with(account, shared.now(), |lane| lane.join(errand, Arc::clone(&bell)));
        Self { shared, account, ticket, bell }
    }

    /// Whether it is one's turn.
    pub(super) fn ask(&self, errand: Errand) -> Answer {
        let now = self.shared.now();
        self.shared.accounts.with(self.account, now, |lane| lane.ask(self.ticket, errand, now))
    }

    /// Waits until it may be one's turn.
    pub(super) async fn called(&self) {
        self.bell.notified().await;
    }

    /// What an admission is worth outside.
    pub(super) fn permit(&self, admission: Admission) -> Permit {
        Permit { shared: Arc::clone(self.shared), account: self.account.clone(), admission }
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.shared.accounts.with(self.account, self.shared.now(), |lane| lane.leave(self.ticket));
    }
}
