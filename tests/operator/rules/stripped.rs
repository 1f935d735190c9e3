//! R1 and R19: beside a webhook's SID in status an old journal means nothing, and what was stripped comes back.

use std::time::Duration;

use conversation_webhook_operator::api::{
    ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConversationWebhook, FINALIZER,
};
use kube::ResourceExt;
use serde_json::{Value, json};
use twilio_conversations_simulator::Operation;

use crate::support::{
    BOT, SCALED, World, annotate, ask, assert_harmless, conversation, eventually, journal_of, only_webhook,
    sent, sid_of, unsent, webhook_spec,
};

#[tokio::test]
async fn r01_an_old_journal_put_back_beside_a_webhook_means_nothing() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, "--resync-interval=1s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let object = world.wait_ready("bot").await;
    let mut old = unsent(&world, &object, conversation(1)).await;
    old.generation = 0;
    annotate(&world, "bot", ATTEMPT_ANNOTATION, &old.to_annotation().unwrap()).await;
    ask(&world, "bot").await;
    // Nor does it for a process that has never seen the object.
    world.kill_operator();
    world.start_operator(&[SCALED, "--resync-interval=1s"]).await;
    ask(&world, "bot").await;

    let now = world.wait_ready("bot").await;
    assert_eq!(sid_of(&now), sid_of(&object));
    assert_eq!(journal_of(&now).id, old.id);
    assert_eq!(now.status.unwrap().settled_attempt, object.status.unwrap().settled_attempt);
    assert_eq!(sent(&world, 1, Operation::Create).len(), 1);
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}

fn is_protected(object: &ConversationWebhook) -> bool {
    object.finalizers() == [FINALIZER]
        && object.labels().contains_key(CONVERSATION_LABEL)
        && object.annotations().contains_key(ATTEMPT_ANNOTATION)
}

#[tokio::test]
async fn r19_what_was_stripped_from_an_object_with_a_webhook_comes_back_in_one_write() {
    let finalizer = json!({ "finalizers": null });
    let label = json!({ "labels": { CONVERSATION_LABEL: null } });
    let journal = json!({ "annotations": { ATTEMPT_ANNOTATION: null } });
    let merged = |parts: &[&Value]| {
        let parts = parts.iter().flat_map(|part| part.as_object().unwrap().clone());
        json!({ "metadata": Value::Object(parts.collect()) })
    };
    let cases = [
        ("finalizer", "Apply", merged(&[&finalizer])),
        ("label", "Apply", merged(&[&label])),
        ("journal", "Apply", merged(&[&journal])),
        ("all", "Apply", merged(&[&finalizer, &label, &journal])),
        ("observed", "Observe", merged(&[&finalizer, &label, &journal])),
        ("suspended", "Suspended", merged(&[&finalizer, &label, &journal])),
    ];
    let mut world = World::new().await;
    world.start_operator(&["--resync-interval=24h"]).await;
    for (n, (name, mode, _)) in (1..).zip(&cases) {
        world.create(name, webhook_spec(n, BOT)).await;
        world.wait_ready(name).await;
        world.patch(name, json!({ "spec": { "mode": mode } })).await;
        ask(&world, name).await;
    }
    let (mark, seen) = (world.mark().await, world.simulator.journal_mark());
    for (n, (name, _, strip)) in (1..).zip(&cases) {
        let before = world.objects().get(name).await.unwrap();
        assert!(!is_protected(&world.patch(name, strip.clone()).await), "{name}");
        world.wait(name, "protected again", is_protected).await;
        let after = world.objects().get(name).await.unwrap();
        let journal = journal_of(&after);
        let sid = only_webhook(&world, n).sid.to_string();
        assert_eq!(journal.adopt.unwrap().to_string(), sid, "{name}");
        assert_eq!(Some(journal.id), before.status.as_ref().unwrap().settled_attempt, "{name}");
        assert_eq!(after.status, before.status, "{name}");
        assert_eq!(after.labels()[CONVERSATION_LABEL], conversation(n).to_string());
    }
    world.create("neighbour", webhook_spec(60, BOT)).await;
    world.wait_ready("neighbour").await;
    let writes = world.writes_since(mark).await;
    for (n, (name, ..)) in (1..).zip(&cases) {
        let of_it = writes.iter().filter(|write| write.name == *name).count();
        assert_eq!(of_it, 1, "{name}: {writes:?}");
        assert_eq!(sent(&world, n, Operation::Create).len(), 1, "{name}");
    }
    let asked = world.simulator.journal_since(seen);
    assert!(asked.iter().all(|entry| entry.path.contains(&conversation(60).to_string())), "{asked:#?}");
    eventually("the warning in the log", Duration::from_secs(10), async || {
        world.operator.as_ref().unwrap().log().contains("was stripped and is back").then_some(())
    })
    .await;
}
