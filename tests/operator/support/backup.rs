//! What people and their tools do to objects: backups and restores, finalizers taken off by hand, annotations.

use std::time::Duration;

use conversation_webhook_operator::api::{
    ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConversationWebhook, FINALIZER, RECONCILE_ANNOTATION,
};
use conversation_webhook_operator::decide::{Attempt, Desired, Recorded};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use twilio_conversations_simulator::ConversationSid;

use super::{ACCOUNT, World, eventually};

/// The object as a backup keeps it: with its labels and annotations, without what belongs to one life of it.
pub(crate) async fn backup(world: &World, name: &str) -> Value {
    let mut manifest = serde_json::to_value(world.objects().get(name).await.unwrap()).unwrap();
    manifest.as_object_mut().unwrap().remove("status");
    let metadata = manifest["metadata"].as_object_mut().unwrap();
    metadata.retain(|key, _| ["name", "labels", "annotations", "finalizers"].contains(&key.as_str()));
    manifest
}

/// Creates an object from a manifest.
pub(crate) async fn restore(world: &World, manifest: &Value) -> ConversationWebhook {
    let object = serde_json::from_value(manifest.clone()).unwrap();
    world.objects().create(&PostParams::default(), &object).await.unwrap()
}

/// Takes every finalizer off an object that is being deleted, which makes it go at once.
pub(crate) async fn strip_finalizers(world: &World, name: &str) {
    world.patch(name, json!({ "metadata": { "finalizers": null } })).await;
    world.wait_gone(name).await;
}

/// Gives the object this annotation.
pub(crate) async fn annotate(world: &World, name: &str, annotation: &str, value: &str) {
    world.patch(name, json!({ "metadata": { "annotations": { annotation: value } } })).await;
}

/// Asks for the object to be looked at, and waits until that is done: whatever is to be done about it by then, is.
pub(crate) async fn ask(world: &World, name: &str) {
    let asked = Timestamp::now().to_string();
    annotate(world, name, RECONCILE_ANNOTATION, &asked).await;
    world
        .wait(name, "looked at as somebody asked", |object| {
            let status = object.status.as_ref();
            status.and_then(|status| status.last_handled_reconcile_at.as_ref()) == Some(&asked)
        })
        .await;
}

/// The journal that the object bears.
#[track_caller]
pub(crate) fn journal_of(object: &ConversationWebhook) -> Attempt {
    Attempt::parse(&object.annotations()[ATTEMPT_ANNOTATION]).unwrap()
}

/// The object's webhook, by its status.
#[track_caller]
pub(crate) fn sid_of(object: &ConversationWebhook) -> String {
    object
        .status
        .as_ref()
        .and_then(|status| status.webhook_sid.as_ref())
        .expect("a SID in status")
        .to_string()
}

/// The journal of a create for the object as it is, which nobody sent yet.
pub(crate) async fn unsent(
    world: &World,
    object: &ConversationWebhook,
    conversation: ConversationSid,
) -> Attempt {
    let kube_system = Api::<Namespace>::all(world.kube.clone()).get("kube-system").await.unwrap();
    Attempt {
        id: uuid::Uuid::new_v4().to_string(),
        uid: object.uid().unwrap(),
        cluster: kube_system.uid().unwrap(),
        account: ACCOUNT.parse().unwrap(),
        region: "us1".to_owned(),
        conversation: conversation.to_string().parse().unwrap(),
        generation: object.metadata.generation.unwrap(),
        not_after: Timestamp::now().to_string(),
        baseline: [].into(),
        config: Recorded::new(&Desired::from_spec(&object.spec, None).unwrap().config, None),
        past_configs: Vec::new(),
        adopt: None,
        again: false,
    }
}

/// Writes a journal as a process does, with finalizer and label.
pub(crate) async fn write_journal(world: &World, name: &str, journal: &Attempt) {
    let metadata = json!({
        "finalizers": [FINALIZER],
        "labels": { CONVERSATION_LABEL: journal.conversation },
        "annotations": { ATTEMPT_ANNOTATION: journal.to_annotation().unwrap() },
    });
    world.patch(name, json!({ "metadata": metadata })).await;
}

/// Waits for an Event of this reason about the object, whose note says all of this.
pub(crate) async fn wait_event_saying(world: &World, name: &str, reason: &str, says: &[&str]) {
    eventually(
        &format!("Event {reason} about {name}, saying {says:?}"),
        Duration::from_mins(1),
        async || {
            let events = world.events(name).await;
            let told = events.iter().any(|event| {
                let note = event.note.as_deref().unwrap_or_default();
                event.reason.as_deref() == Some(reason) && says.iter().all(|text| note.contains(text))
            });
            told.then_some(())
        },
    )
    .await;
}
