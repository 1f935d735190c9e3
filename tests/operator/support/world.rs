//! A namespace, a simulator and an operator.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use controlplane::{ControlPlane, Mark, Requests};
use conversation_webhook_operator::api::{ConditionType, ConversationWebhook};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use twilio_conversations_simulator::{
    AccountSeed, AccountSid, ConversationSeed, ConversationSid, Seed, ServiceSid, Settings, Simulator,
    WebhookRecord,
};

use super::Operator;

/// The account of every test's simulator.
pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
/// Its Auth Token.
pub(crate) const AUTH_TOKEN: &str = "canary-auth-token";
/// A chat service beside the default one.
pub(crate) const SERVICE: &str = "IS00000000000000000000000000000002";
/// A Studio flow of the account.
pub(crate) const FLOW: &str = "FW00000000000000000000000000000001";
/// Where the chart is installed.
const SYSTEM: &str = "cwo-system";
/// The operator's `ServiceAccount` there.
const SERVICE_ACCOUNT: &str = "cwo-conversation-webhook-operator";
/// Longer than anything takes; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// The environment variable with the simulator's switches for a whole run of tests.
pub(crate) const SWITCHES: &str = "CWO_TEST_SWITCHES";

/// The world of one test.
pub(crate) struct World {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) kube: Client,
    pub(crate) namespace: String,
    pub(crate) simulator: Simulator,
    kubeconfig: PathBuf,
    pub(crate) operator: Option<Operator>,
}

/// The simulator's switches where a test does not set its own: [`SWITCHES`] has them as JSON.
fn switches() -> Option<Settings> {
    let json = std::env::var(SWITCHES).ok()?;
    Some(serde_json::from_str(&json).expect("the switches are JSON"))
}

/// The SID of conversation `n`.
pub(crate) fn conversation(n: u32) -> ConversationSid {
    format!("CH{n:032x}").parse().unwrap()
}

/// A spec of target webhook on conversation `n`.
pub(crate) fn webhook_spec(n: u32, url: &str) -> Value {
    json!({
        "conversationSid": conversation(n).to_string(),
        "target": "webhook",
        "configuration": { "url": url, "filters": ["onMessageAdded"] },
    })
}

/// Polls until `look` finds something.
pub(crate) async fn eventually<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < patience, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// The chart on the shared control plane, installed once per test process.
async fn installed(plane: &'static ControlPlane) -> PathBuf {
    static INSTALLED: OnceCell<PathBuf> = OnceCell::const_new();
    INSTALLED.get_or_init(|| install_chart_and_wait(plane)).await.clone()
}

async fn own_plane() -> &'static ControlPlane {
    Box::leak(Box::new(ControlPlane::start().await.unwrap()))
}

async fn install_chart_and_wait(plane: &ControlPlane) -> PathBuf {
    let kubeconfig = install_chart(plane, &[]).await;
    crd_established(plane).await;
    kubeconfig
}

async fn crd_established(plane: &ControlPlane) {
    let wait = "--for=condition=Established";
    plane
        .kubectl(&["wait", wait, "crd/conversationwebhooks.conversations.twilio-operator.dev"])
        .await
        .unwrap();
}

/// Installs the chart without a running Deployment and with further values: CRD, `ServiceAccount` and RBAC are the
/// chart's own. Returns the operator's kubeconfig.
async fn install_chart(plane: &ControlPlane, values: &[&str]) -> PathBuf {
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/conversation-webhook-operator");
    let mut arguments = vec!["install", "cwo", chart, "--namespace", SYSTEM, "--create-namespace"];
    for value in ["replicaCount=0"].iter().chain(values) {
        arguments.extend(["--set", value]);
    }
    plane.helm(&arguments).await.unwrap();
    plane.kubeconfig_for_service_account(SYSTEM, SERVICE_ACCOUNT).await.unwrap()
}

impl World {
    /// A namespace with credentials, and a simulator with the conversations 1 to 60; 1 is also called `support`. No
    /// operator runs yet.
    pub(crate) async fn new() -> Self {
        Self::with(Self::seed()).await
    }

    /// The usual seed: see [`World::new`].
    pub(crate) fn seed() -> Seed {
        let mut account = AccountSeed::new(ACCOUNT.parse::<AccountSid>().unwrap(), AUTH_TOKEN)
            .service(SERVICE.parse::<ServiceSid>().unwrap())
            .flow(FLOW.parse().unwrap())
            .conversation(ConversationSeed::new(conversation(1)).unique_name("support"));
        for n in 2..=60 {
            account = account.conversation(ConversationSeed::new(conversation(n)));
        }
        Seed::new().account(account)
    }

    /// A namespace with credentials for [`ACCOUNT`], and a simulator with this seed.
    pub(crate) async fn with(seed: Seed) -> Self {
        let plane = ControlPlane::shared().await.unwrap();
        let kubeconfig = installed(plane).await;
        Self::on(plane, kubeconfig, seed).await
    }

    /// The operator's kubeconfig on the shared control plane.
    pub(crate) async fn operator_kubeconfig() -> PathBuf {
        installed(ControlPlane::shared().await.unwrap()).await
    }

    /// [`World::new`] on a control plane of its own, for tests that break it. It lives as long as the test process.
    pub(crate) async fn on_own_plane() -> Self {
        let plane = own_plane().await;
        let kubeconfig = install_chart_and_wait(plane).await;
        Self::on(plane, kubeconfig, Self::seed()).await
    }

    /// Another namespace and simulator on the control plane of this world.
    pub(crate) async fn beside(&self) -> Self {
        Self::on(self.plane, self.kubeconfig.clone(), Self::seed()).await
    }

    /// The operator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// [`World::on_own_plane_with`] and kube-controller-manager, which takes a namespace down with all that is in it.
    pub(crate) async fn on_own_plane_with_controller_manager(values: &[&str]) -> Self {
        let plane = ControlPlane::builder().controller_manager(true).start().await.unwrap();
        let plane = Box::leak(Box::new(plane));
        let kubeconfig = install_chart(plane, values).await;
        crd_established(plane).await;
        Self::on(plane, kubeconfig, Self::seed()).await
    }

    /// [`World::on_own_plane`] with these values of the chart.
    pub(crate) async fn on_own_plane_with(values: &[&str]) -> Self {
        let plane = own_plane().await;
        let kubeconfig = install_chart(plane, values).await;
        crd_established(plane).await;
        Self::on(plane, kubeconfig, Self::seed()).await
    }

    /// [`World::on_own_plane_with_controller_manager`] with the guards of the chart on, and these hosts for all namespaces.
    pub(crate) async fn guarded(hosts: &str) -> Self {
        let allowed = format!("guards.webhookHosts.allowed={{{hosts}}}");
        let guards = ["guards.finalizer.enabled=true", "guards.webhookHosts.enabled=true", &allowed];
        Self::on_own_plane_with_controller_manager(&guards).await
    }

    /// The same before the CRD is there.
    pub(crate) async fn on_own_plane_without_crd() -> Self {
        let plane = own_plane().await;
        let kubeconfig = install_chart(plane, &["crds.enabled=false"]).await;
        Self::on(plane, kubeconfig, Self::seed()).await
    }

    /// Installs this CRD and waits until its objects are served.
    pub(crate) async fn install_crd(&self, crd: &Value) {
        self.plane.kubectl_with_input(&["create", "-f", "-"], &crd.to_string()).await.unwrap();
        crd_established(self.plane).await;
        let objects = self.objects();
        eventually("the kind is served", PATIENCE, async || objects.list(&ListParams::default()).await.ok())
            .await;
    }

    async fn on(plane: &'static ControlPlane, kubeconfig: PathBuf, seed: Seed) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let kube = plane.admin_client().await.unwrap();
        let namespace = format!("tenant-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let object = serde_json::from_value(json!({ "metadata": { "name": namespace } })).unwrap();
        Api::<Namespace>::all(kube.clone()).create(&PostParams::default(), &object).await.unwrap();
        let simulator =
            Simulator::start(Seed { settings: seed.settings.or_else(switches), ..seed }).await.unwrap();
        let world = Self { plane, kube, namespace, simulator, kubeconfig, operator: None };
        world
            .secret(
                "twilio-credentials",
                &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)],
            )
            .await;
        world
    }

    /// Creates a Secret, or replaces its content.
    pub(crate) async fn secret(&self, name: &str, entries: &[(&str, &str)]) {
        let api: Api<Secret> = Api::namespaced(self.kube.clone(), &self.namespace);
        let data: serde_json::Map<String, Value> =
            entries.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let _ = api.delete(name, &DeleteParams::default()).await;
        let secret =
            serde_json::from_value(json!({ "metadata": { "name": name }, "stringData": data })).unwrap();
        api.create(&PostParams::default(), &secret).await.unwrap();
    }

    /// Deletes a Secret.
    pub(crate) async fn delete_secret(&self, name: &str) {
        let api: Api<Secret> = Api::namespaced(self.kube.clone(), &self.namespace);
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Lets the operator read Secrets of these names in the test's namespace, beside the chart's own name.
    pub(crate) async fn grant_secrets(&self, names: &[&str]) {
        self.grant_on_secrets("read", "get", names).await;
    }

    /// Lets the operator protect Secrets of these names in the test's namespace, and waits until it may.
    pub(crate) async fn let_protect_secrets(&self, names: &[&str]) {
        self.grant_on_secrets("protect", "get,patch", names).await;
        let what = format!("secrets/{}", names[0]);
        self.wait_may("patch", &what, true).await;
    }

    /// Lets the operator watch Secrets of these names in the test's namespace, and waits until it may.
    pub(crate) async fn let_watch_secrets(&self, names: &[&str]) {
        self.grant_on_secrets("watch", "get,list,watch", names).await;
        let what = format!("secrets/{}", names[0]);
        self.wait_may("watch", &what, true).await;
    }

    /// Waits until the operator may, or may not, do this in the test's namespace.
    pub(crate) async fn wait_may(&self, verb: &str, what: &str, may: bool) {
        let operator = format!("--as=system:serviceaccount:{SYSTEM}:{SERVICE_ACCOUNT}");
        let can = ["auth", "can-i", "-n", &self.namespace, verb, what, &operator];
        eventually(&format!("may {verb} {what}: {may}"), PATIENCE, async || {
            (self.plane.kubectl(&can).await.is_ok() == may).then_some(())
        })
        .await;
    }

    async fn grant_on_secrets(&self, what_for: &str, verbs: &str, names: &[&str]) {
        let reader = format!("{what_for}-{}", names[0]);
        let operator = format!("{SYSTEM}:{SERVICE_ACCOUNT}");
        let create = ["create", "--namespace", &self.namespace];
        let secrets = names.iter().flat_map(|name| ["--resource-name", *name]);
        let role = ["role", &reader, "--verb", verbs, "--resource", "secrets"];
        let arguments: Vec<&str> = create.into_iter().chain(role).chain(secrets).collect();
        self.plane.kubectl(&arguments).await.unwrap();
        let binding = ["rolebinding", &reader, "--role", &reader, "--serviceaccount", &operator];
        self.plane.kubectl(&[&create[..], &binding].concat()).await.unwrap();
    }

    /// Starts the operator for the test's namespace, with further arguments of `run`, and waits until it is ready.
    pub(crate) async fn start_operator(&mut self, arguments: &[&str]) {
        let operator = Operator::start(&self.kubeconfig, &self.arguments(arguments)).await;
        assert!(self.operator.replace(operator).is_none(), "one operator at a time");
    }

    /// The same without the wait.
    pub(crate) fn spawn_operator(&mut self, arguments: &[&str]) {
        let operator = Operator::spawn(&self.kubeconfig, &self.arguments(arguments));
        assert!(self.operator.replace(operator).is_none(), "one operator at a time");
    }

    /// The arguments of `run` for this world. Twilio is the simulator, unless `further` says otherwise.
    pub(crate) fn arguments(&self, further: &[&str]) -> Vec<String> {
        let mut arguments =
            vec![format!("--namespace={}", self.namespace), "--twilio-allow-http=true".to_owned()];
        if !further.iter().any(|argument| argument.starts_with("--twilio-base-url=")) {
            arguments.push(format!("--twilio-base-url={}", self.simulator.url()));
        }
        arguments.extend(further.iter().map(|argument| (*argument).to_owned()));
        arguments
    }

    /// Starts one more operator beside the test's own, as when a network splits. It ends when it is dropped.
    pub(crate) async fn start_another_operator(&self, arguments: &[&str]) -> Operator {
        Operator::start(&self.kubeconfig, &self.arguments(arguments)).await
    }

    /// Starts the operator without `--namespace`: only on a control plane of its own, or it would serve other tests.
    pub(crate) async fn start_operator_for_all_namespaces(&mut self) {
        self.start_operator_everywhere(&[]).await;
    }

    /// The same with further arguments of `run`.
    pub(crate) async fn start_operator_everywhere(&mut self, further: &[&str]) {
        let mut arguments = self.arguments(further);
        arguments.retain(|argument| !argument.starts_with("--namespace="));
        let operator = Operator::start(&self.kubeconfig, &arguments).await;
        assert!(self.operator.replace(operator).is_none(), "one operator at a time");
    }

    /// SIGKILL.
    pub(crate) fn kill_operator(&mut self) {
        self.operator.take().expect("an operator runs").kill();
    }

    /// SIGTERM; the operator must end with exit code 0.
    pub(crate) async fn stop_operator(&mut self) {
        let status = self.operator.take().expect("an operator runs").stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
    }

    /// The objects of the test's namespace.
    pub(crate) fn objects(&self) -> Api<ConversationWebhook> {
        Api::namespaced(self.kube.clone(), &self.namespace)
    }

    /// Creates an object.
    pub(crate) async fn create(&self, name: &str, spec: Value) -> ConversationWebhook {
        let object = serde_json::from_value(json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
            "kind": "ConversationWebhook",
            "metadata": { "name": name },
            "spec": spec,
        }))
        .unwrap();
        self.objects().create(&PostParams::default(), &object).await.unwrap()
    }

    /// Changes an object by a merge patch.
    pub(crate) async fn patch(&self, name: &str, patch: Value) -> ConversationWebhook {
        self.objects().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    /// Deletes an object, without waiting.
    pub(crate) async fn delete(&self, name: &str) {
        self.objects().delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Waits until the object is as `good` says.
    pub(crate) async fn wait(
        &self,
        name: &str,
        what: &str,
        good: impl Fn(&ConversationWebhook) -> bool,
    ) -> ConversationWebhook {
        let api = self.objects();
        let started = Instant::now();
        loop {
            let object = api.get(name).await.unwrap();
            if good(&object) {
                return object;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "not within {PATIENCE:?}: {name} is {what}; its status: {}",
                serde_json::to_string_pretty(&object.status).unwrap()
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Waits until the object is Ready at its present generation.
    pub(crate) async fn wait_ready(&self, name: &str) -> ConversationWebhook {
        self.wait(name, "Ready", is_ready).await
    }

    /// Waits until the object's Ready condition has this reason.
    pub(crate) async fn wait_reason(&self, name: &str, reason: &str) -> ConversationWebhook {
        self.wait(name, reason, |object| ready(object).is_some_and(|ready| ready.reason == reason)).await
    }

    /// Waits until the object's Ready condition has this reason and its message says all of this.
    pub(crate) async fn wait_told(&self, name: &str, reason: &str, says: &[&str]) -> ConversationWebhook {
        self.wait_told_by(ConditionType::Ready, name, reason, says).await
    }

    /// The same of another condition.
    pub(crate) async fn wait_told_by(
        &self,
        type_: ConditionType,
        name: &str,
        reason: &str,
        says: &[&str],
    ) -> ConversationWebhook {
        self.wait(name, &format!("{reason} in {type_}, saying {says:?}"), |object| {
            condition(object, type_).is_some_and(|condition| {
                condition.reason == reason && says.iter().all(|text| condition.message.contains(text))
            })
        })
        .await
    }

    /// Waits until the object is gone.
    pub(crate) async fn wait_gone(&self, name: &str) {
        let api = self.objects();
        eventually(&format!("{name} is gone"), PATIENCE, async || {
            api.get_opt(name).await.unwrap().is_none().then_some(())
        })
        .await;
    }

    /// The webhooks that exist on a conversation, by the simulator's ledger.
    pub(crate) fn alive(&self, conversation: ConversationSid) -> Vec<WebhookRecord> {
        self.simulator.ledger().alive(conversation).into_iter().cloned().collect()
    }

    /// Every webhook that was ever made on a conversation, by the simulator's ledger.
    pub(crate) fn ever_made(&self, conversation: ConversationSid) -> Vec<WebhookRecord> {
        self.simulator.ledger().ever_made(conversation).into_iter().cloned().collect()
    }

    /// Where the API server's audit log ends now.
    pub(crate) async fn mark(&self) -> Mark {
        self.plane.audit().mark().await.unwrap()
    }

    /// What the operator wrote to objects of this test's namespace since `mark`.
    pub(crate) async fn writes_since(&self, mark: Mark) -> Requests {
        self.touches_since(mark).await.writes()
    }

    /// What the operator read of and wrote to objects of this test's namespace since `mark`, watches aside.
    pub(crate) async fn touches_since(&self, mark: Mark) -> Requests {
        self.requests_since(mark).await.filter(|request| {
            request.verb != "watch"
                && request.namespace == self.namespace
                && request.resource == "conversationwebhooks"
        })
    }

    /// What operators asked of the API server since `mark` and were answered: this test's and those of the tests beside it.
    pub(crate) async fn requests_since(&self, mark: Mark) -> Requests {
        self.plane.audit().since(mark).await.unwrap().by_service_account(SYSTEM, SERVICE_ACCOUNT).answered()
    }

    /// The Events about an object, as `kubectl get events` shows them: reason, note and how often.
    pub(crate) async fn events(&self, name: &str) -> Vec<Event> {
        let api: Api<Event> = Api::namespaced(self.kube.clone(), &self.namespace);
        let mut events = api.list(&ListParams::default()).await.unwrap().items;
        events.retain(|event| {
            event.regarding.as_ref().is_some_and(|about| about.name.as_deref() == Some(name))
        });
        events
    }
}

/// What the chart's Role grants, in the namespace of the test: the chart's own is for one release at a time.
pub(crate) async fn grant_lease(world: &World) {
    let namespace = ["--namespace", &world.namespace];
    let role =
        ["create", "role", "lease", "--verb=get,create,update", "--resource=leases.coordination.k8s.io"];
    world.plane.kubectl(&[&role[..], &namespace].concat()).await.unwrap();
    let account = "--serviceaccount=cwo-system:cwo-conversation-webhook-operator";
    let binding = ["create", "rolebinding", "lease", "--role=lease", account];
    world.plane.kubectl(&[&binding[..], &namespace].concat()).await.unwrap();
}

/// Whether the object is Ready at its present generation.
pub(crate) fn is_ready(object: &ConversationWebhook) -> bool {
    ready(object).is_some_and(|ready| ready.status == "True")
        && object.status.as_ref().and_then(|status| status.observed_generation) == object.metadata.generation
}

/// The object's Ready condition.
pub(crate) fn ready(object: &ConversationWebhook) -> Option<&Condition> {
    condition(object, ConditionType::Ready)
}

/// A condition of the object.
pub(crate) fn condition(object: &ConversationWebhook, type_: ConditionType) -> Option<&Condition> {
    object.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == type_.as_str())
}
