//! The operator under the chart's guards: it does all of its work, and what they refuse it never has to repair.
//!
//! What they refuse and let through by themselves is shown in `tests/charts/guards`.

use std::time::Duration;

use conversation_webhook_operator::api::{ATTEMPT_ANNOTATION, FINALIZER};
use kube::ResourceExt as _;
use kube::api::{DeleteParams, PropagationPolicy};
use serde_json::{Value, json};

use crate::support::{
    BOT, SCALED, World, assert_harmless, conversation, eventually, only_webhook, sid_of, webhook_spec,
};

const PATIENCE: Duration = Duration::from_mins(1);

/// A world under both guards, once they are in force.
async fn guarded() -> World {
    let world = World::guarded("bots.example.com").await;
    let evil = manifest(&world, "evil", "https://evil.example/");
    eventually("the guards are in force", PATIENCE, async || {
        let error = kubectl(&world, &["create", "--dry-run=server"], &evil).await.err()?;
        error.contains("may not send to the host evil.example").then_some(())
    })
    .await;
    world
}

fn manifest(world: &World, name: &str, url: &str) -> Value {
    json!({
        "apiVersion": "conversations.twilio-operator.dev/v1alpha1", "kind": "ConversationWebhook",
        "metadata": { "name": name, "namespace": world.namespace }, "spec": webhook_spec(1, url),
    })
}

async fn kubectl(world: &World, how: &[&str], manifest: &Value) -> Result<(), String> {
    let arguments = [how, &["-f", "-"]].concat();
    let done = world.plane.kubectl_with_input(&arguments, &manifest.to_string()).await;
    done.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn under_the_guards_an_object_is_made_edited_replaced_in_vain_and_deleted() {
    let mut world = guarded().await;
    world.start_operator(&[SCALED]).await;
    let object = manifest(&world, "bot", BOT);
    kubectl(&world, &["apply"], &object).await.unwrap();
    let before = world.wait_ready("bot").await;

    let error = kubectl(&world, &["replace"], &object).await.unwrap_err();
    assert!(error.contains("only the operator takes"), "{error}");
    let now = world.objects().get("bot").await.unwrap();
    assert_eq!(now.finalizers(), [FINALIZER]);
    assert_eq!(now.annotations().get(ATTEMPT_ANNOTATION), before.annotations().get(ATTEMPT_ANNOTATION));

    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    assert_eq!(sid_of(&world.wait_ready("bot").await), sid_of(&before));
    only_webhook(&world, 1);

    // Its host is not allowed any more: it is kept as it is, and goes with its webhook.
    let none = "conversations.twilio-operator.dev/allowed-webhook-hosts=";
    world.plane.kubectl(&["annotate", "namespace", &world.namespace, none]).await.unwrap();
    let next = manifest(&world, "next", BOT);
    eventually("the shorter list counts", PATIENCE, async || {
        kubectl(&world, &["create", "--dry-run=server"], &next).await.err().map(drop)
    })
    .await;
    world.patch("bot", json!({ "spec": { "resyncInterval": "1h" } })).await;
    world.wait_ready("bot").await;
    // By way of the garbage collector, which takes a finalizer of its own off and leaves ours.
    let foreground =
        DeleteParams { propagation_policy: Some(PropagationPolicy::Foreground), ..DeleteParams::default() };
    world.objects().delete("bot", &foreground).await.unwrap();
    world.wait_gone("bot").await;
    assert!(world.alive(conversation(1)).is_empty());
    assert_harmless(&world);
}

#[tokio::test]
async fn under_the_guards_a_namespace_goes_by_itself_and_so_do_its_webhooks() {
    let mut world = guarded().await;
    world.start_operator(&[SCALED]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    world.plane.kubectl(&["delete", "namespace", &world.namespace, "--wait=false"]).await.unwrap();
    eventually("the namespace is gone", PATIENCE, async || {
        world.plane.kubectl(&["get", "namespace", &world.namespace]).await.is_err().then_some(())
    })
    .await;
    assert!(world.alive(conversation(1)).is_empty());
}
