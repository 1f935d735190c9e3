//! R3: what keeps a webhook from being made at all. See also `load`.

use conversation_webhook_operator::api::Provenance;
use twilio_conversations_simulator::{Fault, Operation, WebhookSeed};

use crate::support::{
    BOT, SCALED, World, assert_bears, assert_harmless, only_webhook, plant, sent, strike, wait_another_look,
    wait_sent, webhook_spec,
};

#[tokio::test]
async fn r03_an_identical_webhook_of_somebody_else_keeps_a_second_one_from_being_made() {
    let mut world = World::new().await;
    let twin = plant(&world, 1, &WebhookSeed::webhook(BOT).method("POST"));
    world.start_operator(&["--resync-interval=2s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_told("bot", "TwinExists", &[&twin, "belongs to no object"]).await;
    wait_another_look(&world, 1).await;
    assert_eq!(sent(&world, 1, Operation::Create), []);
    world.simulator.delete_webhook(twin.parse().unwrap()).unwrap();
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    assert_harmless(&world);
}

#[tokio::test]
async fn r03_a_sibling_whose_create_for_the_same_is_open_comes_first() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    world.start_operator(&[SCALED]).await;
    world.create("first", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    world.create("second", webhook_spec(1, BOT)).await;
    let first = format!("{}/first", world.namespace);
    world.wait_told("second", "CreateUnresolved", &[&first, "it waits for that"]).await;

    let object = world.wait_ready("first").await;
    let webhook = only_webhook(&world, 1);
    assert_bears(&object, &webhook, Provenance::Inferred);
    world.wait_told("second", "TwinExists", &[&first, &webhook.sid.to_string()]).await;
    assert_eq!(sent(&world, 1, Operation::Create).len(), 1);
    assert_harmless(&world);
}
