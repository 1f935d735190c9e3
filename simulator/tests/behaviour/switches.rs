//! Every switch, at each of its settings. The rest of the suite runs with the defaults.

use crate::fixture::*;
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    Admitted, ClosedConversation, ConversationState, CountLimitStatus, DateUpdated, FilterOrder, ListOrder,
    MethodCase, MissingFilters, NotFoundCode, OtherTargetKeys, PageLimit, StateStatus, StudioFilters,
    TriggerKeys, UniqueNameInPath, WebhookSid,
};

const TWO_FILTERS: [(&str, &str); 2] =
    [("Configuration.Filters", "onMessageAdded"), ("Configuration.Filters", "onMessageRemoved")];

async fn made(world: &World, form: &[(&str, &str)]) -> Value {
    let reply = world.post(&webhooks(CONVERSATION), form).await;
    assert_eq!(reply.status, 201, "{}", reply.json);
    assert_eq!(world.get(&webhook(reply.sid())).await.json, reply.json);
    reply.json
}

async fn made_configuration(world: &World, form: &[(&str, &str)]) -> Value {
    made(world, form).await["configuration"].clone()
}

fn trigger() -> [(&'static str, &'static str); 4] {
    let keywords = [("Configuration.Triggers", "help"), ("Configuration.Triggers", "agent")];
    [("Target", "trigger"), ("Configuration.Url", BOT), keywords[0], keywords[1]]
}

#[tokio::test]
async fn switch_method_case_shows_methods_in_lower_or_upper_case_and_takes_both() {
    let world = World::start().await;
    for (case, shown) in [(MethodCase::Lower, ["get", "post"]), (MethodCase::Upper, ["GET", "POST"])] {
        world.switch(|settings| settings.method_case = case);
        for (method, shown) in [("GET", shown[0]), ("post", shown[1])] {
            let form = [&webhook_form(BOT)[..], &[("Configuration.Method", method)]].concat();
            assert_eq!(made_configuration(&world, &form).await["method"], shown);
        }
    }
}

#[tokio::test]
async fn switch_trigger_keys_shows_keywords_as_triggers_or_as_filters() {
    let world = World::start().await;
    for (keys, shown) in [(TriggerKeys::Triggers, "triggers"), (TriggerKeys::Filters, "filters")] {
        world.switch(|settings| settings.trigger_keys = keys);
        let expected = json!({"url": BOT, "method": "post", shown: ["help", "agent"]});
        assert_eq!(made_configuration(&world, &trigger()).await, expected);
    }
}

#[tokio::test]
async fn switch_echo_replay_after_shows_it_or_not() {
    let world = World::start().await;
    let form = [&webhook_form(BOT)[..], &[("Configuration.ReplayAfter", "7")]].concat();
    assert_eq!(made_configuration(&world, &form).await["replay_after"], Value::Null);
    world.switch(|settings| settings.echo_replay_after = true);
    assert_eq!(made_configuration(&world, &form).await["replay_after"], 7);
    assert_eq!(made_configuration(&world, &webhook_form(BOT)).await["replay_after"], Value::Null);
}

#[tokio::test]
async fn switch_count_limit_status_is_400_or_403() {
    let world = World::start().await;
    world.simulator.fill_slots(CONVERSATION).unwrap();
    for (status, http) in [(CountLimitStatus::BadRequest, 400), (CountLimitStatus::Forbidden, 403)] {
        world.switch(|settings| settings.count_limit_status = status);
        assert_eq!(world.post(&webhooks(CONVERSATION), &webhook_form(BOT)).await.error(), (http, 50361));
    }
}

#[tokio::test]
async fn switch_not_found_code_is_general_or_specific() {
    let world = World::start().await;
    for (code, expected) in [(NotFoundCode::General, 20404), (NotFoundCode::Specific, 50360)] {
        world.switch(|settings| settings.not_found_code = code);
        assert_eq!(world.get(&webhook(WebhookSid::numbered(9))).await.error(), (404, expected));
        assert_eq!(world.get("/v1/Nothing").await.error(), (404, 20404));
    }
}

#[tokio::test]
async fn switch_missing_filters_are_refused_or_never_fire() {
    let world = World::start().await;
    let form = [("Target", "webhook"), ("Configuration.Url", NOBODY)];
    assert_eq!(world.post(&webhooks(CONVERSATION), &form).await.error(), (400, 50370));
    world.switch(|settings| settings.missing_filters = MissingFilters::Accept);
    assert_eq!(made_configuration(&world, &form).await["filters"], json!([]));
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert!(world.heard().await.is_empty());
}

#[tokio::test]
async fn switch_studio_filters_come_back_or_not_and_hold_either_way() {
    let world = World::start().await;
    let flow = FLOW.to_string();
    let plain = [("Target", "studio"), ("Configuration.FlowSid", flow.as_str())];
    let filtered = [&plain[..], &TWO_FILTERS[1..]].concat();
    let shown = json!({"flow_sid": FLOW, "filters": ["onMessageRemoved"]});
    let hidden = json!({"flow_sid": FLOW});
    for (switch, expected) in [(StudioFilters::Echo, shown), (StudioFilters::Hide, hidden.clone())] {
        world.switch(|settings| settings.studio_filters = switch);
        assert_eq!(made_configuration(&world, &filtered).await, expected);
        assert_eq!(made_configuration(&world, &plain).await, hidden);
    }
    let message = world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    world.delete_firing(&format!("{}/{message}", messages(CONVERSATION))).await;
    let removed = world.heard().await.iter().filter(|event| *event == "onMessageRemoved").count();
    assert_eq!(removed, 2);
}

#[tokio::test]
async fn switch_filter_order_is_as_sent_or_reversed() {
    let world = World::start().await;
    let form = [&webhook_form(BOT)[..2], &TWO_FILTERS].concat();
    for (order, filters, triggers) in [
        (FilterOrder::AsSent, ["onMessageAdded", "onMessageRemoved"], ["help", "agent"]),
        (FilterOrder::Reversed, ["onMessageRemoved", "onMessageAdded"], ["agent", "help"]),
    ] {
        world.switch(|settings| settings.filter_order = order);
        assert_eq!(made_configuration(&world, &form).await["filters"], json!(filters));
        assert_eq!(made_configuration(&world, &trigger()).await["triggers"], json!(triggers));
    }
}

#[tokio::test]
async fn switch_list_order_is_oldest_or_newest_first_on_every_page() {
    let world = World::start().await;
    let made = [world.create(BOT).await, world.create(BOT).await, world.create(BOT).await];
    for (order, expected) in [(ListOrder::OldestFirst, [0, 1, 2]), (ListOrder::NewestFirst, [2, 1, 0])] {
        world.switch(|settings| settings.list_order = order);
        let expected = expected.map(|place| made[place]);
        assert_eq!(world.listed().await, expected);
        let first = world.get(&format!("{}?PageSize=2", webhooks(CONVERSATION))).await;
        let next = first.json["meta"]["next_page_url"].as_str().unwrap();
        let second = Reply::to(world.client.get(next).basic_auth(ACCOUNT, Some(TOKEN))).await;
        let paged = [first.column("webhooks", "sid"), second.column("webhooks", "sid")].concat();
        assert_eq!(json!(paged), json!(expected));
    }
}

#[tokio::test]
async fn switch_date_updated_is_always_there_or_null_until_a_change() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    let fresh = world.get(&webhook(sid)).await.json;
    assert_eq!(fresh["date_updated"], fresh["date_created"]);
    world.switch(|settings| settings.date_updated = DateUpdated::AfterChange);
    assert_eq!(world.get(&webhook(sid)).await.json["date_updated"], Value::Null);
    let changed = world.post(&webhook(sid), &webhook_form(BOT)).await.json;
    assert!(changed["date_updated"].is_string());
}

#[tokio::test]
async fn switch_page_limit_is_five_or_a_thousand() {
    let world = World::start().await;
    world.simulator.fill_slots(CONVERSATION).unwrap();
    for (limit, default, most) in [(PageLimit::Five, 5, 5), (PageLimit::Thousand, 50, 1000)] {
        world.switch(|settings| settings.page_limit = limit);
        for (query, size) in [("", default), ("?PageSize=3", 3), ("?PageSize=5000", most)] {
            let reply = world.get(&format!("{}{query}", webhooks(CONVERSATION))).await;
            assert_eq!(reply.json["meta"]["page_size"], size, "{query}");
            assert_eq!(reply.column("webhooks", "sid").len(), size.min(5));
        }
    }
}

#[tokio::test]
async fn switch_closed_conversation_lets_webhooks_be_deleted_or_nothing_or_all() {
    let closed = (400, 50377);
    for (switch, create, delete) in [
        (ClosedConversation::RefuseChanges, closed, (204, 0)),
        (ClosedConversation::RefuseAll, closed, closed),
        (ClosedConversation::Accept, (201, 0), (204, 0)),
    ] {
        let world = World::start().await;
        world.switch(|settings| settings.closed_conversation = switch);
        let sid = world.create(BOT).await;
        world.simulator.set_conversation_state(CONVERSATION, ConversationState::Closed).unwrap();
        let seen = |reply: Reply| if reply.status < 300 { (reply.status, 0) } else { reply.error() };
        let update = if create == closed { closed } else { (200, 0) };
        assert_eq!(seen(world.post(&webhooks(CONVERSATION), &webhook_form(BOT)).await), create);
        assert_eq!(seen(world.post(&webhook(sid), &webhook_form(BOT)).await), update);
        assert_eq!(seen(world.delete(&webhook(sid)).await), delete);
        assert_eq!(seen(world.post(&messages(CONVERSATION), &[]).await), closed, "messages never");
    }
}

#[tokio::test]
async fn switch_state_status_is_400_or_409() {
    let world = World::start().await;
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Initializing).unwrap();
    for (status, http) in [(StateStatus::BadRequest, 400), (StateStatus::Conflict, 409)] {
        world.switch(|settings| settings.state_status = status);
        assert_eq!(world.post(&webhooks(CONVERSATION), &webhook_form(BOT)).await.error(), (http, 50386));
    }
}

#[tokio::test]
async fn switch_unique_name_in_path_is_understood_below_a_conversation_or_not() {
    let world = World::start().await;
    let name = "/v1/Conversations/tenant%20a%2Fsupport";
    for (switch, status) in [(UniqueNameInPath::Accept, 200), (UniqueNameInPath::Refuse, 404)] {
        world.switch(|settings| settings.unique_name_in_path = switch);
        for below in ["Webhooks", "Messages", "Participants"] {
            assert_eq!(world.get(&format!("{name}/{below}")).await.status, status, "{below}");
        }
        assert_eq!(world.get(name).await.status, 200);
        assert_eq!(world.get(&webhooks(CONVERSATION)).await.status, 200);
    }
}

/// Filters that are refused unless a switch lets them pass, and then never fire.
async fn accepted_with(world: &World, switch: impl FnOnce(&World), filters: [&str; 3]) {
    let form =
        |filter| [("Target", "webhook"), ("Configuration.Url", NOBODY), ("Configuration.Filters", filter)];
    for filter in filters {
        assert_eq!(
            world.post(&webhooks(CONVERSATION), &form(filter)).await.error(),
            (400, 50365),
            "{filter}"
        );
    }
    switch(world);
    for filter in filters {
        assert_eq!(made_configuration(world, &form(filter)).await["filters"], json!([filter]));
    }
    world.post_firing("/v1/Conversations", &[]).await;
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    world.delete_firing(&conversation(CONVERSATION)).await;
    assert!(world.heard().await.is_empty());
}

#[tokio::test]
async fn switch_unscoped_events_are_refused_or_never_fire() {
    let world = World::start().await;
    let switch = |world: &World| world.switch(|settings| settings.unscoped_events = Admitted::Accept);
    accepted_with(&world, switch, ["onConversationAdded", "onUserAdded", "onUserUpdated"]).await;
}

#[tokio::test]
async fn switch_legacy_events_are_refused_or_never_fire() {
    let world = World::start().await;
    let switch = |world: &World| world.switch(|settings| settings.legacy_events = Admitted::Accept);
    accepted_with(&world, switch, ["onMessageSent", "onConversationDestroyed", "onMessageSend"]).await;
}

#[tokio::test]
async fn switch_other_target_keys_are_ignored_or_refused() {
    let world = World::start().await;
    let flow = FLOW.to_string();
    let studio = [("Target", "studio"), ("Configuration.FlowSid", flow.as_str())];
    let cases = [
        (&webhook_form(BOT)[..], ("Configuration.Triggers", "help")),
        (&webhook_form(BOT), ("Configuration.FlowSid", flow.as_str())),
        (&trigger(), ("Configuration.Filters", "onMessageAdded")),
        (&studio, ("Configuration.Url", BOT)),
    ];
    for (good, foreign) in cases {
        let form = [good, &[foreign]].concat();
        world.switch(|settings| settings.other_target_keys = OtherTargetKeys::Ignore);
        let plain = made_configuration(&world, good).await;
        let reply = world.post(&webhooks(CONVERSATION), &form).await;
        assert_eq!(reply.json["configuration"], plain);
        world.switch(|settings| settings.other_target_keys = OtherTargetKeys::Refuse);
        assert_eq!(world.post(&webhooks(CONVERSATION), &form).await.error(), (400, 20001), "{foreign:?}");
        assert_eq!(world.post(&webhook(reply.sid()), &[foreign]).await.error(), (400, 20001), "{foreign:?}");
        for record in world.simulator.ledger().alive(CONVERSATION) {
            world.simulator.delete_webhook(record.sid).unwrap();
        }
    }
}

#[tokio::test]
async fn switch_max_concurrent_bounds_the_requests_of_an_account() {
    let world = World::start().await;
    for (most, expected) in [(Some(0), 429), (Some(1), 200), (None, 200)] {
        world.switch(|settings| settings.max_concurrent = most);
        assert_eq!(world.get("/v1/Configuration").await.status, expected, "{most:?}");
    }
}

#[tokio::test]
async fn switch_max_changes_per_second_bounds_what_a_client_changes_and_not_outsiders() {
    let world = World::start().await;
    for _ in 0..40 {
        assert_eq!(world.post(&messages(CONVERSATION), &[]).await.status, 201, "there is no limit by itself");
    }
    world.switch(|settings| settings.max_changes_per_second = Some(0));
    assert_eq!(world.post(&messages(CONVERSATION), &[]).await.error(), (429, 50063));
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(world.simulator.fill_slots(CONVERSATION).unwrap().len(), 5);
}
