//! The states of a conversation, and the timers that lead from one to the next.

use std::time::Duration;

use crate::fixture::*;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use twilio_conversations_simulator::{ConversationSeed, ConversationSid, ConversationState};

const MINUTE: Duration = Duration::from_mins(1);

fn state(world: &World, sid: ConversationSid) -> ConversationState {
    world.simulator.conversation(sid).unwrap().state
}

async fn set_timers(world: &World, inactive: &str, closed: &str) -> Reply {
    world.post(&conversation(CONVERSATION), &[("Timers.Inactive", inactive), ("Timers.Closed", closed)]).await
}

/// How far from now the moments of a conversation's `timers` are, in whole minutes.
fn minutes_from_now(timers: &Value, now: Timestamp) -> [Option<i64>; 2] {
    ["date_inactive", "date_closed"].map(|name| {
        let moment: Timestamp = timers[name].as_str()?.parse().unwrap();
        let span = moment.duration_since(now).as_secs();
        assert!((span + 5) % 60 <= 10, "{name} in {span} s");
        Some((span + 5) / 60)
    })
}

#[tokio::test]
async fn timers_run_from_the_last_message() {
    let world = World::start().await;
    let set = set_timers(&world, "PT1M", "PT10M").await;
    assert_eq!(minutes_from_now(&set.json["timers"], Timestamp::now()), [Some(1), Some(10)]);
    world.simulator.advance_clock(Duration::from_secs(50));
    assert_eq!(state(&world, CONVERSATION), ConversationState::Active);
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    world.simulator.advance_clock(Duration::from_secs(50));
    assert_eq!(state(&world, CONVERSATION), ConversationState::Active, "a message starts them anew");
    world.simulator.advance_clock(Duration::from_secs(10));
    assert_eq!(state(&world, CONVERSATION), ConversationState::Inactive);
    let inactive = world.get(&conversation(CONVERSATION)).await.json;
    assert_eq!(
        (&inactive["state"], &inactive["timers"]["date_inactive"]),
        (&json!("inactive"), &Value::Null)
    );
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(state(&world, CONVERSATION), ConversationState::Active, "a message wakes it");
    world.simulator.advance_clock(10 * MINUTE);
    assert_eq!(state(&world, CONVERSATION), ConversationState::Closed);
    assert_eq!(world.get(&conversation(CONVERSATION)).await.json["timers"], json!({}));
}

#[tokio::test]
async fn a_timer_that_is_due_is_seen_by_the_next_request_at_once() {
    let world = World::start().await;
    set_timers(&world, "PT1M", "PT10M").await;
    let advanced = world.control(Method::POST, "/clock/advance", json!({"byMs": 600_000})).await;
    assert_eq!(advanced.status, 204);
    assert_eq!(world.post(&webhooks(CONVERSATION), &webhook_form(BOT)).await.error(), (400, 50377));
    assert_eq!(world.control(Method::POST, "/clock/advance", json!({"by": 1})).await.status, 422);
}

#[tokio::test]
async fn timers_are_iso_8601_durations_with_a_floor() {
    let world = World::start().await;
    for (inactive, closed, minutes) in [
        ("PT1M", "PT10M", [1, 10]),
        ("PT60S", "PT600S", [1, 10]),
        ("PT1H30M", "P1D", [90, 24 * 60]),
        ("P1DT1M", "P1W", [24 * 60 + 1, 7 * 24 * 60]),
    ] {
        let reply = set_timers(&world, inactive, closed).await;
        assert_eq!(reply.status, 200, "{inactive} {closed}: {}", reply.json);
        assert_eq!(minutes_from_now(&reply.json["timers"], Timestamp::now()), minutes.map(Some));
    }
    for (inactive, closed) in [
        ("PT59S", "PT10M"),
        ("PT1M", "PT9M59S"),
        ("1m", "PT10M"),
        ("PT1M", "600"),
        ("-PT5M", "PT10M"),
        ("P1M", "PT10M"),
        ("PT1M", "P1Y"),
    ] {
        assert_eq!(set_timers(&world, inactive, closed).await.error(), (400, 20001), "{inactive} {closed}");
    }
}

#[tokio::test]
async fn a_new_conversation_has_the_timers_of_the_account_unless_it_names_its_own() {
    let world = World::start().await;
    let defaults = [("DefaultInactiveTimer", "PT2M"), ("DefaultClosedTimer", "PT20M")];
    let configuration = world.post("/v1/Configuration", &defaults).await;
    assert_eq!(configuration.status, 200);
    assert_eq!(configuration.json["default_inactive_timer"], "PT2M");
    assert_eq!(configuration.json["default_closed_timer"], "PT20M");
    let now = Timestamp::now();
    let plain = world.post("/v1/Conversations", &[]).await.json;
    assert_eq!(minutes_from_now(&plain["timers"], now), [Some(2), Some(20)]);
    let own = world.post("/v1/Conversations", &[("Timers.Inactive", "PT5M")]).await.json;
    assert_eq!(minutes_from_now(&own["timers"], now), [Some(5), Some(20)]);
    let older = world.get(&conversation(CONVERSATION)).await.json;
    assert_eq!(older["timers"], json!({}), "it was there before");
    for short in [("DefaultInactiveTimer", "PT59S"), ("DefaultClosedTimer", "PT9M")] {
        assert_eq!(world.post("/v1/Configuration", &[short]).await.error(), (400, 20001));
    }
}

#[tokio::test]
async fn a_timer_that_is_set_while_a_conversation_is_inactive_counts() {
    let world = World::start().await;
    set_timers(&world, "PT1M", "PT10M").await;
    world.simulator.advance_clock(MINUTE);
    assert_eq!(state(&world, CONVERSATION), ConversationState::Inactive);
    world.post(&conversation(CONVERSATION), &[("Timers.Closed", "PT1H")]).await;
    world.simulator.advance_clock(59 * MINUTE);
    assert_eq!(state(&world, CONVERSATION), ConversationState::Inactive);
    world.simulator.advance_clock(MINUTE);
    assert_eq!(state(&world, CONVERSATION), ConversationState::Closed);
}

#[tokio::test]
async fn states_follow_requests_and_closed_is_final() {
    let world = World::start().await;
    for name in ["inactive", "active", "inactive", "closed"] {
        let reply = world.post(&conversation(CONVERSATION), &[("State", name)]).await;
        assert_eq!((reply.status, &reply.json["state"]), (200, &json!(name)));
    }
    for name in ["active", "inactive", "closed"] {
        assert_eq!(world.post(&conversation(CONVERSATION), &[("State", name)]).await.error(), (400, 50377));
    }
    world.simulator.advance_clock(MINUTE);
    assert_eq!(state(&world, CONVERSATION), ConversationState::Closed);
    assert_eq!(world.delete(&conversation(CONVERSATION)).await.status, 204, "it can still be deleted");
}

#[tokio::test]
async fn a_seeded_conversation_has_its_timers() {
    let world = World::start().await;
    let seed = ConversationSeed::new(ConversationSid::numbered(9)).timers("PT1M", "PT10M");
    let sid = world.simulator.create_conversation(ACCOUNT, &seed).unwrap();
    let closes = world.simulator.conversation(sid).unwrap().closed_at.unwrap();
    let span = closes.duration_since(Timestamp::now());
    assert!(span <= SignedDuration::from_mins(10) && span > SignedDuration::from_mins(9), "{span}");
    world.simulator.advance_clock(MINUTE);
    assert_eq!(state(&world, sid), ConversationState::Inactive);
    let wrong = ConversationSeed::named("wrong").timers("soon", "PT10M");
    assert!(world.simulator.create_conversation(ACCOUNT, &wrong).is_err());
}
