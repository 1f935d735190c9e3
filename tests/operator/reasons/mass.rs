//! `MassChangeHold`: many of an account's webhooks went at once, which is somebody's doing.

use conversation_webhook_operator::api::ConditionType;
use serde_json::json;
use twilio_conversations_simulator::{ApiClient, Fault, FaultRule, Operation};

use super::{
    BOT, OFTEN, SCALED, alive_sids, ask, assert_conditions, assert_held, command, made, notes, wait_another,
    wait_looks, webhook_of,
};
use crate::support::{World, conversation, ready, webhook_spec};

#[tokio::test]
async fn mass_change_hold_with_webhooks_that_went_together_lasts_until_somebody_asks_for_each() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    let names: Vec<(u32, String)> = (1..=8).map(|n| (n, format!("bot-{n}"))).collect();
    for (n, name) in &names {
        world.create(name, webhook_spec(*n, BOT)).await;
    }
    let mut sids = Vec::new();
    for (_, name) in &names {
        sids.push(webhook_of(&world.wait_ready(name).await));
    }
    // A single one is made again.
    world.simulator.delete_webhook(sids[7]).unwrap();
    wait_another(&world, "bot-8", sids[7]).await;

    for sid in &sids[..6] {
        world.simulator.delete_webhook(*sid).unwrap();
    }
    for ((n, name), sid) in names.iter().zip(&sids).take(6) {
        let annotate = command(&world, "annotate", name);
        let all = format!("kubectl -n {} annotate cw --all", world.namespace);
        let says =
            [&sid.to_string(), &conversation(*n).to_string(), &annotate, "reconcile-requested-at", &all];
        let object = world.wait_told(name, "MassChangeHold", &says.map(AsRef::as_ref)).await;
        assert_held(&object, "MassChangeHold");
        assert_eq!(webhook_of(&object), *sid);
    }

    // Also when what this process counted is forgotten.
    world.stop_operator().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    for (n, name) in &names[..6] {
        wait_looks(&world, *n, 4).await;
        assert_eq!((made(&world, *n).len(), alive_sids(&world, *n)), (1, vec![]), "{name}");
        assert_held(&world.wait_reason(name, "MassChangeHold").await, "MassChangeHold");
    }
    // Those that were not concerned are served all the while.
    assert_eq!(alive_sids(&world, 7), [sids[6]]);
    world.patch("bot-7", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world.wait_ready("bot-7").await;

    // One is confirmed: that one comes back, and no other.
    ask(&world, "bot-1", "now").await;
    let object = wait_another(&world, "bot-1", sids[0]).await;
    assert_conditions(&object, ("True", "Available"), "True", false);
    wait_looks(&world, 2, 3).await;
    assert_eq!(ready(&world.objects().get("bot-2").await.unwrap()).unwrap().reason, "MassChangeHold");
    // One is put back by whoever removed it: there is nothing to make again.
    world.simulator.restore_webhook(sids[5]).unwrap();
    assert_eq!(webhook_of(&world.wait_ready("bot-6").await), sids[5]);
    // Then all of them, by the command that the message names.
    let annotation = "conversations.twilio-operator.dev/reconcile-requested-at=later";
    let all = ["-n", &world.namespace, "annotate", "cw", "--all", "--overwrite", annotation];
    world.plane.kubectl(&all).await.unwrap();
    for ((n, name), sid) in names.iter().zip(&sids).take(5).skip(1) {
        wait_another(&world, name, *sid).await;
        assert_eq!((made(&world, *n).len(), alive_sids(&world, *n).len()), (2, 1), "{name}");
    }
    assert_eq!((made(&world, 6).len(), alive_sids(&world, 6)), (1, vec![sids[5]]));
    assert!(world.simulator.ledger().duplicates().is_empty());
    assert!(world.simulator.ledger().foreign_touched(&ApiClient::any()).is_empty());
}

#[tokio::test]
async fn mass_change_hold_with_a_webhook_outlasts_other_troubles_and_a_while_in_mode_observe() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    let mut sids = Vec::new();
    for n in 1..=6 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for n in 1..=6 {
        sids.push(webhook_of(&world.wait_ready(&format!("bot-{n}")).await));
    }
    for sid in &sids {
        world.simulator.delete_webhook(*sid).unwrap();
    }
    for n in 1..=6 {
        world.wait_reason(&format!("bot-{n}"), "MassChangeHold").await;
    }
    let unknown = FaultRule::new(Fault::error(404, 50050)).on(Operation::List);
    let unknown = world.simulator.add_fault(unknown.conversation(conversation(1)));
    let synced = ConditionType::Synced;
    let object = world.wait_told_by(synced, "bot-1", "ConversationNotFound", &["50050"]).await;
    assert_eq!(ready(&object).unwrap().reason, "MassChangeHold");
    world.patch("bot-2", json!({ "spec": { "mode": "Observe" } })).await;
    world
        .wait("bot-2", "looked at in its new generation", |object| {
            object.status.as_ref().and_then(|status| status.observed_generation) == object.metadata.generation
        })
        .await;

    // Until those that went together are counted no more.
    wait_looks(&world, 3, 6).await;
    world.simulator.remove_fault(unknown).unwrap();
    world.patch("bot-2", json!({ "spec": { "mode": "Apply" } })).await;
    for n in 1..=2 {
        wait_looks(&world, n, 6).await;
        let name = format!("bot-{n}");
        assert_held(&world.wait_reason(&name, "MassChangeHold").await, "MassChangeHold");
        assert_eq!((made(&world, n).len(), alive_sids(&world, n)), (1, vec![]), "{name}");
    }
    ask(&world, "bot-2", "now").await;
    wait_another(&world, "bot-2", sids[1]).await;
}

#[tokio::test]
async fn mass_change_hold_with_webhooks_whose_checks_are_spread_comes_before_most_are_made_again() {
    // Thirty times as long between two checks as between two looks: the absences are noticed one by one.
    let mut world = World::new().await;
    world.start_operator(&["--time-scale=0.01", "--resync-interval=9s"]).await;
    let mut sids = Vec::new();
    for n in 1..=30 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for n in 1..=30 {
        sids.push(webhook_of(&world.wait_ready(&format!("bot-{n}")).await));
    }
    for sid in &sids {
        world.simulator.delete_webhook(*sid).unwrap();
    }
    let mut held = 0;
    for (n, old) in (1..=30).zip(&sids) {
        let name = format!("bot-{n}");
        let old = old.to_string();
        let object = world
            .wait(&name, "decided", |object| {
                let reason = ready(object).map(|ready| ready.reason.as_str());
                let sid = object.status.as_ref().and_then(|status| status.webhook_sid.as_ref());
                reason == Some("MassChangeHold")
                    || reason == Some("Available") && sid.is_some_and(|sid| sid.as_str() != old)
            })
            .await;
        held += usize::from(ready(&object).unwrap().reason == "MassChangeHold");
    }
    // Seven are more than a fifth: at most six come back before that is known, and some do, or all were noticed at once.
    assert!((24..=29).contains(&held), "{held} of 30 are held");
    assert_eq!(notes(&world, "bot-1", "Recreated").await.len(), made(&world, 1).len() - 1);
}
