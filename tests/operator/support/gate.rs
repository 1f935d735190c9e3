//! A gate that deletes of objects wait at: an admission webhook, as any cluster may have some.
//!
//! The API server has read the object by then, and decided how it goes. What is written to the object while the gate is shut
//! changes nothing about that: it goes with the finalizer that it has by now.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::Api;
use kube::api::PostParams;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::{BOT, PATIENCE, World, eventually, webhook_spec};

/// How long the API server waits at the gate, in seconds: as long as it can.
const WAITS: u32 = 30;

#[derive(Default)]
struct State {
    shut: bool,
    /// How many deletes have come to the gate.
    asked: usize,
}

/// The gate of one namespace.
pub(crate) struct Gate {
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Gate {
    /// An open gate before the deletes of the world's objects.
    pub(crate) async fn new(world: &World) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let gate = Self { state: Arc::default() };
        let (tls, state) = (Arc::new(tls), Arc::clone(&gate.state));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tls, state) = (Arc::clone(&tls), Arc::clone(&state));
                // The API server may go while it waits.
                thread::spawn(move || serve(stream, tls, &state));
            }
        });
        let configuration: ValidatingWebhookConfiguration = serde_json::from_value(json!({
            "metadata": { "name": format!("gate-{}", world.namespace) },
            "webhooks": [{
                "name": "gate.example.com",
                "clientConfig": { "url": url, "caBundle": k8s_openapi::ByteString(cert.pem().into_bytes()) },
                "rules": [{
                    "apiGroups": ["conversations.twilio-operator.dev"],
                    "apiVersions": ["*"],
                    "operations": ["DELETE"],
                    "resources": ["conversationwebhooks"],
                }],
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": world.namespace } },
                "sideEffects": "None",
                "timeoutSeconds": WAITS,
                "admissionReviewVersions": ["v1"],
            }],
        }))
        .unwrap();
        let api: Api<ValidatingWebhookConfiguration> = Api::all(world.kube.clone());
        api.create(&PostParams::default(), &configuration).await.unwrap();
        // The API server takes a moment to hear of it.
        let mut probes = 0;
        eventually("deletes come to the gate", PATIENCE, async || {
            probes += 1;
            let probe = format!("probe-{probes}");
            world.create(&probe, webhook_spec(1, BOT)).await;
            world.delete(&probe).await;
            (gate.asked() > 0).then_some(())
        })
        .await;
        gate
    }

    /// From now on deletes wait.
    pub(crate) fn shut(&self) {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).shut = true;
    }

    /// Lets through what waits, and all that comes.
    pub(crate) fn open(&self) {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).shut = false;
        self.state.1.notify_all();
    }

    /// How many deletes have come to the gate so far.
    pub(crate) fn asked(&self) -> usize {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).asked
    }
}

/// Answers one connection's questions, each when the gate is open.
fn serve(stream: TcpStream, tls: Arc<ServerConfig>, state: &(Mutex<State>, Condvar)) -> Option<()> {
    let connection = ServerConnection::new(tls).ok()?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    loop {
        let review = read(&mut stream)?;
        let mut now = state.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.asked += 1;
        let _open = state.1.wait_while(now, |state| state.shut).unwrap_or_else(PoisonError::into_inner);
        let answer = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": { "uid": review["request"]["uid"], "allowed": true },
        })
        .to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
        write!(stream.get_mut(), "{head} {}\r\n\r\n{answer}", answer.len()).ok()?;
        stream.get_mut().flush().ok()?;
    }
}

/// The body of a request.
fn read(stream: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
