//! What goes out: a true answer, an error, something garbled, or the end of the connection.

use std::io;

use axum::body::{Body, Bytes};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::operations::Answer;
use super::refusal::ErrorBody;
use crate::fault::{Garble, Silence};
use crate::journal::Outcome;

const JSON: &str = "application/json;charset=utf-8";
const CHUNK: usize = 16 * 1024;

/// How a connection ends when there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ending {
    #[error("the connection is to be reset")]
    Reset,
    #[error("the connection is to be closed")]
    Close,
    #[error("the connection is to stay silent")]
    Hang,
}

impl From<Silence> for Ending {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Reset => Self::Reset,
            Silence::Close => Self::Close,
            Silence::Hang => Self::Hang,
        }
    }
}

/// Something to send, or not to.
pub(crate) enum Outbound {
    Sent { status: u16, headers: HeaderMap, body: Body },
    Ended(Ending),
}

impl Outbound {
    pub(crate) fn answer(answer: Answer) -> Self {
        let mut headers = HeaderMap::new();
        if !answer.body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        Self::Sent { status: answer.status, headers, body: Body::from(answer.body) }
    }

    pub(crate) fn error(body: &ErrorBody, retry_after: Option<u64>) -> Self {
        let mut outbound = Self::answer(Answer::error(body));
        if let Self::Sent { headers, .. } = &mut outbound {
            if let Some(seconds) = retry_after {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            if body.status == 401 {
                headers
                    .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Twilio API\""));
            }
        }
        outbound
    }

    /// The text of an error that was asked for by status.
    pub(crate) fn error_text(status: u16) -> &'static str {
        match status {
            429 => "Too Many Requests",
            401 => "Authenticate",
            _ => StatusCode::from_u16(status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or("An error has occurred"),
        }
    }

    /// Something else in place of the answer. `host` and `path` are the request's own.
    pub(crate) fn garbled(answer: Answer, garble: Garble, host: &str, path: &str) -> Self {
        let status = answer.status;
        match garble {
            Garble::NotJson => Self::sent(status, JSON, Body::from("{\"sid\": \"WH")),
            Garble::Html => {
                Self::sent(status, "text/html", Body::from("<html><body>It works!</body></html>"))
            }
            Garble::Truncated => truncated(answer),
            Garble::Huge { bytes } => Self::sent(status, JSON, huge(bytes)),
            Garble::Redirect { status, location } => {
                let mut outbound = Self::sent(status, JSON, Body::empty());
                if let (Self::Sent { headers, .. }, Ok(location)) = (&mut outbound, location.parse()) {
                    headers.insert(header::LOCATION, location);
                }
                outbound
            }
            Garble::EndlessPages => Self::rewritten(answer, |json| {
                let page = json["meta"]["page"].as_u64().unwrap_or_default().saturating_add(1);
                let size = json["meta"]["page_size"].as_u64().unwrap_or(5);
                let next = format!("http://{host}{path}?PageSize={size}&Page={page}");
                if let Some(meta) = json.get_mut("meta").and_then(Value::as_object_mut) {
                    meta.insert("next_page_url".to_owned(), next.into());
                }
            }),
            Garble::OtherAccount { account } => {
                let account = Value::from(account.to_string());
                Self::rewritten(answer, |json| replace_account(json, &account))
            }
            Garble::Custom { status, content_type, body } => {
                Self::sent(status, &content_type, Body::from(body))
            }
        }
    }

    fn sent(status: u16, content_type: &str, body: Body) -> Self {
        let content_type =
            content_type.parse().unwrap_or(HeaderValue::from_static("application/octet-stream"));
        Self::Sent { status, headers: HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]), body }
    }

    fn rewritten(mut answer: Answer, rewrite: impl FnOnce(&mut Value)) -> Self {
        if let Ok(mut json) = serde_json::from_slice(&answer.body) {
            rewrite(&mut json);
            answer.body = json.to_string().into_bytes();
        }
        Self::answer(answer)
    }

    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Sent { status, .. } => Some(*status),
            Self::Ended(_) => None,
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Sent { .. } => Outcome::Answered,
            Self::Ended(Ending::Reset) => Outcome::Reset,
            Self::Ended(Ending::Close) => Outcome::Closed,
            Self::Ended(Ending::Hang) => Outcome::Hung,
        }
    }

    pub(crate) fn into_response(self, common: HeaderMap) -> Result<Response<Body>, Ending> {
        let (status, headers, body) = match self {
            Self::Sent { status, headers, body } => (status, headers, body),
            Self::Ended(ending) => return Err(ending),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = common;
        response.headers_mut().extend(headers);
        Ok(response)
    }
}

/// The length of the whole, half of it, and then the end of the connection.
fn truncated(answer: Answer) -> Outbound {
    let length = answer.body.len();
    let mut half = Bytes::from(answer.body);
    half.truncate(length / 2);
    let end = async {
        // What was written is sent only when the body has nothing more to say for a moment.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    };
    let body = Body::from_stream(stream::iter([Ok(half)]).chain(stream::once(end)));
    let mut outbound = Outbound::sent(answer.status, JSON, body);
    if let Outbound::Sent { headers, .. } = &mut outbound {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    outbound
}

fn huge(bytes: u64) -> Body {
    let chunk = Bytes::from(vec![b' '; CHUNK]);
    let chunks = stream::unfold(bytes, move |left| {
        let size = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let next = (size > 0).then(|| (Ok::<_, io::Error>(chunk.slice(..size)), left - size as u64));
        std::future::ready(next)
    });
    Body::from_stream(chunks)
}

fn replace_account(json: &mut Value, account: &Value) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "account_sid" {
                    value.clone_from(account);
                } else {
                    replace_account(value, account);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace_account(item, account)),
        _ => {}
    }
}
