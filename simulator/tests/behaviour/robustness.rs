//! Bad input: a clear error, and nothing else affected.

use crate::fixture::*;
use twilio_conversations_simulator::{AccountSeed, Config, ConversationSeed, Simulator, StartError};

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let world = World::start().await;
    let url = "a".repeat(70_000);
    let reply = world.post(&webhooks(CONVERSATION), &[("Configuration.Url", &url)]).await;
    assert_eq!(reply.error(), (413, 20001));
    assert_eq!(world.create(BOT).await, world.listed().await[0]);
}

#[tokio::test]
async fn a_body_that_is_no_form_has_no_parameters() {
    let world = World::start().await;
    let json = serde_json::json!({"Target": "webhook"});
    let response =
        world.request(http::Method::POST, &webhooks(CONVERSATION)).json(&json).send().await.unwrap();
    assert_eq!(Reply::of(response).await.error(), (400, 50368));
    let odd = "%FF=%FE&&=&Target&Target=%00&a=b=c&;";
    let response = world
        .request(http::Method::POST, &webhooks(CONVERSATION))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(odd)
        .send()
        .await
        .unwrap();
    assert_eq!(Reply::of(response).await.status, 400);
}

#[tokio::test]
async fn links_repeat_the_host_that_was_asked() {
    let world = World::start().await;
    let host = "twilio.tenant-a.svc:8080";
    let response =
        world.request(http::Method::GET, "/v1/Configuration").header("host", host).send().await.unwrap();
    assert_eq!(Reply::of(response).await.json["url"], format!("http://{host}/v1/Configuration"));
    let odd =
        world.request(http::Method::GET, "/v1/Configuration").header("host", "a b").send().await.unwrap();
    assert_eq!(Reply::of(odd).await.json["url"], "http://127.0.0.1/v1/Configuration");
}

#[tokio::test]
async fn many_clients_at_once_leave_a_consistent_world() {
    let world = std::sync::Arc::new(World::start().await);
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let world = std::sync::Arc::clone(&world);
            tokio::spawn(async move { world.try_create().await.unwrap().status().as_u16() })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        created += usize::from(task.await.unwrap() == 201);
    }
    assert_eq!((created, world.alive()), (5, 5));
}

#[test]
fn a_simulator_outlives_the_runtime_that_started_it_and_ends_when_dropped() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime().block_on(World::start());
    let second = runtime();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let proof = || client.get(world.url("/v1/Configuration")).basic_auth(ACCOUNT, Some(TOKEN)).send();
    assert_eq!(second.block_on(proof()).unwrap().status(), 200);
    let address = world.simulator.address();
    second.block_on(world.simulator.stop());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn a_start_that_cannot_succeed_says_why() {
    let twice = seed().account(
        AccountSeed::new(OTHER_ACCOUNT, OTHER_TOKEN).conversation(ConversationSeed::new(CONVERSATION)),
    );
    let error = Simulator::start(twice).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the seed is wrong: {CONVERSATION} exists already"));

    let world = World::start().await;
    let listen = world.simulator.address();
    let error = Simulator::start(Config { listen, ..Config::default() }).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { address, .. } if address == listen));
}
