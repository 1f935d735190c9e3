//! What is on the wire when all goes well.

use std::collections::BTreeSet;

use conversation_webhook_operator::twilio::{
    ConversationState, CreateOutcome, Error, NewWebhook, NotSent, Target, WebhookConfig,
};
use serde_json::json;

use crate::stub::{Request, Stub, Then, reply};
use crate::world::*;

async fn one_reply(status: u16, body: String) -> Stub {
    Stub::always(Then::Reply(reply(status, body))).await
}

fn only(stub: &Stub) -> Request {
    let mut requests = stub.requests();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

#[tokio::test]
async fn a_create_is_one_form() {
    let stub = one_reply(201, webhook_json().to_string()).await;
    let config = config();
    let new = NewWebhook { config: &config, replay_after: Some(42) };
    let outcome = client(&stub.url).create_webhook(&credentials(), &at(), &new).await;

    let CreateOutcome::Created(webhook) = outcome else { panic!("{outcome:?}") };
    assert_eq!((webhook.sid, webhook.config), (sid(), config));
    let Request { line, headers, body } = only(&stub);
    assert_eq!(line, format!("POST /v1/Conversations/{CH}/Webhooks HTTP/1.1"));
    assert!(headers.contains("content-type: application/x-www-form-urlencoded\r\n"), "{headers}");
    assert!(headers.contains(&format!("user-agent: {}/", env!("CARGO_PKG_NAME"))), "{headers}");
    // AC00000000000000000000000000000001:canary-token
    let basic = "authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpjYW5hcnktdG9rZW4=\r\n";
    assert!(headers.contains(basic), "{headers}");
    assert_eq!(
        body,
        "Target=webhook&Configuration.Url=https%3A%2F%2Fbot.example.com%2Fcanary%3Fa%3D1%26b%3D2\
         &Configuration.Method=post&Configuration.Filters=onDeliveryUpdated&Configuration.Filters=onMessageAdded\
         &Configuration.ReplayAfter=42"
    );
}

#[tokio::test]
async fn an_update_is_a_post_without_target() {
    let stub = one_reply(200, webhook_json().to_string()).await;
    let config = WebhookConfig {
        target: Target::Trigger,
        triggers: BTreeSet::from(["help me".to_owned()]),
        ..config()
    };
    client(&stub.url).update_webhook(&credentials(), &at_service(), &sid(), &config).await.unwrap();

    let Request { line, body, .. } = only(&stub);
    assert_eq!(line, format!("POST /v1/Services/{IS}/Conversations/{CH}/Webhooks/{WH} HTTP/1.1"));
    assert_eq!(
        body,
        "Configuration.Url=https%3A%2F%2Fbot.example.com%2Fcanary%3Fa%3D1%26b%3D2&Configuration.Method=post\
         &Configuration.Triggers=help+me"
    );
}

#[tokio::test]
async fn reads_and_deletes_have_no_body() {
    let stub = Stub::start(|_, request| {
        Then::Reply(match request.line.split_whitespace().next() {
            Some("DELETE") => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            _ if request.line.contains("/Webhooks/") => reply(200, webhook_json().to_string()),
            _ => reply(200, page_json(&[webhook_json()], None)),
        })
    })
    .await;
    let (client, c) = (client(&stub.url), credentials());
    assert_eq!(client.list_webhooks(&c, &at_service()).await.unwrap().len(), 1);
    assert_eq!(client.fetch_webhook(&c, &at(), &sid()).await.unwrap().config, config());
    client.delete_webhook(&c, &at(), &sid()).await.unwrap();

    let lines: Vec<_> = stub.requests().into_iter().map(|request| (request.line, request.body)).collect();
    let expected = [
        format!("GET /v1/Services/{IS}/Conversations/{CH}/Webhooks HTTP/1.1"),
        format!("GET /v1/Conversations/{CH}/Webhooks/{WH} HTTP/1.1"),
        format!("DELETE /v1/Conversations/{CH}/Webhooks/{WH} HTTP/1.1"),
    ];
    assert_eq!(lines, expected.map(|line| (line, String::new())));
}

#[tokio::test]
async fn a_conversation_is_found_by_any_name_that_a_url_can_say() {
    let body = json!({"sid": CH, "account_sid": AC, "chat_service_sid": IS, "state": "closed"});
    let stub = one_reply(200, body.to_string()).await;
    let (client, c) = (client(&stub.url), credentials());
    for (name, segment) in [("a/b", "a%2Fb"), ("%2F", "%252F"), ("ü ?#", "%C3%BC%20%3F%23"), ("...", "...")]
    {
        let conversation = client.fetch_conversation(&c, None, name).await.unwrap();
        assert_eq!(conversation.state, ConversationState::Closed);
        assert_eq!(conversation.chat_service_sid, Some(IS.parse().unwrap()));
        let line = stub.requests().pop().unwrap().line;
        assert_eq!(line, format!("GET /v1/Conversations/{segment} HTTP/1.1"));
    }
}

#[tokio::test]
async fn what_cannot_be_said_is_not_sent() {
    let stub = one_reply(200, "{}".to_owned()).await;
    let (client, c) = (client(&stub.url), credentials());
    for name in [".", "..", ""] {
        let error = client.fetch_conversation(&c, Some(&IS.parse().unwrap()), name).await.unwrap_err();
        assert!(matches!(error, Error::NotSent { reason: NotSent::Name, .. }), "{error}");
    }
    let unknown = WebhookConfig { target: Target::Unknown, ..config() };
    let new = NewWebhook { config: &unknown, replay_after: None };
    let outcome = client.create_webhook(&c, &at(), &new).await;
    assert!(matches!(outcome, CreateOutcome::NotCreated(Error::NotSent { reason: NotSent::Target, .. })));
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn the_configuration_tells_whose_credentials_these_are() {
    let stub = one_reply(200, json!({"account_sid": OTHER_AC, "url": null}).to_string()).await;
    let account = client(&stub.url).fetch_configuration(&credentials()).await.unwrap();
    assert_eq!(account.as_str(), OTHER_AC);
    assert_eq!(only(&stub).line, "GET /v1/Configuration HTTP/1.1");
}
