//! The steps of a create, each of which may be the last before a crash: journal, request, record, and, where nobody
//! can record it, compensation. An attempt that came to nothing is settled.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use serde_json::json;

use super::ending::Ending;
use super::error::Trouble;
use super::execute::{CONTINUE, Step};
use super::message;
use super::pass::{Pass, known_conversation};
use super::status::{Draft, Pinned};
use super::write::{Part, Patience, Written, compare_and_swap};
use crate::api::{ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConversationWebhook, FINALIZER, Provenance};
use crate::decide::{
    Access, Address, Attempt, Journal, Object, Plan, Recorded, Remote, Sender, Settled, Siblings, Waiting,
};
use crate::twilio::{CreateOutcome, ErrorKind, NewWebhook, WebhookSid};

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
        self.protect_secret().await;
        CONTINUE
    }

    fn journalled(&mut self, now: ConversationWebhook, id: String, started: Instant, clear: bool) {
        self.replace(Some(now));
        let adopting = self.journalled_attempt(&id).is_some_and(|attempt| attempt.adopt.is_some());
        self.memory.attempt = Some((id.clone(), started));
        if adopting {
            // Nothing is sent; whoever else wants the webhook shows in a look after this.
            self.siblings = Siblings::Unread;
        } else {
            self.journal_started = Some(started);
            self.sender = Sender::Journalled { id, clear };
        }
    }

    /// Sends the create: one request, never repeated.
    pub(super) async fn create(&mut self) -> Step {
        let Sender::Journalled { id, .. } = &self.sender else { return CONTINUE };
        let id = id.clone();
        let at = self.enter().await?;
        // Whatever was waited for: nothing leaves after `notAfter`; it is decided anew and settled as not sent.
        if self.journal_started.is_none_or(|started| started.elapsed() >= self.ctx.timing.send) {
            return CONTINUE;
        }
        if !self.ctx.leadership.is_held() {
            // Frozen meanwhile, perhaps: whoever leads by now finds the attempt, and that nothing came of it.
            return Err(Trouble::Stopping);
        }
        let desired = self.desired()?.clone();
        let login = self.login()?.clone();
        // History goes to the bot once, with the first webhook of the object's life.
        let again = self.journalled_attempt(&id).is_none_or(|attempt| attempt.again);
        let replay_after = desired.replay_after.filter(|_| !again);
        let new = NewWebhook { config: &desired.config, replay_after };
        let outcome = self.ctx.twilio.create_webhook(&login.credentials, &at, &new).await;
        self.permit = None;
        self.journal_started = None;
        self.ctx.metrics.create(&outcome);
        match outcome {
            CreateOutcome::Created(webhook) => {
                self.put(&webhook);
                self.log_mutation("create", &webhook.sid);
                // Whoever may claim it instead of us does so from now on.
                self.siblings = Siblings::Unread;
                let credentials = &login.credentials;
                self.made_in =
                    Some((credentials.account_sid().clone(), credentials.region().as_str().to_owned()));
                self.sender = Sender::Created { id, webhook: webhook.sid, reread: false };
                CONTINUE
            }
            CreateOutcome::NotCreated(error) => {
                tracing::info!(%error, namespace = self.namespace, name = self.name, attempt = id, "not created");
                // A refusal that does not bear Twilio's mark may come from something behind which Twilio carried the
                // request out: the next create looks at the conversation first.
                if let Some(place) = self.place.as_mut().filter(|_| error.code().is_none()) {
                    place.forget();
                }
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
    pub(super) async fn record(
        &mut self,
        id: String,
        webhook: WebhookSid,
        provenance: Provenance,
        left_over: &[WebhookSid],
    ) -> Step {
        let Some((raw, attempt)) = self.raw.clone().zip(self.journalled_attempt(&id)) else {
            return CONTINUE;
        };
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
        // What was created is the generation of the journal, where that counts the same: a later edit is sent by the
        // next pass.
        let generation = match &self.object {
            Some(object) if object.uid != attempt.uid => 0,
            _ => attempt.generation,
        };
        let draft = Draft::of(&raw, generation, Timestamp::now()).pin(pinned);
        let as_written = provenance != Provenance::Adopted || self.is_as_written(&webhook);
        let again = attempt.again;
        // What was taken over with another configuration is made as written next, and Ready only then.
        let draft = if as_written { draft.available(message) } else { draft.unobserved() };
        let told = std::mem::replace(&mut self.told, true);
        // After a while without the conversation: the others there need not wait for an API server that refuses this.
        let patience = if just_made && self.retries > 0 {
            Patience::Unlimited
        } else {
            Patience::Limited(self.ctx.timing.request)
        };
        let written = self.write_status(&raw, &draft, patience).await;
        if !matches!(written, Ok(Written::Clear(_) | Written::Unclear(_))) {
            self.told = told;
        }
        match written? {
            Written::Clear(_) | Written::Unclear(_) => {
                if !told {
                    self.tell_recorded(&raw, &webhook, provenance, again, left_over);
                }
                if let Some(digest) = self.address_digest().filter(|_| as_written) {
                    self.memory.address = Some(digest);
                }
                if just_made && let Some(login) = &self.login {
                    self.ctx.secrets.accepted(&self.secret, login, true).await;
                }
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
        // What Twilio refused is no word on a spec that was edited since.
        let of_this_spec =
            self.journalled_attempt(&id).is_some_and(|attempt| object.is_as_journalled(&attempt));
        let refusal = self
            .refusal
            .clone()
            .filter(|_| because == Settled::NotCreated && of_this_spec)
            .map(Ending::Trouble);
        let draft = refusal
            .as_ref()
            .and_then(|ending| self.draft(&raw, ending))
            .unwrap_or_else(|| Draft::of(&raw, object.generation, Timestamp::now()));
        let draft = draft.settle(&id);
        let said = message::settled(&because);
        tracing::info!(
            namespace = self.namespace,
            name = self.name,
            attempt = id,
            because = said,
            "attempt settled"
        );
        match self.write_status(&raw, &draft, Patience::Limited(self.ctx.timing.request)).await? {
            Written::Clear(_) | Written::Unclear(_) => {
                self.sender = Sender::Idle;
                self.journal_started = None;
                self.memory.attempt = None;
                self.memory.absent = None;
                self.start_over();
                if let Settled::Answered(left_over) = &because {
                    let text = format!(
                        "attempt {id} made nothing, as the object's annotation says{}",
                        message::left_over(left_over)
                    );
                    self.publish(&raw, "CreateResolved", "Resolve", text);
                }
                match (refusal, because) {
                    (Some(ending), _) => Ok(ControlFlow::Break(ending)),
                    // The API server is slow or lost a reply: no other create in the same pass.
                    (None, Settled::NotSent) => {
                        Err(Trouble::Kubernetes("the journal took too long".to_owned()))
                    }
                    (None, _) => CONTINUE,
                }
            }
            Written::Lost(now) => self.overtaken(now),
        }
    }

    /// Deletes a webhook that we made and no object can bear.
    pub(super) async fn compensate(&mut self, webhook: WebhookSid) -> Step {
        let Some(made_in) = self.made_in.clone() else { return Err(Trouble::Internal("nothing was made")) };
        if self.login.is_none() {
            self.read_credentials().await?;
            let credentials = &self.login()?.credentials;
            // A 404 from another account would pass for done.
            if (credentials.account_sid(), credentials.region().as_str()) != (&made_in.0, made_in.1.as_str())
            {
                self.login = None;
                return Err(Trouble::Internal("the Secret opens another account by now"));
            }
            if !self.login()?.proved {
                self.prove_account().await?;
            }
        }
        let waited = self.place.is_none();
        let at = self.enter().await?;
        if waited {
            // Whoever held the conversation until now may have claimed it: between that look and the delete lies one
            // request.
            self.siblings = Siblings::Unread;
            return CONTINUE;
        }
        let deleted = self.ctx.twilio.delete_webhook(&self.login()?.credentials, &at, &webhook).await;
        match self.heard(deleted).await {
            Ok(()) => {
                self.take_out(&webhook);
                self.log_mutation("compensate", &webhook);
                self.made_room(&at.conversation);
            }
            // Gone, or on a conversation that is closed for good: it fires no more.
            Err(Trouble::Twilio(error))
                if error.is_not_found() || error.kind() == ErrorKind::ConversationClosed => {}
            Err(trouble) => return Err(trouble),
        }
        self.sender = Sender::Idle;
        Ok(ControlFlow::Break(Ending::Overtaken))
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

    /// Forgets what was read for the attempt: it may be old by now, or of another conversation than the spec names.
    pub(super) fn start_over(&mut self) {
        let conversation = self.object.as_ref().and_then(known_conversation);
        if conversation != self.conversation {
            self.conversation = conversation;
            self.permit = None;
            self.place = None;
        }
        self.remote = Remote::Unread;
        self.siblings = Siblings::Unread;
    }

    async fn write_journal(&mut self, attempt: &Attempt, patience: Patience) -> Result<Written, Trouble> {
        let raw = self.raw.as_ref().ok_or(Trouble::Internal("the object is gone"))?;
        let mut finalizers = raw.finalizers().to_vec();
        if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
            finalizers.push(FINALIZER.to_owned());
        }
        let annotation = attempt.to_annotation().map_err(|error| Trouble::Kubernetes(error.to_string()))?;
        let mut annotations = BTreeMap::from([(ATTEMPT_ANNOTATION, annotation.clone())]);
        annotations.extend(self.secret_annotation());
        let patch = json!({
            "metadata": {
                "resourceVersion": raw.resource_version(),
                "finalizers": finalizers,
                "labels": { CONVERSATION_LABEL: attempt.conversation },
                "annotations": annotations,
            },
        });
        let api = self.ctx.objects(&self.namespace);
        let is_ours =
            |now: &ConversationWebhook| now.annotations().get(ATTEMPT_ANNOTATION) == Some(&annotation);
        Ok(compare_and_swap(&api, &self.name, Part::Main, &patch, patience, is_ours).await?)
    }

    fn attempt(&self, id: String, plan: Plan) -> Result<Attempt, Trouble> {
        let unready = || Trouble::Internal("a journal was asked for before all was read");
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
            config: self.recorded()?,
            past_configs: plan.past_configs,
            adopt: plan.adopt,
            again: plan.again,
        })
    }

    /// What the object asks for, as a journal has it: an address from a Secret as a digest.
    fn recorded(&self) -> Result<Recorded, Trouble> {
        let desired = self.desired()?;
        let last = match self.object.as_ref().map(|object| &object.journal) {
            Some(Journal::Attempt(attempt)) => attempt.config.salt(),
            _ => None,
        };
        Ok(match (desired.address, last) {
            (Address::InSpec | Address::Unread, _) => Recorded::new(&desired.config, None),
            (Address::FromSecret, Some(salt)) => Recorded::new(&desired.config, Some(salt)),
            (Address::FromSecret, None) => {
                Recorded::new(&desired.config, Some(&uuid::Uuid::new_v4().simple().to_string()))
            }
        })
    }

    /// Whether the list shows the webhook as the object asks for it.
    fn is_as_written(&self, webhook: &WebhookSid) -> bool {
        let Remote::Listed { board, .. } = &self.remote else { return false };
        let found = board.get(webhook);
        found.is_some_and(|found| {
            self.desired().is_ok_and(|desired| desired.config.may_show_as(&found.config))
        })
    }

    fn journalled_attempt(&self, id: &str) -> Option<Attempt> {
        match self.object.as_ref().map(|Object { journal, .. }| journal) {
            Some(Journal::Attempt(attempt)) if attempt.id == id => Some((**attempt).clone()),
            _ => None,
        }
    }

    fn tell_recorded(
        &mut self,
        raw: &ConversationWebhook,
        webhook: &WebhookSid,
        provenance: Provenance,
        again: bool,
        left_over: &[WebhookSid],
    ) {
        let conversation = self.conversation.as_ref().map(ToString::to_string).unwrap_or_default();
        let (reason, action, said) = match provenance {
            Provenance::Created if again => ("Recreated", "Create", "is created again on"),
            Provenance::Created => ("Created", "Create", "is created on"),
            Provenance::Adopted => ("Adopted", "Adopt", "is taken over on"),
            Provenance::Inferred => (
                "CreateRecovered",
                "Create",
                "is the only one that a create whose reply was lost can have made on",
            ),
        };
        let rest = message::left_over(left_over);
        self.publish(
            raw,
            reason,
            action,
            format!("webhook {webhook} {said} conversation {conversation}{rest}"),
        );
    }
}
