//! kubectl and helm against a [`Cluster`], as its administrator.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::cluster::Cluster;

/// What a successful command wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its result.
    pub stdout: String,
    /// Its warnings.
    pub stderr: String,
}

impl Cluster {
    /// Runs kubectl. A failure is an error that shows the command and what it wrote.
    pub async fn kubectl(&self, args: &[&str]) -> Result<Output> {
        self.run(&self.binaries.kubectl(), args, "").await
    }

    /// Runs kubectl with a text to read, as in `kubectl apply -f -`.
    pub async fn kubectl_with_input(&self, args: &[&str], input: &str) -> Result<Output> {
        self.run(&self.binaries.kubectl(), args, input).await
    }

    /// Runs a script of documentation by `sh`, in which `kubectl` speaks to this control plane.
    pub async fn shell(&self, script: &str) -> Result<Output> {
        let kubectl = self.binaries.kubectl();
        let first = kubectl.parent().unwrap_or(Path::new("/")).display();
        let script = format!("set -e; PATH=\"{first}:$PATH\"\n{script}");
        self.run(Path::new("/bin/sh"), &["-c", &script], "").await
    }

    /// Runs helm.
    pub async fn helm(&self, args: &[&str]) -> Result<Output> {
        self.run(&self.binaries.helm()?, args, "").await
    }

    async fn run(&self, program: &Path, args: &[&str], input: &str) -> Result<Output> {
        let line = || format!("{} {}", program.file_name().unwrap_or_default().display(), args.join(" "));
        let directory = self.directory();
        let mut child = Command::new(program)
            .args(args)
            .env("KUBECONFIG", self.kubeconfig_path())
            // Nothing of the user's own setup gets in, and nothing is left in the home directory.
            .env("KUBECACHEDIR", directory.join("kubectl-cache"))
            .env("HELM_CACHE_HOME", directory.join("helm/cache"))
            .env("HELM_CONFIG_HOME", directory.join("helm/config"))
            .env("HELM_DATA_HOME", directory.join("helm/data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(line)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read its input may be gone already; its own message says more than a broken pipe.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await.with_context(line)?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            bail!("{}: {}\n{stdout}{stderr}", line(), output.status);
        }
        Ok(Output { stdout, stderr })
    }
}
