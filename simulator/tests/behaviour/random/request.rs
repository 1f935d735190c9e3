//! Requests made from Twilio's contract: every operation of it, with parameters as they should be and as they
//! should not.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::parameter::{OPERATIONS, Operation, Parameter, Place, field, prefix};
use crate::fixture::*;

/// One request, up to what only the running simulator knows.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: String,
    path: Vec<Segment>,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    authorization: Option<String>,
}

#[derive(Debug, Clone)]
enum Segment {
    /// As it is on the wire.
    Literal(String),
    /// A SID of that prefix which the simulator has shown below the same service, or a made-up one.
    Seen(&'static str, Index),
}

/// The SIDs that the simulator has shown.
#[derive(Debug, Default)]
pub(super) struct Seen {
    in_default_service: Vec<String>,
    in_services: Vec<String>,
}

impl Seen {
    pub(super) fn of(&mut self, in_service: bool) -> &mut Vec<String> {
        if in_service { &mut self.in_services } else { &mut self.in_default_service }
    }
}

impl Request {
    pub(super) fn authorization(&self) -> &str {
        self.authorization.as_deref().unwrap_or_default()
    }

    pub(super) fn in_service(&self) -> bool {
        matches!(self.path.get(2), Some(Segment::Literal(text)) if text == "Services")
    }

    /// What goes over the wire, when these SIDs were seen before.
    pub(super) fn bytes(&self, seen: &mut Seen) -> Vec<u8> {
        let seen = &*seen.of(self.in_service());
        let segment = |segment: &Segment| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::Seen(prefix, index) => {
                let sids: Vec<_> = seen.iter().filter(|sid| sid.starts_with(prefix)).collect();
                if sids.is_empty() { format!("{prefix}{:032x}", 1) } else { (*index.get(&sids)).clone() }
            }
        };
        let mut target = self.path.iter().map(segment).collect::<Vec<_>>().join("/");
        if !self.query.is_empty() {
            target = format!("{target}?{}", encoded(&self.query));
        }
        let body = if self.form.is_empty() { String::new() } else { encoded(&self.form) };
        let mut head = format!("{} {target} HTTP/1.1\r\nConnection: close\r\n", self.method);
        if let Some(value) = &self.authorization {
            head = format!("{head}Authorization: {value}\r\n");
        }
        for (name, value) in &self.headers {
            head = format!("{head}{name}: {value}\r\n");
        }
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

fn encoded(pairs: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Any request.
pub(super) fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        6 => select(OPERATIONS.as_slice()).prop_flat_map(of_operation),
        // Half of the contract is about what no simulator of webhooks has: more of what it has.
        24 => select(in_reach()).prop_flat_map(of_operation),
        6 => select(lists()).prop_flat_map(of_operation),
        1 => anywhere(),
    ]
}

/// The operations on what the simulator's world holds.
fn in_reach() -> Vec<Operation> {
    let words = ["Conversations", "Configuration", "Services", "{ChatServiceSid}"];
    let parts = ["Messages", "Webhooks", "Participants", "Receipts"];
    let is_in_reach =
        |operation: &&Operation| {
            operation.path.split('/').skip(2).all(|segment| {
                segment.starts_with('{') || words.contains(&segment) || parts.contains(&segment)
            })
        };
    OPERATIONS.iter().filter(is_in_reach).cloned().collect()
}

/// Those of them that are lists: there are few, and most of their parameters are bounds.
fn lists() -> Vec<Operation> {
    in_reach()
        .into_iter()
        .filter(|operation| operation.parameters.iter().any(|p| p.name == "PageSize"))
        .collect()
}

fn of_operation(operation: Operation) -> impl Strategy<Value = Request> {
    let Operation { method, path, parameters } = operation;
    let at = |place| {
        let parameters: Vec<_> =
            parameters.iter().filter(|parameter| parameter.place == place).cloned().collect();
        parameters
    };
    let fields = |place| {
        let known: Vec<_> = at(place).iter().map(field).collect();
        (known, odd_fields())
            .prop_map(|(known, odd)| known.into_iter().flatten().chain(odd).collect::<Vec<_>>())
    };
    let other = select(vec!["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"]);
    let method = prop_oneof![12 => Just(method), 1 => other.prop_map(str::to_owned)];
    (
        method,
        segments(&path, &at(Place::Path)),
        fields(Place::Query),
        fields(Place::Form),
        headers(),
        authorization(),
    )
        .prop_map(|(method, path, query, form, headers, authorization)| Request {
            method,
            path,
            query,
            form,
            headers,
            authorization,
        })
}

/// A path of any characters that a path may have on the wire.
fn anywhere() -> impl Strategy<Value = Request> {
    let path = "(/v1)?/(Services/|Conversations/|Webhooks/|_simulato|\\.\\./|%|/){0,6}[!$-;=@-Z_a-z~]{0,40}";
    (path, authorization()).prop_map(|(path, authorization)| Request {
        method: "GET".to_owned(),
        path: vec![Segment::Literal(path)],
        query: Vec::new(),
        form: Vec::new(),
        headers: vec![("Host".to_owned(), "localhost".to_owned())],
        authorization,
    })
}

fn segments(template: &str, parameters: &[Parameter]) -> BoxedStrategy<Vec<Segment>> {
    let mut before = "";
    let mut strategies = Vec::new();
    for segment in template.split('/') {
        strategies.push(match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            None => Just(Segment::Literal(segment.to_owned())).boxed(),
            Some(name) => {
                let parameter = parameters.iter().find(|parameter| parameter.name == name).unwrap();
                path_value(prefix(parameter, before)).boxed()
            }
        });
        before = segment;
    }
    strategies.boxed()
}

fn path_value(prefix: &'static str) -> impl Strategy<Value = Segment> {
    let unknown = any::<u128>().prop_map(move |bits| format!("{prefix}{bits:032x}"));
    let encoded = |text: String| {
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let odd = select(vec![
        "",
        ".",
        "..",
        "%",
        "%zz",
        "%00",
        "%FF",
        "%2F",
        "tenant%20a%2Fsupport",
        "CH",
        "*",
        "a;b=c&d",
    ]);
    let long = (1usize..9000).prop_map(|length| "x".repeat(length));
    prop_oneof![
        48 => any::<Index>().prop_map(move |index| Segment::Seen(prefix, index)),
        1 => unknown.prop_map(Segment::Literal),
        1 => "\\PC{0,20}".prop_map(encoded).prop_map(Segment::Literal),
        1 => odd.prop_map(str::to_owned).prop_map(Segment::Literal),
        1 => long.prop_map(Segment::Literal),
    ]
}

/// Parameters that no operation has.
fn odd_fields() -> impl Strategy<Value = Vec<(String, String)>> {
    prop_oneof![6 => Just(Vec::new()), 1 => prop::collection::vec(("\\PC{0,8}", any::<String>()), 1..4)]
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let form = "application/x-www-form-urlencoded";
    let content_types = vec![form, form, form, form, form, "application/json", "text/plain", "", ";;;"];
    let enabled = select(vec!["true", "false", "TRUE", "yes", "", "true, true", "\u{e9}"]);
    let hosts = vec![
        "localhost",
        "127.0.0.1:8080",
        "[::1]:80",
        "twilio.svc",
        "a b",
        "",
        "%%%",
        "a:99999999",
        "\u{e9}",
        "u@h/p?q#f",
    ];
    let agents = vec!["random/1", "", "\u{e9}\u{e9}"];
    (select(content_types), prop::option::of(enabled), select(hosts), prop::option::of(select(agents)))
        .prop_map(|(content_type, enabled, host, agent)| {
            let mut headers = vec![("Content-Type", content_type), ("Host", host)];
            headers.extend(enabled.map(|value| ("X-Twilio-Webhook-Enabled", value)));
            headers.extend(agent.map(|value| ("User-Agent", value)));
            headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        })
}

fn authorization() -> impl Strategy<Value = Option<String>> {
    let login = |user: String, password: &str| format!("Basic {}", basic(&user, password));
    let right = login(ACCOUNT.to_string(), TOKEN);
    let others = vec![
        login(KEY.to_string(), SECRET),
        login(READ_ONLY_KEY.to_string(), SECRET),
        login(OTHER_ACCOUNT.to_string(), OTHER_TOKEN),
        login(ACCOUNT.to_string(), "wrong"),
        login(ACCOUNT.to_string(), ""),
        login("nobody".to_owned(), TOKEN),
        login(String::new(), ""),
        login("u".repeat(3000), &"p".repeat(3000)),
        "Basic".to_owned(),
        "Basic !!!".to_owned(),
        format!("Basic {}", "/////w=="),
        "Bearer token".to_owned(),
        "\u{e9}".to_owned(),
        String::new(),
    ];
    prop_oneof![40 => Just(Some(right)), 1 => Just(None), 4 => select(others).prop_map(Some)]
}
