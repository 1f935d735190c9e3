//! Health and metrics over HTTP: `/healthz`, `/readyz` with named gates, `/metrics`. Nothing about any object.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::Metrics;

/// Something that must have happened before the operator is ready.
#[derive(Clone, Debug)]
pub struct Gate {
    name: &'static str,
    open: Arc<AtomicBool>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, open: Arc::default() }
    }

    /// It has happened.
    pub fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Whether it has happened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }
}

#[derive(Clone, Debug)]
struct Shown {
    gates: Arc<[Gate]>,
    metrics: Arc<Metrics>,
}

/// Binds the admin address and returns it with the server, which ends after `stop`.
///
/// # Errors
/// The address cannot be bound.
pub async fn bind(
    address: SocketAddr,
    gates: Vec<Gate>,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<(SocketAddr, impl Future<Output = std::io::Result<()>>)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(numbers))
        .with_state(Shown { gates: gates.into(), metrics });
    Ok((bound, async move { axum::serve(listener, router).with_graceful_shutdown(stop).await }))
}

/// One line per gate; 503 while any is closed.
async fn readyz(State(shown): State<Shown>) -> Response {
    let mut lines = String::new();
    for gate in shown.gates.iter() {
        lines.push_str(if gate.is_open() { "[+] " } else { "[-] " });
        lines.push_str(gate.name);
        lines.push('\n');
    }
    let ready = shown.gates.iter().all(Gate::is_open);
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, lines).into_response()
}

async fn numbers(State(shown): State<Shown>) -> Response {
    match shown.metrics.encode() {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
                .into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
