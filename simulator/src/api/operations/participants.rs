//! Participants: addressed by SID or, where they have one, by identity.

use super::fields::invalid;
use super::{Answer, Call, PAGE_LIMITS};
use crate::api::page::{Listing, PageRequest};
use crate::api::refusal::Refusal;
use crate::api::render::{ParticipantJson, ParticipantList};
use crate::api::route::Verb;
use crate::sid::ConversationSid;
use crate::world::{AccountData, Binding, Conversation, Participant, ParticipantChanges};

pub(super) fn perform(call: &Call<'_>, conversation: &str, verb: &Verb) -> Result<Answer, Refusal> {
    match verb {
        Verb::Create => create(call, conversation),
        Verb::List => list(call, conversation),
        Verb::Fetch(reference) => fetch(call, conversation, reference),
        Verb::Update(reference) => update(call, conversation, reference),
        Verb::Delete(reference) => delete(call, conversation, reference),
    }
}

impl Call<'_> {
    fn participant<'d>(
        &self,
        data: &'d AccountData,
        conversation: &str,
        reference: &str,
    ) -> Result<(&'d Conversation, &'d Participant), Refusal> {
        let conversation = self.parent(data, conversation)?;
        let is_meant = |participant: &&Participant| match reference.parse() {
            Ok(sid) => participant.sid == sid,
            Err(_) => participant.identity.as_deref() == Some(reference),
        };
        let participant = conversation.participants.iter().find(is_meant);
        participant.map(|participant| (conversation, participant)).ok_or(Refusal::ParticipantNotFound)
    }

    fn participant_json(
        &self,
        status: u16,
        conversation: ConversationSid,
        participant: &Participant,
    ) -> Answer {
        let json = ParticipantJson::new(self.account.sid, conversation, participant, &self.links());
        Answer::json(status, &json)
    }

    fn participant_changes(&self) -> Result<ParticipantChanges, Refusal> {
        Ok(ParticipantChanges {
            identity: self.name("Identity")?.filter(|identity| !identity.is_empty()),
            binding: Binding {
                address: None,
                proxy_address: self.text("MessagingBinding.ProxyAddress"),
                projected_address: self.text("MessagingBinding.ProjectedAddress"),
            },
            role: self.parsed("RoleSid")?,
            attributes: self.attributes()?,
            last_read_index: self.parsed("LastReadMessageIndex")?,
            last_read_at: self.text("LastReadTimestamp"),
            dates: self.dates()?,
        })
    }
}

fn create(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let mut content = call.participant_changes()?;
    content.binding.address = call.text("MessagingBinding.Address");
    if content.identity.is_none() && content.binding == Binding::default() {
        return Err(invalid("Identity"));
    }
    let mut data = call.account.data();
    let conversation = call.parent(&data, conversation)?.sid;
    call.pace(&mut data, conversation)?;
    let participant = data.add_participant(conversation, call.sids.next(), content, call.cause())?;
    Ok(call.participant_json(201, conversation, &participant))
}

fn list(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let page = PageRequest::parse(call.query, PAGE_LIMITS)?;
    let data = call.account.data();
    let conversation = call.parent(&data, conversation)?;
    let participants: Vec<&Participant> = conversation.participants.iter().collect();
    let links = call.links();
    let url = format!("{}/Participants", links.conversation(conversation.sid));
    let listing = Listing { url: &url, query: "", key: "participants", descending: false };
    let page = page.cut(&participants, |participant| participant.ordinal, &listing)?;
    let json = |participant| ParticipantJson::new(data.sid, conversation.sid, participant, &links);
    let participants = page.items.into_iter().map(json).collect();
    Ok(Answer::json(200, &ParticipantList { meta: page.meta, participants }))
}

fn fetch(call: &Call<'_>, conversation: &str, reference: &str) -> Result<Answer, Refusal> {
    let data = call.account.data();
    let (conversation, participant) = call.participant(&data, conversation, reference)?;
    Ok(call.participant_json(200, conversation.sid, participant))
}

fn update(call: &Call<'_>, conversation: &str, reference: &str) -> Result<Answer, Refusal> {
    let changes = call.participant_changes()?;
    let mut data = call.account.data();
    let (conversation, participant) = call.participant(&data, conversation, reference)?;
    let (conversation, participant) = (conversation.sid, participant.sid);
    call.pace(&mut data, conversation)?;
    let participant = data.update_participant(conversation, participant, changes, call.cause())?;
    Ok(call.participant_json(200, conversation, &participant))
}

fn delete(call: &Call<'_>, conversation: &str, reference: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let (conversation, participant) = call.participant(&data, conversation, reference)?;
    let (conversation, participant) = (conversation.sid, participant.sid);
    call.pace(&mut data, conversation)?;
    data.remove_participant(conversation, participant, call.cause())?;
    Ok(Answer::no_content())
}
