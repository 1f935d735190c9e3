//! R6: what a reply to a create says, and what follows.

use std::time::Duration;

use conversation_webhook_operator::api::{ConditionType, Provenance};
use twilio_conversations_simulator::{Fault, Garble, Operation, Silence};

use crate::support::{
    BOT, Line, SCALED, World, assert_apart, assert_bears, assert_harmless, condition, made, only_webhook,
    ready, sent, strike, wait_event, webhook_spec,
};

#[tokio::test]
async fn r06_a_webhook_is_found_whatever_became_of_the_reply_to_its_create() {
    let faults = [
        ("error", Fault::error_after_commit(500)),
        ("reset", Fault::reset_after_commit()),
        ("close", Fault::Close { commit: true }),
        ("hang", Fault::hang_after_commit()),
        ("truncated", Fault::garbled(Garble::Truncated)),
        ("no-json", Fault::garbled(Garble::NotJson)),
        ("late-after-reset", Fault::late_commit(1000)),
        ("late-in-silence", Fault::LateCommit { after_ms: 1000, connection: Silence::Hang }),
    ];
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    for (n, (name, fault)) in (1..).zip(&faults) {
        strike(&world, n, Operation::Create, fault.clone());
        world.create(name, webhook_spec(n, BOT)).await;
    }
    for (n, (name, _)) in (1..).zip(&faults) {
        let object = world.wait_ready(name).await;
        assert_bears(&object, &only_webhook(&world, n), Provenance::Inferred);
        assert_eq!(sent(&world, n, Operation::Create).len(), 1, "{name}");
        for reason in ["CreateUnresolved", "CreateRecovered"] {
            wait_event(&world, name, reason).await;
        }
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn r06_a_create_refused_for_its_rate_is_settled_at_once_and_sent_again_when_twilio_says() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::retry_after(2));
    // With the real windows: waiting for one would take longer than this test may.
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let limited = world.wait_told("bot", "RateLimited", &["limits the account's requests"]).await;
    assert_eq!(ready(&limited).unwrap().status, "False");
    assert!(condition(&limited, ConditionType::Stalled).is_none());
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    let [refused, again] = &sent(&world, 1, Operation::Create)[..] else { panic!("sent twice") };
    assert_apart(refused.at, again.at, Duration::from_secs(2));
    assert_harmless(&world);
}

#[tokio::test]
async fn r06_a_create_refused_because_the_conversation_is_full_says_so_and_waits_for_a_slot() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::error(400, 50361));
    world.start_operator(&["--resync-interval=2s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let full = world.wait_told("bot", "ConversationFull", &["holds 5 webhooks", "50361", "remove one"]).await;
    assert_eq!(condition(&full, ConditionType::Stalled).unwrap().status, "True");
    assert_eq!(full.status.unwrap().last_error.unwrap().code, Some(50361));
    assert_eq!(made(&world, 1), []);
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    assert_harmless(&world);
}

#[tokio::test]
async fn r06_an_object_says_that_twilio_cannot_be_reached_and_heals_when_it_can() {
    let mut world = World::new().await;
    let line = Line::to(world.simulator.address());
    world.start_operator(&[&format!("--twilio-base-url={}", line.url())]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let cut_off = world.wait_told("bot", "TwilioUnavailable", &["did not answer", "tried again"]).await;
    assert!(condition(&cut_off, ConditionType::Stalled).is_none());
    line.open();
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    assert_harmless(&world);
}
