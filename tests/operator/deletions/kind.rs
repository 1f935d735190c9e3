//! Rows: the kind itself is being deleted, and the namespace with everything in it.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use twilio_conversations_simulator::Operation;

use crate::support::{
    BOT, PATIENCE, World, assert_harmless, conversation, eventually, only_webhook, sent, wait_event_saying,
    webhook_spec,
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

#[tokio::test]
async fn deletion_a_namespace_that_is_terminated_takes_the_secret_and_the_webhooks() {
    let mut world = World::on_own_plane_with_controller_manager().await;
    world.start_operator(&["--credentials-ttl=1s"]).await;
    for n in 1..=3 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for n in 1..=3 {
        world.wait_ready(&format!("bot-{n}")).await;
    }
    let namespaces: Api<Namespace> = Api::all(world.kube.clone());
    namespaces.delete(&world.namespace, &DeleteParams::default()).await.unwrap();
    eventually("the namespace is gone", PATIENCE, async || {
        namespaces.get_opt(&world.namespace).await.unwrap().is_none().then_some(())
    })
    .await;
    for n in 1..=3 {
        assert_eq!(world.alive(conversation(n)), []);
    }
    assert_harmless(&world);
}
