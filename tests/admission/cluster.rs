//! The control plane with the CRD installed, and kubectl as a user has it.

use std::time::{Duration, Instant};

use controlplane::ControlPlane;
use conversation_webhook_operator::commands::crd;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::verdict::Verdict;

/// Name of the CRD.
pub(crate) const CRD: &str = "conversationwebhooks.conversations.twilio-operator.dev";

/// The two ways of `kubectl apply`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Apply {
    /// kubectl compares and sends a create or a patch.
    Client,
    /// The API server compares, by field manager.
    Server,
}

impl Apply {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Client => &[],
            Self::Server => &["--server-side"],
        }
    }
}

/// The shared control plane with the CRD as the binary prints it.
pub(crate) async fn cluster() -> &'static ControlPlane {
    static CLUSTER: OnceCell<&'static ControlPlane> = OnceCell::const_new();
    CLUSTER
        .get_or_init(async || {
            let plane = ControlPlane::shared().await.unwrap();
            install(plane, &crd::yaml().unwrap()).await;
            plane
        })
        .await
}

/// Installs a CRD and waits until the API server serves it.
pub(crate) async fn install(plane: &ControlPlane, crd: &str) {
    plane.kubectl_with_input(&["apply", "-f", "-"], crd).await.unwrap();
    plane
        .kubectl(&["wait", "--for=condition=Established", "--timeout=30s", &format!("crd/{CRD}")])
        .await
        .unwrap();
    eventually("the API server serves the kind", async || {
        plane.kubectl(&["get", "conversationwebhooks", "-o", "name"]).await.is_ok()
    })
    .await;
    // What it knows of the fields is published a little later.
    eventually("the API server explains the kind", async || {
        plane.kubectl(&["explain", "conversationwebhooks"]).await.is_ok()
    })
    .await;
}

/// A namespace of a test's own.
pub(crate) async fn namespace(plane: &ControlPlane, name: &str) {
    plane.kubectl(&["create", "namespace", name]).await.unwrap();
}

/// Stores objects, all of them valid.
pub(crate) async fn store(plane: &ControlPlane, namespace: &str, how: Apply, objects: &[Value]) {
    let documents: Vec<String> = objects.iter().map(Value::to_string).collect();
    let args = [&["apply", "-n", namespace, "-f", "-"], how.flags()].concat();
    plane.kubectl_with_input(&args, &documents.join("\n---\n")).await.unwrap();
}

/// What the API server says to an object, without storing it.
pub(crate) async fn try_apply(plane: &ControlPlane, namespace: &str, how: Apply, object: &Value) -> Verdict {
    let args =
        [&["apply", "--dry-run=server", "-o", "json", "-n", namespace, "-f", "-"], how.flags()].concat();
    Verdict::of(plane.kubectl_with_input(&args, &object.to_string()).await)
}

/// What kubectl answers, as JSON.
pub(crate) async fn get_json(plane: &ControlPlane, args: &[&str]) -> Value {
    let output = plane.kubectl(&[&["get", "-o", "json"], args].concat()).await.unwrap();
    serde_json::from_str(&output.stdout).unwrap()
}

/// Writes status as the operator does: a merge patch of the subresource.
pub(crate) async fn write_status(plane: &ControlPlane, namespace: &str, name: &str, status: &Value) {
    let patch = json!({"status": status}).to_string();
    let args = ["patch", "cw", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", &patch];
    plane.kubectl(&args).await.unwrap();
}

/// Polls until `check` holds.
pub(crate) async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !check().await {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}
