//! R2: manifests that come with somebody else's journal: copies, restores, objects of another cluster.

use conversation_webhook_operator::api::{
    CONFIRM_RESTORE_ANNOTATION, ConditionType, ConversationWebhook, Provenance,
};
use kube::ResourceExt;
use serde_json::{Value, json};
use twilio_conversations_simulator::{Entry, Operation};

use crate::support::{
    BOT, SCALED, World, annotate, ask, assert_bears, assert_harmless, backup, condition, conversation, made,
    only_webhook, ready, restore, sent, strip_finalizers, wait_event_saying, webhook_spec,
};

/// A served object is backed up, lost, and brought back while no operator runs. The object and its backup.
async fn restored(world: &mut World) -> ConversationWebhook {
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    world.stop_operator().await;
    let manifest = backup(world, "bot").await;
    world.delete("bot").await;
    strip_finalizers(world, "bot").await;
    restore(world, &manifest).await
}

/// What Twilio was asked about conversation 1 since `mark`.
fn asked_since(world: &World, mark: u64) -> Vec<Entry> {
    let mut asked = world.simulator.journal_since(mark);
    asked.retain(|entry| entry.path.contains(&conversation(1).to_string()));
    asked
}

/// The command that a message gives for the object of this uid.
fn confirm(uid: &str) -> String {
    format!("annotate cw bot --overwrite {CONFIRM_RESTORE_ANNOTATION}={uid}")
}

/// The restored object is held as this says, and nothing is asked of Twilio, until a person confirms the restore of this
/// very object.
async fn assert_held_until_confirmed(world: &World, object: &ConversationWebhook, says: &str) {
    let mark = world.simulator.journal_mark();
    let uid = object.uid().unwrap();
    let held = world.wait_told("bot", "RestoredElsewhere", &[says, &confirm(&uid)]).await;
    assert_eq!(ready(&held).unwrap().status, "False");
    assert_eq!(condition(&held, ConditionType::Stalled).unwrap().status, "True");
    annotate(world, "bot", CONFIRM_RESTORE_ANNOTATION, "6b1f5c0e-2d0a-4d7e-9c39-0a5f1f5e7a11").await;
    ask(world, "bot").await;
    world.wait_told("bot", "RestoredElsewhere", &[says]).await;
    assert_eq!(asked_since(world, mark), []);

    annotate(world, "bot", CONFIRM_RESTORE_ANNOTATION, &uid).await;
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(world, 1), Provenance::Inferred);
    assert_eq!(sent(world, 1, Operation::Create).len(), 1);
    assert_harmless(world);
}

#[tokio::test]
async fn r02_a_manifest_copied_with_its_annotations_leaves_the_owner_its_webhook() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    world.create("owner", webhook_spec(1, BOT)).await;
    let owner = world.wait_ready("owner").await;
    let manifest = backup(&world, "owner").await;
    let copy = async |name: &str, spec: Value| {
        let mut manifest = manifest.clone();
        manifest["metadata"]["name"] = json!(name);
        for (key, value) in spec.as_object().unwrap() {
            manifest["spec"][key] = value.clone();
        }
        restore(&world, &manifest).await;
    };
    copy("other", webhook_spec(1, "https://bots.example.com/other")).await;
    copy("elsewhere", webhook_spec(2, BOT)).await;
    copy("same", json!({})).await;

    for (n, name, url) in [(1, "other", "https://bots.example.com/other"), (2, "elsewhere", BOT)] {
        let object = world.wait_ready(name).await;
        let webhooks = made(&world, n);
        let own = webhooks.iter().find(|webhook| webhook.configuration.url() == Some(url)).unwrap();
        assert_bears(&object, own, Provenance::Created);
    }
    world.wait_told("same", "TwinExists", &[&format!("{}/owner", world.namespace)]).await;
    assert_eq!((made(&world, 1).len(), made(&world, 2).len()), (2, 1));
    assert_eq!(world.objects().get("owner").await.unwrap().status, owner.status);
    assert_harmless(&world);
}

#[tokio::test]
async fn r02_a_restored_object_claims_its_webhook_again() {
    let mut world = World::on_own_plane().await;
    world.start_operator_everywhere(&[SCALED]).await;
    restored(&mut world).await;
    world.start_operator_everywhere(&[SCALED]).await;
    let object = world.wait_ready("bot").await;
    let webhook = only_webhook(&world, 1);
    assert_bears(&object, &webhook, Provenance::Inferred);
    assert_eq!(sent(&world, 1, Operation::Create).len(), 1);
    wait_event_saying(&world, "bot", "CreateRecovered", &[&webhook.sid.to_string()]).await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}

#[tokio::test]
async fn r02_an_object_of_another_cluster_is_held_until_its_restore_is_confirmed() {
    let mut world = World::new().await;
    world.start_operator(&["--cluster-id=there"]).await;
    let object = restored(&mut world).await;
    world.start_operator(&[SCALED, "--cluster-id=here"]).await;
    assert_held_until_confirmed(&world, &object, "restored from another cluster").await;
}

/// Where an operator serves some namespaces only, the owner of a journal may live in another.
#[tokio::test]
async fn r02_a_journal_whose_owner_may_live_unseen_is_held_until_its_restore_is_confirmed() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let object = restored(&mut world).await;
    world.start_operator(&[SCALED]).await;
    let says = "not in a namespace that this operator serves";
    assert_held_until_confirmed(&world, &object, says).await;
}
