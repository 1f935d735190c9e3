//! The dates of what is in a conversation, and of the conversation itself, which a client may set.

use jiff::Timestamp;

/// The dates that a client gives to what it makes or changes, as for what it brings from elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Dates {
    pub(crate) created: Option<Timestamp>,
    /// Now, unless it is given.
    pub(crate) updated: Option<Timestamp>,
}

impl Dates {
    /// Dates something that is made or changed now.
    pub(super) fn lay_over(self, created_at: &mut Timestamp, updated_at: &mut Timestamp, now: Timestamp) {
        *created_at = self.created.unwrap_or(*created_at);
        *updated_at = self.updated.unwrap_or(now);
    }
}
