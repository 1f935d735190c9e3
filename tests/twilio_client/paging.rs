//! Lists of more than one page.

use conversation_webhook_operator::twilio::{Error, ReplyFault};

use crate::stub::{Stub, Then, reply};
use crate::world::*;

fn wh(number: usize) -> String {
    format!("WH{number:032}")
}

fn page_of(numbers: &[usize], next: Option<&str>) -> Then {
    let webhooks: Vec<_> = numbers.iter().map(|number| webhook_json_of(AC, CH, &wh(*number))).collect();
    Then::Reply(reply(200, page_json(&webhooks, next)))
}

fn link(page: usize) -> String {
    format!(
        "https://conversations.twilio.com/v1/Conversations/{CH}/Webhooks?PageSize=5&Page={page}&PageToken=PT{page}"
    )
}

#[tokio::test]
async fn pages_are_followed_on_our_own_host_and_nothing_comes_twice() {
    let stub = Stub::start(|number, _| match number {
        0 => page_of(&[1, 2, 3], Some(&link(1))),
        1 => page_of(&[3, 4], Some(&link(2))),
        _ => page_of(&[], None),
    })
    .await;
    let webhooks = client(&stub.url).list_webhooks(&credentials(), &at()).await.unwrap();
    let sids: Vec<_> = webhooks.iter().map(|webhook| webhook.sid.to_string()).collect();
    assert_eq!(sids, [wh(1), wh(2), wh(3), wh(4)]);
    let lines: Vec<_> = stub.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(
        lines,
        [
            format!("GET /v1/Conversations/{CH}/Webhooks HTTP/1.1"),
            format!("GET /v1/Conversations/{CH}/Webhooks?PageSize=5&Page=1&PageToken=PT1 HTTP/1.1"),
            format!("GET /v1/Conversations/{CH}/Webhooks?PageSize=5&Page=2&PageToken=PT2 HTTP/1.1"),
        ]
    );
}

#[tokio::test]
async fn a_list_without_end_is_an_error() {
    for same in [true, false] {
        let stub =
            Stub::start(move |number, _| page_of(&[number], Some(&link(if same { 1 } else { number }))))
                .await;
        let error = client(&stub.url).list_webhooks(&credentials(), &at()).await.unwrap_err();
        assert!(matches!(error, Error::EndlessPages { .. }), "{error:?}");
        assert!(stub.requests().len() <= 10);
    }
}

#[tokio::test]
async fn the_page_of_another_list_is_not_asked_for() {
    for next in
        [link(1).replace(CH, OTHER_CH), "https://conversations.twilio.com/v1/Configuration?Page=1".to_owned()]
    {
        let stub = Stub::start(move |_, _| page_of(&[1], Some(&next))).await;
        let error = client(&stub.url).list_webhooks(&credentials(), &at()).await.unwrap_err();
        assert!(matches!(error, Error::InvalidReply { what: ReplyFault::ForeignPage, .. }), "{error:?}");
        assert_eq!(stub.requests().len(), 1);
    }
}

#[tokio::test]
async fn half_a_list_is_no_list() {
    let stub = Stub::start(|number, _| match number {
        0 => page_of(&[1], Some(&link(1))),
        _ => Then::Reply(reply(500, error_json(20500, 500))),
    })
    .await;
    let error = client(&stub.url).list_webhooks(&credentials(), &at()).await.unwrap_err();
    assert_eq!(error.status(), Some(500));
}
