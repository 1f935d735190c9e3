//! Where deliveries may go, and how often they are tried.

use crate::bot::*;
use crate::fixture::*;
use twilio_conversations_simulator::{
    Config, DeliveryFailure, DeliveryHosts, DeliveryOutcome, Simulator, WebhookSeed,
};

#[tokio::test]
async fn switch_delivery_retries_says_how_often_a_failed_delivery_is_tried_again_under_one_token() {
    let world = World::start().await;
    world.switch(|settings| settings.delivery_retries = 2);
    let mut bot = Bot::start("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n").await;
    world.create(&bot.origin).await;
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    let mut token = None;
    for attempt in ["0", "1", "2"] {
        let received = bot.next().await;
        assert_eq!(received.fields()["RetryCount"], attempt);
        let sent = received.headers["i-twilio-idempotency-token"].clone();
        assert_eq!(*token.get_or_insert(sent.clone()), sent);
    }
    let deliveries = world.settled().await;
    let attempts: Vec<_> = deliveries
        .iter()
        .map(|delivery| (delivery.id, delivery.retry, delivery.field("RetryCount")))
        .collect();
    assert_eq!(attempts, [(1, 0, Some("0")), (2, 1, Some("1")), (3, 2, Some("2"))]);
    for delivery in &deliveries {
        assert_eq!(delivery.outcome, DeliveryOutcome::Answered(503));
        assert_eq!(Some(&delivery.idempotency_token), token.as_ref());
    }
    assert!(bot.inbox.try_recv().is_err());
}

#[tokio::test]
async fn a_delivery_that_arrived_is_not_tried_again() {
    let world = World::start().await;
    world.switch(|settings| settings.delivery_retries = 3);
    let bot = Bot::start(OK).await;
    world.create(&bot.origin).await;
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(world.settled().await.len(), 1);
}

#[tokio::test]
async fn each_delivery_has_a_token_of_its_own() {
    let world = World::start().await;
    world.listen(CONVERSATION, ["onMessageAdded"]);
    world.listen(CONVERSATION, ["onMessageAdded"]);
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    let deliveries = world.settled().await;
    let tokens: std::collections::HashSet<_> =
        deliveries.iter().map(|delivery| &delivery.idempotency_token).collect();
    assert_eq!((deliveries.len(), tokens.len()), (4, 4));
}

#[tokio::test]
async fn a_webhook_on_another_host_is_on_record_and_never_dialled() {
    let world = World::start().await;
    world.switch(|settings| settings.delivery_retries = 3);
    // Both would be heard of here if they were dialled: a name that leads to this machine, and an address that is
    // this machine's own without being a loopback address.
    let bot = Bot::start(OK).await;
    let port = bot.origin.rsplit(':').next().unwrap();
    for host in ["bots.localhost", "0.0.0.0"] {
        world.create(&format!("http://{host}:{port}/")).await;
    }
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    let outcomes: Vec<_> = world.settled().await.into_iter().map(|delivery| delivery.outcome).collect();
    let not_allowed = DeliveryOutcome::Failed(DeliveryFailure::HostNotAllowed);
    assert_eq!(outcomes, [not_allowed.clone(), not_allowed]);
    let Bot { mut inbox, .. } = bot;
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn a_host_that_is_allowed_is_dialled() {
    let delivery_hosts = DeliveryHosts::loopback().allow("0.0.0.0").unwrap();
    let simulator = Simulator::start(Config { delivery_hosts, ..Config::from(seed()) }).await.unwrap();
    let mut bot = Bot::start(OK).await;
    let port = bot.origin.rsplit(':').next().unwrap();
    let webhook = WebhookSeed::webhook(format!("http://0.0.0.0:{port}/hook"));
    simulator.create_webhook(CONVERSATION, &webhook).unwrap();
    simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(bot.next().await.target, "/hook");
}
