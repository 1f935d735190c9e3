//! The webhooks of one conversation, as one list showed them.

use crate::twilio::{Webhook, WebhookConfig, WebhookSid};

/// Webhooks that Twilio allows on one conversation (Twilio error 50361).
pub const SLOTS: usize = 5;

/// What one list of a conversation's webhooks showed, with our own creates and deletes since applied.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Board {
    webhooks: Vec<Webhook>,
}

impl Board {
    /// A board of these webhooks, in a stable order.
    #[must_use]
    pub fn new(mut webhooks: Vec<Webhook>) -> Self {
        webhooks.sort_by(|a, b| a.sid.cmp(&b.sid));
        Self { webhooks }
    }

    /// The webhook with this SID.
    #[must_use]
    pub fn get(&self, sid: &WebhookSid) -> Option<&Webhook> {
        self.webhooks.iter().find(|webhook| webhook.sid == *sid)
    }

    /// All webhooks.
    pub fn iter(&self) -> impl Iterator<Item = &Webhook> {
        self.webhooks.iter()
    }

    /// The SIDs of all webhooks.
    #[must_use]
    pub fn sids(&self) -> Vec<WebhookSid> {
        self.webhooks.iter().map(|webhook| webhook.sid.clone()).collect()
    }

    /// Whether Twilio would refuse one more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.webhooks.len() >= SLOTS
    }

    /// The webhooks for which `same` holds of their configuration.
    pub fn alike(&self, same: impl Fn(&WebhookConfig) -> bool) -> impl Iterator<Item = &Webhook> {
        self.webhooks.iter().filter(move |webhook| same(&webhook.config))
    }

    /// Puts in a webhook that we made, or its new form after we changed it.
    pub fn put(&mut self, webhook: Webhook) {
        self.remove(&webhook.sid);
        self.webhooks.push(webhook);
        self.webhooks.sort_by(|a, b| a.sid.cmp(&b.sid));
    }

    /// Takes out a webhook that we deleted.
    pub fn remove(&mut self, sid: &WebhookSid) {
        self.webhooks.retain(|webhook| webhook.sid != *sid);
    }
}
