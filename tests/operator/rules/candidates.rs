//! R10 and R11: which newcomer a lost create can have made.

use conversation_webhook_operator::api::{ConditionType, Provenance};
use serde_json::json;
use twilio_conversations_simulator::{Fault, Operation, WebhookSeed};

use crate::support::{
    BOT, SCALED, World, assert_bears, assert_harmless, condition, conversation, made, only_webhook, plant,
    ready, sent, sids, strike, wait_another_look, wait_sent, webhook_spec,
};

#[tokio::test]
async fn r11_an_edit_meanwhile_ends_in_one_webhook_with_the_new_configuration() {
    let cases = [("made", Fault::hang_after_commit()), ("lost", Fault::hang())];
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    for (n, (name, fault)) in (1..).zip(&cases) {
        strike(&world, n, Operation::Create, fault.clone());
        world.create(name, webhook_spec(n, BOT)).await;
        wait_sent(&world, n, Operation::Create, |_| true).await;
        let edit = json!({ "spec": { "configuration": { "url": "https://bots.example.com/new" } } });
        world.patch(name, edit).await;
    }
    for (n, (name, _)) in (1..).zip(&cases) {
        world.wait_ready(name).await;
        let webhook = only_webhook(&world, n);
        assert_eq!(webhook.configuration.url(), Some("https://bots.example.com/new"), "{name}");
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn r11_webhooks_of_others_are_told_apart_from_the_lost_one_and_never_touched() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    let before = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/before"));
    world.start_operator(&[SCALED]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    let meanwhile = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/meanwhile"));
    let keyword = plant(&world, 1, &WebhookSeed::trigger(BOT, ["help"]));

    let object = world.wait_ready("bot").await;
    let ours = only_webhook(&world, 1);
    assert_bears(&object, &ours, Provenance::Inferred);
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(sids(&world.alive(conversation(1))), [before, meanwhile, keyword]);
    assert_harmless(&world);
}

#[tokio::test]
async fn r11_a_webhook_that_may_or_may_not_be_the_lost_one_holds_the_object_until_it_goes() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang());
    // It was there before: it cannot be the lost one.
    let before = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/before"));
    world.start_operator(&[SCALED, "--resync-interval=2s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    // Of the same target: it could be ours, edited by somebody.
    let stranger = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/"));
    let held = world.wait_told("bot", "CreateAmbiguous", &[&stranger]).await;
    assert_eq!(condition(&held, ConditionType::Stalled).unwrap().status, "True");
    assert!(!ready(&held).unwrap().message.contains(&before));
    wait_another_look(&world, 1).await;
    assert_eq!(made(&world, 1), []);
    world.simulator.delete_webhook(stranger.parse().unwrap()).unwrap();
    world.wait_ready("bot").await;
    only_webhook(&world, 1);
    assert_harmless(&world);
}

#[tokio::test]
async fn r10_siblings_that_lost_their_replies_together_each_find_their_own() {
    let mut world = World::new().await;
    for _ in 0..2 {
        strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    }
    world.start_operator(&[SCALED]).await;
    let urls = [("one", "https://bots.example.com/one"), ("other", "https://bots.example.com/other")];
    for (name, url) in urls {
        world.create(name, webhook_spec(1, url)).await;
    }
    for (name, url) in urls {
        let object = world.wait_ready(name).await;
        let webhooks = world.alive(conversation(1));
        let own = webhooks.iter().find(|webhook| webhook.configuration.url() == Some(url)).unwrap();
        assert_bears(&object, own, Provenance::Inferred);
    }
    assert_eq!(sent(&world, 1, Operation::Create).len(), 2);
    assert_harmless(&world);
}

#[tokio::test]
async fn r10_a_newcomer_that_a_sibling_may_have_made_is_waited_for() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang());
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    world.start_operator(&[SCALED]).await;
    world.create("lost", webhook_spec(1, BOT)).await;
    // The other's window ends later, so that this one looks first.
    world.wait_reason("lost", "CreateUnresolved").await;
    world.create("made", webhook_spec(1, "https://bots.example.com/other")).await;
    let sibling = format!("{}/made", world.namespace);
    world.wait_told("lost", "CreateUnresolved", &[&sibling, "resolve-create"]).await;
    assert_eq!(sent(&world, 1, Operation::Create).len(), 2, "not made again while it may be there");

    let other = world.wait_ready("made").await;
    let webhook = made(&world, 1).into_iter().next().unwrap();
    assert_bears(&other, &webhook, Provenance::Inferred);
    world.wait_ready("lost").await;
    assert_eq!(world.alive(conversation(1)).len(), 2);
    assert_harmless(&world);
}
