//! R9: an open attempt is resolved by evidence, in the process that wrote it and in the one that finds it.

use conversation_webhook_operator::api::{ConditionType, Provenance};
use twilio_conversations_simulator::{Entry, Fault, Garble, Operation, Silence};

use crate::support::{
    BOT, SCALED, World, assert_apart, assert_bears, assert_harmless, condition, conversation, made,
    only_webhook, ready, sent, serving_since, settling, strike, unsent, wait_event, wait_sent, webhook_spec,
    window, write_journal,
};

/// A process that found an open attempt looked at conversation 1 first when the attempt's window was over, looked
/// again when the settling time was, and only then sent a create, once.
#[track_caller]
fn assert_proof_before_create(world: &World, mark: u64) {
    let asked = world.simulator.journal_since(mark);
    let of = |operation| asked.iter().filter(move |request| request.operation == Some(operation));
    let (looks, creates): (Vec<_>, Vec<_>) = (of(Operation::List).collect(), of(Operation::Create).collect());
    let ([first, second, ..], [create]) = (&looks[..], &creates[..]) else {
        panic!("two looks and one create, not {asked:#?}");
    };
    assert_apart(serving_since(world), first.at, window());
    assert_apart(first.at, second.at, settling());
    assert!(second.seq < create.seq);
}

#[tokio::test]
async fn r09_a_webhook_whose_reply_died_with_the_process_is_recovered() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    world.kill_operator();

    // And the next one while it waits.
    world.start_operator(&[]).await;
    let waiting = world.wait_told("bot", "CreateUnresolved", &["is not known", "looked for"]).await;
    assert_eq!(ready(&waiting).unwrap().status, "Unknown");
    assert!(condition(&waiting, ConditionType::Stalled).is_none());
    world.kill_operator();

    world.start_operator(&[SCALED]).await;
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Inferred);
    wait_event(&world, "bot", "CreateRecovered").await;
    assert_eq!(sent(&world, 1, Operation::Create).len(), 1);
    assert_harmless(&world);
}

#[tokio::test]
async fn r09_a_create_that_died_with_the_process_is_sent_again_once_its_absence_is_proved() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang());
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.kill_operator();

    let mark = world.simulator.journal_mark();
    world.start_operator(&[SCALED]).await;
    world.wait_ready("bot").await;
    only_webhook(&world, 1);
    assert_proof_before_create(&world, mark);
    assert_harmless(&world);
}

#[tokio::test]
async fn r09_a_create_that_arrives_after_the_death_of_its_process_is_recovered() {
    let mut world = World::new().await;
    let late = Fault::LateCommit { after_ms: 2500, connection: Silence::Hang };
    strike(&world, 1, Operation::Create, late);
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.kill_operator();
    assert_eq!(made(&world, 1), []);

    world.start_operator(&[SCALED]).await;
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Inferred);
    assert_harmless(&world);
}

/// What a process leaves behind that dies between the journal and the request.
#[tokio::test]
async fn r09_a_journal_whose_request_was_never_sent_is_settled_by_proof() {
    let mut world = World::new().await;
    let object = world.create("bot", webhook_spec(1, BOT)).await;
    write_journal(&world, "bot", &unsent(&world, &object, conversation(1)).await).await;

    world.start_operator(&[SCALED]).await;
    world.wait_ready("bot").await;
    only_webhook(&world, 1);
    assert_proof_before_create(&world, 0);
    assert_harmless(&world);
}

#[tokio::test]
async fn r09_a_create_that_never_arrived_is_sent_again_only_after_two_lists_without_it() {
    let faults = [
        ("error", Fault::error(500, 20500)),
        ("unavailable", Fault::error(503, 20503)),
        ("reset", Fault::reset()),
        ("close", Fault::Close { commit: false }),
        ("hang", Fault::hang()),
        ("no-json", Fault::Garbled { reply: Garble::NotJson, commit: false }),
    ];
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    for (n, (name, fault)) in (1..).zip(&faults) {
        strike(&world, n, Operation::Create, fault.clone());
        world.create(name, webhook_spec(n, BOT)).await;
    }
    for (n, (name, _)) in (1..).zip(&faults) {
        wait_event(&world, name, "CreateUnresolved").await;
        world.wait_ready(name).await;
        only_webhook(&world, n);
        let [lost, again] = &sent(&world, n, Operation::Create)[..] else { panic!("{name}: sent twice") };
        let between = |list: &&Entry| lost.seq < list.seq && list.seq < again.seq;
        let lists = sent(&world, n, Operation::List);
        let looks: Vec<&Entry> = lists.iter().filter(between).collect();
        let [first, .., latest] = &looks[..] else { panic!("{name}: two lists between, not {looks:#?}") };
        assert_apart(lost.at, first.at, settling());
        assert_apart(first.at, latest.at, settling());
    }
    assert_harmless(&world);
}
