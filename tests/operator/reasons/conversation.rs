//! `ConversationNotFound` and `ConversationClosed`, and a conversation that is still being set up.

use std::time::Duration;

use conversation_webhook_operator::api::ConditionType;
use serde_json::json;
use twilio_conversations_simulator::{
    ConversationSeed, ConversationState, Fault, FaultRule, NotFoundCode, Operation, Settings,
};

use super::{
    BOT, OFTEN, PATIENCE, SCALED, SETTLING, alive_sids, assert_conditions, assert_held, command, made,
    sent_since, wait_event, wait_looks, webhook_of,
};
use crate::support::{ACCOUNT, World, condition, conversation, eventually, ready, webhook_spec};

#[tokio::test]
async fn conversation_not_found_without_a_webhook_says_what_to_check_and_ends_when_it_is_there() {
    for code in [NotFoundCode::General, NotFoundCode::Specific] {
        let mut world = World::new().await;
        world.simulator.set_settings(Settings { not_found_code: code, ..Settings::default() });
        world.start_operator(&[SCALED, OFTEN]).await;
        world.create("bot", webhook_spec(99, BOT)).await;
        let delete = command(&world, "delete", "bot");
        let says = [&conversation(99).to_string(), "chatServiceSid", &delete];
        let object = world.wait_told("bot", "ConversationNotFound", &says).await;
        assert_held(&object, "ConversationNotFound");
        assert!(object.metadata.finalizers.is_none(), "nothing was made that could be lost");
        assert_eq!(world.simulator.counters().total(Operation::Create).requests, 0);

        let seed = ConversationSeed::new(conversation(99));
        world.simulator.create_conversation(ACCOUNT.parse().unwrap(), &seed).unwrap();
        let object = world.wait_ready("bot").await;
        assert_conditions(&object, ("True", "Available"), "True", false);
        assert_eq!(made(&world, 99).len(), 1);
    }
}

#[tokio::test]
async fn conversation_not_found_without_a_webhook_is_also_what_other_codes_of_twilio_mean() {
    let cases: [(u32, Operation, (u16, u32), &[&str]); 4] = [
        (2, Operation::List, (404, 50050), &["Twilio error 50050", "or its service"]),
        (3, Operation::Create, (404, 50050), &["Twilio error 50050", "or its service"]),
        (4, Operation::List, (409, 50334), &["Twilio error 50334", "is being deleted"]),
        (5, Operation::Create, (409, 50334), &["Twilio error 50334", "is being deleted"]),
    ];
    let mut world = World::new().await;
    let faults: Vec<_> = cases
        .iter()
        .map(|(n, operation, (status, code), _)| {
            let fault = FaultRule::new(Fault::error(*status, *code)).on(*operation);
            world.simulator.add_fault(fault.conversation(conversation(*n)))
        })
        .collect();
    world.start_operator(&[SCALED, OFTEN]).await;
    for (n, ..) in &cases {
        world.create(&format!("bot-{n}"), webhook_spec(*n, BOT)).await;
    }
    for (n, operation, (status, code), says) in &cases {
        let name = format!("bot-{n}");
        let (sid, delete) = (conversation(*n).to_string(), command(&world, "delete", &name));
        let says: Vec<&str> = says.iter().copied().chain([sid.as_str(), delete.as_str()]).collect();
        let object = world.wait_told(&name, "ConversationNotFound", &says).await;
        assert_held(&object, "ConversationNotFound");
        let error = object.status.unwrap().last_error.unwrap();
        assert_eq!((error.code, error.http_status), (Some(i64::from(*code)), Some(i32::from(*status))));
        assert_eq!(made(&world, *n), [], "{operation:?}");
    }
    for fault in faults {
        world.simulator.remove_fault(fault).unwrap();
    }
    for (n, ..) in &cases {
        world.wait_ready(&format!("bot-{n}")).await;
        assert_eq!(made(&world, *n).len(), 1);
    }
}

#[tokio::test]
async fn conversation_not_found_with_a_webhook_is_believed_when_two_looks_show_it() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    for (n, name) in [(1, "bot"), (2, "service"), (3, "leaving"), (4, "neighbour")] {
        world.create(name, webhook_spec(n, BOT)).await;
    }
    let mut sids = Vec::new();
    for name in ["bot", "service", "leaving", "neighbour"] {
        sids.push(webhook_of(&world.wait_ready(name).await));
    }
    let mark = world.simulator.journal_mark();
    world.simulator.delete_conversation(conversation(1)).unwrap();
    for (n, status, code) in [(2, 404, 50050), (3, 409, 50334)] {
        let fault = FaultRule::new(Fault::error(status, code)).on(Operation::List);
        world.simulator.add_fault(fault.conversation(conversation(n)));
    }
    let delete = command(&world, "delete", "bot");
    let says = [&conversation(1).to_string(), "the account has no conversation", &delete];
    let object = world.wait_told("bot", "ConversationNotFound", &says).await;
    assert_held(&object, "ConversationNotFound");
    assert_eq!(webhook_of(&object), sids[0], "the SID is kept");
    let looks = sent_since(&world, mark, 1, Operation::List);
    let missed: Vec<_> = looks.iter().filter(|look| look.status == Some(404)).collect();
    let apart = missed[1..].iter().map(|look| look.at.duration_since(missed[0].at)).max().unwrap();
    assert!(apart >= SETTLING.try_into().unwrap(), "{missed:?}");

    for (name, code) in [("service", "50050"), ("leaving", "50334")] {
        let delete = command(&world, "delete", name);
        let object = world.wait_told(name, "ConversationNotFound", &[code, &delete]).await;
        assert_held(&object, "ConversationNotFound");
    }
    // Where it was but a passing word of Twilio's, the webhook is still the same.
    world.simulator.clear_faults();
    for (n, name) in [(2, "service"), (3, "leaving")] {
        let object = world.wait_ready(name).await;
        assert_conditions(&object, ("True", "Available"), "True", false);
        assert_eq!(alive_sids(&world, n), [webhook_of(&object)]);
        assert_eq!(made(&world, n).len(), 1);
    }
    let neighbour = world.wait_ready("neighbour").await;
    assert_eq!(webhook_of(&neighbour), sids[3]);
}

#[tokio::test]
async fn conversation_closed_without_a_webhook_is_final_until_the_object_is_edited() {
    let mut world = World::new().await;
    world.simulator.set_conversation_state(conversation(1), ConversationState::Closed).unwrap();
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.create("neighbour", webhook_spec(2, BOT)).await;
    let says = [&conversation(1).to_string(), "closed for good", "50377", &command(&world, "delete", "bot")];
    let object = world.wait_told("bot", "ConversationClosed", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "ConversationClosed");
    assert_eq!(object.status.unwrap().last_error.unwrap().code, Some(50377));
    world.wait_ready("neighbour").await;

    // Not looked at again, not by another process either.
    let mark = world.simulator.journal_mark();
    wait_looks(&world, 2, 3).await;
    world.stop_operator().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    wait_looks(&world, 2, 3).await;
    let path = conversation(1).to_string();
    let asked = world.simulator.journal_since(mark);
    assert!(asked.iter().all(|entry| !entry.path.contains(&path)), "{asked:?}");

    // An edit is tried, whatever comes of it.
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    let object = world
        .wait("bot", "tried at its new generation", |object| {
            object.status.as_ref().and_then(|status| status.observed_generation) == object.metadata.generation
        })
        .await;
    assert_held(&object, "ConversationClosed");
    let tries = sent_since(&world, mark, 1, Operation::Create);
    assert!(matches!(&tries[..], [only] if only.code == Some(50377)), "{tries:?}");

    world.simulator.set_conversation_state(conversation(1), ConversationState::Active).unwrap();
    world.patch("bot", json!({ "spec": { "configuration": { "method": "POST" } } })).await;
    world.wait_ready("bot").await;
    assert_eq!(made(&world, 1).len(), 1);
}

#[tokio::test]
async fn conversation_closed_with_a_webhook_is_known_from_an_edit_and_final() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.create("neighbour", webhook_spec(2, BOT)).await;
    let sid = webhook_of(&world.wait_ready("bot").await);
    world.wait_ready("neighbour").await;

    world.simulator.set_conversation_state(conversation(1), ConversationState::Closed).unwrap();
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    let says = [&conversation(1).to_string(), "closed for good", "50377", &command(&world, "delete", "bot")];
    let object = world.wait_told("bot", "ConversationClosed", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "ConversationClosed");
    assert_eq!(webhook_of(&object), sid);

    let mark = world.simulator.journal_mark();
    wait_looks(&world, 2, 3).await;
    world.stop_operator().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    wait_looks(&world, 2, 3).await;
    let path = conversation(1).to_string();
    let asked = world.simulator.journal_since(mark);
    assert!(asked.iter().all(|entry| !entry.path.contains(&path)), "{asked:?}");

    world.patch("bot", json!({ "spec": { "configuration": { "url": "https://bots.example.com/b" } } })).await;
    eventually("the edit is tried", PATIENCE, async || {
        sent_since(&world, mark, 1, Operation::Update)
            .iter()
            .any(|try_| try_.code == Some(50377))
            .then_some(())
    })
    .await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(made(&world, 1).len(), 1);
}

#[tokio::test]
async fn twilio_unavailable_without_a_webhook_while_the_conversation_is_set_up_heals_by_itself() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.simulator.initialize_conversation(conversation(1), Duration::from_secs(4)).unwrap();
    world.create("bot", webhook_spec(1, BOT)).await;
    let says = [&conversation(1).to_string(), "is being set up", "50386", "tried again"];
    let object = world.wait_told("bot", "TwilioUnavailable", &says.map(AsRef::as_ref)).await;
    let ready = ready(&object).unwrap();
    assert_eq!((ready.status.as_str(), ready.observed_generation), ("False", object.metadata.generation));
    assert_eq!(condition(&object, ConditionType::Synced).unwrap().status, "False");
    assert!(condition(&object, ConditionType::Stalled).is_none());

    let object = world.wait_ready("bot").await;
    assert_conditions(&object, ("True", "Available"), "True", false);
    assert_eq!(object.status.unwrap().last_error.map(|error| error.code), None);
    assert_eq!(made(&world, 1).len(), 1);
}

#[tokio::test]
async fn twilio_unavailable_with_a_webhook_while_the_conversation_is_set_up_leaves_it_ready() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let sid = webhook_of(&world.wait_ready("bot").await);
    world.simulator.initialize_conversation(conversation(1), Duration::from_secs(4)).unwrap();
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    let says = [&conversation(1).to_string(), "is being set up", "50386"];
    let says = says.map(AsRef::as_ref);
    let object = world.wait_told_by(ConditionType::Synced, "bot", "TwilioUnavailable", &says).await;
    assert_eq!(condition(&object, ConditionType::Synced).unwrap().status, "False");
    assert_eq!(ready(&object).unwrap().status, "True", "an outage makes nothing unready");
    assert!(condition(&object, ConditionType::Stalled).is_none());

    let object = world.wait_ready("bot").await;
    assert_conditions(&object, ("True", "Available"), "True", false);
    assert_eq!(webhook_of(&object), sid);
    wait_event(&world, "bot", "Updated", &sid.to_string()).await;
}
