//! A finalizer on the Secrets whose credentials objects need, where the operator is told to protect them: so that nobody
//! deletes a Secret ahead of what only it can delete.
//!
//! Nothing lists Secrets, so whatever bears the finalizer must be found from an object: its annotation names the Secret, and
//! stands there before the finalizer does and until it is off. Who is the last to need a Secret is told by a live list of its
//! namespace; for one Secret that is asked by one object at a time, until that object no longer needs it.
//!
//! Protection comes on top of the protocol. Where it cannot be had, everything goes on as without it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use super::context::Context;
use super::conversations::Places;
use super::ending::Ending;
use super::error::Trouble;
use super::execute::{CONTINUE, Step};
use super::message;
use super::pass::Pass;
use super::schedule::backoff;
use super::secrets::SecretName;
use super::status::Draft;
use super::write::{Part, Patience, Written, compare_and_swap};
use crate::api::{ConversationWebhook, MANAGER, Reason, SECRET_ANNOTATION, SECRET_FINALIZER};
use crate::decide::{Access, Journal, Kind, Object};

/// How many objects of a namespace are asked for at once.
const PAGE: u32 = 500;
/// How often a finalizer is tried to be taken off before it stays.
const TRIES: u32 = 8;

/// Who needs which Secret.
#[derive(Debug)]
pub(super) struct InUse {
    /// Secrets are protected.
    on: bool,
    /// Whose turn it is to tell whether anybody else needs a Secret.
    turns: Places<SecretName, ()>,
    /// Objects, by uid, that no longer need a Secret although the cache may still say so.
    left: Mutex<HashSet<(String, SecretName)>>,
    /// Secrets of objects that vanished, as often as what such an object left behind is still being deleted.
    wanted: Mutex<HashMap<SecretName, usize>>,
    /// When a Secret could not be protected.
    failed: Mutex<HashMap<SecretName, Instant>>,
}

impl InUse {
    /// Nobody needs any yet.
    pub(super) fn new(on: bool) -> Self {
        Self {
            on,
            turns: Places::new(Duration::ZERO),
            left: Mutex::default(),
            wanted: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    /// What this object left behind is going to be deleted.
    pub(super) fn wants(&self, vanished: &ConversationWebhook) {
        if let Some(secret) = kept_for(vanished) {
            *self.wanted.lock().unwrap_or_else(PoisonError::into_inner).entry(secret).or_default() += 1;
        }
    }

    /// It is deleted, or is left to another process.
    pub(super) fn wants_no_more(&self, secret: &SecretName) {
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
        self.turns.get(secret.clone()).lock_owned().await
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

    /// Everything was listed anew: only these objects are left.
    pub(super) fn relisted(&self, is_left: impl Fn(&str) -> bool) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).retain(|(left, _)| is_left(left));
    }

    fn has_failed(&self, secret: &SecretName, within: Duration) -> bool {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, at| at.elapsed() < within);
        failed.contains_key(secret)
    }

    fn fails(&self, secret: &SecretName) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.clone(), Instant::now());
    }
}

/// The Secret that bears the finalizer on the object's behalf, as its annotation says. Anybody may have written that: what is
/// no name of a Secret names none.
pub(super) fn kept_for(object: &impl ResourceExt) -> Option<SecretName> {
    let name = object.annotations().get(SECRET_ANNOTATION).filter(|name| is_name(name))?.clone();
    Some(SecretName { namespace: object.namespace()?, name })
}

/// A DNS subdomain.
pub(super) fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_one_of_its =
            |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(is_one_of_its)
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether an object needs the Secret: exactly those that let it go when they go.
fn needs(object: &impl ResourceExt, secret: &SecretName) -> bool {
    kept_for(object).as_ref() == Some(secret)
}

/// Whether any other object needs the Secret than the one of this uid.
async fn is_needed(ctx: &Context, secret: &SecretName, uid: &str) -> Result<bool, Trouble> {
    let in_cache = ctx.index.any_may_keep(secret, |guarded| {
        let is_another = |other: String| {
            // Asked in this order: that an object has left is forgotten only once the index has dropped it.
            other != uid && !ctx.in_use.has_left(&other, secret) && ctx.index.contains(&other)
        };
        needs(guarded, secret) && guarded.uid().is_some_and(is_another)
    });
    Ok(in_cache || is_needed_live(ctx, secret, Some(uid)).await?)
}

/// The same, by the API server's latest word.
async fn is_needed_live(ctx: &Context, secret: &SecretName, but: Option<&str>) -> Result<bool, Trouble> {
    if ctx.in_use.is_wanted(secret) {
        return Ok(true);
    }
    let objects = ctx.objects(&secret.namespace);
    let mut page = ListParams::default().limit(PAGE);
    loop {
        // Objects that cannot be decoded have annotations, too.
        let list = match objects.list_metadata(&page).await {
            // The kind is gone, and with it every object.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(false),
            list => list?,
        };
        if list.items.iter().any(|object| object.uid().as_deref() != but && needs(object, secret)) {
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
    let Some(version) = ctx.secrets.unkept(secret).await else { return };
    if ctx.in_use.has_failed(secret, ctx.timing.credentials_poll) || !ctx.leadership.is_held() {
        return;
    }
    // For the version that was read: then the one that this makes holds nothing new.
    let on = json!({ "metadata": { "resourceVersion": version, "finalizers": [SECRET_FINALIZER] } });
    match patch(&ctx.kube, secret, &on).await {
        Ok(version) => return ctx.secrets.note_kept(secret, true, version).await,
        Err(kube::Error::Api(status)) if status.code == 409 => return ctx.secrets.expire(secret).await,
        Err(kube::Error::Api(status)) if status.code == 403 => tracing::error!(
            secret = %secret,
            "the Secret is not protected: the operator lacks the right to patch it; give that right, or leave \
             --protect-secrets off"
        ),
        // Gone, or on its way: a finalizer can be added no more.
        Err(error) => tracing::warn!(%error, secret = %secret, "the Secret is not protected"),
    }
    ctx.in_use.fails(secret);
}

/// Takes the finalizer off. Where that is refused it is said, and no object waits for it.
async fn unprotect(ctx: &Context, secret: &SecretName) -> Result<(), Trouble> {
    if !ctx.leadership.is_held() {
        return Err(Trouble::Stopping);
    }
    let off = json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": [SECRET_FINALIZER] } });
    match patch(&ctx.kube, secret, &off).await {
        Ok(version) => {
            ctx.secrets.note_kept(secret, false, version).await;
            // It may be gone by now.
            ctx.secrets.expire(secret).await;
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(kube::Error::Api(status))
            if (400..500).contains(&status.code) && ![401, 408, 429].contains(&status.code) =>
        {
            say_stuck(secret, &format!("{}: {}", status.code, status.message));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn say_stuck(secret: &SecretName, why: &str) {
    tracing::error!(
        secret = %secret,
        why,
        finalizer = SECRET_FINALIZER,
        "no object needs the Secret any more, and its finalizer cannot be taken off: see docs/uninstall.md, Secrets that hang"
    );
}

/// A list of primitives is merged by its items, whoever wrote the others. Returns the version that it makes.
async fn patch(client: &Client, secret: &SecretName, patch: &Value) -> Result<Option<String>, kube::Error> {
    let api: Api<Secret> = Api::namespaced(client.clone(), &secret.namespace);
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    // Of what comes back only metadata is of use.
    let patched = api.patch_metadata(&secret.name, &params, &Patch::Strategic(patch)).await?;
    Ok(patched.resource_version())
}

/// Takes the finalizer off the Secret of an object that vanished, unless another one needs it.
pub(super) async fn vanished(ctx: &Arc<Context>, secret: SecretName) {
    for failures in 1..=TRIES {
        let turn = ctx.in_use.turn(&secret).await;
        // The cache may hold on to what vanished with it for a moment. The object itself counts, should it be there.
        let freed = match is_needed_live(ctx, &secret, None).await {
            Ok(false) => unprotect(ctx, &secret).await,
            Ok(true) => Ok(()),
            Err(trouble) => Err(trouble),
        };
        drop(turn);
        let Err(trouble) = freed else { return };
        if ctx.must_rest() {
            return;
        }
        tracing::warn!(%trouble, secret = %secret, "cannot tell whether a vanished object's Secret is needed");
        let wait = tokio::time::sleep(backoff(failures, &ctx.timing, fastrand::f64()));
        if ctx.stop.run_until_cancelled(wait).await.is_none() {
            return;
        }
    }
    say_stuck(&secret, "the API server does not answer");
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
            // One try a pass, and never so long that it costs the create.
            login.kept = true;
            let _ = tokio::time::timeout(self.ctx.timing.send / 5, protect(&self.ctx, &self.secret)).await;
        }
    }

    /// At the end of a pass that read the object's Secret: it is the one that is protected, and no earlier one is any more.
    pub(super) async fn keep_secret(&mut self, ending: &Ending) -> Result<(), Trouble> {
        let Some(raw) = self.raw.as_ref().filter(|_| self.ctx.in_use.on && self.login.is_some()) else {
            return Ok(());
        };
        let Some(object) = self.object.as_ref().filter(|object| object.finalizer && !object.deleting) else {
            return Ok(());
        };
        let before = kept_for(raw);
        if before.as_ref() != Some(&self.secret) {
            // The earlier one is given up for one that did as well in this pass.
            if before.is_some() && !(ending.is_as_written() && self.opens_its_account(object)) {
                return Ok(());
            }
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
                Written::Clear(now) => self.replace(Some(*now)),
                // A newer version comes with the watch.
                Written::Unclear(_) | Written::Lost(_) => return Ok(()),
            }
        }
        self.protect_secret().await;
        Ok(())
    }

    /// Whether the login of this pass is one for the account that the object's webhook is in.
    fn opens_its_account(&self, object: &Object) -> bool {
        let Access::Known { account, region, .. } = &self.access else { return false };
        object.record.account.as_ref() == Some(account) && object.record.region.as_ref() == Some(region)
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

    /// The Secrets that may bear the finalizer on the object's behalf, in a fixed order: the one that its annotation names, and
    /// the one that it refers to, should somebody have taken the annotation off.
    fn kept_secrets(&self, raw: &ConversationWebhook) -> BTreeSet<SecretName> {
        kept_for(raw).into_iter().chain(self.ctx.in_use.on.then(|| self.secret.clone())).collect()
    }

    /// Ahead of the object's own finalizer: its Secret may go, unless another object needs it. What the credentials were
    /// needed for is done by now, and status says so first: whoever takes over from here finds no Secret to do it again.
    pub(super) async fn let_secret_go(
        &mut self,
    ) -> Result<ControlFlow<Ending, Vec<OwnedMutexGuard<()>>>, Trouble> {
        let Some(raw) = self.raw.clone() else { return Ok(ControlFlow::Continue(Vec::new())) };
        let (uid, secrets) = (raw.uid().unwrap_or_default(), self.kept_secrets(&raw));
        if !secrets.is_empty() {
            // Who waits for a turn must not take a place in the lane from others.
            self.permit = None;
        }
        let mut turns = Vec::new();
        for secret in secrets {
            turns.push(self.ctx.in_use.turn(&secret).await);
            let freed = match is_needed(&self.ctx, &secret, &uid).await {
                Ok(false) => {
                    if let ControlFlow::Break(ending) = self.note_removal().await? {
                        return Ok(ControlFlow::Break(ending));
                    }
                    unprotect(&self.ctx, &secret).await
                }
                Ok(true) => Ok(()),
                Err(trouble) => Err(trouble),
            };
            match freed {
                // An object is not kept for longer than that by what is on top of the protocol.
                Err(trouble) if self.memory.failures >= TRIES => say_stuck(&secret, &trouble.to_string()),
                freed => freed?,
            }
            self.ctx.in_use.leaves(&uid, &secret);
        }
        Ok(ControlFlow::Continue(turns))
    }

    /// Takes out of status what is deleted.
    async fn note_removal(&mut self) -> Step {
        let Some((raw, object)) = self.raw.clone().zip(self.object.as_ref()) else { return CONTINUE };
        let has_none = object.record.webhook.is_none() && object.record.lost.is_empty();
        // Without a SID an unreadable journal would be a question again.
        if has_none
            || object.leaves_all_behind()
            || self.kind == Kind::Leaves
            || object.journal == Journal::Unreadable
        {
            return CONTINUE;
        }
        let draft = Draft::of(&raw, object.generation, Timestamp::now()).removed();
        let draft = draft.unready(Reason::WebhookMissing, message::removed(&self.conversation_text()));
        self.let_loose(&raw, draft).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_names_a_secret_or_none() {
        for good in ["a", "twilio-credentials", "bot.addresses", "0-1.x"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(254);
        for bad in ["", "a b", "A", "x/y", "x?dryRun=All", "-a", "a-", "a..b", ".", "ä", &long] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
