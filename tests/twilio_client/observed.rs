//! What the operator's own log and metrics hear of a request.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conversation_webhook_operator::twilio::{
    Client, ClientOptions, Exchange, NewWebhook, Observer, Operation, Outcome,
};

use crate::stub::{Stub, Then, reply, reply_with};
use crate::world::*;

type Heard = (Operation, String, Outcome, Option<u32>, Option<Duration>);

#[derive(Default)]
struct Listener(Mutex<Vec<Heard>>);

impl Observer for Listener {
    fn observe(&self, exchange: &Exchange<'_>) {
        let Exchange { operation, door, outcome, duration, concurrent_requests, retry_after } = exchange;
        assert!(*duration > Duration::ZERO);
        let heard = (*operation, door.account.to_string(), *outcome, *concurrent_requests, *retry_after);
        self.0.lock().unwrap().push(heard);
    }
}

#[tokio::test]
async fn every_request_is_heard_of_once() {
    let stub = Stub::start(|number, _| match number {
        0 => Then::Reply(reply_with(200, "Twilio-Concurrent-Requests: 3\r\n", page_json(&[], None))),
        1 => Then::Reply(reply_with(
            429,
            "Twilio-Concurrent-Requests: 9\r\nRetry-After: 7\r\n",
            error_json(20429, 429),
        )),
        2 => Then::Reply(reply(200, "<html>")),
        _ => Then::Close,
    })
    .await;
    let listener = Arc::new(Listener::default());
    let observer: Arc<dyn Observer> = listener.clone();
    let client = Client::new(ClientOptions { observer: Some(observer), ..options(&stub.url) }).unwrap();
    let c = credentials();
    for _ in 0..4 {
        let _result = client.list_webhooks(&c, &at()).await;
    }
    drop(stub);
    tokio::task::yield_now().await;
    let _result = client.fetch_configuration(&c).await;
    let _not_a_request = client.fetch_conversation(&c, None, "..").await;

    let heard: Vec<_> = std::mem::take(&mut *listener.0.lock().unwrap());
    let list = |outcome, concurrent, wait: Option<u64>| {
        (Operation::ListWebhooks, AC.to_owned(), outcome, concurrent, wait.map(Duration::from_secs))
    };
    assert_eq!(
        heard,
        [
            list(Outcome::Ok, Some(3), None),
            list(Outcome::ApiError { status: 429, code: Some(20429) }, Some(9), Some(7)),
            list(Outcome::Unusable, None, None),
            list(Outcome::Unanswered, None, None),
            (Operation::FetchConfiguration, AC.to_owned(), Outcome::NotSent, None, None),
        ]
    );
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_has_the_numbers_and_no_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    // For the whole process: a subscriber of one thread misses what another thread logs first. What the other tests
    // log must be as clean.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let stub = Stub::start(|number, _| match number {
        0 => Then::Reply(reply_with(400, "Twilio-Request-Id: RQ12\r\n", error_json(50361, 400))),
        1 => Then::Reply(reply(200, "<html>canary")),
        _ => Then::Reset,
    })
    .await;
    let (client, c, config) = (client(&stub.url), credentials(), config());
    let new = NewWebhook { config: &config, replay_after: None };
    let _outcome = client.create_webhook(&c, &at(), &new).await;
    let _result = client.fetch_conversation(&c, None, "canary-name").await;
    let _result = client.update_webhook(&c, &at(), &sid(), &config).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in
        ["create_webhook", "status=400", "code=50361", "RQ12", "duration_ms=", "fetch_conversation"]
    {
        assert!(log.contains(expected), "{expected} in {log}");
    }
    assert!(!log.contains(CANARY), "{log}");
    assert!(!log.contains("Basic"), "{log}");
}
