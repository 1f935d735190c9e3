//! The Kubernetes side: watch the objects, run a pass where one is due, stop without leaving anything half done.
//!
//! ```text
//! watch ──► observe ──► decide (pure) ──► execute ──► status
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `pass`, `reconcile` | one pass as data, and as a loop: decide, do one thing, decide again |
//! | `observe`, `execute` | the reading and the doing half of a pass |
//! | `create` | the steps of a create |
//! | `ending` | what status says of a pass, and when the next is due |
//! | `write` | writes that know whether they were stored |
//! | `status`, `message`, `events` | what users see |
//! | `schedule`, `memory` | when the next pass is due, and what is remembered until then |
//! | `secrets`, `addresses`, `conversations` | credentials and addresses from Secrets, and the order and lists of conversations |
//! | `rotation` | Secrets that are watched, so that what is new in them serves at once |
//! | `in_use` | a finalizer on Secrets while objects need them |
//! | `silence` | what the API server did not answer a moment ago |
//! | `wakeup`, `census` | who waits for room on a conversation, and how much of an account is missing |
//! | `roll`, `past`, `vanished` | which objects are gone, now and just before the start, and those that went without their webhooks |
//! | `definition` | whether the kind itself is being deleted |
//! | `object`, `undecodable` | the object as decisions see it, and objects that cannot be decoded |
//! | `error`, `context` | what kept a pass from finishing, and what all passes share |

mod addresses;
mod census;
mod context;
mod conversations;
mod create;
mod definition;
mod ending;
mod error;
mod events;
mod execute;
mod in_use;
mod memory;
mod message;
mod object;
mod observe;
mod pass;
mod past;
mod reconcile;
mod roll;
mod rotation;
mod schedule;
mod secrets;
mod silence;
mod status;
mod undecodable;
mod vanished;
mod wakeup;
mod write;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::future::join_all;
use futures::stream::{self, BoxStream};
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::addresses::Addresses;
use self::census::Census;
use self::context::Context;
use self::conversations::Conversations;
use self::definition::Definition;
use self::events::Events;
use self::in_use::InUse;
use self::memory::Memory;
use self::object::Guarded;
use self::roll::Roll;
pub use self::rotation::SecretScope;
use self::secrets::{SecretName, Secrets};
use self::vanished::Vanished;
use self::wakeup::Waiters;
use crate::admin::Gate;
use crate::decide::Timing;
use crate::lanes::Lanes;
use crate::lease::Leadership;
use crate::metrics::Metrics;
use crate::twilio;

/// What the controller works with.
#[derive(Debug)]
pub struct Settings {
    /// Served namespaces; empty means all.
    pub namespaces: Vec<String>,
    /// Only objects with these labels are served.
    pub label_selector: Option<String>,
    /// Time between two checks of an object that does not say.
    pub resync_interval: Duration,
    /// How long a Secret that was read serves.
    pub credentials_ttl: Duration,
    /// Secrets get a finalizer while objects need their credentials.
    pub protect_secrets: bool,
    /// Secrets that are watched, so that what is new in them serves at once.
    pub watched_secrets: Vec<SecretScope>,
    /// Id of the cluster.
    pub cluster: String,
    /// Webhooks stay while the kind itself is being deleted.
    pub crd_guard: bool,
    /// How the owner of a namespace lets this process read Secrets there, for messages.
    pub grant: Option<SecretGrant>,
    /// Name of this process, in Events.
    pub instance: String,
    /// The protocol's windows.
    pub timing: Timing,
}

/// How the owner of a namespace lets the operator read Secrets there: by a `RoleBinding` of this role to this account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretGrant {
    /// Name of a `ClusterRole`.
    pub cluster_role: String,
    /// `namespace:name`.
    pub service_account: String,
}

/// The parts that the controller talks to.
#[expect(missing_debug_implementations, reason = "kube's clients have none")]
pub struct Parts {
    /// For requests: with a bound on the time that one may take.
    pub requests: Client,
    /// For watches: these stay silent for minutes.
    pub watches: Client,
    /// Twilio.
    pub twilio: twilio::Client,
    /// What each account's requests may cost; hears of the client's requests.
    pub lanes: Arc<Lanes>,
    /// Where numbers go.
    pub metrics: Arc<Metrics>,
    /// Opens when the first list of all objects is in.
    pub synced: Gate,
}

/// Whether it is this process's turn to act.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Asked before each step that has an effect.
    pub leadership: Leadership,
    /// Cancelled once, when this process begins to lead. Until then it lists, watches and reads credentials, and acts on
    /// nothing.
    pub leading: CancellationToken,
}

/// How long a stop waits for creates under way to be recorded; the pod's grace period is longer.
const STOP_WITHIN: Duration = Duration::from_secs(75);

/// A create was still under way when the time to stop was up.
#[derive(Debug, thiserror::Error)]
#[error("stopped with a create under way: its outcome is looked for at the next start")]
pub struct Unfinished;

/// Serves objects until `stop`, then finishes the creates under way.
///
/// # Errors
/// They took too long.
pub async fn run(
    settings: Settings,
    parts: Parts,
    turn: Turn,
    stop: CancellationToken,
) -> Result<(), Unfinished> {
    let apis: Vec<Api<Guarded>> = if settings.namespaces.is_empty() {
        vec![Api::all(parts.watches.clone())]
    } else {
        settings
            .namespaces
            .iter()
            .map(|namespace| Api::namespaced(parts.watches.clone(), namespace))
            .collect()
    };
    let (stores, writers): (Vec<_>, Vec<_>) = apis.iter().map(|_| reflector::store::<Guarded>()).unzip();
    let (bells, calls): (Vec<_>, Vec<_>) = apis.iter().map(|_| mpsc::unbounded()).unzip();
    let (events, publishing) = Events::start(parts.requests.clone(), settings.instance);
    let publishing = tokio::spawn(publishing);
    let passes = TaskTracker::new();
    let ctx = Arc::new(Context {
        secrets: Secrets::new(
            parts.requests.clone(),
            settings.credentials_ttl,
            settings.timing.credentials_poll,
        ),
        addresses: Addresses::new(
            parts.requests.clone(),
            settings.credentials_ttl,
            settings.timing.credentials_poll,
        ),
        news: rotation::News::default(),
        in_use: InUse::new(settings.protect_secrets),
        kube: parts.requests.clone(),
        twilio: parts.twilio,
        definition: Definition::new(parts.requests.clone(), settings.timing.board / 20, settings.crd_guard),
        cluster: settings.cluster,
        grant: settings.grant,
        namespaces: settings.namespaces,
        timing: settings.timing,
        resync_interval: settings.resync_interval,
        conversations: Conversations::default(),
        lanes: parts.lanes,
        memory: Memory::default(),
        vanished: Vanished::default(),
        // Absences are seen twice before they count.
        census: Census::new(settings.resync_interval.max(settings.timing.settle * 2)),
        waiters: Waiters::default(),
        bells,
        events,
        metrics: parts.metrics,
        stores: stores.clone(),
        passes: passes.clone(),
        leadership: turn.leadership,
        stop: stop.clone(),
    });
    rotation::start(&ctx, &parts.watches, &settings.watched_secrets);
    let (led, metrics, counted) = (Arc::clone(&ctx), Arc::clone(&ctx.metrics), stores.clone());
    let listing = Arc::new(Listing::new(apis.len(), parts.synced));
    let config = settings
        .label_selector
        .map_or_else(watcher::Config::default, |selector| watcher::Config::default().labels(&selector));
    let controllers: Vec<_> = apis
        .into_iter()
        .zip(stores)
        .zip(writers)
        .zip(calls)
        .map(|(((api, store), writer), calls)| {
            let cache = (store, writer);
            let (ctx, listing) = (Arc::clone(&ctx), Arc::clone(&listing));
            serve(api, config.clone(), cache, calls, ctx, listing, turn.leading.clone())
        })
        .collect();
    let leading = async move {
        turn.leading.cancelled().await;
        vanished::clean_up_all(&led);
        rotation::catch_up(&led);
        metrics.acts(move || object::count(&counted));
        std::future::pending::<()>().await;
    };
    let serving = async {
        tokio::select! {
            _ = join_all(controllers) => {}
            () = leading => {}
        }
    };
    let stopping = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_WITHIN).await;
    };
    tokio::select! {
        () = serving => {}
        () = stopping => return Err(Unfinished),
    }
    passes.close();
    passes.wait().await;
    ctx.metrics.rests();
    // The last Events go out once nobody is left to write more.
    drop(ctx);
    if tokio::time::timeout(Duration::from_secs(5), publishing).await.is_err() {
        tracing::debug!("some Events were not published before the stop");
    }
    Ok(())
}

async fn serve(
    api: Api<Guarded>,
    config: watcher::Config,
    (store, writer): (Store<Guarded>, reflector::store::Writer<Guarded>),
    calls: UnboundedReceiver<ObjectRef<Guarded>>,
    ctx: Arc<Context>,
    listing: Arc<Listing>,
    leading: CancellationToken,
) {
    let stop = ctx.stop.clone();
    let mut roll = Roll::new(Arc::clone(&ctx), store.clone());
    let mut listed = false;
    let past = (api.clone(), config.label_selector.clone());
    let objects = watcher(api, config)
        .default_backoff()
        .modify(|object| object.managed_fields_mut().clear())
        // Ahead of the cache, which forgets with the new list what is not on it.
        .inspect(move |event| roll.call(event))
        .reflect(writer);
    let forgetting = Arc::clone(&ctx);
    let objects = objects
        .inspect(move |event| match event {
            Ok(watcher::Event::InitDone) => {
                if !std::mem::replace(&mut listed, true) {
                    listing.one_more_done();
                    forgetting.passes.spawn(read_credentials(Arc::clone(&forgetting)));
                    let (api, selector) = past.clone();
                    forgetting.passes.spawn(past::look_back(Arc::clone(&forgetting), api, selector));
                }
                // What vanished while the watch was down.
                let stores = forgetting.stores.iter();
                let uids: HashSet<String> =
                    stores.flat_map(Store::state).filter_map(|object| object.uid()).collect();
                forgetting.memory.relisted(&uids);
                forgetting.in_use.relisted(&uids);
                // Objects that cannot be decoded refer to Secrets that nobody can name: then nothing is forgotten.
                if forgetting.stores.iter().flat_map(Store::state).all(|object| object.0.is_ok()) {
                    let secrets = referred(&forgetting);
                    let namespaces = secrets.iter().map(|secret| secret.namespace.as_str()).collect();
                    forgetting.addresses.keep_only(&namespaces);
                    forgetting.secrets.keep_only(&secrets);
                }
            }
            // Behind the cache: until it has dropped the object, a pass may still be asked for.
            Ok(watcher::Event::Delete(object)) => {
                if let Some(uid) = object.uid() {
                    forgetting.memory.forget_released(&uid);
                    forgetting.in_use.forget(&uid);
                }
            }
            Err(error) => tracing::warn!(%error, "the watch broke and is taken up again"),
            Ok(_) => {}
        })
        .applied_objects()
        .boxed();
    let Some(objects) = stand_by(objects, &store, &ctx, &leading).await else { return };
    Controller::for_stream(objects, store)
        .with_config(Config::default())
        .reconcile_on(calls)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(reconcile::reconcile, |_, never, _| -> Action { match *never {} }, ctx)
        .for_each(|outcome| async move {
            if let Err(error) = outcome {
                tracing::debug!(%error, "a reconcile request came to nothing");
            }
        })
        .await;
}

/// What a controller reads: objects as the watch brings them.
type Objects = BoxStream<'static, watcher::Result<Guarded>>;

/// Keeps cache and credentials warm until this process leads; then every object is looked at once. `None`: told to stop.
async fn stand_by(
    mut objects: Objects,
    store: &Store<Guarded>,
    ctx: &Arc<Context>,
    leading: &CancellationToken,
) -> Option<Objects> {
    loop {
        let next = tokio::select! {
            biased;
            () = leading.cancelled() => {
                let known: Vec<_> = store.state().iter().map(|object| Ok(Guarded::clone(object))).collect();
                return Some(stream::iter(known).chain(objects).boxed());
            }
            () = ctx.stop.cancelled() => return None,
            next = objects.next() => next?,
        };
        if let Some(secret) = next.ok().as_ref().and_then(secret_of) {
            // For a deletion after this process took over, when the Secret may be gone. A Secret is read once per TTL.
            let reader = Arc::clone(ctx);
            ctx.passes.spawn(async move { reader.secrets.login(&secret).await.is_ok() });
        }
    }
}

/// The Secret that an object refers to for its credentials.
fn secret_of(guarded: &Guarded) -> Option<SecretName> {
    let object = guarded.0.as_ref().ok()?;
    let name = object.spec.credentials_secret_ref.name.clone();
    Some(SecretName { namespace: object.namespace()?, name })
}

/// The Secrets that objects refer to for their credentials.
fn referred(ctx: &Context) -> HashSet<SecretName> {
    let objects = ctx.stores.iter().flat_map(Store::state);
    objects.filter_map(|guarded| secret_of(&guarded)).collect()
}

/// Reads every Secret that an object refers to once, so that deletions can finish although the Secrets go first.
async fn read_credentials(ctx: Arc<Context>) {
    for secret in referred(&ctx) {
        if ctx.stop.is_cancelled() {
            return;
        }
        // What is wrong with it is said by the objects that need it.
        let _ = ctx.secrets.login(&secret).await;
    }
}

/// Opens a gate once the objects of every served namespace were listed.
#[derive(Debug)]
struct Listing {
    namespaces_left: AtomicUsize,
    synced: Gate,
}

impl Listing {
    fn new(namespaces: usize, synced: Gate) -> Self {
        Self { namespaces_left: AtomicUsize::new(namespaces), synced }
    }

    fn one_more_done(&self) {
        if self.namespaces_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.synced.open();
        }
    }
}
