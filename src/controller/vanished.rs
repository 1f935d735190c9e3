//! Objects that vanished with a webhook although nobody took our finalizer off: a `kubectl replace` while the object was
//! being deleted, or a finalizer that was removed by hand (R18).
//!
//! What the object last looked like tells what it left behind. Its policies hold, and nothing is deleted that any
//! living object claims or may have made.

use std::sync::Arc;
use std::time::Instant;

use kube::ResourceExt;

use super::context::Context;
use super::error::Trouble;
use super::object::view;
use super::pass::Pass;
use super::schedule::backoff;
use crate::api::{ConversationWebhook, Mode};
use crate::decide::{Kind, Object};
use crate::twilio::{AccountSid, WebhookSid};

/// What an object left at Twilio.
struct Remains {
    webhook: WebhookSid,
    /// Account and region.
    made_in: (AccountSid, String),
    /// The attempt that the webhook came from.
    attempt: String,
}

/// Deletes what the object left at Twilio, unless it was to stay there.
pub(super) async fn clean_up(ctx: Arc<Context>, raw: ConversationWebhook) {
    let object = view(&raw, None);
    let Some(remains) = remains(&object) else { return };
    let seen = Instant::now();
    let mut failures = 0;
    loop {
        match is_left_behind(&ctx, &raw, &object, &remains, seen).await {
            Ok(true) => break,
            Ok(false) => return,
            Err(trouble) => {
                tracing::warn!(%trouble, object = object.name, "cannot tell what a vanished object left behind");
                failures += 1;
            }
        }
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(backoff(failures, &ctx.timing, fastrand::f64())) => {}
        }
    }
    tracing::warn!(
        object = object.name,
        webhook = remains.webhook.as_str(),
        "the object vanished without its finalizer being taken off here: its webhook is deleted"
    );
    ctx.metrics.mutation("vanished");
    let Remains { webhook, made_in, attempt } = remains;
    Pass::for_vanished(ctx, raw, attempt, webhook, made_in).run().await;
}

/// What an object leaves that was to be deleted with it.
fn remains(object: &Object) -> Option<Remains> {
    if object.retain || object.mode == Mode::Observe || object.is_abandoned() {
        return None;
    }
    let record = &object.record;
    Some(Remains {
        webhook: record.webhook.clone()?,
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
