//! What happens to scoped webhooks.

use std::collections::BTreeSet;

use super::account::AccountData;
use super::actor::{Act, Origin};
use super::conversation::{Conversation, WEBHOOK_SLOTS};
use super::webhook::{Configuration, Deletion, Edit, Restoration, WebhookRecord};
use crate::api::Refusal;
use crate::delivery;
use crate::settings::Settings;
use crate::sid::{ConversationSid, WebhookSid};

/// A webhook to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewWebhook {
    pub(crate) sid: WebhookSid,
    pub(crate) configuration: Configuration,
    pub(crate) replay_after: Option<u64>,
}

impl AccountData {
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

    /// Makes a webhook, and sends it the old messages that it asks for.
    pub(crate) fn create_webhook(
        &mut self,
        conversation: ConversationSid,
        new: NewWebhook,
        origin: Origin,
        settings: Settings,
    ) -> Result<&WebhookRecord, Refusal> {
        let (account, now) = (self.sid, self.now());
        let taken = self.positions.contains_key(&new.sid);
        let conversation = self.conversation_mut(conversation)?;
        conversation.admits_webhooks(settings)?;
        conversation.pace.step(now, settings.max_changes_per_second)?;
        if conversation.webhooks.len() >= WEBHOOK_SLOTS {
            return Err(Refusal::TooManyWebhooks);
        }
        if taken {
            return Err(Refusal::InvalidParameter("Sid".into()));
        }
        conversation.webhooks.push(new.sid);
        conversation.ever.push(new.sid);
        let record = WebhookRecord {
            sid: new.sid,
            account,
            service: conversation.service,
            conversation: conversation.sid,
            configuration: new.configuration,
            replay_after: new.replay_after,
            created: Act { at: now, origin },
            edits: Vec::new(),
            deleted: None,
            restored: Vec::new(),
        };
        let position = self.records.len();
        self.positions.insert(new.sid, position);
        self.records.push(record);
        let replayed = delivery::replay(self, &self.records[position]);
        self.post(replayed);
        Ok(&self.records[position])
    }

    /// Changes a webhook that is alive on an open conversation. Saying what it does already counts as a change:
    /// `date_updated` moves, as it does at Twilio.
    pub(crate) fn update_webhook(
        &mut self,
        sid: WebhookSid,
        configuration: Configuration,
        origin: Origin,
        settings: Settings,
    ) -> Result<&WebhookRecord, Refusal> {
        let (position, now) = (self.alive_position(sid)?, self.now());
        let conversation = self.conversation_mut(self.records[position].conversation)?;
        conversation.admits_webhooks(settings)?;
        conversation.pace.step(now, settings.max_changes_per_second)?;
        let record = &mut self.records[position];
        let before = std::mem::replace(&mut record.configuration, configuration);
        record.remember(Edit { by: Act { at: now, origin }, before });
        Ok(record)
    }

    /// Deletes a webhook, also from a closed conversation.
    pub(crate) fn delete_webhook(
        &mut self,
        sid: WebhookSid,
        origin: Origin,
        settings: Settings,
    ) -> Result<(), Refusal> {
        let (position, now) = (self.alive_position(sid)?, self.now());
        let record = &mut self.records[position];
        if let Some(conversation) = self.conversations.get_mut(&record.conversation) {
            conversation.lets_webhooks_go(settings)?;
            conversation.pace.step(now, settings.max_changes_per_second)?;
            conversation.webhooks.retain(|other| *other != sid);
        }
        record.deleted = Some(Deletion { by: Act { at: now, origin }, with_conversation: false });
        Ok(())
    }

    /// A webhook that was deleted is there again, as it was and in its old place, where its conversation has a slot.
    pub(crate) fn restore_webhook(&mut self, sid: WebhookSid, origin: Origin) -> Result<(), Refusal> {
        let now = self.now();
        let position = self.positions.get(&sid).copied().ok_or(Refusal::WebhookNotFound)?;
        let record = &mut self.records[position];
        let conversation = self.conversations.get_mut(&record.conversation);
        let conversation = conversation.ok_or(Refusal::ConversationNotFound)?;
        if conversation.webhooks.len() >= WEBHOOK_SLOTS {
            return Err(Refusal::TooManyWebhooks);
        }
        let Some(deleted) = record.deleted.take() else { return Ok(()) };
        record.restored.push(Restoration { by: Act { at: now, origin }, deleted });
        let alive: BTreeSet<WebhookSid> = conversation.webhooks.iter().copied().chain([sid]).collect();
        conversation.webhooks = conversation.ever.iter().copied().filter(|sid| alive.contains(sid)).collect();
        Ok(())
    }

    fn alive_position(&self, sid: WebhookSid) -> Result<usize, Refusal> {
        let position = self.positions.get(&sid).copied().ok_or(Refusal::WebhookNotFound)?;
        if self.records[position].alive() { Ok(position) } else { Err(Refusal::WebhookNotFound) }
    }
}
