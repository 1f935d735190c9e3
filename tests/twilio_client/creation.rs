//! What is known after a create: a webhook made twice or lost starts with a wrong answer here.

use conversation_webhook_operator::twilio::{Client, CreateOutcome, Error, NewWebhook, NotSent, ReplyFault};
use tokio::net::TcpListener;

use crate::stub::{Stub, Then, reply, reply_with};
use crate::world::*;

async fn create_by(client: Client) -> CreateOutcome {
    let config = config();
    client.create_webhook(&credentials(), &at(), &NewWebhook { config: &config, replay_after: None }).await
}

async fn create(then: Then) -> CreateOutcome {
    let stub = Stub::always(then.clone()).await;
    let outcome = match then {
        Then::Silence => create_by(impatient_client(&stub.url)).await,
        _ => create_by(client(&stub.url)).await,
    };
    assert_eq!(stub.requests().len(), 1, "a create is never repeated");
    outcome
}

#[tokio::test]
async fn a_refusal_made_nothing() {
    for (status, code) in [
        (400, 50361),
        (400, 50365),
        (401, 20003),
        (403, 20403),
        (404, 50350),
        (409, 50391),
        (429, 20429),
        (429, 50063),
    ] {
        let outcome = create(Then::Reply(reply(status, error_json(code, status)))).await;
        let CreateOutcome::NotCreated(error) = outcome else { panic!("{status}: {outcome:?}") };
        assert_eq!((error.status(), error.code()), (Some(status), Some(code)));
    }
    assert!(matches!(create(Then::Reply(reply(429, "slow down"))).await, CreateOutcome::NotCreated(_)));
}

#[tokio::test]
async fn every_other_status_leaves_it_open() {
    for status in [200, 201, 202, 204, 301, 307, 408, 425, 499, 500, 502, 503, 504, 599] {
        let outcome = create(Then::Reply(reply_with(status, "location: /\r\n", ""))).await;
        assert!(matches!(outcome, CreateOutcome::Unknown(_)), "{status}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_it_open() {
    let whole = reply(201, webhook_json().to_string());
    let half = whole.get(..whole.len() - 20).unwrap().to_vec();
    for then in [
        Then::Close,
        Then::Reset,
        Then::Silence,
        Then::ReplyAndClose(half),
        Then::ReplyAndClose(b"HTTP/1.1 201 Created\r\n".to_vec()),
    ] {
        let outcome = create(then.clone()).await;
        assert!(matches!(outcome, CreateOutcome::Unknown(_)), "{then:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_201_that_cannot_be_read_leaves_it_open() {
    let huge = format!("{{\"sid\": \"{}\"}}", "x".repeat(2_000_000));
    for (body, what) in [
        ("<html>", ReplyFault::Html),
        ("{\"sid\": \"WH", ReplyFault::Truncated),
        ("{}", ReplyFault::Shape),
        (huge.as_str(), ReplyFault::TooLarge),
        (&webhook_json_of(AC, OTHER_CH, WH).to_string(), ReplyFault::OtherConversation),
    ] {
        match create(Then::Reply(reply(201, body))).await {
            CreateOutcome::Unknown(Error::InvalidReply { what: found, .. }) => assert_eq!(found, what),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_201_of_another_account_leaves_it_open() {
    let outcome = create(Then::Reply(reply(201, webhook_json_of(OTHER_AC, CH, WH).to_string()))).await;
    assert!(matches!(outcome, CreateOutcome::Unknown(Error::ForeignAccount { .. })), "{outcome:?}");
}

#[tokio::test]
async fn without_a_connection_nothing_was_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let outcome = create_by(client(&url)).await;
    let CreateOutcome::NotCreated(Error::NotSent { reason, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, NotSent::Connect(std::io::ErrorKind::ConnectionRefused));
}

#[tokio::test]
async fn without_an_address_nothing_was_made() {
    let outcome = create_by(client(&"http://no-such-host.invalid".parse().unwrap())).await;
    assert!(matches!(outcome, CreateOutcome::NotCreated(Error::NotSent { .. })), "{outcome:?}");
}

#[tokio::test]
async fn without_a_tls_session_in_time_nothing_was_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let outcome = create_by(impatient_client(&url)).await;
    let CreateOutcome::NotCreated(Error::NotSent { reason, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, NotSent::Timeout);
}

#[tokio::test]
async fn a_pooled_connection_that_breaks_during_the_create_is_not_replaced() {
    for last in [Then::Close, Then::Reset] {
        let stub = Stub::start(move |number, _| match number {
            0 => Then::Reply(reply(200, page_json(&[], None))),
            _ => last.clone(),
        })
        .await;
        let (client, c, config) = (client(&stub.url), credentials(), config());
        client.list_webhooks(&c, &at()).await.unwrap();
        let new = NewWebhook { config: &config, replay_after: None };
        let outcome = client.create_webhook(&c, &at(), &new).await;
        assert!(matches!(outcome, CreateOutcome::Unknown(Error::Transport { .. })), "{outcome:?}");
        assert_eq!(stub.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_pooled_connection_found_dead_is_replaced_before_anything_is_sent() {
    let stub = Stub::start(|number, _| match number {
        0 => Then::ReplyAndClose(reply(200, page_json(&[], None))),
        _ => Then::Reply(reply(201, webhook_json().to_string())),
    })
    .await;
    let (client, c, config) = (client(&stub.url), credentials(), config());
    client.list_webhooks(&c, &at()).await.unwrap();
    let new = NewWebhook { config: &config, replay_after: None };
    match client.create_webhook(&c, &at(), &new).await {
        CreateOutcome::Created(_) => assert_eq!(stub.requests().len(), 2),
        // The close had not been seen when the request was written: then nobody may send it again.
        CreateOutcome::Unknown(Error::Transport { .. }) => assert_eq!(stub.requests().len(), 1),
        other => panic!("{other:?}"),
    }
}
