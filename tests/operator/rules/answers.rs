//! R12: a person says what a create made whose reply was lost.

use conversation_webhook_operator::api::{ConditionType, Provenance, RESOLVE_ANNOTATION};
use twilio_conversations_simulator::{Fault, Operation, WebhookSeed};

use crate::support::{
    BOT, SCALED, World, annotate, ask, assert_apart, assert_bears, condition, conversation, journal_of, made,
    only_webhook, plant, ready, sent, settling, sid_of, strike, unsent, wait_event_saying, wait_sent,
    webhook_spec, write_journal,
};

fn seed(url: &str) -> WebhookSeed {
    WebhookSeed::webhook(url).method("POST").filters(["onMessageAdded"])
}

/// An object whose lost create made a webhook, while a stranger made the very same: ours, the stranger's, and the id of
/// the attempt.
async fn ambiguous(world: &mut World) -> (String, String, String) {
    strike(world, 1, Operation::Create, Fault::hang_after_commit());
    world.start_operator(&[SCALED, "--resync-interval=1s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(world, 1, Operation::Create, |request| request.committed).await;
    let strangers = plant(world, 1, &seed(BOT));
    let ours = only_webhook(world, 1).sid.to_string();
    let attempt = journal_of(&world.objects().get("bot").await.unwrap()).id;
    (ours, strangers, attempt)
}

#[tokio::test]
async fn r12_a_person_names_the_webhook_that_a_lost_create_made() {
    let mut world = World::new().await;
    let (ours, strangers, attempt) = ambiguous(&mut world).await;
    let command = format!("annotate cw bot --overwrite {RESOLVE_ANNOTATION}={attempt}=");
    let none = format!("{RESOLVE_ANNOTATION}={attempt}=none");
    let says = [ours.as_str(), &strangers, &command, &none];
    let held = world.wait_told("bot", "CreateAmbiguous", &says).await;
    assert_eq!(ready(&held).unwrap().status, "False");
    assert_eq!(condition(&held, ConditionType::Stalled).unwrap().status, "True");

    // Words about another attempt, about what is not there, and no words at all.
    let missing = format!("{attempt}=WH00000000000000000000000000000099");
    let stale = format!("6b1f5c0e-2d0a-4d7e-9c39-0a5f1f5e7a11={ours}");
    for void in [&stale, &missing, &attempt, &format!("{attempt}=perhaps")] {
        annotate(&world, "bot", RESOLVE_ANNOTATION, void).await;
        ask(&world, "bot").await;
        let held = world.wait_told("bot", "CreateAmbiguous", &says).await;
        assert_eq!(held.status.unwrap().webhook_sid, None, "{void}");
    }

    annotate(&world, "bot", RESOLVE_ANNOTATION, &format!("{attempt}={ours}")).await;
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Adopted);
    wait_event_saying(&world, "bot", "Adopted", &[&ours, "left as they are", &strangers]).await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    let alive = world.alive(conversation(1));
    assert_eq!((alive.len(), alive[0].sid.to_string()), (1, strangers));
    assert_eq!(sent(&world, 1, Operation::Create).len(), 1);
}

#[tokio::test]
async fn r12_a_person_says_that_a_lost_create_made_nothing() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang());
    world.start_operator(&[SCALED, "--resync-interval=1s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    let stranger = plant(&world, 1, &seed("https://elsewhere.example.com/"));
    world.wait_told("bot", "CreateAmbiguous", &[&stranger]).await;
    let attempt = journal_of(&world.objects().get("bot").await.unwrap()).id;
    assert_eq!(made(&world, 1), []);

    annotate(&world, "bot", RESOLVE_ANNOTATION, &format!("{attempt}=none")).await;
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    wait_event_saying(&world, "bot", "CreateResolved", &[&attempt, "made nothing", &stranger]).await;
    let alive = world.alive(conversation(1));
    assert!(alive.iter().any(|webhook| webhook.sid.to_string() == stranger && webhook.edits.is_empty()));
}

#[tokio::test]
async fn r12_an_answer_counts_once_the_window_is_over() {
    let mut world = World::new().await;
    let (ours, _, attempt) = ambiguous(&mut world).await;
    annotate(&world, "bot", RESOLVE_ANNOTATION, &format!("{attempt}={ours}")).await;
    let waiting = world.wait_reason("bot", "CreateUnresolved").await;
    assert_eq!(waiting.status.unwrap().webhook_sid, None);
    let object = world.wait_ready("bot").await;
    assert_eq!(sid_of(&object), ours);
    let create = &sent(&world, 1, Operation::Create)[0];
    let looks = sent(&world, 1, Operation::List);
    let look = looks.iter().find(|look| look.seq > create.seq).unwrap();
    assert_apart(create.at, look.at, settling());
}

#[tokio::test]
async fn r12_a_webhook_of_another_object_is_no_answer() {
    let mut world = World::new().await;
    let (ours, _, attempt) = ambiguous(&mut world).await;
    world.wait_reason("bot", "CreateAmbiguous").await;
    world.create("other", webhook_spec(1, "https://bots.example.com/other")).await;
    let others = sid_of(&world.wait_ready("other").await);
    annotate(&world, "bot", RESOLVE_ANNOTATION, &format!("{attempt}={others}")).await;
    let owner = format!("{}/other", world.namespace);
    world.wait_told("bot", "AlreadyClaimed", &[&others, &owner]).await;
    annotate(&world, "bot", RESOLVE_ANNOTATION, &format!("{attempt}={ours}")).await;
    assert_eq!(sid_of(&world.wait_ready("bot").await), ours);
    assert_eq!(sid_of(&world.objects().get("other").await.unwrap()), others);
}

/// Two processes may each have sent a create for one of two objects that ask for the same.
#[tokio::test]
async fn r12_two_identical_siblings_and_one_newcomer_wait_for_a_person() {
    let mut world = World::new().await;
    let mut attempts = Vec::new();
    for name in ["one", "other"] {
        let object = world.create(name, webhook_spec(1, BOT)).await;
        let journal = unsent(&world, &object, conversation(1)).await;
        write_journal(&world, name, &journal).await;
        attempts.push(journal.id);
    }
    let newcomer = plant(&world, 1, &seed(BOT));
    world.start_operator(&[SCALED, "--resync-interval=1s"]).await;
    for (name, sibling) in [("one", "other"), ("other", "one")] {
        let sibling = format!("{}/{sibling}", world.namespace);
        let says = [sibling.as_str(), RESOLVE_ANNOTATION];
        world.wait_told(name, "CreateUnresolved", &says).await;
        ask(&world, name).await;
        world.wait_told(name, "CreateUnresolved", &says).await;
    }
    assert_eq!(sent(&world, 1, Operation::Create), []);

    annotate(&world, "one", RESOLVE_ANNOTATION, &format!("{}={newcomer}", attempts[0])).await;
    assert_eq!(sid_of(&world.wait_ready("one").await), newcomer);
    let owner = format!("{}/one", world.namespace);
    world.wait_told("other", "TwinExists", &[&newcomer, &owner]).await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
}
