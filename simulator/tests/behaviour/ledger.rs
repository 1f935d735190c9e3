//! The journal, the counters, and the truth about every webhook.

use crate::fixture::*;
use http::Method;
use serde_json::json;
use twilio_conversations_simulator::{
    ApiClient, ControlError, Operation, Origin, Outcome, Simulator, WebhookChanges, WebhookSid,
};

#[tokio::test]
async fn duty_8_journal_tells_what_was_asked_and_answered() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    let mark = world.simulator.journal_mark();
    world.get(&format!("{}?PageSize=1", webhooks(CONVERSATION))).await;
    let reply = world.delete(&webhook(sid)).await;
    let [list, delete] = <[_; 2]>::try_from(world.simulator.journal_since(mark)).unwrap();
    assert_eq!((list.seq, list.operation, list.committed), (mark + 1, Some(Operation::List), false));
    assert!(list.path.ends_with("/Webhooks?PageSize=1"));
    assert_eq!((delete.status, delete.outcome, delete.committed), (Some(204), Outcome::Answered, true));
    assert_eq!(reply.headers["twilio-request-id"].to_str().unwrap(), delete.request_id.to_string());
    assert_eq!(reply.headers["twilio-concurrent-requests"], "1");
    assert!(reply.headers["twilio-request-duration"].to_str().unwrap().parse::<f64>().is_ok());
    let create = &world.simulator.journal()[0];
    assert_eq!(create.param("Configuration.Url"), Some(BOT));
    assert_eq!(
        (create.user_agent.as_str(), create.user.as_deref()),
        ("behaviour/1", Some(ACCOUNT.to_string().as_str()))
    );
}

#[tokio::test]
async fn the_journal_is_a_ring_and_the_counters_are_not() {
    let world = World::start().await;
    world.simulator.resize_journal(3);
    for _ in 0..10 {
        world.get("/v1/Configuration").await;
    }
    let numbers: Vec<_> = world.simulator.journal().iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, [8, 9, 10]);
    let counters = world.simulator.counters();
    assert_eq!(counters.of(ACCOUNT, Operation::ConfigurationFetch).requests, 10);
    assert_eq!((counters.reads(), counters.writes()), (10, 0));
    world.simulator.clear_counters();
    assert_eq!(world.simulator.counters().reads(), 0);
}

#[tokio::test]
async fn refused_writes_are_counted_and_not_committed() {
    let world = World::start().await;
    world.post(&webhooks(CONVERSATION), &[]).await;
    let counts = world.simulator.counters().total(Operation::Create);
    assert_eq!((counts.requests, counts.committed, counts.answered(400)), (1, 0, 1));
    assert_eq!(world.simulator.journal()[0].code, Some(50368));
}

#[tokio::test]
async fn the_ledger_knows_who_made_changed_and_deleted_a_webhook() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    world.simulator.edit_webhook(sid, &WebhookChanges::url("https://elsewhere.example.com")).unwrap();
    let request = world.anonymous(Method::DELETE, &webhook(sid)).basic_auth(KEY, Some(SECRET));
    assert_eq!(request.send().await.unwrap().status(), 204);
    let ledger = world.simulator.ledger();
    let record = ledger.get(sid).unwrap();
    assert_eq!(
        record.created.origin,
        Origin::Api { request: 1, user: ACCOUNT.to_string(), user_agent: "behaviour/1".into() }
    );
    assert_eq!(record.edits[0].by.origin, Origin::Outsider);
    assert_eq!(record.edits[0].before.url(), Some(BOT));
    assert_eq!(record.configuration.url(), Some("https://elsewhere.example.com"));
    let deletion = record.deleted.as_ref().unwrap();
    assert!(matches!(&deletion.by.origin, Origin::Api { request: 2, user, .. } if *user == KEY.to_string()));
    assert!(!record.alive() && ledger.alive(CONVERSATION).is_empty());
    assert_eq!(ledger.ever_made(CONVERSATION).len(), 1);
    assert_eq!(ledger.touched_by_others(&ApiClient::user(&ACCOUNT)).len(), 1);
}

#[tokio::test]
async fn a_webhook_that_came_back_is_the_old_one_and_its_absence_stays_on_record() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    let other = world.create("https://bots.example.com/b").await;
    world.delete(&webhook(sid)).await;
    assert_eq!(world.listed().await, [other]);
    world.simulator.restore_webhook(sid).unwrap();
    assert_eq!(world.listed().await, [sid, other], "in its old place");
    assert_eq!(world.get(&webhook(sid)).await.json["configuration"]["url"], BOT);
    let ledger = world.simulator.ledger();
    let record = ledger.get(sid).unwrap();
    let [back] = &record.restored[..] else { panic!("{record:?}") };
    assert_eq!(back.by.origin, Origin::Outsider);
    assert!(matches!(back.deleted.by.origin, Origin::Api { .. }));
    assert!(back.deleted.by.at < back.by.at);
    assert_eq!(record.as_of(back.deleted.by.at), None);
    assert!(record.alive() && record.as_of(back.by.at).is_some());

    world.simulator.restore_webhook(sid).unwrap();
    assert_eq!(world.simulator.ledger().get(sid).unwrap().restored.len(), 1, "it was there already");
    world.simulator.delete_webhook(sid).unwrap();
    world.simulator.fill_slots(CONVERSATION).unwrap();
    assert!(matches!(world.simulator.restore_webhook(sid), Err(ControlError::Refused(_))));
    let unknown = WebhookSid::numbered(99);
    assert_eq!(world.simulator.restore_webhook(unknown), Err(ControlError::UnknownWebhook(unknown)));
    world.simulator.delete_conversation(CONVERSATION).unwrap();
    assert!(matches!(world.simulator.restore_webhook(other), Err(ControlError::Refused(_))));
}

#[tokio::test]
async fn duplicates_are_alive_do_the_same_and_were_made_over_the_api() {
    let world = World::start().await;
    let ordered = |first, second| {
        [
            ("Target", "webhook"),
            ("Configuration.Url", BOT),
            ("Configuration.Filters", first),
            ("Configuration.Filters", second),
        ]
    };
    let path = webhooks(CONVERSATION);
    world.post(&path, &ordered("onMessageAdded", "onMessageRemoved")).await;
    world.simulator.create_webhook(CONVERSATION, &outside(BOT)).unwrap();
    let only = world.create(BOT).await;
    assert!(world.simulator.ledger().duplicates().is_empty());
    let twin = world.post(&path, &ordered("onMessageRemoved", "onMessageAdded")).await;
    assert_eq!(world.simulator.ledger().duplicates().len(), 1);
    assert!(world.simulator.ledger().duplicates()[0].iter().all(|record| record.sid != only));
    world.delete(&format!("{path}/{}", twin.json["sid"].as_str().unwrap())).await;
    assert!(world.simulator.ledger().duplicates().is_empty());
}

#[tokio::test]
async fn touching_what_one_did_not_make_is_seen() {
    let world = World::start().await;
    let foreign = world.simulator.create_webhook(CONVERSATION, &outside(BOT)).unwrap();
    let own = world.create(BOT).await;
    world.post(&webhook(own), &webhook_form(BOT)).await;
    let us = ApiClient::user_agent("behaviour/");
    assert!(world.simulator.ledger().foreign_touched(&us).is_empty());
    world.delete(&webhook(foreign)).await;
    let ledger = world.simulator.ledger();
    assert_eq!(ledger.foreign_touched(&us)[0].sid, foreign);
    assert_eq!(ledger.foreign_touched(&ApiClient::any()).len(), 1);
    assert!(ledger.foreign_touched(&ApiClient::user_agent("somebody else")).is_empty());
    assert_eq!(ledger.made_by(&us).len(), 1);
}

#[tokio::test]
async fn a_reset_starts_again_from_the_seed() {
    let world = World::start().await;
    let first = world.create(BOT).await;
    world.simulator.reset().unwrap();
    assert!(world.simulator.journal().is_empty() && world.simulator.ledger().records().is_empty());
    assert_eq!(world.create(BOT).await, first);
}

#[tokio::test]
async fn a_seeded_webhook_is_nobodys() {
    let config = seed().account(
        twilio_conversations_simulator::AccountSeed::new(OTHER_ACCOUNT, OTHER_TOKEN).conversation(
            twilio_conversations_simulator::ConversationSeed::named("seeded").webhook(outside(BOT)),
        ),
    );
    let simulator = Simulator::start(config).await.unwrap();
    let ledger = simulator.ledger();
    assert_eq!(ledger.records()[0].created.origin, Origin::Seed);
    assert_eq!(json!(ledger.records()[0].account), json!(OTHER_ACCOUNT));
}
