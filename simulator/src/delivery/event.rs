//! What happened in a conversation, in the words of a delivery: the event's name and the fields that Twilio
//! documents for it. Who hears of it is [`super::address`]'s matter.

use jiff::Timestamp;

use crate::sid::MessageSid;
use crate::world::{Conversation, ConversationState, Message, MessageSource, Participant, Receipt};

/// The events after the fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventType {
    MessageAdded,
    MessageUpdated,
    MessageRemoved,
    ConversationAdded,
    ConversationUpdated,
    ConversationStateUpdated,
    ConversationRemoved,
    ParticipantAdded,
    ParticipantUpdated,
    ParticipantRemoved,
    DeliveryUpdated,
}

impl EventType {
    /// Twilio's name, as filters have it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MessageAdded => "onMessageAdded",
            Self::MessageUpdated => "onMessageUpdated",
            Self::MessageRemoved => "onMessageRemoved",
            Self::ConversationAdded => "onConversationAdded",
            Self::ConversationUpdated => "onConversationUpdated",
            Self::ConversationStateUpdated => "onConversationStateUpdated",
            Self::ConversationRemoved => "onConversationRemoved",
            Self::ParticipantAdded => "onParticipantAdded",
            Self::ParticipantUpdated => "onParticipantUpdated",
            Self::ParticipantRemoved => "onParticipantRemoved",
            Self::DeliveryUpdated => "onDeliveryUpdated",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: EventType,
    /// The message that it is about, and its index.
    pub(crate) message: Option<(MessageSid, u64)>,
    /// The text of a new message, for triggers.
    pub(crate) text: Option<String>,
    /// The fields of its own, in the order in which they are sent.
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Event {
    fn new(kind: EventType, fields: Vec<(&'static str, String)>) -> Self {
        Self { kind, message: None, text: None, fields }
    }

    pub(crate) fn message_added(conversation: &Conversation, message: &Message) -> Self {
        let event = Self::of_message(EventType::MessageAdded, conversation, message, None);
        Self { text: Some(message.body.clone()), ..event }
    }

    pub(crate) fn message_updated(conversation: &Conversation, message: &Message) -> Self {
        let updated = ("DateUpdated", date(message.updated_at));
        Self::of_message(EventType::MessageUpdated, conversation, message, Some(updated))
    }

    pub(crate) fn message_removed(conversation: &Conversation, message: &Message, at: Timestamp) -> Self {
        let removed = ("DateRemoved", date(at));
        Self::of_message(EventType::MessageRemoved, conversation, message, Some(removed))
    }

    fn of_message(
        kind: EventType,
        conversation: &Conversation,
        message: &Message,
        moment: Option<(&'static str, String)>,
    ) -> Self {
        let mut fields = vec![
            ("MessageSid", message.sid.to_string()),
            ("Index", message.index.to_string()),
            ("DateCreated", date(message.created_at)),
        ];
        fields.extend(moment);
        fields.extend([
            ("Body", message.body.clone()),
            ("Author", message.author.clone()),
            ("Attributes", message.attributes.clone()),
            ("Source", message.source.as_str().to_owned()),
        ]);
        if let Some(sid) = message.participant {
            fields.push(("ParticipantSid", sid.to_string()));
            let author = conversation.participants.iter().find(|participant| participant.sid == sid);
            let identity = author.and_then(|author| author.identity.clone());
            if let (Some(identity), MessageSource::Sdk) = (identity, message.source) {
                fields.push(("ClientIdentity", identity));
            }
        }
        Self { message: Some((message.sid, message.index)), ..Self::new(kind, fields) }
    }

    pub(crate) fn conversation_added(conversation: &Conversation) -> Self {
        Self::of_conversation(EventType::ConversationAdded, conversation, None)
    }

    pub(crate) fn conversation_updated(conversation: &Conversation) -> Self {
        Self::of_conversation(EventType::ConversationUpdated, conversation, None)
    }

    pub(crate) fn conversation_removed(conversation: &Conversation, at: Timestamp) -> Self {
        let removed = ("DateRemoved", date(at));
        Self::of_conversation(EventType::ConversationRemoved, conversation, Some(removed))
    }

    fn of_conversation(
        kind: EventType,
        conversation: &Conversation,
        moment: Option<(&'static str, String)>,
    ) -> Self {
        let mut fields = vec![
            ("DateCreated", date(conversation.created_at)),
            ("DateUpdated", date(conversation.updated_at)),
        ];
        fields.extend(moment);
        fields.extend([
            ("FriendlyName", conversation.friendly_name.clone().unwrap_or_default()),
            ("UniqueName", conversation.unique_name.clone().unwrap_or_default()),
            ("Attributes", conversation.attributes.clone()),
            ("State", conversation.state.as_str().to_owned()),
        ]);
        Self::new(kind, fields)
    }

    pub(crate) fn conversation_state_updated(
        conversation: &Conversation,
        from: ConversationState,
        reason: &'static str,
    ) -> Self {
        let fields = vec![
            ("StateUpdated", date(conversation.updated_at)),
            ("StateFrom", from.as_str().to_owned()),
            ("StateTo", conversation.state.as_str().to_owned()),
            ("Reason", reason.to_owned()),
        ];
        Self::new(EventType::ConversationStateUpdated, fields)
    }

    pub(crate) fn participant_added(participant: &Participant) -> Self {
        Self::of_participant(EventType::ParticipantAdded, participant, None)
    }

    pub(crate) fn participant_updated(participant: &Participant) -> Self {
        let updated = ("DateUpdated", date(participant.updated_at));
        Self::of_participant(EventType::ParticipantUpdated, participant, Some(updated))
    }

    pub(crate) fn participant_removed(participant: &Participant, at: Timestamp) -> Self {
        let removed = ("DateRemoved", date(at));
        Self::of_participant(EventType::ParticipantRemoved, participant, Some(removed))
    }

    fn of_participant(
        kind: EventType,
        participant: &Participant,
        moment: Option<(&'static str, String)>,
    ) -> Self {
        let mut fields = vec![
            ("ParticipantSid", participant.sid.to_string()),
            ("DateCreated", date(participant.created_at)),
        ];
        fields.extend(moment);
        if let Some(identity) = &participant.identity {
            fields.push(("Identity", identity.clone()));
        }
        fields.push(("RoleSid", participant.role.to_string()));
        fields.push(("Attributes", participant.attributes.clone()));
        if let Some(binding) = &participant.binding {
            fields.push(("MessagingBinding.Type", binding.kind().to_owned()));
            let addresses = [
                ("MessagingBinding.Address", &binding.address),
                ("MessagingBinding.ProxyAddress", &binding.proxy_address),
                ("MessagingBinding.ProjectedAddress", &binding.projected_address),
            ];
            for (name, address) in addresses {
                fields.extend(address.clone().map(|address| (name, address)));
            }
        }
        if let Some(index) = participant.last_read_index {
            fields.push(("LastReadMessageIndex", index.to_string()));
        }
        Self::new(kind, fields)
    }

    pub(crate) fn delivery_updated(message: MessageSid, receipt: &Receipt) -> Self {
        let fields = vec![
            ("MessageSid", message.to_string()),
            ("DeliveryReceiptSid", receipt.sid.to_string()),
            ("ChannelMessageSid", receipt.channel_message.to_string()),
            ("ParticipantSid", receipt.participant.to_string()),
            ("Status", receipt.status.as_str().to_owned()),
            ("ErrorCode", receipt.error_code.to_string()),
            ("DateCreated", date(receipt.created_at)),
            ("DateUpdated", date(receipt.updated_at)),
        ];
        Self::new(EventType::DeliveryUpdated, fields)
    }
}

/// ISO 8601, UTC, milliseconds.
fn date(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
