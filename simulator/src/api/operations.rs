//! What each operation does: a locked, synchronous step from parameters to an answer. Nothing here knows of
//! faults, connections or the journal, and nothing here waits.

use jiff::Timestamp;
use serde::Serialize;

use super::page::PageRequest;
use super::params::Params;
use super::refusal::{ErrorBody, Refusal};
use super::render::{ConfigurationJson, ConversationJson, Links, MessageJson, WebhookJson, WebhookList};
use super::route::{Action, Route};
use super::webhook_form::{self, Rules};
use crate::delivery::{self, Dispatch};
use crate::settings::Settings;
use crate::sid::{ServiceSid, SidSource, WebhookSid};
use crate::world::{
    Account, AccountData, Conversation, ConversationState, MessageDraft, MessageSource, NewConversation,
    NewWebhook, Origin, WebhookRecord,
};

/// An admitted request.
pub(crate) struct Call<'a> {
    pub(crate) account: &'a Account,
    pub(crate) route: &'a Route,
    pub(crate) query: &'a Params,
    pub(crate) form: &'a Params,
    pub(crate) host: &'a str,
    /// `X-Twilio-Webhook-Enabled: true`: the request may fire webhooks.
    pub(crate) fires_webhooks: bool,
    pub(crate) origin: Origin,
    /// A list shows the state of this moment instead of the present one.
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) settings: Settings,
    pub(crate) sids: &'a SidSource,
}

/// What an operation came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// JSON; empty for 204.
    pub(crate) body: Vec<u8>,
    /// Deliveries that it caused.
    pub(crate) dispatches: Vec<Dispatch>,
}

impl Answer {
    fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self { status, body, dispatches: Vec::new() }
    }

    fn no_content() -> Self {
        Self { status: 204, body: Vec::new(), dispatches: Vec::new() }
    }

    /// The empty answer to what was not carried out.
    pub(crate) fn nothing() -> Self {
        Self { status: 200, body: Vec::new(), dispatches: Vec::new() }
    }

    pub(crate) fn error(body: &ErrorBody) -> Self {
        Self::json(body.status, body)
    }
}

/// Does what the route asks for.
pub(crate) fn perform(call: &Call<'_>) -> Result<Answer, Refusal> {
    match &call.route.action {
        Action::Create { conversation } => create_webhook(call, conversation),
        Action::List { conversation } => list_webhooks(call, conversation),
        Action::Fetch { conversation, webhook } => fetch_webhook(call, conversation, webhook),
        Action::Update { conversation, webhook } => update_webhook(call, conversation, webhook),
        Action::Delete { conversation, webhook } => delete_webhook(call, conversation, webhook),
        Action::ConversationCreate => create_conversation(call),
        Action::ConversationFetch { conversation } => fetch_conversation(call, conversation),
        Action::ConversationDelete { conversation } => delete_conversation(call, conversation),
        Action::MessageCreate { conversation } => create_message(call, conversation),
        Action::ConfigurationFetch => Ok(fetch_configuration(call)),
    }
}

impl Call<'_> {
    fn links(&self) -> Links<'_> {
        Links { host: self.host, service: self.route.service }
    }

    /// The service that the path means: the short path means the default one.
    fn service(&self, data: &AccountData) -> Result<ServiceSid, Refusal> {
        let service = self.route.service.unwrap_or(self.account.default_service);
        data.services.contains(&service).then_some(service).ok_or(Refusal::ServiceNotFound)
    }

    fn conversation<'d>(&self, data: &'d AccountData, reference: &str) -> Result<&'d Conversation, Refusal> {
        data.resolve(self.service(data)?, reference).ok_or(Refusal::ConversationNotFound)
    }

    /// The webhook that is alive on that conversation.
    fn webhook<'d>(
        &self,
        data: &'d AccountData,
        conversation: &str,
        webhook: &str,
    ) -> Result<&'d WebhookRecord, Refusal> {
        let conversation = self.conversation(data, conversation)?;
        let sid: WebhookSid = webhook.parse().map_err(|_| Refusal::InvalidWebhookSid)?;
        data.record(sid)
            .filter(|record| record.alive() && record.conversation == conversation.sid)
            .ok_or(Refusal::WebhookNotFound)
    }
}

fn create_webhook(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let conversation = call.conversation(&data, conversation)?.sid;
    let rules = Rules { settings: call.settings, flows: data.flows.as_ref() };
    let (configuration, replay_after) = webhook_form::create(call.form, rules)?;
    let new = NewWebhook { sid: call.sids.next(), configuration, replay_after };
    let record = data.create_webhook(conversation, new, call.origin.clone())?;
    let mut answer = Answer::json(201, &WebhookJson::new(record, &call.links(), call.settings));
    let webhook = record.sid;
    answer.dispatches = delivery::replay(call.account, &data, webhook, call.sids);
    Ok(answer)
}

fn list_webhooks(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let page = PageRequest::parse(call.query)?;
    let data = call.account.data();
    let conversation = call.conversation(&data, conversation)?;
    let past: Vec<WebhookRecord>;
    let records: Vec<&WebhookRecord> = match call.as_of {
        None => data.alive(conversation).collect(),
        Some(moment) => {
            past = data.ever(conversation).filter_map(|record| record.as_of(moment)).collect();
            past.iter().collect()
        }
    };
    let links = call.links();
    let url = links.webhooks(conversation.sid);
    let page = page.cut(&records, &conversation.ever, |record| record.sid, &url)?;
    let webhooks =
        page.items.into_iter().map(|record| WebhookJson::new(record, &links, call.settings)).collect();
    Ok(Answer::json(200, &WebhookList { meta: page.meta, webhooks }))
}

fn fetch_webhook(call: &Call<'_>, conversation: &str, webhook: &str) -> Result<Answer, Refusal> {
    let data = call.account.data();
    let record = call.webhook(&data, conversation, webhook)?;
    Ok(Answer::json(200, &WebhookJson::new(record, &call.links(), call.settings)))
}

fn update_webhook(call: &Call<'_>, conversation: &str, webhook: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let record = call.webhook(&data, conversation, webhook)?;
    let sid = record.sid;
    let rules = Rules { settings: call.settings, flows: data.flows.as_ref() };
    let configuration = webhook_form::update(call.form, &record.configuration, rules)?;
    let record = data.update_webhook(sid, configuration, call.origin.clone())?;
    Ok(Answer::json(200, &WebhookJson::new(record, &call.links(), call.settings)))
}

fn delete_webhook(call: &Call<'_>, conversation: &str, webhook: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let sid = call.webhook(&data, conversation, webhook)?.sid;
    data.delete_webhook(sid, call.origin.clone())?;
    Ok(Answer::no_content())
}

fn create_conversation(call: &Call<'_>) -> Result<Answer, Refusal> {
    let text = |name: &str| call.form.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let invalid = |name: &str| Refusal::InvalidParameter(name.to_owned());
    let friendly_name = text("FriendlyName");
    if friendly_name.as_ref().is_some_and(|name| name.chars().count() > 256) {
        return Err(invalid("FriendlyName"));
    }
    let state = match call.form.get("State") {
        None | Some("active") => ConversationState::Active,
        Some("inactive") => ConversationState::Inactive,
        Some("closed") => ConversationState::Closed,
        Some(_) => return Err(invalid("State")),
    };
    let mut data = call.account.data();
    let new = NewConversation {
        sid: call.sids.next(),
        service: call.service(&data)?,
        unique_name: text("UniqueName"),
        friendly_name,
        attributes: attributes(call)?,
        state,
    };
    let conversation = data.create_conversation(new)?;
    Ok(Answer::json(201, &ConversationJson::new(call.account, conversation, &call.links())))
}

fn fetch_conversation(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let data = call.account.data();
    let conversation = call.conversation(&data, conversation)?;
    Ok(Answer::json(200, &ConversationJson::new(call.account, conversation, &call.links())))
}

fn delete_conversation(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let sid = call.conversation(&data, conversation)?.sid;
    data.delete_conversation(sid, call.origin.clone()).ok_or(Refusal::ConversationNotFound)?;
    Ok(Answer::no_content())
}

fn create_message(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let draft = MessageDraft {
        author: call.form.get("Author").unwrap_or("system").to_owned(),
        body: call.form.get("Body").unwrap_or_default().to_owned(),
        attributes: attributes(call)?.unwrap_or_else(|| "{}".to_owned()),
        source: MessageSource::Api,
    };
    let mut data = call.account.data();
    let conversation = call.conversation(&data, conversation)?.sid;
    let message = data.add_message(conversation, call.sids, draft)?;
    let json = MessageJson::new(call.account.sid, conversation, &message, &call.links());
    let mut answer = Answer::json(201, &json);
    if call.fires_webhooks {
        answer.dispatches = delivery::message_added(call.account, &data, conversation, &message, call.sids);
    }
    Ok(answer)
}

fn fetch_configuration(call: &Call<'_>) -> Answer {
    Answer::json(200, &ConfigurationJson::new(call.account, &call.links()))
}

/// `Attributes`: JSON as text.
fn attributes(call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let Some(text) = call.form.get("Attributes") else { return Ok(None) };
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(Some(text.to_owned())),
        Err(_) => Err(Refusal::InvalidParameter("Attributes".into())),
    }
}
