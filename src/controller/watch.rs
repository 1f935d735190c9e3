//! The watch: keeps the index as the API server has the objects.
//!
//! Lists come as a stream, one object at a time, where the API server has that: nobody holds a page of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::guarded::Guarded;
use super::index::secret_of;
use super::past;
use super::roll::Roll;
use super::secrets::SecretName;
use crate::admin::Gate;

/// What kubectl keeps of the manifest: as long as the object itself, and nobody here reads it.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Keeps the index as the API server has the objects.
pub(super) async fn watch(
    scope: usize,
    api: Api<Guarded>,
    selector: Option<String>,
    ctx: Arc<Context>,
    listing: Arc<Listing>,
    leading: CancellationToken,
) {
    let mut watched =
        Watched { scope, roll: Roll::new(Arc::clone(&ctx)), listed: false, ctx, listing, leading };
    let config = selector
        .as_deref()
        .map_or_else(watcher::Config::default, |selector| watcher::Config::default().labels(selector));
    let mut config = config.streaming_lists();
    loop {
        let mut events = watcher(api.clone(), config.clone()).default_backoff().boxed();
        loop {
            let Some(event) = watched.ctx.stop.run_until_cancelled(events.next()).await else { return };
            match event {
                Some(Ok(event)) => watched.heard(event, &api, selector.as_deref()),
                Some(Err(error)) if streams(&config) && is_no_stream(&error) => break,
                Some(Err(error)) => tracing::warn!(%error, "the watch broke and is taken up again"),
                None => return,
            }
        }
        tracing::info!("this API server does not stream lists: they are read in pages");
        config.initial_list_strategy = watcher::InitialListStrategy::ListWatch;
    }
}

fn streams(config: &watcher::Config) -> bool {
    config.initial_list_strategy == watcher::InitialListStrategy::StreamingList
}

/// The API server does not know lists by a watch: before Kubernetes 1.34, or where that is turned off.
fn is_no_stream(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if matches!(status.code, 400 | 422))
}

/// One watch, and what it is for.
struct Watched {
    scope: usize,
    ctx: Arc<Context>,
    roll: Roll,
    listing: Arc<Listing>,
    leading: CancellationToken,
    /// The first list is in.
    listed: bool,
}

impl Watched {
    fn heard(&mut self, event: watcher::Event<Guarded>, api: &Api<Guarded>, selector: Option<&str>) {
        match event {
            watcher::Event::Init => self.ctx.index.begin_list(self.scope),
            watcher::Event::InitApply(object) => self.applied(object),
            watcher::Event::Apply(object) => {
                let secret = object.0.as_ref().ok().and_then(secret_of);
                self.applied(object);
                if let Some(secret) = secret.filter(|_| !self.leading.is_cancelled()) {
                    // For a deletion after this process took over, when the Secret may be gone. A Secret is read once per TTL.
                    let reader = Arc::clone(&self.ctx);
                    self.ctx.passes.spawn(async move { reader.secrets.login(&secret).await.is_ok() });
                }
            }
            watcher::Event::Delete(object) => self.gone(&object),
            watcher::Event::InitDone => self.all_listed(api, selector),
        }
    }

    /// The object is there, and is like this.
    fn applied(&self, mut object: Guarded) {
        if object.annotations().contains_key(LAST_APPLIED) {
            object.annotations_mut().remove(LAST_APPLIED);
        }
        self.roll.seen(&object);
        self.ctx.index.apply(self.scope, &object);
    }

    fn gone(&self, object: &Guarded) {
        self.roll.gone(object);
        let Some(uid) = object.uid() else { return };
        self.ctx.index.remove(&uid);
        // Behind the index: until it has dropped the object, a pass may still be asked for.
        self.ctx.memory.forget_released(&uid);
        self.ctx.in_use.forget(&uid);
    }

    fn all_listed(&mut self, api: &Api<Guarded>, selector: Option<&str>) {
        let ctx = &self.ctx;
        for object in ctx.index.end_list(self.scope) {
            self.gone(&object);
        }
        ctx.memory.relisted(|uid| ctx.index.contains(uid));
        ctx.in_use.relisted(|uid| ctx.index.contains(uid));
        if !std::mem::replace(&mut self.listed, true) {
            self.listing.one_more_done();
            ctx.passes.spawn(read_credentials(Arc::clone(ctx)));
            let selector = selector.map(str::to_owned);
            ctx.passes.spawn(past::look_back(Arc::clone(ctx), api.clone(), selector));
        }
        // Objects that cannot be decoded refer to Secrets that nobody can name: then nothing is forgotten.
        if ctx.index.all_decoded() {
            let secrets: HashSet<SecretName> = ctx.index.secrets().into_iter().collect();
            let namespaces = secrets.iter().map(|secret| secret.namespace.as_str()).collect();
            ctx.addresses.keep_only(&namespaces);
            ctx.secrets.keep_only(&secrets);
        }
    }
}

/// Reads every Secret that an object refers to once, so that deletions can finish although the Secrets go first.
async fn read_credentials(ctx: Arc<Context>) {
    for secret in ctx.index.secrets() {
        if ctx.stop.is_cancelled() {
            return;
        }
        // What is wrong with it is said by the objects that need it.
        let _ = ctx.secrets.login(&secret).await;
    }
}

/// Opens a gate once the objects of every served namespace were listed.
#[derive(Debug)]
pub(super) struct Listing {
    namespaces_left: AtomicUsize,
    synced: Gate,
    /// Cancelled then as well.
    pub(super) done: CancellationToken,
}

impl Listing {
    pub(super) fn new(namespaces: usize, synced: Gate) -> Self {
        Self { namespaces_left: AtomicUsize::new(namespaces), synced, done: CancellationToken::new() }
    }

    fn one_more_done(&self) {
        if self.namespaces_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.synced.open();
            self.done.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn only_an_api_server_that_cannot_stream_lists_is_read_in_pages() {
        let refused = |code| {
            let status = Status { code, ..Status::default() };
            watcher::Error::WatchStartFailed(kube::Error::Api(Box::new(status)))
        };
        // "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled" comes as 422.
        assert!(is_no_stream(&refused(422)));
        for passing in [401, 403, 404, 410, 429, 500, 503] {
            assert!(!is_no_stream(&refused(passing)), "{passing}");
        }
        assert!(!is_no_stream(&watcher::Error::NoResourceVersion));
    }
}
