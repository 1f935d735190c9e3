//! The guards of the operator's chart on a real API server: what they refuse, with the message that the user reads, and what
//! they must let through.

mod finalizer;
mod hosts;

use controlplane::ControlPlane;
use conversation_webhook_operator::api::ConversationWebhook;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::cluster::{eventually, release};
use crate::helm::OPERATOR;

/// Release, namespace and `ServiceAccount` of the operator.
const SYSTEM: &str = "operators";
/// The hosts of namespaces that say nothing.
const ALLOWED: [&str; 4] = ["bots.example.com", "*.bots.example.com", "Desk.Example.Com", "[2001:db8::1]"];
/// Says which hosts a namespace may use.
const HOSTS_ANNOTATION: &str = "conversations.twilio-operator.dev/allowed-webhook-hosts";

/// A control plane with both guards: not the one of the other tests, whose objects they would judge.
async fn guarded() -> &'static ControlPlane {
    static GUARDED: OnceCell<ControlPlane> = OnceCell::const_new();
    GUARDED
        .get_or_init(async || {
            let guards = json!({
                "webhookHosts": { "enabled": true, "allowed": ALLOWED },
                "finalizer": { "enabled": true },
            });
            with_guards(json!({ "guards": guards })).await
        })
        .await
}

/// A control plane of its own with a release of these values, once its guards are in force.
async fn with_guards(mut values: Value) -> ControlPlane {
    let plane = ControlPlane::start().await.unwrap();
    values["replicaCount"] = json!(0);
    values["fullnameOverride"] = json!(SYSTEM);
    let install = ["install", "--create-namespace"];
    release(&plane, &install, (SYSTEM, OPERATOR, SYSTEM), &values).await.unwrap();
    let crd = "crd/conversationwebhooks.conversations.twilio-operator.dev";
    plane.kubectl(&["wait", "--for=condition=Established", crd]).await.unwrap();
    // Policies are watched like anything else, and all of them together.
    let bad = object("bad", &bot("https://not-allowed.example.com/"));
    let watched = values["watchNamespaces"][0].as_str().unwrap_or("default").to_owned();
    if watched != "default" {
        space(&plane, &watched, None).await;
    }
    eventually("the guards are in force", async || {
        let error = try_create(&objects(&plane, &watched).await, &bad).await.err()?;
        error.contains("not-allowed.example.com").then_some(())
    })
    .await;
    plane
}

/// A namespace, with what its annotation says about hosts.
async fn space(plane: &ControlPlane, name: &str, hosts: Option<&str>) {
    let annotations = hosts.map(|hosts| json!({ HOSTS_ANNOTATION: hosts }));
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "annotations": annotations },
    });
    plane.kubectl_with_input(&["create", "-f", "-"], &namespace.to_string()).await.unwrap();
}

/// Objects of a namespace, for its administrator.
async fn objects(plane: &ControlPlane, namespace: &str) -> Api<DynamicObject> {
    let kind = ApiResource::erase::<ConversationWebhook>(&());
    Api::namespaced_with(plane.admin_client().await.unwrap(), namespace, &kind)
}

/// The same for the operator.
async fn as_operator(plane: &ControlPlane, namespace: &str) -> Api<DynamicObject> {
    let kind = ApiResource::erase::<ConversationWebhook>(&());
    let client = plane.client_for_service_account(SYSTEM, SYSTEM).await.unwrap();
    Api::namespaced_with(client, namespace, &kind)
}

fn object(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "conversations.twilio-operator.dev/v1alpha1", "kind": "ConversationWebhook",
        "metadata": { "name": name }, "spec": spec,
    })
}

/// A spec of target webhook with this address.
fn bot(url: &str) -> Value {
    json!({
        "conversationSid": format!("CH{:032x}", 1), "target": "webhook",
        "configuration": { "url": url, "filters": ["onMessageAdded"] },
    })
}

/// Asks whether an object would be made, and stores nothing.
async fn try_create(api: &Api<DynamicObject>, object: &Value) -> Result<(), String> {
    let object = serde_json::from_value(object.clone()).unwrap();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&dry, &object).await.map(drop).map_err(|error| error.to_string())
}

/// A merge patch of the object.
async fn patch(api: &Api<DynamicObject>, name: &str, patch: &Value) -> Result<DynamicObject, String> {
    let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
    patched.map_err(|error| error.to_string())
}
