//! Credentials, and the walls between accounts.

use crate::fixture::*;
use http::Method;
use serde_json::json;
use twilio_conversations_simulator::{Fault, FaultRule, KeyKind, KeySeed, KeySid, Operation};

async fn status(world: &World, user: impl std::fmt::Display, password: &str) -> (u16, u64) {
    let reply =
        Reply::to(world.anonymous(Method::GET, "/v1/Configuration").basic_auth(user, Some(password))).await;
    if reply.status == 200 { (200, 0) } else { reply.error() }
}

#[tokio::test]
async fn duty_2_basic_auth_opens_the_account_with_its_token_or_a_key() {
    let world = World::start().await;
    assert_eq!(status(&world, ACCOUNT, TOKEN).await, (200, 0));
    assert_eq!(status(&world, KEY, SECRET).await, (200, 0));
    assert_eq!(status(&world, ACCOUNT, SECRET).await, (401, 20003));
    assert_eq!(status(&world, KEY, TOKEN).await, (401, 20003));
}

#[tokio::test]
async fn the_account_follows_from_the_key() {
    let world = World::start().await;
    let key = KeySid::numbered(5);
    world.simulator.add_key(OTHER_ACCOUNT, &KeySeed::new(key, SECRET)).unwrap();
    let request = world.anonymous(Method::GET, "/v1/Configuration").basic_auth(key, Some(SECRET));
    assert_eq!(Reply::to(request).await.json["account_sid"], json!(OTHER_ACCOUNT));
    assert!(world.simulator.add_key(ACCOUNT, &KeySeed::new(key, SECRET)).is_err());
}

#[tokio::test]
async fn duty_2_a_restricted_key_without_the_right_is_refused() {
    let world = World::start().await;
    let with_key = |method, path: &str| world.anonymous(method, path).basic_auth(READ_ONLY_KEY, Some(SECRET));
    let list = with_key(Method::GET, &webhooks(CONVERSATION)).send().await.unwrap();
    assert_eq!(list.status(), 200);
    let create = with_key(Method::POST, &webhooks(CONVERSATION)).form(&webhook_form(BOT));
    assert_eq!(Reply::to(create).await.error(), (401, 20003));
    let proof = with_key(Method::GET, "/v1/Configuration");
    assert_eq!(Reply::to(proof).await.error(), (401, 20003));
    assert_eq!(world.alive(), 0);
}

#[tokio::test]
async fn keys_of_each_kind_do_what_they_are_for() {
    let world = World::start().await;
    let key = |number| KeySeed::new(KeySid::numbered(number), SECRET);
    let main = key(11).main();
    let standard = key(12);
    let rightless = KeySeed { kind: KeyKind::Restricted, ..key(13) };
    let proving = key(14).restricted_to([Operation::ConfigurationFetch]);
    let revoked = KeySeed { revoked: true, ..key(15) };
    let (good, bad) = ((200, 0), (401, 20003));
    for (key, expected) in [(main, good), (standard, good), (rightless, bad), (proving, good), (revoked, bad)]
    {
        world.simulator.add_key(ACCOUNT, &key).unwrap();
        assert_eq!(status(&world, key.sid, SECRET).await, expected, "{key:?}");
    }
}

#[tokio::test]
async fn duty_2_secrets_are_rotated_in_flight() {
    let world = World::start().await;
    // A request that was admitted before the rotation is carried out; the next one with the old secret is not.
    world.simulator.add_fault(FaultRule::new(Fault::delay_before_commit(200)).on(Operation::Create));
    let create = world.request(Method::POST, &webhooks(CONVERSATION)).form(&webhook_form(BOT));
    let under_way = tokio::spawn(create.send());
    eventually(|| world.simulator.faults()[0].struck == 1).await;
    world.simulator.rotate_auth_token(ACCOUNT, "new-token").unwrap();
    world.simulator.rotate_key_secret(KEY, "new-secret").unwrap();
    assert_eq!(status(&world, ACCOUNT, TOKEN).await, (401, 20003));
    assert_eq!(status(&world, ACCOUNT, "new-token").await, (200, 0));
    assert_eq!(status(&world, KEY, SECRET).await, (401, 20003));
    assert_eq!(status(&world, KEY, "new-secret").await, (200, 0));
    assert_eq!(under_way.await.unwrap().unwrap().status(), 201);
    world.simulator.revoke_key(KEY).unwrap();
    assert_eq!(status(&world, KEY, "new-secret").await, (401, 20003));
}

#[tokio::test]
async fn credentials_never_enter_the_journal() {
    let world = World::start().await;
    status(&world, KEY, SECRET).await;
    status(&world, KEY, "wrong-secret").await;
    status(&world, "secret-in-the-wrong-place", "").await;
    let entries = world.simulator.journal();
    let users: Vec<_> = entries.iter().map(|entry| entry.user.clone()).collect();
    assert_eq!(users, [Some(KEY.to_string()), Some(KEY.to_string()), None]);
    let text = serde_json::to_string(&entries).unwrap();
    assert!(!text.contains("secret"), "{text}");
    let counters = world.simulator.counters();
    assert_eq!(counters.unauthenticated, 2);
    assert_eq!(counters.of(ACCOUNT, Operation::ConfigurationFetch).answered(200), 1);
}
