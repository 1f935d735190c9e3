//! One account: its services, conversations and webhooks behind one lock. Every change is one method that either
//! happens whole or not at all; the lock is never held over an await. What each kind of thing can do stands in a file of
//! its own beside this one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard, RwLock};

use super::conversation::Conversation;
use super::period::Period;
use super::schedule::Schedule;
use super::service::{Service, WideWebhook};
use super::webhook::WebhookRecord;
use crate::api::Refusal;
use crate::clock::Clock;
use crate::delivery::{self, Dispatch, Event};
use crate::seed::{AccountStatus, Region};
use crate::sid::{
    AccountSid, ConversationSid, FlowSid, MessagingServiceSid, ServiceSid, SidSource, WebhookSid,
};

/// An account. What never changes stands outside the lock.
pub(crate) struct Account {
    pub(crate) sid: AccountSid,
    pub(crate) region: Region,
    /// Requests in flight, for `Twilio-Concurrent-Requests`.
    pub(crate) in_flight: AtomicUsize,
    status: RwLock<AccountStatus>,
    auth_token: RwLock<String>,
    data: Mutex<AccountData>,
}

/// What an account is made of.
pub(crate) struct NewAccount {
    pub(crate) sid: AccountSid,
    pub(crate) region: Region,
    pub(crate) auth_token: String,
    pub(crate) service: ServiceSid,
    pub(crate) messaging_service: MessagingServiceSid,
    pub(crate) clock: Clock,
    /// Where idempotency tokens come from. Apart from SIDs, so that a timer does not change what is made next.
    pub(crate) tokens: Arc<SidSource>,
}

impl Account {
    pub(crate) fn new(new: NewAccount) -> Self {
        let NewAccount { sid, region, auth_token, service, messaging_service, clock, tokens } = new;
        let defaults = Defaults { service, messaging_service, inactive_after: None, closed_after: None };
        let mut data = AccountData {
            sid,
            clock,
            tokens,
            defaults,
            webhook: WideWebhook::default(),
            services: BTreeMap::new(),
            flows: None,
            conversations: HashMap::new(),
            names: HashMap::new(),
            schedule: Schedule::default(),
            records: Vec::new(),
            positions: HashMap::new(),
            made: 0,
            outbox: Vec::new(),
        };
        data.add_service(service, "Default Conversations Service".to_owned());
        Self {
            sid,
            region,
            in_flight: AtomicUsize::new(0),
            status: RwLock::default(),
            auth_token: RwLock::new(auth_token),
            data: Mutex::new(data),
        }
    }

    /// Everything that changes, as it is by now.
    pub(crate) fn data(&self) -> MutexGuard<'_, AccountData> {
        let mut data = self.data.lock();
        data.run_schedule();
        data
    }

    pub(crate) fn status(&self) -> AccountStatus {
        *self.status.read()
    }

    pub(crate) fn set_status(&self, status: AccountStatus) {
        *self.status.write() = status;
    }

    pub(crate) fn auth_token(&self) -> String {
        self.auth_token.read().clone()
    }

    pub(crate) fn has_auth_token(&self, token: &str) -> bool {
        *self.auth_token.read() == token
    }

    pub(crate) fn set_auth_token(&self, token: String) {
        *self.auth_token.write() = token;
    }
}

/// What holds for the account where a request does not say otherwise.
pub(crate) struct Defaults {
    /// The service that the short paths mean.
    pub(crate) service: ServiceSid,
    pub(crate) messaging_service: MessagingServiceSid,
    pub(crate) inactive_after: Option<Period>,
    pub(crate) closed_after: Option<Period>,
}

/// What changes in an account.
pub(crate) struct AccountData {
    pub(crate) sid: AccountSid,
    pub(crate) clock: Clock,
    pub(crate) tokens: Arc<SidSource>,
    pub(crate) defaults: Defaults,
    /// The webhook of the whole account.
    pub(crate) webhook: WideWebhook,
    pub(super) services: BTreeMap<ServiceSid, Service>,
    /// `None`: every well-formed flow SID exists.
    pub(crate) flows: Option<BTreeSet<FlowSid>>,
    pub(super) conversations: HashMap<ConversationSid, Conversation>,
    pub(super) names: HashMap<(ServiceSid, String), ConversationSid>,
    pub(super) schedule: Schedule,
    /// Every webhook ever made, oldest first.
    pub(super) records: Vec<WebhookRecord>,
    pub(super) positions: HashMap<WebhookSid, usize>,
    made: u64,
    outbox: Vec<Dispatch>,
}

/// What a change was caused by, and with it whether webhooks hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A REST call, which fires webhooks only when it says so.
    Rest { fires: bool },
    /// Somebody who does not use this API: always fires.
    Outsider,
    /// The conversation itself: always fires.
    Timer,
    /// The world as it was found.
    Seed,
}

impl Cause {
    const fn fires(self) -> bool {
        match self {
            Self::Rest { fires } => fires,
            Self::Outsider | Self::Timer => true,
            Self::Seed => false,
        }
    }

    /// Twilio's `Reason` for a change of a conversation's state.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Timer => "TIMER",
            Self::Rest { .. } | Self::Outsider | Self::Seed => "API",
        }
    }
}

impl AccountData {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The next place in the order of creation.
    pub(super) const fn next_ordinal(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Lets every webhook that it concerns hear of an event of that conversation.
    pub(super) fn announce(&mut self, conversation: ConversationSid, event: &Event, cause: Cause) {
        if cause.fires()
            && let Some(conversation) = self.conversations.get(&conversation)
        {
            let dispatches = delivery::address(self, conversation, event);
            self.outbox.extend(dispatches);
        }
    }

    /// Adds deliveries that are no event's, such as a replay.
    pub(super) fn post(&mut self, dispatches: Vec<Dispatch>) {
        self.outbox.extend(dispatches);
    }

    /// The deliveries that are waiting to be sent.
    pub(crate) fn take_outbox(&mut self) -> Vec<Dispatch> {
        std::mem::take(&mut self.outbox)
    }

    /// Whether anything may happen here without a request.
    pub(crate) fn is_stirring(&self) -> bool {
        !self.outbox.is_empty() || !self.schedule.is_empty()
    }

    pub(crate) fn service(&self, sid: ServiceSid) -> Result<&Service, Refusal> {
        self.services.get(&sid).ok_or(Refusal::ServiceNotFound)
    }

    pub(crate) fn service_mut(&mut self, sid: ServiceSid) -> Result<&mut Service, Refusal> {
        self.services.get_mut(&sid).ok_or(Refusal::ServiceNotFound)
    }

    /// All services, oldest first.
    pub(crate) fn services(&self) -> Vec<&Service> {
        let mut services: Vec<_> = self.services.values().collect();
        services.sort_unstable_by_key(|service| service.ordinal);
        services
    }

    /// Adds a service, unless it is there.
    pub(crate) fn add_service(&mut self, sid: ServiceSid, friendly_name: String) -> &Service {
        let (ordinal, now) = (self.next_ordinal(), self.now());
        self.services.entry(sid).or_insert_with(|| Service {
            sid,
            friendly_name,
            ordinal,
            created_at: now,
            updated_at: now,
            webhook: WideWebhook::default(),
            pace: super::Pace::default(),
        })
    }

    /// The service goes, and all that is in it. That of the short paths stays.
    pub(crate) fn delete_service(
        &mut self,
        sid: ServiceSid,
        origin: &super::Origin,
        cause: Cause,
    ) -> Result<(), Refusal> {
        self.service(sid)?;
        if sid == self.defaults.service {
            return Err(Refusal::InvalidParameter("Sid".into()));
        }
        let mut inside: Vec<_> =
            self.conversations.values().filter(|conversation| conversation.service == sid).collect();
        inside.sort_unstable_by_key(|conversation| conversation.ordinal);
        let inside: Vec<_> = inside.into_iter().map(|conversation| conversation.sid).collect();
        for conversation in inside {
            self.delete_conversation(conversation, origin.clone(), cause);
        }
        self.services.remove(&sid);
        Ok(())
    }
}
