//! Objects that vanished although nobody took our finalizer off, with a webhook or with an attempt to create one: a `kubectl
//! replace` while the object was being deleted, a finalizer that was removed by hand, a delete that the API server decided
//! on before the finalizer was there (R18).
//!
//! What the object last looked like tells what it left behind. Its policies hold, and nothing is deleted that any
//! living object claims or may have made.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::ResourceExt;

use super::context::Context;
use super::ending::Ending;
use super::error::Trouble;
use super::events::Note;
use super::in_use::{self, kept_for};
use super::memory::Remembered;
use super::message;
use super::object::view;
use super::pass::Pass;
use super::schedule::backoff;
use crate::api::ConversationWebhook;
use crate::decide::{Hold, Kind, Object};
use crate::twilio::{AccountSid, WebhookSid};

/// What an object left at Twilio.
struct Remains {
    /// Its webhook; `None` where an attempt is open.
    webhook: Option<WebhookSid>,
    /// Account and region.
    made_in: (AccountSid, String),
    /// The attempt that the webhook came from, or that is open.
    attempt: String,
}

/// How long what vanished is kept by a process that waits to lead: whoever led meanwhile has cleaned up.
const KEPT_FOR: Duration = Duration::from_mins(10);
/// How many are kept at most: the latest.
const KEPT: usize = 1000;

/// Objects that vanished while this process waits to lead.
#[derive(Default)]
pub(super) struct Vanished {
    kept: Mutex<VecDeque<(Instant, ConversationWebhook, Remembered)>>,
}

impl Vanished {
    fn keep(&self, object: ConversationWebhook, memory: Remembered) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.len() >= KEPT || kept.front().is_some_and(|(since, ..)| since.elapsed() > KEPT_FOR) {
            kept.pop_front();
        }
        kept.push_back((Instant::now(), object, memory));
    }

    fn take(&self) -> Vec<(ConversationWebhook, Remembered)> {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        let young = kept.into_iter().filter(|(since, ..)| since.elapsed() <= KEPT_FOR);
        young.map(|(_, object, memory)| (object, memory)).collect()
    }
}

/// An object is gone that this process did not let go; `memory` is what it remembers of it. Whoever waits to lead cleans
/// up once it does: whoever led before may be gone as well.
pub(super) fn noticed(ctx: &Arc<Context>, object: &ConversationWebhook, memory: Remembered) {
    let last = view(object, None);
    let had_something = last.finalizer || last.record.webhook.is_some() || last.open_attempt().is_some();
    let left_something =
        remains(&last, &ctx.cluster).is_some() || (had_something && kept_for(object).is_some());
    if ctx.stop.is_cancelled() || !left_something {
        return;
    }
    ctx.vanished.keep(object.clone(), memory);
    // After it is kept: whoever begins to lead at this moment finds it.
    if ctx.leadership.is_held() {
        clean_up_all(ctx);
    }
}

/// Cleans up after all that vanished.
pub(super) fn clean_up_all(ctx: &Arc<Context>) {
    let vanished = ctx.vanished.take();
    for (object, _) in &vanished {
        ctx.in_use.wants(object);
    }
    for (object, memory) in vanished {
        ctx.passes.spawn(clean_up(Arc::clone(ctx), object, memory));
    }
}

/// Deletes what the object left at Twilio, and lets its Secret go. `memory` is what this process remembers of the object.
async fn clean_up(ctx: Arc<Context>, raw: ConversationWebhook, memory: Remembered) {
    let secret = kept_for(&raw);
    clean_up_webhook(Arc::clone(&ctx), raw, memory).await;
    if let Some(secret) = secret {
        ctx.in_use.wants_no_more(&secret);
        // Where the clean-up was broken off, whoever leads next needs it.
        if !ctx.must_rest() {
            in_use::vanished(&ctx, secret).await;
        }
    }
}

/// Deletes what the object left at Twilio, unless it was to stay there.
async fn clean_up_webhook(ctx: Arc<Context>, raw: ConversationWebhook, mut memory: Remembered) {
    let object = view(&raw, None);
    let Some(remains) = remains(&object, &ctx.cluster) else { return };
    let seen = Instant::now();
    loop {
        let wait = match is_left_behind(&ctx, &raw, &object, &remains, seen).await {
            Ok(false) => return,
            Ok(true) => match &remains.webhook {
                Some(webhook) => {
                    tracing::warn!(
                        object = object.name,
                        webhook = webhook.as_str(),
                        "the object vanished without its finalizer being taken off here: its webhook is deleted"
                    );
                    ctx.metrics.mutation("vanished");
                    let Remains { attempt, made_in, .. } = remains;
                    Pass::for_webhook_of_vanished(ctx, raw, attempt, webhook.clone(), made_in).run().await;
                    return;
                }
                None => match look_for(&ctx, &raw, &remains, &mut memory).await {
                    Some(wait) => wait,
                    None => return,
                },
            },
            Err(trouble) => {
                tracing::warn!(%trouble, object = object.name, "cannot tell what a vanished object left behind");
                memory.failures = memory.failures.saturating_add(1);
                backoff(memory.failures, &ctx.timing, fastrand::f64())
            }
        };
        if ctx.stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

/// One pass for an open attempt; how long until the next one, unless it was the last.
async fn look_for(
    ctx: &Arc<Context>,
    raw: &ConversationWebhook,
    remains: &Remains,
    memory: &mut Remembered,
) -> Option<Duration> {
    let mut pass =
        Pass::for_vanished(Arc::clone(ctx), raw.clone(), remains.made_in.clone(), std::mem::take(memory));
    let ending = pass.work().await;
    let wait = pass.finish(&ending).await;
    match &ending {
        Ending::Hold(Hold::AccountMismatch { .. })
        | Ending::Wait(_)
        | Ending::LookAgain
        | Ending::Trouble(_) => {}
        Ending::Hold(hold) => {
            let text = message::vanished(&remains.attempt, hold, &pass.subject());
            tracing::warn!(namespace = pass.namespace, name = pass.name, text, "left at Twilio");
            let reason = message::reason(hold).as_str();
            ctx.metrics.left_behind(reason);
            let note = Note { normal: false, reason: reason.to_owned(), action: "CleanUp", message: text };
            ctx.events.publish(raw, note);
            return None;
        }
        Ending::Rest | Ending::Available | Ending::Overtaken | Ending::Released => return None,
    }
    *memory = pass.memory;
    Some(wait)
}

/// What an object leaves that was to be deleted with it.
fn remains(object: &Object, cluster: &str) -> Option<Remains> {
    if object.leaves_all_behind() {
        return None;
    }
    if let Some(open) = object.open_attempt() {
        // Nothing is made by taking over, and another cluster's attempt is that cluster's.
        let is_ours = open.adopt.is_none() && !object.is_elsewhere(open, cluster);
        return is_ours.then(|| Remains {
            webhook: None,
            made_in: (open.account.clone(), open.region.clone()),
            attempt: open.id.clone(),
        });
    }
    let record = &object.record;
    Some(Remains {
        webhook: Some(record.webhook.clone()?),
        made_in: record.account.clone().zip(record.region.clone())?,
        attempt: record.settled_attempt.clone().unwrap_or_default(),
    })
}

/// Whether the object is really gone, and no other bears its attempt: a selector may have lost sight of it, or a backup
/// may have brought it back already.
async fn is_left_behind(
    ctx: &Context,
    raw: &ConversationWebhook,
    object: &Object,
    remains: &Remains,
    seen: Instant,
) -> Result<bool, Trouble> {
    let namespace = raw.namespace().unwrap_or_default();
    let same_name = ctx.objects(&namespace).get_opt(&raw.name_any()).await?;
    if let Some(now) = same_name {
        let Ok(now) = now.0 else { return Ok(false) };
        let now = view(&now, None);
        if now.uid == object.uid || now.has_open(&remains.attempt) {
            return Ok(false);
        }
    }
    Ok(ctx.definition.kind_since(seen).await? == Kind::Stays)
}
