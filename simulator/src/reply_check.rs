//! Every true reply, held against Twilio's contract as it goes out, and the record of those that were wrong: a wrong
//! reply is a bug of the simulator, and a test that trusted it has shown nothing. Injected faults are meant to be
//! wrong, and never come here.

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;

use crate::facts::{self, Violation};

/// The first ones say what is wrong; those after them are in the log only.
const ON_RECORD: usize = 100;

/// A reply of the simulator that Twilio would not have given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{method} {path} was answered with {status}: {violation}")]
pub struct WrongReply {
    /// When it went out.
    pub at: Timestamp,
    /// The request's method.
    pub method: String,
    /// The request's path, without its query.
    pub path: String,
    /// The reply's status.
    pub status: u16,
    /// What is wrong with it.
    pub violation: Violation,
}

/// What a reply answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a http::Method,
    pub(crate) path: &'a str,
    /// Twilio's name of the operation; without one there can be only an error.
    pub(crate) operation: Option<&'static str>,
    /// A switch asks for pages of another length than the contract's.
    pub(crate) other_page_limit: bool,
}

/// The check, which outlives resets of the world: a wrong reply stays one.
#[derive(Debug)]
pub(crate) struct ReplyCheck {
    on: bool,
    wrong: Mutex<Vec<WrongReply>>,
}

impl ReplyCheck {
    pub(crate) fn new(on: bool) -> Self {
        Self { on, wrong: Mutex::default() }
    }

    /// Looks at a reply, where that is switched on. The body is asked for only then.
    pub(crate) fn look<B: AsRef<[u8]>>(&self, asked: Asked<'_>, status: u16, body: impl FnOnce() -> B) {
        if !self.on {
            return;
        }
        let body = body();
        let verdict = match asked.operation {
            Some(operation) => facts::check(operation, status, body.as_ref()),
            None => facts::check_error(status, body.as_ref()),
        };
        if let Err(violation) = verdict
            && !(asked.other_page_limit && violation.field == "meta.page_size")
        {
            self.record(asked, status, violation);
        }
    }

    fn record(&self, asked: Asked<'_>, status: u16, violation: Violation) {
        let (method, path) = (asked.method.to_string(), asked.path.to_owned());
        let wrong = WrongReply { at: Timestamp::now(), method, path, status, violation };
        tracing::error!("a reply that Twilio would not give: {wrong}");
        let mut record = self.wrong.lock();
        if record.len() < ON_RECORD {
            record.push(wrong);
        }
    }

    pub(crate) fn wrong(&self) -> Vec<WrongReply> {
        self.wrong.lock().clone()
    }

    /// Hands the record over: who has it answers for it.
    pub(crate) fn take(&self) -> Vec<WrongReply> {
        std::mem::take(&mut *self.wrong.lock())
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::world::{Configuration, Method, NewWebhook, Origin};
    use crate::{AccountSeed, AccountSid, ConversationSeed, ConversationSid, WebhookSid};
    use crate::{Config, Seed, Settings, Simulator};

    const ASKED: Asked<'_> = Asked {
        method: &http::Method::GET,
        path: "/v1/Configuration",
        operation: Some("FetchConfiguration"),
        other_page_limit: false,
    };

    async fn simulator(check_replies: bool) -> Simulator {
        Simulator::start(Config { check_replies, ..Config::from(Seed::new()) }).await.unwrap()
    }

    fn answer_wrongly(simulator: &Simulator) {
        simulator.state().reply_check.look(ASKED, 200, || "{}");
    }

    #[tokio::test]
    async fn a_wrong_reply_is_on_record_and_ends_the_test() {
        let simulator = simulator(true).await;
        answer_wrongly(&simulator);
        simulator.reset().unwrap();
        let wrong = simulator.violations();
        let text = "GET /v1/Configuration was answered with 200: account_sid: is missing";
        assert_eq!(wrong.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);

        let url = format!("{}/_simulator/violations", simulator.url());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let shown: serde_json::Value = client.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(shown["violations"][0]["violation"]["field"], "account_sid");
        assert_eq!(shown["violations"][0]["violation"]["problem"], "is missing");

        let address = simulator.address();
        let panic = catch_unwind(AssertUnwindSafe(|| drop(simulator))).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert_eq!(*message, format!("1 of the simulator's replies were wrong; the first: {text}"));
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while std::net::TcpStream::connect(address).is_ok() {
            assert!(std::time::Instant::now() < deadline, "it still listens");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// A webhook that no form could make, as a reply shows it.
    #[tokio::test]
    async fn what_goes_out_over_http_is_looked_at() {
        let (account, conversation) = (AccountSid::numbered(1), ConversationSid::numbered(1));
        let seed = AccountSeed::new(account, "token").conversation(ConversationSeed::new(conversation));
        let config = Config { check_replies: true, ..Config::from(Seed::new().account(seed)) };
        let simulator = Simulator::start(config).await.unwrap();
        let url = "nowhere".to_owned();
        let configuration = Configuration::Webhook { url, method: Method::Post, filters: Vec::new() };
        let new = NewWebhook { sid: WebhookSid::numbered(1), configuration, replay_after: None };
        let world_account = simulator.state().world.account(account).unwrap();
        world_account
            .data()
            .create_webhook(conversation, new, Origin::Outsider, Settings::default())
            .unwrap();

        let path = format!("/v1/Conversations/{conversation}/Webhooks");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("{}{path}?PageSize=5", simulator.url()));
        let response = request.basic_auth(account, Some("token")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let wrong = simulator.stop_and_report().await;
        let found: Vec<_> = wrong.iter().map(|wrong| (&*wrong.path, &*wrong.violation.field)).collect();
        assert_eq!(found, [(&*path, "webhooks[0].configuration.url")]);
    }

    #[tokio::test]
    async fn a_stop_panics_too_and_one_with_a_report_does_not() {
        let stopped = simulator(true).await;
        answer_wrongly(&stopped);
        assert!(tokio::spawn(stopped.stop()).await.unwrap_err().is_panic());

        let reported = simulator(true).await;
        answer_wrongly(&reported);
        assert_eq!(reported.stop_and_report().await.len(), 1);
    }

    #[tokio::test]
    async fn a_test_that_fails_already_fails_for_its_own_reason() {
        let simulator = simulator(true).await;
        answer_wrongly(&simulator);
        let failing = move || {
            let _simulator = simulator;
            panic!("its own reason");
        };
        let panic = catch_unwind(AssertUnwindSafe(failing)).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"its own reason"));
    }

    #[tokio::test]
    async fn what_is_not_checked_is_not_on_record() {
        let simulator = simulator(false).await;
        simulator.state().reply_check.look(ASKED, 200, || -> &str { panic!("the body was asked for") });
        simulator.stop().await;
    }

    #[test]
    fn the_record_is_bounded() {
        let check = ReplyCheck::new(true);
        for _ in 0..2 * ON_RECORD {
            check.look(ASKED, 200, || "{}");
        }
        assert_eq!(check.wrong().len(), ON_RECORD);
    }
}
