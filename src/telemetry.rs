//! Logs: one line per event on standard output, as JSON or as text.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// Starts logging. `level` is a level such as `info`, or directives such as `info,kube=debug`.
///
/// # Errors
/// `level` is neither, or logging was started before.
pub fn start(format: LogFormat, level: &str) -> anyhow::Result<()> {
    // At its other levels it prints a reply that it cannot decode, and the reply may be a Secret.
    let filter = EnvFilter::try_new(level)?.add_directive("kube_client::client=error".parse()?);
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => logs.with_ansi(std::io::stdout().is_terminal()).try_init(),
    }
    .map_err(|error| anyhow::anyhow!(error))
}
