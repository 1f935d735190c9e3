//! A child process that ends when we end, however that comes about, unless it is let go.
//!
//! The control plane's servers are kept on the same leash: see `controlplane/src/process.rs` for why it is a pipe and a
//! shell.

use std::env;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::wait;

/// Takes the names of signals on its standard input, one a line; `quit` lets the process go.
const LEASH: &str = include_str!("../../controlplane/src/leash.sh");

/// An operator finishes what is under way, which takes seconds.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// A running process and its leash.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    leash: ChildStdin,
    log: PathBuf,
    released: bool,
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
        let mut child = Command::new("sh")
            .args(["-c", LEASH, "leash"])
            .arg(log)
            .arg(program)
            .args(arguments)
            .env_clear()
            .envs(env::vars_os().filter(|(name, _)| !is_in_the_way(&name.to_string_lossy())))
            .envs(environment.iter().copied())
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal is for us alone.
            .process_group(0)
            .spawn()
            .with_context(|| format!("start the {name}, {}", program.display()))?;
        let leash = child.stdin.take().context("the child has no standard input")?;
        Ok(Self { name, child, leash, log: log.to_owned(), released: false })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The last lines of the log, for whoever has to find out what went wrong.
    pub(crate) fn last_words(&self) -> String {
        const LINES: usize = 25;
        let text = self.log_text();
        let lines: Vec<&str> = text.lines().collect();
        format!(
            "the end of the {}'s log:\n{}",
            self.name,
            lines[lines.len().saturating_sub(LINES)..].join("\n")
        )
    }

    /// An error if it ended by itself.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the {} ended by itself, {status}; {}", self.name, self.last_words());
        }
        Ok(())
    }

    /// The URL that it prints on a line of its own when it answers.
    pub(crate) async fn url(&mut self, within: Duration) -> Result<String> {
        let what = format!("the {} said where it answers", self.name);
        wait::until(&what, within, async || {
            self.check_alive()?;
            Ok(self.log_text().lines().find(|line| line.starts_with("http://")).map(str::to_owned))
        })
        .await
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.signal("TERM")?;
        let what = format!("the {} had stopped", self.name);
        let status = wait::until(&what, STOPS_WITHIN, async || Ok(self.child.try_wait()?)).await?;
        if !status.success() {
            bail!("the {} stopped with {status}; {}", self.name, self.last_words());
        }
        Ok(())
    }

    /// Lets it live on after us.
    pub(crate) fn release(mut self) -> Result<()> {
        self.signal("quit")?;
        self.released = true;
        Ok(())
    }

    fn signal(&mut self, name: &str) -> Result<()> {
        writeln!(self.leash, "{name}").with_context(|| format!("send {name} to the {}", self.name))
    }

    fn log_text(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.released {
            return;
        }
        // The helper goes first: it must not signal a process id that is free again. What fails here is gone already.
        let _ = self.signal("quit");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Settings for other operators, and proxies: none of them is meant for 127.0.0.1.
fn is_in_the_way(variable: &str) -> bool {
    variable.starts_with("CWO_") || variable.to_ascii_lowercase().ends_with("_proxy")
}
