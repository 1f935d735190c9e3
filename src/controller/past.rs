//! Objects that vanished before this process began to watch (R18).
//!
//! A process that is killed takes with it what it saw. The API server knows for some minutes what happened, and a watch may
//! begin in the past: so whoever starts looks back once, as far as that goes. It is a second chance and no more: an API
//! server that was just started itself knows nothing, and then nothing is done.

use std::sync::Arc;

use futures::{TryStreamExt, pin_mut};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};

use super::context::Context;
use super::guarded::Guarded;
use super::memory::Remembered;
use super::vanished;
use crate::api::FINALIZER;

/// How many writes to look back at most, of whatever kind. The API server does not say how far it can: where it refuses,
/// half of that is tried, so that at least half of what it knows is seen.
const FURTHEST: u64 = 1 << 20;
/// Less is not worth a try.
const NEAREST: u64 = 1 << 5;
/// Everything that is known comes at once; then the watch has nothing more to say. In seconds.
const LISTEN: u32 = 10;

/// Looks for objects that vanished a short while ago.
pub(super) async fn look_back(ctx: Arc<Context>, api: Api<Guarded>, selector: Option<String>) {
    let looked = ctx.stop.run_until_cancelled(look(&ctx, &api, selector.as_deref())).await;
    if let Some(Err(error)) = looked {
        tracing::debug!(%error, "what vanished before the start is not known");
    }
}

async fn look(ctx: &Arc<Context>, api: &Api<Guarded>, selector: Option<&str>) -> Result<(), kube::Error> {
    let now = api.list_metadata(&ListParams::default().limit(1)).await?.metadata.resource_version;
    let Some(now) = now.and_then(|version| version.parse::<u64>().ok()) else { return Ok(()) };
    let mut params = WatchParams::default().timeout(LISTEN);
    if let Some(selector) = selector {
        params = params.labels(selector);
    }
    let mut back = FURTHEST.min(now.saturating_sub(1));
    while back >= NEAREST {
        match look_since(ctx, api, &params, now - back).await {
            Err(kube::Error::Api(status)) if status.code == 410 => back /= 2,
            looked => return looked,
        }
    }
    Ok(())
}

/// Whether the API server does not remember as much is the first that it says.
async fn look_since(
    ctx: &Arc<Context>,
    api: &Api<Guarded>,
    params: &WatchParams,
    since: u64,
) -> Result<(), kube::Error> {
    let events = api.watch(params, &since.to_string()).await?;
    pin_mut!(events);
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Deleted(object) => deleted(ctx, &object),
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
            WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Bookmark(_) => {}
        }
    }
    Ok(())
}

/// An object that was deleted. What is let go has the time of its deletion in it, and what a hand frees has no finalizer: only
/// a delete that was decided on before the finalizer was there goes past it. A finalizer that somebody took off while nobody
/// ran is no oversight.
fn deleted(ctx: &Arc<Context>, object: &Guarded) {
    if let Ok(object) = &object.0
        && object.metadata.deletion_timestamp.is_none()
        && object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
    {
        vanished::noticed(ctx, object, Remembered::default());
    }
}
