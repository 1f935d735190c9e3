//! `manifests/`, for whoever installs without Helm.

use crate::cluster::{Subject, cluster, get};

const NAME: &str = "conversation-webhook-operator";

#[tokio::test]
async fn kubectl_apply_of_the_manifests_installs_the_operator_and_changes_nothing_the_second_time() {
    let plane = cluster().await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/install.yaml");
    let apply = ["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", file];
    plane.kubectl(&apply).await.unwrap();
    let deployment = get(plane, &["deployment", NAME, "-n", NAME]).await;
    assert_eq!(deployment["spec"]["replicas"], 2);
    let again = plane.kubectl(&apply).await.unwrap();
    assert_eq!(get(plane, &["deployment", NAME, "-n", NAME]).await["metadata"]["generation"], 1, "{again:?}");

    let kube = plane.admin_client().await.unwrap();
    let operator = Subject::service_account(NAME, NAME);
    operator.wait_may(&kube, "get /secrets", "twilio-credentials", "default").await;
    operator.wait_may(&kube, "get coordination.k8s.io/leases", NAME, NAME).await;
    let space = get(plane, &["namespace", NAME]).await;
    assert_eq!(space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn the_manifests_have_nothing_that_only_helm_understands() {
    for file in ["install.yaml", "crds.yaml"] {
        let path = format!("{}/manifests/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let documents = crate::helm::documents(&text);
        assert!(documents.iter().any(|document| document.kind() == "CustomResourceDefinition"), "{file}");
        assert!(!text.contains("helm.sh/"), "{file}");
    }
}

/// A release can be pulled as it is: nobody has to say where the images are.
#[tokio::test]
async fn what_a_release_hands_out_names_the_images_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (image, simulator) = ("registry.example.com/owner/operator", "registry.example.com/owner/simulator");
    let helm = controlplane::Binaries::locate().unwrap().helm().unwrap();
    let package = tokio::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/package"))
        .arg(helm)
        .args([image, simulator])
        .arg(folder.path())
        .output()
        .await
        .unwrap();
    assert!(package.status.success(), "{package:?}");
    let text = std::fs::read_to_string(folder.path().join("install.yaml")).unwrap();
    let images = |documents: &[crate::helm::Document]| -> Vec<String> {
        let containers = documents
            .iter()
            .filter(|document| document.kind() == "Deployment")
            .map(|document| document.value["spec"]["template"]["spec"]["containers"][0]["image"].clone());
        containers.map(|image| image.as_str().unwrap().to_owned()).collect()
    };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(images(&crate::helm::documents(&text)), [format!("{image}:{version}")]);
    assert!(folder.path().join("crds.yaml").is_file());
    let chart = folder.path().join(format!("{NAME}-{version}.tgz"));
    let values = serde_json::json!({ "simulator": { "enabled": true } });
    let mut rendered = images(&crate::helm::rendered(chart.to_str().unwrap(), "operators", &values).await);
    rendered.sort();
    assert_eq!(rendered, [format!("{image}:{version}"), format!("{simulator}:{version}")]);
    assert!(folder.path().join(format!("conversation-webhooks-{version}.tgz")).is_file());
}
