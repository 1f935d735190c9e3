//! Processes that are killed or stopped in the middle of their work. What follows from a lost reply is in `rules`.
//!
//! A process is killed with the real windows, so that it never gives up by itself first; where a test waits for a
//! window to pass, the operator runs with the scaled ones.

use conversation_webhook_operator::api::Provenance;
use twilio_conversations_simulator::{Entry, Fault, FaultRule, Operation, WebhookSeed};

use crate::support::{
    BOT, PATIENCE, SCALED, World, assert_bears, assert_harmless, conversation, eventually, made,
    only_webhook, plant, ready, sids, strike, wait_sent, webhook_spec,
};

#[tokio::test]
async fn kills_in_a_burst_of_creates_leave_one_webhook_for_each_object() {
    const OBJECTS: u32 = 12;
    let mut world = World::new().await;
    // Long enough for a kill to fall between a create and its reply.
    world.simulator.add_fault(FaultRule::new(Fault::delay_after_commit(150)).on(Operation::Create));
    for n in 1..=OBJECTS {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for made_by_then in [1, 5, 9] {
        world.start_operator(&[SCALED]).await;
        eventually("some more webhooks", PATIENCE, async || {
            (world.simulator.ledger().records().len() >= made_by_then).then_some(())
        })
        .await;
        world.kill_operator();
    }
    world.start_operator(&[SCALED]).await;
    for n in 1..=OBJECTS {
        let object = world.wait_ready(&format!("bot-{n}")).await;
        let sid = only_webhook(&world, n).sid.to_string();
        assert_eq!(object.status.unwrap().webhook_sid.unwrap().as_str(), sid);
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn a_delete_whose_reply_died_with_the_process_is_finished_and_nothing_else_is_touched() {
    let mut world = World::new().await;
    let foreign = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/"));
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    strike(&world, 1, Operation::Delete, Fault::hang_after_commit());
    world.delete("bot").await;
    wait_sent(&world, 1, Operation::Delete, |request| request.committed).await;
    world.kill_operator();

    world.start_operator(&[]).await;
    world.wait_gone("bot").await;
    assert_eq!(sids(&world.alive(conversation(1))), [foreign]);
    assert_eq!(made(&world, 1).len(), 1);
    assert_harmless(&world);
}

#[tokio::test]
async fn a_stop_finishes_and_records_the_create_under_way() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::delay_before_commit(1500));
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.stop_operator().await;
    let object = world.objects().get("bot").await.unwrap();
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    assert_eq!(ready(&object).unwrap().status, "True");

    // Nothing is left to find out. Once an object made afterwards is served, this one has been looked at.
    let mark = world.simulator.journal_mark();
    world.start_operator(&["--resync-interval=24h"]).await;
    world.create("last", webhook_spec(2, BOT)).await;
    world.wait_ready("last").await;
    let path = conversation(1).to_string();
    let asked: Vec<Entry> = world.simulator.journal_since(mark);
    assert!(asked.iter().all(|request| !request.path.contains(&path)), "{asked:#?}");
    assert_harmless(&world);
}
