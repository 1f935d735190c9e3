//! Objects that a tool applies from git, again and again: what it applied and what the operator writes never meet, so that
//! nothing has to be ignored, and what is drift is somebody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use kube::ResourceExt;
use serde_json::{Value, json};

use crate::support::{World, eventually};

/// As Flux and Argo CD call themselves, with the mark that each puts on what it applies.
const TOOLS: [(&str, &str, &str); 2] = [
    ("kustomize-controller", "labels", "kustomize.toolkit.fluxcd.io/name"),
    ("argocd-controller", "annotations", "argocd.argoproj.io/tracking-id"),
];
const OPERATOR: &str = "conversation-webhook-operator";

/// The objects of `examples/`, in this namespace, by name. The Secret there has no login that works.
fn examples(namespace: &str) -> BTreeMap<String, Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut objects = BTreeMap::new();
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let mut object: Value = serde_saphyr::from_str(&text).unwrap();
        if object["kind"] != "Secret" {
            assert_eq!(object["kind"], "ConversationWebhook");
            object["metadata"]["namespace"] = json!(namespace);
            objects.insert(object["metadata"]["name"].as_str().unwrap().to_owned(), object);
        }
    }
    assert_eq!(objects.len(), 3, "one for each target: {objects:?}");
    objects
}

async fn apply(world: &World, tool: &str, object: &Value, further: &[&str]) {
    let manager = format!("--field-manager={tool}");
    let arguments = [&["apply", "--server-side", &manager, "-f", "-"], further].concat();
    world.plane.kubectl_with_input(&arguments, &object.to_string()).await.unwrap();
}

/// What the tool would change, as `kubectl diff` shows it; nothing where there is no drift.
async fn drift(world: &World, tool: &str, object: &Value) -> Option<String> {
    let manager = format!("--field-manager={tool}");
    let arguments = ["diff", "--server-side", &manager, "--force-conflicts", "-f", "-"];
    match world.plane.kubectl_with_input(&arguments, &object.to_string()).await {
        Ok(same) => {
            assert_eq!(same.stdout, "");
            None
        }
        Err(different) => Some(different.to_string()),
    }
}

/// The paths of fields in an entry of `managedFields`. That a map is there at all (`.`) belongs to all who put something
/// into it.
fn leaves(fields: &Value, path: &str, into: &mut BTreeSet<String>) {
    let inner = fields.as_object().into_iter().flatten().filter(|(name, _)| *name != ".");
    let mut is_leaf = true;
    for (name, fields) in inner {
        is_leaf = false;
        leaves(fields, &format!("{path}/{name}"), into);
    }
    if is_leaf {
        into.insert(path.to_owned());
    }
}

/// The fields of each manager of an object.
async fn managed(world: &World, name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let object = world.objects().get(name).await.unwrap();
    let mut managed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in object.managed_fields() {
        let fields = &entry.fields_v1.as_ref().unwrap().0;
        leaves(fields, "", managed.entry(entry.manager.clone().unwrap()).or_default());
    }
    managed
}

/// Nothing to change for the tool, nothing written by its next run, and no field that two of them manage.
async fn assert_no_drift(world: &World, tool: &str, name: &str, object: &Value) {
    assert_eq!(drift(world, tool, object).await, None, "{name}");
    let version = world.objects().get(name).await.unwrap().resource_version();
    // Without force: a field that the operator took over would be a conflict.
    apply(world, tool, object, &[]).await;
    assert_eq!(world.objects().get(name).await.unwrap().resource_version(), version, "{name} was written");

    let managed = managed(world, name).await;
    assert_eq!(managed.keys().collect::<Vec<_>>(), {
        let mut both = [OPERATOR, tool];
        both.sort_unstable();
        both
    });
    let shared: Vec<_> = managed[OPERATOR].intersection(&managed[tool]).collect();
    assert!(shared.is_empty(), "{name}: {shared:?}");
    let is_ours = |path: &&String| {
        path.starts_with("/f:status/")
            || path.starts_with("/f:metadata/f:finalizers/")
            || path.starts_with("/f:metadata/") && path.contains("/f:conversations.twilio-operator.dev/")
    };
    let foreign: Vec<_> = managed[OPERATOR].iter().filter(|path| !is_ours(path)).collect();
    assert!(foreign.is_empty(), "{name}: {foreign:?}");
    let spec = |path: &&String| path.starts_with("/f:spec/");
    assert!(managed[tool].iter().any(|path| spec(&path)), "{managed:?}");
}

#[tokio::test]
async fn what_a_tool_applies_from_git_never_drifts_by_the_operators_doing() {
    for (tool, kind_of_mark, mark) in TOOLS {
        let mut world = World::new().await;
        let mut objects = examples(&world.namespace);
        for object in objects.values_mut() {
            object["metadata"][kind_of_mark] = json!({ mark: "tenant-a" });
            apply(&world, tool, object, &[]).await;
        }
        world.start_operator(&[]).await;
        for (name, object) in &objects {
            world.wait_ready(name).await;
            assert_no_drift(&world, tool, name, object).await;
        }

        // A change in git.
        let (name, object) = ("support-bot", objects.get_mut("support-bot").unwrap());
        object["spec"]["configuration"]["filters"] = json!(["onMessageAdded"]);
        assert!(drift(&world, tool, object).await.is_some_and(|drift| drift.contains("onParticipantAdded")));
        apply(&world, tool, object, &[]).await;
        world.wait_ready(name).await;
        assert_no_drift(&world, tool, name, object).await;

        // A change by hand is drift, and is put back, at Twilio too.
        world.patch(name, json!({ "spec": { "configuration": { "method": "GET" } } })).await;
        assert!(drift(&world, tool, object).await.is_some_and(|drift| drift.contains("GET")));
        apply(&world, tool, object, &["--force-conflicts"]).await;
        world.wait_ready(name).await;
        assert_eq!(drift(&world, tool, object).await, None);
        eventually("the webhook at Twilio is as in git", std::time::Duration::from_mins(1), async || {
            let webhooks = world.alive(crate::support::conversation(1));
            let methods: Vec<_> = webhooks
                .iter()
                .map(|webhook| serde_json::to_value(&webhook.configuration).unwrap().to_string())
                .collect();
            (methods.len() == 2 && !methods.iter().any(|text| text.contains("GET"))).then_some(())
        })
        .await;
        world.stop_operator().await;
    }
}
