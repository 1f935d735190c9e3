//! The doing half of a pass: one effect, at Twilio or at the API server, and what became of it. The steps of a
//! create are in `create`.

use std::ops::ControlFlow;

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::json;

use super::ending::Ending;
use super::error::Trouble;
use super::events::Note;
use super::message;
use super::object::requested;
use super::pass::Pass;
use super::status::Draft;
use super::write::{Part, Patience, WriteError, Written, compare_and_swap};
use crate::api::{ConversationWebhook, FINALIZER, Mode, Reason, SECRET_ANNOTATION};
use crate::decide::{Desired, Journal, Kind, Object, Remote, Renamed, Reply, Sender, Siblings};
use crate::twilio::{self, ConversationSid, ErrorKind, Webhook, WebhookSid};

/// What a step leads to.
pub(super) type Step = Result<ControlFlow<Ending>, Trouble>;

/// Decide again.
pub(super) const CONTINUE: Step = Ok(ControlFlow::Continue(()));

impl Pass {
    /// Sends the desired configuration; `drifted` where somebody else changed the webhook.
    pub(super) async fn update(&mut self, webhook: WebhookSid, drifted: bool) -> Step {
        let at = self.enter().await?;
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
        if !desired.config.may_show_as(&updated.config) {
            self.update = Reply::Differs;
            self.log_mutation("update", &webhook);
            return CONTINUE;
        }
        self.update = Reply::Done;
        self.repaired = drifted;
        let (operation, reason, said) = if drifted {
            ("correct", "DriftCorrected", "was changed by somebody else and is as written again")
        } else {
            ("update", "Updated", "has the configuration of the spec")
        };
        self.log_mutation(operation, &webhook);
        self.tell(reason, "Update", format!("webhook {webhook} on conversation {} {said}", at.conversation));
        CONTINUE
    }

    /// Takes the webhook, which is verified absent, out of status. Where it was is left to the create that follows.
    pub(super) async fn lose(&mut self, webhook: WebhookSid) -> Step {
        let Some((raw, object)) = self.raw.clone().zip(self.object.clone()) else { return CONTINUE };
        let text = message::made_again(&webhook, &self.conversation_text());
        let draft = Draft::of(&raw, object.generation, Timestamp::now())
            .handled(requested(&raw))
            .lost()
            .repaired()
            .unready(Reason::WebhookMissing, text);
        self.let_loose(&raw, draft).await
    }

    /// The unique name means another conversation: what hung on the old one went with it.
    pub(super) async fn start_anew(&mut self, conversation: ConversationSid) -> Step {
        let Some((raw, object)) = self.raw.clone().zip(self.object.clone()) else { return CONTINUE };
        let text = message::conversation_replaced(&conversation, &self.conversation_text());
        let draft = Draft::of(&raw, object.generation, Timestamp::now()).handled(requested(&raw)).moved();
        let draft = draft.unready(Reason::ConversationNotFound, text);
        let step = self.let_loose(&raw, draft).await?;
        self.conversation = Some(conversation);
        self.renamed = Renamed::Unread;
        Ok(step)
    }

    /// Writes a status without the webhook.
    pub(super) async fn let_loose(&mut self, raw: &ConversationWebhook, draft: Draft) -> Step {
        // Beside a SID no journal counts (R1). An old one that somebody put back must not count once the SID is gone.
        let draft = match self.object.as_ref().map(|object| &object.journal) {
            Some(Journal::Attempt(attempt)) => draft.settle(&attempt.id),
            _ => draft,
        };
        let patience = Patience::Limited(self.ctx.timing.request);
        match self.write_status(raw, &draft, patience).await? {
            Written::Clear(_) | Written::Unclear(_) => {
                self.memory.absent = None;
                // That write may have taken long: what is made next rests on a list of its own.
                self.start_over();
                CONTINUE
            }
            Written::Lost(now) => self.overtaken(now),
        }
    }

    /// Deletes a webhook of the object that was verified absent and is back.
    pub(super) async fn delete_lost(&mut self, webhook: WebhookSid) -> Step {
        let at = self.enter().await?;
        let login = self.login()?.clone();
        let deleted = self.ctx.twilio.delete_webhook(&login.credentials, &at, &webhook).await;
        match deleted {
            Err(error) if error.is_not_found() || error.kind() == ErrorKind::ConversationClosed => {}
            deleted => {
                self.heard(deleted).await?;
                self.log_mutation("delete_lost", &webhook);
                let text = format!(
                    "webhook {webhook} is back on conversation {} after it was missing: it is deleted, so that it does \
                     not fire beside the one in its place",
                    at.conversation
                );
                self.tell("DeletedAgain", "Delete", text);
            }
        }
        self.take_out(&webhook);
        self.made_room(&at.conversation);
        self.remote = Remote::Unread;
        CONTINUE
    }

    /// Whoever waits for room on the conversation is looked at.
    pub(super) fn made_room(&self, conversation: &ConversationSid) {
        if let Ok(login) = self.login() {
            self.ctx.made_room(login.credentials.account_sid(), conversation);
        }
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
                self.made_room(&at.conversation);
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

    /// Takes our finalizer off.
    pub(super) async fn release(&mut self) -> Step {
        let left = self.object.as_ref().and_then(|object| self.left_behind(object));
        let _turns = match self.let_secret_go().await? {
            ControlFlow::Continue(turns) => turns,
            ControlFlow::Break(ending) => return Ok(ControlFlow::Break(ending)),
        };
        let Some(raw) = self.raw.clone() else { return Ok(ControlFlow::Break(Ending::Released)) };
        let rest: Vec<&String> =
            raw.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER).collect();
        let mut patch = json!({
            "metadata": { "resourceVersion": raw.resource_version(), "finalizers": rest },
        });
        if raw.annotations().contains_key(SECRET_ANNOTATION) {
            // Should others keep the object, it needs its Secret no more.
            patch["metadata"]["annotations"] = json!({ SECRET_ANNOTATION: null });
        }
        let uid = raw.uid().unwrap_or_default();
        self.ctx.memory.release(&uid);
        let api = self.ctx.objects(&self.namespace);
        let patience = Patience::Limited(self.ctx.timing.request);
        let is_ours =
            |now: &ConversationWebhook| now.finalizers().iter().all(|finalizer| finalizer != FINALIZER);
        let written = compare_and_swap(&api, &self.name, Part::Main, &patch, patience, is_ours).await;
        if matches!(written, Ok(Written::Clear(_) | Written::Unclear(_)) | Err(WriteError::Undecodable)) {
            self.ctx.memory.released(&uid);
        }
        match written {
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
                    self.ctx.metrics.left_behind(reason);
                    self.publish(&raw, reason, "Release", text);
                }
                self.let_go();
                self.replace(None);
                Ok(ControlFlow::Break(Ending::Released))
            }
            Ok(Written::Lost(now)) => {
                self.ctx.memory.forget_released(&uid);
                self.overtaken(now)
            }
            // It may be stored: should the object go, it was let go.
            Err(error) => Err(error.into()),
        }
    }

    /// What the object leaves behind may be what another one on its conversation waits for.
    fn let_go(&self) {
        if let Some(record) = self.object.as_ref().map(|object| &object.record)
            && let Some((account, conversation)) = record.account.as_ref().zip(record.conversation.as_ref())
        {
            self.ctx.made_room(account, conversation);
        }
    }

    /// What stays at Twilio although its object goes, and why.
    fn left_behind(&self, object: &Object) -> Option<(&'static str, String)> {
        let attempt = object.open_attempt();
        let webhook = object.record.webhook.as_ref().or(object.record.lost.last());
        let stays = |why: &str| webhook.map(|webhook| format!("webhook {webhook} stays at Twilio: {why}"));
        if object.is_abandoned() {
            let text = match attempt {
                Some(attempt) => format!(
                    "attempt {} to create a webhook on conversation {} is abandoned, as its annotation says: what it made \
                     stays at Twilio",
                    attempt.id, attempt.conversation
                ),
                None => stays("it is abandoned, as the object's annotation says")?,
            };
            return Some(("Abandoned", text));
        }
        if attempt.is_some_and(|attempt| object.is_elsewhere(attempt, &self.ctx.cluster)) {
            let text = "what this object's create made is another cluster's and stays at Twilio";
            return Some(("RestoredElsewhere", text.to_owned()));
        }
        object.record.webhook.as_ref()?;
        let text = if object.retain {
            stays("deletionPolicy says so")
        } else if object.mode == Mode::Observe {
            stays("mode Observe changes nothing there")
        } else if self.kind == Kind::Leaves {
            stays("the kind itself is being removed from the cluster")
        } else {
            None
        };
        Some(("Retained", text?))
    }

    /// Somebody else wrote first. What Twilio made or refused in this pass is carried to the newer object; anything
    /// else is decided anew.
    pub(super) fn overtaken(&mut self, now: Option<Box<ConversationWebhook>>) -> Step {
        self.replace(now.map(|object| *object));
        match &mut self.sender {
            Sender::Idle => return Ok(ControlFlow::Break(Ending::Overtaken)),
            Sender::Created { reread, .. } => {
                *reread = true;
                self.siblings = Siblings::Unread;
            }
            Sender::Journalled { .. } | Sender::NotCreated { .. } => {}
        }
        CONTINUE
    }

    pub(super) fn desired(&self) -> Result<&Desired, Trouble> {
        self.object
            .as_ref()
            .and_then(|object| object.desired.as_ref().ok())
            .ok_or(Trouble::Internal("the spec cannot be carried out"))
    }

    /// A webhook that we made or changed is on the board from now on.
    pub(super) fn put(&mut self, webhook: &Webhook) {
        if let Some(place) = &mut self.place {
            place.put(webhook);
        }
        if let Remote::Listed { board, .. } = &mut self.remote {
            board.put(webhook.clone());
        }
    }

    /// A webhook that we deleted is off the board from now on.
    pub(super) fn take_out(&mut self, webhook: &WebhookSid) {
        if let Some(place) = &mut self.place {
            place.remove(webhook);
        }
        if let Remote::Listed { board, .. } = &mut self.remote {
            board.remove(webhook);
        }
    }

    /// One line per change at Twilio.
    pub(super) fn log_mutation(&self, operation: &'static str, webhook: &WebhookSid) {
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

    fn tell(&mut self, reason: &'static str, action: &'static str, message: String) {
        if let Some(raw) = self.raw.clone() {
            self.publish(&raw, reason, action, message);
        }
    }

    pub(super) fn publish(
        &mut self,
        raw: &ConversationWebhook,
        reason: &str,
        action: &'static str,
        message: String,
    ) {
        self.told = true;
        self.ctx.events.publish(raw, Note { normal: true, reason: reason.to_owned(), action, message });
    }
}
