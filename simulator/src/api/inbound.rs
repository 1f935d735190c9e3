//! A request as it arrived: bounded in size and time, and taken apart without a single failure. What is wrong with
//! it is kept as `trouble`, since credentials and route are judged first.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Request, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use url::Url;

use super::params::Params;
use super::refusal::Refusal;
use crate::seed::Region;
use crate::sid::{AccountSid, KeySid};

/// Twilio publishes no limit; a form of this API is far below this.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(crate) struct Inbound {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) query: Params,
    pub(crate) form: Params,
    pub(crate) trouble: Option<Refusal>,
    headers: HeaderMap,
}

impl Inbound {
    /// `within` is how long the body may take.
    pub(crate) async fn read(request: Request<Body>, within: Duration) -> Self {
        let (parts, body) = request.into_parts();
        let (body, trouble) = match read_body(body, within).await {
            Ok(body) => (body, None),
            Err(refusal) => (Bytes::new(), Some(refusal)),
        };
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_form = text(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded");
        Self {
            query: Params::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            form: if is_form { Params::parse(&body) } else { Params::default() },
            method: parts.method,
            uri: parts.uri,
            trouble,
            headers: parts.headers,
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The host that links repeat. One that no URL can have would make links that lead nowhere.
    pub(crate) fn host(&self) -> &str {
        self.header(header::HOST.as_str()).filter(|host| is_host(host)).unwrap_or("127.0.0.1")
    }

    /// The region that the host names, when it is one of Twilio's: `conversations.{edge}.{region}.twilio.com`, the
    /// older form without an edge, or the plain host, which is the United States.
    pub(crate) fn region(&self) -> Option<Region> {
        let host = self.host().split(':').next().unwrap_or_default();
        let labels = host.strip_suffix("twilio.com")?.strip_prefix("conversations.")?;
        match labels.trim_end_matches('.').rsplit('.').next() {
            Some("ie1") => Some(Region::Ie1),
            Some("au1") => Some(Region::Au1),
            _ => Some(Region::Us1),
        }
    }

    pub(crate) fn user_agent(&self) -> &str {
        self.header(header::USER_AGENT.as_str()).unwrap_or_default()
    }

    pub(crate) fn fires_webhooks(&self) -> bool {
        self.header("x-twilio-webhook-enabled").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// User and password of Basic authentication.
    pub(crate) fn credentials(&self) -> Option<(String, String)> {
        let (scheme, encoded) = self.header(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        let decoded =
            STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// The user of refused credentials, when it looks like one: anything else may be a secret in the wrong place.
    pub(crate) fn claimed_user(&self) -> Option<String> {
        let (user, _) = self.credentials()?;
        let is_sid = user.parse::<AccountSid>().is_ok() || user.parse::<KeySid>().is_ok();
        is_sid.then_some(user)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn is_host(text: &str) -> bool {
    !text.contains(['/', '\\', '?', '#', '@']) && Url::parse(&format!("http://{text}/")).is_ok()
}

async fn read_body(body: Body, within: Duration) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match tokio::time::timeout(within, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge),
        Ok(Err(_)) | Err(_) => Err(Refusal::BodyUnreadable),
    }
}
