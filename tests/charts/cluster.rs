//! The control plane with the CRD, and questions to it.

use std::time::{Duration, Instant};

use controlplane::ControlPlane;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// Longer than anything takes; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// The shared control plane with the CRD of the plain manifests, and the Prometheus operator's kinds.
pub(crate) async fn cluster() -> &'static ControlPlane {
    static CLUSTER: OnceCell<&'static ControlPlane> = OnceCell::const_new();
    CLUSTER
        .get_or_init(async || {
            let plane = ControlPlane::shared().await.unwrap();
            let root = env!("CARGO_MANIFEST_DIR");
            for file in ["manifests/crds.yaml", "tests/charts/monitoring-crds.yaml"] {
                plane.kubectl(&["apply", "-f", &format!("{root}/{file}")]).await.unwrap();
            }
            plane
                .kubectl(&["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"])
                .await
                .unwrap();
            for kind in ["conversationwebhooks", "servicemonitors", "podmonitors"] {
                eventually(&format!("{kind} are served"), async || {
                    plane.kubectl(&["explain", kind]).await.ok().map(drop)
                })
                .await;
            }
            plane
        })
        .await
}

/// A namespace, with the restricted Pod Security Standard enforced.
pub(crate) async fn namespace(plane: &ControlPlane, name: &str) {
    let namespace = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": name, "labels": { "pod-security.kubernetes.io/enforce": "restricted" } },
    });
    plane.kubectl_with_input(&["create", "-f", "-"], &namespace.to_string()).await.unwrap();
}

/// Installs or upgrades a release with these values: `how` are Helm's words for it and further flags.
pub(crate) async fn release(
    plane: &ControlPlane,
    how: &[&str],
    (name, chart, namespace): (&str, &str, &str),
    values: &Value,
) -> anyhow::Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), values.to_string())?;
    let path = file.path().to_str().unwrap();
    let arguments = [how, &[name, chart, "--namespace", namespace, "--values", path]].concat();
    plane.helm(&arguments).await.map(drop)
}

/// An object as JSON.
pub(crate) async fn get(plane: &ControlPlane, arguments: &[&str]) -> Value {
    let output = plane.kubectl(&[&["get", "-o", "json"], arguments].concat()).await.unwrap();
    serde_json::from_str(&output.stdout).unwrap()
}

/// Who asks to do something.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    user: String,
    groups: Vec<String>,
}

impl Subject {
    /// A `ServiceAccount`.
    pub(crate) fn service_account(namespace: &str, name: &str) -> Self {
        let groups = ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
        Self { user: format!("system:serviceaccount:{namespace}:{name}"), groups: groups.into() }
    }

    /// A person.
    pub(crate) fn user(name: &str) -> Self {
        Self { user: name.to_owned(), groups: Vec::new() }
    }

    /// Whether it may: `verb group/resource[/subresource]`, of this name, in this namespace.
    pub(crate) async fn may(&self, kube: &Client, what: &str, name: &str, namespace: &str) -> bool {
        let (verb, what) = what.split_once(' ').unwrap();
        let (group, resource) = what.split_once('/').unwrap();
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let groups = [&self.groups[..], &["system:authenticated".to_owned()]].concat();
        let review: SubjectAccessReview = serde_json::from_value(json!({
            "metadata": {},
            "spec": {
                "user": self.user,
                "groups": groups,
                "resourceAttributes": {
                    "verb": verb, "group": group, "resource": resource, "subresource": subresource,
                    "name": name, "namespace": namespace,
                },
            },
        }))
        .unwrap();
        let answer = Api::all(kube.clone()).create(&PostParams::default(), &review).await.unwrap();
        answer.status.unwrap().allowed
    }

    /// Waits until it may: the API server learns of new rules by a watch of its own.
    pub(crate) async fn wait_may(&self, kube: &Client, what: &str, name: &str, namespace: &str) {
        eventually(&format!("{} may {what} {name} in {namespace}", self.user), async || {
            self.may(kube, what, name, namespace).await.then_some(())
        })
        .await;
    }
}

/// Polls until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}
