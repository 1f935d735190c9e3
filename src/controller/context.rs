//! What every pass shares.

use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::SecretGrant;
use super::addresses::Addresses;
use super::census::Census;
use super::conversations::Conversations;
use super::definition::Definition;
use super::events::Events;
use super::guarded::Guarded;
use super::in_use::InUse;
use super::index::Index;
use super::memory::Memory;
use super::rotation::News;
use super::secrets::Secrets;
use super::vanished::Vanished;
use super::wakeup::Waiters;
use crate::decide::Timing;
use crate::lanes::Lanes;
use crate::lease::Leadership;
use crate::metrics::Metrics;
use crate::twilio::{self, AccountSid, ConversationSid};

/// What every pass shares.
pub(super) struct Context {
    /// For requests with a bounded time; watches have a client of their own.
    pub(super) kube: Client,
    pub(super) twilio: twilio::Client,
    /// Id of the cluster, for journals.
    pub(super) cluster: String,
    /// How the owner of a namespace lets this process read Secrets there.
    pub(super) grant: Option<SecretGrant>,
    /// Served namespaces; empty means all.
    pub(super) namespaces: Vec<String>,
    pub(super) timing: Timing,
    pub(super) resync_interval: Duration,
    pub(super) definition: Definition,
    pub(super) secrets: Secrets,
    pub(super) in_use: InUse,
    pub(super) news: News,
    pub(super) addresses: Addresses,
    pub(super) conversations: Conversations,
    pub(super) lanes: Arc<Lanes>,
    pub(super) memory: Memory,
    pub(super) vanished: Vanished,
    pub(super) census: Census,
    pub(super) waiters: Waiters,
    pub(super) events: Events,
    pub(super) metrics: Arc<Metrics>,
    /// All objects, and whose turn it is.
    pub(super) index: Index,
    /// Passes under way: a stop waits for them.
    pub(super) passes: TaskTracker,
    /// Whether this process may act.
    pub(super) leadership: Leadership,
    /// Once cancelled, passes end at their next step unless a create is under way.
    pub(super) stop: CancellationToken,
}

impl Context {
    /// Nothing new may be begun: the process is told to stop, or somebody else may lead by now.
    pub(super) fn must_rest(&self) -> bool {
        self.stop.is_cancelled() || !self.leadership.is_held()
    }

    /// The objects of one namespace.
    pub(super) fn objects(&self, namespace: &str) -> Api<Guarded> {
        Api::namespaced(self.kube.clone(), namespace)
    }

    /// Something went from a conversation: whoever waits for that is looked at.
    pub(super) fn made_room(&self, account: &AccountSid, conversation: &ConversationSid) {
        for uid in self.waiters.take(&(account.clone(), conversation.clone())) {
            self.index.wake(&uid);
        }
    }

    /// Whether so many of the account's webhooks went missing that none is made again unasked.
    pub(super) fn is_mass_change(&self, account: &AccountSid) -> bool {
        self.census.is_mass(account, || self.index.webhooks_in(account))
    }
}
