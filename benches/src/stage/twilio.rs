//! The simulator in a process of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use controlplane::Process;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Size, TOKEN, account, conversation, program, until};

/// A simulator that holds all tenants' accounts and conversations.
pub(crate) struct Twilio {
    pub(crate) url: String,
    latency: Duration,
    http: reqwest::Client,
    _process: Process,
}

impl Twilio {
    /// Starts one. `webhooks` are there already: the SID of each object's, in the objects' order. Beside the objects'
    /// conversations there are `spare` further ones.
    pub(super) async fn start(
        size: Size,
        spare: u32,
        webhooks: &[String],
        scratch: &TempDir,
    ) -> Result<Self> {
        let mut accounts = BTreeMap::<u32, Vec<Value>>::new();
        for n in 0..size.conversations() + spare {
            let first = n.saturating_mul(size.per_conversation);
            let there: Vec<Value> = (first..first.saturating_add(size.per_conversation))
                .filter_map(|object| Some((object, webhooks.get(object as usize)?)))
                .map(|(object, sid)| {
                    json!({ "sid": sid, "target": "webhook", "url": super::url(object), "method": "POST",
                            "filters": ["onMessageAdded"] })
                })
                .collect();
            let seed = json!({ "sid": conversation(n), "webhooks": there });
            accounts.entry(size.tenant(n)).or_default().push(seed);
        }
        let log = scratch.path().join("simulator.log");
        // Not the SIDs again that the one before gave out.
        let random = format!("--random-seed={}", u8::from(!webhooks.is_empty()));
        let process = Process::start(&program("twilio-conversations-simulator")?, &log, |command| {
            command.args(["--journal-size=1", "--check-replies=false"]).arg(random);
        })?;
        let url = until("the simulator answers", || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            text.lines().find_map(|line| line.find("http://").map(|at| line[at..].trim().to_owned()))
        })
        .await?;
        let latency = Duration::from_millis(size.latency);
        let twilio = Self { url, latency, http: reqwest::Client::new(), _process: process };
        // One account at a time: all of them together are more than a file of seeds may hold.
        for (tenant, own) in accounts {
            let seed = json!({ "sid": account(tenant), "authToken": TOKEN, "conversations": own });
            twilio.control_with(Method::POST, "seed", &json!({ "accounts": [seed] })).await?;
        }
        let settings = json!({ "maxConcurrent": size.twilio_in_flight });
        twilio.control_with(Method::PUT, "settings", &settings).await?;
        twilio.answer().await?;
        Ok(twilio)
    }

    fn control(&self, path: &str) -> String {
        format!("{}/_simulator/{path}", self.url)
    }

    async fn control_with(&self, method: Method, path: &str, body: &Value) -> Result<()> {
        self.http.request(method, self.control(path)).json(body).send().await?.error_for_status()?;
        Ok(())
    }

    /// Answers, after its latency, from now on.
    pub(crate) async fn answer(&self) -> Result<()> {
        self.only_fault(json!({ "type": "delay", "beforeMs": u64::try_from(self.latency.as_millis())? }))
            .await
    }

    /// Answers 503 and does nothing from now on.
    pub(crate) async fn fail(&self) -> Result<()> {
        self.only_fault(json!({ "type": "error", "status": 503 })).await
    }

    async fn only_fault(&self, fault: Value) -> Result<()> {
        self.http.delete(self.control("faults")).send().await?.error_for_status()?;
        self.control_with(Method::POST, "faults", &json!({ "fault": fault })).await
    }

    /// How many requests it had.
    pub(crate) async fn requests(&self) -> Result<TwilioRequests> {
        let counters: Value = self.http.get(self.control("counters")).send().await?.json().await?;
        let mut requests = TwilioRequests::default();
        for (operation, counts) in counters["accounts"]
            .as_object()
            .into_iter()
            .flat_map(|accounts| accounts.values())
            .flat_map(|account| account.as_object().into_iter().flatten())
        {
            let count = |count: &Value| count.as_u64().unwrap_or_default();
            requests.all += count(&counts["requests"]);
            requests.refused += count(&counts["byStatus"]["429"]);
            match operation.as_str() {
                "create" => requests.creates += count(&counts["requests"]),
                "list" => requests.lists += count(&counts["requests"]),
                _ => {}
            }
        }
        Ok(requests)
    }

    /// How many webhooks there are.
    pub(crate) async fn webhooks(&self) -> Result<usize> {
        let ledger: Value = self.http.get(self.control("ledger?alive=true")).send().await?.json().await?;
        let webhooks =
            ledger.as_array().or_else(|| ledger["webhooks"].as_array()).context("the ledger is no list")?;
        Ok(webhooks.len())
    }
}

/// What Twilio was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TwilioRequests {
    pub(crate) all: u64,
    pub(crate) creates: u64,
    pub(crate) lists: u64,
    /// Of all: answered with 429.
    pub(crate) refused: u64,
}

impl TwilioRequests {
    /// What came after `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            all: self.all - earlier.all,
            creates: self.creates - earlier.creates,
            lists: self.lists - earlier.lists,
            refused: self.refused - earlier.refused,
        }
    }
}
