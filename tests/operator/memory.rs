//! Memory is bounded by what is stored: objects as large as the API server takes them, and the operator's resident set.
//!
//! `make test` looks at 500 objects, `make memory` at 10,000. The figure is in docs/security.md.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::support::{World, eventually};

/// How many objects: for `make memory`.
const OBJECTS: &str = "MEMORY_OBJECTS";
/// What a process needs whatever it serves: arenas of the allocator, connections, buffers of the first list.
const SLACK: u64 = 24 * 1024 * 1024;
/// Bytes in memory for a byte of an object as JSON.
const FACTOR: u64 = 2;
/// For an object beside its own bytes: what is remembered of it, its place in queues.
const PER_OBJECT: u64 = 1024;

/// The largest spec that there is: a keyword trigger, in letters of four bytes where any letter will do.
fn largest(n: u32) -> Value {
    let letters = |count: usize| "\u{1f3ba}".repeat(count);
    let address = format!("https://bots.example.com/{n}/");
    let triggers: Vec<String> = (0..5).map(|keyword| format!("{keyword}{}", letters(247))).collect();
    json!({
        "conversationUniqueName": format!("{n:06}{}", letters(250)),
        "chatServiceSid": format!("IS{n:032x}"),
        "target": "trigger",
        "configuration": {
            "url": format!("{address}{}", "a".repeat(512 - address.len())),
            "method": "POST", "triggers": triggers, "replayAfter": i32::MAX,
        },
        "credentialsSecretRef": { "name": "s".repeat(253) },
        "deletionPolicy": "Retain", "adoptionPolicy": "IfIdentical", "recreatePolicy": "Recreate",
        "webhookSid": format!("WH{n:032x}"), "mode": "Suspended", "resyncInterval": "24h",
    })
}

#[tokio::test]
async fn memory_is_bounded_by_what_is_stored() {
    let many: u32 = std::env::var(OBJECTS).map_or(500, |many| many.parse().unwrap());
    let mut world = World::on_own_plane().await;
    // As it runs in a cluster: a test's trace of every step would be a log of gigabytes. The first line tells where it listens.
    world.start_operator(&["--log-level=info"]).await;
    let empty = world.operator.as_ref().unwrap().resident();

    let objects = world.objects();
    stream::iter(0..many)
        .map(async |n| {
            let object = serde_json::from_value(json!({
                "apiVersion": "conversations.twilio-operator.dev/v1alpha1", "kind": "ConversationWebhook",
                "metadata": { "name": format!("bot-{n}") }, "spec": largest(n),
            }));
            objects.create(&PostParams::default(), &object.unwrap()).await.map(drop)
        })
        .buffer_unordered(16)
        .try_collect::<()>()
        .await
        .unwrap();
    let served = format!("reason=\"Suspended\"}} {many}");
    eventually("all of them are served", Duration::from_mins(30), async || {
        let metrics = world.operator.as_ref().unwrap().admin("/metrics").await;
        metrics.lines().any(|line| line.starts_with("cwo_objects") && line.ends_with(&served)).then_some(())
    })
    .await;
    let grown = world.operator.as_ref().unwrap().resident();
    // A new process gets them all in one list.
    world.stop_operator().await;
    world.start_operator(&["--log-level=info"]).await;
    eventually("all of them are listed", Duration::from_mins(30), async || {
        let metrics = world.operator.as_ref().unwrap().admin("/metrics").await;
        metrics.lines().any(|line| line.starts_with("cwo_objects") && line.ends_with(&served)).then_some(())
    })
    .await;
    let restarted = world.operator.as_ref().unwrap().resident();

    let bytes = serde_json::to_vec(&objects.get("bot-0").await.unwrap()).unwrap().len() as u64;
    let bound = empty + SLACK + u64::from(many) * (bytes * FACTOR + PER_OBJECT);
    let mib = |bytes: u64| bytes / (1024 * 1024);
    println!(
        "{many} objects of {bytes} bytes: {} MiB empty, {} MiB grown, {} MiB after a restart; bound {} MiB",
        mib(empty),
        mib(grown),
        mib(restarted),
        mib(bound)
    );
    assert!(grown <= bound && restarted <= bound, "{grown} and {restarted} bytes, more than {bound}");
    assert_eq!(world.simulator.counters().writes(), 0);
}
