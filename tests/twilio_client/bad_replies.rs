//! Answers that Twilio's API does not give: each a typed error, none with a word of what was in it.

use std::time::{Duration, Instant};

use conversation_webhook_operator::twilio::{Client, Error, ErrorKind, Missing, ReplyFault};
use serde_json::json;
use url::Url;

use crate::stub::{Stub, Then, reply, reply_with};
use crate::world::*;

async fn list(then: Then) -> Error {
    list_by(client, then).await
}

async fn list_by(client: impl Fn(&Url) -> Client, then: Then) -> Error {
    let stub = Stub::always(then).await;
    let error = client(&stub.url).list_webhooks(&credentials(), &at()).await.unwrap_err();
    assert_eq!(stub.requests().len(), 1, "a request is never repeated");
    let said = format!("{error} {error:?} {error:#?}");
    assert!(!said.contains(CANARY) && !said.contains("http://"), "{said}");
    error
}

async fn fault(then: Then) -> ReplyFault {
    match list(then).await {
        Error::InvalidReply { what, .. } => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_that_is_no_list_is_named_for_what_it_is() {
    let cut = page_json(&[webhook_json()], None);
    for (body, what) in [
        ("", ReplyFault::Empty),
        ("<html><body>canary: please sign in</body></html>", ReplyFault::Html),
        ("canary", ReplyFault::NotJson),
        ("{\"canary\": 1}", ReplyFault::Shape),
        (cut.get(..cut.len() / 2).unwrap(), ReplyFault::Truncated),
    ] {
        assert_eq!(fault(Then::Reply(reply(200, body))).await, what);
    }
}

#[tokio::test]
async fn a_huge_body_is_not_read_to_its_end() {
    let huge = "canary".repeat(400_000);
    assert_eq!(fault(Then::Reply(reply(200, &huge))).await, ReplyFault::TooLarge);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{huge}");
    assert_eq!(fault(Then::Reply(endless.into_bytes())).await, ReplyFault::TooLarge);
}

#[tokio::test]
async fn a_success_that_the_operation_never_has_is_none() {
    for status in [201, 202, 204, 206] {
        let what = fault(Then::Reply(reply(status, page_json(&[], None)))).await;
        assert_eq!(what, ReplyFault::UnexpectedStatus, "{status}");
    }
}

#[tokio::test]
async fn only_204_deletes() {
    for status in [200, 202] {
        let stub = Stub::always(Then::Reply(reply(status, "<html>welcome"))).await;
        let error = client(&stub.url).delete_webhook(&credentials(), &at(), &sid()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedReply);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Stub::always(Then::Reply(reply(200, page_json(&[], None)))).await;
        let location = format!("location: {}canary\r\n", elsewhere.url);
        let error = list(Then::Reply(reply_with(status, &location, ""))).await;
        assert!(matches!(error, Error::Redirected { .. }), "{error:?}");
        assert_eq!((error.status(), error.kind()), (Some(status), ErrorKind::UnexpectedReply));
        assert!(elsewhere.requests().is_empty());
    }
}

#[tokio::test]
async fn another_accounts_webhook_is_a_foreign_account() {
    let page = page_json(&[webhook_json(), webhook_json_of(OTHER_AC, CH, WH)], None);
    let error = list(Then::Reply(reply(200, page))).await;
    assert_eq!(error.kind(), ErrorKind::ForeignAccount);
    let said = error.to_string();
    assert!(said.contains(AC) && said.contains(OTHER_AC), "{said}");
}

#[tokio::test]
async fn another_accounts_conversation_is_a_foreign_account() {
    let body = json!({"sid": CH, "account_sid": OTHER_AC, "state": "active"});
    let stub = Stub::always(Then::Reply(reply(200, body.to_string()))).await;
    let error = client(&stub.url).fetch_conversation(&credentials(), None, "support").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignAccount);
}

#[tokio::test]
async fn another_webhook_than_asked_for_is_refused() {
    let other = webhook_json_of(AC, CH, &WH.replace('1', "2"));
    let stub = Stub::always(Then::Reply(reply(200, other.to_string()))).await;
    let error = client(&stub.url).fetch_webhook(&credentials(), &at(), &sid()).await.unwrap_err();
    assert!(matches!(error, Error::InvalidReply { what: ReplyFault::OtherWebhook, .. }), "{error:?}");
}

#[tokio::test]
async fn an_error_of_twilios_keeps_its_numbers() {
    let headers = "Twilio-Request-Id: RQ0123456789\r\nRetry-After: 7\r\n";
    let error = list(Then::Reply(reply_with(429, headers, error_json(20429, 429)))).await;
    assert_eq!((error.status(), error.code()), (Some(429), Some(20429)));
    assert_eq!(error.request_id(), Some("RQ0123456789"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.kind(), ErrorKind::RateLimited);

    let error = list(Then::Reply(reply(404, error_json(20404, 404)))).await;
    assert!(error.is_not_found());
    assert_eq!(error.kind(), ErrorKind::NotFound(Missing::Conversation));
}

#[tokio::test]
async fn headers_that_make_no_sense_are_not_there() {
    let headers = "Twilio-Request-Id: <b>canary</b>\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n";
    let error = list(Then::Reply(reply_with(503, headers, "canary"))).await;
    assert_eq!((error.request_id(), error.retry_after()), (None, None));

    let error = list(Then::Reply(reply_with(429, "Retry-After: 99999999999\r\n", ""))).await;
    assert_eq!(error.retry_after(), Some(Duration::from_hours(1)));
}

#[tokio::test]
async fn a_404_of_something_else_than_twilio_is_no_absence() {
    let error = list(Then::Reply(reply(404, "<html>canary"))).await;
    assert!(!error.is_not_found());
    assert_eq!(error.kind(), ErrorKind::UnexpectedReply);
}

#[tokio::test]
async fn a_broken_connection_is_a_transport_error() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"canary\"".to_vec();
    for then in [
        Then::Close,
        Then::Reset,
        Then::ReplyAndClose(short),
        Then::ReplyAndClose(b"canary\r\n\r\n".to_vec()),
    ] {
        let error = list(then.clone()).await;
        assert!(matches!(error, Error::Transport { .. }), "{then:?}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn one_deadline_bounds_head_and_body_together() {
    let dripping_body =
        [b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".to_vec(), vec![b' '; 10_000]].concat();
    let just_a_head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec();
    for then in [Then::Silence, Then::Drip(dripping_body), Then::Reply(just_a_head)] {
        let started = Instant::now();
        let error = list_by(impatient_client, then).await;
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let took = started.elapsed();
        assert!((IMPATIENCE..IMPATIENCE * 5).contains(&took), "{took:?}");
    }
}

#[tokio::test]
async fn an_error_stands_although_its_body_never_ends() {
    let head = b"HTTP/1.1 429 Any\r\ncontent-length: 1000\r\n\r\n".to_vec();
    let error = list_by(impatient_client, Then::Reply(head)).await;
    assert_eq!(error.kind(), ErrorKind::RateLimited);
}
