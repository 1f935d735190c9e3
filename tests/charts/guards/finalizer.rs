//! Nobody but the operator takes its finalizer off, or changes its journal or label.

use controlplane::ControlPlane;
use conversation_webhook_operator::api::{ATTEMPT_ANNOTATION, CONVERSATION_LABEL, FINALIZER};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{as_operator, bot, guarded, object, objects, patch, space};
use crate::cluster::{cluster, namespace};

/// The finalizer of somebody else.
const OTHERS: &str = "example.com/other";

fn sid() -> String {
    format!("WH{:032x}", 1)
}

fn manifest() -> Value {
    object("bot", &bot("https://bots.example.com/"))
}

/// What the operator writes to an object of its own.
fn marks() -> Value {
    json!({
        "finalizers": [FINALIZER],
        "annotations": { ATTEMPT_ANNOTATION: "{\"id\":\"1\"}" },
        "labels": { CONVERSATION_LABEL: format!("CH{:032x}", 1) },
    })
}

/// An object as the operator keeps it.
struct Kept {
    plane: &'static ControlPlane,
    space: &'static str,
    api: Api<DynamicObject>,
    operator: Api<DynamicObject>,
}

async fn kept(name: &'static str) -> Kept {
    let plane = guarded().await;
    space(plane, name, None).await;
    let (api, operator) = (objects(plane, name).await, as_operator(plane, name).await);
    let kept = Kept { plane, space: name, api, operator };
    kept.kubectl(&["apply"], &manifest()).await.unwrap();
    patch(&kept.operator, "bot", &json!({ "metadata": marks() })).await.unwrap();
    let status = json!({ "status": { "webhookSid": sid() } });
    kept.operator.patch_status("bot", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    kept
}

impl Kept {
    /// kubectl with a manifest, as the cluster's administrator.
    async fn kubectl(&self, how: &[&str], manifest: &Value) -> Result<(), String> {
        let arguments = [how, &["-n", self.space, "-f", "-"]].concat();
        let done = self.plane.kubectl_with_input(&arguments, &manifest.to_string()).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    /// Whether all that is the operator's is still there.
    async fn is_whole(&self) -> bool {
        let metadata = serde_json::to_value(self.api.get("bot").await.unwrap().metadata).unwrap();
        metadata["finalizers"].as_array().unwrap().contains(&json!(FINALIZER))
            && metadata["annotations"][ATTEMPT_ANNOTATION] == marks()["annotations"][ATTEMPT_ANNOTATION]
            && metadata["labels"][CONVERSATION_LABEL] == marks()["labels"][CONVERSATION_LABEL]
    }
}

#[track_caller]
fn refused(outcome: Result<impl Sized, String>, says: &str) {
    let Err(error) = outcome else { panic!("was taken, instead of: {says}") };
    assert!(error.contains("ValidatingAdmissionPolicy") && error.contains(says), "{error}");
}

/// So that the tests below can fail: this is what happens without the guard.
#[tokio::test]
async fn without_the_guard_kubectl_replace_strips_all_of_it() {
    let plane = cluster().await;
    namespace(plane, "unguarded").await;
    let apply = ["apply", "-n", "unguarded", "-f", "-"];
    plane.kubectl_with_input(&apply, &manifest().to_string()).await.unwrap();
    let api = objects(plane, "unguarded").await;
    patch(&api, "bot", &json!({ "metadata": marks() })).await.unwrap();
    let replace = ["replace", "-n", "unguarded", "-f", "-"];
    plane.kubectl_with_input(&replace, &manifest().to_string()).await.unwrap();
    let metadata = api.get("bot").await.unwrap().metadata;
    assert_eq!(metadata.finalizers, None);
    assert!(!metadata.annotations.unwrap_or_default().contains_key(ATTEMPT_ANNOTATION));
    assert!(!metadata.labels.unwrap_or_default().contains_key(CONVERSATION_LABEL));
}

#[tokio::test]
async fn kubectl_replace_is_refused_and_says_what_to_do() {
    let kept = kept("replaced").await;
    let advice = format!(
        "metadata.finalizers: only the operator takes {FINALIZER} off, once the webhook at Twilio is gone. To edit, use kubectl \
         apply, edit or patch instead of replace, and name this finalizer beside your own. To let a deleted object go without \
         its webhook, annotate it with conversations.twilio-operator.dev/abandon={}",
        sid()
    );
    refused(kept.kubectl(&["replace"], &manifest()).await, &advice);
    // Also while it is being deleted, when it would vanish at once.
    kept.api.delete("bot", &DeleteParams::default()).await.unwrap();
    refused(kept.kubectl(&["replace"], &manifest()).await, &advice);
    refused(patch(&kept.api, "bot", &json!({ "metadata": { "finalizers": null } })).await, &advice);
    assert!(kept.is_whole().await);
}

#[tokio::test]
async fn edits_of_what_is_the_operators_are_refused() {
    let kept = kept("edited").await;
    let finalizer = "metadata.finalizers: only the operator takes";
    let journal =
        "metadata.annotations: conversations.twilio-operator.dev/create-attempt is the operator's journal";
    let label = "metadata.labels: conversations.twilio-operator.dev/conversation is the operator's label";
    for (metadata, says) in [
        (json!({ "finalizers": null }), finalizer),
        (json!({ "finalizers": [OTHERS] }), finalizer),
        (json!({ "annotations": { ATTEMPT_ANNOTATION: "{\"id\":\"2\"}" } }), journal),
        (json!({ "annotations": { ATTEMPT_ANNOTATION: null } }), journal),
        (json!({ "annotations": null }), journal),
        (json!({ "labels": { CONVERSATION_LABEL: format!("CH{:032x}", 2) } }), label),
        (json!({ "labels": { CONVERSATION_LABEL: null } }), label),
    ] {
        refused(patch(&kept.api, "bot", &json!({ "metadata": metadata })).await, says);
    }
    // A manifest with finalizers of its own would take ours off at every client-side apply.
    let mut own = manifest();
    own["metadata"]["finalizers"] = json!([OTHERS]);
    refused(kept.kubectl(&["apply"], &own).await, finalizer);
    // Server-side apply merges, and so does naming both.
    kept.kubectl(&["apply", "--server-side", "--force-conflicts"], &own).await.unwrap();
    own["metadata"]["finalizers"] = json!([OTHERS, FINALIZER]);
    kept.kubectl(&["apply"], &own).await.unwrap();
    assert!(kept.is_whole().await);

    // An old journal put onto an object that has none would count as an attempt.
    let mut fresh = manifest();
    fresh["metadata"]["name"] = json!("fresh");
    kept.kubectl(&["create"], &fresh).await.unwrap();
    let old = json!({ "metadata": { "annotations": { ATTEMPT_ANNOTATION: "{}" } } });
    refused(patch(&kept.api, "fresh", &old).await, journal);
}

#[tokio::test]
async fn what_people_and_their_tools_do_otherwise_goes_on() {
    let kept = kept("used").await;
    let mut edited = manifest();
    edited["spec"]["configuration"]["method"] = json!("GET");
    for (how, manifest) in [
        (&["apply"][..], &manifest()),
        (&["apply"], &edited),
        (&["apply", "--server-side", "--force-conflicts"], &manifest()),
        (&["apply", "--server-side", "--force-conflicts"], &edited),
    ] {
        kept.kubectl(how, manifest).await.unwrap();
    }
    // `kubectl edit` and most programs: read, change, put back.
    let mut read = serde_json::to_value(kept.api.get("bot").await.unwrap()).unwrap();
    read["spec"]["configuration"]["method"] = json!("POST");
    let put = serde_json::from_value(read).unwrap();
    kept.api.replace("bot", &PostParams::default(), &put).await.unwrap();
    for metadata in [
        json!({ "annotations": { "conversations.twilio-operator.dev/reconcile-requested-at": "now" } }),
        json!({ "annotations": { "conversations.twilio-operator.dev/abandon": sid() } }),
        json!({ "labels": { "team": "bots" } }),
        json!({ "finalizers": [FINALIZER, OTHERS] }),
        json!({ "finalizers": [FINALIZER] }),
    ] {
        patch(&kept.api, "bot", &json!({ "metadata": metadata })).await.unwrap();
    }
    assert!(kept.is_whole().await);

    // A backup brings back what it saw, and is a new object.
    let mut restored = manifest();
    restored["metadata"] = marks();
    restored["metadata"]["name"] = json!("restored");
    kept.kubectl(&["create"], &restored).await.unwrap();
    kept.kubectl(&["apply"], &restored).await.unwrap();

    // The operator takes its finalizer off, and changes what is its own.
    let journal = json!({ "metadata": { "annotations": { ATTEMPT_ANNOTATION: "{\"id\":\"2\"}" } } });
    patch(&kept.operator, "bot", &journal).await.unwrap();
    kept.api.delete("bot", &DeleteParams::default()).await.unwrap();
    patch(&kept.operator, "bot", &json!({ "metadata": { "finalizers": null } })).await.unwrap();
    assert!(kept.api.get_opt("bot").await.unwrap().is_none());
}

#[tokio::test]
async fn an_administrator_can_break_the_glass_and_nobody_else() {
    let kept = kept("emergency").await;
    kept.api.delete("bot", &DeleteParams::default()).await.unwrap();
    let unheld = json!({ "metadata": { "finalizers": null } }).to_string();
    let strip = ["patch", "cw", "bot", "-n", "emergency", "--type=merge", "-p", &unheld];
    let masters = ["--as=admin", "--as-group=system:masters"];
    let plain = kept.plane.kubectl(&[&strip[..], &masters].concat()).await;
    refused(plain.map_err(|error| error.to_string()), "metadata.finalizers");

    // Whoever may write the object may not name the group.
    kept.plane
        .kubectl(&[
            "create",
            "rolebinding",
            "editor",
            "-n",
            "emergency",
            "--clusterrole=operators-edit",
            "--user=editor",
        ])
        .await
        .unwrap();
    let can = ["auth", "can-i", "impersonate", "groups", "--as=editor", "-n", "emergency"];
    assert!(kept.plane.kubectl(&can).await.is_err(), "an editor may impersonate");
    let glass = [&masters[..], &["--as-group=twilio-operator:break-glass"]].concat();
    kept.plane.kubectl(&[&strip[..], &glass].concat()).await.unwrap();
    assert!(kept.api.get_opt("bot").await.unwrap().is_none());
}
