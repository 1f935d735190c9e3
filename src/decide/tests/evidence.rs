//! What an input proves, said once more in the words of the design, for the properties to check against.

use super::fixture::Known;
use crate::decide::{Access, Attempt, Board, Object, Remote, Sender, Sibling, Siblings, Wanted};
use crate::twilio::{Webhook, WebhookSid};

impl Known {
    pub(super) fn object(&self) -> &Object {
        self.object.as_ref().expect("only an object has anything done for it")
    }

    pub(super) fn attempt(&self) -> Option<&Attempt> {
        self.object.as_ref().and_then(Object::open_attempt)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.sender == Sender::Idle && !self.vanished
    }

    /// The Secret opens the account and region that the object is bound to, if it is.
    pub(super) fn in_its_account(&self) -> bool {
        let Access::Known { account, region, .. } = &self.access else { return false };
        let record = &self.object().record;
        let pinned = match self.attempt() {
            Some(attempt) => (Some(&attempt.account), Some(&attempt.region)),
            None => (record.account.as_ref(), record.region.as_ref()),
        };
        pinned.0.is_none_or(|pinned| pinned == account) && pinned.1.is_none_or(|pinned| pinned == region)
    }

    /// The same, and Twilio said so.
    pub(super) fn in_its_proved_account(&self) -> bool {
        self.in_its_account() && matches!(self.access, Access::Known { proved: true, .. })
    }

    pub(super) fn board(&self) -> Option<&Board> {
        match &self.remote {
            Remote::Listed { board, .. } => Some(board),
            Remote::Unread | Remote::NotFound => None,
        }
    }

    pub(super) fn fresh_board(&self) -> Option<&Board> {
        self.board().filter(|_| matches!(self.remote, Remote::Listed { fresh: true, .. }))
    }

    /// The other objects, by a live read.
    pub(super) fn live_siblings(&self) -> Option<Vec<&Sibling>> {
        let Siblings::Live(siblings) = &self.siblings else { return None };
        let uid = self.object.as_ref().map(|object| &object.uid);
        Some(siblings.iter().filter(|sibling| Some(&sibling.uid) != uid).collect())
    }

    pub(super) fn is_claimed_by_a_sibling(&self, webhook: &WebhookSid) -> bool {
        let (Siblings::Live(siblings) | Siblings::Cached(siblings)) = &self.siblings else { return false };
        siblings
            .iter()
            .any(|sibling| sibling.uid != self.object().uid && sibling.webhook.as_ref() == Some(webhook))
    }

    /// What never changes in an object is not what the journal says: it was copied, whoever wrote it.
    pub(super) fn cannot_be_restored(&self) -> bool {
        let (Some(attempt), Ok(desired)) = (self.attempt(), &self.object().desired) else { return false };
        desired.config.target != attempt.config.target()
            || desired.conversation != Wanted::Sid(attempt.conversation.clone())
    }

    /// A sibling's open create asks for what the object asks for.
    pub(super) fn is_being_made_by_a_sibling(&self) -> bool {
        let (Siblings::Live(siblings) | Siblings::Cached(siblings)) = &self.siblings else { return false };
        let Ok(desired) = &self.object().desired else { return false };
        siblings.iter().filter(|sibling| sibling.uid != self.object().uid).any(|sibling| {
            sibling
                .open
                .as_ref()
                .is_some_and(|open| open.adopt.is_none() && open.config.matches(&desired.config))
        })
    }

    /// A sibling's open attempt may have made the webhook, or is taking it over.
    pub(super) fn is_explained_by_a_sibling(&self, webhook: &Webhook) -> bool {
        self.live_siblings().unwrap_or_default().into_iter().any(|sibling| {
            let Some(open) = &sibling.open else { return false };
            let asked_for_now =
                sibling.desired.as_ref().is_none_or(|desired| desired.config.may_show_as(&webhook.config));
            let same_target = open.config.target() == webhook.config.target;
            let made_by_it = same_target
                && !open.baseline.contains(&webhook.sid)
                && (open.config.may_show_as(&webhook.config) || !sibling.as_journalled && asked_for_now);
            let made_by_it = made_by_it || same_target && sibling.answer.as_ref() == Some(&webhook.sid);
            open.adopt.as_ref().map_or(made_by_it, |wanted| *wanted == webhook.sid)
        })
    }

    pub(super) fn is_asked_for(&self, webhook: &Webhook) -> bool {
        self.object().desired.as_ref().is_ok_and(|desired| desired.config == webhook.config)
    }

    /// The webhooks that are new since the attempt and nobody's, and of the attempt's target.
    pub(super) fn candidates(&self) -> Vec<&Webhook> {
        let attempt = self.attempt().expect("the attempt is open");
        let board = self.fresh_board().expect("a fresh list was read");
        board
            .iter()
            .filter(|webhook| !attempt.baseline.contains(&webhook.sid))
            .filter(|webhook| !self.object().record.lost.contains(&webhook.sid))
            .filter(|webhook| !self.is_claimed_by_a_sibling(&webhook.sid))
            .filter(|webhook| webhook.config.target == attempt.config.target() || self.is_asked_for(webhook))
            .collect()
    }
}
