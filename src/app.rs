//! Builds the parts, runs them, and joins them on shutdown.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::client::ClientBuilder;
use kube::{Api, Client, CustomResourceExt as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Gate};
use crate::api::{ConversationWebhook, MANAGER};
use crate::cli::{Config, LeaseArguments};
use crate::controller::{self, ApiRoom, Parts, Settings, Turn};
use crate::decide::Timing;
use crate::lanes::{Lanes, Limits};
use crate::lease::{Elector, Leadership, LeaseConfig, LeaseLost, LeaseTiming};
use crate::metrics::Metrics;
use crate::{telemetry, twilio};

/// How long the API server may take to begin and to go on with an answer to a request.
const API_TIMEOUT: Duration = Duration::from_secs(15);

/// Requests to the API server at a time. It shares its seats out among accounts, and refuses what its queues do not hold
/// (429). More than it works on at once only wait on one another, and what was read for them grows old meanwhile.
const API_REQUESTS: usize = 32;

/// How long creates under way have to be recorded after the Lease was lost.
const AFTER_LOSS: Duration = Duration::from_secs(30);

/// Pause between two looks at something that is not there yet at start.
const START_POLL: Duration = Duration::from_secs(2);

/// Runs the operator until it is told to stop.
///
/// # Errors
/// It cannot start, or cannot go on.
pub fn run(config: Config) -> anyhow::Result<()> {
    telemetry::start(config.log_format, &config.log_level).context("--log-level")?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let timing = Timing::REAL.scaled(config.time_scale);
    let lanes = Arc::new(Lanes::new(Limits::new(config.max_in_flight, &timing)));
    let metrics = Arc::new(Metrics::new().with_lanes(&lanes));
    let (installed, synced) = (Gate::new("crd-installed"), Gate::new("objects-listed"));
    let gates = vec![installed.clone(), synced.clone()];
    let (address, admin) =
        admin::bind(config.admin_address, gates, Arc::clone(&metrics), stop.clone().cancelled_owned())
            .await
            .with_context(|| format!("--admin-address {}", config.admin_address))?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving health and metrics");
    let admin = tokio::spawn(admin);

    let room = ApiRoom::new(API_REQUESTS);
    let Clients { requests, watches, lease: for_lease } = kubernetes_clients(&room).await?;
    let observers: Vec<Arc<dyn twilio::Observer>> = vec![metrics.clone(), lanes.clone()];
    let twilio = twilio_client(&config, timing, observers)?;
    let work = async {
        if config.crd_guard {
            wait_for_crd(&requests).await;
        }
        let cluster = match config.cluster_id.clone() {
            Some(cluster) => cluster,
            None => cluster_id(&requests).await?,
        };
        installed.open();
        tracing::info!(cluster, "serving objects");
        let settings = Settings {
            namespaces: config.namespaces,
            label_selector: config.label_selector,
            resync_interval: config.resync_interval,
            credentials_ttl: config.credentials_ttl,
            protect_secrets: config.protect_secrets,
            watched_secrets: config.watched_secrets,
            cluster,
            crd_guard: config.crd_guard,
            grant: config.grant,
            instance: instance(),
            timing,
        };
        let parts = Parts { requests: requests.clone(), watches, room, twilio, lanes, metrics, synced };
        let lease = config.lease.map(|lease| (lease_config(lease, &requests, config.time_scale), for_lease));
        Box::pin(lead(settings, parts, lease, stop.clone())).await
    };
    tokio::pin!(work);
    let starting = installed.clone();
    tokio::select! {
        done = &mut work => done?,
        // Before anything is served there is nothing to finish.
        () = async { stop.cancelled().await; if starting.is_open() { std::future::pending().await } } => {}
    }
    stop.cancel();
    admin.await.context("the admin server broke off")??;
    tracing::info!("stopped");
    Ok(())
}

/// Serves objects while this process leads, or always where nobody else can be there.
///
/// # Errors
/// The Lease was lost, or a create under way could not be finished.
async fn lead(
    settings: Settings,
    parts: Parts,
    lease: Option<(LeaseConfig, Client)>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Some((lease, client)) = lease else {
        let leading = CancellationToken::new();
        leading.cancel();
        let turn = Turn { leadership: Leadership::alone(), leading };
        return Ok(controller::run(settings, parts, turn, stop).await?);
    };
    let grace =
        AFTER_LOSS.mul_f64(lease.timing.duration.as_secs_f64() / LeaseTiming::REAL.duration.as_secs_f64());
    let mut elector = Elector::new(client, lease);
    let (leading, done) = (CancellationToken::new(), CancellationToken::new());
    let turn = Turn { leadership: elector.leadership(), leading: leading.clone() };
    let serving = controller::run(settings, parts, turn, stop.clone());
    let done_serving = done.clone();
    // The Lease, for as long as it is held.
    let electing = async move {
        if done_serving.run_until_cancelled(elector.acquire()).await.is_none() {
            return Ok(None);
        }
        leading.cancel();
        elector.hold(&done_serving).await?;
        Ok::<_, LeaseLost>(Some(elector))
    };
    tokio::pin!(serving, electing);
    tokio::select! {
        served = &mut serving => {
            // The Lease is renewed until nothing is under way, and given back then. What could not be finished keeps it:
            // it ends by itself.
            done.cancel();
            let held = electing.await?;
            served?;
            if let Some(elector) = held {
                elector.release().await;
            }
            Ok(())
        }
        lost = &mut electing => {
            // Nothing new is begun; what was made meanwhile is recorded, if that can be done in time.
            stop.cancel();
            let finished = tokio::time::timeout(grace, serving).await;
            tracing::error!(finished = finished.is_ok(), "the Lease is lost: leaving");
            lost.context("leading")?;
            anyhow::bail!("the election ended")
        }
    }
}

fn lease_config(lease: LeaseArguments, client: &Client, time_scale: f64) -> LeaseConfig {
    LeaseConfig {
        namespace: lease.namespace.unwrap_or_else(|| client.default_namespace().to_owned()),
        name: lease.name,
        // No two processes may have the same, not even one after the other in the same pod.
        identity: format!("{}_{}", instance(), uuid::Uuid::new_v4().simple()),
        timing: LeaseTiming::REAL.scaled(time_scale),
    }
}

/// Cancelled by SIGTERM and SIGINT.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let cancel = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: what is under way is finished first");
        cancel.cancel();
    });
    Ok(stop)
}

/// The ways to the API server.
struct Clients {
    /// Requests, not too many at a time.
    requests: Client,
    /// Watches, which stay silent for minutes.
    watches: Client,
    /// The Lease, which waits for nobody.
    lease: Client,
}

/// None of them repeats a request by itself: after a lost reply that would report our own write as somebody else's.
async fn kubernetes_clients(room: &ApiRoom) -> anyhow::Result<Clients> {
    let building = "building the client of the API server";
    let mut config = kube::Config::infer().await.context("finding the API server")?;
    config.default_retry = false;
    config.connect_timeout = Some(API_TIMEOUT);
    let watches = Client::try_from(config.clone()).context(building)?;
    config.read_timeout = Some(API_TIMEOUT);
    config.write_timeout = Some(API_TIMEOUT);
    let lease = Client::try_from(config.clone()).context(building)?;
    let requests = ClientBuilder::try_from(config).context(building)?;
    let requests = requests.with_layer(&room.layer()).build();
    Ok(Clients { requests, watches, lease })
}

fn twilio_client(
    config: &Config,
    timing: Timing,
    observers: Vec<Arc<dyn twilio::Observer>>,
) -> anyhow::Result<twilio::Client> {
    let ca_bundle_pem = match &config.twilio_ca_bundle {
        Some(path) => {
            Some(std::fs::read(path).with_context(|| format!("--twilio-ca-bundle {}", path.display()))?)
        }
        None => None,
    };
    let options = twilio::ClientOptions {
        base_url: config.twilio_base_url.clone(),
        allow_http: config.twilio_allow_http,
        ca_bundle_pem,
        connect_timeout: timing.request / 3,
        request_timeout: timing.request,
        user_agent: format!("{MANAGER}/{}", env!("CARGO_PKG_VERSION")),
        observer: Some(Arc::new(observers)),
    };
    twilio::Client::new(options).context("building the client of Twilio")
}

/// Waits for the CRD instead of crashing: a chart may install both in any order.
async fn wait_for_crd(client: &Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = ConversationWebhook::crd_name();
    let mut said = false;
    loop {
        match api.get_opt(name).await {
            Ok(Some(crd)) if is_established(&crd) => return,
            Ok(_) if !said => tracing::warn!(crd = name, "the CRD is not installed: waiting for it"),
            Err(error) if !said => tracing::warn!(%error, crd = name, "cannot read the CRD: tried again"),
            Ok(_) | Err(_) => {}
        }
        said = true;
        tokio::time::sleep(START_POLL).await;
    }
}

fn is_established(crd: &CustomResourceDefinition) -> bool {
    crd.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .any(|condition| condition.type_ == "Established" && condition.status == "True")
}

/// The uid of namespace `kube-system`, which lives as long as its cluster.
async fn cluster_id(client: &Client) -> anyhow::Result<String> {
    let api: Api<Namespace> = Api::all(client.clone());
    loop {
        match api.get("kube-system").await {
            Ok(namespace) => {
                return namespace.metadata.uid.context("namespace kube-system has no uid: set --cluster-id");
            }
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => {
                anyhow::bail!("namespace kube-system cannot be read: grant get on it, or set --cluster-id");
            }
            Err(error) => tracing::warn!(%error, "cannot read namespace kube-system: tried again"),
        }
        tokio::time::sleep(START_POLL).await;
    }
}

/// The name of this process, in Events.
fn instance() -> String {
    std::env::var("POD_NAME")
        .or_else(|_| std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()))
        .unwrap_or_else(|_| MANAGER.to_owned())
}
