//! What only a person can tell: which webhook a create has made, and where an object lives.

use twilio_conversations_simulator::{Fault, Operation, WebhookSeed};

use super::{BOT, OFTEN, SCALED, assert_held, command, made, wait_looks};
use crate::support::{
    World, backup, conversation, journal_of, restore, strike, strip_finalizers, wait_sent, webhook_spec,
};

#[tokio::test]
async fn create_ambiguous_without_a_webhook_names_what_may_be_meant_and_the_two_answers() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    let same = WebhookSeed::webhook(BOT).method("POST").filters(["onMessageAdded"]);
    let strangers = world.simulator.create_webhook(conversation(1), &same).unwrap().to_string();

    let attempt = journal_of(&world.objects().get("bot").await.unwrap()).id;
    let ours = made(&world, 1)[0].sid.to_string();
    let (answer, none) = (command(&world, "annotate", "bot"), format!("resolve-create={attempt}=none"));
    let says = [ours.as_str(), &strangers, &conversation(1).to_string(), &answer, &none];
    assert_held(&world.wait_told("bot", "CreateAmbiguous", &says).await, "CreateAmbiguous");
    wait_looks(&world, 1, 3).await;
    let held = world.wait_told("bot", "CreateAmbiguous", &says).await;
    assert_eq!(held.status.unwrap().webhook_sid, None);
    assert_eq!(world.alive(conversation(1)).len(), 2, "neither is taken, changed or deleted");
}

/// The object's uid is in the command, so that an answer that was copied along counts for no other object.
#[tokio::test]
async fn restored_elsewhere_without_a_webhook_names_the_way_for_each_of_the_two_clusters() {
    let mut world = World::new().await;
    world.start_operator(&["--cluster-id=there"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    let manifest = backup(&world, "bot").await;
    world.kill_operator();
    world.delete("bot").await;
    strip_finalizers(&world, "bot").await;
    let object = restore(&world, &manifest).await;
    let ledger = world.simulator.ledger();
    let asked = world.simulator.journal_mark();

    world.start_operator(&[SCALED, OFTEN, "--cluster-id=here"]).await;
    let uid = object.metadata.uid.unwrap();
    let (delete, confirm) = (command(&world, "delete", "bot"), format!("confirm-restore={uid}'"));
    let says = ["restored from another cluster", &delete, &confirm];
    assert_held(&world.wait_told("bot", "RestoredElsewhere", &says).await, "RestoredElsewhere");
    world.create("neighbour", webhook_spec(2, BOT)).await;
    world.wait_ready("neighbour").await;
    wait_looks(&world, 2, 3).await;
    world.wait_told("bot", "RestoredElsewhere", &says).await;
    let about = conversation(1).to_string();
    assert!(world.simulator.journal_since(asked).iter().all(|entry| !entry.path.contains(&about)));
    assert_eq!(world.alive(conversation(1)).len(), 1);
    assert_eq!(world.simulator.ledger().ever_made(conversation(1)), ledger.ever_made(conversation(1)));
}
