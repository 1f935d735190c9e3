//! A running control plane: starting, breaking, restarting, stopping.

use std::ops::Deref;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::sync::OnceCell;
use tokio::task;
use tokio::time::sleep;

use crate::binaries::Binaries;
use crate::builder::Builder;
use crate::cluster::Cluster;
use crate::detached;
use crate::layout::Layout;
use crate::part::{self, Part};
use crate::ports;
use crate::scratch::Scratch;
use crate::servers::Servers;

/// From the start of the processes to `/readyz`. It takes some seconds on an idle machine; this is for a busy one.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// Between two looks at a server that is starting.
const POLL: Duration = Duration::from_millis(50);

/// How often a start is tried because another process took a port between our look at it and its use.
const ATTEMPTS: usize = 5;

/// A running control plane. It is bound to no async runtime: the processes belong to this process, and every client is
/// made in the runtime that asks for it.
///
/// What a client needs is in the [`Cluster`] that it dereferences to. Dropping it kills the processes and removes its
/// temporary directory; so does the end of this process, even by SIGKILL.
#[derive(Debug)]
pub struct ControlPlane {
    cluster: Cluster,
    // Before `scratch`: the processes must be gone when their directory goes.
    servers: Servers,
    scratch: Scratch,
}

impl Deref for ControlPlane {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl ControlPlane {
    /// Starts etcd and the API server in a temporary directory and waits until they are ready.
    pub async fn start() -> Result<Self> {
        Self::builder().start().await
    }

    /// Options first.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The one control plane of this process, started without options by the first test that asks for it. Tests share
    /// it by working in namespaces of their own; one that breaks it or needs options starts its own.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Starts a control plane that lives on when this process ends, with everything in `directory`.
    /// [`Builder::start_detached`] takes options.
    pub async fn start_detached(directory: &Path) -> Result<Cluster> {
        Self::builder().start_detached(directory).await
    }

    /// Stops what [`ControlPlane::start_detached`] started in `directory`, and leaves the directory. Nothing to stop is
    /// no error. A process id is trusted only while its command line still names the program and this directory.
    pub async fn stop_detached(directory: &Path) -> Result<()> {
        detached::stop(directory).await
    }

    pub(crate) async fn start_in(scratch: Scratch, options: &Builder) -> Result<Self> {
        let binaries = Binaries::locate()?;
        let layout = Layout::new(scratch.path());
        let mut attempt = 1;
        loop {
            let [etcd, peers, api] = ports::free()?;
            let cluster = Cluster::new(layout.clone(), format!("https://127.0.0.1:{api}"), binaries.clone());
            part::write_inputs(&layout, &cluster.write_admin_kubeconfig()?)?;

            let mut specs = vec![
                (Part::Etcd, part::etcd(&binaries, &layout, etcd, peers)),
                (Part::ApiServer, part::api_server(&binaries, &layout, etcd, api, &options.api_server_flags)),
            ];
            if options.controller_manager {
                specs.push((Part::ControllerManager, part::controller_manager(&binaries, &layout)?));
            }
            let servers = Servers::new(specs);
            // The API server waits for etcd by itself.
            servers.start(Part::Etcd)?;
            servers.start(Part::ApiServer)?;

            match until_ready(&cluster, &servers).await {
                Ok(()) => {
                    if options.controller_manager {
                        servers.start(Part::ControllerManager)?;
                    }
                    return Ok(Self { cluster, servers, scratch });
                }
                Err(_) if attempt < ATTEMPTS && servers.lost_a_port() => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Kills one part with SIGKILL, as a crash would. Killing what does not run does nothing.
    pub fn kill(&self, part: Part) {
        self.servers.kill(part);
    }

    /// Kills one part if it runs, starts it again on the same data and port, and waits until the API server is ready.
    pub async fn restart(&self, part: Part) -> Result<()> {
        self.servers.kill(part);
        self.servers.start(part)?;
        until_ready(&self.cluster, &self.servers).await
    }

    /// Stops one part in its tracks (SIGSTOP): connections stay open and nothing answers from here on.
    pub async fn pause(&self, part: Part) -> Result<()> {
        self.servers.signal(part, "STOP")?;
        while !self.servers.is_stopped(part)? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Lets a paused part go on.
    pub fn resume(&self, part: Part) -> Result<()> {
        self.servers.signal(part, "CONT")
    }

    /// The process id of a part, where it runs.
    #[must_use]
    pub fn pid(&self, part: Part) -> Option<u32> {
        self.servers.pid(part)
    }

    /// The last lines of a part's log, for an error message.
    #[must_use]
    pub fn log_tail(&self, part: Part) -> String {
        self.servers.log_tail(part)
    }

    /// Kills all parts and removes the temporary directory. Dropping does the same, but blocks the thread meanwhile.
    pub async fn stop(self) -> Result<()> {
        task::spawn_blocking(move || drop(self)).await.context("stop the control plane")
    }

    /// Lets the processes live on.
    pub(crate) fn detach(self) -> Result<Cluster> {
        let Self { cluster, servers, scratch: _kept } = self;
        detached::record(&cluster, &servers)?;
        servers.release()?;
        Ok(cluster)
    }
}

async fn until_ready(cluster: &Cluster, servers: &Servers) -> Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        let answer = cluster.ready().await;
        // Also after a good answer: it may come from a server on top of somebody else's etcd, if ours lost its port.
        servers.check_alive()?;
        match answer {
            Ok(()) => return Ok(()),
            Err(_) if Instant::now() < deadline => sleep(POLL).await,
            Err(error) => {
                return Err(error.context(format!(
                    "the API server was not ready within {READY_WITHIN:?}; the end of its log:\n{}",
                    servers.log_tail(Part::ApiServer)
                )));
            }
        }
    }
}
