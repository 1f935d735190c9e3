//! Rows: the kind itself is being deleted, and the namespace with everything in it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use twilio_conversations_simulator::Operation;

use crate::support::{
    BOT, PATIENCE, World, assert_harmless, conversation, eventually, grant_lease, only_webhook, sent,
    wait_event_saying, webhook_spec,
};

#[tokio::test]
async fn deletion_the_kind_being_deleted_leaves_every_webhook() {
    const OBJECTS: u32 = 20;
    let mut world = World::on_own_plane().await;
    world.start_operator(&[]).await;
    for n in 1..=OBJECTS {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for n in 1..=OBJECTS {
        world.wait_ready(&format!("bot-{n}")).await;
    }
    let mark = world.mark().await;
    let kind = "crd/conversationwebhooks.conversations.twilio-operator.dev";
    world.plane.kubectl(&["delete", kind, "--timeout=60s"]).await.unwrap();
    for n in 1..=OBJECTS {
        only_webhook(&world, n);
        assert_eq!(sent(&world, n, Operation::Delete), [], "conversation {n}");
    }
    let says = ["stays at Twilio", "the kind itself is being removed"];
    wait_event_saying(&world, "bot-1", "Retained", &says).await;
    let looks = world.requests_since(mark).await.count("get", "customresourcedefinitions");
    // One for the burst, and one more for each tenth of a second that it takes to be seen.
    assert!((1..=5).contains(&looks), "{looks} looks at the kind for {OBJECTS} objects");
}

/// An operator that may not read the kind takes its deletion for one like any other.
#[tokio::test]
async fn deletion_the_kind_being_deleted_takes_the_webhooks_where_the_guard_is_off() {
    let mut world = World::on_own_plane_with(&["crds.guard=false"]).await;
    let mark = world.mark().await;
    world.start_operator(&["--crd-guard=false"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    let kind = "crd/conversationwebhooks.conversations.twilio-operator.dev";
    world.plane.kubectl(&["delete", kind, "--timeout=60s"]).await.unwrap();
    assert_eq!(world.alive(conversation(1)), []);
    let requests = world.requests_since(mark).await;
    assert_eq!(requests.count("get", "customresourcedefinitions"), 0, "{:?}", requests.counts());
    assert!(requests.iter().all(|request| request.code != 403), "{requests:?}");
    assert_harmless(&world);
}

/// Five webhooks to a conversation.
const IN_ONE_NAMESPACE: u32 = 50;
/// From the delete until nothing is left, the time that a Lease needs to end included.
const WITHIN: Duration = Duration::from_mins(1);

/// A namespace with [`IN_ONE_NAMESPACE`] objects, all Ready.
pub(super) async fn fill(world: &World) {
    for n in 0..IN_ONE_NAMESPACE {
        let spec = webhook_spec(n / 5 + 1, &format!("https://bots.example.com/{n}"));
        world.create(&format!("bot-{n}"), spec).await;
    }
    for n in 0..IN_ONE_NAMESPACE {
        world.wait_ready(&format!("bot-{n}")).await;
    }
}

/// The Secret goes first, and the namespace with all that is in it.
pub(super) async fn terminate(world: &World) {
    world.delete_secret("twilio-credentials").await;
    let namespaces: Api<Namespace> = Api::all(world.kube.clone());
    namespaces.delete(&world.namespace, &DeleteParams::default()).await.unwrap();
}

pub(super) async fn wait_nothing_left(world: &World) {
    let namespaces: Api<Namespace> = Api::all(world.kube.clone());
    eventually("the namespace is gone", WITHIN, async || {
        namespaces.get_opt(&world.namespace).await.unwrap().is_none().then_some(())
    })
    .await;
    for n in 0..IN_ONE_NAMESPACE / 5 {
        assert_eq!(world.alive(conversation(n + 1)), []);
        assert_eq!(world.ever_made(conversation(n + 1)).len(), 5);
    }
    assert_harmless(world);
}

#[tokio::test]
async fn deletion_a_namespace_that_is_terminated_takes_the_secret_and_the_webhooks() {
    let mut world = World::on_own_plane_with_controller_manager(&[]).await;
    world.start_operator(&["--credentials-ttl=1s"]).await;
    fill(&world).await;
    terminate(&world).await;
    wait_nothing_left(&world).await;
}

/// The credentials are in the memory of the replica that stands by.
#[tokio::test]
async fn deletion_a_namespace_whose_leader_is_killed_at_that_moment_goes_all_the_same() {
    let mut world = World::on_own_plane_with_controller_manager(&[]).await;
    let home = world.beside().await;
    grant_lease(&home).await;
    let lease = format!("--lease-namespace={}", home.namespace);
    let arguments = ["--lease-name=cwo-conversation-webhook-operator", &lease, "--credentials-ttl=1s"];
    world.start_operator(&arguments).await;
    fill(&world).await;
    let standby = world.start_another_operator(&arguments).await;
    eventually("the standby has seen all", PATIENCE, async || {
        (standby.status("/readyz").await == 200).then_some(())
    })
    .await;
    terminate(&world).await;
    world.kill_operator();
    wait_nothing_left(&world).await;
}
