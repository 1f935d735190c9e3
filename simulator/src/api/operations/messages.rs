//! Messages, and the delivery receipts that channels give for them.

use super::fields::invalid;
use super::{Answer, Call, PAGE_LIMITS};
use crate::api::page::{Limits, Listing, PageRequest};
use crate::api::refusal::Refusal;
use crate::api::render::{MessageJson, MessageList, ReceiptJson, ReceiptList};
use crate::api::route::{ReadVerb, Verb};
use crate::sid::{ConversationSid, MessageSid};
use crate::world::{AccountData, Conversation, Message, MessageChanges, MessageDraft, MessageSource};

const RECEIPT_LIMITS: Limits = Limits { default: 50, max: 50 };

pub(super) fn perform(call: &Call<'_>, conversation: &str, verb: &Verb) -> Result<Answer, Refusal> {
    match verb {
        Verb::Create => create(call, conversation),
        Verb::List => list(call, conversation),
        Verb::Fetch(sid) => fetch(call, conversation, sid),
        Verb::Update(sid) => update(call, conversation, sid),
        Verb::Delete(sid) => delete(call, conversation, sid),
    }
}

impl Call<'_> {
    fn message<'d>(
        &self,
        data: &'d AccountData,
        conversation: &str,
        sid: &str,
    ) -> Result<(&'d Conversation, &'d Message), Refusal> {
        let conversation = self.parent(data, conversation)?;
        let sid: MessageSid = sid.parse().map_err(|_| Refusal::MessageNotFound)?;
        let message = conversation.messages.iter().find(|message| message.sid == sid);
        message.map(|message| (conversation, message)).ok_or(Refusal::MessageNotFound)
    }

    fn message_json(&self, status: u16, conversation: ConversationSid, message: &Message) -> Answer {
        let json = MessageJson::new(self.account.sid, conversation, message, &self.links());
        Answer::json(status, &json)
    }
}

fn create(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let draft = MessageDraft {
        author: call.form.get("Author").unwrap_or("system").to_owned(),
        body: call.form.get("Body").unwrap_or_default().to_owned(),
        attributes: call.attributes()?.unwrap_or_else(|| "{}".to_owned()),
        source: MessageSource::Api,
        dates: call.dates()?,
    };
    let mut data = call.account.data();
    let conversation = call.parent(&data, conversation)?.sid;
    call.pace(&mut data, conversation)?;
    let message = data.add_message(conversation, call.sids, draft, call.cause())?;
    Ok(call.message_json(201, conversation, &message))
}

fn list(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let page = PageRequest::parse(call.query, PAGE_LIMITS)?;
    let descending = match call.query.get("Order") {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(invalid("Order")),
    };
    let data = call.account.data();
    let conversation = call.parent(&data, conversation)?;
    let mut messages: Vec<&Message> = conversation.messages.iter().collect();
    if descending {
        messages.reverse();
    }
    let links = call.links();
    let url = format!("{}/Messages", links.conversation(conversation.sid));
    let query = call.query.repeat(&["Order"]);
    let listing = Listing { url: &url, query: &query, key: "messages", descending };
    let page = page.cut(&messages, |message| message.index, &listing)?;
    let messages = page.items.into_iter();
    let messages = messages.map(|message| MessageJson::new(data.sid, conversation.sid, message, &links));
    Ok(Answer::json(200, &MessageList { meta: page.meta, messages: messages.collect() }))
}

fn fetch(call: &Call<'_>, conversation: &str, sid: &str) -> Result<Answer, Refusal> {
    let data = call.account.data();
    let (conversation, message) = call.message(&data, conversation, sid)?;
    Ok(call.message_json(200, conversation.sid, message))
}

fn update(call: &Call<'_>, conversation: &str, sid: &str) -> Result<Answer, Refusal> {
    let changes = MessageChanges {
        author: call.text("Author"),
        body: call.text("Body"),
        attributes: call.attributes()?,
        dates: call.dates()?,
    };
    let mut data = call.account.data();
    let (conversation, message) = call.message(&data, conversation, sid)?;
    let (conversation, message) = (conversation.sid, message.sid);
    call.pace(&mut data, conversation)?;
    let message = data.update_message(conversation, message, changes, call.cause())?;
    Ok(call.message_json(200, conversation, &message))
}

fn delete(call: &Call<'_>, conversation: &str, sid: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let (conversation, message) = call.message(&data, conversation, sid)?;
    let (conversation, message) = (conversation.sid, message.sid);
    call.pace(&mut data, conversation)?;
    data.delete_message(conversation, message, call.cause())?;
    Ok(Answer::no_content())
}

/// The delivery receipts of a message.
pub(super) fn receipts(
    call: &Call<'_>,
    conversation: &str,
    message: &str,
    verb: &ReadVerb,
) -> Result<Answer, Refusal> {
    let data = call.account.data();
    let (conversation, message) = call.message(&data, conversation, message)?;
    let links = call.links();
    let json = |receipt| ReceiptJson::new(data.sid, conversation.sid, message, receipt, &links);
    match verb {
        ReadVerb::Fetch(sid) => {
            let receipt = message.receipts.iter().find(|receipt| receipt.sid.to_string() == *sid);
            Ok(Answer::json(200, &json(receipt.ok_or(Refusal::ReceiptNotFound)?)))
        }
        ReadVerb::List => {
            let page = PageRequest::parse(call.query, RECEIPT_LIMITS)?;
            let receipts: Vec<_> = message.receipts.iter().enumerate().collect();
            let url = format!("{}/Messages/{}/Receipts", links.conversation(conversation.sid), message.sid);
            let listing = Listing { url: &url, query: "", key: "delivery_receipts", descending: false };
            let page = page.cut(&receipts, |(place, _)| place as u64, &listing)?;
            let delivery_receipts = page.items.into_iter().map(|(_, receipt)| json(receipt)).collect();
            Ok(Answer::json(200, &ReceiptList { meta: page.meta, delivery_receipts }))
        }
    }
}
