//! A running simulator: a control handle and a server on a runtime of its own, so that tests in any number of
//! runtimes can share it, and none of them has to stay alive for it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control::{Control, ControlError, Origins};
use crate::delivery::{Courier, DeliveryHosts};
use crate::reply_check::WrongReply;
use crate::seed::Seed;
use crate::server;

const WORKER_THREADS: usize = 2;
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// How late a timer may be.
const TICK: Duration = Duration::from_millis(20);

/// How to start a simulator.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one. The default is a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// What it holds at its start, and after each reset.
    pub seed: Seed,
    /// What all SIDs and probabilities follow from.
    pub random_seed: u64,
    /// How many requests the journal holds, and how many deliveries are kept on record.
    pub journal_size: usize,
    /// Which hosts deliveries may go to; the default is this machine only.
    pub delivery_hosts: DeliveryHosts,
    /// Whether every true reply is held against Twilio's contract. A wrong one is a bug of the simulator: it is logged,
    /// kept for [`Control::violations`], and the [`Simulator`] panics at its end. The default is to do so in debug builds.
    pub check_replies: bool,
    /// How long the head of a request may take to arrive, and how long its body; an idle connection ends after as
    /// long. The default is 10 s.
    pub read_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: Seed::default(),
            random_seed: 0,
            journal_size: 10_000,
            delivery_hosts: DeliveryHosts::loopback(),
            check_replies: cfg!(debug_assertions),
            read_timeout: Duration::from_secs(10),
        }
    }
}

impl From<Seed> for Config {
    fn from(seed: Seed) -> Self {
        Self { seed, ..Self::default() }
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no runtime to be had.
    #[error("cannot start a runtime: {0}")]
    Runtime(#[source] io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The server could not be brought up.
    #[error("the server did not come up: {0}")]
    Server(#[source] tokio::task::JoinError),
    /// The seed makes no world.
    #[error("the seed is wrong: {0}")]
    Seed(#[from] ControlError),
}

/// A running simulator. It is also its own [`Control`]; it ends when it is dropped.
///
/// # Panics
///
/// At its end, dropped or stopped, when there are [violations](Control::violations) on record: a test that trusted
/// wrong replies must not pass. [`Self::stop_and_report`] hands them over instead.
#[derive(Debug)]
pub struct Simulator {
    control: Control,
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    _runtime: OwnRuntime,
}

impl Simulator {
    /// Starts a simulator; when this returns, it answers.
    pub async fn start(config: impl Into<Config>) -> Result<Self, StartError> {
        let Config { listen, seed, random_seed, journal_size, delivery_hosts, check_replies, read_timeout } =
            config.into();
        let runtime = OwnRuntime::start().map_err(StartError::Runtime)?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let courier = Courier::new(runtime.handle.clone(), tasks.clone(), delivery_hosts);
        let origins = Origins { seed, random_seed, journal_size, check_replies };
        let control = Control::new(origins, courier)?;

        let binding = runtime.handle.spawn(TcpListener::bind(listen));
        let bound = binding.await.map_err(StartError::Server)?;
        let refused = |source| StartError::Listen { address: listen, source };
        let listener = bound.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let serving = server::serve(listener, control.clone(), read_timeout, stop.clone(), tasks.clone());
        tasks.spawn_on(serving, &runtime.handle);
        tasks.spawn_on(tick(control.clone(), stop.clone()), &runtime.handle);
        Ok(Self { control, address, stop, tasks, _runtime: runtime })
    }

    /// The base URL, without a slash at its end: what a client uses in place of `https://conversations.twilio.com`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle that can be kept and cloned.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Ends it: no new connection, answers under way are finished, what takes longer than two seconds is cut off.
    pub async fn stop(self) {
        self.end().await;
    }

    /// The same as [`Self::stop`], and the violations are the caller's to deal with.
    pub async fn stop_and_report(self) -> Vec<WrongReply> {
        self.end().await;
        self.control.take_violations()
    }

    async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(STOP_WITHIN, self.tasks.wait()).await;
    }
}

impl Deref for Simulator {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
        // A panic on top of a panic would end the whole process, and the first one is already the test's failure.
        if std::thread::panicking() {
            return;
        }
        let wrong = self.control.violations();
        if let Some(first) = wrong.first() {
            #[allow(
                clippy::panic,
                reason = "a test that trusted a wrong reply has to fail, and has no other way"
            )]
            {
                panic!("{} of the simulator's replies were wrong; the first: {first}", wrong.len());
            }
        }
    }
}

/// Lets happen what happens without a request, until it is told to stop.
async fn tick(control: Control, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        control.settle();
    }
}

/// The simulator's runtime. A plain [`Runtime`] blocks when it is dropped, which inside another runtime is a panic.
#[derive(Debug)]
struct OwnRuntime {
    handle: Handle,
    /// Taken when it ends.
    runtime: Option<Runtime>,
}

impl OwnRuntime {
    fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .thread_name("simulator")
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
