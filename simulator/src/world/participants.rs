//! Who takes part in a conversation.

use jiff::Timestamp;

use super::account::{AccountData, Cause};
use super::conversation::{Binding, Conversation, ConversationState, Participant};
use super::conversations::replace;
use super::dates::Dates;
use crate::api::Refusal;
use crate::delivery::Event;
use crate::sid::{ConversationSid, ParticipantSid, RoleSid};

/// What is to be set in a participant; the rest stays as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParticipantChanges {
    pub(crate) identity: Option<String>,
    pub(crate) binding: Binding,
    pub(crate) role: Option<RoleSid>,
    pub(crate) attributes: Option<String>,
    pub(crate) last_read_index: Option<u64>,
    pub(crate) last_read_at: Option<String>,
    pub(crate) dates: Dates,
}

impl Participant {
    pub(super) fn new(sid: ParticipantSid, identity: Option<String>, role: RoleSid, now: Timestamp) -> Self {
        Self {
            sid,
            identity,
            binding: None,
            role,
            attributes: "{}".to_owned(),
            last_read_index: None,
            last_read_at: None,
            created_at: now,
            updated_at: now,
            ordinal: 0,
        }
    }

    fn lay_over(&mut self, changes: ParticipantChanges, now: Timestamp) {
        let ParticipantChanges { identity, binding, role, attributes, last_read_index, last_read_at, dates } =
            changes;
        self.identity = identity.or(self.identity.take());
        if binding != Binding::default() {
            let Binding { address, proxy_address, projected_address } =
                self.binding.take().unwrap_or_default();
            self.binding = Some(Binding {
                address: binding.address.or(address),
                proxy_address: binding.proxy_address.or(proxy_address),
                projected_address: binding.projected_address.or(projected_address),
            });
        }
        replace(&mut self.role, role);
        replace(&mut self.attributes, attributes);
        self.last_read_index = last_read_index.or(self.last_read_index);
        self.last_read_at = last_read_at.or(self.last_read_at.take());
        dates.lay_over(&mut self.created_at, &mut self.updated_at, now);
    }
}

impl Conversation {
    /// Puts a participant at the end of the list.
    pub(super) fn join(&mut self, mut participant: Participant) {
        self.joined += 1;
        participant.ordinal = self.joined;
        self.participants.push(participant);
    }

    /// Whether nobody but `own` has that identity.
    fn has_no_other(&self, own: Option<ParticipantSid>, identity: Option<&String>) -> Result<(), Refusal> {
        let mut others = self.participants.iter().filter(|other| Some(other.sid) != own);
        let is_same = |other: &Participant| identity.is_some() && other.identity.as_ref() == identity;
        if others.any(is_same) { Err(Refusal::ParticipantExists) } else { Ok(()) }
    }
}

impl AccountData {
    pub(crate) fn add_participant(
        &mut self,
        conversation: ConversationSid,
        sid: ParticipantSid,
        content: ParticipantChanges,
        cause: Cause,
    ) -> Result<Participant, Refusal> {
        let now = self.now();
        let found = self.conversation_mut(conversation)?;
        found.admits_changes()?;
        found.has_no_other(None, content.identity.as_ref())?;
        let service = found.service;
        if self.is_bound(&content.binding) {
            return Err(Refusal::BindingExists);
        }
        let role = self.service(service)?.participant_role();
        let mut participant = Participant::new(sid, None, role, now);
        participant.lay_over(content, now);
        let found = self.conversation_mut(conversation)?;
        found.join(participant.clone());
        let event = Event::participant_added(&participant);
        self.announce(conversation, &event, cause);
        Ok(participant)
    }

    /// Whether somebody has that pair of addresses already, in any conversation that is not over: the pair says which
    /// conversation an incoming message belongs to.
    fn is_bound(&self, binding: &Binding) -> bool {
        let Binding { address, proxy_address, projected_address: _ } = binding;
        let is_same = |other: &Binding| (&other.address, &other.proxy_address) == (address, proxy_address);
        let open = self.conversations.values().filter(|other| other.state != ConversationState::Closed);
        let mut bindings =
            open.flat_map(|other| &other.participants).filter_map(|other| other.binding.as_ref());
        address.is_some() && bindings.any(is_same)
    }

    pub(crate) fn update_participant(
        &mut self,
        conversation: ConversationSid,
        sid: ParticipantSid,
        changes: ParticipantChanges,
        cause: Cause,
    ) -> Result<Participant, Refusal> {
        let now = self.now();
        let found = self.conversation_mut(conversation)?;
        found.admits_changes()?;
        found.has_no_other(Some(sid), changes.identity.as_ref())?;
        let participant = found.participants.iter_mut().find(|participant| participant.sid == sid);
        let participant = participant.ok_or(Refusal::ParticipantNotFound)?;
        participant.lay_over(changes, now);
        let participant = participant.clone();
        let event = Event::participant_updated(&participant);
        self.announce(conversation, &event, cause);
        Ok(participant)
    }

    pub(crate) fn remove_participant(
        &mut self,
        conversation: ConversationSid,
        sid: ParticipantSid,
        cause: Cause,
    ) -> Result<(), Refusal> {
        let now = self.now();
        let found = self.conversation_mut(conversation)?;
        found.admits_changes()?;
        let place = found.participants.iter().position(|participant| participant.sid == sid);
        let participant = found.participants.remove(place.ok_or(Refusal::ParticipantNotFound)?);
        let event = Event::participant_removed(&participant, now);
        self.announce(conversation, &event, cause);
        Ok(())
    }
}
