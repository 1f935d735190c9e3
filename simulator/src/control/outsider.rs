//! What happens behind a client's back: Studio, Flex or a person changes webhooks, conversations come and go, and
//! participants talk. All of it fires webhooks.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::{Control, ControlError, seeding};
use crate::api::{Refusal, Rules, webhook_updated_by};
use crate::seed::{ConversationSeed, ParticipantSeed, Region, WebhookSeed};
use crate::sid::{AccountSid, ConversationSid, MessageSid, ParticipantSid, ReceiptSid, WebhookSid};
use crate::state::State;
use crate::world::{
    Account, Cause, Conversation, ConversationState, DeliveryNews, DeliveryStatus, MessageDraft, Origin,
    Target, WEBHOOK_SLOTS,
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
        Ok(account.data().conversations().into_iter().cloned().collect())
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
        let (state, account) = self.place_of(sid)?;
        let deleted = account.data().delete_conversation(sid, Origin::Outsider, Cause::Outsider);
        self.courier.collect(&state, &account);
        deleted.map(drop).ok_or(ControlError::UnknownConversation(sid))
    }

    /// Deletes a conversation slowly: for so long every request for it meets 50334, and then it is gone.
    pub fn delete_conversation_slowly(
        &self,
        sid: ConversationSid,
        span: Duration,
    ) -> Result<(), ControlError> {
        Ok(self.account_of(sid)?.data().let_go(sid, signed(span))?)
    }

    /// Puts a conversation into a state: closed for good, initializing, or back.
    pub fn set_conversation_state(
        &self,
        sid: ConversationSid,
        state: ConversationState,
    ) -> Result<(), ControlError> {
        let (life, account) = self.place_of(sid)?;
        account.data().set_state(sid, state, Cause::Outsider)?;
        self.courier.collect(&life, &account);
        Ok(())
    }

    /// Twilio sets a conversation up: it is initializing for so long, and active by itself from then on.
    pub fn initialize_conversation(&self, sid: ConversationSid, span: Duration) -> Result<(), ControlError> {
        let (state, account) = self.place_of(sid)?;
        account.data().set_up(sid, signed(span), ConversationState::Active, Cause::Outsider)?;
        self.courier.collect(&state, &account);
        Ok(())
    }

    /// Deletes a conversation and creates another under the same names in the same service: a new SID, and no
    /// webhooks.
    pub fn recreate_conversation(&self, sid: ConversationSid) -> Result<ConversationSid, ControlError> {
        let (state, account) = self.place_of(sid)?;
        let old = account.data().delete_conversation(sid, Origin::Outsider, Cause::Outsider);
        let old = old.ok_or(ControlError::UnknownConversation(sid))?;
        self.courier.collect(&state, &account);
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
        let (state, account) = self.place_of(conversation)?;
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
        let settings = seeding::unpaced(state.settings());
        let rules = Rules { settings, region: account.region, flows: data.flows.as_ref() };
        let params = changes.as_seed(record.configuration.target()).to_params();
        let configuration = webhook_updated_by(&params, &record.configuration, rules)?;
        let updated = data.update_webhook(sid, configuration, Origin::Outsider, settings);
        updated.map(drop).map_err(|refusal| gone(sid, refusal))
    }

    /// Somebody else deletes a webhook.
    pub fn delete_webhook(&self, sid: WebhookSid) -> Result<(), ControlError> {
        let state = self.state();
        let account = state.world.account_of_webhook(sid).ok_or(ControlError::UnknownWebhook(sid))?;
        let settings = seeding::unpaced(state.settings());
        let deleted = account.data().delete_webhook(sid, Origin::Outsider, settings);
        deleted.map_err(|refusal| gone(sid, refusal))
    }

    /// A webhook that was deleted is there again, with its SID and as it was, unless its conversation is gone or full.
    /// One that exists stays as it is.
    pub fn restore_webhook(&self, sid: WebhookSid) -> Result<(), ControlError> {
        let state = self.state();
        let account = state.world.account_of_webhook(sid).ok_or(ControlError::UnknownWebhook(sid))?;
        account.data().restore_webhook(sid, Origin::Outsider).map_err(|refusal| gone(sid, refusal))
    }

    /// A participant says something from its client. Who was no participant yet is taken to have been one all along.
    pub fn say(
        &self,
        conversation: ConversationSid,
        author: impl Into<String>,
        body: impl Into<String>,
    ) -> Result<MessageSid, ControlError> {
        let (state, account) = self.place_of(conversation)?;
        let draft = MessageDraft::said(author.into(), body.into());
        let message = account.data().add_message(conversation, &state.sids, draft, Cause::Outsider)?;
        self.courier.collect(&state, &account);
        Ok(message.sid)
    }

    /// Somebody joins the conversation.
    pub fn join(
        &self,
        conversation: ConversationSid,
        participant: &ParticipantSeed,
    ) -> Result<ParticipantSid, ControlError> {
        let (state, account) = self.place_of(conversation)?;
        let sid = seeding::add_participant(
            &state,
            &mut account.data(),
            conversation,
            participant,
            Cause::Outsider,
        )?;
        self.courier.collect(&state, &account);
        Ok(sid)
    }

    /// A channel says how far a message came on its way to a participant; an error code of 0 is none.
    pub fn report_delivery(
        &self,
        conversation: ConversationSid,
        message: MessageSid,
        participant: ParticipantSid,
        status: DeliveryStatus,
        error_code: u32,
    ) -> Result<ReceiptSid, ControlError> {
        let (state, account) = self.place_of(conversation)?;
        if account.region == Region::Ie1 {
            return Err(Refusal::NotOffered.into());
        }
        let news = DeliveryNews { participant, status, error_code };
        let receipt = account.data().hear_of(conversation, message, news, &state.sids)?;
        self.courier.collect(&state, &account);
        Ok(receipt)
    }

    fn place_of(&self, conversation: ConversationSid) -> Result<(Arc<State>, Arc<Account>), ControlError> {
        let state = self.state();
        let account = state.world.account_of(conversation);
        Ok((state, account.ok_or(ControlError::UnknownConversation(conversation))?))
    }

    fn account_of(&self, conversation: ConversationSid) -> Result<Arc<Account>, ControlError> {
        Ok(self.place_of(conversation)?.1)
    }
}

fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
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
