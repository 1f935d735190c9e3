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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::tests::sample::{bot, hook, other_bot, sid, trigger};

    #[test]
    fn a_board_does_not_depend_on_the_order_of_the_list() {
        let board = Board::new(vec![hook(2, bot()), hook(1, trigger())]);
        assert_eq!(board, Board::new(vec![hook(1, trigger()), hook(2, bot())]));
        assert_eq!(board.sids(), [sid(1), sid(2)]);
    }

    #[test]
    fn our_own_changes_show_without_another_list() {
        let mut board = Board::new(vec![hook(2, bot())]);
        board.put(hook(1, bot()));
        board.put(hook(2, other_bot()));
        assert_eq!(board, Board::new(vec![hook(1, bot()), hook(2, other_bot())]));
        assert_eq!(
            board.alike(|config| *config == bot()).map(|webhook| &webhook.sid).collect::<Vec<_>>(),
            [&sid(1)]
        );
        board.remove(&sid(2));
        board.remove(&sid(3));
        assert_eq!(board.get(&sid(2)), None);
        assert_eq!(board.sids(), [sid(1)]);
    }

    #[test]
    fn the_fifth_webhook_fills_a_conversation() {
        let board = |webhooks| Board::new((0..webhooks).map(|n| hook(n, bot())).collect());
        assert!(!board(4).is_full());
        assert!(board(5).is_full());
    }
}
