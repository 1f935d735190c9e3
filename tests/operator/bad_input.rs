//! Objects that cannot be carried out as written: a clear word for their owner, nothing for anybody else.

use std::time::{Duration, Instant};

use conversation_webhook_operator::api::ConditionType::{Stalled, Synced};
use conversation_webhook_operator::api::{self, FINALIZER};
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    AccountSeed, ConversationSeed, Fault, FaultRule, Operation, Refusal, Seed,
};

use crate::support::{ACCOUNT, AUTH_TOKEN, World, condition, conversation, eventually, webhook_spec};

/// A webhook on the conversation of this unique name.
fn named_spec(unique_name: &str) -> Value {
    let mut spec = webhook_spec(1, "https://bots.example.com/a");
    spec.as_object_mut().unwrap().remove("conversationSid");
    spec["conversationUniqueName"] = json!(unique_name);
    spec
}

#[tokio::test]
async fn a_unique_name_may_hold_whatever_twilio_lets_it_hold() {
    let names = [
        "a/b",
        "a/../b",
        "/",
        "with space",
        "50%",
        "%2F",
        "%2e%2e",
        "who?a=b&c=d",
        "#hash",
        "grüße-日本-🙂",
        "...",
        "a;b:c@d",
        "CHshort",
    ];
    let account = (1..)
        .zip(names)
        .fold(AccountSeed::new(ACCOUNT.parse().unwrap(), AUTH_TOKEN), |account, (n, name)| {
            account.conversation(ConversationSeed::new(conversation(n)).unique_name(name))
        });
    let mut world = World::with(Seed::new().account(account)).await;
    world.start_operator(&[]).await;
    for (n, name) in (1..).zip(names) {
        world.create(&format!("bot-{n}"), named_spec(name)).await;
    }
    for (n, name) in (1..).zip(names) {
        let status = world.wait_ready(&format!("bot-{n}")).await.status.unwrap();
        assert_eq!(status.conversation_sid.unwrap().as_str(), conversation(n).to_string(), "{name}");
        assert_eq!(world.alive(conversation(n)).len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_unique_name_that_twilio_reads_as_something_else_is_refused() {
    let account = AccountSeed::new(ACCOUNT.parse().unwrap(), AUTH_TOKEN)
        .conversation(ConversationSeed::new(conversation(1)).unique_name("support"))
        .conversation(ConversationSeed::new(conversation(2)).unique_name(".."));
    let mut world = World::with(Seed::new().account(account)).await;
    world.start_operator(&[]).await;
    // A conversation that is called something else, one that does not exist, and steps in a path.
    let (of_support, of_none) = (conversation(1).to_string(), conversation(99).to_string());
    for (name, unique_name) in
        [("sid", of_support.as_str()), ("no-sid", &of_none), ("dot", "."), ("dots", "..")]
    {
        world.create(name, named_spec(unique_name)).await;
        world
            .wait_told(name, "InvalidConfiguration", &["conversationUniqueName", "conversationSid instead"])
            .await;
    }
    assert_eq!(world.simulator.journal(), []);

    // The way out that the message names.
    world.delete("sid").await;
    world.wait_gone("sid").await;
    world.create("sid", webhook_spec(1, "https://bots.example.com/a")).await;
    world.wait_ready("sid").await;
}

#[tokio::test]
async fn an_unknown_unique_name_is_looked_up_once_a_check() {
    let interval = Duration::from_secs(1);
    let mut world = World::new().await;
    world.start_operator(&["--resync-interval=1s"]).await;
    world.create("bot", named_spec("nobody")).await;
    world.create("neighbour", named_spec("support")).await;
    let started = Instant::now();
    world
        .wait_told("bot", "ConversationNotFound", &["no conversation \"nobody\"", "delete this object"])
        .await;
    world.wait_ready("neighbour").await;

    let look_ups = || world.simulator.journal().iter().filter(|entry| entry.path.contains("/nobody")).count();
    eventually("three looks", Duration::from_secs(20), async || (look_ups() >= 3).then_some(())).await;
    let checks = started.elapsed().div_duration_f64(interval).ceil();
    assert!(f64::from(u32::try_from(look_ups()).unwrap()) <= checks + 2.0, "{} in {checks}", look_ups());
    assert_eq!(world.simulator.counters().writes(), 1, "the neighbour's create");

    let named = ConversationSeed::new(conversation(99)).unique_name("nobody");
    world.simulator.create_conversation(ACCOUNT.parse().unwrap(), &named).unwrap();
    world.wait_ready("bot").await;
    assert_eq!(world.alive(conversation(99)).len(), 1);
}

/// The API server cannot know all that Twilio refuses.
#[tokio::test]
async fn what_twilio_refuses_is_said_in_numbers_and_not_in_twilios_words() {
    let mut world = World::new().await;
    // No check falls into the test: it would send the create again.
    world.start_operator(&["--resync-interval=24h"]).await;
    let mut unknown_event = webhook_spec(1, "https://bots.example.com/a");
    unknown_event["configuration"]["filters"] = json!(["onMessageFrobnicated"]);
    let unknown_flow = json!({
        "conversationSid": conversation(2).to_string(),
        "target": "studio",
        "configuration": { "flowSid": format!("FW{:032x}", 99) },
    });
    for (n, name, spec, code, refusal) in [
        (1, "event", unknown_event, 50365, Refusal::InvalidFilter),
        (2, "flow", unknown_flow, 50367, Refusal::InvalidFlowSid),
    ] {
        world.create(name, spec).await;
        let said = format!("Twilio error {code} on create_webhook");
        let object = world.wait_told(name, "InvalidConfiguration", &[&said, "correct the spec"]).await;
        assert_eq!(condition(&object, Stalled).unwrap().status, "True");

        let asked = world.simulator.journal();
        let asked: Vec<_> = asked
            .iter()
            .filter(|entry| entry.operation == Some(Operation::Create))
            .filter(|entry| entry.path.contains(&conversation(n).to_string()))
            .collect();
        let [refused] = asked[..] else { panic!("one create: {asked:?}") };
        let error = object.status.as_ref().unwrap().last_error.clone().unwrap();
        assert_eq!(error.operation, "create_webhook");
        assert_eq!((error.code, error.http_status), (Some(code), Some(400)));
        assert_eq!(error.request_id.unwrap(), refused.request_id.to_string());

        let twilios_words = refusal.to_string();
        let events = eventually("an Event", Duration::from_secs(20), async || {
            Some(world.events(name).await).filter(|events| !events.is_empty())
        })
        .await;
        for shown in [
            serde_json::to_string(&object).unwrap(),
            serde_json::to_string(&events).unwrap(),
            world.operator.as_ref().unwrap().log(),
        ] {
            assert!(!shown.contains(&twilios_words), "{twilios_words:?} in {shown}");
        }
        assert_eq!(world.ever_made(conversation(n)), []);
    }
    world.create("neighbour", webhook_spec(3, "https://bots.example.com/a")).await;
    world.wait_ready("neighbour").await;

    world.patch("event", json!({ "spec": { "configuration": { "filters": ["onMessageAdded"] } } })).await;
    world.patch("flow", json!({ "spec": { "configuration": { "flowSid": crate::support::FLOW } } })).await;
    for name in ["event", "flow"] {
        let object = world.wait_ready(name).await;
        assert_eq!(object.status.as_ref().unwrap().last_error, None);
        assert!(condition(&object, Stalled).is_none());
    }
}

/// The CRD with any spec allowed: as it may have been before a rule was added.
fn loosened_crd() -> Value {
    let mut crd = serde_json::to_value(api::crd()).unwrap();
    let spec = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    *spec = json!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": { "conversationSid": { "type": "string" }, "target": { "type": "string" } },
    });
    crd
}

#[tokio::test]
async fn an_object_that_cannot_be_decoded_says_so_once_and_stops_nobody() {
    let mut world = World::on_own_plane_without_crd().await;
    world.install_crd(&loosened_crd()).await;
    let kind = ApiResource::erase::<api::ConversationWebhook>(&());
    let objects: Api<DynamicObject> = Api::namespaced_with(world.kube.clone(), &world.namespace, &kind);
    let create = async |name: &str, spec: Value| {
        let object = json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
            "kind": "ConversationWebhook",
            "metadata": { "name": name },
            "spec": spec,
        });
        objects.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    };
    let edit = async |name: &str, target: &str| {
        let patch = json!({ "spec": { "target": target } });
        objects.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    };
    let told = async |name: &str| {
        eventually(&format!("{name} says that it cannot be decoded"), Duration::from_mins(1), async || {
            let object = objects.get(name).await.unwrap();
            let status = &object.data["status"];
            let conditions = status["conditions"].as_array()?;
            let said = status["observedGeneration"].as_i64() == object.metadata.generation
                && conditions.iter().any(|condition| {
                    condition["type"] == "Ready"
                        && condition["status"] == "False"
                        && condition["reason"] == "InvalidConfiguration"
                        && condition["message"].as_str().unwrap().contains("kubectl explain cw.spec")
                });
            said.then_some(())
        })
        .await;
    };
    let mut odd = webhook_spec(1, "https://bots.example.com/a");
    odd["target"] = json!("pigeon");

    // There from the start, so that it is in the operator's first list.
    create("odd", odd).await;
    let mark = world.mark().await;
    world.start_operator(&[]).await;
    told("odd").await;
    world.create("served", webhook_spec(2, "https://bots.example.com/a")).await;
    world.create("neighbour", webhook_spec(3, "https://bots.example.com/a")).await;
    for name in ["served", "neighbour"] {
        world.wait_ready(name).await;
    }

    // Served before, and not to be understood any more: it is left as it is, in its deletion too.
    edit("served", "pigeon").await;
    told("served").await;
    objects.delete("served", &DeleteParams::default()).await.unwrap();
    objects.delete("odd", &DeleteParams::default()).await.unwrap();
    world.patch("neighbour", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world.wait_ready("neighbour").await;
    told("served").await;
    let left = objects.get("served").await.unwrap();
    assert_eq!(left.metadata.finalizers.unwrap(), [FINALIZER]);
    assert_eq!(world.alive(conversation(2)).len(), 1);
    assert!(objects.get_opt("odd").await.unwrap().is_none(), "nothing holds what made nothing");
    assert_eq!(world.ever_made(conversation(1)), []);

    let writes = world.writes_since(mark).await;
    let statuses = |name: &str| {
        let of = writes.iter().filter(|request| request.name == name && request.subresource == "status");
        of.count()
    };
    assert_eq!(statuses("odd"), 1, "{writes:?}");
    // The SID, the edit that cannot be decoded, and the deletion, which is a generation too.
    assert_eq!(statuses("served"), 3, "{writes:?}");

    // Understood again, its deletion goes on.
    edit("served", "webhook").await;
    world.wait_gone("served").await;
    assert_eq!(world.alive(conversation(2)), []);
    world.wait_told_by(Synced, "neighbour", "ReconcileSucceeded", &[]).await;
}

#[tokio::test]
async fn an_edit_made_while_twilio_refuses_the_old_spec_is_tried_at_once() {
    let mut world = World::new().await;
    world.start_operator(&["--resync-interval=24h"]).await;
    let slow = FaultRule::new(Fault::delay_before_commit(2_000)).on(Operation::Create).once();
    world.simulator.add_fault(slow);
    let mut spec = webhook_spec(1, "https://bots.example.com/a");
    spec["configuration"]["filters"] = json!(["onNoSuchEvent"]);
    world.create("bot", spec).await;
    eventually("the create is under way", Duration::from_secs(30), async || {
        world.simulator.journal().iter().any(|entry| entry.operation == Some(Operation::Create)).then_some(())
    })
    .await;
    world.patch("bot", json!({ "spec": { "configuration": { "filters": ["onMessageAdded"] } } })).await;
    world.wait_ready("bot").await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
}
