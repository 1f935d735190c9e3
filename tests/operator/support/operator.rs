//! The operator's process.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::eventually;

/// A running operator. It is killed when dropped; when a test fails, the end of its log is shown.
pub(crate) struct Operator {
    child: Child,
    log: PathBuf,
    admin: String,
    _directory: TempDir,
}

impl Operator {
    /// Starts the operator and waits until it is ready.
    pub(crate) async fn start(kubeconfig: &Path, arguments: &[String]) -> Self {
        let operator = Self::spawn(kubeconfig, arguments);
        let readyz = format!("{}/readyz", operator.admin);
        eventually("the operator is ready", Duration::from_mins(1), async || {
            reqwest::get(&readyz).await.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
        operator
    }

    /// Starts the operator.
    pub(crate) fn spawn(kubeconfig: &Path, arguments: &[String]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("operator.log");
        let output = File::create(&log).unwrap();
        // Free now; should somebody take it before the operator does, the operator says so and the test fails.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_conversation-webhook-operator"))
            .arg("run")
            .arg(format!("--admin-address=127.0.0.1:{port}"))
            .arg("--log-level=info,conversation_webhook_operator=trace")
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self { child, log, admin: format!("http://127.0.0.1:{port}"), _directory: directory }
    }

    /// A path of the admin address.
    pub(crate) async fn admin(&self, path: &str) -> String {
        reqwest::get(format!("{}{path}", self.admin)).await.unwrap().text().await.unwrap()
    }

    /// The HTTP status of a path of the admin address; 0 while nobody listens.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        let answer = reqwest::get(format!("{}{path}", self.admin)).await;
        answer.map_or(0, |answer| answer.status().as_u16())
    }

    /// Everything that it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// SIGKILL: it gets no chance to finish anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, as Kubernetes sends it.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        eventually("the operator stops", Duration::from_mins(1), async || self.child.try_wait().unwrap())
            .await
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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
