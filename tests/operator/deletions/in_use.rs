//! Secrets that are kept while objects need their credentials (`--protect-secrets`).

use conversation_webhook_operator::api::ConditionType;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::kind::{fill, terminate, wait_nothing_left};
use crate::support::{
    ACCOUNT, AUTH_TOKEN, BOT, PATIENCE, SCALED, World, annotate, ask, assert_harmless, condition,
    conversation, eventually, grant_lease, made, only_webhook, strip_finalizers, webhook_spec,
};

const SECRET: &str = "twilio-credentials";
const FINALIZER: &str = "conversations.twilio-operator.dev/in-use";
const PROTECT: &str = "--protect-secrets=true";
/// The chart's value that gives the right.
const RIGHT: &str = "secretAccess.protect=true";

fn secrets(world: &World) -> Api<Secret> {
    Api::namespaced(world.kube.clone(), &world.namespace)
}

async fn is_kept(world: &World, name: &str) -> bool {
    let secret = secrets(world).get(name).await.unwrap();
    secret.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

async fn wait_kept(world: &World, name: &str, kept: bool) {
    eventually(&format!("{name} kept: {kept}"), PATIENCE, async || {
        (is_kept(world, name).await == kept).then_some(())
    })
    .await;
}

async fn wait_secret_gone(world: &World, name: &str) {
    eventually(&format!("{name} is gone"), PATIENCE, async || {
        secrets(world).get_opt(name).await.unwrap().is_none().then_some(())
    })
    .await;
}

async fn world() -> World {
    let world = World::new().await;
    world.let_protect_secrets(&[SECRET, "other"]).await;
    world
}

#[tokio::test]
async fn deletion_a_secret_waits_for_the_last_object_that_needs_it() {
    let mut world = world().await;
    let mark = world.mark().await;
    world.start_operator(&[PROTECT, "--credentials-ttl=1s"]).await;
    assert!(!is_kept(&world, SECRET).await, "nobody needs it yet");
    for n in 1..=3 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for n in 1..=3 {
        world.wait_ready(&format!("bot-{n}")).await;
        assert!(is_kept(&world, SECRET).await, "a webhook is there, and what deletes it is not kept");
    }
    world.delete_secret(SECRET).await;
    world.delete("bot-1").await;
    world.delete("bot-2").await;
    world.wait_gone("bot-1").await;
    world.wait_gone("bot-2").await;
    assert!(is_kept(&world, SECRET).await, "bot-3 needs it");
    // It still opens the account.
    world
        .patch("bot-3", json!({ "spec": { "configuration": { "url": "https://bots.example.com/new" } } }))
        .await;
    world.wait_ready("bot-3").await;
    assert_eq!(only_webhook(&world, 3).configuration.url(), Some("https://bots.example.com/new"));
    world.delete("bot-3").await;
    world.wait_gone("bot-3").await;
    wait_secret_gone(&world, SECRET).await;
    for n in 1..=3 {
        assert_eq!(world.alive(conversation(n)), [], "{n}");
        assert_eq!(made(&world, n).len(), 1, "{n}");
    }
    assert_harmless(&world);
    let requests = world.requests_since(mark).await.filter(|request| request.namespace == world.namespace);
    // On and off, whatever the number of objects, and each once more where an answer came too late; it is read by its name only.
    assert!((2..=4).contains(&requests.count("patch", "secrets")), "{:?}", requests.counts());
    assert_eq!(
        requests.count("list", "secrets") + requests.count("watch", "secrets"),
        0,
        "{:?}",
        requests.counts()
    );
    assert!(requests.iter().all(|request| request.code != 403), "{requests:?}");
}

/// Each of them sees the others in the cache for a moment longer than they are there.
#[tokio::test]
async fn deletion_the_last_of_many_objects_lets_their_secret_go() {
    let mut world = world().await;
    world.start_operator(&[PROTECT]).await;
    for n in 1..=20 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for n in 1..=20 {
        world.wait_ready(&format!("bot-{n}")).await;
    }
    let mark = world.mark().await;
    world.delete_secret(SECRET).await;
    world.objects().delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    wait_secret_gone(&world, SECRET).await;
    for n in 1..=20 {
        world.wait_gone(&format!("bot-{n}")).await;
        assert_eq!(world.alive(conversation(n)), [], "{n}");
    }
    let requests = world.requests_since(mark).await.filter(|request| request.namespace == world.namespace);
    // Only who sees no other in the cache asks for a list: few of them.
    let lists =
        requests.iter().filter(|request| request.verb == "list" && !request.uri.contains("Selector="));
    println!("{:?}", requests.counts());
    assert!(lists.count() <= 5, "{:?}", requests.counts());
    // Once more where an answer came too late.
    assert!((1..=2).contains(&requests.count("patch", "secrets")), "{:?}", requests.counts());
}

/// Two Secrets, and an object that moves from the one to the other.
#[tokio::test]
async fn a_secret_that_no_object_refers_to_any_more_is_let_go() {
    let mut world = world().await;
    world.secret("other", &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)]).await;
    world.start_operator(&[PROTECT]).await;
    for n in 1..=2 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
        world.wait_ready(&format!("bot-{n}")).await;
    }
    let other = json!({ "spec": { "credentialsSecretRef": { "name": "other" } } });
    world.patch("bot-1", other.clone()).await;
    wait_kept(&world, "other", true).await;
    assert!(is_kept(&world, SECRET).await, "bot-2 needs it");
    world.patch("bot-2", other).await;
    wait_kept(&world, SECRET, false).await;
    assert!(is_kept(&world, "other").await);
    for n in 1..=2 {
        world.delete(&format!("bot-{n}")).await;
        world.wait_gone(&format!("bot-{n}")).await;
    }
    wait_kept(&world, "other", false).await;
    assert_harmless(&world);
}

/// As with a deletion in the foreground: the object is still there after the operator let it go.
#[tokio::test]
async fn an_object_that_others_hold_back_needs_its_secret_no_more() {
    let mut world = world().await;
    world.start_operator(&[PROTECT]).await;
    for n in 1..=2 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
        world.wait_ready(&format!("bot-{n}")).await;
    }
    let held = world.objects().get("bot-1").await.unwrap();
    let finalizers = [held.finalizers(), &["example.com/other".to_owned()]].concat();
    world.patch("bot-1", json!({ "metadata": { "finalizers": finalizers } })).await;
    world.delete("bot-1").await;
    world
        .wait("bot-1", "let go by the operator", |object| {
            object.finalizers() == ["example.com/other".to_owned()]
        })
        .await;
    assert!(is_kept(&world, SECRET).await, "bot-2 needs it");
    world.delete("bot-2").await;
    world.wait_gone("bot-2").await;
    wait_kept(&world, SECRET, false).await;
}

/// Somebody replaced the object by a manifest of old, and deletes it before anybody looked at it.
#[tokio::test]
async fn an_object_that_lost_its_annotation_lets_its_secret_go() {
    let mut world = world().await;
    world.start_operator(&[PROTECT]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    annotate_with_none(&world, "bot").await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    wait_kept(&world, SECRET, false).await;
}

async fn annotate_with_none(world: &World, name: &str) {
    let none = json!({ "conversations.twilio-operator.dev/secret-in-use": null });
    world.patch(name, json!({ "metadata": { "annotations": none } })).await;
}

/// What is written into the annotation by hand is no path, and keeps nobody.
#[tokio::test]
async fn an_annotation_that_names_no_secret_is_none() {
    let mut world = world().await;
    world.start_operator(&[]).await;
    for (n, text) in [(1, ""), (2, "a b"), (3, "x?dryRun=All"), (4, "not-there")] {
        let name = format!("bot-{n}");
        world.create(&name, webhook_spec(n, BOT)).await;
        world.wait_ready(&name).await;
        annotate(&world, &name, "conversations.twilio-operator.dev/secret-in-use", text).await;
        world.delete(&name).await;
        world.wait_gone(&name).await;
        assert_eq!(world.alive(conversation(n)), []);
    }
}

/// The other Secret opens nothing, so the webhook needs the first one still.
#[tokio::test]
async fn a_secret_is_kept_until_another_one_does_as_well() {
    let mut world = world().await;
    world.secret("other", &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", "canary-wrong")]).await;
    world.start_operator(&[PROTECT]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    let other = json!({ "spec": { "credentialsSecretRef": { "name": "other" }, "configuration": { "method": "GET" } } });
    world.patch("bot", other).await;
    world
        .wait("bot", "refused", |object| {
            condition(object, ConditionType::CredentialsValid).is_some_and(|valid| valid.status == "False")
        })
        .await;
    assert!(is_kept(&world, SECRET).await);
    world.secret("other", &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)]).await;
    wait_kept(&world, "other", true).await;
    wait_kept(&world, SECRET, false).await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    wait_kept(&world, "other", false).await;
}

/// Objects of an operator that did not protect anything, and a finalizer that somebody took off.
#[tokio::test]
async fn what_was_there_before_is_protected_at_the_next_check() {
    let mut world = world().await;
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    assert!(!is_kept(&world, SECRET).await);
    world.stop_operator().await;
    world.start_operator(&[PROTECT, "--resync-interval=1s", "--credentials-ttl=1s"]).await;
    wait_kept(&world, SECRET, true).await;
    let off = json!([{ "op": "remove", "path": "/metadata/finalizers" }]).to_string();
    let namespace = world.namespace.clone();
    world
        .plane
        .kubectl(&["patch", "secret", SECRET, "-n", &namespace, "--type=json", "-p", &off])
        .await
        .unwrap();
    wait_kept(&world, SECRET, true).await;
    assert_eq!(made(&world, 1).len(), 1);
    // Told not to any more, it still takes off what it put on; new objects have no part in it.
    world.stop_operator().await;
    world.start_operator(&[]).await;
    world.create("new", webhook_spec(2, BOT)).await;
    world.wait_ready("new").await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    wait_kept(&world, SECRET, false).await;
}

/// The Secret is gone by the time the next process looks, and with it what the delete at Twilio would need.
#[tokio::test]
async fn a_crash_between_the_secret_and_its_last_object_leaves_neither() {
    let mut world = World::on_own_plane_with(&[RIGHT]).await;
    world.start_operator(&[PROTECT, SCALED]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    world.delete_secret(SECRET).await;
    // It may write status and the Secret, and not take its finalizer off.
    let role = ["patch", "clusterrole", "cwo-conversation-webhook-operator", "--type=json", "-p"];
    let verb =
        |verb: &str| json!([{ "op": "replace", "path": "/rules/0/verbs/3", "value": verb }]).to_string();
    world.plane.kubectl(&[&role[..], &[&verb("list")]].concat()).await.unwrap();
    world.wait_may("patch", "conversationwebhooks", false).await;
    world.delete("bot").await;
    wait_secret_gone(&world, SECRET).await;
    world.kill_operator();
    assert_eq!(world.alive(conversation(1)), []);
    let status = world.objects().get("bot").await.unwrap().status.unwrap();
    assert_eq!(status.webhook_sid, None);
    world.plane.kubectl(&[&role[..], &[&verb("patch")]].concat()).await.unwrap();
    world.wait_may("patch", "conversationwebhooks", true).await;
    world.start_operator(&[PROTECT, SCALED]).await;
    world.wait_gone("bot").await;
    assert_harmless(&world);
}

/// One that leaves its webhook to be deleted, and one that keeps it.
#[tokio::test]
async fn the_secret_of_objects_that_vanished_is_let_go() {
    let mut world = world().await;
    world.start_operator(&[PROTECT, SCALED]).await;
    for (n, name) in [(1, "bot"), (2, "retained")] {
        world.create(name, webhook_spec(n, BOT)).await;
        world.wait_ready(name).await;
    }
    world.patch("retained", json!({ "spec": { "deletionPolicy": "Retain" } })).await;
    world.wait_ready("retained").await;
    world.delete_secret(SECRET).await;
    world.operator.as_mut().unwrap().pause().await;
    for name in ["bot", "retained"] {
        world.delete(name).await;
        strip_finalizers(&world, name).await;
    }
    world.operator.as_mut().unwrap().resume();
    wait_secret_gone(&world, SECRET).await;
    assert_eq!(world.alive(conversation(1)), []);
    only_webhook(&world, 2);
    assert_harmless(&world);
}

/// Without the right everything is as without protection, and the log says what is missing.
#[tokio::test]
async fn an_operator_that_may_not_protect_goes_on_without() {
    let mut world = World::new().await;
    world.start_operator(&[PROTECT, "--credentials-ttl=1s", "--resync-interval=1s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    ask(&world, "bot").await;
    assert!(!is_kept(&world, SECRET).await);
    let log = world.operator.as_ref().unwrap().log();
    assert!(log.contains("the operator lacks the right to patch it"), "{log}");
    world.delete_secret(SECRET).await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}

/// With the leader killed at that moment. The finalizers of fifty objects and of their Secret come off in the right order.
#[tokio::test]
async fn deletion_a_namespace_with_a_protected_secret_goes_although_its_leader_is_killed() {
    let mut world = World::on_own_plane_with_controller_manager(&[RIGHT]).await;
    let home = world.beside().await;
    grant_lease(&home).await;
    let lease = format!("--lease-namespace={}", home.namespace);
    let arguments =
        ["--lease-name=cwo-conversation-webhook-operator", &lease, "--credentials-ttl=1s", PROTECT];
    world.start_operator(&arguments).await;
    fill(&world).await;
    assert!(is_kept(&world, SECRET).await);
    terminate(&world).await;
    // Nobody stood by who could have read the Secret: it is there for whoever comes.
    world.kill_operator();
    world.spawn_operator(&arguments);
    wait_nothing_left(&world).await;
}

/// The first block of commands in a section of docs/uninstall.md.
fn commands(section: &str) -> String {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/uninstall.md"));
    let (_, section) = text.split_once(&format!("\n## {section}\n")).unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[tokio::test]
async fn what_hangs_without_an_operator_goes_by_the_commands_of_the_documentation() {
    let mut world = World::on_own_plane_with(&[RIGHT]).await;
    world.start_operator(&[PROTECT]).await;
    for n in 1..=2 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
        world.wait_ready(&format!("bot-{n}")).await;
    }
    world.kill_operator();
    world.delete("bot-1").await;
    world.delete_secret(SECRET).await;

    world.plane.shell(&commands("Objects that hang because the operator went first")).await.unwrap();
    world.wait_gone("bot-1").await;
    let stays = world.objects().get("bot-2").await.unwrap();
    assert!(!stays.finalizers().is_empty(), "nobody deleted it");
    assert!(is_kept(&world, SECRET).await);
    world.plane.shell(&commands("Secrets that hang")).await.unwrap();
    wait_secret_gone(&world, SECRET).await;
    for n in 1..=2 {
        only_webhook(&world, n);
    }
}
