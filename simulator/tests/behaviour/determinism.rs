//! One random seed and the same requests give the same world: SIDs, faults, journal and deliveries, in this process
//! and in any other.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::fixture::*;
use http::Method;
use reqwest::Client;
use serde_json::{Value, json};
use twilio_conversations_simulator::{Config, Operation, Seed, Simulator};

const ROUNDS: usize = 8;

/// A client that goes through every operation, and notes what came of it.
struct Player {
    client: Client,
    origin: String,
    answers: Vec<Value>,
}

impl Player {
    fn new(origin: String) -> Self {
        // No connection is used twice, so that none that a fault has ended is tried again.
        let client =
            Client::builder().no_proxy().pool_max_idle_per_host(0).user_agent("player/1").build().unwrap();
        Self { client, origin, answers: Vec::new() }
    }

    async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.client.request(method, format!("{}/_simulator{path}", self.origin));
        let request = if body.is_null() { request } else { request.json(&body) };
        Reply::to(request).await.json
    }

    /// One request; the SID in the answer, or else one that names nothing.
    async fn step(&mut self, method: &str, path: &str, form: &[(&str, &str)]) -> String {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.origin));
        let request = request.basic_auth(ACCOUNT, Some(TOKEN)).header(FIRES.0, FIRES.1);
        let request = if method == "POST" { request.form(form) } else { request };
        let answer = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                json!([
                    status,
                    response.bytes().await.ok().map(|body| String::from_utf8(body.into()).unwrap())
                ])
            }
            Err(_) => Value::Null,
        };
        let body = answer[1].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
        self.answers.push(body.clone().map_or(answer.clone(), |body| json!([answer[0], body])));
        let sid = body.and_then(|body| body["sid"].as_str().map(str::to_owned));
        sid.unwrap_or_else(|| "CH000000000000000000000000000000ff".to_owned())
    }

    async fn round(&mut self, round: usize) {
        let name = format!("room {round}");
        let service = self.step("POST", "/v1/Services", &[("FriendlyName", &name)]).await;
        let family =
            if round.is_multiple_of(2) { "/v1".to_owned() } else { format!("/v1/Services/{service}") };
        let wide =
            [("PostWebhookUrl", NOBODY), ("Filters", "onConversationAdded"), ("Filters", "onMessageAdded")];
        for path in ["/v1/Configuration/Webhooks", &format!("/v1/Services/{service}/Configuration/Webhooks")]
        {
            self.step("POST", path, &wide).await;
            self.step("GET", path, &[]).await;
        }
        self.step("POST", "/v1/Configuration", &[("DefaultClosedTimer", "P1D")]).await;
        let made = self.step("POST", &format!("{family}/Conversations"), &[("UniqueName", &name)]).await;
        let conversation = format!("{family}/Conversations/{made}");
        for item in [
            self.step("POST", &format!("{conversation}/Webhooks"), &webhook_form(NOBODY)).await,
            self.step("POST", &format!("{conversation}/Webhooks"), &webhook_form(NOBODY)).await,
        ] {
            self.step("POST", &format!("{conversation}/Webhooks/{item}"), &webhook_form(NOBODY)).await;
            self.step("GET", &format!("{conversation}/Webhooks/{item}"), &[]).await;
        }
        let participant =
            self.step("POST", &format!("{conversation}/Participants"), &[("Identity", "ana")]).await;
        let message = self.step("POST", &format!("{conversation}/Messages"), &[("Author", "ana")]).await;
        let (message, participant) = (
            format!("{conversation}/Messages/{message}"),
            format!("{conversation}/Participants/{participant}"),
        );
        for (path, form) in [
            (&message, [("Body", "other")]),
            (&participant, [("LastReadMessageIndex", "0")]),
            (&conversation, [("State", "inactive")]),
        ] {
            self.step("POST", path, &form).await;
            self.step("GET", path, &[]).await;
        }
        for list in ["Webhooks?PageSize=1", "Messages", "Participants"] {
            self.step("GET", &format!("{conversation}/{list}"), &[]).await;
        }
        for path in [&format!("{family}/Conversations?PageSize=2"), "/v1/Services", "/v1/Configuration"] {
            self.step("GET", path, &[]).await;
        }
        self.step("GET", &format!("{message}/Receipts"), &[]).await;
        self.step("GET", &format!("{message}/Receipts/DY1"), &[]).await;
        self.step("GET", &format!("/v1/Services/{service}"), &[]).await;
        let hook = self.step("POST", &format!("{conversation}/Webhooks"), &webhook_form(NOBODY)).await;
        for path in [&format!("{conversation}/Webhooks/{hook}"), &message, &participant, &conversation] {
            self.step("DELETE", path, &[]).await;
        }
        self.step("DELETE", &format!("/v1/Services/{service}"), &[]).await;
    }
}

/// What is the same for the same seed.
#[derive(Debug, PartialEq)]
struct Trace {
    answers: Value,
    journal: Value,
    faults: Value,
    deliveries: Value,
    ledger: Value,
}

/// Everything once more, at a simulator that is new.
async fn play(origin: String) -> Trace {
    let mut player = Player::new(origin);
    let account = json!({"sid": ACCOUNT, "authToken": TOKEN});
    player.control(Method::POST, "/seed", json!({"accounts": [account]})).await;
    for rule in [
        json!({"operation": "create", "probability": 0.5, "fault": {"type": "error", "status": 500, "commit": true}}),
        json!({"operation": "list", "probability": 0.7, "fault": {"type": "garbled", "reply": "endlessPages"}}),
        json!({"probability": 0.1, "fault": {"type": "tooManyRequests"}}),
        json!({"probability": 0.05, "fault": {"type": "reset", "commit": true}}),
        json!({"probability": 0.05, "fault": {"type": "close"}}),
    ] {
        player.control(Method::POST, "/faults", rule).await;
    }
    for round in 0..ROUNDS {
        player.round(round).await;
    }
    let mut deliveries = Value::Null;
    for _ in 0..1000 {
        deliveries = player.control(Method::GET, "/deliveries", Value::Null).await;
        if deliveries["pending"] == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(deliveries["pending"], 0);
    let timeless = |value| without_times(value, &player.origin);
    Trace {
        answers: timeless(player.answers.clone().into()),
        journal: timeless(player.control(Method::GET, "/journal", Value::Null).await),
        faults: player.control(Method::GET, "/faults", Value::Null).await,
        deliveries: timeless(deliveries),
        ledger: timeless(player.control(Method::GET, "/ledger", Value::Null).await),
    }
}

/// The same without moments, durations and the port.
fn without_times(value: Value, origin: &str) -> Value {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => "a moment".into(),
        Value::String(text) => text.replace(origin, "http://simulator").into(),
        Value::Array(items) => items.into_iter().map(|item| without_times(item, origin)).collect(),
        Value::Object(fields) => {
            let lasting = fields.into_iter().filter(|(name, _)| name != "durationUs");
            lasting.map(|(name, value)| (name, without_times(value, origin))).collect()
        }
        other => other,
    }
}

async fn play_here(random_seed: u64) -> Trace {
    let config = Config { random_seed, ..Config::from(Seed::new()) };
    let simulator = Simulator::start(config).await.unwrap();
    let trace = play(simulator.url()).await;
    simulator.stop().await;
    trace
}

/// A simulator in a process of its own, which ends with it.
struct Process(Child);

impl Process {
    fn start(random_seed: &str) -> (Self, String) {
        let program = env!("CARGO_BIN_EXE_twilio-conversations-simulator");
        let mut command = Command::new(program);
        command.args(["--random-seed", random_seed]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Self(command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (process, line.trim_end().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_same_seed_and_requests_give_the_same_world_here_and_in_other_processes() {
    let here = play_here(7).await;
    assert_eq!(play_here(7).await, here);
    for _ in 0..2 {
        let (_process, origin) = Process::start("7");
        assert_eq!(play(origin).await, here);
    }
    // It says something: every operation was asked for, every fault struck, and there was much to deliver.
    let asked = here.journal["requests"].as_array().unwrap();
    for operation in Operation::ALL {
        assert!(asked.iter().any(|entry| entry["operation"] == json!(operation)), "{operation:?}");
    }
    for fault in here.faults["faults"].as_array().unwrap() {
        let [struck, seen] = ["struck", "seen"].map(|field| fault[field].as_u64().unwrap());
        assert!(0 < struck && struck < seen, "{fault}");
    }
    assert!(here.deliveries["deliveries"].as_array().unwrap().len() > 2 * ROUNDS);
}

#[tokio::test]
async fn another_seed_gives_another_world() {
    let (one, other) = (play_here(7).await, play_here(8).await);
    let sids = |trace: &Trace| {
        trace.ledger["webhooks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|webhook| webhook["sid"].clone())
            .collect::<Vec<_>>()
    };
    assert!(sids(&one).iter().all(|sid| !sids(&other).contains(sid)));
    let tokens = |trace: &Trace| {
        let deliveries = trace.deliveries["deliveries"].as_array().unwrap();
        deliveries.iter().map(|delivery| delivery["idempotencyToken"].clone()).collect::<Vec<_>>()
    };
    assert!(tokens(&one).iter().all(|token| !tokens(&other).contains(token)));
    let struck = |trace: &Trace| {
        trace.journal["requests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["fault"].clone())
            .collect::<Vec<_>>()
    };
    assert_ne!(struck(&one), struck(&other));
}
