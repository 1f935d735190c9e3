//! One object: `finalizer()` with an apply and a cleanup, and what happens after an error.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conversation_webhook_operator::api::{self, ConversationWebhook};
use conversation_webhook_operator::twilio::{
    self, ConversationRef, CreateOutcome, Credentials, CredentialsError, NewWebhook, Webhook, WebhookConfig,
    WebhookSid,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::finalizer::{self, Event, finalizer};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use crate::credentials::CredentialsCache;

const FINALIZER: &str = "peer.conversations.twilio-operator.dev/webhook";
const RESYNC: Duration = Duration::from_mins(10);
const RETRY: Duration = Duration::from_secs(5);

/// What every reconcile needs.
pub(crate) struct Context {
    pub(crate) kube: Client,
    pub(crate) twilio: twilio::Client,
    pub(crate) credentials: CredentialsCache,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("only target webhook with conversationSid and url is served")]
    Unserved,
    #[error("API server: {0}")]
    Kube(#[from] kube::Error),
    #[error("credentials: {0}")]
    Credentials(#[from] CredentialsError),
    #[error("Twilio: {0}")]
    Twilio(#[from] twilio::Error),
    #[error(transparent)]
    Finalizer(#[from] Box<finalizer::Error<Error>>),
}

pub(crate) async fn reconcile(
    object: Arc<ConversationWebhook>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let namespace = object.namespace().unwrap_or_default();
    let objects = Api::namespaced(context.kube.clone(), &namespace);
    finalizer(&objects, FINALIZER, object, async |event| match event {
        Event::Apply(object) => Pass::of(&context, &object).await?.apply(&objects).await,
        Event::Cleanup(object) => Pass::of(&context, &object).await?.clean_up().await,
    })
    .await
    .map_err(|error| Box::new(error).into())
}

/// The same pause after every error, as in kube's own examples.
pub(crate) fn on_error(_: Arc<ConversationWebhook>, _: &Error, _: Arc<Context>) -> Action {
    Action::requeue(RETRY)
}

/// What one reconcile works with.
struct Pass<'a> {
    object: &'a ConversationWebhook,
    twilio: &'a twilio::Client,
    credentials: Credentials,
    conversation: ConversationRef,
    wanted: WebhookConfig,
}

impl<'a> Pass<'a> {
    async fn of(context: &'a Context, object: &'a ConversationWebhook) -> Result<Self, Error> {
        let spec = &object.spec;
        let (api::Target::Webhook, Some(conversation), Some(url)) =
            (spec.target, &spec.conversation_sid, &spec.configuration.url)
        else {
            return Err(Error::Unserved);
        };
        let method = match spec.configuration.method {
            Some(api::Method::Get) => twilio::Method::Get,
            Some(api::Method::Post) | None => twilio::Method::Post,
        };
        let wanted = WebhookConfig {
            target: twilio::Target::Webhook,
            url: Some(url.clone()),
            method: Some(method),
            filters: spec.configuration.filters.iter().flatten().cloned().collect(),
            triggers: BTreeSet::new(),
            flow_sid: None,
        };
        Ok(Self {
            object,
            twilio: &context.twilio,
            credentials: context.credentials.of(&object.namespace().unwrap_or_default()).await?,
            conversation: ConversationRef { service: None, conversation: conversation.clone() },
            wanted,
        })
    }

    /// Makes Twilio match the object, and writes the status where there is news.
    async fn apply(&self, objects: &Api<ConversationWebhook>) -> Result<Action, Error> {
        let status = self.object.status.as_ref();
        let is_seen = status.and_then(|status| status.observed_generation) == self.object.metadata.generation;
        let webhook = match status.and_then(|status| status.webhook_sid.as_ref()) {
            None => self.take_over_or_create().await?,
            Some(sid) => match self.correct(sid, is_seen).await {
                Ok(None) => return Ok(Action::requeue(RESYNC)),
                Ok(Some(webhook)) => webhook,
                Err(error) if error.is_not_found() => self.take_over_or_create().await?,
                Err(error) => return Err(error.into()),
            },
        };
        self.write_status(objects, &webhook.sid).await?;
        Ok(Action::requeue(RESYNC))
    }

    async fn clean_up(&self) -> Result<Action, Error> {
        if let Some(sid) = self.object.status.as_ref().and_then(|status| status.webhook_sid.as_ref()) {
            match self.twilio.delete_webhook(&self.credentials, &self.conversation, sid).await {
                Err(error) if !error.is_not_found() => return Err(error.into()),
                _ => {}
            }
        }
        Ok(Action::await_change())
    }

    /// Looks before it creates, so that a webhook whose SID was not recorded is found again.
    async fn take_over_or_create(&self) -> Result<Webhook, Error> {
        let there = self.twilio.list_webhooks(&self.credentials, &self.conversation).await?;
        if let Some(same) = there.into_iter().find(|webhook| webhook.config == self.wanted) {
            return Ok(same);
        }
        let new = NewWebhook { config: &self.wanted, replay_after: None };
        match self.twilio.create_webhook(&self.credentials, &self.conversation, &new).await {
            CreateOutcome::Created(webhook) => Ok(webhook),
            CreateOutcome::NotCreated(error) | CreateOutcome::Unknown(error) => Err(error.into()),
        }
    }

    /// Updates the webhook unless it is as wanted, which is looked for only where the object has not changed.
    async fn correct(&self, sid: &WebhookSid, is_seen: bool) -> Result<Option<Webhook>, twilio::Error> {
        let (twilio, credentials, at) = (self.twilio, &self.credentials, &self.conversation);
        if is_seen && twilio.fetch_webhook(credentials, at, sid).await?.config == self.wanted {
            return Ok(None);
        }
        twilio.update_webhook(credentials, at, sid, &self.wanted).await.map(Some)
    }

    async fn write_status(&self, objects: &Api<ConversationWebhook>, sid: &WebhookSid) -> Result<(), Error> {
        let known = self.object.status.iter().flat_map(|status| &status.conditions);
        let since = known.into_iter().find(|known| known.type_ == "Ready" && known.status == "True");
        let ready = Condition {
            type_: "Ready".to_owned(),
            status: "True".to_owned(),
            reason: "Available".to_owned(),
            message: "The webhook exists and is as written".to_owned(),
            // Only a change of the condition's status moves it, so that a repeated patch changes nothing.
            last_transition_time: since
                .map_or_else(|| Time(Timestamp::now()), |ready| ready.last_transition_time.clone()),
            observed_generation: self.object.metadata.generation,
        };
        let status = json!({ "status": {
            "webhookSid": sid,
            "conversationSid": self.conversation.conversation,
            "observedGeneration": self.object.metadata.generation,
            "conditions": [ready],
        }});
        objects
            .patch_status(&self.object.name_any(), &PatchParams::default(), &Patch::Merge(&status))
            .await?;
        Ok(())
    }
}
