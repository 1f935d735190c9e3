//! What happens to conversations: they come, change, go, and some of it by themselves.

use jiff::{SignedDuration, Timestamp};

use super::account::{AccountData, Cause};
use super::actor::{Act, Origin};
use super::conversation::{Conversation, ConversationState};
use super::dates::Dates;
use super::period::Period;
use super::webhook::Deletion;
use super::{Pace, later};
use crate::api::Refusal;
use crate::delivery::Event;
use crate::sid::{ConversationSid, MessagingServiceSid, ServiceSid};

/// A conversation to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewConversation {
    pub(crate) sid: ConversationSid,
    pub(crate) service: ServiceSid,
    pub(crate) content: ConversationChanges,
}

/// What is to be set in a conversation; the rest stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConversationChanges {
    /// Empty takes the name away.
    pub(crate) unique_name: Option<String>,
    pub(crate) friendly_name: Option<String>,
    pub(crate) attributes: Option<String>,
    pub(crate) state: Option<ConversationState>,
    pub(crate) messaging_service: Option<MessagingServiceSid>,
    pub(crate) inactive_after: Option<Period>,
    pub(crate) closed_after: Option<Period>,
    pub(crate) dates: Dates,
}

impl AccountData {
    /// The conversation of this service that `reference` means: its SID or its unique name.
    pub(crate) fn resolve(&self, service: ServiceSid, reference: &str) -> Option<&Conversation> {
        let sid = match reference.parse() {
            Ok(sid) => sid,
            Err(_) => *self.names.get(&(service, reference.to_owned()))?,
        };
        self.conversations.get(&sid).filter(|conversation| conversation.service == service)
    }

    pub(crate) fn conversation(&self, sid: ConversationSid) -> Option<&Conversation> {
        self.conversations.get(&sid)
    }

    pub(crate) fn conversation_mut(&mut self, sid: ConversationSid) -> Result<&mut Conversation, Refusal> {
        self.conversations.get_mut(&sid).ok_or(Refusal::ConversationNotFound)
    }

    /// All conversations, oldest first.
    pub(crate) fn conversations(&self) -> Vec<&Conversation> {
        let mut conversations: Vec<_> = self.conversations.values().collect();
        conversations.sort_unstable_by_key(|conversation| conversation.ordinal);
        conversations
    }

    pub(crate) fn create_conversation(
        &mut self,
        new: NewConversation,
        cause: Cause,
    ) -> Result<&Conversation, Refusal> {
        let NewConversation { sid, service, content } = new;
        self.service(service)?;
        self.may_be_called(sid, service, content.unique_name.as_deref())?;
        if self.conversations.contains_key(&sid) {
            return Err(Refusal::InvalidParameter("Sid".into()));
        }
        let (now, ordinal) = (self.now(), self.next_ordinal());
        let conversation = Conversation {
            sid,
            service,
            messaging_service: self.defaults.messaging_service,
            unique_name: None,
            friendly_name: None,
            attributes: "{}".to_owned(),
            state: ConversationState::Active,
            created_at: now,
            updated_at: now,
            inactive_at: None,
            closed_at: None,
            webhooks: Vec::new(),
            ever: Vec::new(),
            messages: Vec::new(),
            participants: Vec::new(),
            ordinal,
            next_message_index: 0,
            joined: 0,
            inactive_after: self.defaults.inactive_after.clone(),
            closed_after: self.defaults.closed_after.clone(),
            set_up: None,
            going_until: None,
            pace: Pace::default(),
        };
        self.conversations.insert(sid, conversation);
        self.lay_over(sid, content, now);
        self.wind_up(sid, now);
        if let Some(conversation) = self.conversations.get(&sid) {
            let event = Event::conversation_added(conversation);
            self.announce(sid, &event, cause);
        }
        self.conversations.get(&sid).ok_or(Refusal::ConversationNotFound)
    }

    /// Changes a conversation that is open.
    pub(crate) fn update_conversation(
        &mut self,
        sid: ConversationSid,
        changes: ConversationChanges,
        cause: Cause,
    ) -> Result<&Conversation, Refusal> {
        let conversation = self.conversation_mut(sid)?;
        conversation.admits_changes()?;
        let (service, before) = (conversation.service, conversation.state);
        self.may_be_called(sid, service, changes.unique_name.as_deref())?;
        let (now, state) = (self.now(), changes.state);
        let content = ConversationChanges { state: None, ..changes };
        let is_content_changed = content != ConversationChanges::default();
        self.lay_over(sid, content, now);
        if is_content_changed && let Some(conversation) = self.conversations.get(&sid) {
            let event = Event::conversation_updated(conversation);
            self.announce(sid, &event, cause);
        }
        match state.filter(|state| *state != before) {
            Some(state) => self.enter(sid, state, now, cause.reason(), cause),
            None => self.wind_up(sid, now),
        }
        self.conversations.get(&sid).ok_or(Refusal::ConversationNotFound)
    }

    fn may_be_called(
        &self,
        sid: ConversationSid,
        service: ServiceSid,
        unique_name: Option<&str>,
    ) -> Result<(), Refusal> {
        let Some(name) = unique_name.filter(|name| !name.is_empty()) else { return Ok(()) };
        if name.parse::<ConversationSid>().is_ok() {
            return Err(Refusal::UniqueNameLooksLikeSid);
        }
        match self.names.get(&(service, name.to_owned())) {
            Some(owner) if *owner != sid => Err(Refusal::UniqueNameTaken),
            _ => Ok(()),
        }
    }

    fn lay_over(&mut self, sid: ConversationSid, changes: ConversationChanges, now: Timestamp) {
        let ConversationChanges {
            unique_name,
            friendly_name,
            attributes,
            state,
            messaging_service,
            inactive_after,
            closed_after,
            dates,
        } = changes;
        let Some(conversation) = self.conversations.get_mut(&sid) else { return };
        if let Some(name) = unique_name {
            let service = conversation.service;
            if let Some(old) = conversation.unique_name.take() {
                self.names.remove(&(service, old));
            }
            if !name.is_empty() {
                self.names.insert((service, name.clone()), sid);
                conversation.unique_name = Some(name);
            }
        }
        if let Some(name) = friendly_name {
            conversation.friendly_name = Some(name).filter(|name| !name.is_empty());
        }
        replace(&mut conversation.attributes, attributes);
        replace(&mut conversation.state, state);
        replace(&mut conversation.messaging_service, messaging_service);
        dates.lay_over(&mut conversation.created_at, &mut conversation.updated_at, now);
        conversation.inactive_after = inactive_after.or(conversation.inactive_after.take());
        if closed_after.is_some() {
            // What an inactive conversation was running out by no longer counts.
            conversation.closed_at = None;
            conversation.closed_after = closed_after;
        }
    }

    /// Starts the timers of a conversation anew, both from now on.
    pub(super) fn wind_up(&mut self, sid: ConversationSid, now: Timestamp) {
        let Some(conversation) = self.conversations.get_mut(&sid) else { return };
        let after = |period: &Option<Period>| period.as_ref().map(|period| later(now, period.span()));
        let (inactive, closed) = match conversation.state {
            ConversationState::Active => {
                (after(&conversation.inactive_after), after(&conversation.closed_after))
            }
            ConversationState::Inactive => {
                (None, conversation.closed_at.or(after(&conversation.closed_after)))
            }
            ConversationState::Initializing | ConversationState::Closed => (None, None),
        };
        conversation.inactive_at = inactive;
        conversation.closed_at = closed;
        for at in [inactive, closed].into_iter().flatten() {
            self.schedule.add(at, sid);
        }
    }

    /// The conversation enters a state, whatever it was in.
    pub(super) fn enter(
        &mut self,
        sid: ConversationSid,
        state: ConversationState,
        at: Timestamp,
        reason: &'static str,
        cause: Cause,
    ) {
        let Some(conversation) = self.conversations.get_mut(&sid) else { return };
        let from = std::mem::replace(&mut conversation.state, state);
        conversation.updated_at = at;
        conversation.set_up = None;
        if from != state {
            let event = Event::conversation_state_updated(conversation, from, reason);
            self.announce(sid, &event, cause);
        }
        self.wind_up(sid, at);
    }

    /// Somebody says which state the conversation is in: also one that Twilio's API cannot give it.
    pub(crate) fn set_state(
        &mut self,
        sid: ConversationSid,
        state: ConversationState,
        cause: Cause,
    ) -> Result<(), Refusal> {
        self.conversation_mut(sid)?;
        let now = self.now();
        self.enter(sid, state, now, cause.reason(), cause);
        Ok(())
    }

    /// The conversation is initializing for so long, and in that state from then on.
    pub(crate) fn set_up(
        &mut self,
        sid: ConversationSid,
        span: SignedDuration,
        then: ConversationState,
        cause: Cause,
    ) -> Result<(), Refusal> {
        self.set_state(sid, ConversationState::Initializing, cause)?;
        let done = later(self.now(), span);
        self.conversation_mut(sid)?.set_up = Some((done, then));
        self.schedule.add(done, sid);
        Ok(())
    }

    /// The conversation is on its way out for so long, and gone then.
    pub(crate) fn let_go(&mut self, sid: ConversationSid, span: SignedDuration) -> Result<(), Refusal> {
        let gone = later(self.now(), span);
        self.conversation_mut(sid)?.going_until = Some(gone);
        self.schedule.add(gone, sid);
        Ok(())
    }

    /// Does what conversations do by themselves by now.
    pub(super) fn run_schedule(&mut self) {
        if self.schedule.is_empty() {
            return;
        }
        let now = self.now();
        while let Some((at, sid)) = self.schedule.take_due(now) {
            let Some(conversation) = self.conversations.get(&sid) else { continue };
            let due = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= at);
            if due(conversation.going_until) {
                self.delete_conversation(sid, Origin::Outsider, Cause::Timer);
            } else if let Some((_, then)) = conversation.set_up.filter(|(done, _)| *done <= at) {
                self.enter(sid, then, at, "EVENT", Cause::Timer);
            } else if due(conversation.closed_at) {
                self.enter(sid, ConversationState::Closed, at, Cause::Timer.reason(), Cause::Timer);
            } else if due(conversation.inactive_at) {
                self.enter(sid, ConversationState::Inactive, at, Cause::Timer.reason(), Cause::Timer);
            }
        }
    }

    /// The conversation goes, and its webhooks with it.
    pub(crate) fn delete_conversation(
        &mut self,
        sid: ConversationSid,
        origin: Origin,
        cause: Cause,
    ) -> Option<Conversation> {
        let now = self.now();
        let event = Event::conversation_removed(self.conversations.get(&sid)?, now);
        self.announce(sid, &event, cause);
        let conversation = self.conversations.remove(&sid)?;
        if let Some(name) = &conversation.unique_name {
            self.names.remove(&(conversation.service, name.clone()));
        }
        let by = Act { at: now, origin };
        for webhook in &conversation.webhooks {
            if let Some(position) = self.positions.get(webhook) {
                self.records[*position].deleted = Some(Deletion { by: by.clone(), with_conversation: true });
            }
        }
        Some(conversation)
    }
}

pub(super) fn replace<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}
