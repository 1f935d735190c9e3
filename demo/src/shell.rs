//! kubectl and helm, shown as one would type them, then run.

use std::time::Duration;

use anyhow::{Context as _, Result};
use controlplane::{Cluster, Output};
use tokio::time::timeout;

use crate::narrator::Narrator;

/// Longer than any command takes; `kubectl wait` has a deadline of its own, below this one.
const COMMAND_WITHIN: Duration = Duration::from_secs(90);

/// Commands on one cluster, as its administrator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shell<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) narrator: &'a Narrator,
}

impl Shell<'_> {
    /// Shows and runs `kubectl LINE`, and shows what it wrote. No argument may hold a space.
    pub(crate) async fn kubectl(&self, line: &str) -> Result<()> {
        self.narrator.command(&format!("kubectl {line}"));
        let output = self.run_kubectl(line).await?;
        self.narrator.output(&output.stdout);
        self.narrator.output(&output.stderr);
        Ok(())
    }

    /// Runs `kubectl LINE` and shows nothing.
    pub(crate) async fn run_kubectl(&self, line: &str) -> Result<Output> {
        let args: Vec<_> = line.split_whitespace().collect();
        within(line, self.cluster.kubectl(&args)).await
    }

    /// Shows and runs `helm LINE`. What it writes is of no use here.
    pub(crate) async fn helm(&self, line: &str) -> Result<()> {
        self.narrator.command(&format!("helm {line}"));
        let args: Vec<_> = line.split_whitespace().collect();
        within(line, self.cluster.helm(&args)).await.map(drop)
    }
}

async fn within(line: &str, command: impl Future<Output = Result<Output>>) -> Result<Output> {
    timeout(COMMAND_WITHIN, command).await.with_context(|| format!("{line} did not end"))?
}
