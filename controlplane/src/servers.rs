//! The processes of one control plane: which of them run, and how each is started again.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, bail};

use crate::part::Part;
use crate::process::{Process, Spec};

/// The processes, killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Servers {
    specs: BTreeMap<Part, Spec>,
    running: Mutex<BTreeMap<Part, Process>>,
}

impl Servers {
    /// Nothing runs yet. Logs of an earlier run are removed.
    pub(crate) fn new(specs: impl IntoIterator<Item = (Part, Spec)>) -> Self {
        let specs: BTreeMap<_, _> = specs.into_iter().collect();
        for spec in specs.values() {
            // Missing in a fresh directory.
            let _ = fs::remove_file(&spec.log);
        }
        Self { specs, running: Mutex::default() }
    }

    pub(crate) fn start(&self, part: Part) -> Result<()> {
        let spec = self.specs.get(&part).with_context(|| format!("this control plane has no {part}"))?;
        let mut running = self.running();
        if running.contains_key(&part) {
            bail!("{part} runs already");
        }
        running.insert(part, Process::spawn(spec)?);
        Ok(())
    }

    /// Kills it, if it runs, and waits until it is gone.
    pub(crate) fn kill(&self, part: Part) {
        self.running().remove(&part);
    }

    pub(crate) fn signal(&self, part: Part, name: &str) -> Result<()> {
        self.running().get_mut(&part).with_context(|| format!("{part} does not run"))?.signal(name)
    }

    pub(crate) fn is_stopped(&self, part: Part) -> Result<bool> {
        self.running().get(&part).with_context(|| format!("{part} does not run"))?.is_stopped()
    }

    pub(crate) fn pid(&self, part: Part) -> Option<u32> {
        self.running().get(&part).map(Process::pid)
    }

    /// An error that shows why, if one of them ended by itself.
    pub(crate) fn check_alive(&self) -> Result<()> {
        for (part, process) in self.running().iter_mut() {
            if let Some(status) = process.exited() {
                bail!("{part} ended by itself ({status}); the end of its log:\n{}", self.log_tail(*part));
            }
        }
        Ok(())
    }

    /// Whether one of them found its port taken.
    pub(crate) fn lost_a_port(&self) -> bool {
        self.specs.keys().any(|part| self.log_tail(*part).contains("address already in use"))
    }

    pub(crate) fn log_tail(&self, part: Part) -> String {
        self.specs.get(&part).map(Spec::log_tail).unwrap_or_default()
    }

    pub(crate) fn pids(&self) -> BTreeMap<Part, u32> {
        self.running().iter().map(|(part, process)| (*part, process.pid())).collect()
    }

    /// Lets all of them live on after us.
    pub(crate) fn release(self) -> Result<()> {
        let running = self.running.into_inner().unwrap_or_else(PoisonError::into_inner);
        running.into_values().try_for_each(Process::release)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Part, Process>> {
        // A panic elsewhere leaves the map as good as it was.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
