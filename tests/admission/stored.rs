//! No rule stands in the way of the operator's writes to an object that is stored already.
//!
//! When a rule gets stricter, objects that break it are still there, with a webhook at Twilio. The operator must be able
//! to write the SID into their status, and to put on and take off its finalizer, or the webhook is made twice or leaks.

use controlplane::ControlPlane;
use conversation_webhook_operator::api::{
    CONVERSATION_LABEL, ConversationWebhook, FINALIZER, RECONCILE_ANNOTATION, crd,
};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::case::Expected;
use crate::cluster::{Apply, eventually, install, try_apply};
use crate::object::{object, sid, webhook};
use crate::rules::cases;

/// The cases that break more than a rule: a field has another type, or one is missing that was required from the first
/// version on. No version of the CRD can have stored these.
const NEVER_STORED: [&str; 7] = [
    "unique name that is no text",
    "no target",
    "no configuration",
    "a text instead of a list",
    "a keyword that is no text",
    "replay from a text",
    "an object instead of an address",
];

#[tokio::test]
async fn objects_that_break_todays_rules_still_get_finalizer_and_status() {
    // Not the shared one: its CRD would change under the other tests.
    let plane = ControlPlane::start().await.unwrap();
    install(&plane, &without_rules().to_string()).await;
    let kind = ApiResource::erase::<ConversationWebhook>(&());
    let objects = Api::namespaced_with(plane.admin_client().await.unwrap(), "default", &kind);

    let mut broken = Vec::new();
    let mut never_stored = Vec::new();
    let rejected = cases().into_iter().filter(|case| matches!(case.expected, Expected::Rejected { .. }));
    for (index, case) in rejected.enumerate() {
        let object = serde_json::from_value(object(&format!("case-{index}"), &case.spec)).unwrap();
        match objects.create(&PostParams::default(), &object).await {
            Ok(stored) => broken.push((case.name, stored)),
            Err(_) => never_stored.push(case.name),
        }
    }
    assert_eq!(never_stored, NEVER_STORED);

    install(&plane, &serde_json::to_string(&crd()).unwrap()).await;
    let bad = object("bad", &webhook(&json!({"conversationSid": "CH12"})));
    eventually("the rules are in force", async || {
        try_apply(&plane, "default", Apply::Client, &bad).await.why_not_accepted().is_some()
    })
    .await;

    let total = broken.len();
    let mut wrong = Vec::new();
    for (case, stored) in broken {
        if let Err(error) = live_and_die(&objects, stored).await {
            wrong.push(format!("{case}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {total} objects:\n{}", wrong.len(), wrong.join("\n"));
}

/// The CRD with the shape of the spec only: types, and what the spec itself requires.
fn without_rules() -> Value {
    let mut crd = serde_json::to_value(crd()).unwrap();
    let spec = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let required = spec["required"].take();
    strip(spec);
    spec["required"] = required;
    crd
}

fn strip(schema: &mut Value) {
    let fields = schema.as_object_mut().unwrap();
    fields.retain(|keyword, _| {
        matches!(keyword.as_str(), "type" | "format" | "nullable" | "properties" | "items" | "default")
    });
    fields.get_mut("items").into_iter().for_each(strip);
    fields.get_mut("properties").and_then(Value::as_object_mut).into_iter().for_each(|properties| {
        properties.values_mut().for_each(strip);
    });
}

/// The writes of an object's life as the operator makes them: merge patches on the version that it read.
async fn live_and_die(objects: &Api<DynamicObject>, stored: DynamicObject) -> kube::Result<()> {
    let main = async |stored: &DynamicObject, metadata: Value| {
        let patch = on_version_of(stored, json!({"metadata": metadata}));
        objects.patch(stored.metadata.name.as_deref().unwrap(), &PatchParams::default(), &patch).await
    };
    let stored = main(&stored, json!({"finalizers": [FINALIZER]})).await?;
    let stored = main(&stored, json!({"annotations": {RECONCILE_ANNOTATION: "now"}})).await?;
    let stored = main(&stored, json!({"labels": {CONVERSATION_LABEL: sid("CH")}})).await?;

    let status = json!({"observedGeneration": 1, "webhookSid": sid("WH"), "conversationSid": sid("CH")});
    let patch = on_version_of(&stored, json!({"metadata": {}, "status": status}));
    let name = stored.metadata.name.as_deref().unwrap();
    let stored = objects.patch_status(name, &PatchParams::default(), &patch).await?;
    assert_eq!(stored.data["status"], status);

    let stored = main(&stored, json!({"finalizers": null})).await?;
    assert_eq!(stored.metadata.finalizers, None);
    Ok(())
}

fn on_version_of(stored: &DynamicObject, mut patch: Value) -> Patch<Value> {
    patch["metadata"]["resourceVersion"] = json!(stored.metadata.resource_version);
    Patch::Merge(patch)
}
