//! The five operations of scoped webhooks, on both path families.

use crate::fixture::*;
use serde_json::{Value, json};
use twilio_conversations_simulator::{CountLimitStatus, Settings, WebhookSid};

#[tokio::test]
async fn duty_1_json_of_a_created_webhook_comes_back_as_twilio_shows_it() {
    let world = World::start().await;
    let reply = world.post(&webhooks(CONVERSATION), &webhook_form(BOT)).await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.headers["content-type"], "application/json;charset=utf-8");
    let sid = reply.json["sid"].as_str().unwrap();
    assert!(sid.parse::<WebhookSid>().is_ok(), "{sid}");
    let created = reply.json["date_created"].as_str().unwrap();
    assert_eq!(created.len(), "2016-03-24T21:05:50Z".len());
    assert!(created.ends_with('Z') && created.parse::<jiff::Timestamp>().is_ok());
    let expected = json!({
        "sid": sid,
        "account_sid": ACCOUNT,
        "conversation_sid": CONVERSATION,
        "target": "webhook",
        "configuration": {"url": BOT, "method": "post", "filters": ["onMessageAdded"]},
        "date_created": created,
        "date_updated": created,
        "url": world.url(&format!("{}/{sid}", webhooks(CONVERSATION))),
    });
    assert_eq!(reply.json, expected);
    assert_eq!(world.get(&format!("{}/{sid}", webhooks(CONVERSATION))).await.json, expected);
}

#[tokio::test]
async fn duty_3_unknown_parameters_are_ignored_and_an_update_keeps_what_was_not_sent() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    let form = [
        ("Configuration.Url", "https://bots.example.com/b"),
        ("Target", "studio"),
        ("Configuration.ReplayAfter", "0"),
        ("Configuration.Triggers", "help"),
        ("NoSuchParameter", "x"),
    ];
    let reply = world.post(&webhook(sid), &form).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json["target"], "webhook");
    let expected =
        json!({"url": "https://bots.example.com/b", "method": "post", "filters": ["onMessageAdded"]});
    assert_eq!(reply.json["configuration"], expected);

    let lists =
        [("Configuration.Filters", "onMessageUpdated"), ("Configuration.Filters", "onMessageRemoved")];
    let reply = world.post(&webhook(sid), &lists).await;
    assert_eq!(reply.json["configuration"]["filters"], json!(["onMessageUpdated", "onMessageRemoved"]));
}

#[tokio::test]
async fn a_deleted_webhook_is_gone() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    let reply = world.delete(&webhook(sid)).await;
    assert_eq!((reply.status, reply.json), (204, Value::Null));
    for reply in [world.get(&webhook(sid)).await, world.delete(&webhook(sid)).await] {
        assert_eq!(reply.error(), (404, 20404));
        let message = format!("The requested resource {} was not found", webhook(sid));
        assert_eq!(reply.json["message"], message);
    }
}

#[tokio::test]
async fn duty_3_targets_have_fields_of_their_own() {
    let world = World::start().await;
    let trigger = [
        ("Target", "trigger"),
        ("Configuration.Url", BOT),
        ("Configuration.Method", "GET"),
        ("Configuration.Triggers", "help"),
        ("Configuration.Triggers", "agent"),
    ];
    let reply = world.post(&webhooks(CONVERSATION), &trigger).await;
    let expected = json!({"url": BOT, "method": "get", "triggers": ["help", "agent"]});
    assert_eq!(reply.json["configuration"], expected);
    let flow = FLOW.to_string();
    let reply =
        world.post(&webhooks(CONVERSATION), &[("Target", "studio"), ("Configuration.FlowSid", &flow)]).await;
    assert_eq!(reply.json["configuration"], json!({"flow_sid": FLOW}));
}

#[tokio::test]
async fn duty_3_slots_are_five_and_duplicates_are_allowed() {
    let world = World::start().await;
    for _ in 0..5 {
        world.create(BOT).await;
    }
    assert_eq!(world.post(&webhooks(CONVERSATION), &webhook_form(BOT)).await.error(), (400, 50361));
    let forbidden = Settings { count_limit_status: CountLimitStatus::Forbidden, ..Settings::default() };
    world.simulator.set_settings(forbidden);
    assert_eq!(world.post(&webhooks(CONVERSATION), &webhook_form(BOT)).await.error(), (403, 50361));
    assert_eq!(world.simulator.ledger().duplicates()[0].len(), 5);
}

#[tokio::test]
async fn duty_1_paging_urls_are_absolute_and_of_the_host_that_was_asked() {
    let world = World::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.create(BOT).await);
    }
    let path = webhooks(CONVERSATION);
    let whole = world.get(&format!("{path}?PageSize=50")).await.json;
    let url = world.url(&format!("{path}?PageSize=5&Page=0"));
    let meta = json!({"page": 0, "page_size": 5, "first_page_url": url, "previous_page_url": null,
        "url": url, "next_page_url": null, "key": "webhooks"});
    assert_eq!(whole["meta"], meta);
    assert_eq!(world.get(&format!("{path}?PageSize=0")).await.json["meta"]["page_size"], 1);

    let mut seen = Vec::new();
    let mut next = Some(world.url(&format!("{path}?PageSize=2")));
    let mut previous = Value::Null;
    while let Some(url) = next {
        let response = world.client.get(&url).basic_auth(ACCOUNT, Some(TOKEN)).send().await.unwrap();
        let page = Reply::of(response).await.json;
        seen.extend(page["webhooks"].as_array().unwrap().iter().map(|webhook| webhook["sid"].clone()));
        next = page["meta"]["next_page_url"].as_str().map(str::to_owned);
        previous = page["meta"]["previous_page_url"].clone();
    }
    assert_eq!(json!(seen), json!(made));
    let url = previous.as_str().unwrap();
    let page =
        Reply::of(world.client.get(url).basic_auth(ACCOUNT, Some(TOKEN)).send().await.unwrap()).await.json;
    assert_eq!(page["webhooks"][0]["sid"], json!(made[2]));
    assert_eq!(page["meta"]["page"], 1);
}

#[tokio::test]
async fn a_page_token_survives_the_webhook_that_it_names() {
    let world = World::start().await;
    let made = [world.create(BOT).await, world.create(BOT).await, world.create(BOT).await];
    let page = world.get(&format!("{}?PageSize=1", webhooks(CONVERSATION))).await.json;
    world.delete(&webhook(made[0])).await;
    let next = page["meta"]["next_page_url"].as_str().unwrap();
    let page = Reply::of(world.client.get(next).basic_auth(ACCOUNT, Some(TOKEN)).send().await.unwrap()).await;
    assert_eq!(page.json["webhooks"][0]["sid"], json!(made[1]));
}
