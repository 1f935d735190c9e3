//! Which process a process id means. An id may long belong to somebody else; together with the time of its start it
//! does not.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::wait;

/// An operator finishes what is under way, which takes seconds.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// After SIGKILL only a very busy machine takes this long.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// One process, this one and no later one with the same id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Identity {
    name: String,
    pid: u32,
    started: String,
}

impl Identity {
    /// The running process with that id.
    pub(crate) fn of(name: &str, pid: u32) -> Result<Self> {
        let started = started(pid).with_context(|| format!("the {name} ended at once"))?;
        Ok(Self { name: name.to_owned(), pid, started })
    }

    pub(crate) fn runs(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }

    /// Asks it to stop, makes it after a while, and waits until it is gone.
    pub(crate) async fn stop(&self) -> Result<()> {
        for (signal, within) in [("TERM", STOPS_WITHIN), ("KILL", GONE_WITHIN)] {
            if !self.runs() {
                return Ok(());
            }
            // The shell's own `kill`, since the program of that name is not everywhere. A failure shows below.
            let script = r#"kill -s "$1" "$2""#;
            let _ = Command::new("sh").args(["-c", script, "kill", signal, &self.pid.to_string()]).status();
            let gone = async || Ok((!self.runs()).then_some(()));
            if wait::until("it had stopped", within, gone).await.is_ok() {
                return Ok(());
            }
        }
        bail!("process {} ({}) does not end", self.pid, self.name)
    }
}

/// When a process started, in whatever words the system has for it; `None` where it is gone.
fn started(pid: u32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        return started_by_proc(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
    }
    let output = Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Field 22 of `/proc/PID/stat`: clock ticks from the boot. The name of the program, field 2, may hold anything.
fn started_by_proc(stat: &str) -> Option<String> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    // Z: it has ended, and nobody has asked how.
    (state != "Z").then(|| fields.nth(18).map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_found_behind_any_program_name() {
        let stat =
            "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1024 99 18446744073709551615";
        assert_eq!(started_by_proc(stat).as_deref(), Some("4711"));
        assert_eq!(started_by_proc(&stat.replace(") S ", ") Z ")), None);
    }

    #[test]
    fn an_id_that_belongs_to_another_process_now_is_not_ours() {
        let ourselves = Identity::of("test", std::process::id()).unwrap();
        assert!(ourselves.runs());
        let earlier = Identity { started: "0".to_owned(), ..ourselves };
        assert!(!earlier.runs());
    }
}
