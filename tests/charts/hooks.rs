//! `helm test`, with a test in the place of the kubelet: it runs the commands of the pods with the real kubectl, under the
//! `ServiceAccount` that the hook made, and reports how they ended.

use std::path::Path;
use std::process::Output;

use controlplane::ControlPlane;
use serde_json::{Value, json};
use tokio::process::Command;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::cluster::{Subject, cluster, eventually, get, namespace, release};
use crate::helm::OPERATOR;

const CREATE: &str = "create conversations.twilio-operator.dev/conversationwebhooks";

/// A release with one pod, which nobody starts, in a namespace of its own.
async fn installed(name: &str) -> &'static ControlPlane {
    let plane = cluster().await;
    namespace(plane, name).await;
    let values = json!({ "replicaCount": 1, "crds": { "enabled": false }, "fullnameOverride": name });
    release(plane, &["install"], (name, OPERATOR, name), &values).await.unwrap();
    plane
}

async fn helm_test(plane: &ControlPlane, name: &str) -> anyhow::Result<()> {
    plane.helm(&["test", name, "--namespace", name, "--timeout", "60s"]).await.map(drop)
}

/// The pod, once Helm has made it.
async fn pod(plane: &ControlPlane, name: &str, pod: &str) -> Value {
    let pod = format!("{name}-{pod}");
    eventually(&format!("pod {pod}"), async || {
        let found = plane.kubectl(&["get", "pod", &pod, "-n", name, "-o", "json"]).await.ok()?;
        Some(serde_json::from_str(&found.stdout).unwrap())
    })
    .await
}

/// Reports the end of the pod as the kubelet does.
async fn ends(plane: &ControlPlane, pod: &Value, phase: &str) {
    let (name, space) =
        (pod["metadata"]["name"].as_str().unwrap(), pod["metadata"]["namespace"].as_str().unwrap());
    let status = json!({ "status": { "phase": phase } }).to_string();
    plane
        .kubectl(&["patch", "pod", name, "-n", space, "--subresource=status", "--type=merge", "-p", &status])
        .await
        .unwrap();
}

/// Runs what the pod would run, with its arguments changed as its volumes and the cluster's DNS would have it. The root of
/// its file system is read-only, and the kubelet says where the API server is.
async fn run(
    plane: &ControlPlane,
    pod: &Value,
    kubeconfig: Option<&Path>,
    change: impl Fn(&str) -> String,
) -> Output {
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["command"], json!(["kubectl"]));
    let arguments =
        container["args"].as_array().unwrap().iter().map(|argument| change(argument.as_str().unwrap()));
    let mut command = Command::new(plane.binaries().kubectl());
    // Where nobody can make a directory, not even root.
    command.args(arguments).env("HOME", "/proc/nowhere").env_remove("KUBECONFIG").env_remove("KUBECACHEDIR");
    command.env("KUBERNETES_SERVICE_HOST", "10.0.0.1").env("KUBERNETES_SERVICE_PORT", "443");
    if let Some(kubeconfig) = kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    command.output().await.unwrap()
}

/// What belongs to the tests and is there now.
async fn left(plane: &ControlPlane, name: &str) -> Vec<String> {
    let label = format!(
        "app.kubernetes.io/instance={name},app.kubernetes.io/name=conversation-webhook-operator-test"
    );
    let kinds = "serviceaccounts,roles,rolebindings,configmaps,pods";
    let found = plane.kubectl(&["get", kinds, "-n", name, "-l", &label, "-o", "name"]).await.unwrap();
    found.stdout.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn both_tests_succeed_with_the_least_rights_and_leave_nothing() {
    let name = "tested";
    let plane = installed(name).await;
    let kube = plane.admin_client().await.unwrap();
    let operator = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/readyz"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&operator)
        .await;
    let kubelet = async {
        let admission = pod(plane, name, "test-admission").await;
        let account = admission["spec"]["serviceAccountName"].as_str().unwrap();
        let subject = Subject::service_account(name, account);
        subject.wait_may(&kube, CREATE, "", name).await;
        for (what, space) in [
            (CREATE, "default"),
            ("get conversations.twilio-operator.dev/conversationwebhooks", name),
            ("delete conversations.twilio-operator.dev/conversationwebhooks", name),
            ("get /secrets", name),
            ("get /configmaps", name),
        ] {
            assert!(!subject.may(&kube, what, "", space).await, "{what} in {space}");
        }
        let kubeconfig = plane.kubeconfig_for_service_account(name, account).await.unwrap();
        let objects = tempfile::tempdir().unwrap();
        mount(plane, &admission, objects.path()).await;
        let mounted = |argument: &str| argument.replace("/objects", objects.path().to_str().unwrap());
        let ended = run(plane, &admission, Some(&kubeconfig), mounted).await;
        assert!(ended.status.success(), "{ended:?}");
        assert!(String::from_utf8_lossy(&ended.stdout).contains("created (server dry run)"), "{ended:?}");
        ends(plane, &admission, "Succeeded").await;

        let readiness = pod(plane, name, "test-readiness").await;
        assert_eq!(readiness["spec"]["automountServiceAccountToken"], false);
        let ended = run(plane, &readiness, None, |argument| at(argument, name, &operator.uri())).await;
        assert!(ended.status.success(), "{ended:?}");
        ends(plane, &readiness, "Succeeded").await;
    };
    let (outcome, ()) = tokio::join!(helm_test(plane, name), kubelet);
    outcome.unwrap();
    eventually("nothing is left", async || left(plane, name).await.is_empty().then_some(())).await;
    let created = get(plane, &["conversationwebhooks", "-n", name]).await;
    assert_eq!(created["items"], json!([]), "a dry run stores nothing");
}

#[tokio::test]
async fn a_test_that_fails_says_so_and_takes_its_rights_back() {
    let name = "failed";
    let plane = installed(name).await;
    let kubelet = async { ends(plane, &pod(plane, name, "test-admission").await, "Failed").await };
    let (outcome, ()) = tokio::join!(helm_test(plane, name), kubelet);
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("failed-test-admission"), "{error}");
    eventually("its pod is left, for the log, and nothing else", async || {
        (left(plane, name).await == ["pod/failed-test-admission"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_operator_that_is_not_ready_fails_the_test_of_readiness() {
    let plane = cluster().await;
    let documents =
        crate::helm::rendered(OPERATOR, "unready", &json!({ "fullnameOverride": "unready" })).await;
    let readiness = crate::helm::the(&documents, "Pod unready/unready-test-readiness");
    let operator = MockServer::start().await;
    Mock::given(path("/readyz")).respond_with(ResponseTemplate::new(503)).mount(&operator).await;
    let ended = run(plane, readiness, None, |argument| at(argument, "unready", &operator.uri())).await;
    assert!(!ended.status.success(), "{ended:?}");
    // Nobody listens, as without a pod that is ready.
    let ended = run(plane, readiness, None, |argument| at(argument, "unready", "http://127.0.0.1:1")).await;
    assert!(!ended.status.success(), "{ended:?}");
}

/// Writes the `ConfigMap` of the pod's volume as the kubelet does.
async fn mount(plane: &ControlPlane, pod: &Value, directory: &Path) {
    let name = pod["spec"]["volumes"][0]["configMap"]["name"].as_str().unwrap();
    let space = pod["metadata"]["namespace"].as_str().unwrap();
    let content = get(plane, &["configmap", name, "-n", space]).await;
    for (file, text) in content["data"].as_object().unwrap() {
        std::fs::write(directory.join(file), text.as_str().unwrap()).unwrap();
    }
}

/// The Service's address, as the cluster's DNS would resolve it.
fn at(argument: &str, name: &str, address: &str) -> String {
    match argument.strip_prefix("--server=") {
        Some(server) => {
            assert_eq!(server, format!("http://{name}-metrics.{name}.svc:8080"));
            format!("--server={address}")
        }
        None => argument.to_owned(),
    }
}
