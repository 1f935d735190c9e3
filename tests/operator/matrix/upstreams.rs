//! The other ends of a proxy's lines.

use std::path::Path;

use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use serde_json::Value;

use super::point::Layer;

/// The connection ends without a reply.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
pub(super) struct Cut;

/// The other ends of the lines.
#[derive(Clone)]
pub(super) struct Upstreams {
    client: reqwest::Client,
    api_server: String,
    ca: reqwest::Certificate,
    token: String,
    twilio: String,
}

impl Upstreams {
    /// The API server that this kubeconfig names, and no Twilio yet. Clones share connections.
    pub(super) fn new(kubeconfig: &Path) -> Self {
        let config: Value = serde_json::from_slice(&std::fs::read(kubeconfig).unwrap()).unwrap();
        let text = |pointer: &str| config.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let ca = std::fs::read(text("/clusters/0/cluster/certificate-authority")).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        Self {
            client: client(&ca),
            api_server: text("/clusters/0/cluster/server"),
            ca,
            token: text("/users/0/user/token"),
            twilio: String::new(),
        }
    }

    /// The same with Twilio at this URL.
    pub(super) fn with_twilio(&self, url: &str) -> Self {
        Self { twilio: url.trim_end_matches('/').to_owned(), ..self.clone() }
    }

    /// The same for another runtime: connections belong to the one that they were made in.
    pub(super) fn on_connections_of_its_own(&self) -> Self {
        Self { client: client(&self.ca), ..self.clone() }
    }

    /// Passes the request on, with the stamp at the end of its `User-Agent`, and the head of its reply back.
    pub(super) async fn forward(
        &self,
        layer: Layer,
        request: Request<Bytes>,
        stamp: &str,
    ) -> Result<Response<Body>, Cut> {
        let (parts, body) = request.into_parts();
        let base = match layer {
            Layer::Kube => &self.api_server,
            Layer::Twilio => &self.twilio,
        };
        let mut headers = end_to_end(parts.headers);
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let agent = format!("{agent} {stamp}");
        headers.insert(header::USER_AGENT, HeaderValue::from_str(agent.trim()).map_err(|_| Cut)?);
        let mut sent =
            self.client.request(parts.method, format!("{base}{}", parts.uri)).headers(headers).body(body);
        if layer == Layer::Kube {
            sent = sent.bearer_auth(&self.token);
        }
        let reply: Response<reqwest::Body> = sent.send().await.map_err(|_| Cut)?.into();
        let (mut parts, body) = reply.into_parts();
        parts.version = http::Version::HTTP_11;
        parts.headers = end_to_end(parts.headers);
        Ok(Response::from_parts(parts, Body::new(body)))
    }
}

fn client(ca: &reqwest::Certificate) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_certs_only([ca.clone()])
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Waits for all of the reply.
pub(super) async fn whole(reply: Response<Body>) -> Result<Response<Body>, Cut> {
    let (parts, body) = reply.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| Cut)?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Without what belongs to one connection.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}
