//! R15 and R16: objects that are deleted while nobody knows whether their webhook was made.

use serde_json::json;
use twilio_conversations_simulator::{Fault, KeySeed, Operation};

use crate::support::{
    ACCOUNT, BOT, SCALED, World, assert_apart, assert_harmless, conversation, made, sent, settling, strike,
    wait_sent, webhook_spec,
};

#[tokio::test]
async fn r15_an_object_deleted_meanwhile_goes_once_its_webhook_is_deleted_or_known_to_stay() {
    // Whether the lost create was carried out, the policy, and how many webhooks stay.
    let cases = [
        ("delete-made", Fault::hang_after_commit(), "Delete", 0),
        ("delete-lost", Fault::hang(), "Delete", 0),
        ("retain-made", Fault::hang_after_commit(), "Retain", 1),
        ("retain-lost", Fault::hang(), "Retain", 0),
    ];
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    for (n, (name, fault, policy, _)) in (1..).zip(&cases) {
        strike(&world, n, Operation::Create, fault.clone());
        let mut spec = webhook_spec(n, BOT);
        spec["deletionPolicy"] = json!(policy);
        world.create(name, spec).await;
        wait_sent(&world, n, Operation::Create, |_| true).await;
        world.delete(name).await;
    }
    for (n, (name, fault, _, stay)) in (1..).zip(&cases) {
        world.wait_gone(name).await;
        assert_eq!(world.alive(conversation(n)).len(), *stay, "{name}");
        let was_made = usize::from(*fault == Fault::hang_after_commit());
        assert_eq!(made(&world, n).len(), was_made, "{name}");
        let [lost] = &sent(&world, n, Operation::Create)[..] else { panic!("{name}: sent once") };
        assert!(sent(&world, n, Operation::List).iter().any(|list| list.seq > lost.seq), "{name}: looked");
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn r16_a_lost_create_left_nothing_where_its_conversation_is_gone() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    world.start_operator(&[SCALED]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    world.simulator.delete_conversation(conversation(1)).unwrap();
    world.delete("bot").await;
    world.wait_gone("bot").await;
    let [create] = &sent(&world, 1, Operation::Create)[..] else { panic!("sent once") };
    let looks = sent(&world, 1, Operation::List);
    let looks: Vec<_> = looks.iter().filter(|look| look.seq > create.seq).collect();
    let [first, .., last] = &looks[..] else { panic!("two looks, not {looks:#?}") };
    assert!(looks.iter().all(|look| look.status == Some(404)), "{looks:#?}");
    assert_apart(create.at, first.at, settling());
    assert_apart(first.at, last.at, settling());
    assert_eq!(sent(&world, 1, Operation::Delete), []);
}

#[tokio::test]
async fn r16_a_404_lets_nothing_go_before_the_account_is_proved() {
    use Operation::{ConversationFetch, Create, Delete, List, Update};
    let mut world = World::new().await;
    // It may not ask for its account.
    let key = KeySeed::new("SK00000000000000000000000000000001".parse().unwrap(), "canary-api-secret")
        .restricted_to([ConversationFetch, List, Create, Update, Delete]);
    world.simulator.add_key(ACCOUNT.parse().unwrap(), &key).unwrap();
    let login = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_API_KEY", "SK00000000000000000000000000000001"),
        ("TWILIO_API_SECRET", "canary-api-secret"),
    ];
    world.secret("twilio-credentials", &login).await;
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    world.kill_operator();
    world.simulator.delete_conversation(conversation(1)).unwrap();
    world.start_operator(&[SCALED]).await;
    world.delete("bot").await;
    let says = ["fetch_configuration", "abandon"];
    world.wait_told("bot", "DeletionBlocked", &says).await;
    // Another object's conversation proves the account.
    world.create("neighbour", webhook_spec(2, BOT)).await;
    world.wait_ready("neighbour").await;
    world.wait_gone("bot").await;
}
