//! A child process that ends when we end, however that comes about, unless it is let go.
//!
//! [`controlplane::Process`] is what ends it; here is what a step of the tour needs of it beside that.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::time::sleep;

use crate::wait;

/// An operator finishes what is under way, which takes seconds.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A running process and its leash.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: controlplane::Process,
    log: PathBuf,
}

impl Process {
    /// Starts a program with these arguments and a further environment. Everything that it prints goes into the log.
    pub(crate) fn spawn(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        environment: &[(&str, &Path)],
        log: &Path,
    ) -> Result<Self> {
        let process = controlplane::Process::start(program, log, |command| {
            command
                .args(arguments)
                .env_clear()
                .envs(env::vars_os().filter(|(name, _)| !is_in_the_way(&name.to_string_lossy())))
                .envs(environment.iter().copied())
                .env("NO_COLOR", "1");
        })
        .with_context(|| format!("start the {name}"))?;
        Ok(Self { name, child: process, log: log.to_owned() })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Does the work. If it fails, or this process ends before it, the error shows the end of the log.
    pub(crate) async fn during<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = tokio::select! {
            done = work => done,
            error = self.ended() => Err(error),
        };
        done.map_err(|error| anyhow!("{error:#}\nThe end of the {}'s log:\n{}", self.name, self.log_tail()))
    }

    /// The URL that it prints on a line of its own when it answers.
    pub(crate) async fn url(&mut self, within: Duration) -> Result<String> {
        let what = format!("the {} said where it answers", self.name);
        let log = self.log.clone();
        let url = wait::until(&what, within, async || {
            Ok(text(&log).lines().find(|line| line.starts_with("http://")).map(str::to_owned))
        });
        self.during(url).await
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.signal("TERM")?;
        let what = format!("the {} had stopped", self.name);
        let status = wait::until(&what, STOPS_WITHIN, async || Ok(self.child.exited())).await?;
        if !status.success() {
            bail!("the {} stopped with {status}; the end of its log:\n{}", self.name, self.log_tail());
        }
        Ok(())
    }

    /// Lets it live on after us.
    pub(crate) fn release(self) -> Result<()> {
        self.child.release()
    }

    /// Comes back when it has ended by itself.
    async fn ended(&mut self) -> anyhow::Error {
        loop {
            match self.child.exited() {
                None => sleep(LOOK_EVERY).await,
                Some(status) => return anyhow!("the {} ended by itself, {status}", self.name),
            }
        }
    }

    fn log_tail(&self) -> String {
        const LINES: usize = 25;
        let text = text(&self.log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

fn text(log: &Path) -> String {
    fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Settings for other operators, and proxies: none of them is meant for 127.0.0.1.
fn is_in_the_way(variable: &str) -> bool {
    variable.starts_with("CWO_") || variable.to_ascii_lowercase().ends_with("_proxy")
}
