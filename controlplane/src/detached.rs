//! A control plane that outlives the process that started it: a state file says which processes it consists of.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::binaries::Binaries;
use crate::cluster::Cluster;
use crate::layout::{Layout, write_private};
use crate::part::Part;
use crate::servers::Servers;

/// A killed process is gone in milliseconds, unless the machine is very busy.
const GONE_WITHIN: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct State {
    url: String,
    processes: BTreeMap<Part, u32>,
}

/// Writes down what runs, before it is let go.
pub(crate) fn record(cluster: &Cluster, servers: &Servers) -> Result<()> {
    let state = State { url: cluster.url().to_owned(), processes: servers.pids() };
    write_private(&cluster.layout.state(), &serde_json::to_string_pretty(&state)?)
}

pub(crate) fn open(directory: &Path) -> Result<Cluster> {
    let Some((layout, state)) = read(directory)? else {
        bail!("no control plane runs in {}", directory.display());
    };
    if state.alive(&layout).next().is_none() {
        bail!("the control plane in {} does not run any more", directory.display());
    }
    Ok(Cluster::new(layout, state.url, Binaries::locate()?))
}

/// Whether anything of a control plane still runs in this directory.
pub(crate) fn runs(directory: &Path) -> Result<bool> {
    Ok(read(directory)?.is_some_and(|(layout, state)| state.alive(&layout).next().is_some()))
}

pub(crate) async fn stop(directory: &Path) -> Result<()> {
    let Some((layout, state)) = read(directory)? else { return Ok(()) };
    for pid in state.alive(&layout) {
        // The shell's own `kill`, since the program of that name is not everywhere. A failure shows below.
        let _ = Command::new("sh").args(["-c", r#"kill -s KILL "$1""#, "kill", &pid.to_string()]).status();
    }
    let deadline = Instant::now() + GONE_WITHIN;
    while let Some(pid) = state.alive(&layout).next() {
        if Instant::now() > deadline {
            bail!("process {pid} of the control plane in {} does not end", directory.display());
        }
        sleep(Duration::from_millis(20)).await;
    }
    fs::remove_file(layout.state()).with_context(|| format!("remove {}", layout.state().display()))
}

impl State {
    /// The processes that are still what they were. A process id may long belong to somebody else.
    fn alive(&self, layout: &Layout) -> impl Iterator<Item = u32> {
        let directory = layout.root().display().to_string();
        self.processes.iter().filter_map(move |(part, pid)| {
            let line = command_line(*pid)?;
            (line.contains(part.program()) && line.contains(&directory)).then_some(*pid)
        })
    }
}

/// The state file and the directory it was found in, by its full name: that is what the command lines hold.
fn read(directory: &Path) -> Result<Option<(Layout, State)>> {
    let Ok(directory) = directory.canonicalize() else { return Ok(None) };
    let layout = Layout::new(&directory);
    let file = layout.state();
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("read {}", file.display()))?,
    };
    let state = serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))?;
    Ok(Some((layout, state)))
}

/// The command line of a running process, with any separators.
fn command_line(pid: u32) -> Option<String> {
    let bytes = if Path::new("/proc/self/cmdline").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).ok()?
    } else {
        Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output().ok()?.stdout
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
