//! What is not there, or is not named.

use super::*;
use twilio_conversations_simulator::{NotFoundCode, ServiceSid, WebhookSid};

fn specific(world: &World) {
    world.switch(|settings| settings.not_found_code = NotFoundCode::Specific);
}

#[tokio::test]
async fn code_20404_not_found_repeats_the_path() {
    let world = World::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/Nothing",
        "/v1/Conversations/",
        "/v1/Services/IS1/Conversations/x",
        "/v1/Conversations/%FF",
        "/v1/Conversations/nobody",
        "/v1/Conversations/nobody/Webhooks",
    ] {
        assert_eq!(refused_get(&world, path).await, (404, 20404), "{path}");
        let message = world.get(path).await.json["message"].clone();
        assert_eq!(message, format!("The requested resource {path} was not found"));
    }
    assert_eq!(refused_post(&world, "/v1/Configuration/", &[]).await, (404, 20404));
}

#[tokio::test]
async fn code_20004_method_not_allowed() {
    let world = World::start().await;
    assert_eq!(refused_delete(&world, &webhooks(CONVERSATION)).await, (405, 20004));
    let put = world.request(Method::PUT, &conversation(CONVERSATION));
    assert_eq!(refused(&world, put).await, (405, 20004));
}

#[tokio::test]
async fn code_20404_not_found_for_what_belongs_to_another_account() {
    let world = World::start().await;
    let foreign = world.simulator.create_webhook(OF_OTHER, &outside(BOT)).unwrap();
    assert_eq!(refused_get(&world, &webhooks(OF_OTHER)).await, (404, 20404));
    assert_eq!(refused_get(&world, &conversation(OF_OTHER)).await, (404, 20404));
    assert_eq!(refused_delete(&world, &webhook(foreign)).await, (404, 20404));
    assert_eq!(refused_delete(&world, &format!("{}/{foreign}", webhooks(OF_OTHER))).await, (404, 20404));
    assert_eq!(refused_post(&world, &webhooks(OF_OTHER), &webhook_form(BOT)).await, (404, 20404));
}

#[tokio::test]
async fn code_50350_conversation_not_found_where_the_switch_says_so() {
    let world = World::start().await;
    let gone = webhooks(CONVERSATION);
    world.simulator.delete_conversation(CONVERSATION).unwrap();
    for (change, code) in [(None, 20404), (Some(specific), 50350)] {
        if let Some(change) = change {
            change(&world);
        }
        assert_eq!(refused_get(&world, &gone).await, (404, code));
        assert_eq!(refused_post(&world, &gone, &webhook_form(BOT)).await, (404, code));
        assert_eq!(refused_delete(&world, &conversation(CONVERSATION)).await, (404, code));
        assert_eq!(refused_post(&world, &messages(CONVERSATION), &[]).await, (404, code));
    }
}

#[tokio::test]
async fn code_50351_conversation_sid_missing() {
    let world = World::start().await;
    for path in ["/v1/Conversations//Webhooks", "/v1/Conversations//Messages/IM1"] {
        assert_eq!(refused_get(&world, path).await, (400, 50351), "{path}");
    }
    let in_service = format!("/v1/Services/{SERVICE}/Conversations//Webhooks");
    assert_eq!(refused_post(&world, &in_service, &webhook_form(BOT)).await, (400, 50351));
}

#[tokio::test]
async fn code_50360_webhook_not_found_where_the_switch_says_so() {
    let world = World::start().await;
    let deleted = world.create(BOT).await;
    world.delete(&webhook(deleted)).await;
    for (change, code) in [(None, 20404), (Some(specific), 50360)] {
        if let Some(change) = change {
            change(&world);
        }
        for sid in [deleted, WebhookSid::numbered(9)] {
            assert_eq!(refused_get(&world, &webhook(sid)).await, (404, code));
            assert_eq!(refused_post(&world, &webhook(sid), &webhook_form(BOT)).await, (404, code));
            assert_eq!(refused_delete(&world, &webhook(sid)).await, (404, code));
        }
    }
}

#[tokio::test]
async fn code_50360_webhook_not_found_on_another_conversation_than_its_own() {
    let world = World::start().await;
    specific(&world);
    let sid = world.create(BOT).await;
    let elsewhere = format!("/v1/Services/{SERVICE}/Conversations/{IN_SERVICE}/Webhooks/{sid}");
    assert_eq!(refused_delete(&world, &elsewhere).await, (404, 50360));
}

#[tokio::test]
async fn code_50363_webhook_sid_invalid() {
    let world = World::start().await;
    for sid in ["WH1", "nonsense", "CH00000000000000000000000000000001"] {
        let path = format!("{}/{sid}", webhooks(CONVERSATION));
        assert_eq!(refused_get(&world, &path).await, (400, 50363));
        assert_eq!(refused_post(&world, &path, &webhook_form(BOT)).await, (400, 50363));
        assert_eq!(refused_delete(&world, &path).await, (400, 50363));
    }
}

#[tokio::test]
async fn code_50050_service_instance_not_found_where_the_switch_says_so() {
    let world = World::start().await;
    let service = format!("/v1/Services/{}", ServiceSid::numbered(99));
    for (change, code) in [(None, 20404), (Some(specific), 50050)] {
        if let Some(change) = change {
            change(&world);
        }
        let path = format!("{service}/Conversations/{CONVERSATION}/Webhooks");
        assert_eq!(refused_get(&world, &path).await, (404, code));
        assert_eq!(refused_post(&world, &path, &webhook_form(BOT)).await, (404, code));
        assert_eq!(refused_post(&world, &format!("{service}/Conversations"), &[]).await, (404, code));
        assert_eq!(refused_delete(&world, &service).await, (404, code));
    }
}
