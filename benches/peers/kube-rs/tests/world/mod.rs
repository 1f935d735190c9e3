//! A control plane, a simulator and a running peer.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use controlplane::{ControlPlane, Mark, Process};
use conversation_webhook_operator::api::ConversationWebhook;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::{Mutex, OnceCell};
use twilio_conversations_simulator::{
    AccountSeed, AccountSid, ConversationSeed, ConversationSid, Operation, Seed, Simulator,
};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const AUTH_TOKEN: &str = "canary-auth-token";
const NAMESPACE: &str = "tenant-a";
const SERVICE_ACCOUNT: &str = "peer";
const CONVERSATIONS: usize = 20;
/// Longer than anything takes; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// Requests by what they did.
pub(crate) type Requests = BTreeMap<String, usize>;

/// Which program.
#[derive(Clone, Copy)]
pub(crate) enum Peer {
    KubeRs,
    ControllerRuntime,
}

/// A program with its arguments.
#[derive(Clone, Copy)]
pub(crate) struct Variant {
    pub(crate) peer: Peer,
    pub(crate) arguments: &'static [&'static str],
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.peer {
            Peer::KubeRs => "peer-kube-rs",
            Peer::ControllerRuntime => "peer-controller-runtime",
        })?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}

impl Peer {
    /// Where the program is; `None`, and a word on it, where it cannot be built.
    async fn program(self) -> Option<&'static Path> {
        static BUILT: OnceCell<Option<PathBuf>> = OnceCell::const_new();
        match self {
            Self::KubeRs => Some(Path::new(env!("CARGO_BIN_EXE_peer-kube-rs"))),
            Self::ControllerRuntime => BUILT.get_or_init(build_controller_runtime).await.as_deref(),
        }
    }
}

async fn build_controller_runtime() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peer-controller-runtime");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../controller-runtime");
    let mut go = Command::new("go");
    match go.args(["build", "-o"]).arg(&program).arg(".").current_dir(source).status().await {
        Ok(status) => {
            assert!(status.success(), "go build: {status}");
            Some(program)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: there is no `go` on the PATH to build the peer of controller-runtime with");
            None
        }
        Err(error) => panic!("go build: {error}"),
    }
}

/// The SID of conversation `n`.
pub(crate) fn conversation(n: usize) -> ConversationSid {
    format!("CH{n:032x}").parse().unwrap()
}

/// A peer on a control plane of its own, since it serves all namespaces, and a simulator with some conversations.
pub(crate) struct World {
    pub(crate) plane: ControlPlane,
    pub(crate) simulator: Simulator,
    api: Api<ConversationWebhook>,
    peer: Mutex<Process>,
    directory: TempDir,
}

impl World {
    /// `None` where the peer cannot be built.
    pub(crate) async fn with(variant: Variant) -> Option<Self> {
        let program = variant.peer.program().await?;
        let account = AccountSeed::new(ACCOUNT.parse::<AccountSid>().unwrap(), AUTH_TOKEN);
        let account = (0..CONVERSATIONS)
            .fold(account, |account, n| account.conversation(ConversationSeed::new(conversation(n))));
        let simulator = Simulator::start(Seed::new().account(account)).await.unwrap();
        let plane = ControlPlane::start().await.unwrap();
        let kubeconfig = prepare(&plane).await;
        let directory = tempfile::tempdir().unwrap();
        let peer = Process::start(program, &log(&directory), |command| {
            command.arg(format!("--twilio-base-url={}", simulator.url())).args(variant.arguments);
            command.env("KUBECONFIG", kubeconfig);
        });
        let api = Api::namespaced(plane.admin_client().await.unwrap(), NAMESPACE);
        Some(Self { plane, simulator, api, peer: Mutex::new(peer.unwrap()), directory })
    }

    /// SIGTERM; the peer must end with exit code 0.
    pub(crate) async fn stop(self) {
        self.peer.lock().await.signal("TERM").unwrap();
        self.eventually("the peer ends", async || {
            self.peer.lock().await.exited().is_some_and(|status| status.success())
        })
        .await;
    }

    /// Creates an object for a webhook on conversation `n`.
    pub(crate) async fn create(&self, name: &str, n: usize, url: &str) {
        let filters = ["onMessageAdded", "onParticipantAdded"];
        let object = serde_json::from_value(json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
            "kind": "ConversationWebhook",
            "metadata": { "name": name },
            "spec": {
                "conversationSid": conversation(n).to_string(),
                "target": "webhook",
                "configuration": { "url": url, "method": "POST", "filters": filters },
            },
        }))
        .unwrap();
        self.api.create(&PostParams::default(), &object).await.unwrap();
    }

    /// Changes an object by a merge patch.
    pub(crate) async fn patch(&self, name: &str, patch: Value) {
        self.api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Deletes an object, without waiting.
    pub(crate) async fn delete(&self, name: &str) {
        self.api.delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// All objects.
    pub(crate) async fn objects(&self) -> Vec<ConversationWebhook> {
        self.api.list(&ListParams::default()).await.unwrap().items
    }

    /// How many objects are Ready at their present generation.
    pub(crate) async fn ready(&self) -> usize {
        let is_ready = |object: &&ConversationWebhook| {
            object.status.as_ref().is_some_and(|status| {
                let mut conditions = status.conditions.iter();
                conditions.any(|known| known.type_ == "Ready" && known.status == "True")
                    && status.observed_generation == object.metadata.generation
            })
        };
        self.objects().await.iter().filter(is_ready).count()
    }

    /// The addresses of the webhooks that are on conversation `n`.
    pub(crate) fn urls(&self, n: usize) -> Vec<String> {
        let ledger = self.simulator.ledger();
        let alive = ledger.alive(conversation(n)).into_iter();
        alive.map(|webhook| webhook.configuration.url().unwrap_or_default().to_owned()).collect()
    }

    /// What the peer wrote to objects since `mark`.
    pub(crate) async fn writes_since(&self, mark: Mark) -> Requests {
        let requests = self.plane.audit().since(mark).await.unwrap();
        let writes = requests
            .by_service_account(NAMESPACE, SERVICE_ACCOUNT)
            .writes()
            .filter(|request| request.resource == "conversationwebhooks");
        writes.counts().into_iter().map(|((verb, target), n)| (format!("{verb} {target}"), n)).collect()
    }

    /// What the peer asked of Twilio so far.
    pub(crate) fn twilio_requests(&self) -> Requests {
        let counters = self.simulator.counters();
        let operations =
            [Operation::List, Operation::Create, Operation::Fetch, Operation::Update, Operation::Delete];
        let counts = operations.map(|operation| {
            (format!("{operation:?}"), usize::try_from(counters.total(operation).requests).unwrap())
        });
        counts.into_iter().filter(|(_, requests)| *requests > 0).collect()
    }

    /// Waits until the peer has asked nothing of Twilio for a second: what its own writes set off is over.
    pub(crate) async fn at_rest(&self) {
        let mut before = None;
        self.eventually("the peer is at rest", async || {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = Some(self.twilio_requests());
            std::mem::replace(&mut before, now.clone()) == now
        })
        .await;
    }

    /// Polls until it is so.
    pub(crate) async fn eventually(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !is_so().await {
            assert!(
                started.elapsed() < PATIENCE,
                "not within {PATIENCE:?}: {what}; Twilio was asked {:?}",
                self.twilio_requests()
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

impl Drop for World {
    /// A peer whose test failed says why.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(log(&self.directory)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("--- the peer's last words\n{}", lines[lines.len().saturating_sub(20)..].join("\n"));
        }
    }
}

fn log(directory: &TempDir) -> PathBuf {
    directory.path().join("peer.log")
}

/// CRD, namespace, credentials, and a `ServiceAccount` by which the peer's requests are told apart. Returns its kubeconfig.
async fn prepare(plane: &ControlPlane) -> PathBuf {
    let crd = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../crds/conversationwebhooks.yaml");
    let account = format!("--from-literal=TWILIO_ACCOUNT_SID={ACCOUNT}");
    let token = format!("--from-literal=TWILIO_AUTH_TOKEN={AUTH_TOKEN}");
    let subject = format!("--serviceaccount={NAMESPACE}:{SERVICE_ACCOUNT}");
    for command in [
        &["apply", "--server-side", "-f", crd][..],
        &["wait", "--for=condition=Established", "-f", crd],
        &["create", "namespace", NAMESPACE],
        &["create", "secret", "generic", "twilio-credentials", "-n", NAMESPACE, &account, &token],
        &["create", "serviceaccount", SERVICE_ACCOUNT, "-n", NAMESPACE],
        &["create", "clusterrolebinding", "peer", "--clusterrole=cluster-admin", &subject],
    ] {
        plane.kubectl(command).await.unwrap();
    }
    plane.kubeconfig_for_service_account(NAMESPACE, SERVICE_ACCOUNT).await.unwrap()
}
