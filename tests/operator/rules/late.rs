//! R13 and R14: webhooks that turn up late, or again.

use std::time::Duration;

use conversation_webhook_operator::api::{ATTEMPT_ANNOTATION, Provenance, RECONCILE_ANNOTATION};
use serde_json::json;
use twilio_conversations_simulator::{Fault, FaultRule, Operation, WebhookSeed};

use crate::support::{
    BOT, SCALED, World, annotate, ask, assert_apart, assert_bears, assert_harmless, conversation, eventually,
    journal_of, made, plant, sent, settling, sid_of, sids, strike, unsent, wait_event_saying, wait_sent,
    webhook_spec,
};

#[tokio::test]
async fn r13_a_late_twin_of_an_earlier_configuration_is_recognised_after_an_edit() {
    let mut world = World::new().await;
    // The first create is carried out long after its window, the second one refused until that has happened.
    strike(&world, 1, Operation::Create, Fault::late_commit(8000));
    strike(&world, 1, Operation::Create, Fault::retry_after(10));
    world.start_operator(&[SCALED, "--resync-interval=1s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    let edit = json!({ "spec": { "configuration": { "url": "https://bots.example.com/new" } } });
    world.patch("bot", edit).await;
    eventually("the second create is refused", Duration::from_secs(30), async || {
        (sent(&world, 1, Operation::Create).len() == 2).then_some(())
    })
    .await;
    assert_eq!(made(&world, 1), [], "the first one is not there yet");
    let journal = journal_of(&world.objects().get("bot").await.unwrap());
    assert_eq!(journal.past_configs.len(), 1);

    let late = eventually("the first one is carried out", Duration::from_secs(30), async || {
        made(&world, 1).first().map(|webhook| webhook.sid)
    })
    .await;
    world.wait_told("bot", "TwinExists", &[&late.to_string(), "belongs to no object"]).await;
    assert_eq!(sent(&world, 1, Operation::Create).len(), 2);
    world.simulator.delete_webhook(late).unwrap();
    world.wait_ready("bot").await;
    let alive = world.alive(conversation(1));
    assert_eq!(alive[0].configuration.url(), Some("https://bots.example.com/new"));
    assert_eq!(alive.len(), 1);
}

#[tokio::test]
async fn r14_a_webhook_that_disappeared_is_made_again_and_deleted_should_it_come_back() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, "--resync-interval=24h"]).await;
    let mut spec = webhook_spec(1, BOT);
    spec["configuration"]["replayAfter"] = json!(3);
    world.create("bot", spec).await;
    let old = sid_of(&world.wait_ready("bot").await);

    // Lists that lag by an hour do not show it.
    let lagging = FaultRule::new(Fault::stale_list(3_600_000)).on(Operation::List);
    let lagging = world.simulator.add_fault(lagging.conversation(conversation(1)));
    let mark = world.simulator.journal_mark();
    annotate(&world, "bot", RECONCILE_ANNOTATION, "look").await;
    let object = world
        .wait("bot", "made again", |object| {
            let sid = object.status.as_ref().and_then(|status| status.webhook_sid.as_ref());
            sid.is_some_and(|sid| sid.as_str() != old)
        })
        .await;
    let new = sid_of(&object);
    let status = object.status.as_ref().unwrap();
    let lost: Vec<&str> = status.lost_sids.iter().map(AsRef::as_ref).collect();
    assert_eq!(lost, [old.as_str()]);
    assert_eq!((status.provenance, status.repaired_at.len()), (Some(Provenance::Created), 1));
    wait_event_saying(&world, "bot", "Recreated", &[&new]).await;
    let since = world.simulator.journal_since(mark);
    let looks: Vec<_> = since.iter().filter(|entry| entry.operation == Some(Operation::List)).collect();
    let again = since.iter().find(|entry| entry.operation == Some(Operation::Create)).unwrap();
    let [first, second, ..] = &looks[..] else { panic!("two looks, not {looks:#?}") };
    assert_apart(first.at, second.at, settling());
    assert!(second.seq < again.seq);
    let replays: Vec<_> = sent(&world, 1, Operation::Create)
        .iter()
        .map(|create| create.param("Configuration.ReplayAfter").map(str::to_owned))
        .collect();
    assert_eq!(replays, [Some("3".to_owned()), None], "history is sent once");

    world.simulator.remove_fault(lagging).unwrap();
    ask(&world, "bot").await;
    assert_eq!(sids(&world.alive(conversation(1))), [new]);
    wait_event_saying(&world, "bot", "DeletedAgain", &[&old]).await;
    let webhook = world.alive(conversation(1)).remove(0);
    assert_bears(&world.wait_ready("bot").await, &webhook, Provenance::Created);
    assert_harmless(&world);
}

/// With the webhook goes what kept an old journal from counting. It is settled in the same write: what a stranger made
/// since is not what it made.
#[tokio::test]
async fn r14_an_old_journal_put_back_does_not_count_once_the_webhook_is_gone() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, "--resync-interval=1s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let object = world.wait_ready("bot").await;
    let old = unsent(&world, &object, conversation(1)).await;
    annotate(&world, "bot", ATTEMPT_ANNOTATION, &old.to_annotation().unwrap()).await;
    let stranger = plant(&world, 1, &WebhookSeed::webhook(BOT));
    ask(&world, "bot").await;
    assert_eq!(sid_of(&world.objects().get("bot").await.unwrap()), sid_of(&object));

    world.simulator.delete_webhook(sid_of(&object).parse().unwrap()).unwrap();
    let held = world.wait_told("bot", "TwinExists", &[&stranger, "belongs to no object"]).await;
    let status = held.status.unwrap();
    assert_eq!(status.webhook_sid, None);
    assert_eq!(status.settled_attempt.as_ref(), Some(&old.id));
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(sids(&world.alive(conversation(1))), [stranger]);
    assert_harmless(&world);
}
