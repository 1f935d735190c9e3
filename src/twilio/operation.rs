//! The operations by name.

use std::fmt;

/// What was asked of Twilio. Its name serves logs, metrics and the status of an object alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `GET …/Webhooks`
    ListWebhooks,
    /// `POST …/Webhooks`
    CreateWebhook,
    /// `GET …/Webhooks/{Sid}`
    FetchWebhook,
    /// `POST …/Webhooks/{Sid}`
    UpdateWebhook,
    /// `DELETE …/Webhooks/{Sid}`
    DeleteWebhook,
    /// `GET …/Conversations/{Sid}`
    FetchConversation,
    /// `GET /v1/Configuration`
    FetchConfiguration,
}

impl Operation {
    /// Every operation, for those who prepare a metric for each.
    pub const ALL: [Self; 7] = [
        Self::ListWebhooks,
        Self::CreateWebhook,
        Self::FetchWebhook,
        Self::UpdateWebhook,
        Self::DeleteWebhook,
        Self::FetchConversation,
        Self::FetchConfiguration,
    ];

    /// The name, in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListWebhooks => "list_webhooks",
            Self::CreateWebhook => "create_webhook",
            Self::FetchWebhook => "fetch_webhook",
            Self::UpdateWebhook => "update_webhook",
            Self::DeleteWebhook => "delete_webhook",
            Self::FetchConversation => "fetch_conversation",
            Self::FetchConfiguration => "fetch_configuration",
        }
    }

    /// Whether the status is the operation's success. A delete must be told apart from a friendly page of a proxy,
    /// so nothing but 204 will do.
    pub(super) fn succeeded(self, status: u16) -> bool {
        match self {
            Self::DeleteWebhook => status == 204,
            Self::CreateWebhook => matches!(status, 200 | 201),
            _ => status == 200,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_204_is_a_delete() {
        for status in [200, 201, 202, 205, 301, 404] {
            assert!(!Operation::DeleteWebhook.succeeded(status));
        }
        assert!(Operation::DeleteWebhook.succeeded(204));
    }
}
