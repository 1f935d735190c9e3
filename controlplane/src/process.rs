//! A process that never outlives the one that started it, however that one ends.
//!
//! The server holds no part in this: a small shell helper beside it (`leash.sh`) reads a pipe from us and kills the
//! server when the pipe closes, which the kernel does for us even after SIGKILL. Linux' parent death signal would do
//! the same, but it fires when the *thread* that spawned the child ends, which in a test is the test's own thread; it
//! also needs unsafe code or a tool that not every system has. The pipe works wherever there is a POSIX shell, and
//! carries signals as well.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result};

/// What to run: kept, so that a server can be started again with the very same command line.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) log: PathBuf,
}

impl Spec {
    /// The last lines of the log, for an error message.
    pub(crate) fn log_tail(&self) -> String {
        tail(&self.log, 15)
    }
}

/// A running program and the pipe that keeps it alive. It is killed when this is dropped, and when we die.
#[derive(Debug)]
pub struct Process {
    child: Child,
    leash: ChildStdin,
    released: bool,
}

impl Process {
    pub(crate) fn spawn(spec: &Spec) -> Result<Self> {
        Self::start(&spec.program, &spec.log, |command| {
            command.args(&spec.args);
        })
    }

    /// Starts a program in a process group of its own, so that Ctrl-C in a terminal reaches only its starter. What it
    /// prints is appended to the log; `configure` adds arguments and environment.
    pub fn start(program: &Path, log: &Path, configure: impl FnOnce(&mut Command)) -> Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", include_str!("leash.sh"), "leash"]).arg(log).arg(program);
        configure(&mut command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let leash = child.stdin.take().context("the child has no stdin pipe")?;
        Ok(Self { child, leash, released: false })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, or `None` while it runs.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten();
        if status.is_some() {
            // From here on the process id may be somebody else's: the helper must not outlive this by much.
            let _ = self.signal("quit");
        }
        status
    }

    /// Sends a signal by its name without `SIG`: `STOP`, `CONT`, `TERM`.
    pub fn signal(&mut self, name: &str) -> Result<()> {
        writeln!(self.leash, "{name}").with_context(|| format!("send SIG{name} to process {}", self.pid()))
    }

    /// Whether it stands still, as `STOP` has it: a signal takes a moment to arrive. Where there is no `/proc`, an error.
    pub fn is_stopped(&self) -> Result<bool> {
        let path = format!("/proc/{}/stat", self.pid());
        let stat = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        // After the name in parentheses comes the state.
        Ok(stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')))
    }

    /// Lets it live on after us.
    pub fn release(mut self) -> Result<()> {
        self.signal("quit")?;
        self.released = true;
        Ok(())
    }
}

impl Drop for Process {
    /// SIGKILL: nothing that these servers hold is worth a graceful end.
    fn drop(&mut self) {
        if self.released {
            return;
        }
        // The helper goes first: it must not signal a process id that is free again once we have waited for it.
        // What fails here is gone already.
        let _ = self.signal("quit");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail(file: &Path, lines: usize) -> String {
    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
