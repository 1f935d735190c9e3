//! Credentials, accounts, pages, and Twilio's own troubles.

use super::*;
use twilio_conversations_simulator::{AccountStatus, ConversationSeed, Garble, KeySid};

#[tokio::test]
async fn code_20003_credentials_bad_or_missing() {
    let world = World::start().await;
    let create = || world.anonymous(Method::POST, &webhooks(CONVERSATION)).form(&webhook_form(BOT));
    assert_eq!(refused(&world, create()).await, (401, 20003));
    for (user, password) in [
        (ACCOUNT.to_string(), OTHER_TOKEN),
        (ACCOUNT.to_string(), ""),
        (KEY.to_string(), TOKEN),
        (KeySid::numbered(99).to_string(), SECRET),
        ("nobody".to_owned(), TOKEN),
        (String::new(), ""),
    ] {
        assert_eq!(refused(&world, create().basic_auth(user, Some(password))).await, (401, 20003));
    }
    for header in ["Basic", "Basic !!!", "Bearer abc", "Basic bm9jb2xvbg=="] {
        assert_eq!(refused(&world, create().header("authorization", header)).await, (401, 20003), "{header}");
    }
    assert_eq!(Reply::to(create()).await.headers["www-authenticate"], "Basic realm=\"Twilio API\"");
}

#[tokio::test]
async fn code_20003_key_without_the_right() {
    let world = World::start().await;
    let create = world.anonymous(Method::POST, &webhooks(CONVERSATION)).form(&webhook_form(BOT));
    assert_eq!(refused(&world, create.basic_auth(READ_ONLY_KEY, Some(SECRET))).await, (401, 20003));
}

#[tokio::test]
async fn code_20403_account_suspended_or_test_credentials() {
    let world = World::start().await;
    for status in [AccountStatus::Suspended, AccountStatus::Test] {
        world.simulator.set_account_status(ACCOUNT, status).unwrap();
        assert_eq!(refused_create(&world, &webhook_form(BOT)).await, (403, 20403));
        assert_eq!(refused_get(&world, "/v1/Configuration").await, (403, 20403));
        assert_eq!(refused_get(&world, "/v1/Nothing").await, (403, 20403));
        let with_key = world.anonymous(Method::GET, "/v1/Configuration").basic_auth(KEY, Some(SECRET));
        assert_eq!(refused(&world, with_key).await, (403, 20403));
        let wrong = world.anonymous(Method::GET, "/v1/Configuration").basic_auth(ACCOUNT, Some("wrong"));
        assert_eq!(refused(&world, wrong).await, (401, 20003), "credentials are looked at first");
    }
    world.simulator.set_account_status(ACCOUNT, AccountStatus::Active).unwrap();
    world.create(BOT).await;
}

#[tokio::test]
async fn code_20409_conflict() {
    let world = World::start().await;
    assert_eq!(injected(&world, 409, 20409).await, (409, 20409));
}

#[tokio::test]
async fn code_20162_conflicting_update_in_progress() {
    let world = World::start().await;
    assert_eq!(injected(&world, 409, 20162).await, (409, 20162));
}

#[tokio::test]
async fn code_21481_page_token_invalid() {
    let world = World::start().await;
    for _ in 0..2 {
        world.create(BOT).await;
        world.post(&messages(CONVERSATION), &[]).await;
    }
    let path = webhooks(CONVERSATION);
    for token in ["nonsense", "", "é", "PTWH00000000000000000000000000000001"] {
        assert_eq!(refused_get(&world, &format!("{path}?PageToken={token}")).await, (400, 21481), "{token}");
    }
    // A token is good for its own list only, and for that list as it was filtered and ordered.
    let token_of = async |path: &str| {
        let page = world.get(path).await.json;
        let next = page["meta"]["next_page_url"].as_str().unwrap();
        next.split_once("PageToken=").unwrap().1.to_owned()
    };
    let of_messages = messages(CONVERSATION);
    let token = token_of(&format!("{of_messages}?PageSize=1")).await;
    assert_eq!(refused_get(&world, &format!("{path}?PageToken={token}")).await, (400, 21481));
    let backwards = format!("{of_messages}?Order=desc&PageToken={token}");
    assert_eq!(refused_get(&world, &backwards).await, (400, 21481));
    assert_eq!(world.get(&format!("{of_messages}?PageToken={token}")).await.status, 200);
    world.simulator.create_conversation(ACCOUNT, &ConversationSeed::default()).unwrap();
    let token = token_of("/v1/Conversations?State=active&PageSize=1").await;
    let closed = format!("/v1/Conversations?State=closed&PageToken={token}");
    assert_eq!(refused_get(&world, &closed).await, (400, 21481));
}

#[tokio::test]
async fn code_20500_server_side_before_or_after_the_change() {
    let world = World::start().await;
    for status in [500, 503] {
        assert_eq!(injected(&world, status, 20500).await, (status, 20500));
    }
    world.simulator.add_fault(FaultRule::new(Fault::error_after_commit(500)).once());
    assert_eq!(Reply::of(world.try_create().await.unwrap()).await.error(), (500, 20500));
    assert_eq!(world.alive(), 1, "the outcome is unknown to the client");
}

#[tokio::test]
async fn code_none_server_side_without_twilios_body() {
    let world = World::start().await;
    for commit in [false, true] {
        let page = Garble::Custom {
            status: 502,
            content_type: "text/html".to_owned(),
            body: "<html>Bad Gateway</html>".to_owned(),
        };
        world.simulator.add_fault(FaultRule::new(Fault::Garbled { reply: page, commit }).once());
        let response = world.try_create().await.unwrap();
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (http::StatusCode::BAD_GATEWAY, &"text/html".parse().unwrap())
        );
        assert_eq!(response.text().await.unwrap(), "<html>Bad Gateway</html>");
        let entry = world.simulator.journal().pop().unwrap();
        assert_eq!((entry.status, entry.code, entry.committed), (Some(502), None, commit));
        assert_eq!(world.alive(), usize::from(commit));
    }
}
