//! The line that all requests of one operator's take: to the API server and to Twilio, over plain HTTP on both. It
//! keeps a record of them, and deals one of them a blow.
//!
//! Each request is handled in a task of its own, so that what was to reach the other side does so even when the
//! process that sent it is dead.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::blow::{Blow, DELAY, error_after_commit, refusal, turned_away};
use super::point::{Layer, Numbers, Point, Sort, sort};
use super::upstreams::{Cut, Upstreams, whole};
use crate::support::eventually;

/// A request that passed.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    pub(super) layer: Layer,
    /// Method, path and query.
    pub(super) line: String,
    /// `None` for what is no step of the work.
    pub(super) point: Option<Point>,
}

/// A blow that waits for its request.
struct Armed {
    point: Point,
    blow: Blow,
    reached: oneshot::Sender<()>,
    go_on: oneshot::Receiver<()>,
}

/// How the one who deals the blow follows it.
pub(super) struct Turn {
    /// The request is there, and was carried out where the blow says so; nothing more happens to it until `go_on`.
    pub(super) reached: oneshot::Receiver<()>,
    pub(super) go_on: oneshot::Sender<()>,
}

#[derive(Default)]
struct Book {
    numbers: Numbers,
    passed: Vec<Passed>,
    /// How much had passed when points were counted anew.
    before: usize,
    armed: Option<Armed>,
}

struct State {
    upstreams: Upstreams,
    /// At the end of each `User-Agent`: what came this way can be told on the other side.
    stamp: String,
    book: Mutex<Book>,
    under_way: AtomicUsize,
    last: Mutex<Instant>,
}

/// The lines of one process. They end with the value.
pub(super) struct Proxy {
    state: Arc<State>,
    twilio: SocketAddr,
    listeners: [AbortHandle; 2],
    directory: TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listeners.iter().for_each(AbortHandle::abort);
    }
}

impl Proxy {
    /// Lines to the API server and to Twilio at this URL.
    pub(super) async fn start(upstreams: &Upstreams, twilio: &str) -> Self {
        let state = Arc::new(State {
            upstreams: upstreams.with_twilio(twilio),
            stamp: format!("line/{}", uuid::Uuid::new_v4().simple()),
            book: Mutex::default(),
            under_way: AtomicUsize::new(0),
            last: Mutex::new(Instant::now()),
        });
        let (kube, kube_task) = listen(Layer::Kube, &state).await;
        let (twilio, twilio_task) = listen(Layer::Twilio, &state).await;
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "line", "cluster": { "server": format!("http://{kube}") } }],
            "users": [{ "name": "line", "user": {} }],
            "contexts": [{ "name": "line", "context": { "cluster": "line", "user": "line" } }],
            "current-context": "line",
        });
        std::fs::write(directory.path().join("kubeconfig.json"), kubeconfig.to_string()).unwrap();
        Self { state, twilio, listeners: [kube_task, twilio_task], directory }
    }

    /// The kubeconfig of the process whose lines these are.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig.json")
    }

    /// Its argument of `run`.
    pub(super) fn twilio_argument(&self) -> String {
        format!("--twilio-base-url=http://{}", self.twilio)
    }

    /// What all requests that came this way bear.
    pub(super) fn stamp(&self) -> &str {
        &self.state.stamp
    }

    /// Counts points anew from here on.
    pub(super) fn record(&self) {
        let mut book = self.state.book();
        book.numbers = Numbers::default();
        book.before = book.passed.len();
    }

    /// The same, and deals this point a blow.
    pub(super) fn arm(&self, point: &Point, blow: Blow) -> Turn {
        self.record();
        let (reached_by, reached) = oneshot::channel();
        let (go_on, go) = oneshot::channel();
        let armed = Armed { point: point.clone(), blow, reached: reached_by, go_on: go };
        self.state.book().armed = Some(armed);
        Turn { reached, go_on }
    }

    /// What passed from the start on.
    pub(super) fn passed(&self) -> Vec<Passed> {
        self.state.book().passed.clone()
    }

    /// The points since they were counted anew, or from the start on.
    pub(super) fn points(&self) -> Vec<Point> {
        let book = self.state.book();
        book.passed[book.before..].iter().filter_map(|passed| passed.point.clone()).collect()
    }

    /// Whether nothing is on its way, a delayed request included.
    pub(super) fn is_idle(&self) -> bool {
        self.state.under_way.load(Ordering::SeqCst) == 0
    }

    /// Waits until nothing was on its way for so long.
    pub(super) async fn quiet(&self, span: Duration) {
        eventually("the line is quiet", Duration::from_secs(30), async || {
            let last = *self.state.last.lock().unwrap_or_else(PoisonError::into_inner);
            (self.is_idle() && last.elapsed() >= span).then_some(())
        })
        .await;
    }
}

impl State {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

async fn listen(layer: Layer, state: &Arc<State>) -> (SocketAddr, AbortHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::clone(state);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(layer, stream, Arc::clone(&state)));
        }
    });
    (address, task.abort_handle())
}

async fn connection(layer: Layer, stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let state = Arc::clone(&state);
        async move { tokio::spawn(exchange(layer, request, state)).await.unwrap_or(Err(Cut)) }
    });
    // An error is a connection that was cut, by us or by the process.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Counts itself as under way for as long as it lives.
struct UnderWay(Arc<State>);

impl UnderWay {
    fn new(state: &Arc<State>) -> Self {
        state.under_way.fetch_add(1, Ordering::SeqCst);
        state.touch();
        Self(Arc::clone(state))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.touch();
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn exchange(
    layer: Layer,
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), usize::MAX).await.map_err(|_| Cut)?;
    let kind = sort(layer, &parts.method, &parts.uri, &body);
    let request = Request::from_parts(parts, body);
    let line = format!("{} {}", request.method(), request.uri());
    let Sort::Step(kind) = kind else {
        state.book().passed.push(Passed { layer, line, point: None });
        return state.upstreams.forward(layer, request, &state.stamp).await;
    };
    let _under_way = UnderWay::new(&state);
    let armed = {
        let mut book = state.book();
        let point = book.numbers.next(kind);
        book.passed.push(Passed { layer, line, point: Some(point.clone()) });
        book.armed.take_if(|armed| armed.point == point)
    };
    match armed {
        Some(armed) => struck(layer, request, &state, armed).await,
        None => whole(state.upstreams.forward(layer, request, &state.stamp).await?).await,
    }
}

async fn struck(
    layer: Layer,
    request: Request<Bytes>,
    state: &Arc<State>,
    armed: Armed,
) -> Result<Response<Body>, Cut> {
    let Armed { point, blow, reached, go_on } = armed;
    if blow.commits_first() {
        whole(state.upstreams.forward(layer, request.clone(), &state.stamp).await?).await?;
    }
    // Who waits for it may have given up; then nothing more is done about this request.
    reached.send(()).map_err(|()| Cut)?;
    go_on.await.map_err(|_| Cut)?;
    match blow {
        Blow::Fine => whole(state.upstreams.forward(layer, request, &state.stamp).await?).await,
        Blow::Refused => Ok(answer(refusal(&point.kind))),
        Blow::TurnedAway => Ok(answer(turned_away(layer))),
        Blow::ErrorAfterCommit => Ok(answer(error_after_commit(layer))),
        Blow::ReplyLost | Blow::CrashBefore | Blow::CrashAfter => Err(Cut),
        Blow::DelayedCommit | Blow::CrashDelayed => {
            let (state, under_way) = (Arc::clone(state), UnderWay::new(state));
            tokio::spawn(async move {
                tokio::time::sleep(DELAY).await;
                let _ = state.upstreams.forward(layer, request, &state.stamp).await;
                drop(under_way);
            });
            Err(Cut)
        }
    }
}

fn answer((status, body): (u16, String)) -> Response<Body> {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
