//! The control of a simulator: seeding, faults, changes behind the API's back, and everything that a test asks
//! afterwards. The library's typed methods are the control API; HTTP ([`http`]) is a thin layer over them.

pub(crate) mod http;
mod outsider;
mod seeding;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

pub use outsider::WebhookChanges;

use crate::api::Refusal;
use crate::counters::Counters;
use crate::delivery::{self, Courier, Delivery};
use crate::fault::{FaultId, FaultRule, FaultStatus};
use crate::journal::Entry;
use crate::reply_check::{ReplyCheck, WrongReply};
use crate::seed::{AccountStatus, KeySeed, Seed};
use crate::settings::Settings;
use crate::sid::{AccountSid, ConversationSid, KeySid, WebhookSid};
use crate::state::State;
use crate::world::Ledger;

/// Why a control call did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such account.
    #[error("there is no account {0}")]
    UnknownAccount(AccountSid),
    /// There is no such key.
    #[error("there is no key {0}")]
    UnknownKey(KeySid),
    /// There is no such conversation.
    #[error("there is no conversation {0}")]
    UnknownConversation(ConversationSid),
    /// There is no such webhook.
    #[error("there is no webhook {0}")]
    UnknownWebhook(WebhookSid),
    /// There is no such fault.
    #[error("there is no fault {}", .0.0)]
    UnknownFault(FaultId),
    /// The key belongs to another account already.
    #[error("key {key} belongs to account {owner}")]
    KeyTaken {
        /// The key.
        key: KeySid,
        /// The account that it belongs to.
        owner: AccountSid,
    },
    /// Twilio has restricted keys in the region us1 only.
    #[error("account {0} is in a region without restricted keys: give it a standard one")]
    NoRestrictedKeys(AccountSid),
    /// The SID is in use already.
    #[error("{0} exists already")]
    SidTaken(String),
    /// Twilio would refuse the same.
    #[error("Twilio would refuse this: {0}")]
    Refused(#[from] Refusal),
}

/// How a simulator is made.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    pub(crate) seed: Seed,
    pub(crate) random_seed: u64,
    pub(crate) journal_size: usize,
    pub(crate) check_replies: bool,
}

/// A handle on a simulator. Cloning it is cheap; every method is synchronous, and works from any thread and runtime.
#[derive(Clone)]
pub struct Control {
    origins: Arc<Origins>,
    state: Arc<RwLock<Arc<State>>>,
    courier: Arc<Courier>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

impl Control {
    pub(crate) fn new(origins: Origins, courier: Courier) -> Result<Self, ControlError> {
        let reply_check = Arc::new(ReplyCheck::new(origins.check_replies));
        let state = State::new(origins.random_seed, origins.journal_size, reply_check);
        let control = Self {
            state: Arc::new(RwLock::new(Arc::new(state))),
            courier: Arc::new(courier),
            origins: Arc::new(origins),
        };
        control.seed(&control.origins.seed)?;
        Ok(control)
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read())
    }

    pub(crate) fn courier(&self) -> Arc<Courier> {
        Arc::clone(&self.courier)
    }

    /// Forgets everything and starts again from the seed that the simulator was started with. What is still under
    /// way from before cannot change the new world.
    pub fn reset(&self) -> Result<(), ControlError> {
        let Origins { seed, random_seed, journal_size, check_replies: _ } = &*self.origins;
        let reply_check = Arc::clone(&self.state().reply_check);
        let state = Arc::new(State::new(*random_seed, *journal_size, reply_check));
        seeding::seed(&state, &self.courier, seed)?;
        *self.state.write() = state;
        Ok(())
    }

    /// Adds what the seed holds to what is there. A key or token that exists gets the seed's secret. What was added
    /// before an error stays.
    pub fn seed(&self, seed: &Seed) -> Result<(), ControlError> {
        seeding::seed(&self.state(), &self.courier, seed)
    }

    /// The switches.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.state().settings()
    }

    /// Sets the switches.
    pub fn set_settings(&self, settings: Settings) {
        *self.state().settings.write() = settings;
    }

    /// Gives the account another Auth Token; the old one is refused from now on.
    pub fn rotate_auth_token(
        &self,
        account: AccountSid,
        token: impl Into<String>,
    ) -> Result<(), ControlError> {
        let account = self.state().world.account(account).ok_or(ControlError::UnknownAccount(account))?;
        account.set_auth_token(token.into());
        Ok(())
    }

    /// Suspends the account, or lifts that.
    pub fn set_account_status(&self, account: AccountSid, status: AccountStatus) -> Result<(), ControlError> {
        let account = self.state().world.account(account).ok_or(ControlError::UnknownAccount(account))?;
        account.set_status(status);
        Ok(())
    }

    /// Puts the simulator's clock ahead: timers of conversations that are due by then run at once. Faults and
    /// deliveries keep real time.
    pub fn advance_clock(&self, by: Duration) {
        self.state().clock.advance(by);
        self.settle();
    }

    /// Lets happen what is due by now, and sends what it causes.
    pub(crate) fn settle(&self) {
        let state = self.state();
        for account in state.world.accounts() {
            if account.data().is_stirring() {
                self.courier.collect(&state, &account);
            }
        }
    }

    /// Adds an API key, or replaces the one with that SID.
    pub fn add_key(&self, account: AccountSid, key: &KeySeed) -> Result<(), ControlError> {
        let state = self.state();
        let account = state.world.account(account).ok_or(ControlError::UnknownAccount(account))?;
        seeding::add_key(&state, &account, key)
    }

    /// Gives the key another secret. Twilio cannot do this; tests of a Secret that is ahead or behind can use it.
    pub fn rotate_key_secret(&self, key: KeySid, secret: impl Into<String>) -> Result<(), ControlError> {
        self.state().world.rotate_key(key, secret.into()).ok_or(ControlError::UnknownKey(key))
    }

    /// Revokes the key.
    pub fn revoke_key(&self, key: KeySid) -> Result<(), ControlError> {
        self.state().world.revoke_key(key).ok_or(ControlError::UnknownKey(key))
    }

    /// Arms a fault. Its number is needed only to disarm it alone.
    #[allow(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn add_fault(&self, rule: FaultRule) -> FaultId {
        self.state().faults.add(rule)
    }

    /// The armed faults, and what they have done.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultStatus> {
        self.state().faults.list()
    }

    /// Disarms one fault.
    pub fn remove_fault(&self, id: FaultId) -> Result<(), ControlError> {
        if self.state().faults.remove(id) { Ok(()) } else { Err(ControlError::UnknownFault(id)) }
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// The requests that the journal still holds, oldest first.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.journal_since(0)
    }

    /// The requests after that number.
    #[must_use]
    pub fn journal_since(&self, seq: u64) -> Vec<Entry> {
        self.state().journal.since(seq)
    }

    /// The number of the last request, for [`Self::journal_since`].
    #[must_use]
    pub fn journal_mark(&self) -> u64 {
        self.state().journal.last()
    }

    /// Empties the journal; numbers go on.
    pub fn clear_journal(&self) {
        self.state().journal.clear();
    }

    /// Sets how many requests the journal holds.
    pub fn resize_journal(&self, size: usize) {
        self.state().journal.resize(size);
    }

    /// The sums since the start or the last clearing.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.state().journal.counters()
    }

    /// Sets all sums to nothing.
    pub fn clear_counters(&self) {
        self.state().journal.clear_counters();
    }

    /// The replies of the simulator that Twilio would not have given, oldest first, at most a hundred. There are none
    /// as long as the simulator is right, or where [`check_replies`](crate::Config::check_replies) is off. A reset
    /// does not take them back.
    #[must_use]
    pub fn violations(&self) -> Vec<WrongReply> {
        self.state().reply_check.wrong()
    }

    pub(crate) fn take_violations(&self) -> Vec<WrongReply> {
        self.state().reply_check.take()
    }

    /// The truth about every webhook ever made.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        let accounts = self.state().world.accounts();
        Ledger::new(accounts.iter().flat_map(|account| account.data().records().to_vec()).collect())
    }

    /// The deliveries that are still on record, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state().deliveries.list()
    }

    /// What bots were told more than once, as far as it is on record: groups of deliveries of the same event of the same
    /// message to the same destination by more than one webhook. Empty is what a client must show that creates no webhook
    /// twice, and none again with `ReplayAfter`.
    #[must_use]
    pub fn repeated_deliveries(&self) -> Vec<Vec<Delivery>> {
        delivery::repeated(&self.deliveries())
    }

    /// How many deliveries are under way.
    #[must_use]
    pub fn deliveries_pending(&self) -> usize {
        self.state().deliveries.pending()
    }

    /// Forgets the deliveries so far; numbers go on.
    pub fn clear_deliveries(&self) {
        self.state().deliveries.clear();
    }

    /// Waits until no delivery is under way, at most that long; whether that came true.
    pub async fn deliveries_settled(&self, within: Duration) -> bool {
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        let settled = async {
            while self.deliveries_pending() > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(within, settled).await.is_ok()
    }
}
