//! The doing half of a pass: one effect, at Twilio or at the API server, and what became of it. The steps of a
//! create are in `create`.

use std::ops::ControlFlow;

use kube::ResourceExt;
use serde_json::json;

use super::ending::Ending;
use super::error::Trouble;
use super::events::Note;
use super::reconcile::Pass;
use super::write::{Part, Patience, WriteError, Written, compare_and_swap};
use crate::api::{ConversationWebhook, FINALIZER};
use crate::decide::{Desired, Kind, Object, Remote, Reply, Sender, Siblings};
use crate::twilio::{self, ErrorKind, Webhook, WebhookSid};

/// What a step leads to.
pub(super) type Step = Result<ControlFlow<Ending>, Trouble>;

/// Decide again.
pub(super) const CONTINUE: Step = Ok(ControlFlow::Continue(()));

impl Pass {
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
        if updated.config != desired.config {
            self.update = Reply::Differs;
            self.log_mutation("update", &webhook);
            return CONTINUE;
        }
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
