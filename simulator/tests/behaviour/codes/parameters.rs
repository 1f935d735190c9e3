//! What cannot be read, is missing, or does not go together.

use super::*;
use twilio_conversations_simulator::{CountLimitStatus, MissingFilters};

const WEBHOOK: (&str, &str) = ("Target", "webhook");
const TRIGGER: (&str, &str) = ("Target", "trigger");
const STUDIO: (&str, &str) = ("Target", "studio");
const URL: (&str, &str) = ("Configuration.Url", BOT);
const FILTER: (&str, &str) = ("Configuration.Filters", "onMessageAdded");
const KEYWORD: (&str, &str) = ("Configuration.Triggers", "help");

/// A create with one of these is refused with the code, and so is an update of a good webhook with it.
async fn refused_both_ways(good: &[(&str, &str)], bad: &[(&str, &str)], code: u64) {
    let world = World::start().await;
    let name = bad[0].0;
    let others: Vec<_> = good.iter().copied().filter(|(key, _)| *key != name).collect();
    let form: Vec<_> = others.into_iter().chain(bad.iter().copied()).collect();
    assert_eq!(refused_create(&world, &form).await, (400, code), "{form:?}");
    let made = world.post(&webhooks(CONVERSATION), good).await;
    assert_eq!(made.status, 201, "{}", made.json);
    assert_eq!(refused_post(&world, &webhook(made.sid()), bad).await, (400, code), "{bad:?}");
}

#[tokio::test]
async fn code_50364_target_invalid() {
    let world = World::start().await;
    for target in ["Webhook", "flex", "webhook "] {
        assert_eq!(
            refused_create(&world, &[("Target", target), URL, FILTER]).await,
            (400, 50364),
            "{target}"
        );
    }
}

#[tokio::test]
async fn code_50368_target_missing() {
    let world = World::start().await;
    assert_eq!(refused_create(&world, &[]).await, (400, 50368));
    assert_eq!(refused_create(&world, &[URL, FILTER]).await, (400, 50368));
    assert_eq!(refused_create(&world, &[("Target", ""), URL, FILTER]).await, (400, 50368));
}

#[tokio::test]
async fn code_50365_filter_invalid() {
    let pre =
        ["onMessageAdd", "onMessageUpdate", "onMessageRemove", "onConversationAdd", "onConversationUpdate"];
    let other_pre =
        ["onConversationRemove", "onParticipantAdd", "onParticipantUpdate", "onParticipantRemove"];
    let unscoped = ["onUserUpdate", "onConversationAdded", "onUserAdded", "onUserUpdated"];
    let stale = ["onMessageSent", "onConversationDestroyed", "onMessageSend"];
    let unknown = ["", "onmessageadded", "onSomething"];
    let world = World::start().await;
    let sid = world.create(BOT).await;
    for filter in [&pre[..], &other_pre, &unscoped, &stale, &unknown].concat() {
        let bad = ("Configuration.Filters", filter);
        for form in
            [&[WEBHOOK, URL, FILTER, bad][..], &[STUDIO, ("Configuration.FlowSid", &FLOW.to_string()), bad]]
        {
            assert_eq!(refused_create(&world, form).await, (400, 50365), "{form:?}");
        }
        assert_eq!(refused_post(&world, &webhook(sid), &[bad]).await, (400, 50365), "{filter}");
    }
}

#[tokio::test]
async fn code_50370_filter_missing_unless_the_switch_lets_it_pass() {
    let world = World::start().await;
    assert_eq!(refused_create(&world, &[WEBHOOK, URL]).await, (400, 50370));
    world.switch(|settings| settings.missing_filters = MissingFilters::Accept);
    assert_eq!(world.post(&webhooks(CONVERSATION), &[WEBHOOK, URL]).await.status, 201);
}

#[tokio::test]
async fn code_50366_trigger_invalid() {
    let long = "a".repeat(249);
    for keyword in ["", &long] {
        refused_both_ways(&[TRIGGER, URL, KEYWORD], &[("Configuration.Triggers", keyword)], 50366).await;
    }
    let world = World::start().await;
    let longest = "é".repeat(248);
    let form = [TRIGGER, URL, ("Configuration.Triggers", longest.as_str())];
    assert_eq!(world.post(&webhooks(CONVERSATION), &form).await.status, 201);
}

#[tokio::test]
async fn code_50371_trigger_missing() {
    let world = World::start().await;
    assert_eq!(refused_create(&world, &[TRIGGER, URL]).await, (400, 50371));
    assert_eq!(refused_create(&world, &[TRIGGER, URL, FILTER]).await, (400, 50371));
}

#[tokio::test]
async fn code_50362_too_many_triggers_with_either_status() {
    let world = World::start().await;
    let five = [TRIGGER, URL, KEYWORD, KEYWORD, KEYWORD, KEYWORD, KEYWORD];
    let sid = world.post(&webhooks(CONVERSATION), &five).await.sid();
    for (status, http) in [(CountLimitStatus::BadRequest, 400), (CountLimitStatus::Forbidden, 403)] {
        world.switch(|settings| settings.count_limit_status = status);
        assert_eq!(refused_create(&world, &[&five[..], &[KEYWORD]].concat()).await, (http, 50362));
        assert_eq!(refused_post(&world, &webhook(sid), &[KEYWORD; 6]).await, (http, 50362));
    }
}

#[tokio::test]
async fn code_50367_flow_sid_invalid() {
    let flow = FLOW.to_string();
    let good = [STUDIO, ("Configuration.FlowSid", flow.as_str())];
    for bad in ["", "FW1", "FW00000000000000000000000000000099", "fw00000000000000000000000000000001"] {
        refused_both_ways(&good, &[("Configuration.FlowSid", bad)], 50367).await;
    }
    assert_eq!(refused_create(&World::start().await, &[STUDIO]).await, (400, 50367));
}

#[tokio::test]
async fn code_50369_url_missing() {
    let world = World::start().await;
    assert_eq!(refused_create(&world, &[WEBHOOK, FILTER]).await, (400, 50369));
    assert_eq!(refused_create(&world, &[TRIGGER, KEYWORD]).await, (400, 50369));
    refused_both_ways(&[WEBHOOK, URL, FILTER], &[("Configuration.Url", "")], 50369).await;
}

#[tokio::test]
async fn code_50372_url_too_long() {
    let url =
        |length: usize| format!("https://example.com/{}", "a".repeat(length - "https://example.com/".len()));
    let (fits, long) = (url(512), url(513));
    refused_both_ways(&[WEBHOOK, URL, FILTER], &[("Configuration.Url", &long)], 50372).await;
    let form = [WEBHOOK, FILTER, ("Configuration.Url", fits.as_str())];
    assert_eq!(World::start().await.post(&webhooks(CONVERSATION), &form).await.status, 201);
}

#[tokio::test]
async fn code_50054_webhook_format_invalid() {
    for url in ["bots.example.com", "ftp://example.com", "/hook", "http://"] {
        refused_both_ways(&[WEBHOOK, URL, FILTER], &[("Configuration.Url", url)], 50054).await;
    }
    let world = World::start().await;
    let wide = [("PostWebhookUrl", "bots.example.com")];
    assert_eq!(refused_post(&world, "/v1/Configuration/Webhooks", &wide).await, (400, 50054));
}

#[tokio::test]
async fn code_50055_webhook_method_invalid() {
    for method in ["put", "PATCH", ""] {
        refused_both_ways(&[WEBHOOK, URL, FILTER], &[("Configuration.Method", method)], 50055).await;
    }
    let world = World::start().await;
    assert_eq!(refused_post(&world, "/v1/Configuration/Webhooks", &[("Method", "put")]).await, (400, 50055));
}

#[tokio::test]
async fn code_20001_parameter_invalid() {
    let world = World::start().await;
    for index in ["soon", "-1", "1.5", ""] {
        let form = [WEBHOOK, URL, FILTER, ("Configuration.ReplayAfter", index)];
        assert_eq!(refused_create(&world, &form).await, (400, 20001), "{index}");
    }
    for query in ["PageSize=many", "Page=-1"] {
        assert_eq!(refused_get(&world, &format!("{}?{query}", webhooks(CONVERSATION))).await, (400, 20001));
    }
    let long_name = "a".repeat(257);
    for bad in [
        ("Attributes", "{"),
        ("State", "initializing"),
        ("State", "paused"),
        ("UniqueName", &long_name),
        ("FriendlyName", &long_name),
        ("MessagingServiceSid", "MG1"),
        ("Timers.Inactive", "PT59S"),
        ("Timers.Closed", "PT9M59S"),
        ("DateCreated", "yesterday"),
    ] {
        assert_eq!(refused_post(&world, "/v1/Conversations", &[bad]).await, (400, 20001), "{bad:?}");
        assert_eq!(refused_post(&world, &conversation(CONVERSATION), &[bad]).await, (400, 20001), "{bad:?}");
    }
    assert_eq!(refused_post(&world, &participants(CONVERSATION), &[]).await, (400, 20001));
    assert_eq!(refused_post(&world, "/v1/Services", &[]).await, (400, 20001));
    assert_eq!(refused_get(&world, &format!("{}?Order=up", messages(CONVERSATION))).await, (400, 20001));
}

#[tokio::test]
async fn code_50390_unique_name_looks_like_a_sid() {
    let world = World::start().await;
    let name = [("UniqueName", "CH0000000000000000000000000000000F")];
    assert_eq!(refused_post(&world, "/v1/Conversations", &name).await, (400, 50390));
    assert_eq!(refused_post(&world, &conversation(CONVERSATION), &name).await, (400, 50390));
    assert_eq!(world.post("/v1/Conversations", &[("UniqueName", "CH1")]).await.status, 201);
}

#[tokio::test]
async fn code_50396_span_ends_before_it_begins() {
    let world = World::start().await;
    let backwards = "/v1/Conversations?StartDate=2020-01-02&EndDate=2020-01-01";
    assert_eq!(refused_get(&world, backwards).await, (400, 50396));
    let one_day = "/v1/Conversations?StartDate=2020-01-02&EndDate=2020-01-02";
    assert_eq!(world.get(one_day).await.status, 200);
}
