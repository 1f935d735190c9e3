//! What happens to messages, and what channels say of them.

use super::account::{AccountData, Cause};
use super::conversation::{ConversationState, DeliveryStatus, Message, MessageSource, Participant, Receipt};
use super::conversations::replace;
use super::dates::Dates;
use crate::api::Refusal;
use crate::delivery::Event;
use crate::sid::{ConversationSid, MessageSid, ParticipantSid, ReceiptSid, SidSource};

/// A message to be added.
#[derive(Debug, Clone)]
pub(crate) struct MessageDraft {
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) attributes: String,
    pub(crate) source: MessageSource,
    pub(crate) dates: Dates,
}

impl MessageDraft {
    /// What a participant writes from its client.
    pub(crate) fn said(author: String, body: String) -> Self {
        Self {
            author,
            body,
            attributes: "{}".to_owned(),
            source: MessageSource::Sdk,
            dates: Dates::default(),
        }
    }
}

/// What is to be set in a message; the rest stays as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct MessageChanges {
    pub(crate) author: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) attributes: Option<String>,
    pub(crate) dates: Dates,
}

impl AccountData {
    /// Appends a message; its index is the next one. Its author, when it writes from a client, is a participant, and
    /// is taken to have been one from the start. An inactive conversation wakes.
    pub(crate) fn add_message(
        &mut self,
        conversation: ConversationSid,
        sids: &SidSource,
        draft: MessageDraft,
        cause: Cause,
    ) -> Result<Message, Refusal> {
        let now = self.now();
        let role = {
            let conversation = self.conversation_mut(conversation)?;
            conversation.admits_changes()?;
            let service = conversation.service;
            self.service(service)?.participant_role()
        };
        let sid = conversation;
        let conversation = self.conversation_mut(sid)?;
        let known = |participant: &&Participant| participant.identity.as_ref() == Some(&draft.author);
        let participant = conversation.participants.iter().find(known).map(|participant| participant.sid);
        let participant = match (participant, draft.source) {
            (None, MessageSource::Sdk) => {
                let newcomer = sids.next();
                let identity = Some(draft.author.clone());
                conversation.join(Participant::new(newcomer, identity, role, now));
                Some(newcomer)
            }
            (participant, _) => participant,
        };
        let mut message = Message {
            sid: sids.next(),
            index: conversation.next_message_index,
            author: draft.author,
            participant,
            body: draft.body,
            attributes: draft.attributes,
            source: draft.source,
            created_at: now,
            updated_at: now,
            receipts: Vec::new(),
        };
        draft.dates.lay_over(&mut message.created_at, &mut message.updated_at, now);
        conversation.next_message_index += 1;
        conversation.messages.push(message.clone());
        let event = Event::message_added(conversation, &message);
        let was_inactive = conversation.state == ConversationState::Inactive;
        self.announce(sid, &event, cause);
        if was_inactive {
            self.enter(sid, ConversationState::Active, now, "EVENT", cause);
        } else {
            self.wind_up(sid, now);
        }
        Ok(message)
    }

    pub(crate) fn update_message(
        &mut self,
        conversation: ConversationSid,
        message: MessageSid,
        changes: MessageChanges,
        cause: Cause,
    ) -> Result<Message, Refusal> {
        let now = self.now();
        let found = self.conversation_mut(conversation)?;
        found.admits_changes()?;
        let place = place(&found.messages, message)?;
        let entry = &mut found.messages[place];
        let MessageChanges { author, body, attributes, dates } = changes;
        replace(&mut entry.author, author);
        replace(&mut entry.body, body);
        replace(&mut entry.attributes, attributes);
        dates.lay_over(&mut entry.created_at, &mut entry.updated_at, now);
        let updated = entry.clone();
        let event = Event::message_updated(found, &updated);
        self.announce(conversation, &event, cause);
        Ok(updated)
    }

    pub(crate) fn delete_message(
        &mut self,
        conversation: ConversationSid,
        message: MessageSid,
        cause: Cause,
    ) -> Result<(), Refusal> {
        let now = self.now();
        let found = self.conversation_mut(conversation)?;
        found.admits_changes()?;
        let removed = found.messages.remove(place(&found.messages, message)?);
        let event = Event::message_removed(found, &removed, now);
        self.announce(conversation, &event, cause);
        Ok(())
    }

    /// A channel says how far a message came on its way to a participant.
    pub(crate) fn hear_of(
        &mut self,
        conversation: ConversationSid,
        message: MessageSid,
        news: DeliveryNews,
        sids: &SidSource,
    ) -> Result<ReceiptSid, Refusal> {
        let now = self.now();
        let found = self.conversation_mut(conversation)?;
        if !found.participants.iter().any(|participant| participant.sid == news.participant) {
            return Err(Refusal::ParticipantNotFound);
        }
        let place = place(&found.messages, message)?;
        let receipts = &mut found.messages[place].receipts;
        let known = receipts.iter().position(|receipt| receipt.participant == news.participant);
        let known = known.unwrap_or_else(|| {
            receipts.push(Receipt {
                sid: sids.next(),
                channel_message: sids.next(),
                participant: news.participant,
                status: news.status,
                error_code: 0,
                created_at: now,
                updated_at: now,
            });
            receipts.len() - 1
        });
        let receipt = &mut receipts[known];
        receipt.status = news.status;
        receipt.error_code = news.error_code;
        receipt.updated_at = now;
        let receipt = receipt.clone();
        let event = Event::delivery_updated(message, &receipt);
        self.announce(conversation, &event, Cause::Outsider);
        Ok(receipt.sid)
    }
}

/// What a channel says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeliveryNews {
    pub(crate) participant: ParticipantSid,
    pub(crate) status: DeliveryStatus,
    pub(crate) error_code: u32,
}

fn place(messages: &[Message], sid: MessageSid) -> Result<usize, Refusal> {
    messages.iter().position(|message| message.sid == sid).ok_or(Refusal::MessageNotFound)
}
