//! Conversations that are being set up: for a while they admit no changes (50386), and then they do, by themselves.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::conversation::ConversationState;
use crate::sid::ConversationSid;

/// The conversations of an account that are being set up.
#[derive(Debug, Default)]
pub(crate) struct Setups {
    under_way: Vec<Setup>,
}

/// One conversation that is being set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) conversation: ConversationSid,
    /// When it is done.
    pub(crate) at: Timestamp,
    /// The state from then on.
    pub(crate) then: ConversationState,
}

impl Setups {
    /// The conversation is being set up for so long.
    pub(crate) fn start(&mut self, conversation: ConversationSid, span: Duration, then: ConversationState) {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        let at = Timestamp::now().checked_add(span).unwrap_or(Timestamp::MAX);
        self.under_way.push(Setup { conversation, at, then });
    }

    /// Somebody says which state the conversation is in.
    pub(crate) fn cancel(&mut self, conversation: ConversationSid) {
        self.under_way.retain(|setup| setup.conversation != conversation);
    }

    /// Those that are done by now.
    pub(crate) fn take_done(&mut self) -> Vec<Setup> {
        if self.under_way.is_empty() {
            return Vec::new();
        }
        let now = Timestamp::now();
        self.under_way.extract_if(.., |setup| setup.at <= now).collect()
    }
}
