//! What each operation costs: exact numbers, from the API server's audit log and the simulator's journal.

use std::time::Duration;

use serde_json::json;
use twilio_conversations_simulator::Operation;

use crate::support::{World, conversation, eventually, webhook_spec};

/// Requests to the simulator since `mark`, as operations.
fn asked(world: &World, mark: u64) -> Vec<Operation> {
    world.simulator.journal_since(mark).into_iter().filter_map(|entry| entry.operation).collect()
}

#[tokio::test]
async fn create_update_and_delete_cost_what_the_budget_says() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;

    let (kube, twilio) = (world.mark().await, world.simulator.journal_mark());
    world.create("bot", webhook_spec(1, "https://bots.example.com/a")).await;
    world.wait_ready("bot").await;
    let touches = world.touches_since(kube).await;
    assert_eq!(touches.count("patch", "conversationwebhooks"), 1, "{:?}", touches.counts());
    assert_eq!(touches.count("patch", "conversationwebhooks/status"), 1, "{:?}", touches.counts());
    assert_eq!(touches.len(), 2);
    // The proof of the account is counted apart: once per version of the Secret.
    assert_eq!(asked(&world, twilio), [Operation::ConfigurationFetch, Operation::List, Operation::Create]);

    let (kube, twilio) = (world.mark().await, world.simulator.journal_mark());
    world.patch("bot", json!({ "spec": { "configuration": { "url": "https://bots.example.com/b" } } })).await;
    world.wait_ready("bot").await;
    let touches = world.touches_since(kube).await;
    assert_eq!(touches.count("patch", "conversationwebhooks/status"), 1, "{:?}", touches.counts());
    assert_eq!(touches.len(), 1);
    assert_eq!(asked(&world, twilio), [Operation::Update]);

    let (kube, twilio) = (world.mark().await, world.simulator.journal_mark());
    world.delete("bot").await;
    world.wait_gone("bot").await;
    let touches = world.touches_since(kube).await;
    assert_eq!(touches.count("patch", "conversationwebhooks"), 1, "{:?}", touches.counts());
    assert_eq!(touches.len(), 1);
    assert_eq!(asked(&world, twilio), [Operation::Delete]);
}

#[tokio::test]
async fn five_objects_on_one_conversation_share_the_list_of_a_check_and_write_nothing() {
    let mut world = World::new().await;
    world.start_operator(&["--resync-interval=5s"]).await;
    for n in 0..5 {
        world.create(&format!("bot-{n}"), webhook_spec(1, &format!("https://bots.example.com/{n}"))).await;
    }
    for n in 0..5 {
        world.wait_ready(&format!("bot-{n}")).await;
    }
    let kube = world.mark().await;
    let list = |world: &World| world.simulator.counters().total(Operation::List).requests;
    let first = list(&world);
    // Three checks, seen from the first list of one to the first list of the fourth.
    eventually("the first check", Duration::from_secs(20), async || (list(&world) > first).then_some(()))
        .await;
    let twilio = world.simulator.journal_mark();
    let started = list(&world);
    eventually("three more checks", Duration::from_secs(40), async || {
        (list(&world) >= started + 3).then_some(())
    })
    .await;
    // All five objects had their check each time, or the list would not have been shared but skipped.
    let passes = world.operator.as_ref().unwrap().admin("/metrics").await;
    let available: u64 = passes
        .lines()
        .find_map(|line| line.strip_prefix("cwo_passes_total{outcome=\"Available\"} "))
        .and_then(|count| count.parse().ok())
        .unwrap();
    assert!(available >= 5 + 3 * 5, "{passes}");
    assert!(asked(&world, twilio).iter().all(|operation| *operation == Operation::List));
    assert_eq!(asked(&world, twilio).len(), 3);
    assert_eq!(world.writes_since(kube).await.len(), 0);
}

#[tokio::test]
async fn a_restart_with_nothing_changed_writes_nothing_and_asks_twilio_nothing() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    for n in 1..=6 {
        world.create(&format!("bot-{n}"), webhook_spec(n, "https://bots.example.com/a")).await;
    }
    for n in 1..=6 {
        world.wait_ready(&format!("bot-{n}")).await;
    }
    world.stop_operator().await;
    let (kube, twilio) = (world.mark().await, world.simulator.journal_mark());
    world.start_operator(&["--resync-interval=24h"]).await;
    // An object made afterwards is served: by then the others have been looked at.
    world.create("last", webhook_spec(9, "https://bots.example.com/a")).await;
    world.wait_ready("last").await;
    let writes = world.writes_since(kube).await;
    assert!(writes.iter().all(|request| request.name == "last"), "{writes:?}");
    let others = world.simulator.journal_since(twilio);
    let theirs: Vec<_> = others
        .iter()
        .filter(|entry| (1..=6).any(|n| entry.path.contains(&conversation(n).to_string())))
        .collect();
    assert_eq!(theirs, Vec::<&twilio_conversations_simulator::Entry>::new());
}
