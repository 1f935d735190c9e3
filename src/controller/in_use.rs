//! A finalizer on the Secrets whose credentials objects need, where the operator is told to protect them: so that nobody
//! deletes a Secret ahead of what only it can delete.
//!
//! Nothing lists Secrets, so whatever bears the finalizer must be found from an object: its annotation names the Secret, and
//! stands there before the finalizer does and until it is off. Who is the last to need a Secret is told by a live list of its
//! namespace; for one Secret that is asked by one object at a time, until that object no longer needs it.
//!
//! Protection comes on top of the protocol. Where it cannot be had, everything goes on as without it.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, Patch, PatchParams};
use kube::runtime::reflector::Store;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use super::context::Context;
use super::ending::Ending;
use super::error::Trouble;
use super::execute::{CONTINUE, Step};
use super::message;
use super::object::Guarded;
use super::pass::Pass;
use super::schedule::backoff;
use super::secrets::SecretName;
use super::status::Draft;
use super::write::{Part, Patience, Written, compare_and_swap};
use crate::api::{ConversationWebhook, FINALIZER, MANAGER, Reason, SECRET_ANNOTATION, SECRET_FINALIZER};
use crate::decide::Kind;

/// How many objects of a namespace are asked for at once.
const PAGE: u32 = 500;

/// Who needs which Secret.
#[derive(Debug)]
pub(super) struct InUse {
    /// Secrets are protected.
    on: bool,
    /// Whose turn it is to tell whether anybody else needs a Secret.
    turns: Mutex<HashMap<SecretName, Arc<tokio::sync::Mutex<()>>>>,
    /// Objects, by uid, that no longer need a Secret although the cache may still say so.
    left: Mutex<HashSet<(String, SecretName)>>,
    /// Secrets of objects that vanished, as often as what such an object left behind is still being deleted.
    wanted: Mutex<HashMap<SecretName, usize>>,
}

impl InUse {
    /// Nobody needs any yet.
    pub(super) fn new(on: bool) -> Self {
        Self { on, turns: Mutex::default(), left: Mutex::default(), wanted: Mutex::default() }
    }

    /// What this object left behind is going to be deleted.
    pub(super) fn wants(&self, vanished: &ConversationWebhook) {
        if let Some(secret) = kept_for(vanished) {
            *self.wanted.lock().unwrap_or_else(PoisonError::into_inner).entry(secret).or_default() += 1;
        }
    }

    fn wants_no_more(&self, secret: &SecretName) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(often) = wanted.get_mut(secret) {
            *often -= 1;
            if *often == 0 {
                wanted.remove(secret);
            }
        }
    }

    fn is_wanted(&self, secret: &SecretName) -> bool {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).contains_key(secret)
    }

    async fn turn(&self, secret: &SecretName) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(secret.clone()).or_default())
        };
        turn.lock_owned().await
    }

    fn leaves(&self, uid: &str, secret: &SecretName) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).insert((uid.to_owned(), secret.clone()));
    }

    fn has_left(&self, uid: &str, secret: &SecretName) -> bool {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.contains(&(uid.to_owned(), secret.clone()))
    }

    /// The cache has dropped the object.
    pub(super) fn forget(&self, uid: &str) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).retain(|(left, _)| left != uid);
    }
}

/// The Secret that bears the finalizer on the object's behalf, as its annotation says.
pub(super) fn kept_for(object: &impl ResourceExt) -> Option<SecretName> {
    let name = object.annotations().get(SECRET_ANNOTATION)?.clone();
    Some(SecretName { namespace: object.namespace()?, name })
}

/// Whether an object needs the Secret: its annotation says so, or nothing but its spec does yet.
fn needs(guarded: &Guarded, secret: &SecretName) -> bool {
    if guarded.namespace().as_ref() != Some(&secret.namespace) {
        return false;
    }
    let by_spec = || match &guarded.0 {
        Ok(object) => object.spec.credentials_secret_ref.name == secret.name,
        // Nobody can tell what it refers to.
        Err(_) => true,
    };
    kept_for(guarded).as_ref() == Some(secret)
        || (guarded.finalizers().iter().any(|finalizer| finalizer == FINALIZER) && by_spec())
}

/// Whether any other object needs the Secret than the one of this uid.
async fn is_needed(ctx: &Context, secret: &SecretName, uid: &str) -> Result<bool, Trouble> {
    let in_cache = ctx.stores.iter().flat_map(Store::state).any(|guarded| {
        let other = guarded.uid().filter(|other| other != uid);
        other.is_some_and(|other| !ctx.in_use.has_left(&other, secret)) && needs(&guarded, secret)
    });
    Ok(in_cache || is_needed_live(ctx, secret, Some(uid)).await?)
}

/// The same, by the API server's latest word.
async fn is_needed_live(ctx: &Context, secret: &SecretName, but: Option<&str>) -> Result<bool, Trouble> {
    if ctx.in_use.is_wanted(secret) {
        return Ok(true);
    }
    let other = |guarded: &Guarded| guarded.uid().as_deref() != but && needs(guarded, secret);
    let objects = ctx.objects(&secret.namespace);
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = objects.list(&page).await?;
        if list.items.iter().any(other) {
            return Ok(true);
        }
        match list.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => page.continue_token = Some(next),
            None => return Ok(false),
        }
    }
}

/// Puts the finalizer on. Where that cannot be, the Secret is as it would be without protection.
async fn protect(ctx: &Context, secret: &SecretName) {
    // Objects that share a Secret share one write.
    let _turn = ctx.in_use.turn(secret).await;
    if ctx.secrets.is_kept(secret).await {
        return;
    }
    match patch(&ctx.kube, secret, &json!({ "metadata": { "finalizers": [SECRET_FINALIZER] } })).await {
        Ok(()) => ctx.secrets.note_kept(secret, true).await,
        Err(kube::Error::Api(status)) if status.code == 403 => tracing::error!(
            secret = %secret,
            "the Secret is not protected: the operator lacks the right to patch it; give that right, or leave \
             --protect-secrets off"
        ),
        // Gone, or on its way: a finalizer can be added no more.
        Err(error) => tracing::warn!(%error, secret = %secret, "the Secret is not protected"),
    }
}

/// Takes the finalizer off. Where it may not, that is said, and no object waits for it.
async fn unprotect(ctx: &Context, secret: &SecretName) -> Result<(), Trouble> {
    let off = json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": [SECRET_FINALIZER] } });
    match patch(&ctx.kube, secret, &off).await {
        Ok(()) => {
            ctx.secrets.note_kept(secret, false).await;
            // It may be gone by now.
            ctx.secrets.expire(secret).await;
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 422) => {
            tracing::error!(
                secret = %secret,
                code = status.code,
                finalizer = SECRET_FINALIZER,
                "no object needs the Secret any more, and its finalizer cannot be taken off: do that with kubectl edit"
            );
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// A list of primitives is merged by its items, whoever wrote the others: neither a read nor a version is needed.
async fn patch(client: &Client, secret: &SecretName, patch: &Value) -> Result<(), kube::Error> {
    let api: Api<Secret> = Api::namespaced(client.clone(), &secret.namespace);
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    // What comes back holds credentials: only the fact is of use.
    api.patch_metadata(&secret.name, &params, &Patch::Strategic(patch)).await.map(|_| ())
}

/// Takes the finalizer off the Secret of an object that vanished, and whose remains are deleted, unless another one needs
/// it. Tries until it is known.
pub(super) async fn vanished(ctx: &Arc<Context>, object: &ConversationWebhook) {
    let Some(secret) = kept_for(object) else { return };
    ctx.in_use.wants_no_more(&secret);
    let mut failures = 0;
    loop {
        let turn = ctx.in_use.turn(&secret).await;
        // The cache may hold on to what vanished with it for a moment. The object itself counts, should it be there.
        let freed = match is_needed_live(ctx, &secret, None).await {
            Ok(false) => unprotect(ctx, &secret).await,
            Ok(true) => Ok(()),
            Err(trouble) => Err(trouble),
        };
        drop(turn);
        let Err(trouble) = freed else { return };
        tracing::warn!(%trouble, secret = %secret, "cannot tell whether a vanished object's Secret is needed");
        failures += 1;
        let wait = tokio::time::sleep(backoff(failures, &ctx.timing, fastrand::f64()));
        if ctx.stop.run_until_cancelled(wait).await.is_none() {
            return;
        }
    }
}

impl Pass {
    /// The annotation for a journal that is about to be written, where the object has none and is to have one.
    pub(super) fn secret_annotation(&self) -> Option<(&'static str, String)> {
        let has_one = self.raw.as_ref().is_none_or(|raw| raw.annotations().contains_key(SECRET_ANNOTATION));
        (self.ctx.in_use.on && !has_one).then(|| (SECRET_ANNOTATION, self.secret.name.clone()))
    }

    /// Protects the object's Secret, where its annotation says that it is to be and the last read of the Secret that it is
    /// not.
    pub(super) async fn protect_secret(&mut self) {
        let kept = self.raw.as_ref().and_then(kept_for);
        if self.ctx.in_use.on
            && kept.as_ref() == Some(&self.secret)
            && let Some(login) = self.login.as_mut().filter(|login| !login.kept)
        {
            // One try a pass.
            login.kept = true;
            protect(&self.ctx, &self.secret).await;
        }
    }

    /// At the end of a pass that read the object's Secret: it is the one that is protected, and no earlier one is any more.
    pub(super) async fn keep_secret(&mut self) -> Result<(), Trouble> {
        let Some(raw) = self.raw.as_ref().filter(|_| self.ctx.in_use.on && self.login.is_some()) else {
            return Ok(());
        };
        if !self.object.as_ref().is_some_and(|object| object.finalizer && !object.deleting) {
            return Ok(());
        }
        let before = kept_for(raw);
        if before.as_ref() != Some(&self.secret) {
            let uid = raw.uid().unwrap_or_default();
            let _turn = match &before {
                Some(before) => Some(self.give_up(before, &uid).await?),
                None => None,
            };
            let (Some(raw), name) = (&self.raw, &self.secret.name) else { return Ok(()) };
            let patch = json!({
                "metadata": {
                    "resourceVersion": raw.resource_version(),
                    "annotations": { SECRET_ANNOTATION: name },
                },
            });
            let is_ours = |now: &ConversationWebhook| now.annotations().get(SECRET_ANNOTATION) == Some(name);
            let api = self.ctx.objects(&self.namespace);
            let patience = Patience::Limited(self.ctx.timing.request);
            match compare_and_swap(&api, &self.name, Part::Main, &patch, patience, is_ours).await? {
                Written::Clear(now) | Written::Unclear(now) => self.replace(Some(*now)),
                // The newer version comes with the watch.
                Written::Lost(_) => return Ok(()),
            }
        }
        self.protect_secret().await;
        Ok(())
    }

    /// Takes the finalizer off a Secret that the object needs no more, unless another one does. Nobody else may ask until
    /// the object itself shows that it needs it no more.
    async fn give_up(&self, secret: &SecretName, uid: &str) -> Result<OwnedMutexGuard<()>, Trouble> {
        let turn = self.ctx.in_use.turn(secret).await;
        if !is_needed(&self.ctx, secret, uid).await? {
            unprotect(&self.ctx, secret).await?;
        }
        self.ctx.in_use.leaves(uid, secret);
        Ok(turn)
    }

    /// Ahead of the object's own finalizer: its Secret may go, unless another object needs it. What the credentials were
    /// needed for is done by now, and status says so first: whoever takes over from here finds no Secret to do it again.
    pub(super) async fn let_secret_go(
        &mut self,
    ) -> Result<ControlFlow<Ending, Option<OwnedMutexGuard<()>>>, Trouble> {
        let Some(raw) = self.raw.clone() else { return Ok(ControlFlow::Continue(None)) };
        let Some(secret) = kept_for(&raw) else { return Ok(ControlFlow::Continue(None)) };
        let uid = raw.uid().unwrap_or_default();
        let turn = self.ctx.in_use.turn(&secret).await;
        if !is_needed(&self.ctx, &secret, &uid).await? {
            if let ControlFlow::Break(ending) = self.note_removal(&raw).await? {
                return Ok(ControlFlow::Break(ending));
            }
            unprotect(&self.ctx, &secret).await?;
        }
        self.ctx.in_use.leaves(&uid, &secret);
        Ok(ControlFlow::Continue(Some(turn)))
    }

    /// Takes out of status what is deleted.
    async fn note_removal(&mut self, raw: &ConversationWebhook) -> Step {
        let Some(object) = &self.object else { return CONTINUE };
        let has_none = object.record.webhook.is_none() && object.record.lost.is_empty();
        if has_none || object.leaves_all_behind() || self.kind == Kind::Leaves {
            return CONTINUE;
        }
        let draft = Draft::of(raw, object.generation, Timestamp::now()).removed();
        let draft = draft.unready(Reason::WebhookMissing, message::removed(&self.conversation_text()));
        self.let_loose(raw, draft).await
    }
}
