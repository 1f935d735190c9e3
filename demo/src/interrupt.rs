//! Ctrl-C and SIGTERM end the work, not the process: what was started is stopped on the way out.

use std::future::Future;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// Somebody asked us to stop.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// Runs the work until it is done or somebody asks us to stop; then it is dropped, and [`Interrupted`] is the error.
pub(crate) async fn or_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => Err(Interrupted.into()),
        _ = terminate.recv() => Err(Interrupted.into()),
    }
}
