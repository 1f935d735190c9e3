//! One pass over one object: decide, do that one thing, decide again, until the pass is over; then say so in status.
//!
//! What is read is in `observe`, what is done in `execute` and `create`, what is said at the end in `ending`. Nothing
//! here knows what called it, and nothing is remembered between passes but what `memory` holds.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use kube::ResourceExt;
use kube::runtime::controller::Action as Requeue;

use super::context::Context;
use super::conversations::Held;
use super::ending::Ending;
use super::error::Trouble;
use super::memory::{Fingerprint, Remembered};
use super::object::{Guarded, view};
use super::schedule::{interval, is_at_rest, until_check};
use super::secrets::{Login, SecretName};
use super::undecodable;
use super::write::version;
use crate::api::ConversationWebhook;
use crate::decide::{
    Access, Action, Input, Kind, Object, Phase, Remote, Reply, Sender, Siblings, Wanted, decide,
};
use crate::lanes::Permit;
use crate::twilio::{ChatServiceSid, ConversationSid};

/// Steps after which a pass is cut short: several times what the longest way through the rules takes.
const MAX_STEPS: usize = 40;

/// One pass, with all that was read in it.
pub(super) struct Pass {
    pub(super) ctx: Arc<Context>,
    pub(super) namespace: String,
    pub(super) name: String,
    /// The object by the API server's latest word; `None` once it is known to be gone.
    pub(super) raw: Option<ConversationWebhook>,
    /// The same, as decisions see it.
    pub(super) object: Option<Object>,
    pub(super) login: Option<Login>,
    pub(super) access: Access,
    pub(super) conversation: Option<ConversationSid>,
    pub(super) remote: Remote,
    pub(super) siblings: Siblings,
    pub(super) sender: Sender,
    /// When the journal of this pass was started: the clock of its `notAfter`.
    pub(super) journal_started: Option<Instant>,
    /// Why Twilio did not make the webhook.
    pub(super) refusal: Option<Trouble>,
    pub(super) update: Reply,
    pub(super) removal: Reply,
    pub(super) kind: Kind,
    /// When the pass began: whatever it acts on was seen before.
    pub(super) began: Instant,
    pub(super) place: Option<Held>,
    pub(super) permit: Option<Permit>,
    /// An Event told of a change at Twilio already.
    pub(super) told: bool,
    pub(super) memory: Remembered,
    due: bool,
}

/// The entry point for the controller: a pass where one is due, otherwise the time until it is.
pub(super) async fn reconcile(guarded: Arc<Guarded>, ctx: Arc<Context>) -> Result<Requeue, Infallible> {
    let object = match &guarded.0 {
        Ok(object) => object.clone(),
        Err(invalid) => return Ok(undecodable::report(&ctx, invalid).await),
    };
    let uid = object.uid().unwrap_or_default();
    let seen = view(&object);
    let now = Instant::now();
    let memory = ctx.memory.recall(&uid).unwrap_or_else(|| first_sight(&ctx, &seen, &object, now));
    if memory.written > version(&object) && version(&object).is_some() {
        // Older than our own last write: the watch brings the newer one.
        return Ok(Requeue::requeue(ctx.timing.settle));
    }
    let due = memory.due.is_none_or(|due| due <= now);
    if !due && memory.acted_on.as_ref() == Some(&Fingerprint::of(&seen)) {
        let wait = memory.due.unwrap_or(now).saturating_duration_since(now);
        ctx.memory.remember(&uid, memory);
        return Ok(Requeue::requeue(wait));
    }
    let pass = Pass::new(Arc::clone(&ctx), object, seen, memory, due);
    // In a task of its own: a pass that has begun is never cancelled between a create and the write of its result.
    let wait = match ctx.passes.spawn(pass.run()).await {
        Ok(wait) => wait,
        Err(error) => {
            tracing::error!(%error, uid, "a pass broke off");
            ctx.timing.backoff.1
        }
    };
    Ok(Requeue::requeue(wait))
}

/// A restart must not ask Twilio about everything at once: what was at rest keeps its place in the interval.
fn first_sight(ctx: &Context, seen: &Object, object: &ConversationWebhook, now: Instant) -> Remembered {
    if !is_at_rest(seen, object) {
        return Remembered::default();
    }
    let wait = until_check(&check_key(seen), interval(object, ctx.resync_interval), SystemTime::now());
    Remembered { acted_on: Some(Fingerprint::of(seen)), due: Some(now + wait), ..Remembered::default() }
}

/// Objects with the same key are checked at the same time.
pub(super) fn check_key(object: &Object) -> String {
    match (&object.record.conversation, &object.desired) {
        (Some(conversation), _) => conversation.to_string(),
        (None, Ok(desired)) => match &desired.conversation {
            Wanted::Sid(conversation) => conversation.to_string(),
            Wanted::UniqueName(name) => name.clone(),
        },
        (None, Err(_)) => object.uid.clone(),
    }
}

impl Pass {
    fn new(
        ctx: Arc<Context>,
        raw: ConversationWebhook,
        object: Object,
        memory: Remembered,
        due: bool,
    ) -> Self {
        Self {
            ctx,
            namespace: raw.namespace().unwrap_or_default(),
            name: raw.name_any(),
            conversation: known_conversation(&object),
            raw: Some(raw),
            object: Some(object),
            login: None,
            access: Access::Unread,
            remote: Remote::Unread,
            siblings: Siblings::Unread,
            sender: Sender::Idle,
            journal_started: None,
            refusal: None,
            update: Reply::None,
            removal: Reply::None,
            kind: Kind::Unread,
            began: Instant::now(),
            place: None,
            permit: None,
            told: false,
            memory,
            due,
        }
    }

    /// Runs the pass and says how long until the next one.
    async fn run(mut self) -> Duration {
        let uid = self.object.as_ref().map(|object| object.uid.clone()).unwrap_or_default();
        let mut ending = Ending::Rest;
        for step in 0_usize.. {
            // What Twilio made is recorded or deleted before anything else ends the pass.
            if !matches!(self.sender, Sender::Created { .. }) {
                if self.ctx.stop.is_cancelled() && self.sender == Sender::Idle {
                    ending = Ending::Overtaken;
                    break;
                }
                if step >= MAX_STEPS {
                    ending = Ending::Trouble(Trouble::Kubernetes("the pass took too many steps".to_owned()));
                    break;
                }
            }
            let action = decide(&self.input());
            tracing::trace!(namespace = self.namespace, name = self.name, ?action, "decided");
            match self.step(action).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(end)) => {
                    ending = end;
                    break;
                }
                Err(trouble) => {
                    ending = Ending::Trouble(trouble);
                    break;
                }
            }
        }
        self.permit = None;
        let wait = self.finish(ending).await;
        self.memory.due = Some(Instant::now() + wait);
        match &self.object {
            Some(_) => self.ctx.memory.remember(&uid, self.memory),
            None => self.ctx.memory.forget(&uid),
        }
        wait
    }

    /// What is known now.
    fn input(&mut self) -> Input<'_> {
        let timing = self.ctx.timing;
        let own_phase =
            self.journal_started.filter(|_| matches!(self.sender, Sender::Journalled { .. })).map(
                |started| {
                    if started.elapsed() < timing.send { Phase::BeforeNotAfter } else { Phase::InWindow }
                },
            );
        let open = self.object.as_ref().and_then(Object::open_attempt).map(|attempt| attempt.id.clone());
        let phase = match (own_phase, open) {
            (Some(phase), _) => phase,
            (None, Some(id)) => self.memory.phase(&id, &timing),
            (None, None) => Phase::WindowOver,
        };
        Input {
            object: self.object.as_ref(),
            cluster: &self.ctx.cluster,
            sees_all: self.ctx.namespaces.is_empty(),
            access: &self.access,
            conversation: self.conversation.as_ref(),
            remote: &self.remote,
            siblings: &self.siblings,
            phase,
            absence_confirmed: self.memory.absent_since.is_some_and(|since| since.elapsed() >= timing.settle),
            sender: &self.sender,
            update: self.update,
            removal: self.removal,
            kind: self.kind,
            due: self.due,
        }
    }

    /// Does the one thing that was decided.
    async fn step(&mut self, action: Action) -> Result<ControlFlow<Ending>, Trouble> {
        let next = match action {
            Action::ReadCredentials => self.read_credentials().await.map(|()| ControlFlow::Continue(())),
            Action::ProveAccount => self.prove_account().await.map(|()| ControlFlow::Continue(())),
            Action::ReadKind => self.read_kind().await.map(|()| ControlFlow::Continue(())),
            Action::Locate => self.locate().await.map(|()| ControlFlow::Continue(())),
            Action::List { fresh } => self.list(fresh).await.map(|()| ControlFlow::Continue(())),
            Action::ReadSiblings => self.read_siblings().await.map(|()| ControlFlow::Continue(())),
            Action::Journal(plan) => self.journal(plan).await,
            Action::Create => self.create().await,
            Action::Record { attempt, webhook, provenance } => {
                self.record(attempt, webhook, provenance).await
            }
            Action::Settle { attempt, because } => self.settle(attempt, because).await,
            Action::Compensate(webhook) => self.compensate(webhook).await,
            Action::Update(webhook) => self.update(webhook).await,
            Action::Delete(webhook) => self.delete(webhook).await,
            Action::Protect(plan) => self.protect(plan).await,
            Action::ReleaseFinalizer => self.release().await,
            Action::Rest => Ok(ControlFlow::Break(Ending::Rest)),
            Action::Available => Ok(ControlFlow::Break(Ending::Available)),
            Action::LookAgain => Ok(ControlFlow::Break(Ending::LookAgain)),
            Action::Wait(waiting) => Ok(ControlFlow::Break(Ending::Wait(waiting))),
            Action::Hold(hold) => Ok(ControlFlow::Break(Ending::Hold(hold))),
        };
        match next {
            // Only what Twilio made and nobody recorded keeps a pass from ending on a failed read.
            Err(trouble) if matches!(self.sender, Sender::Created { .. }) => {
                tracing::warn!(%trouble, name = self.name, "a webhook that was just made is not recorded yet");
                tokio::time::sleep(self.ctx.timing.backoff.0).await;
                Ok(ControlFlow::Continue(()))
            }
            next => next,
        }
    }

    /// Takes the API server's latest word on the object.
    pub(super) fn replace(&mut self, now: Option<ConversationWebhook>) {
        if let Some(now) = &now {
            self.memory.written = self.memory.written.max(version(now));
        }
        self.object = now.as_ref().map(view);
        self.raw = now;
    }

    /// The object's Secret.
    pub(super) fn secret(&self) -> SecretName {
        let name =
            self.raw.as_ref().map(|raw| raw.spec.credentials_secret_ref.name.clone()).unwrap_or_default();
        SecretName { namespace: self.namespace.clone(), name }
    }

    /// The credentials that this pass read.
    pub(super) fn login(&self) -> Result<&Login, Trouble> {
        self.login.as_ref().ok_or_else(|| Trouble::Kubernetes("credentials were not read".to_owned()))
    }

    /// The conversation's chat service.
    pub(super) fn service(&self) -> Option<ChatServiceSid> {
        self.raw.as_ref().and_then(|raw| raw.spec.chat_service_sid.clone())
    }
}

/// The conversation, where it is known without asking Twilio: a webhook and an attempt stay where they were made.
pub(super) fn known_conversation(object: &Object) -> Option<ConversationSid> {
    if let Some(attempt) = object.open_attempt() {
        return Some(attempt.conversation.clone());
    }
    if let Some(conversation) = &object.record.conversation {
        return Some(conversation.clone());
    }
    match &object.desired {
        Ok(desired) => match &desired.conversation {
            Wanted::Sid(conversation) => Some(conversation.clone()),
            Wanted::UniqueName(_) => None,
        },
        Err(_) => None,
    }
}
