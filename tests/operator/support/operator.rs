//! The operator's process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use controlplane::Process;
use tempfile::TempDir;

use super::eventually;

/// A running operator. It is killed when dropped, and when the test process dies; when a test fails, the end of its log
/// is shown.
pub(crate) struct Operator {
    process: Process,
    log: PathBuf,
    _directory: TempDir,
}

impl Operator {
    /// Starts the operator and waits until it is ready.
    pub(crate) async fn start(kubeconfig: &Path, arguments: &[String]) -> Self {
        let operator = Self::spawn(kubeconfig, arguments);
        eventually("the operator is ready", Duration::from_mins(1), async || {
            (operator.status("/readyz").await == 200).then_some(())
        })
        .await;
        operator
    }

    /// Starts the operator.
    pub(crate) fn spawn(kubeconfig: &Path, arguments: &[String]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("operator.log");
        let program = Path::new(env!("CARGO_BIN_EXE_conversation-webhook-operator"));
        let process = Process::start(program, &log, |command| {
            if !arguments.iter().any(|argument| argument.starts_with("--log-level=")) {
                command.env("CWO_LOG_LEVEL", "info,conversation_webhook_operator=trace");
            }
            if !arguments.iter().any(|argument| argument.starts_with("--lease-n")) {
                // Most tests run one operator, and kill it: nobody should have to wait for the end of its Lease.
                command.env("CWO_LEADER_ELECT", "false");
            }
            // A port that is free, which its log names: one that is looked for here might be gone when it gets there.
            command.arg("run").args(arguments).arg("--admin-address=127.0.0.1:0");
            command.env("KUBECONFIG", kubeconfig);
        })
        .unwrap();
        Self { process, log, _directory: directory }
    }

    /// A path of the admin address; `None` as long as nobody listens.
    fn url(&self, path: &str) -> Option<String> {
        const HOST: &str = "127.0.0.1:";
        let log = BufReader::new(File::open(&self.log).ok()?);
        let line =
            log.lines().map_while(Result::ok).find(|line| line.contains("serving health and metrics"))?;
        let (_, port) = line.split_once(HOST)?;
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        Some(format!("http://{HOST}{port}{path}"))
    }

    /// A path of the admin address.
    pub(crate) async fn admin(&self, path: &str) -> String {
        let url = self.url(path).expect("the operator says where it listens");
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }

    /// The HTTP status of a path of the admin address; 0 while nobody listens.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        let Some(url) = self.url(path) else { return 0 };
        reqwest::get(url).await.map_or(0, |answer| answer.status().as_u16())
    }

    /// Stops it in its tracks (SIGSTOP): it neither sees nor does anything until it is resumed.
    pub(crate) async fn pause(&mut self) {
        self.process.signal("STOP").unwrap();
        eventually("the operator stands still", Duration::from_secs(10), async || {
            self.process.is_stopped().unwrap().then_some(())
        })
        .await;
    }

    /// The same for one that may have ended by itself: whether it stands still.
    pub(crate) async fn pause_if_it_runs(&mut self) -> bool {
        self.process.signal("STOP").unwrap();
        let what = "the operator stands still, or is at its end";
        eventually(what, Duration::from_secs(10), async || {
            let stands_still = self.process.is_stopped().unwrap();
            (stands_still || self.process.exited().is_some()).then_some(stands_still)
        })
        .await
    }

    /// Lets it go on.
    pub(crate) fn resume(&mut self) {
        self.process.signal("CONT").unwrap();
    }

    /// What it holds in memory now (its resident set), in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Everything that it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGKILL: it gets no chance to finish anything.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.exited().is_some()
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        eventually("the operator ends", Duration::from_mins(1), async || self.process.exited()).await
    }

    /// SIGTERM, as Kubernetes sends it.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.process.signal("TERM").unwrap();
        eventually("the operator stops", Duration::from_mins(1), async || self.process.exited()).await
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "--- the operator's last words\n{}",
                lines[lines.len().saturating_sub(60)..].join("\n")
            );
        }
    }
}
