//! What every pass shares.

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::SecretGrant;
use super::addresses::Addresses;
use super::census::Census;
use super::conversations::Conversations;
use super::definition::Definition;
use super::events::Events;
use super::in_use::InUse;
use super::memory::Memory;
use super::object::{Guarded, sibling};
use super::rotation::News;
use super::secrets::Secrets;
use super::vanished::Vanished;
use super::wakeup::{Bell, Waiters};
use crate::api::CONVERSATION_LABEL;
use crate::decide::{Sibling, Timing};
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
    /// One per served namespace, or one for all.
    pub(super) bells: Vec<Bell>,
    pub(super) events: Events,
    pub(super) metrics: Arc<Metrics>,
    /// The watch caches, one per served namespace or one for all.
    pub(super) stores: Vec<Store<Guarded>>,
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
        for (uid, object) in self.waiters.take(&(account.clone(), conversation.clone())) {
            self.wake(&uid, object);
        }
    }

    /// The object is looked at now, whatever it waits for.
    pub(super) fn wake(&self, uid: &str, object: ObjectRef<Guarded>) {
        self.memory.wake(uid);
        let at = self.namespaces.iter().position(|name| Some(name) == object.namespace.as_ref());
        if let Some(bell) = self.bells.get(at.unwrap_or_default()) {
            // Nobody listens only while stopping.
            let _ = bell.unbounded_send(object);
        }
    }

    /// Whether so many of the account's webhooks went missing that none is made again unasked.
    pub(super) fn is_mass_change(&self, account: &AccountSid) -> bool {
        self.census.is_mass(account, || {
            let objects = self.stores.iter().flat_map(Store::state);
            objects
                .filter(|guarded| {
                    let status = guarded.0.as_ref().ok().and_then(|object| object.status.as_ref());
                    status.is_some_and(|status| {
                        status.webhook_sid.is_some() && status.account_sid.as_ref() == Some(account)
                    })
                })
                .count()
        })
    }

    /// The object of this name as the watch cache has it now.
    pub(super) fn cached(&self, object: &Guarded) -> Option<Arc<Guarded>> {
        let key = ObjectRef::from_obj(object);
        self.stores.iter().find_map(|store| store.get(&key))
    }

    /// The objects on a conversation as the watch cache has them.
    pub(super) fn cached_siblings(&self, conversation: &ConversationSid) -> Vec<Sibling> {
        self.stores
            .iter()
            .flat_map(Store::state)
            .filter_map(|guarded| {
                let object = guarded.0.as_ref().ok()?;
                let recorded = object.status.as_ref().and_then(|status| status.conversation_sid.as_ref());
                let labelled =
                    object.metadata.labels.as_ref().and_then(|labels| labels.get(CONVERSATION_LABEL));
                let here = recorded == Some(conversation)
                    || labelled.is_some_and(|label| label == conversation.as_str());
                here.then(|| sibling(object))
            })
            .collect()
    }
}
