//! The proxy of the environment. The environment belongs to the whole process, so the client runs in one of its own.

use std::env;

use conversation_webhook_operator::twilio::{
    Client, ClientOptions, CreateOutcome, Error, NewWebhook, NotSent,
};
use tokio::process::Command;

use crate::stub::{Stub, Then, reply};
use crate::world::{CANARY, at, config, credentials};

#[tokio::test]
async fn a_proxy_that_refuses_gets_no_request_and_no_credentials() {
    let stub = Stub::always(Then::ReplyAndClose(reply(407, ""))).await;
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--ignored", "proxy::in_a_process_of_its_own"])
        .env("HTTPS_PROXY", stub.url.as_str())
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    let requests = stub.requests();
    assert_eq!(requests.len(), 1);
    for request in requests {
        assert_eq!(request.line, "CONNECT twilio.invalid:443 HTTP/1.1");
        assert!(
            !request.headers.contains("Basic") && !request.headers.contains(CANARY),
            "{}",
            request.headers
        );
    }
}

#[tokio::test]
#[ignore = "run by the test above, with a proxy in its environment"]
async fn in_a_process_of_its_own() {
    let base_url = Some("https://twilio.invalid".parse().unwrap());
    let client = Client::new(ClientOptions { base_url, ..ClientOptions::default() }).unwrap();
    let config = config();
    let new = NewWebhook { config: &config, replay_after: None };
    let outcome = client.create_webhook(&credentials(), &at(), &new).await;
    assert!(
        matches!(outcome, CreateOutcome::NotCreated(Error::NotSent { reason: NotSent::Proxy, .. })),
        "{outcome:?}"
    );
}
