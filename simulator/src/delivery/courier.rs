//! Sends deliveries: one real HTTP request each, 5 s, no second attempt, no redirect, no proxy.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header;
use reqwest::{Client, redirect};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use url::Url;

use super::signature::sign;
use super::{DeliveryFailure, DeliveryOutcome, Destination, Dispatch};
use crate::state::State;
use crate::world::Method;

const TIMEOUT: Duration = Duration::from_secs(5);
const USER_AGENT: &str = "TwilioProxy/1.1";

/// Sends from the simulator's own runtime, whoever asks.
pub(crate) struct Courier {
    runtime: Handle,
    tasks: TaskTracker,
    /// Made with the first delivery: it loads the system's certificates, which not every machine has.
    client: Arc<OnceLock<Option<Client>>>,
}

impl Courier {
    pub(crate) fn new(runtime: Handle, tasks: TaskTracker) -> Self {
        Self { runtime, tasks, client: Arc::default() }
    }

    /// Records the deliveries and sends them in the background, each by itself.
    pub(crate) fn send(&self, state: &Arc<State>, dispatches: Vec<Dispatch>) {
        for Dispatch { delivery, auth_token } in dispatches {
            let id = state.deliveries.open(delivery.clone());
            let Destination::Http { method, url } = delivery.destination else {
                state.deliveries.close(id, DeliveryOutcome::Executed);
                continue;
            };
            let (state, client) = (Arc::clone(state), Arc::clone(&self.client));
            let sending = async move {
                let client = client.get_or_init(|| build_client().ok()).as_ref();
                let request = client
                    .and_then(|client| request(client, method, &url, &delivery.fields, &auth_token))
                    .map(|request| request.header("I-Twilio-Idempotency-Token", &delivery.idempotency_token));
                let outcome = match request {
                    None => DeliveryOutcome::Failed(DeliveryFailure::Unsendable),
                    Some(request) => match request.send().await {
                        Ok(response) => DeliveryOutcome::Answered(response.status().as_u16()),
                        Err(error) => DeliveryOutcome::Failed(failure(&error)),
                    },
                };
                state.deliveries.close(id, outcome);
            };
            self.tasks.spawn_on(sending, &self.runtime);
        }
    }
}

fn build_client() -> reqwest::Result<Client> {
    Client::builder()
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(USER_AGENT)
        .http1_title_case_headers()
        .build()
}

fn request(
    client: &Client,
    method: Method,
    url: &str,
    fields: &[(String, String)],
    auth_token: &str,
) -> Option<reqwest::RequestBuilder> {
    let mut url = Url::parse(url).ok()?;
    url.set_fragment(None);
    let request = match method {
        Method::Get => {
            url.query_pairs_mut().extend_pairs(fields);
            let signature = sign(auth_token, url.as_str(), &[]);
            client.get(url).header("X-Twilio-Signature", signature)
        }
        Method::Post => {
            let signature = sign(auth_token, url.as_str(), fields);
            client.post(url).header("X-Twilio-Signature", signature).form(fields)
        }
    };
    Some(request.header(header::ACCEPT, "*/*"))
}

fn failure(error: &reqwest::Error) -> DeliveryFailure {
    if error.is_timeout() {
        DeliveryFailure::Timeout
    } else if error.is_connect() {
        DeliveryFailure::Connect
    } else if error.is_builder() {
        DeliveryFailure::Unsendable
    } else {
        DeliveryFailure::Broken
    }
}
