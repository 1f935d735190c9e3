//! Fields and modes that are in the API and not served yet: said so, and no webhook touched in either direction.

use serde_json::{Value, json};

use crate::support::{World, conversation, eventually, webhook_spec};

/// What is not served, as a merge patch of the spec, and the way back from it.
struct NotServed {
    name: &'static str,
    /// What the message calls it.
    field: &'static str,
    patch: Value,
    back: Value,
}

const BOT: &str = "https://bots.example.com/a";

fn all() -> Vec<NotServed> {
    let url_from = json!({ "secretKeyRef": { "name": "urls", "key": "bot" } });
    let not_served = |name, field, patch, back| NotServed { name, field, patch, back };
    vec![
        not_served(
            "url-from",
            "configuration.urlFrom",
            json!({ "configuration": { "url": null, "urlFrom": url_from } }),
            json!({ "configuration": { "url": BOT, "urlFrom": null } }),
        ),
        not_served(
            "adoption",
            "adoptionPolicy: IfIdentical",
            json!({ "adoptionPolicy": "IfIdentical" }),
            json!({ "adoptionPolicy": "Never" }),
        ),
        not_served(
            "webhook-sid",
            "webhookSid",
            json!({ "webhookSid": format!("WH{:032x}", 1) }),
            json!({ "webhookSid": null }),
        ),
        not_served("observe", "mode: Observe", json!({ "mode": "Observe" }), json!({ "mode": "Apply" })),
        not_served("suspended", "mode: Suspended", json!({ "mode": "Suspended" }), json!({ "mode": null })),
    ]
}

/// A spec, or a merge patch of one, with another merge patch on top.
fn merged(mut first: Value, second: &Value) -> Value {
    for (key, value) in second.as_object().unwrap() {
        first[key] = match (first[key].take(), value) {
            (Value::Object(inner), Value::Object(_)) => merged(Value::Object(inner), value),
            (_, value) => value.clone(),
        };
    }
    first
}

#[tokio::test]
async fn an_object_that_asks_for_what_is_not_served_is_held_until_it_does_not() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    for (n, case) in (2..).zip(all()) {
        world.create(case.name, merged(webhook_spec(n, BOT), &case.patch)).await;
        let said = format!("{} is not served yet", case.field);
        let says = [said.as_str(), "remove it from the spec", "nothing was changed at Twilio"];
        let object = world.wait_told(case.name, "InvalidConfiguration", &says).await;
        assert_eq!(object.metadata.finalizers, None, "nothing to wait for in its deletion");
    }
    assert_eq!(world.simulator.journal(), []);
    world.create("neighbour", webhook_spec(1, BOT)).await;
    world.wait_ready("neighbour").await;

    for (n, case) in (2..).zip(all()) {
        world.patch(case.name, json!({ "spec": case.back })).await;
        world.wait_ready(case.name).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1, "{}", case.name);
    }
}

#[tokio::test]
async fn a_webhook_is_left_as_it_is_while_its_object_asks_for_what_is_not_served() {
    let mut world = World::new().await;
    world.start_operator(&["--resync-interval=1s"]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    for (n, case) in (2..).zip(all()) {
        world.create(case.name, webhook_spec(n, BOT)).await;
    }
    for case in all() {
        world.wait_ready(case.name).await;
    }
    world.wait_ready("neighbour").await;
    let ledger = world.simulator.ledger();

    for case in all() {
        let edit = json!({ "configuration": { "method": "GET" } });
        world.patch(case.name, json!({ "spec": merged(edit, &case.patch) })).await;
        let said = format!("{} is not served yet", case.field);
        world.wait_told(case.name, "InvalidConfiguration", &[&said]).await;
        world.delete(case.name).await;
    }
    for case in all() {
        let said = format!("{} is not served yet", case.field);
        let says = [said.as_str(), "take it out of the spec", "deletionPolicy: Retain"];
        world.wait_told(case.name, "DeletionBlocked", &says).await;
    }
    // The neighbour's checks go on meanwhile.
    let checks =
        || world.simulator.counters().total(twilio_conversations_simulator::Operation::List).requests;
    let before = checks();
    eventually("two more checks", std::time::Duration::from_secs(20), async || {
        (checks() >= before + 2).then_some(())
    })
    .await;
    assert_eq!(world.simulator.ledger(), ledger, "nothing made, changed or deleted");

    // Both ways out that the message names.
    for (n, case) in (2..).zip(all()) {
        let retain = n % 2 == 0;
        let way_out = if retain { json!({ "deletionPolicy": "Retain" }) } else { case.back };
        world.patch(case.name, json!({ "spec": way_out })).await;
        world.wait_gone(case.name).await;
        assert_eq!(world.alive(conversation(n)).len(), usize::from(retain), "{}", case.name);
    }
    assert_eq!(world.alive(conversation(1)).len(), 1);
}
