//! A newer CRD with stricter rules comes while objects are served that break them.

use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use twilio_conversations_simulator::{Fault, Operation};

use crate::support::{
    BOT, PATIENCE, World, assert_harmless, conversation, eventually, only_webhook, sid_of, strike,
    webhook_spec,
};

/// No object of these tests keeps to this, neither by schema nor by rule.
async fn tighten(world: &World) {
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let patch = json!([
        {
            "op": "add", "path": format!("{spec}/x-kubernetes-validations/-"),
            "value": { "rule": "self.configuration.url.startsWith('https://strict.')", "message": "too lax" },
        },
        {
            "op": "add", "path": format!("{spec}/properties/configuration/properties/url/pattern"),
            "value": "^https://strict[.]",
        },
    ])
    .to_string();
    let kind = "crd/conversationwebhooks.conversations.twilio-operator.dev";
    world.plane.kubectl(&["patch", kind, "--type=json", "--patch", &patch]).await.unwrap();
    eventually("the stricter rules are in force", PATIENCE, async || {
        let lax = serde_json::from_value(json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1", "kind": "ConversationWebhook",
            "metadata": { "name": "lax" }, "spec": webhook_spec(9, BOT),
        }));
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        let refused = world.objects().create(&dry, &lax.unwrap()).await.err()?.to_string();
        (refused.contains("too lax") && refused.contains("strict[.]")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn rules_that_are_tightened_between_a_create_and_its_record_lose_no_sid() {
    let mut world = World::on_own_plane().await;
    world.start_operator(&[]).await;
    world.create("served", webhook_spec(1, BOT)).await;
    world.wait_ready("served").await;
    strike(&world, 2, Operation::Create, Fault::delay_after_commit(5_000));
    world.create("bot", webhook_spec(2, BOT)).await;
    eventually("Twilio made it", PATIENCE, async || (!world.alive(conversation(2)).is_empty()).then_some(()))
        .await;
    tighten(&world).await;
    assert_eq!(world.objects().get("bot").await.unwrap().status.and_then(|status| status.webhook_sid), None);

    let bot = world.wait_ready("bot").await;
    assert_eq!(sid_of(&bot), only_webhook(&world, 2).sid.to_string());
    // What breaks the new rules is served on, and goes like any other.
    world.objects().delete("served", &DeleteParams::default()).await.unwrap();
    world.wait_gone("served").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}
