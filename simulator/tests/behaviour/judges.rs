//! What the ledger says to whoever judges a client: who made what, and who laid hands on what is not its own.

use crate::fixture::*;
use http::Method;
use twilio_conversations_simulator::{
    ApiClient, KeySeed, KeySid, Ledger, Origin, WebhookChanges, WebhookRecord, WebhookSid,
};

/// As many changes of one webhook as are kept.
const KEPT: usize = 32;

async fn edit(world: &World, sid: WebhookSid, url: &str) {
    assert_eq!(world.post(&webhook(sid), &[("Configuration.Url", url)]).await.status, 200);
}

async fn edit_with_key(world: &World, sid: WebhookSid, key: KeySid) {
    world.simulator.add_key(ACCOUNT, &KeySeed::new(key, SECRET)).unwrap();
    let request = world.anonymous(Method::POST, &webhook(sid)).basic_auth(key, Some(SECRET));
    assert_eq!(Reply::to(request.form(&[("Configuration.Url", BOT)])).await.status, 200);
}

fn sids(records: Vec<&WebhookRecord>) -> Vec<WebhookSid> {
    records.into_iter().map(|record| record.sid).collect()
}

fn record(ledger: &Ledger, sid: WebhookSid) -> &WebhookRecord {
    ledger.get(sid).unwrap()
}

#[tokio::test]
async fn the_last_32_edits_are_kept_and_everybody_who_edited() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    world.simulator.edit_webhook(sid, &WebhookChanges::url("https://stranger.example.com")).unwrap();
    for number in 0..KEPT + 8 {
        edit(&world, sid, &format!("https://own.example.com/{number}")).await;
    }
    let ledger = world.simulator.ledger();
    let edits = &record(&ledger, sid).edits;
    assert_eq!(edits.len(), KEPT);
    assert_eq!(edits[0].by.origin, Origin::Outsider, "though its edit is the oldest");
    assert_eq!(edits[0].before.url(), Some(BOT));
    let last = edits.last().unwrap().before.url().unwrap();
    assert_eq!(last, format!("https://own.example.com/{}", KEPT + 6));
    assert!(edits.is_sorted_by_key(|edit| edit.by.at));
    let us = ApiClient::user_agent("behaviour/");
    assert_eq!(sids(ledger.touched_by_others(&us)), [sid]);
    assert!(ledger.foreign_touched(&us).is_empty());
}

#[tokio::test]
async fn a_client_is_forgotten_only_when_there_are_more_than_places() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    let key = |number: usize| KeySid::numbered(100 + number as u128);
    for number in 0..KEPT {
        edit_with_key(&world, sid, key(number)).await;
    }
    let ledger = world.simulator.ledger();
    for number in 0..KEPT {
        assert_eq!(sids(ledger.foreign_touched(&ApiClient::user(&key(number)))), [sid], "{number}");
    }
    edit_with_key(&world, sid, key(KEPT)).await;
    let ledger = world.simulator.ledger();
    assert_eq!(record(&ledger, sid).edits.len(), KEPT);
    assert!(ledger.foreign_touched(&ApiClient::user(&key(0))).is_empty());
    assert_eq!(sids(ledger.foreign_touched(&ApiClient::user(&key(KEPT)))), [sid]);
}

#[tokio::test]
async fn an_edit_a_deletion_and_one_that_was_taken_back_all_count_as_touching() {
    let world = World::start().await;
    let foreign = |url: &str| world.simulator.create_webhook(CONVERSATION, &outside(url)).unwrap();
    let [edited, deleted, restored, untouched] = ["edited", "deleted", "restored", "untouched"]
        .map(|name| foreign(&format!("https://{name}.example.com")));
    edit(&world, edited, BOT).await;
    world.delete(&webhook(deleted)).await;
    world.delete(&webhook(restored)).await;
    world.simulator.restore_webhook(restored).unwrap();
    world.get(&webhook(untouched)).await;
    let ledger = world.simulator.ledger();
    assert_eq!(sids(ledger.foreign_touched(&ApiClient::any())), [edited, deleted, restored]);
    assert!(ledger.foreign_touched(&ApiClient::user(&KEY)).is_empty(), "another client of the same account");
    assert_eq!(sids(ledger.alive(CONVERSATION)), [edited, restored, untouched]);
    assert_eq!(ledger.ever_made(CONVERSATION).len(), 4);
}

#[tokio::test]
async fn what_a_client_made_is_told_from_what_others_made() {
    let world = World::start().await;
    let own = world.create(BOT).await;
    let other = world.simulator.create_webhook(CONVERSATION, &outside(BOT)).unwrap();
    let elsewhere = world.simulator.create_webhook(OF_OTHER, &outside(BOT)).unwrap();
    let ledger = world.simulator.ledger();
    let both = ApiClient { user: Some(ACCOUNT.to_string()), user_agent: Some("behaviour/1".to_owned()) };
    for us in [ApiClient::any(), ApiClient::user(&ACCOUNT), ApiClient::user_agent("behaviour/"), both.clone()]
    {
        assert_eq!(sids(ledger.made_by(&us)), [own], "{us:?}");
    }
    let neither = ApiClient { user: Some(KEY.to_string()), ..both };
    assert!(ledger.made_by(&neither).is_empty());
    assert_eq!(sids(ledger.alive_in(ACCOUNT)), [own, other]);
    assert_eq!(sids(ledger.alive_in(OTHER_ACCOUNT)), [elsewhere]);
}

#[tokio::test]
async fn what_went_with_its_conversation_was_touched_by_who_deleted_that() {
    let world = World::start().await;
    let foreign = world.simulator.create_webhook(CONVERSATION, &outside(BOT)).unwrap();
    world.delete(&conversation(CONVERSATION)).await;
    let ledger = world.simulator.ledger();
    assert!(record(&ledger, foreign).deleted.as_ref().unwrap().with_conversation);
    assert_eq!(sids(ledger.foreign_touched(&ApiClient::any())), [foreign]);
}
