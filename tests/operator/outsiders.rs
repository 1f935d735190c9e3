//! What somebody else deletes at Twilio.

use serde_json::json;
use twilio_conversations_simulator::{Configuration, Method, Operation};

use crate::support::{World, conversation, webhook_spec};

const BOT: &str = "https://bots.example.com/a";

#[tokio::test]
async fn a_webhook_that_somebody_deleted_is_made_again_after_two_looks() {
    let mut world = World::new().await;
    world.start_operator(&["--time-scale=0.1", "--resync-interval=1s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.create("neighbour", webhook_spec(2, BOT)).await;
    let object = world.wait_ready("bot").await;
    world.wait_ready("neighbour").await;
    let sid = object.status.unwrap().webhook_sid.unwrap().to_string();

    let mark = world.simulator.journal_mark();
    world.simulator.delete_webhook(sid.parse().unwrap()).unwrap();
    // An edit does not make it again any sooner: it finds nothing to change, and looks.
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    let object = world.wait_ready("bot").await;
    let status = object.status.unwrap();
    assert_eq!(status.lost_sids.iter().map(ToString::to_string).collect::<Vec<_>>(), [sid]);
    let of_bot = conversation(1).to_string();
    let asked = world.simulator.journal_since(mark);
    let before: Vec<_> = asked
        .iter()
        .filter(|entry| entry.path.contains(&of_bot))
        .take_while(|entry| entry.operation != Some(Operation::Create))
        .collect();
    let looks = before.iter().filter(|entry| entry.operation == Some(Operation::List)).count();
    assert!(looks >= 2 && before.iter().all(|entry| !entry.committed), "{before:?}");
    let [webhook] = &world.alive(conversation(1))[..] else { panic!("one webhook") };
    assert_eq!(webhook.sid.to_string(), status.webhook_sid.unwrap().to_string());
    assert!(matches!(webhook.configuration, Configuration::Webhook { method: Method::Get, .. }));
    assert_eq!(world.ever_made(conversation(1)).len(), 2);
    world.wait_ready("neighbour").await;
    assert_eq!(world.ever_made(conversation(2)).len(), 1);
}

#[tokio::test]
async fn a_webhook_that_somebody_deleted_is_only_reported_where_the_object_says_so() {
    let mut world = World::new().await;
    world.start_operator(&["--time-scale=0.1", "--resync-interval=1s"]).await;
    let mut spec = webhook_spec(1, BOT);
    spec["recreatePolicy"] = json!("Report");
    world.create("bot", spec).await;
    world.create("neighbour", webhook_spec(2, BOT)).await;
    let object = world.wait_ready("bot").await;
    world.wait_ready("neighbour").await;
    let sid = object.status.unwrap().webhook_sid.unwrap().to_string();

    let mark = world.simulator.journal_mark();
    world.simulator.delete_webhook(sid.parse().unwrap()).unwrap();
    let says = [sid.as_str(), "by somebody else", "recreatePolicy: Recreate", "or delete the object"];
    world.wait_told("bot", "WebhookMissing", &says).await;
    let looks = world.simulator.journal_since(mark);
    let of_bot = conversation(1).to_string();
    let looks: Vec<_> = looks.iter().filter(|entry| entry.path.contains(&of_bot)).collect();
    assert!(
        looks.len() >= 2 && looks.iter().all(|entry| entry.operation == Some(Operation::List)),
        "{looks:?}"
    );
    assert_eq!(world.ever_made(conversation(1)).len(), 1);

    // An edit does not make it again either.
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world
        .wait("bot", "missing at its new generation", |object| {
            let status = object.status.as_ref();
            status.and_then(|status| status.observed_generation) == object.metadata.generation
        })
        .await;
    world.wait_told("bot", "WebhookMissing", &says).await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
    world.wait_ready("neighbour").await;

    // A way back that the message names.
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    assert_eq!(world.alive(conversation(1)).len(), 1);
}

#[tokio::test]
async fn an_object_whose_conversation_was_deleted_says_so_and_can_be_deleted() {
    let mut world = World::new().await;
    world.start_operator(&["--time-scale=0.1", "--resync-interval=1s"]).await;
    for (n, name) in [(1, "checked"), (2, "edited"), (3, "deleted"), (4, "neighbour")] {
        world.create(name, webhook_spec(n, BOT)).await;
    }
    for name in ["checked", "edited", "deleted", "neighbour"] {
        world.wait_ready(name).await;
    }
    for n in 1..=3 {
        world.simulator.delete_conversation(conversation(n)).unwrap();
    }
    world.delete("deleted").await;
    world.patch("edited", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    for (n, name) in [(1, "checked"), (2, "edited")] {
        let says = [&conversation(n).to_string(), "delete this object"];
        world.wait_told(name, "ConversationNotFound", &says.map(AsRef::as_ref)).await;
        world.delete(name).await;
    }
    for name in ["checked", "edited", "deleted"] {
        world.wait_gone(name).await;
    }
    assert_eq!(world.simulator.counters().total(Operation::Create).requests, 4, "nothing was made again");
    world.wait_ready("neighbour").await;
}
