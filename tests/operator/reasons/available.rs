//! `Available`: the webhook is there as written.

use conversation_webhook_operator::api::{ConditionType, Provenance};
use serde_json::json;
use twilio_conversations_simulator::Target;

use super::{BOT, OFTEN, SCALED, alive_sids, assert_conditions, made, wait_event, wait_looks, webhook_of};
use crate::support::{ACCOUNT, FLOW, World, condition, conversation, ready, webhook_spec};

#[tokio::test]
async fn available_with_a_webhook_of_each_target_names_it_and_its_conversation() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world.create("webhook", webhook_spec(1, BOT)).await;
    let mut trigger = webhook_spec(2, BOT);
    trigger["target"] = json!("trigger");
    trigger["configuration"] = json!({ "url": BOT, "triggers": ["help"] });
    world.create("trigger", trigger).await;
    let mut studio = webhook_spec(3, BOT);
    studio["target"] = json!("studio");
    studio["configuration"] = json!({ "flowSid": FLOW });
    world.create("studio", studio).await;

    for (n, name, target) in
        [(1, "webhook", Target::Webhook), (2, "trigger", Target::Trigger), (3, "studio", Target::Studio)]
    {
        let object = world.wait_ready(name).await;
        let sid = webhook_of(&object);
        assert_conditions(&object, ("True", "Available"), "True", false);
        let message = &ready(&object).unwrap().message;
        assert!(message.contains(&sid.to_string()), "{message}");
        assert!(message.contains(&conversation(n).to_string()), "{message}");
        let credentials = condition(&object, ConditionType::CredentialsValid).unwrap();
        assert_eq!(
            (credentials.status.as_str(), credentials.reason.as_str()),
            ("True", "CredentialsAccepted")
        );
        let status = object.status.unwrap();
        assert_eq!(status.account_sid.unwrap().as_str(), ACCOUNT);
        assert_eq!(status.conversation_sid.unwrap().as_str(), conversation(n).to_string());
        assert_eq!(status.provenance, Some(Provenance::Created));
        assert_eq!(alive_sids(&world, n), [sid]);
        assert_eq!(made(&world, n)[0].configuration.target(), target);
        wait_event(&world, name, "Created", &sid.to_string()).await;

        let shown = world.plane.kubectl(&["-n", &world.namespace, "get", "cw", name]).await.unwrap().stdout;
        for text in ["True", "Available", &conversation(n).to_string(), &sid.to_string()] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
    }

    // Checks that find everything as written change nothing.
    let before = world.objects().get("webhook").await.unwrap();
    wait_looks(&world, 1, 3).await;
    let after = world.objects().get("webhook").await.unwrap();
    assert_eq!(before.metadata.resource_version, after.metadata.resource_version);
}
