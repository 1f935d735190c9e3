//! Credentials, and the walls between accounts.

use crate::fixture::*;
use http::Method;
use serde_json::json;
use twilio_conversations_simulator::{KeySeed, KeySid, Operation};

async fn status(world: &World, user: impl std::fmt::Display, password: &str) -> (u16, u64) {
    let request = world.anonymous(Method::GET, "/v1/Configuration").basic_auth(user, Some(password));
    let reply = Reply::of(request.send().await.unwrap()).await;
    if reply.status == 200 { (200, 0) } else { reply.error() }
}

#[tokio::test]
async fn a_token_and_a_key_open_the_account_and_nothing_else_does() {
    let world = World::start().await;
    assert_eq!(status(&world, ACCOUNT, TOKEN).await, (200, 0));
    assert_eq!(status(&world, KEY, SECRET).await, (200, 0));
    for (user, password) in [
        (ACCOUNT.to_string(), OTHER_TOKEN),
        (ACCOUNT.to_string(), ""),
        (KEY.to_string(), TOKEN),
        (KeySid::numbered(99).to_string(), SECRET),
        ("nobody".to_owned(), TOKEN),
        (String::new(), ""),
    ] {
        assert_eq!(status(&world, user, password).await, (401, 20003));
    }
    let reply = Reply::of(world.anonymous(Method::GET, "/v1/Configuration").send().await.unwrap()).await;
    assert_eq!(reply.error(), (401, 20003));
    assert_eq!(reply.headers["www-authenticate"], "Basic realm=\"Twilio API\"");
    for header in ["Basic", "Basic !!!", "Bearer abc", "Basic bm9jb2xvbg=="] {
        let request = world.anonymous(Method::GET, "/v1/Configuration").header("authorization", header);
        assert_eq!(Reply::of(request.send().await.unwrap()).await.error(), (401, 20003), "{header}");
    }
}

#[tokio::test]
async fn the_account_follows_from_the_key() {
    let world = World::start().await;
    let key = KeySid::numbered(5);
    world.simulator.add_key(OTHER_ACCOUNT, &KeySeed::new(key, SECRET)).unwrap();
    let request = world.anonymous(Method::GET, "/v1/Configuration").basic_auth(key, Some(SECRET));
    let reply = Reply::of(request.send().await.unwrap()).await;
    assert_eq!(reply.json["account_sid"], json!(OTHER_ACCOUNT));
    assert!(world.simulator.add_key(ACCOUNT, &KeySeed::new(key, SECRET)).is_err());
}

#[tokio::test]
async fn a_restricted_key_does_only_what_it_may() {
    let world = World::start().await;
    let with_key = |method, path: &str| world.anonymous(method, path).basic_auth(READ_ONLY_KEY, Some(SECRET));
    let list = with_key(Method::GET, &webhooks(CONVERSATION)).send().await.unwrap();
    assert_eq!(list.status(), 200);
    let create =
        with_key(Method::POST, &webhooks(CONVERSATION)).form(&webhook_form(BOT)).send().await.unwrap();
    assert_eq!(Reply::of(create).await.error(), (401, 20003));
    let proof = with_key(Method::GET, "/v1/Configuration").send().await.unwrap();
    assert_eq!(Reply::of(proof).await.error(), (401, 20003));
    assert_eq!(world.alive(), 0);
}

#[tokio::test]
async fn secrets_change_in_flight() {
    let world = World::start().await;
    world.simulator.rotate_auth_token(ACCOUNT, "new-token").unwrap();
    world.simulator.rotate_key_secret(KEY, "new-secret").unwrap();
    assert_eq!(status(&world, ACCOUNT, TOKEN).await, (401, 20003));
    assert_eq!(status(&world, ACCOUNT, "new-token").await, (200, 0));
    assert_eq!(status(&world, KEY, SECRET).await, (401, 20003));
    assert_eq!(status(&world, KEY, "new-secret").await, (200, 0));
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
