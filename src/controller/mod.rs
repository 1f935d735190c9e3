//! The Kubernetes side: watch the objects, run a pass where one is due, stop without leaving anything half done.
//!
//! ```text
//! watch ──► observe ──► decide (pure) ──► execute ──► status
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `watch`, `index` | every object as the API server has it, packed while at rest, and whose turn it is |
//! | `runner`, `room` | passes begin, as far as there is room for them |
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
//! | `guarded`, `object`, `undecodable` | the object as it is read and as decisions see it, and objects that cannot be decoded |
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
mod guarded;
mod in_use;
mod index;
mod memory;
mod message;
mod object;
mod observe;
mod pass;
mod past;
mod reconcile;
mod roll;
mod room;
mod rotation;
mod runner;
mod schedule;
mod secrets;
mod silence;
mod status;
mod undecodable;
mod vanished;
mod wakeup;
mod watch;
mod write;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::addresses::Addresses;
use self::census::Census;
use self::context::Context;
use self::conversations::Conversations;
use self::definition::Definition;
use self::events::Events;
use self::guarded::Guarded;
use self::in_use::InUse;
use self::index::Index;
use self::memory::Memory;
pub use self::room::ApiRoom;
pub use self::rotation::SecretScope;
use self::secrets::Secrets;
use self::vanished::Vanished;
use self::wakeup::Waiters;
use self::watch::{Listing, watch};
use crate::admin::Gate;
use crate::decide::Timing;
use crate::lanes::Lanes;
use crate::lease::Leadership;
use crate::metrics::Metrics;
use crate::queue;
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
    /// How many of these may be under way.
    pub room: ApiRoom,
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

/// How many times as long as a request to Twilio may take a stop waits for creates under way to be recorded: 75 s. The pod's
/// grace period is longer.
const STOP_WITHIN: u32 = 5;

/// Why serving ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// A create was still under way when the time to stop was up.
    #[error("stopped with a create under way: its outcome is looked for at the next start")]
    Unfinished,
    /// There is no memory for what packs objects.
    #[error("objects cannot be packed: {0}")]
    Pack(#[source] std::io::Error),
}

/// Serves objects until `stop`, then finishes the creates under way.
///
/// # Errors
/// They took too long, or nothing could be begun.
pub async fn run(
    settings: Settings,
    parts: Parts,
    turn: Turn,
    stop: CancellationToken,
) -> Result<(), Failed> {
    let apis: Vec<Api<Guarded>> = if settings.namespaces.is_empty() {
        vec![Api::all(parts.watches.clone())]
    } else {
        settings
            .namespaces
            .iter()
            .map(|namespace| Api::namespaced(parts.watches.clone(), namespace))
            .collect()
    };
    let (events, publishing) = Events::start(parts.requests.clone(), settings.instance);
    let publishing = tokio::spawn(publishing);
    // A pass that is about to write is with Twilio for some of that time: measured, half as many again keep the API server busy.
    let writers = parts.room.size().saturating_mul(3) / 2;
    let limits = queue::Limits::new(parts.lanes.ceiling(), writers);
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
        conversations: Conversations::new(&settings.timing),
        lanes: parts.lanes,
        memory: Memory::default(),
        vanished: Vanished::default(),
        // Absences are seen twice before they count.
        census: Census::new(settings.resync_interval.max(settings.timing.settle * 2)),
        waiters: Waiters::default(),
        events,
        metrics: parts.metrics,
        index: Index::new(apis.len(), settings.resync_interval, settings.timing.settle, limits)
            .map_err(Failed::Pack)?,
        passes: passes.clone(),
        leadership: turn.leadership,
        stop: stop.clone(),
    });
    rotation::start(&ctx, &parts.watches, &settings.watched_secrets);
    let listing = Arc::new(Listing::new(apis.len(), parts.synced));
    let selector = settings.label_selector;
    let watches: Vec<_> = apis
        .into_iter()
        .enumerate()
        .map(|(scope, api)| {
            let (ctx, listing) = (Arc::clone(&ctx), Arc::clone(&listing));
            watch(scope, api, selector.clone(), ctx, listing, turn.leading.clone())
        })
        .collect();
    let leading = async {
        turn.leading.cancelled().await;
        vanished::clean_up_all(&ctx);
        let counted = Arc::clone(&ctx);
        ctx.metrics.acts(move || counted.index.count());
        rotation::catch_up(&ctx);
        ctx.index.activate();
        runner::run(&ctx, &parts.room).await;
    };
    let serving = async {
        tokio::select! {
            // They end with the process.
            _ = join_all(watches) => {}
            () = leading => {}
        }
        passes.close();
        passes.wait().await;
    };
    let patience = settings.timing.request.saturating_mul(STOP_WITHIN);
    let stopping = async {
        stop.cancelled().await;
        tokio::time::sleep(patience).await;
    };
    tokio::select! {
        () = serving => {}
        () = stopping => return Err(Failed::Unfinished),
    }
    ctx.metrics.rests();
    // The last Events go out once nobody is left to write more.
    drop(ctx);
    if tokio::time::timeout(Duration::from_secs(5), publishing).await.is_err() {
        tracing::debug!("some Events were not published before the stop");
    }
    Ok(())
}
