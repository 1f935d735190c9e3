//! What each operation does: a locked, synchronous step from parameters to an answer. Nothing here knows of
//! faults, connections or the journal, and nothing here waits.

mod configuration;
mod conversations;
mod fields;
mod messages;
mod participants;
mod services;
mod webhooks;

use jiff::Timestamp;
use serde::Serialize;

use super::page::Limits;
use super::params::Params;
use super::refusal::{ErrorBody, Refusal};
use super::render::Links;
use super::route::{Action, Route};
use crate::settings::{Settings, UniqueNameInPath};
use crate::sid::{ConversationSid, ServiceSid, SidSource};
use crate::world::{Account, AccountData, Cause, Conversation, Origin};

/// Pages of everything but webhooks.
const PAGE_LIMITS: Limits = Limits { default: 50, max: 100 };

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
}

impl Answer {
    fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self { status, body }
    }

    fn no_content() -> Self {
        Self { status: 204, body: Vec::new() }
    }

    /// The empty answer to what was not carried out.
    pub(crate) fn nothing() -> Self {
        Self { status: 200, body: Vec::new() }
    }

    pub(crate) fn error(body: &ErrorBody) -> Self {
        Self::json(body.status, body)
    }
}

/// Does what the route asks for.
pub(crate) fn perform(call: &Call<'_>) -> Result<Answer, Refusal> {
    match &call.route.action {
        Action::Webhook { conversation, verb } => webhooks::perform(call, conversation, verb),
        Action::Conversation(verb) => conversations::perform(call, verb),
        Action::Message { conversation, verb } => messages::perform(call, conversation, verb),
        Action::Receipt { conversation, message, verb } => {
            messages::receipts(call, conversation, message, verb)
        }
        Action::Participant { conversation, verb } => participants::perform(call, conversation, verb),
        Action::Service(verb) => services::perform(call, verb),
        Action::Configuration(verb) => configuration::perform(call, *verb),
        Action::GlobalWebhook(verb) => configuration::global_webhook(call, *verb),
        Action::ServiceWebhook(verb) => configuration::service_webhook(call, *verb),
    }
}

impl Call<'_> {
    fn links(&self) -> Links<'_> {
        Links { host: self.host, service: self.route.service }
    }

    const fn cause(&self) -> Cause {
        Cause::Rest { fires: self.fires_webhooks }
    }

    /// The service that the path means: the short path means the default one.
    fn service(&self, data: &AccountData) -> Result<ServiceSid, Refusal> {
        Ok(data.service(self.route.service.unwrap_or(data.defaults.service))?.sid)
    }

    /// The conversation that the path of the conversation itself names.
    fn conversation<'d>(&self, data: &'d AccountData, reference: &str) -> Result<&'d Conversation, Refusal> {
        let conversation = data.resolve(self.service(data)?, reference);
        let conversation = conversation.ok_or(Refusal::ConversationNotFound)?;
        match conversation.going_until {
            Some(_) => Err(Refusal::ConversationGoing),
            None => Ok(conversation),
        }
    }

    /// The conversation that a path below it names.
    fn parent<'d>(&self, data: &'d AccountData, reference: &str) -> Result<&'d Conversation, Refusal> {
        let is_name = reference.parse::<ConversationSid>().is_err();
        if is_name && self.settings.unique_name_in_path == UniqueNameInPath::Refuse {
            return Err(Refusal::ConversationNotFound);
        }
        self.conversation(data, reference)
    }

    /// Counts a change of the conversation against its limit.
    fn pace(&self, data: &mut AccountData, conversation: ConversationSid) -> Result<(), Refusal> {
        let now = data.now();
        data.conversation_mut(conversation)?.pace.step(now, self.settings.max_changes_per_second)
    }
}
