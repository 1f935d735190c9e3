//! Switches of how much Twilio takes at once. Nothing is lost and nothing is made twice.

use twilio_conversations_simulator::{Operation, Settings};

use super::life;
use crate::support::{BOT, World, assert_harmless, only_webhook, webhook_spec};

const OBJECTS: u32 = 30;

/// Many objects, each on a conversation of its own, come and go.
async fn come_and_go(world: &World) {
    for n in 1..=OBJECTS {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for n in 1..=OBJECTS {
        world.wait_ready(&format!("bot-{n}")).await;
        only_webhook(world, n);
    }
    for n in 1..=OBJECTS {
        world.delete(&format!("bot-{n}")).await;
    }
    for n in 1..=OBJECTS {
        world.wait_gone(&format!("bot-{n}")).await;
    }
    assert_harmless(world);
    let left = world.simulator.ledger();
    assert!(left.records().iter().all(|record| !record.alive()));
}

#[tokio::test]
async fn switch_max_concurrent_one_is_kept_to() {
    let world = life::world(Settings { max_concurrent: Some(1), ..Settings::default() }).await;
    // Requests that take no time never meet.
    let slow = twilio_conversations_simulator::Fault::delay_before_commit(20);
    world.simulator.add_fault(twilio_conversations_simulator::FaultRule::new(slow));
    come_and_go(&world).await;
    let creates = world.simulator.counters().total(Operation::Create);
    assert_eq!(creates.committed, u64::from(OBJECTS));
}

#[tokio::test]
async fn switch_max_changes_per_second_one_delays_and_loses_nothing() {
    let world = life::world(Settings { max_changes_per_second: Some(1), ..Settings::default() }).await;
    come_and_go(&world).await;
    for n in 0..3 {
        let spec = webhook_spec(40, &format!("https://bots.example.com/{n}"));
        world.create(&format!("sibling-{n}"), spec).await;
    }
    for n in 0..3 {
        world.wait_ready(&format!("sibling-{n}")).await;
    }
    let creates = world.simulator.counters().total(Operation::Create);
    assert!(creates.answered(429) > 0, "{creates:?}");
    assert_eq!(creates.committed, u64::from(OBJECTS) + 3);
    assert_harmless(&world);
}
