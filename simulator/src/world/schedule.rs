//! What conversations do by themselves: becoming inactive or closed when a timer has run, being ready when Twilio
//! has set them up, being gone when their deletion has run its course.
//!
//! A [`Schedule`] only says when to look at which conversation. What is due is read from the conversation then, so that
//! a timer that was set anew needs nothing taken out.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::sid::ConversationSid;

/// When to look at which conversation.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    looks: BTreeSet<(Timestamp, ConversationSid)>,
}

impl Schedule {
    pub(crate) fn add(&mut self, at: Timestamp, conversation: ConversationSid) {
        self.looks.insert((at, conversation));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.looks.is_empty()
    }

    /// The next conversation to look at by now.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<(Timestamp, ConversationSid)> {
        let (at, _) = self.looks.first()?;
        if *at <= now { self.looks.pop_first() } else { None }
    }
}
