//! `ConversationFull` and `TwinExists`: no webhook is made, and the object is looked at as soon as the operator itself
//! makes room.

use serde_json::json;
use twilio_conversations_simulator::{Fault, FaultRule, Operation, WebhookSeed};

use super::{
    BOT, NEVER, NOBODY, OFTEN, PATIENCE, SCALED, alive_sids, assert_conditions, assert_held, command,
    lost_of, made, notes, sent_since, texts, wait_looks, webhook_of,
};
use crate::support::{World, conversation, eventually, ready, webhook_spec};

const OTHER: &str = "https://bots.example.com/b";

#[tokio::test]
async fn conversation_full_without_a_webhook_names_the_five_and_ends_with_a_free_slot() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    let fillers = world.simulator.fill_slots(conversation(1)).unwrap();
    world.create("bot", webhook_spec(1, BOT)).await;
    let label = format!("conversations.twilio-operator.dev/conversation={}", conversation(1));
    let mut says = texts(&fillers);
    says.extend([conversation(1).to_string(), "service-level webhook".to_owned(), label.clone()]);
    let says: Vec<&str> = says.iter().map(String::as_str).collect();
    let object = world.wait_told("bot", "ConversationFull", &says).await;
    assert_held(&object, "ConversationFull");
    assert!(object.metadata.finalizers.is_none(), "nothing was made that could be lost");
    wait_looks(&world, 1, 3).await;
    assert_eq!(sent_since(&world, 0, 1, Operation::Create), []);
    // The command that the message names.
    world.plane.kubectl(&["get", "cw", "-A", "-l", &label]).await.unwrap();

    world.simulator.delete_webhook(fillers[2]).unwrap();
    let object = world.wait_ready("bot").await;
    assert_conditions(&object, ("True", "Available"), "True", false);
    assert_eq!(made(&world, 1).len(), 1);
    let kept = [fillers[0], fillers[1], fillers[3], fillers[4], webhook_of(&object)];
    assert_eq!(alive_sids(&world, 1), kept);
}

#[tokio::test]
async fn conversation_full_without_a_webhook_is_also_twilios_own_word() {
    let mut world = World::new().await;
    world.simulator.say(conversation(1), "ana", "hello").unwrap();
    let full = FaultRule::new(Fault::error(400, 50361)).on(Operation::Create);
    let full = world.simulator.add_fault(full.conversation(conversation(1)));
    world.start_operator(&[SCALED, OFTEN]).await;
    let mut spec = webhook_spec(1, NOBODY);
    spec["configuration"]["replayAfter"] = json!(0);
    world.create("bot", spec).await;
    let says = [&conversation(1).to_string(), "Twilio error 50361", "service-level webhook"];
    let object = world.wait_told("bot", "ConversationFull", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "ConversationFull");
    assert_eq!(object.status.unwrap().last_error.unwrap().code, Some(50361));
    world.simulator.remove_fault(full).unwrap();
    world.wait_ready("bot").await;
    let [webhook] = &made(&world, 1)[..] else { panic!("one webhook") };
    assert_eq!(webhook.replay_after, Some(0), "what was refused was no first webhook");
    let deliveries = world.simulator.deliveries();
    assert!(
        matches!(&deliveries[..], [only] if only.replay && only.webhook == Some(webhook.sid)),
        "{deliveries:?}"
    );
}

#[tokio::test]
async fn conversation_full_without_a_webhook_ends_at_once_when_a_sibling_goes() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, NEVER]).await;
    world.create("first", webhook_spec(1, BOT)).await;
    world.wait_ready("first").await;
    world.simulator.fill_slots(conversation(1)).unwrap();
    for (name, url) in [("second", OTHER), ("third", "https://bots.example.com/c")] {
        world.create(name, webhook_spec(1, url)).await;
        assert_held(&world.wait_reason(name, "ConversationFull").await, "ConversationFull");
    }
    world.delete("first").await;
    world.wait_gone("first").await;
    // One of the two gets the slot, and the other waits on.
    let waiting = ["second", "third"];
    let winner = eventually("one of the two is Ready", PATIENCE, async || {
        for name in waiting {
            let object = world.objects().get(name).await.unwrap();
            if ready(&object).is_some_and(|ready| ready.status == "True") {
                return Some(name);
            }
        }
        None
    })
    .await;
    let [loser] = waiting.iter().filter(|name| **name != winner).collect::<Vec<_>>()[..] else { panic!() };
    world.delete(winner).await;
    world.wait_ready(loser).await;
    assert_eq!(made(&world, 1).len(), 3);
    assert_eq!(alive_sids(&world, 1).len(), 5);
}

#[tokio::test]
async fn conversation_full_without_a_webhook_after_a_stranger_took_the_slot_of_the_one_that_was_removed() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    let mut spec = webhook_spec(1, BOT);
    spec["configuration"]["replayAfter"] = json!(0);
    world.create("bot", spec).await;
    let sid = webhook_of(&world.wait_ready("bot").await);
    world.simulator.delete_webhook(sid).unwrap();
    let fillers = world.simulator.fill_slots(conversation(1)).unwrap();
    let says = texts(&fillers);
    let says: Vec<&str> = says.iter().map(String::as_str).collect();
    let object = world.wait_told("bot", "ConversationFull", &says).await;
    assert_held(&object, "ConversationFull");
    assert_eq!(object.status.as_ref().unwrap().webhook_sid, None);
    assert_eq!(lost_of(&object), texts(&[sid]));

    world.simulator.delete_webhook(fillers[0]).unwrap();
    world.wait_ready("bot").await;
    let asked = sent_since(&world, 0, 1, Operation::Create);
    let asked: Vec<_> = asked.iter().map(|create| create.param("Configuration.ReplayAfter")).collect();
    assert_eq!(asked, [Some("0"), None]);
    assert_eq!(notes(&world, "bot", "Created").await.len(), 1);
}

#[tokio::test]
async fn twin_exists_without_a_webhook_names_the_object_that_has_it_and_ends_at_once_when_that_goes() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, NEVER]).await;
    world.create("first", webhook_spec(1, BOT)).await;
    let sid = webhook_of(&world.wait_ready("first").await);
    world.create("second", webhook_spec(1, BOT)).await;
    let first = format!("{}/first", world.namespace);
    let says = [
        &sid.to_string(),
        &first,
        &conversation(1).to_string(),
        "answer every event twice",
        &command(&world, "delete", "second"),
    ];
    let object = world.wait_told("second", "TwinExists", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "TwinExists");
    assert_eq!(alive_sids(&world, 1), [sid]);

    world.delete("first").await;
    let object = world.wait_ready("second").await;
    assert_conditions(&object, ("True", "Available"), "True", false);
    assert_eq!((made(&world, 1).len(), alive_sids(&world, 1)), (2, vec![webhook_of(&object)]));
}

#[tokio::test]
async fn twin_exists_without_a_webhook_names_a_strangers_and_how_to_take_it_over() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    let strangers =
        [1, 2].map(|n| world.simulator.create_webhook(conversation(n), &WebhookSeed::webhook(BOT)));
    let [stranger, leaving] = strangers.map(Result::unwrap);
    for (n, name, sid) in [(1, "bot", stranger), (2, "other", leaving)] {
        world.create(name, webhook_spec(n, BOT)).await;
        let hint = format!("webhookSid: {sid}");
        let says = [
            &conversation(n).to_string(),
            "belongs to no object",
            "answer every event twice",
            &hint,
            &command(&world, "edit", name),
        ];
        let object = world.wait_told(name, "TwinExists", &says.map(AsRef::as_ref)).await;
        assert_held(&object, "TwinExists");
        wait_looks(&world, n, 3).await;
        assert_eq!((alive_sids(&world, n), made(&world, n)), (vec![sid], vec![]));
    }
    // The two ways on that the message names.
    world.patch("bot", json!({ "spec": { "webhookSid": stranger.to_string() } })).await;
    assert_eq!(webhook_of(&world.wait_ready("bot").await), stranger);
    assert_eq!(alive_sids(&world, 1), [stranger]);
    world.simulator.delete_webhook(leaving).unwrap();
    let object = world.wait_ready("other").await;
    assert_eq!(alive_sids(&world, 2), [webhook_of(&object)]);
    assert_eq!(made(&world, 2).len(), 1);
}
