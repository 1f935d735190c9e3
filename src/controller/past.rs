//! Objects that vanished before this process began to watch (R18).
//!
//! A process that is killed takes with it what it saw. The API server knows for some minutes what happened, and a watch may
//! begin in the past: so whoever starts looks back once, as far as that goes. It is a second chance and no more: an API
//! server that was just started itself knows nothing, and then nothing is done.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};

use super::context::Context;
use super::memory::Remembered;
use super::object::Guarded;
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
    let look = async {
        match deletions(&api, selector.as_deref()).await {
            Ok(deleted) => {
                for object in deleted {
                    noticed(&ctx, &object);
                }
            }
            Err(error) => tracing::debug!(%error, "what vanished before the start is not known"),
        }
    };
    let _ = ctx.stop.run_until_cancelled(look).await;
}

/// An object that was deleted before the start. What is let go has the time of its deletion in it, and what a hand frees has
/// no finalizer: only a delete that was decided on before the finalizer was there goes past it. A finalizer that somebody
/// took off while nobody ran is no oversight.
fn noticed(ctx: &Arc<Context>, object: &Guarded) {
    if let Ok(object) = &object.0
        && object.metadata.deletion_timestamp.is_none()
        && object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
    {
        vanished::noticed(ctx, object, Remembered::default());
    }
}

/// The objects that were deleted a short while ago, as they last were; none where the API server does not know.
async fn deletions(api: &Api<Guarded>, selector: Option<&str>) -> Result<Vec<Guarded>, kube::Error> {
    let now = api.list_metadata(&ListParams::default().limit(1)).await?.metadata.resource_version;
    let Some(now) = now.and_then(|version| version.parse::<u64>().ok()) else { return Ok(Vec::new()) };
    let mut params = WatchParams::default().timeout(LISTEN);
    if let Some(selector) = selector {
        params = params.labels(selector);
    }
    let mut back = FURTHEST.min(now.saturating_sub(1));
    while back >= NEAREST {
        match deletions_since(api, &params, now - back).await {
            Err(kube::Error::Api(status)) if status.code == 410 => back /= 2,
            deleted => return deleted,
        }
    }
    Ok(Vec::new())
}

async fn deletions_since(
    api: &Api<Guarded>,
    params: &WatchParams,
    since: u64,
) -> Result<Vec<Guarded>, kube::Error> {
    let events = api.watch(params, &since.to_string()).await?;
    let deleted = events.map(|event| match event? {
        WatchEvent::Deleted(object) => Ok(Some(object)),
        WatchEvent::Error(status) => Err(kube::Error::Api(status)),
        WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Bookmark(_) => Ok(None),
    });
    let deleted: Vec<Option<Guarded>> = deleted.try_collect().await?;
    Ok(deleted.into_iter().flatten().collect())
}
