//! The parts of one run.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use controlplane::{ControlPlane, Process};
use conversation_webhook_operator::api::ConversationWebhook;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How much there is of what.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Objects.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) objects: u32,
    /// Of these on each conversation.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=5))]
    pub(crate) per_conversation: u32,
    /// Tenants, each with a namespace, an account and a Secret.
    #[arg(long, default_value_t = 100)]
    pub(crate) tenants: u32,
    /// How long Twilio takes for each request, in milliseconds.
    #[arg(long, default_value_t = 100)]
    pub(crate) latency: u64,
    /// Requests that one account may have in flight.
    #[arg(long, default_value_t = 5)]
    pub(crate) in_flight: u32,
    /// Level of the operator's log, which is printed on standard error at the end where it is not `warn`.
    #[arg(long, value_enum, default_value_t = Level::Warn)]
    pub(crate) log: Level,
}

/// How much the operator logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Warn,
    Info,
    Debug,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl Size {
    /// The conversation of an object.
    fn conversation(self, object: u32) -> String {
        format!("CH{:032x}", object / self.per_conversation)
    }

    /// The tenant of an object. Those on one conversation have one.
    fn tenant(self, object: u32) -> u32 {
        (object / self.per_conversation) % self.tenants
    }
}

/// Who asks the API server for a contender: an account like any other, which no flow control exempts.
const SYSTEM: &str = "bench";

/// A control plane with tenants and objects, and a simulator.
pub(crate) struct Stage {
    pub(crate) size: Size,
    pub(crate) plane: ControlPlane,
    /// With all rights, for what is measured by nobody.
    pub(crate) kube: Client,
    /// For the contender.
    pub(crate) kubeconfig: PathBuf,
    pub(crate) twilio: Twilio,
    pub(crate) scratch: TempDir,
}

impl Stage {
    /// Everything but a contender.
    pub(crate) async fn new(size: Size) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let twilio = Twilio::start(size, &scratch).await?;
        let plane = ControlPlane::start().await?;
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let crd = format!("{root}/crds/conversationwebhooks.yaml");
        plane.kubectl(&["create", "-f", &crd]).await?;
        plane.kubectl(&["wait", "--for=condition=Established", "-f", &crd]).await?;
        plane.kubectl(&["create", "namespace", SYSTEM]).await?;
        plane.kubectl(&["create", "serviceaccount", "-n", SYSTEM, SYSTEM]).await?;
        let account = format!("--serviceaccount={SYSTEM}:{SYSTEM}");
        plane
            .kubectl(&["create", "clusterrolebinding", SYSTEM, "--clusterrole=cluster-admin", &account])
            .await?;
        let kubeconfig = plane.kubeconfig_for_service_account(SYSTEM, SYSTEM).await?;
        let kube = plane.admin_client().await?;
        let stage = Self { size, plane, kube, kubeconfig, twilio, scratch };
        stage.tenants().await?;
        stage.objects().await?;
        Ok(stage)
    }

    /// The account of a tenant's namespace.
    pub(crate) fn account_of(namespace: &str) -> Result<String> {
        Ok(account(namespace.trim_start_matches("tenant-").parse()?))
    }

    /// Namespace and name of an object.
    pub(crate) fn name_of(&self, object: u32) -> (String, String) {
        (namespace(self.size.tenant(object)), format!("bot-{object}"))
    }

    /// The auth token of every account.
    pub(crate) fn token() -> &'static str {
        TOKEN
    }

    async fn tenants(&self) -> Result<()> {
        stream::iter(0..self.size.tenants)
            .map(|tenant| async move {
                let name = namespace(tenant);
                let object: Namespace = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
                Api::all(self.kube.clone()).create(&PostParams::default(), &object).await?;
                let login = json!({ "TWILIO_ACCOUNT_SID": account(tenant), "TWILIO_AUTH_TOKEN": TOKEN });
                let secret: Secret = serde_json::from_value(
                    json!({ "metadata": { "name": "twilio-credentials" }, "stringData": login }),
                )?;
                Api::namespaced(self.kube.clone(), &name).create(&PostParams::default(), &secret).await?;
                Ok(())
            })
            .buffer_unordered(8)
            .try_collect()
            .await
    }

    async fn objects(&self) -> Result<()> {
        stream::iter(0..self.size.objects)
            .map(|n| async move {
                let api: Api<ConversationWebhook> =
                    Api::namespaced(self.kube.clone(), &namespace(self.size.tenant(n)));
                api.create(&PostParams::default(), &serde_json::from_value(self.object(n))?).await?;
                anyhow::Ok(())
            })
            .buffer_unordered(32)
            .try_collect()
            .await
    }

    /// An object as a user writes it.
    fn object(&self, n: u32) -> Value {
        json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
            "kind": "ConversationWebhook",
            "metadata": { "name": format!("bot-{n}") },
            "spec": {
                "conversationSid": self.size.conversation(n),
                "target": "webhook",
                "configuration": {
                    "url": format!("https://bots.example.com/{n}"), "method": "POST", "filters": ["onMessageAdded"],
                },
            },
        })
    }
}

const TOKEN: &str = "bench-token";

/// A tenant's namespace.
fn namespace(tenant: u32) -> String {
    format!("tenant-{tenant}")
}

fn account(tenant: u32) -> String {
    format!("AC{tenant:032x}")
}

/// The simulator in a process of its own.
pub(crate) struct Twilio {
    pub(crate) url: String,
    http: reqwest::Client,
    _process: Process,
}

impl Twilio {
    async fn start(size: Size, scratch: &TempDir) -> Result<Self> {
        let seed = scratch.path().join("seed.json");
        let conversations = size.objects.div_ceil(size.per_conversation);
        let accounts: Vec<Value> = (0..size.tenants)
            .map(|tenant| {
                let own: Vec<Value> = (tenant..conversations)
                    .step_by(size.tenants as usize)
                    .map(|n| json!({ "sid": format!("CH{n:032x}") }))
                    .collect();
                json!({ "sid": account(tenant), "authToken": TOKEN, "conversations": own })
            })
            .collect();
        // JSON is YAML.
        std::fs::write(&seed, json!({ "accounts": accounts }).to_string())?;
        let log = scratch.path().join("simulator.log");
        let process = Process::start(&program("twilio-conversations-simulator")?, &log, |command| {
            command.arg("--seed").arg(&seed).args(["--journal-size=1", "--check-replies=false"]);
        })?;
        let url = until("the simulator answers", || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            text.lines().find_map(|line| line.find("http://").map(|at| line[at..].trim().to_owned()))
        })
        .await?;
        let twilio = Self { url, http: reqwest::Client::new(), _process: process };
        let delay = json!({ "fault": { "type": "delay", "beforeMs": size.latency } });
        twilio.http.post(twilio.control("faults")).json(&delay).send().await?.error_for_status()?;
        Ok(twilio)
    }

    fn control(&self, path: &str) -> String {
        format!("{}/_simulator/{path}", self.url)
    }

    /// How many requests it had, by operation.
    pub(crate) async fn requests(&self) -> Result<TwilioRequests> {
        let counters: Value = self.http.get(self.control("counters")).send().await?.json().await?;
        let of = |name: &str| {
            let accounts =
                counters["accounts"].as_object().into_iter().flat_map(|accounts| accounts.values());
            accounts.map(|account| account[name]["requests"].as_u64().unwrap_or_default()).sum::<u64>()
        };
        let all = counters["accounts"].as_object().into_iter().flat_map(|accounts| accounts.values());
        let all = all.flat_map(|account| account.as_object().into_iter().flat_map(|counts| counts.values()));
        let all = all.map(|counts| counts["requests"].as_u64().unwrap_or_default()).sum();
        Ok(TwilioRequests { all, creates: of("create"), lists: of("list") })
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwilioRequests {
    pub(crate) all: u64,
    pub(crate) creates: u64,
    pub(crate) lists: u64,
}

/// A program that was built beside this one.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.exists() {
        bail!("{} is missing: `make bench` builds it", path.display());
    }
    Ok(path)
}

/// Waits until something is there.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    for _ in 0..600 {
        if let Some(found) = look() {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("not within 30 s: {what}")
}
