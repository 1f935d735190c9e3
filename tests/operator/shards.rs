//! Three operators on one namespace, each with the objects of one label.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use kube::ResourceExt;
use serde_json::json;
use twilio_conversations_simulator::Operation;

use crate::support::{World, conversation, eventually, is_ready, webhook_spec};

const OBJECTS: u32 = 30;
const SHARDS: [&str; 3] = ["a", "b", "c"];
const PATIENCE: Duration = Duration::from_mins(1);

fn name(n: u32) -> String {
    format!("bot-{n}")
}

/// Five objects on each conversation go to one shard, as all of an account do.
fn shard_of(n: u32) -> &'static str {
    SHARDS[((n - 1) / 5) as usize % SHARDS.len()]
}

async fn label(world: &World, n: u32, shard: &str) {
    world.patch(&name(n), json!({ "metadata": { "labels": { "shard": shard } } })).await;
}

async fn wait_ready(world: &World) {
    eventually("all are Ready at their generation", PATIENCE, async || {
        let objects = join_all((1..=OBJECTS).map(|n| async move {
            let object = world.objects().get(&name(n)).await.ok()?;
            let status = object.status.as_ref()?;
            (is_ready(&object) && status.observed_generation == object.metadata.generation).then_some(())
        }));
        objects.await.into_iter().all(|ready| ready.is_some()).then_some(())
    })
    .await;
}

/// How often each object was written by the operators.
async fn writes_since(world: &World, mark: controlplane::Mark) -> BTreeMap<String, usize> {
    let mut writes = BTreeMap::new();
    for request in world.touches_since(mark).await.iter().filter(|request| request.is_write()) {
        *writes.entry(request.name.clone()).or_default() += 1;
    }
    writes
}

#[tokio::test]
async fn three_shards_serve_each_object_once_and_one_that_moves_keeps_its_webhook() {
    let world = World::new().await;
    let mark = world.mark().await;
    for n in 1..=OBJECTS {
        let url = format!("https://bots.example.com/{n}");
        let spec = webhook_spec(n.div_ceil(5), &url);
        world.create(&name(n), spec).await;
    }
    let mut operators = Vec::new();
    for shard in SHARDS {
        let selector = format!("--watch-label-selector=shard={shard}");
        operators.push(world.start_another_operator(&[&selector]).await);
    }
    for n in 1..=OBJECTS {
        label(&world, n, shard_of(n)).await;
    }
    wait_ready(&world).await;
    let creates = |world: &World| world.simulator.counters().total(Operation::Create).requests;
    assert_eq!(creates(&world), u64::from(OBJECTS));
    for n in 1..=OBJECTS.div_ceil(5) {
        assert_eq!(world.alive(conversation(n)).len(), 5, "conversation {n}");
    }
    let writes = writes_since(&world, mark).await;
    assert!(writes.values().all(|writes| *writes == 2), "journal and SID: {writes:?}");

    // The first shard is dissolved: its objects go to the others, by nothing but another label.
    let before: Vec<_> = world.simulator.ledger().records().to_vec();
    operators.remove(0).stop().await;
    let mark = world.mark().await;
    for n in (1..=OBJECTS).filter(|n| shard_of(*n) == "a") {
        label(&world, n, if n <= 5 { "b" } else { "c" }).await;
        world.patch(&name(n), json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    }
    wait_ready(&world).await;
    let records = world.simulator.ledger();
    assert_eq!(records.records().len(), before.len(), "nothing was made");
    assert_eq!(creates(&world), u64::from(OBJECTS));
    assert_eq!(world.simulator.counters().total(Operation::Delete).requests, 0);
    let writes = writes_since(&world, mark).await;
    assert_eq!(writes.len(), 10, "{writes:?}");
    assert!(writes.values().all(|writes| *writes == 1), "the new generation is said: {writes:?}");
    let moved = world.objects().get(&name(1)).await.unwrap();
    assert_eq!(moved.labels().get("shard").map(String::as_str), Some("b"));

    // Others move between two that go on working.
    let mark = world.mark().await;
    for n in (1..=OBJECTS).filter(|n| shard_of(*n) == "b") {
        label(&world, n, "c").await;
        world.patch(&name(n), json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    }
    wait_ready(&world).await;
    // Whoever lost them has looked by now what became of them: it serves an object that came after them.
    world.create("last", webhook_spec(OBJECTS + 1, "https://bots.example.com/last")).await;
    world.patch("last", json!({ "metadata": { "labels": { "shard": "b" } } })).await;
    world.wait_ready("last").await;
    assert_eq!(creates(&world), u64::from(OBJECTS) + 1);
    assert_eq!(world.simulator.counters().total(Operation::Delete).requests, 0);
    let mut writes = writes_since(&world, mark).await;
    writes.remove("last");
    assert_eq!(writes.len(), 10, "{writes:?}");
    assert!(writes.values().all(|writes| *writes == 1), "the new generation is said: {writes:?}");
    for operator in operators {
        operator.stop().await;
    }
}
