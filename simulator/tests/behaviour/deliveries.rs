//! Deliveries as a bot receives them.

use std::time::{Duration, Instant};

use crate::bot::*;
use crate::fixture::*;
use tokio::net::TcpListener;
use twilio_conversations_simulator::{DeliveryFailure, DeliveryOutcome, Destination, WebhookSeed, signature};

#[tokio::test]
async fn duty_7_delivery_is_signed_as_twilio_signs() {
    let world = World::start().await;
    let mut bot = Bot::start(OK).await;
    let url = format!("{}/hook?tenant=a%20b#fragment", bot.origin);
    let sid = world.create(&url).await;
    let message = world.simulator.say(CONVERSATION, "ana", "hello, é & =").unwrap();
    let received = bot.next().await;
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/hook?tenant=a%20b"));
    assert_eq!(received.headers["user-agent"], "TwilioProxy/1.1");
    assert_eq!(received.headers["accept"], "*/*");
    assert_eq!(received.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(received.headers["i-twilio-idempotency-token"].len(), 36);
    let fields = received.fields();
    assert_eq!(fields["EventType"], "onMessageAdded");
    assert_eq!(fields["AccountSid"], ACCOUNT.to_string());
    assert_eq!(fields["ConversationSid"], CONVERSATION.to_string());
    assert_eq!(fields["ChatServiceSid"], DEFAULT_SERVICE.to_string());
    assert_eq!(fields["MessageSid"], message.to_string());
    assert_eq!((fields["Index"].as_str(), fields["Body"].as_str()), ("0", "hello, é & ="));
    assert_eq!((fields["Author"].as_str(), fields["ClientIdentity"].as_str()), ("ana", "ana"));
    assert_eq!((fields["Source"].as_str(), fields["RetryCount"].as_str()), ("SDK", "0"));
    assert!(fields["ParticipantSid"].starts_with("MB"));
    assert!(fields["DateCreated"].ends_with('Z') && fields["DateCreated"].contains('.'));
    let form: Vec<_> = fields.into_iter().collect();
    let signed = format!("{}/hook?tenant=a%20b", bot.origin);
    assert_eq!(received.headers["x-twilio-signature"], signature::sign(TOKEN, &signed, &form));
    let [delivery] = <[_; 1]>::try_from(world.settled().await).unwrap();
    assert_eq!((delivery.webhook, delivery.message, delivery.replay), (Some(sid), Some(message), false));
    assert_eq!(delivery.outcome, DeliveryOutcome::Answered(204));
}

#[tokio::test]
async fn a_get_carries_the_fields_in_the_query_and_signs_the_url_alone() {
    let world = World::start().await;
    let mut bot = Bot::start(OK).await;
    let hook = WebhookSeed::webhook(format!("{}/hook?a=1", bot.origin)).method("GET");
    world.simulator.create_webhook(CONVERSATION, &hook).unwrap();
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    let received = bot.next().await;
    assert_eq!(received.method, "GET");
    assert!(received.target.starts_with("/hook?a=1&EventType=onMessageAdded"));
    assert_eq!(received.fields()["Body"], "hello");
    let url = format!("{}{}", bot.origin, received.target);
    assert_eq!(received.headers["x-twilio-signature"], signature::sign(TOKEN, &url, &[]));
}

#[tokio::test]
async fn only_the_webhooks_that_a_message_concerns_hear_of_it() {
    let world = World::start().await;
    let nowhere = "http://127.0.0.1:1/";
    let add = |webhook: WebhookSeed| world.simulator.create_webhook(CONVERSATION, &webhook).unwrap();
    let all = add(WebhookSeed::webhook(nowhere));
    add(WebhookSeed::webhook(nowhere).filters(["onParticipantAdded"]));
    let keyword = add(WebhookSeed::trigger(nowhere, ["help", "agent"]));
    let flow = add(WebhookSeed::studio(FLOW));
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    world.simulator.say(CONVERSATION, "ana", "an AGENT please").unwrap();
    let deliveries = world.settled().await;
    let got: Vec<_> = deliveries.iter().map(|delivery| (delivery.message_index, delivery.webhook)).collect();
    let expected = [(0, all), (0, flow), (1, all), (1, keyword), (1, flow)];
    assert_eq!(got, expected.map(|(index, webhook)| (Some(index), Some(webhook))));
    for delivery in deliveries {
        let outcome = match delivery.destination {
            Destination::Studio { flow_sid } => {
                assert_eq!(flow_sid, FLOW);
                DeliveryOutcome::Executed
            }
            Destination::Http { .. } => DeliveryOutcome::Failed(DeliveryFailure::Connect),
        };
        assert_eq!(delivery.outcome, outcome);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_failure_is_not_repeated() {
    let world = World::start().await;
    let mut bot = Bot::start("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nConnection: close\r\n\r\n").await;
    world.create(&format!("{}/hook", bot.origin)).await;
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(bot.next().await.target, "/hook");
    assert_eq!(world.settled().await[0].outcome, DeliveryOutcome::Answered(302));
    assert!(bot.inbox.try_recv().is_err());
}

#[tokio::test]
async fn a_bot_that_speaks_no_http_is_on_record() {
    let world = World::start().await;
    let bot = Bot::start("what?\r\n\r\n").await;
    world.create(&bot.origin).await;
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    assert_eq!(world.settled().await[0].outcome, DeliveryOutcome::Failed(DeliveryFailure::Broken));
    world.simulator.clear_deliveries();
    assert!(world.simulator.deliveries().is_empty());
}

#[tokio::test]
async fn duty_7_timeout_is_five_seconds() {
    let world = World::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.create(&format!("http://{}", silent.local_addr().unwrap())).await;
    world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    let said = Instant::now();
    assert!(world.simulator.deliveries_settled(2 * SOON).await);
    assert!(said.elapsed() >= Duration::from_secs(4));
    let outcome = &world.simulator.deliveries()[0].outcome;
    assert_eq!(*outcome, DeliveryOutcome::Failed(DeliveryFailure::Timeout));
}
