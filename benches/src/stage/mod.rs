//! The parts of one run.

mod size;
mod snapshot;
mod twilio;

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use controlplane::ControlPlane;
use conversation_webhook_operator::api::ConversationWebhook;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use self::size::{Level, Size};
pub(crate) use self::twilio::Twilio;

/// Who asks the API server for a contender: an account like any other, which no flow control exempts.
const SYSTEM: &str = "bench";
/// Conversations on which nothing is at first.
const SPARE: u32 = 1000;
/// The label by which an operator is told which tenants are its own.
pub(crate) const SHARD: &str = "shard";

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
    /// Everything but a contender: the objects are there, and none has a webhook.
    pub(crate) async fn new(size: Size) -> Result<Self> {
        Self::on(size, ControlPlane::start().await?).await
    }

    async fn on(size: Size, plane: ControlPlane) -> Result<Self> {
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
        let stage = Self::around(size, plane, &[]).await?;
        stage.tenants().await?;
        stage.apply(0..size.objects).await?;
        Ok(stage)
    }

    /// The rest around a control plane that holds all of it.
    async fn around(size: Size, plane: ControlPlane, webhooks: &[String]) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let twilio = Twilio::start(size, SPARE, webhooks, &scratch).await?;
        let kubeconfig = plane.kubeconfig_for_service_account(SYSTEM, SYSTEM).await?;
        let kube = plane.admin_client().await?;
        Ok(Self { size, plane, kube, kubeconfig, twilio, scratch })
    }

    /// The account of a tenant's namespace.
    pub(crate) fn account_of(namespace: &str) -> Result<String> {
        Ok(account(namespace.trim_start_matches("tenant-").parse()?))
    }

    /// The tenant of an object.
    pub(crate) fn tenant_of(&self, object: u32) -> u32 {
        self.size.tenant(self.size.conversation(object))
    }

    /// Namespace and name of an object.
    pub(crate) fn name_of(&self, object: u32) -> (String, String) {
        (namespace(self.tenant_of(object)), format!("bot-{object}"))
    }

    /// An API for an object's namespace.
    pub(crate) fn api_of(&self, object: u32) -> Api<ConversationWebhook> {
        Api::namespaced(self.kube.clone(), &namespace(self.tenant_of(object)))
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

    /// Makes objects, as their users do. Those beyond the first `size.objects` are on the spare conversations.
    pub(crate) async fn apply(&self, objects: Range<u32>) -> Result<()> {
        stream::iter(objects)
            .map(|n| async move {
                self.api_of(n)
                    .create(&PostParams::default(), &serde_json::from_value(self.object(n))?)
                    .await?;
                anyhow::Ok(())
            })
            .buffer_unordered(32)
            .try_collect()
            .await
    }

    /// Changes an object's URL. Returns its generation after that.
    pub(crate) async fn change(&self, object: u32, round: u32) -> Result<i64> {
        let url = format!("{}/{round}", url(object));
        let patch = Patch::Merge(json!({ "spec": { "configuration": { "url": url } } }));
        let changed =
            self.api_of(object).patch(&self.name_of(object).1, &PatchParams::default(), &patch).await?;
        Ok(changed.metadata.generation.unwrap_or_default())
    }

    /// Changes many, each once. Returns their generations after that.
    pub(crate) async fn change_all(
        &self,
        objects: impl Iterator<Item = u32>,
        round: u32,
    ) -> Result<HashMap<u32, i64>> {
        stream::iter(objects)
            .map(|object| async move { anyhow::Ok((object, self.change(object, round).await?)) })
            .buffer_unordered(32)
            .try_collect()
            .await
    }

    /// Changes an object and waits until status says that it is done: how long that took, in milliseconds.
    pub(crate) async fn time_change(&self, object: u32, round: u32) -> Result<f64> {
        let (api, name) = (self.api_of(object), self.name_of(object).1);
        let started = Instant::now();
        let generation = self.change(object, round).await?;
        loop {
            let status = api.get(&name).await?.status;
            if status.is_some_and(|status| status.observed_generation == Some(generation)) {
                return Ok(started.elapsed().as_secs_f64() * 1000.0);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// An object as a user writes it.
    fn object(&self, n: u32) -> Value {
        json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
            "kind": "ConversationWebhook",
            "metadata": {
                "name": self.name_of(n).1, "labels": { SHARD: (self.tenant_of(n) % 3).to_string() },
            },
            "spec": {
                "conversationSid": conversation(self.size.conversation(n)),
                "target": "webhook",
                "configuration": { "url": url(n), "method": "POST", "filters": ["onMessageAdded"] },
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

fn conversation(n: u32) -> String {
    format!("CH{n:032x}")
}

/// Where an object's bot listens at first.
fn url(object: u32) -> String {
    format!("https://bots.example.com/{object}")
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
