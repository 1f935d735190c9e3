//! Conversations.

use super::fields::{invalid, moment};
use super::{Answer, Call, PAGE_LIMITS};
use crate::api::page::{Listing, PageRequest};
use crate::api::refusal::Refusal;
use crate::api::render::{ConversationJson, ConversationList};
use crate::api::route::Verb;
use crate::world::{AccountData, Conversation, ConversationChanges, ConversationState, NewConversation};

pub(super) fn perform(call: &Call<'_>, verb: &Verb) -> Result<Answer, Refusal> {
    match verb {
        Verb::Create => create(call),
        Verb::List => list(call),
        Verb::Fetch(reference) => fetch(call, reference),
        Verb::Update(reference) => update(call, reference),
        Verb::Delete(reference) => delete(call, reference),
    }
}

fn json(call: &Call<'_>, status: u16, data: &AccountData, conversation: &Conversation) -> Answer {
    Answer::json(status, &ConversationJson::new(data.sid, conversation, &call.links()))
}

/// A state that a client may name.
fn state(text: Option<&str>) -> Result<Option<ConversationState>, Refusal> {
    match text {
        None => Ok(None),
        Some("active") => Ok(Some(ConversationState::Active)),
        Some("inactive") => Ok(Some(ConversationState::Inactive)),
        Some("closed") => Ok(Some(ConversationState::Closed)),
        Some(_) => Err(invalid("State")),
    }
}

fn changes(call: &Call<'_>) -> Result<ConversationChanges, Refusal> {
    Ok(ConversationChanges {
        unique_name: call.name("UniqueName")?,
        friendly_name: call.name("FriendlyName")?,
        attributes: call.attributes()?,
        state: state(call.form.get("State"))?,
        messaging_service: call.parsed("MessagingServiceSid")?,
        inactive_after: call.inactive_timer("Timers.Inactive")?,
        closed_after: call.closed_timer("Timers.Closed")?,
        dates: call.dates()?,
    })
}

fn create(call: &Call<'_>) -> Result<Answer, Refusal> {
    let content = changes(call)?;
    let mut data = call.account.data();
    let service = call.service(&data)?;
    let now = data.now();
    data.service_mut(service)?.pace.step(now, call.settings.max_changes_per_second)?;
    let new = NewConversation { sid: call.sids.next(), service, content };
    let sid = data.create_conversation(new, call.cause())?.sid;
    let conversation = data.conversation(sid).ok_or(Refusal::ConversationNotFound)?;
    Ok(json(call, 201, &data, conversation))
}

fn list(call: &Call<'_>) -> Result<Answer, Refusal> {
    let page = PageRequest::parse(call.query, PAGE_LIMITS)?;
    let (start, end) = (moment(call.query, "StartDate")?, moment(call.query, "EndDate")?);
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        return Err(Refusal::EndBeforeStart);
    }
    let wanted_state = match call.query.get("State") {
        Some("initializing") => Some(ConversationState::Initializing),
        text => state(text)?,
    };
    let data = call.account.data();
    let service = call.service(&data)?;
    let mut conversations = data.conversations();
    conversations.retain(|conversation| {
        conversation.service == service
            && wanted_state.is_none_or(|state| conversation.state == state)
            && start.is_none_or(|start| conversation.created_at >= start)
            && end.is_none_or(|end| conversation.created_at <= end)
    });
    let links = call.links();
    let query = call.query.repeat(&["StartDate", "EndDate", "State"]);
    let listing =
        Listing { url: &links.conversations(), query: &query, key: "conversations", descending: false };
    let page = page.cut(&conversations, |conversation| conversation.ordinal, &listing)?;
    let conversations =
        page.items.into_iter().map(|conversation| ConversationJson::new(data.sid, conversation, &links));
    Ok(Answer::json(200, &ConversationList { meta: page.meta, conversations: conversations.collect() }))
}

fn fetch(call: &Call<'_>, reference: &str) -> Result<Answer, Refusal> {
    let data = call.account.data();
    Ok(json(call, 200, &data, call.conversation(&data, reference)?))
}

fn update(call: &Call<'_>, reference: &str) -> Result<Answer, Refusal> {
    let changes = changes(call)?;
    let mut data = call.account.data();
    let sid = call.conversation(&data, reference)?.sid;
    call.pace(&mut data, sid)?;
    data.update_conversation(sid, changes, call.cause())?;
    let conversation = data.conversation(sid).ok_or(Refusal::ConversationNotFound)?;
    Ok(json(call, 200, &data, conversation))
}

fn delete(call: &Call<'_>, reference: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let conversation = call.conversation(&data, reference)?;
    let (sid, service) = (conversation.sid, conversation.service);
    let now = data.now();
    data.service_mut(service)?.pace.step(now, call.settings.max_changes_per_second)?;
    data.delete_conversation(sid, call.origin.clone(), call.cause()).ok_or(Refusal::ConversationNotFound)?;
    Ok(Answer::no_content())
}
