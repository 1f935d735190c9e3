//! One pass over one object: decide, do that one thing, decide again, until the pass is over; then say so in status.
//!
//! What is read is in `observe`, what is done in `execute` and `create`, what is said at the end in `ending`. Nothing
//! here knows what called it, and nothing is remembered between passes but what `memory` holds.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::ResourceExt;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::ending::Ending;
use super::error::Trouble;
use super::index::Begun;
use super::object::{requested, view};
use super::pass::Pass;
use super::schedule::{backoff, recent};
use super::secrets::Login;
use super::undecodable;
use super::write::version;
use crate::api::ConversationWebhook;
use crate::decide::{Absent, Action, Input, Kind, Object, Phase, Remote, Sender, Siblings, Wanted, decide};

/// Steps after which a pass is cut short: several times what the longest way through the rules takes.
const MAX_STEPS: usize = 40;

/// One object's turn. Says when it is looked at next, should nothing happen.
pub(super) async fn reconcile(begun: Begun, ctx: Arc<Context>) -> Option<Duration> {
    let Begun { guarded, memory, woken, .. } = begun;
    let uid = guarded.uid().unwrap_or_default();
    if ctx.must_rest() {
        // Should this process lead on.
        return Some(ctx.timing.settle);
    }
    if ctx.memory.is_released(&uid) {
        return None;
    }
    // Asked only now: since this pass was begun, the index may have dropped the object, and with it went the word that it was let
    // go.
    if !ctx.index.contains(&uid) {
        return None;
    }
    let object = match guarded.0 {
        Ok(object) => object,
        Err(invalid) => return undecodable::report(&ctx, &invalid).await,
    };
    let seen = view(&object, None);
    let mut memory = memory.unwrap_or_default();
    if memory.newest > version(&object) && version(&object).is_some() {
        // Older than what we have seen: the watch brings the newer one.
        return Some(ctx.timing.settle);
    }
    let due = woken || memory.due.is_none_or(|due| due <= Instant::now()) || requested(&object).is_some();
    if !seen.deleting && seen.record.observed_generation != Some(seen.generation) {
        memory.note_change(seen.generation);
    }
    Some(Pass::new(ctx, object, seen, memory, due).run().await)
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
    /// Runs the pass and says how long until the next one.
    pub(super) async fn run(mut self) -> Duration {
        if self.asked_at.is_some() {
            // Whoever asks may have put the Secret right.
            self.ctx.secrets.expire(&self.secret).await;
        }
        let uid = self.object.as_ref().map(|object| object.uid.clone()).unwrap_or_default();
        let ending = self.work().await;
        let wait = self.finish(&ending).await;
        if self.object.is_some() {
            self.ctx.index.remember(&uid, self.memory);
        } else {
            self.ctx.index.forget(&uid);
            self.ctx.memory.forget(&uid);
        }
        wait
    }

    /// Decides and acts until the pass is over.
    pub(super) async fn work(&mut self) -> Ending {
        let mut ending = Ending::Rest;
        for step in 0_usize.. {
            // What Twilio made is recorded or deleted before anything else ends the pass.
            if self.vanished && self.ctx.must_rest() {
                ending = Ending::Overtaken;
                break;
            }
            if !matches!(self.sender, Sender::Created { .. }) {
                if self.ctx.must_rest() && self.sender == Sender::Idle {
                    ending = Ending::Overtaken;
                    break;
                }
                if step >= MAX_STEPS {
                    ending = Ending::Trouble(Trouble::Internal("the pass took too many steps"));
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
                Err(Trouble::Stopping) => {
                    ending = Ending::Overtaken;
                    break;
                }
                Err(trouble) => {
                    ending = Ending::Trouble(trouble);
                    break;
                }
            }
        }
        self.permit = None;
        if matches!(ending, Ending::Rest) && self.sender != Sender::Idle {
            // What was under way is over, by somebody else's doing: what else changed meanwhile was not looked at.
            ending = Ending::Overtaken;
        }
        ending
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
        let confirmed_missing = matches!(self.confirmed, Some(Absent::Webhook(_)));
        let mass_change = confirmed_missing && self.mass_change();
        let repairs = self
            .raw
            .iter()
            .flat_map(|raw| raw.status.iter().flat_map(|status| &status.repaired_at))
            .filter(|at| recent(at.0, timing.contention))
            .count();
        Input {
            object: self.object.as_ref(),
            // With a webhook that is recorded nothing is left but to delete it.
            vanished: self.vanished && self.object.is_some(),
            cluster: &self.ctx.cluster,
            sees_all: self.ctx.namespaces.is_empty(),
            access: &self.access,
            conversation: self.conversation.as_ref(),
            renamed: &self.renamed,
            remote: &self.remote,
            siblings: &self.siblings,
            phase,
            confirmed: self.confirmed.as_ref(),
            sender: &self.sender,
            update: self.update,
            removal: self.removal,
            kind: self.kind,
            due: self.due,
            asked: self.raw.as_ref().is_some_and(|raw| requested(raw).is_some()),
            repairs,
            mass_change,
            address_is_new: self.address_digest().is_some_and(|digest| self.memory.address != Some(digest)),
        }
    }

    /// Tells whether the address from a Secret is the one that the webhook was last seen to have.
    pub(super) fn address_digest(&self) -> Option<[u8; 32]> {
        self.address.as_ref().map(|address| Sha256::digest(address.expose_secret()).into())
    }

    /// Whether the object's webhook is one of many of the account that went missing.
    fn mass_change(&self) -> bool {
        let account = self.object.as_ref().and_then(|object| object.record.account.as_ref());
        account.is_some_and(|account| self.ctx.is_mass_change(account))
    }

    /// Does the one thing that was decided.
    async fn step(&mut self, action: Action) -> Result<ControlFlow<Ending>, Trouble> {
        let next = match action {
            Action::ReadCredentials => self.read_credentials().await.map(|()| ControlFlow::Continue(())),
            Action::ReadAddress => self.read_address().await.map(|()| ControlFlow::Continue(())),
            Action::ProveAccount => self.prove_account().await.map(|()| ControlFlow::Continue(())),
            Action::ReadKind => self.read_kind().await.map(|()| ControlFlow::Continue(())),
            Action::Locate => self.locate().await.map(|()| ControlFlow::Continue(())),
            Action::LocateAgain => self.locate_again().await.map(|()| ControlFlow::Continue(())),
            Action::List { fresh } => self.list(fresh).await.map(|()| ControlFlow::Continue(())),
            Action::ReadSiblings => self.read_siblings().await.map(|()| ControlFlow::Continue(())),
            Action::Journal(plan) => self.journal(plan).await,
            Action::Create => self.create().await,
            Action::Record { attempt, webhook, provenance, left_over } => {
                self.record(attempt, webhook, provenance, &left_over).await
            }
            Action::Settle { attempt, because } => self.settle(attempt, because).await,
            Action::Compensate(webhook) => self.compensate(webhook).await,
            Action::Update(webhook) => self.update(webhook, false).await,
            Action::Correct(webhook) => self.update(webhook, true).await,
            Action::Lose(webhook) => self.lose(webhook).await,
            Action::StartAnew(conversation) => self.start_anew(conversation).await,
            Action::Delete(webhook) => self.delete(webhook).await,
            Action::DeleteLost(webhook) => self.delete_lost(webhook).await,
            Action::Protect(plan) => self.protect(plan).await,
            Action::ReleaseFinalizer => self.release().await,
            Action::Rest => Ok(ControlFlow::Break(Ending::Rest)),
            Action::Available => Ok(ControlFlow::Break(Ending::Available)),
            Action::LookAgain(absent) => Ok(self.look_again(absent)),
            Action::Wait(_) if matches!(self.sender, Sender::Created { .. }) => {
                Err(Trouble::Internal("another object is taking the webhook over"))
            }
            Action::Wait(waiting) => Ok(ControlFlow::Break(Ending::Wait(waiting))),
            Action::Hold(hold) => Ok(ControlFlow::Break(Ending::Hold(hold))),
        };
        match next {
            // What Twilio made and nobody recorded keeps a pass from ending.
            Err(trouble) if matches!(self.sender, Sender::Created { .. }) => {
                self.pause_before_retry(&trouble).await;
                Ok(ControlFlow::Continue(()))
            }
            next => next,
        }
    }

    /// Lets others have the conversation and the lane for a while; everything that was read is read again.
    async fn pause_before_retry(&mut self, trouble: &Trouble) {
        self.retries = self.retries.saturating_add(1);
        if let Some(uid) = self.raw.as_ref().and_then(ResourceExt::uid) {
            self.ctx.index.step_aside(&uid);
        }
        tracing::warn!(%trouble, namespace = self.namespace, name = self.name, "a webhook is neither recorded nor deleted yet");
        self.siblings = Siblings::Unread;
        self.login = None;
        self.permit = None;
        self.place = None;
        let pause = tokio::time::sleep(backoff(self.retries, &self.ctx.timing, fastrand::f64()));
        if self.vanished {
            // Nobody can record this one, and a stop need not wait for its deletion.
            let _ = self.ctx.stop.run_until_cancelled(pause).await;
        } else {
            pause.await;
        }
    }

    /// Something was absent: on with the pass if it was so in a look long enough before this one, which is over
    /// otherwise.
    fn look_again(&mut self, absent: Absent) -> ControlFlow<Ending> {
        let looked = self.looked_at.unwrap_or_else(Instant::now);
        match &self.memory.absent {
            Some((before, since)) if *before == absent => {
                let long_enough = looked.saturating_duration_since(*since) >= self.ctx.timing.settle;
                if long_enough && self.confirmed.as_ref() != Some(&absent) {
                    self.confirmed = Some(absent);
                    return ControlFlow::Continue(());
                }
            }
            _ => {
                self.note_missing(&absent);
                self.memory.absent = Some((absent, Instant::now()));
            }
        }
        ControlFlow::Break(Ending::LookAgain)
    }

    /// One more webhook of the account may be missing.
    fn note_missing(&self, absent: &Absent) {
        if let (Absent::Webhook(_), Some(object)) = (absent, &self.object)
            && let Some(account) = &object.record.account
        {
            self.ctx.census.missing(account, &object.uid);
        }
    }

    /// Takes the API server's latest word on the object.
    pub(super) fn replace(&mut self, now: Option<ConversationWebhook>) {
        if let Some(now) = &now {
            self.memory.newest = self.memory.newest.max(version(now));
        }
        let was_deleting = self.object.as_ref().is_some_and(|object| object.deleting);
        self.object = now.as_ref().map(|now| view(now, self.address.as_ref()));
        self.raw = now;
        if let Some(object) = self.object.as_ref().filter(|object| object.deleting && !was_deleting) {
            self.deletion_seen = self.ctx.memory.deletion(&object.uid);
            // What was read before is no word on what is left behind.
            self.kind = Kind::Unread;
            self.remote = Remote::Unread;
            self.siblings = Siblings::Unread;
        }
    }

    /// The credentials that this pass read.
    pub(super) fn login(&self) -> Result<&Login, Trouble> {
        self.login.as_ref().ok_or(Trouble::Internal("credentials were not read"))
    }
}
