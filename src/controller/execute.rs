//! The doing half of a pass: one effect, at Twilio or at the API server, and what became of it.
//!
//! A create passes through four effects, each of which may be the last before a crash: journal, request, record,
//! and, where nobody can record it, compensation.

use std::ops::ControlFlow;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use serde_json::json;

use super::error::Trouble;
use super::events::Note;
use super::message;
use super::reconcile::{Ending, Pass, known_conversation};
use super::status::Pinned;
use super::write::{Part, Patience, WriteError, Written, compare_and_swap};
use crate::api::{ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConversationWebhook, FINALIZER, Provenance};
use crate::decide::{
    Access, Attempt, Desired, Journal, Kind, Object, Plan, Recorded, Remote, Reply, Sender, Settled,
    Siblings, Waiting,
};
use crate::twilio::{self, CreateOutcome, ErrorKind, NewWebhook, Webhook, WebhookSid};

/// What a step leads to.
type Step = Result<ControlFlow<Ending>, Trouble>;

const CONTINUE: Step = Ok(ControlFlow::Continue(()));

impl Pass {
    /// Writes down what is about to be created, with finalizer and label, in one write.
    pub(super) async fn journal(&mut self, plan: Plan) -> Step {
        let started = Instant::now();
        let id = uuid::Uuid::new_v4().to_string();
        let attempt = self.attempt(id.clone(), plan)?;
        match self.write_journal(&attempt, Patience::Limited(self.ctx.timing.send)).await? {
            Written::Clear(now) => self.journalled(*now, id, started, true),
            Written::Unclear(now) => self.journalled(*now, id, started, false),
            Written::Lost(now) => {
                self.replace(now.map(|object| *object));
                return Ok(ControlFlow::Break(Ending::Overtaken));
            }
        }
        CONTINUE
    }

    fn journalled(&mut self, now: ConversationWebhook, id: String, started: Instant, clear: bool) {
        self.replace(Some(now));
        self.journal_started = Some(started);
        self.memory.attempt = Some((id.clone(), started));
        self.sender = Sender::Journalled { id, clear };
    }

    /// Sends the create: one request, never repeated.
    pub(super) async fn create(&mut self) -> Step {
        let Sender::Journalled { id, .. } = &self.sender else { return CONTINUE };
        let id = id.clone();
        let at = self.enter().await?;
        let desired = self.desired()?.clone();
        let login = self.login()?.clone();
        let new = NewWebhook { config: &desired.config, replay_after: desired.replay_after };
        let outcome = self.ctx.twilio.create_webhook(&login.credentials, &at, &new).await;
        self.permit = None;
        self.journal_started = None;
        self.ctx.metrics.create(&outcome);
        match outcome {
            CreateOutcome::Created(webhook) => {
                self.put(&webhook);
                self.log_mutation("create", &webhook.sid);
                self.sender = Sender::Created { id, webhook: webhook.sid, reread: false };
                self.ctx.secrets.accepted(&self.secret(), &login, true).await;
                CONTINUE
            }
            CreateOutcome::NotCreated(error) => {
                tracing::info!(%error, namespace = self.namespace, name = self.name, attempt = id, "not created");
                self.refusal = self.heard::<()>(Err(error)).await.err();
                self.sender = Sender::NotCreated { id };
                CONTINUE
            }
            CreateOutcome::Unknown(error) => {
                tracing::warn!(%error, namespace = self.namespace, name = self.name, attempt = id, "outcome of a create unknown");
                if let Some(place) = &mut self.place {
                    place.forget();
                }
                self.sender = Sender::Idle;
                Ok(ControlFlow::Break(Ending::Wait(Waiting::Window)))
            }
        }
    }

    /// Writes the webhook's SID to status. One that was just made is written for as long as the process lives.
    pub(super) async fn record(&mut self, id: String, webhook: WebhookSid, provenance: Provenance) -> Step {
        let Some((raw, attempt)) = self.raw.clone().zip(self.open_attempt(&id)) else { return CONTINUE };
        let just_made = matches!(self.sender, Sender::Created { .. });
        let pinned = Pinned {
            webhook: webhook.clone(),
            account: attempt.account,
            region: attempt.region,
            conversation: attempt.conversation.clone(),
            attempt: id.clone(),
            provenance,
        };
        let message = message::available(&webhook, &attempt.conversation);
        // What was created is the generation of the journal; a later edit is sent by the next pass.
        let draft = super::status::Draft::of(&raw, attempt.generation, Timestamp::now())
            .pin(pinned)
            .available(message);
        if !self.told {
            self.tell_recorded(&raw, &webhook, provenance);
        }
        let patience =
            if just_made { Patience::Unlimited } else { Patience::Limited(self.ctx.timing.request) };
        match self.write_status(&raw, &draft, patience).await? {
            Written::Clear(_) | Written::Unclear(_) => {
                self.sender = Sender::Idle;
                self.memory.attempt = None;
                CONTINUE
            }
            Written::Lost(now) => self.overtaken(now),
        }
    }

    /// Closes an attempt without a webhook.
    pub(super) async fn settle(&mut self, id: String, because: Settled) -> Step {
        let Some((raw, object)) = self.raw.clone().zip(self.object.clone()) else { return CONTINUE };
        let refusal = self.refusal.clone().filter(|_| because == Settled::NotCreated).map(Ending::Trouble);
        let draft = refusal
            .as_ref()
            .and_then(|ending| self.draft(&raw, ending))
            .unwrap_or_else(|| super::status::Draft::of(&raw, object.generation, Timestamp::now()));
        let draft = draft.settle(&id);
        tracing::info!(
            namespace = self.namespace,
            name = self.name,
            attempt = id,
            because = message::settled(because),
            "attempt settled"
        );
        match self.write_status(&raw, &draft, Patience::Limited(self.ctx.timing.request)).await? {
            Written::Clear(_) | Written::Unclear(_) => {
                self.sender = Sender::Idle;
                self.journal_started = None;
                self.memory.attempt = None;
                self.memory.absent_since = None;
                self.start_over();
                match refusal {
                    Some(ending) => Ok(ControlFlow::Break(ending)),
                    None => CONTINUE,
                }
            }
            Written::Lost(now) => self.overtaken(now),
        }
    }

    /// Deletes a webhook that we made and no object can bear.
    pub(super) async fn compensate(&mut self, webhook: WebhookSid) -> Step {
        let at = self.enter().await?;
        let deleted = self.ctx.twilio.delete_webhook(&self.login()?.credentials, &at, &webhook).await;
        match deleted {
            Ok(()) => {
                self.take_out(&webhook);
                self.log_mutation("compensate", &webhook);
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        self.sender = Sender::Idle;
        Ok(ControlFlow::Break(Ending::Overtaken))
    }

    /// Sends the desired configuration.
    pub(super) async fn update(&mut self, webhook: WebhookSid) -> Step {
        let at = self.enter().await?;
        let drifted = matches!(self.remote, Remote::Listed { .. });
        let desired = self.desired()?.clone();
        let login = self.login()?.clone();
        let updated =
            self.ctx.twilio.update_webhook(&login.credentials, &at, &webhook, &desired.config).await;
        if let Err(error) = &updated
            && matches!(error.kind(), ErrorKind::NotFound(_))
        {
            self.update = Reply::NotFound;
            self.remote = Remote::Unread;
            return CONTINUE;
        }
        let updated = self.heard(updated).await?;
        self.put(&updated);
        self.update = Reply::Done;
        let (operation, reason, said) = if drifted {
            ("correct", "DriftCorrected", "was changed by somebody else and is as written again")
        } else {
            ("update", "Updated", "has the configuration of the spec")
        };
        self.log_mutation(operation, &webhook);
        self.tell(reason, "Update", format!("webhook {webhook} on conversation {} {said}", at.conversation));
        CONTINUE
    }

    /// Deletes the webhook.
    pub(super) async fn delete(&mut self, webhook: WebhookSid) -> Step {
        let at = self.enter().await?;
        let login = self.login()?.clone();
        let deleted = self.ctx.twilio.delete_webhook(&login.credentials, &at, &webhook).await;
        self.removal = match deleted {
            Err(error) if error.is_not_found() => Reply::NotFound,
            // A closed conversation's webhooks fire no more.
            Err(error) if error.kind() == ErrorKind::ConversationClosed => {
                let text = format!(
                    "webhook {webhook} stays on conversation {}, which is closed for good",
                    at.conversation
                );
                self.tell("ConversationClosed", "Delete", text);
                Reply::Done
            }
            deleted => {
                self.heard(deleted).await?;
                self.take_out(&webhook);
                self.log_mutation("delete", &webhook);
                self.tell(
                    "Deleted",
                    "Delete",
                    format!("webhook {webhook} is deleted from conversation {}", at.conversation),
                );
                Reply::Done
            }
        };
        CONTINUE
    }

    /// Gives back finalizer, label and journal.
    pub(super) async fn protect(&mut self, plan: Plan) -> Step {
        let settled = self.object.as_ref().and_then(|object| object.record.settled_attempt.clone());
        let id = settled.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let attempt = self.attempt(id, plan)?;
        match self.write_journal(&attempt, Patience::Limited(self.ctx.timing.request)).await? {
            Written::Clear(now) | Written::Unclear(now) => {
                tracing::warn!(
                    namespace = self.namespace,
                    name = self.name,
                    "finalizer, label or journal was stripped and is back"
                );
                self.replace(Some(*now));
                CONTINUE
            }
            Written::Lost(now) => self.overtaken(now),
        }
    }

    /// Takes our finalizer off.
    pub(super) async fn release(&mut self) -> Step {
        let Some(raw) = self.raw.clone() else { return Ok(ControlFlow::Break(Ending::Released)) };
        let rest: Vec<&String> =
            raw.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER).collect();
        let patch = json!({
            "metadata": { "resourceVersion": raw.resource_version(), "finalizers": rest },
        });
        let left = self.object.as_ref().and_then(|object| self.left_behind(object));
        let api = self.ctx.objects(&self.namespace);
        let patience = Patience::Limited(self.ctx.timing.request);
        let is_ours =
            |now: &ConversationWebhook| now.finalizers().iter().all(|finalizer| finalizer != FINALIZER);
        match compare_and_swap(&api, &self.name, Part::Main, &patch, patience, is_ours).await {
            // The object is gone, or goes as soon as the others let it.
            Ok(Written::Clear(_) | Written::Unclear(_) | Written::Lost(None))
            | Err(WriteError::Undecodable) => {
                if let Some((reason, text)) = left {
                    tracing::info!(
                        namespace = self.namespace,
                        name = self.name,
                        reason,
                        text,
                        "left at Twilio"
                    );
                    self.publish(&raw, reason, "Release", text);
                }
                self.replace(None);
                Ok(ControlFlow::Break(Ending::Released))
            }
            Ok(Written::Lost(now)) => self.overtaken(now),
            Err(error) => Err(error.into()),
        }
    }

    /// What stays at Twilio although its object goes, and why.
    fn left_behind(&self, object: &Object) -> Option<(&'static str, String)> {
        let foreign = object.open_attempt().is_some_and(|attempt| attempt.cluster != self.ctx.cluster);
        match &object.record.webhook {
            Some(webhook) if object.retain => {
                Some(("Retained", format!("webhook {webhook} stays at Twilio, as deletionPolicy says")))
            }
            Some(webhook) if self.kind == Kind::Leaves => Some((
                "Retained",
                format!(
                    "webhook {webhook} stays at Twilio: the kind itself is being removed from the cluster"
                ),
            )),
            None if foreign => Some((
                "RestoredElsewhere",
                "what this object's create made is another cluster's and stays at Twilio".to_owned(),
            )),
            _ => None,
        }
    }

    /// Forgets what was read for the attempt: it may have been made for another conversation than the spec names.
    fn start_over(&mut self) {
        let conversation = self.object.as_ref().and_then(known_conversation);
        if conversation != self.conversation {
            self.conversation = conversation;
            self.remote = Remote::Unread;
            self.siblings = Siblings::Unread;
            self.permit = None;
            self.place = None;
        }
    }

    /// Somebody else wrote first. What Twilio made or refused in this pass is carried to the newer object; anything
    /// else is decided anew.
    fn overtaken(&mut self, now: Option<Box<ConversationWebhook>>) -> Step {
        self.replace(now.map(|object| *object));
        match &mut self.sender {
            Sender::Idle => return Ok(ControlFlow::Break(Ending::Overtaken)),
            Sender::Created { reread, .. } => *reread = true,
            Sender::Journalled { .. } | Sender::NotCreated { .. } => {}
        }
        CONTINUE
    }

    async fn write_journal(&mut self, attempt: &Attempt, patience: Patience) -> Result<Written, Trouble> {
        let raw = self.raw.as_ref().ok_or_else(|| Trouble::Kubernetes("the object is gone".to_owned()))?;
        let mut finalizers = raw.finalizers().to_vec();
        if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
            finalizers.push(FINALIZER.to_owned());
        }
        let annotation = attempt.to_annotation().map_err(|error| Trouble::Kubernetes(error.to_string()))?;
        let patch = json!({
            "metadata": {
                "resourceVersion": raw.resource_version(),
                "finalizers": finalizers,
                "labels": { CONVERSATION_LABEL: attempt.conversation },
                "annotations": { ATTEMPT_ANNOTATION: annotation },
            },
        });
        let api = self.ctx.objects(&self.namespace);
        let is_ours =
            |now: &ConversationWebhook| now.annotations().get(ATTEMPT_ANNOTATION) == Some(&annotation);
        Ok(compare_and_swap(&api, &self.name, Part::Main, &patch, patience, is_ours).await?)
    }

    fn attempt(&self, id: String, plan: Plan) -> Result<Attempt, Trouble> {
        let unready = || Trouble::Kubernetes("a journal was asked for before all was read".to_owned());
        let object = self.object.as_ref().ok_or_else(unready)?;
        let (account, region) = match (&self.access, &object.record) {
            (Access::Known { account, region, .. }, _) => (account.clone(), region.clone()),
            (Access::Unread, record) => {
                record.account.clone().zip(record.region.clone()).ok_or_else(unready)?
            }
        };
        let send = SignedDuration::try_from(self.ctx.timing.send).unwrap_or_default();
        Ok(Attempt {
            id,
            uid: object.uid.clone(),
            cluster: self.ctx.cluster.clone(),
            account,
            region,
            conversation: self.conversation.clone().ok_or_else(unready)?,
            generation: object.generation,
            not_after: (Timestamp::now() + send).to_string(),
            baseline: plan.baseline.into_iter().collect(),
            config: Recorded::new(&self.desired()?.config, None),
            past_configs: plan.past_configs,
            adopt: plan.adopt,
        })
    }

    fn desired(&self) -> Result<&Desired, Trouble> {
        self.object
            .as_ref()
            .and_then(|object| object.desired.as_ref().ok())
            .ok_or_else(|| Trouble::Kubernetes("the spec cannot be carried out".to_owned()))
    }

    fn open_attempt(&self, id: &str) -> Option<Attempt> {
        match self.object.as_ref().map(|Object { journal, .. }| journal) {
            Some(Journal::Attempt(attempt)) if attempt.id == id => Some((**attempt).clone()),
            _ => None,
        }
    }

    /// A webhook that we made or changed is on the board from now on.
    fn put(&mut self, webhook: &Webhook) {
        if let Some(place) = &mut self.place {
            place.put(webhook);
        }
        if let Remote::Listed { board, .. } = &mut self.remote {
            board.put(webhook.clone());
        }
    }

    /// A webhook that we deleted is off the board from now on.
    fn take_out(&mut self, webhook: &WebhookSid) {
        if let Some(place) = &mut self.place {
            place.remove(webhook);
        }
        if let Remote::Listed { board, .. } = &mut self.remote {
            board.remove(webhook);
        }
    }

    /// One line per change at Twilio.
    fn log_mutation(&self, operation: &'static str, webhook: &WebhookSid) {
        self.ctx.metrics.mutation(operation);
        tracing::info!(
            operation,
            namespace = self.namespace,
            name = self.name,
            conversation = self.conversation.as_ref().map(twilio::ConversationSid::as_str),
            webhook = webhook.as_str(),
            "changed at Twilio"
        );
    }

    fn tell_recorded(&mut self, raw: &ConversationWebhook, webhook: &WebhookSid, provenance: Provenance) {
        let conversation = self.conversation.as_ref().map(ToString::to_string).unwrap_or_default();
        let (reason, said) = match provenance {
            Provenance::Created => ("Created", "is created on"),
            Provenance::Adopted => ("Adopted", "is taken over on"),
            Provenance::Inferred => {
                ("CreateRecovered", "is the only one that a create whose reply was lost can have made on")
            }
        };
        self.publish(raw, reason, "Create", format!("webhook {webhook} {said} conversation {conversation}"));
    }

    fn tell(&mut self, reason: &'static str, action: &'static str, message: String) {
        if let Some(raw) = self.raw.clone() {
            self.publish(&raw, reason, action, message);
        }
    }

    fn publish(&mut self, raw: &ConversationWebhook, reason: &str, action: &'static str, message: String) {
        self.told = true;
        self.ctx.events.publish(raw, Note { normal: true, reason: reason.to_owned(), action, message });
    }
}
