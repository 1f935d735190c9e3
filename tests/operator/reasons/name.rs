//! `ConversationNotFound` under a unique name: another conversation may bear it by now, and a new life begins there.

use conversation_webhook_operator::api::CONVERSATION_LABEL;
use serde_json::{Value, json};
use twilio_conversations_simulator::{ConversationSeed, ConversationSid, Operation};

use super::{
    NOBODY, OFTEN, SCALED, assert_conditions, assert_held, command, lost_of, texts, wait_looks, webhook_of,
};
use crate::support::{ACCOUNT, World, conversation, eventually, webhook_spec};

fn named(name: &str) -> Value {
    let mut spec = webhook_spec(1, NOBODY);
    spec.as_object_mut().unwrap().remove("conversationSid");
    spec["conversationUniqueName"] = json!(name);
    spec["configuration"]["replayAfter"] = json!(0);
    spec
}

/// Which webhooks were sent which messages, and whether as replay.
fn deliveries(world: &World, conversation: ConversationSid) -> Vec<(String, u64, bool)> {
    let all = world.simulator.deliveries();
    let here = all.iter().filter(|delivery| delivery.conversation == conversation);
    here.map(|sent| (sent.webhook.unwrap().to_string(), sent.message_index.unwrap(), sent.replay)).collect()
}

#[tokio::test]
async fn conversation_not_found_without_a_webhook_under_a_name_that_nobody_bears_names_it() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", named("nobody")).await;
    let says = ["\"nobody\"", "chatServiceSid", &command(&world, "delete", "bot")];
    let object = world.wait_told("bot", "ConversationNotFound", &says).await;
    assert_held(&object, "ConversationNotFound");
    assert_eq!(world.simulator.counters().total(Operation::Create).requests, 0);

    let seed = ConversationSeed::new(conversation(99)).unique_name("nobody");
    world.simulator.create_conversation(ACCOUNT.parse().unwrap(), &seed).unwrap();
    let object = world.wait_ready("bot").await;
    let status = object.status.unwrap();
    assert_eq!(status.conversation_sid.unwrap().as_str(), conversation(99).to_string());
}

#[tokio::test]
async fn conversation_not_found_with_a_webhook_under_a_name_leads_to_the_conversation_that_bears_it_now() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.simulator.say(conversation(1), "ana", "before the bot").unwrap();
    world.create("bot", named("support")).await;
    let first = webhook_of(&world.wait_ready("bot").await);
    eventually("history is sent", super::PATIENCE, async || {
        (deliveries(&world, conversation(1)) == [(first.to_string(), 0, true)]).then_some(())
    })
    .await;

    let new = world.simulator.recreate_conversation(conversation(1)).unwrap();
    world.simulator.say(new, "ana", "before the bot is back").unwrap();
    let object = super::wait_another(&world, "bot", first).await;
    let second = webhook_of(&object);
    assert_conditions(&object, ("True", "Available"), "True", false);
    assert_eq!(lost_of(&object), texts(&[first]));
    assert_eq!(object.status.unwrap().conversation_sid.unwrap().as_str(), new.to_string());
    assert_eq!(object.metadata.labels.unwrap()[CONVERSATION_LABEL], new.to_string());
    let [webhook] = &world.ever_made(new)[..] else { panic!("{:?}", world.ever_made(new)) };
    assert_eq!((webhook.sid, webhook.replay_after), (second, None), "made without replay");

    // What is said from now on reaches the bot; what was said before does not.
    world.simulator.say(new, "ana", "now").unwrap();
    assert_eq!(deliveries(&world, new), [(second.to_string(), 1, false)]);
    let creates = world.simulator.counters().total(Operation::Create);
    assert_eq!((creates.requests, creates.committed), (2, 2));
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(new), []);
}

#[tokio::test]
async fn conversation_not_found_with_a_webhook_under_a_name_waits_until_somebody_bears_it() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", named("support")).await;
    world.create("neighbour", webhook_spec(2, NOBODY)).await;
    let first = webhook_of(&world.wait_ready("bot").await);
    world.wait_ready("neighbour").await;
    world.simulator.delete_conversation(conversation(1)).unwrap();
    let says = ["has no conversation", &command(&world, "delete", "bot")];
    let object = world.wait_told("bot", "ConversationNotFound", &says).await;
    assert_held(&object, "ConversationNotFound");
    assert_eq!(webhook_of(&object), first, "the SID is kept until there is a new life");
    wait_looks(&world, 2, 2).await;

    let seed = ConversationSeed::new(conversation(98)).unique_name("support");
    world.simulator.create_conversation(ACCOUNT.parse().unwrap(), &seed).unwrap();
    let object = super::wait_another(&world, "bot", first).await;
    assert_eq!(lost_of(&object), texts(&[first]));
    let [webhook] = &world.ever_made(conversation(98))[..] else { panic!("one webhook") };
    assert_eq!((webhook.sid, webhook.replay_after), (webhook_of(&object), None));
}
