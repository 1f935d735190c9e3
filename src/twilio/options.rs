//! How a client reaches Twilio, and what makes that impossible.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::endpoint::BaseUrlError;
use super::observe::Observer;

/// How a [`Client`](super::Client) reaches Twilio.
#[derive(Clone)]
pub struct ClientOptions {
    /// Where all requests go; `None`: to Twilio's host for the credentials' region and edge.
    pub base_url: Option<Url>,
    /// Whether the base URL may be `http`. Credentials then travel in the clear.
    pub allow_http: bool,
    /// Certificates, in PEM, of authorities to trust beside the system's.
    pub ca_bundle_pem: Option<Vec<u8>>,
    /// Bound on name resolution, connection and TLS handshake. Kept well under `request_timeout`, it tells "nothing
    /// was sent" apart from "unknown".
    pub connect_timeout: Duration,
    /// Bound on a request as a whole, from before the connection to the answer's last byte.
    pub request_timeout: Duration,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Told of every request.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            base_url: None,
            allow_http: false,
            ca_bundle_pem: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(15),
            user_agent: concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")).to_owned(),
            observer: None,
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("allow_http", &self.allow_http)
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientBuildError {
    /// The base URL cannot be used.
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlError),
    /// The CA bundle holds no certificate in PEM.
    #[error("the CA bundle holds no certificate in PEM")]
    CaBundle,
    /// No TLS: a certificate of the bundle is broken, or the system has none at all.
    #[error(
        "the HTTP client cannot be set up: are there CA certificates on the system, and is the bundle sound?"
    )]
    Http(#[source] reqwest::Error),
}
