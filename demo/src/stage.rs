//! What the demo sets up in the cluster: the chart, and a tenant with the three examples.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::place;
use crate::shell::Shell;
use crate::twilio;

/// Release, namespace and `ServiceAccount` alike, as in the README.
pub(crate) const OPERATOR: &str = "conversation-webhook-operator";

/// The namespace of the examples.
pub(crate) const TENANT: &str = "tenant-a";

/// The objects of the examples, in the order of the webhook targets: webhook, trigger, studio.
pub(crate) const WEBHOOKS: [&str; 3] = ["support-bot", "agent-desk", "survey"];

const EXAMPLES: [(&str, &str); 4] = [
    ("credentials.yaml", include_str!("../../examples/credentials.yaml")),
    ("webhook.yaml", include_str!("../../examples/webhook.yaml")),
    ("trigger.yaml", include_str!("../../examples/trigger.yaml")),
    ("studio.yaml", include_str!("../../examples/studio.yaml")),
];

/// Installs the chart and returns a kubeconfig with a token of its `ServiceAccount`.
///
/// No replicas: there are no nodes here to run a pod. The operator is started as a process instead, with the very rights
/// that the chart gives its pod.
pub(crate) async fn install_chart(shell: Shell<'_>) -> Result<PathBuf> {
    let chart = place::checkout().join("charts").join(OPERATOR);
    let chart = chart.display();
    shell
        .helm(&format!(
            "install {OPERATOR} {chart} --namespace {OPERATOR} --create-namespace --set replicaCount=0"
        ))
        .await?;
    let crd = "crd/conversationwebhooks.conversations.twilio-operator.dev";
    shell.kubectl(&format!("wait --for=condition=Established {crd} --timeout=30s")).await?;
    shell.cluster.kubeconfig_for_service_account(OPERATOR, OPERATOR).await
}

/// Creates the tenant's namespace, Secret and webhooks. The manifests are written into `folder`, so that the commands
/// that are shown can be typed.
pub(crate) async fn create_tenant(shell: Shell<'_>, folder: &Path, bot: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    for (name, example) in EXAMPLES {
        let file = folder.join(name);
        fs::write(&file, for_demo(name, example, bot)?)
            .with_context(|| format!("write {}", file.display()))?;
    }
    shell.kubectl(&format!("create namespace {TENANT}")).await?;
    shell.kubectl(&format!("apply -f {}", folder.display())).await
}

/// Waits until every webhook is Ready.
pub(crate) async fn wait_for_ready(shell: Shell<'_>) -> Result<()> {
    shell.kubectl(&format!("-n {TENANT} wait --for=condition=Ready cw --all --timeout=60s")).await
}

/// The example with the address of the demo's bot and the secret of the demo's Twilio.
fn for_demo(name: &str, example: &str, bot: &str) -> Result<String> {
    let text = example.replace("https://bots.example.com", bot).replace("replace-me", twilio::KEY_SECRET);
    ensure!(
        text != example || name == "studio.yaml",
        "examples/{name} has no place for the demo's own values"
    );
    Ok(text)
}
