//! What the flags of `run` change for users.

use std::time::Duration;

use conversation_webhook_operator::api::{ATTEMPT_ANNOTATION, FINALIZER};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::support::{ACCOUNT, AUTH_TOKEN, World, conversation, eventually, webhook_spec};

const BOT: &str = "https://bots.example.com/a";

#[tokio::test]
async fn without_namespace_all_are_served_and_an_empty_cluster_is_ready() {
    let mut world = World::on_own_plane().await;
    // Readiness does not wait for a first object.
    world.start_operator_for_all_namespaces().await;
    let first = world.namespace.clone();
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;

    let other = json!({ "metadata": { "name": "another-tenant" } });
    let other: Namespace = serde_json::from_value(other).unwrap();
    Api::all(world.kube.clone()).create(&PostParams::default(), &other).await.unwrap();
    world.namespace = other.name_any();
    let login = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)];
    world.secret("twilio-credentials", &login).await;
    world.create("bot", webhook_spec(2, BOT)).await;
    world.wait_ready("bot").await;
    assert_ne!(first, world.namespace);
    assert_eq!((world.alive(conversation(1)).len(), world.alive(conversation(2)).len()), (1, 1));
}

#[tokio::test]
async fn with_a_label_selector_other_objects_are_left_alone() {
    let mut world = World::new().await;
    world.start_operator(&["--watch-label-selector=shard=a"]).await;
    world.create("other", webhook_spec(1, BOT)).await;
    world.create("ours", webhook_spec(2, BOT)).await;
    world.patch("ours", json!({ "metadata": { "labels": { "shard": "a" } } })).await;
    world.wait_ready("ours").await;
    let other = world.objects().get("other").await.unwrap();
    assert_eq!(other.finalizers(), [] as [String; 0]);
    assert_eq!(world.ever_made(conversation(1)), []);
    // It is served as soon as it has the label.
    world.patch("other", json!({ "metadata": { "labels": { "shard": "a" } } })).await;
    world.wait_ready("other").await;
}

#[tokio::test]
async fn a_secret_is_read_again_when_its_time_to_live_is_over() {
    let mut world = World::new().await;
    world.start_operator(&["--credentials-ttl=1s", "--resync-interval=2s"]).await;
    let mark = world.mark().await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    eventually("the Secret is read for three checks", Duration::from_secs(30), async || {
        let requests = world.requests_since(mark).await;
        let reads = requests.filter(|request| {
            request.resource == "secrets" && request.namespace == world.namespace && request.verb == "get"
        });
        (reads.len() >= 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_object_of_another_cluster_is_held_and_goes_without_a_call() {
    let mut world = World::new().await;
    world.start_operator(&["--cluster-id=there"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let made = world.wait_ready("bot").await;
    let journal: Value = serde_json::from_str(&made.annotations()[ATTEMPT_ANNOTATION]).unwrap();
    assert_eq!(journal["cluster"], "there");
    world.stop_operator().await;

    // What a restore into this cluster brings: the manifest with its annotations, and no status.
    let restored = json!({
        "metadata": { "annotations": made.annotations(), "labels": made.labels(), "finalizers": [FINALIZER] },
    });
    world.create("restored", webhook_spec(1, BOT)).await;
    world.patch("restored", restored).await;
    let mark = world.simulator.journal_mark();
    world.start_operator(&["--cluster-id=here", "--resync-interval=24h"]).await;
    world.wait_told("restored", "RestoredElsewhere", &["another cluster", "nothing is done here"]).await;
    world.delete("restored").await;
    world.wait_gone("restored").await;
    assert_eq!(world.simulator.journal_since(mark), []);
    assert_eq!(world.alive(conversation(1)).len(), 1);
}

#[tokio::test]
async fn logs_are_lines_of_json_or_text_without_colours() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let json = world.operator.as_ref().unwrap().log();
    world.stop_operator().await;
    for line in json.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    world.start_operator(&["--log-format=text"]).await;
    let text = world.operator.as_ref().unwrap().log();
    assert!(text.contains("serving objects"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_err()), "{text}");
}
