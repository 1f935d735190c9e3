//! The real API server's word on every set: unknown fields, wrong types and invalid values are refused, and the pods are held
//! against the restricted Pod Security Standard.

use controlplane::ControlPlane;
use serde_json::{Value, json};

use crate::cluster::{cluster, namespace};
use crate::helm::{Document, OPERATOR, rendered};
use crate::sets::{NAMESPACES, sets};

/// Sends it all as a dry run. Server-side apply knows every field.
async fn dry_run(plane: &ControlPlane, documents: &[Value]) -> Result<(), String> {
    let apply =
        ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"];
    let stream: Vec<String> = documents.iter().map(Value::to_string).collect();
    plane
        .kubectl_with_input(&apply, &stream.join("\n---\n"))
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

/// The pods that a controller would make.
fn pods(documents: &[Document]) -> Vec<Value> {
    let made = documents.iter().filter(|document| document.value["spec"]["template"]["spec"].is_object());
    made.map(|document| {
        let mut template = document.value["spec"]["template"].clone();
        template["apiVersion"] = json!("v1");
        template["kind"] = json!("Pod");
        template["metadata"]["name"] = json!("made");
        template["metadata"]["namespace"] = document.value["metadata"]["namespace"].clone();
        template
    })
    .collect()
}

#[tokio::test]
async fn the_api_server_takes_every_set_and_its_pods_under_the_restricted_standard() {
    let plane = cluster().await;
    for name in NAMESPACES {
        namespace(plane, name).await;
    }
    let mut wrong = Vec::new();
    for set in sets() {
        let documents = rendered(set.chart, "operators", &set.values).await;
        let made = pods(&documents);
        assert!(set.chart != OPERATOR || !made.is_empty(), "{}: no pods", set.name);
        let all: Vec<Value> = documents.into_iter().map(|document| document.value).collect();
        // Pods that are made from templates have one name here: each is sent by itself.
        let batches = std::iter::once(all).chain(made.into_iter().map(|pod| vec![pod]));
        for batch in batches.filter(|batch| !batch.is_empty()) {
            if let Err(error) = dry_run(plane, &batch).await {
                wrong.push(format!("{}: {error}", set.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_not_to_be_would_be_refused() {
    let plane = cluster().await;
    namespace(plane, "guarded").await;
    let documents = rendered(OPERATOR, "guarded", &json!({})).await;
    let good = pods(&documents).remove(0);
    dry_run(plane, std::slice::from_ref(&good)).await.unwrap();

    let mut root = good.clone();
    root["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
    let error = dry_run(plane, &[root]).await.unwrap_err();
    assert!(error.contains(r#"violates PodSecurity "restricted:latest": runAsNonRoot != true"#), "{error}");

    let mut unknown = good;
    unknown["spec"]["terminationGraceSeconds"] = json!(90);
    let error = dry_run(plane, &[unknown]).await.unwrap_err();
    assert!(error.contains(".spec.terminationGraceSeconds: field not declared in schema"), "{error}");
}
