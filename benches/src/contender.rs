//! Who is measured.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use controlplane::Process;

use crate::stage::{Level, Stage, program};

/// Who makes the webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Contender {
    /// A loop of the operator's writes.
    Floor,
    /// The operator.
    Operator,
    /// An ordinary kube-rs controller, as the examples have it.
    KubeRs,
    /// The same, tuned as its documentation says.
    KubeRsTuned,
    /// An ordinary controller-runtime operator, by default one object at a time.
    ControllerRuntime,
    /// The same with 64 workers and all that looks before a create left out.
    ControllerRuntimeTuned,
    /// The same with 64 workers that look before a create.
    ControllerRuntimeLooking,
}

/// Where Go's program is put, beside Rust's.
const PEER_GO: &str = "peer-controller-runtime";

impl Contender {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Operator => "operator",
            Self::KubeRs => "kube-rs, stock",
            Self::KubeRsTuned => "kube-rs, tuned",
            Self::ControllerRuntime => "controller-runtime, default",
            Self::ControllerRuntimeTuned => "controller-runtime, tuned",
            Self::ControllerRuntimeLooking => "controller-runtime, 64 workers that look",
        }
    }

    /// Whether its program is there.
    pub(crate) fn check(self) -> Result<()> {
        match (self, self.peer()) {
            (Self::Operator, _) => program("conversation-webhook-operator").map(drop),
            (_, Some((name, _))) => program(name).map(drop),
            (_, None) => Ok(()),
        }
    }

    /// Program and arguments of a peer.
    fn peer(self) -> Option<(&'static str, &'static [&'static str])> {
        Some(match self {
            Self::Floor | Self::Operator => return None,
            Self::KubeRs => ("peer-kube-rs", &[]),
            Self::KubeRsTuned => ("peer-kube-rs", &["--filter-stream", "--concurrency=64"]),
            Self::ControllerRuntime => (PEER_GO, &[]),
            Self::ControllerRuntimeTuned => {
                (PEER_GO, &["--workers=64", "--look=false", "--generation-predicate", "--qps=-1"])
            }
            Self::ControllerRuntimeLooking => {
                (PEER_GO, &["--workers=64", "--generation-predicate", "--qps=-1"])
            }
        })
    }
}

/// A peer's process.
pub(crate) struct Peer(Process);

impl Peer {
    /// Starts a peer; `None` for who is none.
    pub(crate) fn start(contender: Contender, stage: &Stage) -> Result<Option<Self>> {
        let Some((name, arguments)) = contender.peer() else { return Ok(None) };
        let log = stage.scratch.path().join("peer.log");
        let process = Process::start(&program(name)?, &log, |command| {
            command.arg(format!("--twilio-base-url={}", stage.twilio.url)).args(arguments);
            command.env("KUBECONFIG", &stage.kubeconfig);
        })?;
        Ok(Some(Self(process)))
    }

    /// What its process used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(self.0.pid())
    }
}

/// The operator's process, as it runs in a cluster.
pub(crate) struct Operator {
    process: Process,
    log: PathBuf,
    verbose: bool,
    admin: String,
    http: reqwest::Client,
}

impl Operator {
    pub(crate) fn start(stage: &Stage) -> Result<Self> {
        Self::start_with(stage, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(stage: &Stage, further: &[&str]) -> Result<Self> {
        // Free at this moment, and nobody else asks for ports here.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = stage.scratch.path().join("operator.log");
        let process = Process::start(&program("conversation-webhook-operator")?, &log, |command| {
            command
                .args(["run", "--twilio-allow-http=true", "--leader-elect=false"])
                .arg(format!("--log-level={}", stage.size.log.name()))
                .arg(format!("--twilio-base-url={}", stage.twilio.url))
                .arg(format!("--max-in-flight-per-account={}", stage.size.in_flight))
                .arg(format!("--admin-address={address}"))
                .args(further)
                .env("KUBECONFIG", &stage.kubeconfig)
                // As in its image.
                .env("MALLOC_ARENA_MAX", "1");
        })?;
        let verbose = stage.size.log != Level::Warn;
        Ok(Self { process, log, verbose, admin: format!("http://{address}"), http: reqwest::Client::new() })
    }

    /// What its process used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(self.process.pid())
    }

    /// Waits until it has seen so many objects.
    pub(crate) async fn knows(&self, objects: u32) -> Result<()> {
        self.wait_for("cwo_objects{", objects).await
    }

    /// Waits until the sum of these numbers is so high.
    pub(crate) async fn wait_for(&self, numbers: &str, least: u32) -> Result<()> {
        while self.sum(numbers).await < least {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The sum of the numbers whose lines begin like this; 0 before it answers.
    pub(crate) async fn sum(&self, numbers: &str) -> u32 {
        let Ok(reply) = self.http.get(format!("{}/metrics", self.admin)).send().await else { return 0 };
        let text = reply.text().await.unwrap_or_default();
        let lines = text.lines().filter(|line| line.starts_with(numbers));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).sum()
    }

    /// Ends it as a kubelet does.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.process.signal("TERM")?;
        while self.process.exited().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if self.verbose {
            eprintln!("{}", std::fs::read_to_string(&self.log)?);
        }
        Ok(())
    }
}

/// What a process used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// User and system time.
    pub(crate) cpu: Duration,
    /// Resident set, in bytes.
    pub(crate) resident: u64,
    /// The largest that it ever was, in bytes.
    pub(crate) peak: u64,
}

impl Usage {
    fn of(pid: u32) -> Result<Self> {
        let proc = Path::new("/proc").join(pid.to_string());
        let status = std::fs::read_to_string(proc.join("status"))?;
        let bytes = |field: &str| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
                .context("no memory")?;
            anyhow::Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
        };
        let stat = std::fs::read_to_string(proc.join("stat"))?;
        // The name, in parentheses, may hold anything.
        let (_, fields) = stat.rsplit_once(')').context("no times")?;
        let ticks = |at: usize| fields.split_whitespace().nth(at).and_then(|field| field.parse::<u64>().ok());
        let ticks = ticks(11).zip(ticks(12)).map(|(user, system)| user + system).context("no times")?;
        // Linux counts for programs in hundredths of a second whatever the kernel's own clock does.
        Ok(Self { cpu: Duration::from_millis(ticks * 10), resident: bytes("VmRSS")?, peak: bytes("VmHWM")? })
    }
}
