//! One account: its services, conversations and webhooks behind one lock. Every change is one method that either
//! happens whole or not at all; the lock is never held over an await.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::actor::{Act, Origin};
use super::conversation::{Conversation, ConversationState, Message, WEBHOOK_SLOTS};
use super::setup::Setups;
use super::webhook::{Configuration, Deletion, Edit, Restoration, WebhookRecord};
use crate::api::Refusal;
use crate::sid::{
    AccountSid, ConversationSid, FlowSid, MessagingServiceSid, ServiceSid, SidSource, WebhookSid,
};

/// An account. What never changes stands outside the lock.
pub(crate) struct Account {
    pub(crate) sid: AccountSid,
    pub(crate) default_service: ServiceSid,
    pub(crate) messaging_service: MessagingServiceSid,
    /// Requests in flight, for `Twilio-Concurrent-Requests`.
    pub(crate) in_flight: AtomicUsize,
    auth_token: RwLock<String>,
    data: Mutex<AccountData>,
}

impl Account {
    pub(crate) fn new(
        sid: AccountSid,
        default_service: ServiceSid,
        messaging_service: MessagingServiceSid,
        auth_token: String,
    ) -> Self {
        let data = AccountData { services: BTreeSet::from([default_service]), ..AccountData::new(sid) };
        Self {
            sid,
            default_service,
            messaging_service,
            in_flight: AtomicUsize::new(0),
            auth_token: RwLock::new(auth_token),
            data: Mutex::new(data),
        }
    }

    /// Everything that changes, as it is by now.
    pub(crate) fn data(&self) -> MutexGuard<'_, AccountData> {
        let mut data = self.data.lock();
        data.finish_setups();
        data
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

/// What changes in an account.
pub(crate) struct AccountData {
    sid: AccountSid,
    pub(crate) services: BTreeSet<ServiceSid>,
    /// `None`: every well-formed flow SID exists.
    pub(crate) flows: Option<BTreeSet<FlowSid>>,
    conversations: HashMap<ConversationSid, Conversation>,
    names: HashMap<(ServiceSid, String), ConversationSid>,
    setups: Setups,
    /// Every webhook ever made, oldest first.
    records: Vec<WebhookRecord>,
    positions: HashMap<WebhookSid, usize>,
}

/// A conversation to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewConversation {
    pub(crate) sid: ConversationSid,
    pub(crate) service: ServiceSid,
    pub(crate) unique_name: Option<String>,
    pub(crate) friendly_name: Option<String>,
    pub(crate) attributes: Option<String>,
    pub(crate) state: ConversationState,
}

/// A webhook to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewWebhook {
    pub(crate) sid: WebhookSid,
    pub(crate) configuration: Configuration,
    pub(crate) replay_after: Option<u64>,
}

impl AccountData {
    fn new(sid: AccountSid) -> Self {
        Self {
            sid,
            services: BTreeSet::new(),
            flows: None,
            conversations: HashMap::new(),
            names: HashMap::new(),
            setups: Setups::default(),
            records: Vec::new(),
            positions: HashMap::new(),
        }
    }

    /// The conversation of this service that `reference` means: its SID or its unique name.
    pub(crate) fn resolve(&self, service: ServiceSid, reference: &str) -> Option<&Conversation> {
        let sid = match reference.parse() {
            Ok(sid) => sid,
            Err(_) => *self.names.get(&(service, reference.to_owned()))?,
        };
        self.conversations.get(&sid).filter(|conversation| conversation.service == service)
    }

    pub(crate) fn conversation(&self, sid: ConversationSid) -> Option<&Conversation> {
        self.conversations.get(&sid)
    }

    pub(crate) fn conversations(&self) -> impl Iterator<Item = &Conversation> {
        self.conversations.values()
    }

    pub(crate) fn records(&self) -> &[WebhookRecord] {
        &self.records
    }

    pub(crate) fn record(&self, sid: WebhookSid) -> Option<&WebhookRecord> {
        self.records.get(*self.positions.get(&sid)?)
    }

    /// The webhooks that hang on the conversation, oldest first.
    pub(crate) fn alive<'a>(
        &'a self,
        conversation: &'a Conversation,
    ) -> impl Iterator<Item = &'a WebhookRecord> {
        conversation.webhooks.iter().filter_map(|sid| self.record(*sid))
    }

    /// Every webhook that ever hung on the conversation, oldest first.
    pub(crate) fn ever<'a>(
        &'a self,
        conversation: &'a Conversation,
    ) -> impl Iterator<Item = &'a WebhookRecord> {
        conversation.ever.iter().filter_map(|sid| self.record(*sid))
    }

    pub(crate) fn create_conversation(&mut self, new: NewConversation) -> Result<&Conversation, Refusal> {
        let NewConversation { sid, service, unique_name, friendly_name, attributes, state } = new;
        if !self.services.contains(&service) {
            return Err(Refusal::ServiceNotFound);
        }
        if let Some(name) = &unique_name {
            if name.parse::<ConversationSid>().is_ok() {
                return Err(Refusal::UniqueNameLooksLikeSid);
            }
            if self.names.contains_key(&(service, name.clone())) {
                return Err(Refusal::UniqueNameTaken);
            }
        }
        if self.conversations.contains_key(&sid) {
            return Err(Refusal::InvalidParameter("Sid".into()));
        }
        if let Some(name) = &unique_name {
            self.names.insert((service, name.clone()), sid);
        }
        let now = jiff::Timestamp::now();
        Ok(self.conversations.entry(sid).or_insert(Conversation {
            sid,
            service,
            unique_name,
            friendly_name,
            attributes: attributes.unwrap_or_else(|| "{}".to_owned()),
            state,
            created_at: now,
            updated_at: now,
            webhooks: Vec::new(),
            ever: Vec::new(),
            messages: Vec::new(),
            participants: HashMap::new(),
        }))
    }

    pub(crate) fn set_state(&mut self, sid: ConversationSid, state: ConversationState) -> Option<()> {
        let conversation = self.conversations.get_mut(&sid)?;
        conversation.state = state;
        conversation.updated_at = jiff::Timestamp::now();
        self.setups.cancel(sid);
        Some(())
    }

    /// The conversation is initializing for so long, and in that state from then on.
    pub(crate) fn set_up(
        &mut self,
        sid: ConversationSid,
        span: Duration,
        then: ConversationState,
    ) -> Option<()> {
        self.set_state(sid, ConversationState::Initializing)?;
        self.setups.start(sid, span, then);
        Some(())
    }

    fn finish_setups(&mut self) {
        for done in self.setups.take_done() {
            if let Some(conversation) = self.conversations.get_mut(&done.conversation) {
                conversation.state = done.then;
                conversation.updated_at = done.at;
            }
        }
    }

    /// The conversation goes, and its webhooks with it.
    pub(crate) fn delete_conversation(
        &mut self,
        sid: ConversationSid,
        origin: Origin,
    ) -> Option<Conversation> {
        let conversation = self.conversations.remove(&sid)?;
        if let Some(name) = &conversation.unique_name {
            self.names.remove(&(conversation.service, name.clone()));
        }
        let by = Act::now(origin);
        for webhook in &conversation.webhooks {
            if let Some(position) = self.positions.get(webhook) {
                self.records[*position].deleted = Some(Deletion { by: by.clone(), with_conversation: true });
            }
        }
        Some(conversation)
    }

    pub(crate) fn create_webhook(
        &mut self,
        conversation: ConversationSid,
        new: NewWebhook,
        origin: Origin,
    ) -> Result<&WebhookRecord, Refusal> {
        let conversation = self.conversations.get_mut(&conversation).ok_or(Refusal::ConversationNotFound)?;
        conversation.state.admits_changes()?;
        if conversation.webhooks.len() >= WEBHOOK_SLOTS {
            return Err(Refusal::TooManyWebhooks);
        }
        if self.positions.contains_key(&new.sid) {
            return Err(Refusal::InvalidParameter("Sid".into()));
        }
        conversation.webhooks.push(new.sid);
        conversation.ever.push(new.sid);
        let position = self.records.len();
        self.positions.insert(new.sid, position);
        self.records.push(WebhookRecord {
            sid: new.sid,
            account: self.sid,
            service: conversation.service,
            conversation: conversation.sid,
            configuration: new.configuration,
            replay_after: new.replay_after,
            created: Act::now(origin),
            edits: Vec::new(),
            deleted: None,
            restored: Vec::new(),
        });
        Ok(&self.records[position])
    }

    /// Changes a webhook that is alive on an open conversation. Saying what it does already counts as a change:
    /// `date_updated` moves, as it does at Twilio.
    pub(crate) fn update_webhook(
        &mut self,
        sid: WebhookSid,
        configuration: Configuration,
        origin: Origin,
    ) -> Result<&WebhookRecord, Refusal> {
        let position = self.alive_position(sid)?;
        let conversation = self.records[position].conversation;
        self.conversations.get(&conversation).ok_or(Refusal::ConversationNotFound)?.state.admits_changes()?;
        let record = &mut self.records[position];
        let before = std::mem::replace(&mut record.configuration, configuration);
        record.edits.push(Edit { by: Act::now(origin), before });
        Ok(record)
    }

    /// Deletes a webhook, also from a closed conversation.
    pub(crate) fn delete_webhook(&mut self, sid: WebhookSid, origin: Origin) -> Result<(), Refusal> {
        let position = self.alive_position(sid)?;
        let record = &mut self.records[position];
        if let Some(conversation) = self.conversations.get_mut(&record.conversation) {
            if conversation.state == ConversationState::Initializing {
                return Err(Refusal::ConversationInitializing);
            }
            conversation.webhooks.retain(|other| *other != sid);
        }
        record.deleted = Some(Deletion { by: Act::now(origin), with_conversation: false });
        Ok(())
    }

    /// A webhook that was deleted is there again, as it was and in its old place, where its conversation has a slot.
    pub(crate) fn restore_webhook(&mut self, sid: WebhookSid, origin: Origin) -> Result<(), Refusal> {
        let position = self.positions.get(&sid).copied().ok_or(Refusal::WebhookNotFound)?;
        let record = &mut self.records[position];
        let conversation = self.conversations.get_mut(&record.conversation);
        let conversation = conversation.ok_or(Refusal::ConversationNotFound)?;
        if conversation.webhooks.len() >= WEBHOOK_SLOTS {
            return Err(Refusal::TooManyWebhooks);
        }
        let Some(deleted) = record.deleted.take() else { return Ok(()) };
        record.restored.push(Restoration { by: Act::now(origin), deleted });
        let alive: BTreeSet<WebhookSid> = conversation.webhooks.iter().copied().chain([sid]).collect();
        conversation.webhooks = conversation.ever.iter().copied().filter(|sid| alive.contains(sid)).collect();
        Ok(())
    }

    /// Appends a message; its index is the next one.
    pub(crate) fn add_message(
        &mut self,
        conversation: ConversationSid,
        sids: &SidSource,
        draft: MessageDraft,
    ) -> Result<Message, Refusal> {
        let conversation = self.conversations.get_mut(&conversation).ok_or(Refusal::ConversationNotFound)?;
        conversation.state.admits_changes()?;
        let participant = match draft.source {
            super::MessageSource::Api => conversation.participants.get(&draft.author).copied(),
            super::MessageSource::Sdk => {
                Some(*conversation.participants.entry(draft.author.clone()).or_insert_with(|| sids.next()))
            }
        };
        let message = Message {
            sid: sids.next(),
            index: conversation.messages.len() as u64,
            author: draft.author,
            participant,
            body: draft.body,
            attributes: draft.attributes,
            source: draft.source,
            created_at: jiff::Timestamp::now(),
        };
        conversation.messages.push(message.clone());
        Ok(message)
    }

    fn alive_position(&self, sid: WebhookSid) -> Result<usize, Refusal> {
        let position = self.positions.get(&sid).copied().ok_or(Refusal::WebhookNotFound)?;
        if self.records[position].alive() { Ok(position) } else { Err(Refusal::WebhookNotFound) }
    }
}

/// A message to be added.
#[derive(Debug, Clone)]
pub(crate) struct MessageDraft {
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) attributes: String,
    pub(crate) source: super::MessageSource,
}

impl ConversationState {
    fn admits_changes(self) -> Result<(), Refusal> {
        match self {
            Self::Active | Self::Inactive => Ok(()),
            Self::Closed => Err(Refusal::ConversationClosed),
            Self::Initializing => Err(Refusal::ConversationInitializing),
        }
    }
}
