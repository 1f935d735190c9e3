//! R4: a webhook that exists is taken over by one object, whoever else wants it.

use std::collections::BTreeSet;
use std::time::Duration;

use conversation_webhook_operator::api::{ConversationWebhook, FINALIZER, Provenance};
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::{Value, json};
use twilio_conversations_simulator::{Operation, WebhookSeed};

use crate::support::{
    BOT, World, assert_bears, conversation, eventually, journal_of, plant, ready, sent, sid_of,
    wait_event_saying, webhook_spec,
};

/// A webhook on conversation `n` that takes over `webhook`.
fn hint(n: u32, webhook: &str) -> Value {
    let mut spec = webhook_spec(n, BOT);
    spec["webhookSid"] = json!(webhook);
    spec
}

/// The same where an identical one is taken over, whichever that is.
fn if_identical(n: u32) -> Value {
    let mut spec = webhook_spec(n, BOT);
    spec["adoptionPolicy"] = json!("IfIdentical");
    spec
}

fn seed(url: &str) -> WebhookSeed {
    WebhookSeed::webhook(url).method("POST").filters(["onMessageAdded"])
}

#[tokio::test]
async fn r04_taking_over_is_journalled_and_siblings_are_read_live_before_the_claim() {
    let mut world = World::new().await;
    let named = plant(&world, 1, &seed("https://elsewhere.example.com/"));
    let identical = plant(&world, 2, &seed(BOT));
    world.start_operator(&[]).await;
    for (n, name, spec, webhook) in
        [(1, "named", hint(1, &named), &named), (2, "identical", if_identical(2), &identical)]
    {
        let mark = world.mark().await;
        world.create(name, spec).await;
        let object = world.wait_ready(name).await;
        let alive = world.alive(conversation(n));
        assert_eq!(alive[0].sid.to_string(), *webhook);
        assert_eq!(alive[0].configuration.url(), Some(BOT), "as written, whatever it did before");
        assert_bears(&object, &alive[0], Provenance::Adopted);
        let journal = journal_of(&object);
        assert_eq!(journal.adopt.unwrap().to_string(), *webhook);
        assert_eq!(Some(journal.id), object.status.as_ref().unwrap().settled_attempt);
        assert_eq!(object.finalizers(), [FINALIZER]);
        assert_eq!(sent(&world, n, Operation::Create), []);
        wait_event_saying(&world, name, "Adopted", &[webhook]).await;

        let touched = world.touches_since(mark).await;
        let at = |what: &str, is: &dyn Fn(&controlplane::Request) -> bool| {
            touched.iter().position(is).unwrap_or_else(|| panic!("{what} in {touched:?}"))
        };
        let patch = |part: &'static str| {
            move |request: &controlplane::Request| request.verb == "patch" && request.subresource == part
        };
        let journalled = at("the journal", &patch(""));
        let claimed = at("the claim", &patch("status"));
        for selector in ["labelSelector=", "fieldSelector="] {
            let read = touched[journalled..claimed].iter().any(|request| {
                request.verb == "list"
                    && request.uri.contains(selector)
                    && !request.uri.contains("resourceVersion=")
            });
            assert!(read, "siblings by {selector} between journal and claim: {touched:?}");
        }
    }
}

#[tokio::test]
async fn r04_of_two_objects_that_name_one_webhook_one_gets_it_and_the_other_is_told_whose_it_is() {
    let mut world = World::new().await;
    let webhook = plant(&world, 1, &seed(BOT));
    world.start_operator(&["--resync-interval=1s"]).await;
    for name in ["one", "other"] {
        world.create(name, hint(1, &webhook)).await;
    }
    let winner = eventually("one of them is Ready", Duration::from_mins(1), async || {
        let objects = world.objects().list(&ListParams::default()).await.unwrap().items;
        objects.into_iter().find(|object| ready(object).is_some_and(|ready| ready.status == "True"))
    })
    .await;
    let loser = if winner.name_any() == "one" { "other" } else { "one" };
    let owner = format!("{}/{}", world.namespace, winner.name_any());
    let told = world.wait_told(loser, "AlreadyClaimed", &[&webhook, &owner, "edit cw"]).await;
    assert_eq!(told.status.unwrap().webhook_sid, None);
    assert_eq!(sid_of(&winner), webhook);
    // The one that waits is told at once what becomes of the webhook.
    world.delete(&winner.name_any()).await;
    world.wait_told(loser, "WebhookMissing", &[&webhook, "webhookSid"]).await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
}

/// The objects that claim each webhook, and whether all say how they ended.
fn claims(objects: &[ConversationWebhook]) -> (Vec<String>, bool) {
    let claimed = |object: &ConversationWebhook| {
        let status = object.status.as_ref()?;
        status.webhook_sid.as_ref().map(ToString::to_string)
    };
    let settled = objects.iter().all(|object| {
        ready(object).is_some_and(|ready| {
            ready.status == "True" || ["AlreadyClaimed", "TwinExists"].contains(&ready.reason.as_str())
        })
    });
    (objects.iter().filter_map(claimed).collect(), settled)
}

#[tokio::test]
async fn r04_two_operators_never_give_one_webhook_to_two_objects() {
    const PAIRS: u32 = 8;
    let mut world = World::new().await;
    let webhooks: Vec<String> = (1..=PAIRS).map(|n| plant(&world, n, &seed(BOT))).collect();
    world.start_operator(&["--time-scale=0.1", "--resync-interval=1s"]).await;
    let _other = world.start_another_operator(&["--time-scale=0.1", "--resync-interval=1s"]).await;
    for (n, webhook) in (1..=PAIRS).zip(&webhooks) {
        for name in ["one", "other"] {
            let spec = if n % 2 == 0 { hint(n, webhook) } else { if_identical(n) };
            world.create(&format!("{name}-{n}"), spec).await;
        }
    }
    let borne = eventually("each pair is settled", Duration::from_mins(1), async || {
        let objects = world.objects().list(&ListParams::default()).await.unwrap().items;
        let (claimed, settled) = claims(&objects);
        let distinct: BTreeSet<&String> = claimed.iter().collect();
        assert_eq!(distinct.len(), claimed.len(), "claimed twice: {claimed:?}");
        (settled && claimed.len() == webhooks.len()).then_some(claimed)
    })
    .await;
    assert_eq!(BTreeSet::from_iter(borne), BTreeSet::from_iter(webhooks));
    for n in 1..=PAIRS {
        assert_eq!(world.ever_made(conversation(n)).len(), 1, "nothing was made beside it");
        assert_eq!(sent(&world, n, Operation::Delete), []);
    }
}
