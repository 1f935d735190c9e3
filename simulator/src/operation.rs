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
    /// List the conversations of a service.
    ConversationList,
    /// Fetch a conversation by SID or unique name.
    ConversationFetch,
    /// Update a conversation.
    ConversationUpdate,
    /// Delete a conversation.
    ConversationDelete,
    /// Create a message in a conversation.
    MessageCreate,
    /// List the messages of a conversation.
    MessageList,
    /// Fetch a message.
    MessageFetch,
    /// Update a message.
    MessageUpdate,
    /// Delete a message.
    MessageDelete,
    /// List the delivery receipts of a message.
    ReceiptList,
    /// Fetch a delivery receipt.
    ReceiptFetch,
    /// Add a participant to a conversation.
    ParticipantCreate,
    /// List the participants of a conversation.
    ParticipantList,
    /// Fetch a participant.
    ParticipantFetch,
    /// Update a participant.
    ParticipantUpdate,
    /// Remove a participant.
    ParticipantDelete,
    /// Create a service.
    ServiceCreate,
    /// List the services of the account.
    ServiceList,
    /// Fetch a service.
    ServiceFetch,
    /// Delete a service.
    ServiceDelete,
    /// Fetch the account's Conversations configuration.
    ConfigurationFetch,
    /// Update the account's Conversations configuration.
    ConfigurationUpdate,
    /// Fetch the webhook of the whole account.
    GlobalWebhookFetch,
    /// Update the webhook of the whole account.
    GlobalWebhookUpdate,
    /// Fetch the webhook of a service.
    ServiceWebhookFetch,
    /// Update the webhook of a service.
    ServiceWebhookUpdate,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 32] = [
        Self::Create,
        Self::List,
        Self::Fetch,
        Self::Update,
        Self::Delete,
        Self::ConversationCreate,
        Self::ConversationList,
        Self::ConversationFetch,
        Self::ConversationUpdate,
        Self::ConversationDelete,
        Self::MessageCreate,
        Self::MessageList,
        Self::MessageFetch,
        Self::MessageUpdate,
        Self::MessageDelete,
        Self::ReceiptList,
        Self::ReceiptFetch,
        Self::ParticipantCreate,
        Self::ParticipantList,
        Self::ParticipantFetch,
        Self::ParticipantUpdate,
        Self::ParticipantDelete,
        Self::ServiceCreate,
        Self::ServiceList,
        Self::ServiceFetch,
        Self::ServiceDelete,
        Self::ConfigurationFetch,
        Self::ConfigurationUpdate,
        Self::GlobalWebhookFetch,
        Self::GlobalWebhookUpdate,
        Self::ServiceWebhookFetch,
        Self::ServiceWebhookUpdate,
    ];

    /// Whether the operation changes anything at Twilio.
    #[must_use]
    pub const fn is_write(self) -> bool {
        match self {
            Self::List
            | Self::Fetch
            | Self::ConversationList
            | Self::ConversationFetch
            | Self::MessageList
            | Self::MessageFetch
            | Self::ReceiptList
            | Self::ReceiptFetch
            | Self::ParticipantList
            | Self::ParticipantFetch
            | Self::ServiceList
            | Self::ServiceFetch
            | Self::ConfigurationFetch
            | Self::GlobalWebhookFetch
            | Self::ServiceWebhookFetch => false,
            Self::Create
            | Self::Update
            | Self::Delete
            | Self::ConversationCreate
            | Self::ConversationUpdate
            | Self::ConversationDelete
            | Self::MessageCreate
            | Self::MessageUpdate
            | Self::MessageDelete
            | Self::ParticipantCreate
            | Self::ParticipantUpdate
            | Self::ParticipantDelete
            | Self::ServiceCreate
            | Self::ServiceDelete
            | Self::ConfigurationUpdate
            | Self::GlobalWebhookUpdate
            | Self::ServiceWebhookUpdate => true,
        }
    }

    /// Twilio's own name for it (`operationId` of its OpenAPI document): on the short paths, and on those below
    /// `/v1/Services/{IS}`. What exists on one path only has one name.
    #[must_use]
    pub const fn twilio_id(self, in_service: bool) -> &'static str {
        let (short, service) = match self {
            Self::Create => ("CreateConversationScopedWebhook", "CreateServiceConversationScopedWebhook"),
            Self::List => ("ListConversationScopedWebhook", "ListServiceConversationScopedWebhook"),
            Self::Fetch => ("FetchConversationScopedWebhook", "FetchServiceConversationScopedWebhook"),
            Self::Update => ("UpdateConversationScopedWebhook", "UpdateServiceConversationScopedWebhook"),
            Self::Delete => ("DeleteConversationScopedWebhook", "DeleteServiceConversationScopedWebhook"),
            Self::ConversationCreate => ("CreateConversation", "CreateServiceConversation"),
            Self::ConversationList => ("ListConversation", "ListServiceConversation"),
            Self::ConversationFetch => ("FetchConversation", "FetchServiceConversation"),
            Self::ConversationUpdate => ("UpdateConversation", "UpdateServiceConversation"),
            Self::ConversationDelete => ("DeleteConversation", "DeleteServiceConversation"),
            Self::MessageCreate => ("CreateConversationMessage", "CreateServiceConversationMessage"),
            Self::MessageList => ("ListConversationMessage", "ListServiceConversationMessage"),
            Self::MessageFetch => ("FetchConversationMessage", "FetchServiceConversationMessage"),
            Self::MessageUpdate => ("UpdateConversationMessage", "UpdateServiceConversationMessage"),
            Self::MessageDelete => ("DeleteConversationMessage", "DeleteServiceConversationMessage"),
            Self::ReceiptList => ("ListConversationMessageReceipt", "ListServiceConversationMessageReceipt"),
            Self::ReceiptFetch => {
                ("FetchConversationMessageReceipt", "FetchServiceConversationMessageReceipt")
            }
            Self::ParticipantCreate => {
                ("CreateConversationParticipant", "CreateServiceConversationParticipant")
            }
            Self::ParticipantList => ("ListConversationParticipant", "ListServiceConversationParticipant"),
            Self::ParticipantFetch => ("FetchConversationParticipant", "FetchServiceConversationParticipant"),
            Self::ParticipantUpdate => {
                ("UpdateConversationParticipant", "UpdateServiceConversationParticipant")
            }
            Self::ParticipantDelete => {
                ("DeleteConversationParticipant", "DeleteServiceConversationParticipant")
            }
            Self::ServiceCreate => ("CreateService", "CreateService"),
            Self::ServiceList => ("ListService", "ListService"),
            Self::ServiceFetch => ("FetchService", "FetchService"),
            Self::ServiceDelete => ("DeleteService", "DeleteService"),
            Self::ConfigurationFetch => ("FetchConfiguration", "FetchConfiguration"),
            Self::ConfigurationUpdate => ("UpdateConfiguration", "UpdateConfiguration"),
            Self::GlobalWebhookFetch => ("FetchConfigurationWebhook", "FetchConfigurationWebhook"),
            Self::GlobalWebhookUpdate => ("UpdateConfigurationWebhook", "UpdateConfigurationWebhook"),
            Self::ServiceWebhookFetch => {
                ("FetchServiceWebhookConfiguration", "FetchServiceWebhookConfiguration")
            }
            Self::ServiceWebhookUpdate => {
                ("UpdateServiceWebhookConfiguration", "UpdateServiceWebhookConfiguration")
            }
        };
        if in_service { service } else { short }
    }
}
