//! The watch: keeps the index as the API server has the objects.
//!
//! Lists come in small pages: nobody holds many objects at once.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{Stream, StreamExt};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::context::Context;
use super::guarded::Guarded;
use super::index::secret_of;
use super::past;
use super::roll::Roll;
use super::secrets::SecretName;
use crate::admin::Gate;

/// Objects that are listed at a time: each page costs the API server as much as 300 objects do beside what is in it, and this
/// process the memory for two pages.
const PAGE: u32 = 320;

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
    // By quorum, and not as a stream: kube asks for those by resourceVersion 0, which any old state of a lagging API server
    // satisfies, and what is made rests on what was listed.
    let events = watcher(api.clone(), config.page_size(PAGE)).default_backoff();
    let (mut events, fetching) = ahead(events, PAGE as usize);
    while let Some(event) = watched.ctx.stop.run_until_cancelled(events.recv()).await {
        match event {
            Some(Ok(event)) => watched.heard(event, &api, selector.as_deref()),
            Some(Err(error)) => tracing::warn!(%error, "the watch broke and is taken up again"),
            // It ends by a panic only: then the process does, or these objects would be served by nobody.
            None => {
                if let Err(Ok(panic)) = fetching.await.map_err(JoinError::try_into_panic) {
                    resume_unwind(panic);
                }
                return;
            }
        }
    }
}

/// The same, with up to so many items fetched ahead: while one page is packed, the next one is on its way.
fn ahead<T: Send + 'static>(
    stream: impl Stream<Item = T> + Send + 'static,
    items: usize,
) -> (mpsc::Receiver<T>, AbortOnDropHandle<()>) {
    let (sender, receiver) = mpsc::channel(items);
    let fetching = tokio::spawn(async move {
        let mut stream = pin!(stream);
        while let Some(item) = stream.next().await {
            if sender.send(item).await.is_err() {
                return;
            }
        }
    });
    (receiver, AbortOnDropHandle::new(fetching))
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
        if !self.listed || !self.leading.is_cancelled() {
            ctx.passes.spawn(read_credentials(Arc::clone(ctx)));
        }
        if !std::mem::replace(&mut self.listed, true) {
            self.listing.one_more_done();
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
}

impl Listing {
    pub(super) fn new(namespaces: usize, synced: Gate) -> Self {
        Self { namespaces_left: AtomicUsize::new(namespaces), synced }
    }

    fn one_more_done(&self) {
        if self.namespaces_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.synced.open();
        }
    }
}
