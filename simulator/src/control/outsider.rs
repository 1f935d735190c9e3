//! What happens behind a client's back: Studio, Flex or a person changes webhooks, conversations come and go, and
//! participants talk.

use std::sync::Arc;
use std::time::Duration;

use super::{Control, ControlError, seeding};
use crate::api::{Refusal, Rules, webhook_updated_by};
use crate::delivery;
use crate::seed::{ConversationSeed, WebhookSeed};
use crate::sid::{AccountSid, ConversationSid, MessageSid, WebhookSid};
use crate::world::{
    Account, Conversation, ConversationState, MessageDraft, MessageSource, Origin, Target, WEBHOOK_SLOTS,
};

impl Control {
    /// A conversation as it is now.
    pub fn conversation(&self, sid: ConversationSid) -> Result<Conversation, ControlError> {
        let account = self.account_of(sid)?;
        let conversation = account.data().conversation(sid).cloned();
        conversation.ok_or(ControlError::UnknownConversation(sid))
    }

    /// The conversations of an account, in the order of their creation.
    pub fn conversations(&self, account: AccountSid) -> Result<Vec<Conversation>, ControlError> {
        let account = self.state().world.account(account).ok_or(ControlError::UnknownAccount(account))?;
        let mut conversations: Vec<_> = account.data().conversations().cloned().collect();
        conversations.sort_unstable_by_key(|conversation| (conversation.created_at, conversation.sid));
        Ok(conversations)
    }

    /// Creates a conversation.
    pub fn create_conversation(
        &self,
        account: AccountSid,
        seed: &ConversationSeed,
    ) -> Result<ConversationSid, ControlError> {
        let state = self.state();
        let account = state.world.account(account).ok_or(ControlError::UnknownAccount(account))?;
        seeding::add_conversation(&state, &self.courier, &account, seed, &Origin::Outsider)
    }

    /// Deletes a conversation, and its webhooks with it.
    pub fn delete_conversation(&self, sid: ConversationSid) -> Result<(), ControlError> {
        let deleted = self.account_of(sid)?.data().delete_conversation(sid, Origin::Outsider);
        deleted.map(drop).ok_or(ControlError::UnknownConversation(sid))
    }

    /// Puts a conversation into a state: closed for good, initializing, or back.
    pub fn set_conversation_state(
        &self,
        sid: ConversationSid,
        state: ConversationState,
    ) -> Result<(), ControlError> {
        let account = self.account_of(sid)?;
        account.data().set_state(sid, state).ok_or(ControlError::UnknownConversation(sid))
    }

    /// Twilio sets a conversation up: it is initializing for so long, and active by itself from then on.
    pub fn initialize_conversation(&self, sid: ConversationSid, span: Duration) -> Result<(), ControlError> {
        let account = self.account_of(sid)?;
        let started = account.data().set_up(sid, span, ConversationState::Active);
        started.ok_or(ControlError::UnknownConversation(sid))
    }

    /// Deletes a conversation and creates another under the same names in the same service: a new SID, and no
    /// webhooks.
    pub fn recreate_conversation(&self, sid: ConversationSid) -> Result<ConversationSid, ControlError> {
        let state = self.state();
        let account = self.account_of(sid)?;
        let old = account.data().delete_conversation(sid, Origin::Outsider);
        let old = old.ok_or(ControlError::UnknownConversation(sid))?;
        let seed = ConversationSeed {
            unique_name: old.unique_name,
            friendly_name: old.friendly_name,
            service: Some(old.service),
            attributes: Some(old.attributes),
            ..ConversationSeed::default()
        };
        seeding::add_conversation(&state, &self.courier, &account, &seed, &Origin::Outsider)
    }

    /// Somebody else creates a webhook.
    pub fn create_webhook(
        &self,
        conversation: ConversationSid,
        webhook: &WebhookSeed,
    ) -> Result<WebhookSid, ControlError> {
        let state = self.state();
        let account = self.account_of(conversation)?;
        seeding::add_webhook(&state, &self.courier, &account, conversation, webhook, Origin::Outsider)
    }

    /// Somebody else takes every slot that is free; the webhooks that were made.
    pub fn fill_slots(&self, conversation: ConversationSid) -> Result<Vec<WebhookSid>, ControlError> {
        let taken = self.conversation(conversation)?.webhooks.len();
        let filler = |slot| WebhookSeed::webhook(format!("https://filler.example.com/{slot}"));
        (taken..WEBHOOK_SLOTS).map(|slot| self.create_webhook(conversation, &filler(slot))).collect()
    }

    /// Somebody else changes a webhook: fields that are set replace, the rest stays; the target cannot change.
    pub fn edit_webhook(&self, sid: WebhookSid, changes: &WebhookChanges) -> Result<(), ControlError> {
        let state = self.state();
        let account = state.world.account_of_webhook(sid).ok_or(ControlError::UnknownWebhook(sid))?;
        let mut data = account.data();
        let record = data.record(sid).ok_or(ControlError::UnknownWebhook(sid))?;
        let rules = Rules { settings: state.settings(), flows: data.flows.as_ref() };
        let params = changes.as_seed(record.configuration.target()).to_params();
        let configuration = webhook_updated_by(&params, &record.configuration, rules)?;
        data.update_webhook(sid, configuration, Origin::Outsider).map_err(|refusal| gone(sid, refusal))?;
        Ok(())
    }

    /// Somebody else deletes a webhook.
    pub fn delete_webhook(&self, sid: WebhookSid) -> Result<(), ControlError> {
        let state = self.state();
        let account = state.world.account_of_webhook(sid).ok_or(ControlError::UnknownWebhook(sid))?;
        account.data().delete_webhook(sid, Origin::Outsider).map_err(|refusal| gone(sid, refusal))
    }

    /// A webhook that was deleted is there again, with its SID and as it was, unless its conversation is gone or full.
    /// One that exists stays as it is.
    pub fn restore_webhook(&self, sid: WebhookSid) -> Result<(), ControlError> {
        let state = self.state();
        let account = state.world.account_of_webhook(sid).ok_or(ControlError::UnknownWebhook(sid))?;
        account.data().restore_webhook(sid, Origin::Outsider).map_err(|refusal| gone(sid, refusal))
    }

    /// A participant says something from its client, which always fires webhooks.
    pub fn say(
        &self,
        conversation: ConversationSid,
        author: impl Into<String>,
        body: impl Into<String>,
    ) -> Result<MessageSid, ControlError> {
        let state = self.state();
        let account = self.account_of(conversation)?;
        let draft = MessageDraft {
            author: author.into(),
            body: body.into(),
            attributes: "{}".to_owned(),
            source: MessageSource::Sdk,
        };
        let (message, dispatches) = {
            let mut data = account.data();
            let message = data.add_message(conversation, &state.sids, draft)?;
            let dispatches = delivery::message_added(&account, &data, conversation, &message, &state.sids);
            (message, dispatches)
        };
        self.courier.send(&state, dispatches);
        Ok(message.sid)
    }

    fn account_of(&self, conversation: ConversationSid) -> Result<Arc<Account>, ControlError> {
        let account = self.state().world.account_of(conversation);
        account.ok_or(ControlError::UnknownConversation(conversation))
    }
}

/// A change of a webhook: what is set replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WebhookChanges {
    /// `Configuration.Url`.
    pub url: Option<String>,
    /// `Configuration.Method`.
    pub method: Option<String>,
    /// `Configuration.Filters`; empty means unchanged, as an empty list cannot be sent.
    pub filters: Vec<String>,
    /// `Configuration.Triggers`; the same.
    pub triggers: Vec<String>,
    /// `Configuration.FlowSid`.
    pub flow_sid: Option<String>,
}

impl WebhookChanges {
    /// Another URL.
    #[must_use]
    pub fn url(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    /// Other filters.
    #[must_use]
    pub fn filters<T: Into<String>>(filters: impl IntoIterator<Item = T>) -> Self {
        Self { filters: filters.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    fn as_seed(&self, target: Target) -> WebhookSeed {
        let Self { url, method, filters, triggers, flow_sid } = self.clone();
        WebhookSeed { sid: None, target, url, method, filters, triggers, flow_sid, replay_after: None }
    }
}

fn gone(sid: WebhookSid, refusal: Refusal) -> ControlError {
    match refusal {
        Refusal::WebhookNotFound => ControlError::UnknownWebhook(sid),
        refusal => ControlError::Refused(refusal),
    }
}
