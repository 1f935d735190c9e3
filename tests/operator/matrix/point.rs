//! What a request of the operator's is called: by layer, verb and what it is about, and which one of its kind it is.
//!
//! Names come from the request alone, so that a request which is new in the operator has one without being listed
//! anywhere.

use std::collections::BTreeMap;
use std::fmt;

use http::{Method, Uri};

/// To whom a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Layer {
    /// The API server.
    Kube,
    /// Twilio.
    Twilio,
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Kind {
    pub(super) layer: Layer,
    /// `get secrets`, `patch conversationwebhooks (journal)`, `create webhooks`.
    pub(super) what: String,
    pub(super) is_write: bool,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer = match self.layer {
            Layer::Kube => "kube",
            Layer::Twilio => "twilio",
        };
        write!(f, "{layer} {}", self.what)
    }
}

/// One request within a scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Point {
    pub(super) kind: Kind,
    /// The how manieth of its kind, from 1.
    pub(super) nth: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.nth)
    }
}

/// Gives requests their numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers(BTreeMap<Kind, usize>);

impl Numbers {
    pub(super) fn next(&mut self, kind: Kind) -> Point {
        let nth = self.0.entry(kind.clone()).or_default();
        *nth += 1;
        Point { kind, nth: *nth }
    }
}

/// What a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A step of the operator's work.
    Step(Kind),
    /// What fills the watch cache, or holds the Lease: it goes on all the time, and is no step of anything.
    Background,
}

/// What the request is.
pub(super) fn sort(layer: Layer, method: &Method, uri: &Uri, body: &[u8]) -> Sort {
    match layer {
        Layer::Kube => kube(method, uri, body),
        Layer::Twilio => Sort::Step(twilio(method, uri.path())),
    }
}

fn kube(method: &Method, uri: &Uri, body: &[u8]) -> Sort {
    let query = uri.query().unwrap_or_default();
    let parts: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    // api/<version>/… or apis/<group>/<version>/…; then a namespace, unless it is itself what is asked for.
    let inner = parts.get(if parts.first() == Some(&"api") { 2 } else { 3 }..).unwrap_or_default();
    let inner = match inner {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        inner => inner,
    };
    let (resource, name, subresource) = match inner {
        [resource] => (*resource, false, None),
        [resource, _] => (*resource, true, None),
        [resource, _, subresource, ..] => (*resource, true, Some(*subresource)),
        [] => (uri.path(), false, None),
    };
    let selects = query.contains("labelSelector=") || query.contains("fieldSelector=");
    let fills_a_cache = *method == Method::GET && !name && !selects;
    if query.contains("watch=true") || fills_a_cache || resource == "leases" {
        return Sort::Background;
    }
    let verb = match (method.as_str(), name) {
        ("GET", true) => "get",
        ("GET", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", _) => "delete",
        (other, _) => other,
    };
    let mut what = format!("{verb} {resource}");
    if let Some(subresource) = subresource {
        what = format!("{what}/{subresource}");
    } else if verb == "patch" && resource == "conversationwebhooks" {
        let journals = String::from_utf8_lossy(body).contains("/create-attempt\"");
        what.push_str(if journals { " (journal)" } else { " (finalizer)" });
    }
    Sort::Step(Kind { layer: Layer::Kube, what, is_write: *method != Method::GET })
}

fn twilio(method: &Method, path: &str) -> Kind {
    // Names of things are at even places: /v1/Conversations/{sid}/Webhooks/{sid}.
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let is_sid = |part: &str| part.len() == 34 || !part.starts_with(|c: char| c.is_ascii_uppercase());
    let one = parts.len() > 1 && parts.last().is_some_and(|last| is_sid(last));
    let resource = parts[1..].iter().rev().find(|part| !is_sid(part)).unwrap_or(&path);
    let verb = match (method.as_str(), one) {
        ("GET", true) => "fetch",
        ("GET", false) if *resource == "Configuration" => "fetch",
        ("GET", false) => "list",
        ("POST", true) => "update",
        ("POST", false) => "create",
        ("DELETE", _) => "delete",
        (other, _) => other,
    };
    Kind { layer: Layer::Twilio, what: format!("{verb} {resource}"), is_write: *method != Method::GET }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(layer: Layer, request: &str, body: &str, name: Option<&str>) {
        let (method, uri) = request.split_once(' ').unwrap();
        let sorted = sort(layer, &method.parse().unwrap(), &uri.parse().unwrap(), body.as_bytes());
        match sorted {
            Sort::Step(kind) => assert_eq!(Some(kind.to_string().as_str()), name),
            Sort::Background => assert_eq!(None, name),
        }
    }

    #[test]
    fn requests_to_the_api_server_are_named_by_what_they_ask_for() {
        const OF: &str = "/apis/conversations.twilio-operator.dev/v1alpha1/namespaces/a/conversationwebhooks";
        let is = |request: &str, body, name| is(Layer::Kube, &request.replace("OF", OF), body, name);
        is("GET OF?limit=500", "", None);
        is("GET OF?watch=true&fieldSelector=x", "", None);
        is("GET OF?labelSelector=x", "", Some("kube list conversationwebhooks"));
        is("GET OF/bot", "", Some("kube get conversationwebhooks"));
        is("PATCH OF/bot/status", "", Some("kube patch conversationwebhooks/status"));
        let journal = r#"{"metadata":{"annotations":{"x/create-attempt":"{}"}}}"#;
        is("PATCH OF/bot", journal, Some("kube patch conversationwebhooks (journal)"));
        is("PATCH OF/bot", "{}", Some("kube patch conversationwebhooks (finalizer)"));
        is("GET /api/v1/namespaces/a/secrets/s", "", Some("kube get secrets"));
        is("GET /api/v1/namespaces/kube-system", "", Some("kube get namespaces"));
        is("POST /apis/events.k8s.io/v1/namespaces/a/events", "", Some("kube create events"));
        is("PUT /apis/coordination.k8s.io/v1/namespaces/a/leases/l", "", None);
    }

    #[test]
    fn requests_to_twilio_are_named_by_what_they_ask_for() {
        const ON: &str = "/v1/Conversations/CH00000000000000000000000000000001";
        const WH: &str = "Webhooks/WH00000000000000000000000000000001";
        let is = |request: &str, name| {
            is(Layer::Twilio, &request.replace("ON", ON).replace("WH", WH), "", Some(name));
        };
        is("GET /v1/Configuration", "twilio fetch Configuration");
        is("GET ON", "twilio fetch Conversations");
        is("GET /v1/Conversations/support", "twilio fetch Conversations");
        is("GET ON/Webhooks?PageSize=50", "twilio list Webhooks");
        is("POST ON/Webhooks", "twilio create Webhooks");
        is("POST ON/WH", "twilio update Webhooks");
        is("DELETE ON/WH", "twilio delete Webhooks");
    }
}
