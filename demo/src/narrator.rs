//! What a reader sees: numbered steps with the time since the start, commands as one would type them, their output.

use std::cell::Cell;
use std::io::{Stdout, Write as _, stdout};
use std::time::Instant;

/// Tells the story on standard output.
#[derive(Debug)]
pub(crate) struct Narrator {
    out: Stdout,
    begun: Instant,
    steps: Cell<u32>,
}

impl Narrator {
    pub(crate) fn new() -> Self {
        Self { out: stdout(), begun: Instant::now(), steps: Cell::new(0) }
    }

    /// The next step, with its number and the time.
    pub(crate) fn step(&self, text: &str) {
        self.steps.set(self.steps.get() + 1);
        self.print(&format!("\n[{:>4.1} s] {}. {text}\n", self.seconds(), self.steps.get()));
    }

    /// A sentence about the step.
    pub(crate) fn note(&self, text: &str) {
        self.indented("         ", text);
    }

    /// A command.
    pub(crate) fn command(&self, line: &str) {
        self.indented("         $ ", line);
    }

    /// What a command wrote.
    pub(crate) fn output(&self, text: &str) {
        self.indented("           ", text);
    }

    /// The last sentence, with the time.
    pub(crate) fn end(&self, text: &str) {
        self.print(&format!("\n[{:>4.1} s] {text}\n", self.seconds()));
    }

    fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    fn indented(&self, margin: &str, text: &str) {
        for line in text.lines() {
            self.print(&format!("{}\n", format!("{margin}{line}").trim_end()));
        }
    }

    /// Whoever closes the pipe has seen enough: that must not break off the clean-up.
    fn print(&self, text: &str) {
        let mut out = &self.out;
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}
