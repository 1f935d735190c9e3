//! The listener. Connections are ours, not a framework's, because a fault may have to end one without a word: a
//! reset is a real TCP RST, a close a real FIN, and a hang a connection that stays open in silence.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{Ending, Inbound, exchange};
use crate::control::Control;

/// Where the control API begins; Twilio has nothing there.
const CONTROL_PREFIX: &str = "/_simulator";
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Between two attempts to accept when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until it is told to stop; then every connection finishes its answer and ends.
pub(crate) async fn serve(
    listener: TcpListener,
    control: Control,
    read_timeout: Duration,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let site = Arc::new(Site {
        router: TowerToHyperService::new(crate::control::http::router(control.clone())),
        control,
        read_timeout,
        stop: stop.clone(),
    });
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        tasks.spawn(connection(stream, Arc::clone(&site)));
    }
}

struct Site {
    router: TowerToHyperService<Router>,
    control: Control,
    read_timeout: Duration,
    stop: CancellationToken,
}

impl Site {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Ending> {
        let request = request.map(Body::new);
        if request.uri().path().starts_with(CONTROL_PREFIX) {
            return Ok(self
                .router
                .call(request)
                .await
                .unwrap_or_else(|never: Infallible| never.into_response()));
        }
        let inbound = Inbound::read(request, self.read_timeout).await;
        match exchange(self.control.state(), self.control.courier(), inbound).await {
            Err(Ending::Hang) => {
                self.stop.cancelled().await;
                Err(Ending::Close)
            }
            result => result,
        }
    }
}

async fn connection(stream: TcpStream, site: Arc<Site>) {
    let _ = stream.set_nodelay(true);
    let (stop, read_timeout) = (site.stop.clone(), site.read_timeout);
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { site.answer(request).await }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(read_timeout)
        .max_buf_size(MAX_HEADER_BYTES)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    let result = tokio::select! {
        result = &mut connection => result,
        () = stop.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let cause = result.as_ref().err().and_then(Error::source);
    if cause.and_then(|cause| cause.downcast_ref()) == Some(&Ending::Reset) {
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.set_zero_linger();
    }
}
