//! Somebody else is at work: `Drifted`, `Contended`, `MassChangeHold`.

use serde_json::json;
use twilio_conversations_simulator::{ApiClient, Operation, WebhookChanges, WebhookSid};

use super::{
    BOT, OFTEN, PATIENCE, SCALED, alive_sids, ask, assert_conditions, assert_held, command, made, notes,
    repairs_of, sent_since, wait_another, wait_event, wait_looks, webhook_of,
};
use crate::support::{World, conversation, eventually, ready, webhook_spec};

const ELSEWHERE: &str = "https://elsewhere.example.com/";

/// Where the webhook's events go, by the simulator's ledger.
fn url_of(world: &World, webhook: WebhookSid) -> String {
    let ledger = world.simulator.ledger();
    ledger.get(webhook).unwrap().configuration.url().unwrap().to_owned()
}

/// Somebody changes the webhook, and it is put right again.
async fn edit_and_wait(world: &World, webhook: WebhookSid, repairs: usize) {
    world.simulator.edit_webhook(webhook, &WebhookChanges::url(ELSEWHERE)).unwrap();
    let what = format!("put right, {repairs} in all");
    world.wait("bot", &what, |object| repairs_of(object) == repairs).await;
    eventually("as written", PATIENCE, async || (url_of(world, webhook) == BOT).then_some(())).await;
}

#[tokio::test]
async fn drifted_with_a_webhook_in_mode_observe_is_said_and_nothing_is_changed() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let sid = webhook_of(&world.wait_ready("bot").await);
    world.patch("bot", json!({ "spec": { "mode": "Observe" } })).await;
    world.wait_ready("bot").await;

    let mark = world.simulator.journal_mark();
    world.simulator.edit_webhook(sid, &WebhookChanges::url(ELSEWHERE)).unwrap();
    let says = [
        &sid.to_string(),
        &conversation(1).to_string(),
        "mode Observe changes nothing",
        "mode: Apply",
        &command(&world, "edit", "bot"),
    ];
    let object = world.wait_told("bot", "Drifted", &says.map(AsRef::as_ref)).await;
    assert_conditions(&object, ("False", "Drifted"), "True", false);
    // The spec's own changes are not sent either.
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    wait_looks(&world, 1, 3).await;
    world
        .wait("bot", "looked at in its new generation", |object| {
            object.status.as_ref().and_then(|status| status.observed_generation) == object.metadata.generation
        })
        .await;
    assert_eq!(sent_since(&world, mark, 1, Operation::Update), []);
    assert_eq!(url_of(&world, sid), ELSEWHERE);

    world.patch("bot", json!({ "spec": { "mode": "Apply" } })).await;
    let object = world.wait_ready("bot").await;
    assert_eq!((webhook_of(&object), url_of(&world, sid).as_str()), (sid, BOT));
}

#[tokio::test]
async fn contended_with_a_webhook_that_was_removed_for_the_third_time_until_somebody_asks() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let mut sid = webhook_of(&world.wait_ready("bot").await);
    for repairs in 1..=2 {
        world.simulator.delete_webhook(sid).unwrap();
        let object = wait_another(&world, "bot", sid).await;
        assert_eq!(repairs_of(&object), repairs);
        sid = webhook_of(&object);
    }
    world.simulator.delete_webhook(sid).unwrap();
    let annotate = command(&world, "annotate", "bot");
    let says = [
        &sid.to_string(),
        &conversation(1).to_string(),
        "was removed for the third time",
        &annotate,
        "reconcile-requested-at",
    ];
    let object = world.wait_told("bot", "Contended", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "Contended");
    assert_eq!(webhook_of(&object), sid);

    // Neither checks, an edit nor a restart leads on.
    wait_looks(&world, 1, 3).await;
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    wait_looks(&world, 1, 3).await;
    world.stop_operator().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    wait_looks(&world, 1, 4).await;
    assert_eq!((made(&world, 1).len(), alive_sids(&world, 1)), (3, vec![]));
    assert_held(&world.wait_reason("bot", "Contended").await, "Contended");

    ask(&world, "bot", "now").await;
    let object = wait_another(&world, "bot", sid).await;
    assert_conditions(&object, ("True", "Available"), "True", false);
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.last_handled_reconcile_at.as_deref(), Some("now"));
    assert_eq!(repairs_of(&object), 1, "counted from here on");
    assert_eq!((made(&world, 1).len(), alive_sids(&world, 1)), (4, vec![webhook_of(&object)]));
}

#[tokio::test]
async fn contended_with_a_webhook_that_was_changed_for_the_third_time_until_somebody_asks() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let sid = webhook_of(&world.wait_ready("bot").await);
    for repairs in 1..=2 {
        edit_and_wait(&world, sid, repairs).await;
    }
    wait_event(&world, "bot", "DriftCorrected", &sid.to_string()).await;
    let mark = world.simulator.journal_mark();
    world.simulator.edit_webhook(sid, &WebhookChanges::url(ELSEWHERE)).unwrap();
    let says = [&sid.to_string(), "was changed for the third time", "reconcile-requested-at"];
    let object = world.wait_told("bot", "Contended", &says.map(AsRef::as_ref)).await;
    assert_held(&object, "Contended");
    world.stop_operator().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    wait_looks(&world, 1, 3).await;
    assert_eq!(sent_since(&world, mark, 1, Operation::Update), []);
    assert_eq!(url_of(&world, sid), ELSEWHERE);

    ask(&world, "bot", "now").await;
    let object = world.wait_ready("bot").await;
    assert_conditions(&object, ("True", "Available"), "True", false);
    assert_eq!((repairs_of(&object), url_of(&world, sid).as_str()), (1, BOT));
}

#[tokio::test]
async fn contended_with_a_webhook_counts_removals_and_changes_together_and_not_the_users_own_edits() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let first = webhook_of(&world.wait_ready("bot").await);
    for method in ["GET", "POST", "GET"] {
        world.patch("bot", json!({ "spec": { "configuration": { "method": method } } })).await;
        assert_eq!(repairs_of(&world.wait_ready("bot").await), 0);
    }
    edit_and_wait(&world, first, 1).await;
    world.simulator.delete_webhook(first).unwrap();
    let object = wait_another(&world, "bot", first).await;
    assert_eq!(repairs_of(&object), 2);
    world.simulator.edit_webhook(webhook_of(&object), &WebhookChanges::url(ELSEWHERE)).unwrap();
    let object = world.wait_told("bot", "Contended", &["was changed for the third time"]).await;
    assert_held(&object, "Contended");
}

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
    // Then all of them, by the command that the message names.
    let annotation = "conversations.twilio-operator.dev/reconcile-requested-at=later";
    let all = ["-n", &world.namespace, "annotate", "cw", "--all", "--overwrite", annotation];
    world.plane.kubectl(&all).await.unwrap();
    for ((n, name), sid) in names.iter().zip(&sids).take(6).skip(1) {
        wait_another(&world, name, *sid).await;
        assert_eq!((made(&world, *n).len(), alive_sids(&world, *n).len()), (2, 1), "{name}");
    }
    assert!(world.simulator.ledger().duplicates().is_empty());
    assert!(world.simulator.ledger().foreign_touched(&ApiClient::any()).is_empty());
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
    for n in 1..=30 {
        let name = format!("bot-{n}");
        let old = sids[n as usize - 1].to_string();
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
