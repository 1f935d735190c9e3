//! From `kubectl apply` to `kubectl delete`.

use conversation_webhook_operator::api::{ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConditionType, FINALIZER};
use kube::ResourceExt;
use serde_json::json;
use twilio_conversations_simulator::{Configuration, Operation};

use crate::support::{ACCOUNT, FLOW, SERVICE, World, condition, conversation, ready, webhook_spec};

#[tokio::test]
async fn all_three_targets_become_ready_and_are_deleted_with_their_objects() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let conversation_sid = conversation(1).to_string();
    world.create("bot", webhook_spec(1, "https://bots.example.com/a")).await;
    let trigger = json!({
        "conversationSid": conversation_sid,
        "target": "trigger",
        "configuration": { "url": "https://bots.example.com/b", "method": "GET", "triggers": ["help", "agent"] },
    });
    world.create("keyword", trigger).await;
    let studio = json!({
        "conversationSid": conversation_sid,
        "target": "studio",
        "configuration": { "flowSid": FLOW, "filters": ["onMessageAdded"] },
    });
    world.create("flow", studio).await;

    for name in ["bot", "keyword", "flow"] {
        let object = world.wait_ready(name).await;
        let status = object.status.as_ref().unwrap();
        let sid = status.webhook_sid.as_ref().unwrap().to_string();
        assert!(world.alive(conversation(1)).iter().any(|webhook| webhook.sid.to_string() == sid), "{sid}");
        assert_eq!(status.account_sid.as_ref().unwrap().as_str(), ACCOUNT);
        assert_eq!(status.region.as_deref(), Some("us1"));
        assert_eq!(status.conversation_sid.as_ref().unwrap().as_str(), conversation_sid);
        assert_eq!(ready(&object).unwrap().reason, "Available");
        for type_ in [ConditionType::Synced, ConditionType::CredentialsValid] {
            assert_eq!(condition(&object, type_).unwrap().status, "True", "{type_}");
        }
        assert!(condition(&object, ConditionType::Stalled).is_none());
        assert_eq!(object.finalizers(), [FINALIZER]);
        assert_eq!(object.labels()[CONVERSATION_LABEL], conversation_sid);
        assert!(object.annotations().contains_key(ATTEMPT_ANNOTATION));
    }
    assert_eq!(world.alive(conversation(1)).len(), 3);

    for name in ["bot", "keyword", "flow"] {
        world.delete(name).await;
        world.wait_gone(name).await;
    }
    assert_eq!(world.alive(conversation(1)), []);
    world.stop_operator().await;
}

#[tokio::test]
async fn a_retained_webhook_stays_when_its_object_goes() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let mut spec = webhook_spec(1, "https://bots.example.com/a");
    spec["deletionPolicy"] = json!("Retain");
    world.create("bot", spec).await;
    world.wait_ready("bot").await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)).len(), 1);
}

#[tokio::test]
async fn an_edit_of_the_spec_reaches_the_same_webhook() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, "https://bots.example.com/old")).await;
    let before = world.wait_ready("bot").await.status.unwrap().webhook_sid;
    let edit =
        json!({ "spec": { "configuration": { "url": "https://bots.example.com/new", "method": "GET" } } });
    world.patch("bot", edit).await;
    let after = world.wait_ready("bot").await.status.unwrap().webhook_sid;
    assert_eq!(before, after);
    let [webhook] = &world.alive(conversation(1))[..] else { panic!("one webhook") };
    assert_eq!(webhook.configuration.url(), Some("https://bots.example.com/new"));
}

#[tokio::test]
async fn an_outside_edit_is_corrected_at_the_next_check() {
    let mut world = World::new().await;
    world.start_operator(&["--resync-interval=2s"]).await;
    world.create("bot", webhook_spec(1, "https://bots.example.com/ours")).await;
    world.wait_ready("bot").await;
    let [webhook] = &world.alive(conversation(1))[..] else { panic!("one webhook") };
    let change = twilio_conversations_simulator::WebhookChanges::url("https://elsewhere.example.com/");
    world.simulator.edit_webhook(webhook.sid, &change).unwrap();
    crate::support::eventually("the URL is ours again", std::time::Duration::from_secs(20), async || {
        let webhook = world.alive(conversation(1)).pop()?;
        (webhook.configuration.url() == Some("https://bots.example.com/ours")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_pass_that_is_asked_for_is_made_at_once_and_echoed_once() {
    let mut world = World::new().await;
    world.start_operator(&["--resync-interval=24h"]).await;
    world.create("bot", webhook_spec(1, "https://bots.example.com/ours")).await;
    world.wait_ready("bot").await;
    let [webhook] = &world.alive(conversation(1))[..] else { panic!("one webhook") };
    let change = twilio_conversations_simulator::WebhookChanges::url("https://elsewhere.example.com/");
    world.simulator.edit_webhook(webhook.sid, &change).unwrap();

    let (kube, twilio) = (world.mark().await, world.simulator.journal_mark());
    // As long as nobody could mean it: it must not keep status from being written.
    let request = "2026-11-22T10:00:00Z ".repeat(20);
    let annotations = json!({ "conversations.twilio-operator.dev/reconcile-requested-at": request });
    world.patch("bot", json!({ "metadata": { "annotations": annotations } })).await;
    let object = world
        .wait("bot", "looked at", |object| {
            object.status.as_ref().is_some_and(|status| status.last_handled_reconcile_at.is_some())
        })
        .await;
    let echo = object.status.unwrap().last_handled_reconcile_at.unwrap();
    assert!(request.starts_with(&echo) && echo.len() == 256, "{echo}");
    assert_eq!(world.alive(conversation(1))[0].configuration.url(), Some("https://bots.example.com/ours"));
    let asked: Vec<_> =
        world.simulator.journal_since(twilio).into_iter().filter_map(|entry| entry.operation).collect();
    assert_eq!(asked, [Operation::List, Operation::Update]);
    assert_eq!(world.writes_since(kube).await.len(), 1);

    // The same request again is none, also for a new process.
    world.stop_operator().await;
    let twilio = world.simulator.journal_mark();
    world.start_operator(&["--resync-interval=24h"]).await;
    world.create("last", webhook_spec(9, "https://bots.example.com/a")).await;
    world.wait_ready("last").await;
    let of_bot = conversation(1).to_string();
    assert!(world.simulator.journal_since(twilio).iter().all(|entry| !entry.path.contains(&of_bot)));
}

#[tokio::test]
async fn a_unique_name_is_looked_up_and_its_sid_used_from_then_on() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let mut spec = webhook_spec(1, "https://bots.example.com/a");
    spec.as_object_mut().unwrap().remove("conversationSid");
    spec["conversationUniqueName"] = json!("support");
    world.create("bot", spec).await;
    let object = world.wait_ready("bot").await;
    assert_eq!(object.status.unwrap().conversation_sid.unwrap().as_str(), conversation(1).to_string());
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world.wait_ready("bot").await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    let by_name = world.simulator.journal().iter().filter(|entry| entry.path.contains("support")).count();
    assert_eq!(by_name, 1);
    assert_eq!(world.alive(conversation(1)), []);
}

#[tokio::test]
async fn a_conversation_of_another_service_is_served_on_that_service_s_path() {
    use twilio_conversations_simulator::{AccountSeed, ConversationSeed, Seed};
    let seed = Seed::new().account(
        AccountSeed::new(ACCOUNT.parse().unwrap(), crate::support::AUTH_TOKEN)
            .service(SERVICE.parse().unwrap())
            .conversation(ConversationSeed::new(conversation(7)).service(SERVICE.parse().unwrap())),
    );
    let mut world = World::with(seed).await;
    world.start_operator(&[]).await;
    let mut spec = webhook_spec(7, "https://bots.example.com/a");
    spec["chatServiceSid"] = json!(SERVICE);
    world.create("bot", spec).await;
    world.wait_ready("bot").await;
    assert!(matches!(world.alive(conversation(7))[0].configuration, Configuration::Webhook { .. }));
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(7)), []);
}

#[tokio::test]
async fn an_object_that_made_nothing_goes_without_credentials() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let mut spec = webhook_spec(1, "https://bots.example.com/a");
    spec["credentialsSecretRef"] = json!({ "name": "nowhere" });
    world.create("bot", spec).await;
    world.wait_reason("bot", "CredentialsMissing").await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.simulator.counters().writes(), 0);
}
