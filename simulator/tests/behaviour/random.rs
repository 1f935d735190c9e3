//! Whatever is asked: the simulator answers, as Twilio would, and goes on. The replies are held against the
//! contract by the simulator itself (`Config::check_replies`); here they are looked at as a client sees them.

mod parameter;
mod request;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use self::request::{Request, Seen, request};
use crate::fixture::*;
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use serde_json::Value;
use twilio_conversations_simulator::{Config, Settings, Simulator};

/// A reply is there long before this, or it never comes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Answer {
    status: u16,
    body: Value,
}

fn ask(simulator: &Simulator, request: &[u8]) -> std::io::Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(simulator.address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // A reply may come before all of a body that is refused was sent; what matters is the reply.
    let sent = stream.write_all(request);
    let mut received = Vec::new();
    let read = stream.read_to_end(&mut received);
    if received.is_empty() {
        sent.and(read.map(drop))?;
    }
    let end = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(received.len());
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    Ok((head, received.split_off((end + 4).min(received.len()))))
}

/// Asks, and looks at what every reply has, right or wrong.
fn look(simulator: &Simulator, request: &[u8], is_head: bool) -> Result<Answer, TestCaseError> {
    let (head, body) = ask(simulator, request).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status: u16 = status.ok_or_else(|| TestCaseError::fail(format!("no reply: {head:?}")))?;
    prop_assert!(status < 500, "{head}");
    prop_assert!(head.contains("\r\nTwilio-Request-Id: RQ"), "{head}");
    if is_head || status == 204 {
        prop_assert!(body.is_empty());
        return Ok(Answer { status, body: Value::Null });
    }
    prop_assert!(head.contains("\r\nContent-Type: application/json"), "{head}");
    let body: Value = serde_json::from_slice(&body)
        .map_err(|error| TestCaseError::fail(format!("{error}: {}", String::from_utf8_lossy(&body))))?;
    if status >= 400 {
        let code = &body["code"];
        prop_assert!(code.is_u64() && body["status"] == status, "{body}");
        prop_assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        prop_assert_eq!(&body["more_info"], &format!("https://www.twilio.com/docs/errors/{code}"));
    }
    Ok(Answer { status, body })
}

/// Every SID in a reply.
fn sids(reply: &Value, found: &mut Vec<String>) {
    match reply {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value.as_str() {
            Some(sid) if name.ends_with("sid") && !found.iter().any(|known| known == sid) => {
                found.push(sid.to_owned());
            }
            _ => sids(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| sids(item, found)),
        _ => {}
    }
}

/// The links of a list lead to lists.
fn follow(simulator: &Simulator, list: &Value, authorization: &str) -> Result<(), TestCaseError> {
    for name in ["first_page_url", "url", "next_page_url", "previous_page_url"] {
        let Some(url) = list["meta"][name].as_str() else { continue };
        let target = url.splitn(4, '/').last().unwrap_or_default();
        let request = format!(
            "GET /{target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {authorization}\r\n\r\n"
        );
        let answer = look(simulator, request.as_bytes(), false)?;
        prop_assert_eq!(answer.status, 200, "{}: {}", url, answer.body);
        prop_assert!(answer.body["meta"].is_object(), "{}", answer.body);
    }
    Ok(())
}

fn post(path: &str, form: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Basic {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        basic(&ACCOUNT.to_string(), TOKEN),
        form.len(),
    )
    .into_bytes()
}

/// A world with something of everything, and the SIDs of it.
fn furnish(simulator: &Simulator, settings: Settings) -> Result<Seen, TestCaseError> {
    simulator.reset().map_err(|error| TestCaseError::fail(error.to_string()))?;
    simulator.set_settings(settings);
    let mut seen = Seen::default();
    seen.of(true).push(SERVICE.to_string());
    let url = "Configuration.Url=http%3A%2F%2F127.0.0.1%3A1%2F";
    let forms = [
        ("Webhooks", format!("Target=webhook&{url}&Configuration.Filters=onMessageAdded")),
        ("Webhooks", format!("Target=trigger&{url}&Configuration.Method=GET&Configuration.Triggers=a")),
        ("Webhooks", format!("Target=studio&Configuration.FlowSid={FLOW}")),
        ("Messages", "Author=ana&Body=hello".to_owned()),
        ("Participants", "Identity=ana".to_owned()),
    ];
    let families = [
        format!("/v1/Conversations/{CONVERSATION}"),
        format!("/v1/Services/{SERVICE}/Conversations/{IN_SERVICE}"),
    ];
    for (path, (part, form)) in families.iter().flat_map(|path| forms.iter().map(move |form| (path, form))) {
        let answer = look(simulator, &post(&format!("{path}/{part}"), form), false)?;
        prop_assert!(answer.status == 201, "{path}/{part}: {}", answer.body);
        sids(&answer.body, seen.of(path.contains("Services")));
    }
    Ok(seen)
}

fn start() -> Simulator {
    let config = Config { random_seed: 7, check_replies: true, ..Config::from(seed()) };
    tokio::runtime::Runtime::new().unwrap().block_on(Simulator::start(config)).unwrap()
}

/// What each switch may be besides its default.
const SWITCHES: [(&str, &str); 17] = [
    ("methodCase", "upper"),
    ("triggerKeys", "filters"),
    ("countLimitStatus", "forbidden"),
    ("notFoundCode", "specific"),
    ("missingFilters", "accept"),
    ("studioFilters", "hide"),
    ("filterOrder", "reversed"),
    ("listOrder", "newestFirst"),
    ("dateUpdated", "afterChange"),
    ("pageLimit", "thousand"),
    ("closedConversation", "accept"),
    ("closedConversation", "refuseAll"),
    ("stateStatus", "conflict"),
    ("uniqueNameInPath", "refuse"),
    ("unscopedEvents", "accept"),
    ("legacyEvents", "accept"),
    ("otherTargetKeys", "refuse"),
];

fn settings() -> impl Strategy<Value = Settings> {
    let others = prop::sample::subsequence(SWITCHES.to_vec(), 0..SWITCHES.len());
    (others, any::<bool>()).prop_map(|(others, echo)| {
        let mut settings = serde_json::json!({ "echoReplayAfter": echo });
        for (name, position) in others {
            settings[name] = position.into();
        }
        serde_json::from_value(settings).unwrap()
    })
}

/// How often each status came: a generator whose requests all fail at the door shows nothing.
type Statuses = std::collections::BTreeMap<u16, usize>;

fn go_through(
    simulator: &Simulator,
    settings: Settings,
    requests: &[Request],
    statuses: &mut Statuses,
) -> Result<(), TestCaseError> {
    let before = simulator.violations().len();
    let mut seen = furnish(simulator, settings)?;
    for request in requests {
        let answer = look(simulator, &request.bytes(&mut seen), request.is_head())?;
        *statuses.entry(answer.status).or_default() += 1;
        sids(&answer.body, seen.of(request.in_service()));
        follow(simulator, &answer.body, request.authorization())?;
    }
    let wrong = simulator.violations();
    prop_assert_eq!(wrong.get(before), None);
    simulator.reset().map_err(|error| TestCaseError::fail(error.to_string()))?;
    let proof = look(simulator, &post(&webhooks(CONVERSATION), "Target=none"), false)?;
    prop_assert_eq!((proof.status, &proof.body["code"]), (400, &Value::from(50364)));
    Ok(())
}

/// `PROPTEST_CASES` sets how many.
#[test]
fn whatever_is_asked_is_answered_as_twilio_would() {
    let simulator = start();
    let mut statuses = std::cell::RefCell::new(Statuses::new());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let cases = (settings(), prop::collection::vec(request(), 1..8));
    let result = TestRunner::new(config).run(&cases, |(settings, requests)| {
        go_through(&simulator, settings, &requests, &mut statuses.borrow_mut())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    let statuses = statuses.get_mut();

    let enough = statuses.values().sum::<usize>() > 500;
    for status in [200, 201, 204, 400, 401, 404, 405] {
        assert!(
            !enough || statuses.contains_key(&status),
            "no request was answered with {status}: {statuses:?}"
        );
    }
}
