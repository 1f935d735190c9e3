//! The operations of Twilio's API that the simulator knows. Faults, counters, the journal and restricted keys
//! all speak of requests by these names.

use serde::{Deserialize, Serialize};

/// One operation. The short names are those of the scoped webhooks, which this simulator is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    /// Create a scoped webhook.
    Create,
    /// List the scoped webhooks of a conversation.
    List,
    /// Fetch a scoped webhook.
    Fetch,
    /// Update a scoped webhook.
    Update,
    /// Delete a scoped webhook.
    Delete,
    /// Create a conversation.
    ConversationCreate,
    /// Fetch a conversation by SID or unique name.
    ConversationFetch,
    /// Delete a conversation.
    ConversationDelete,
    /// Create a message in a conversation.
    MessageCreate,
    /// Fetch the account's Conversations configuration.
    ConfigurationFetch,
}

impl Operation {
    /// Whether the operation changes anything at Twilio.
    #[must_use]
    pub const fn is_write(self) -> bool {
        match self {
            Self::List | Self::Fetch | Self::ConversationFetch | Self::ConfigurationFetch => false,
            Self::Create
            | Self::Update
            | Self::Delete
            | Self::ConversationCreate
            | Self::ConversationDelete
            | Self::MessageCreate => true,
        }
    }

    /// Twilio's name of the operation (`operationId` in its OpenAPI document), which differs between the paths of the
    /// default service and those below `/v1/Services/{IS}`.
    pub(crate) const fn twilio_id(self, in_service: bool) -> &'static str {
        let (short, below_service) = match self {
            Self::Create => ("CreateConversationScopedWebhook", "CreateServiceConversationScopedWebhook"),
            Self::List => ("ListConversationScopedWebhook", "ListServiceConversationScopedWebhook"),
            Self::Fetch => ("FetchConversationScopedWebhook", "FetchServiceConversationScopedWebhook"),
            Self::Update => ("UpdateConversationScopedWebhook", "UpdateServiceConversationScopedWebhook"),
            Self::Delete => ("DeleteConversationScopedWebhook", "DeleteServiceConversationScopedWebhook"),
            Self::ConversationCreate => ("CreateConversation", "CreateServiceConversation"),
            Self::ConversationFetch => ("FetchConversation", "FetchServiceConversation"),
            Self::ConversationDelete => ("DeleteConversation", "DeleteServiceConversation"),
            Self::MessageCreate => ("CreateConversationMessage", "CreateServiceConversationMessage"),
            Self::ConfigurationFetch => ("FetchConfiguration", "FetchServiceConfiguration"),
        };
        if in_service { below_service } else { short }
    }
}
