//! The state of the simulated Twilio, without HTTP, clocks to wait on, or tasks: accounts with their credentials,
//! services, conversations, webhooks, messages and participants. Accounts share nothing; a request locks its own
//! account only.

mod account;
mod actor;
mod conversation;
mod conversations;
mod dates;
mod ledger;
mod messages;
mod pace;
mod participants;
mod period;
mod schedule;
mod service;
mod webhook;
mod webhooks;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;

pub(crate) use account::{Account, AccountData, Cause, Defaults, NewAccount};
pub use actor::{Act, ApiClient, Origin};
pub use conversation::{
    Binding, Conversation, ConversationState, DeliveryStatus, Message, MessageSource, Participant, Receipt,
    WEBHOOK_SLOTS,
};
pub(crate) use conversations::{ConversationChanges, NewConversation};
pub(crate) use dates::Dates;
pub use ledger::Ledger;
pub(crate) use messages::{DeliveryNews, MessageChanges, MessageDraft};
pub(crate) use pace::Pace;
pub(crate) use participants::ParticipantChanges;
pub(crate) use period::Period;
pub(crate) use service::{Service, WideWebhook};
pub use webhook::{Configuration, Deletion, Edit, Method, Restoration, Target, WebhookRecord};
pub(crate) use webhooks::NewWebhook;

pub(crate) use crate::clock::later;

use crate::operation::Operation;
use crate::seed::KeySeed;
use crate::sid::{AccountSid, ConversationSid, KeySid, WebhookSid};

/// All accounts and keys.
#[derive(Default)]
pub(crate) struct World {
    accounts: RwLock<HashMap<AccountSid, Arc<Account>>>,
    keys: RwLock<HashMap<KeySid, Key>>,
}

struct Key {
    account: AccountSid,
    secret: String,
    restricted_to: Option<BTreeSet<Operation>>,
    revoked: bool,
}

/// Who a request comes from, once its credentials were accepted.
#[derive(Clone)]
pub(crate) struct Principal {
    pub(crate) account: Arc<Account>,
    pub(crate) user: String,
    restricted_to: Option<BTreeSet<Operation>>,
}

impl Principal {
    pub(crate) fn may(&self, operation: Operation) -> bool {
        self.restricted_to.as_ref().is_none_or(|allowed| allowed.contains(&operation))
    }
}

impl World {
    /// The principal behind `AC…:token` or `SK…:secret`; the account follows from the key.
    pub(crate) fn authenticate(&self, user: &str, password: &str) -> Option<Principal> {
        let user_name = user.to_owned();
        if let Ok(sid) = user.parse::<AccountSid>() {
            let account = self.account(sid).filter(|account| account.has_auth_token(password))?;
            return Some(Principal { account, user: user_name, restricted_to: None });
        }
        let keys = self.keys.read();
        let key = keys.get(&user.parse().ok()?).filter(|key| !key.revoked && key.secret == password)?;
        let account = self.account(key.account)?;
        Some(Principal { account, user: user_name, restricted_to: key.restricted_to.clone() })
    }

    pub(crate) fn account(&self, sid: AccountSid) -> Option<Arc<Account>> {
        self.accounts.read().get(&sid).cloned()
    }

    /// All accounts, in the order of their SIDs.
    pub(crate) fn accounts(&self) -> Vec<Arc<Account>> {
        let mut accounts: Vec<_> = self.accounts.read().values().cloned().collect();
        accounts.sort_unstable_by_key(|account| account.sid);
        accounts
    }

    /// The account that holds the conversation.
    pub(crate) fn account_of(&self, conversation: ConversationSid) -> Option<Arc<Account>> {
        self.find(|account| account.data().conversation(conversation).is_some())
    }

    /// The account that holds, or held, the webhook.
    pub(crate) fn account_of_webhook(&self, webhook: WebhookSid) -> Option<Arc<Account>> {
        self.find(|account| account.data().record(webhook).is_some())
    }

    fn find(&self, wanted: impl Fn(&Account) -> bool) -> Option<Arc<Account>> {
        self.accounts.read().values().find(|account| wanted(account)).cloned()
    }

    pub(crate) fn add_account(&self, account: Account) -> Arc<Account> {
        self.accounts.write().entry(account.sid).or_insert_with(|| Arc::new(account)).clone()
    }

    pub(crate) fn key_owner(&self, sid: KeySid) -> Option<AccountSid> {
        self.keys.read().get(&sid).map(|key| key.account)
    }

    pub(crate) fn set_key(&self, account: AccountSid, seed: &KeySeed) {
        let restricted_to = seed.rights();
        let KeySeed { sid, secret, revoked, .. } = seed.clone();
        self.keys.write().insert(sid, Key { account, secret, restricted_to, revoked });
    }

    pub(crate) fn rotate_key(&self, sid: KeySid, secret: String) -> Option<()> {
        self.keys.write().get_mut(&sid)?.secret = secret;
        Some(())
    }

    pub(crate) fn revoke_key(&self, sid: KeySid) -> Option<()> {
        self.keys.write().get_mut(&sid)?.revoked = true;
        Some(())
    }
}
