//! Sends deliveries: real HTTP requests, 5 s each, no redirect, no proxy. A delivery that failed is sent again only
//! where a switch asks for it, and then as an attempt of its own under the same idempotency token.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header;
use reqwest::{Client, redirect};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use url::Url;

use super::address::RETRY_COUNT;
use super::hosts::DeliveryHosts;
use super::signature::sign;
use super::{Delivery, DeliveryFailure, DeliveryOutcome, Destination, Dispatch};
use crate::state::State;
use crate::world::{Account, Method};

const TIMEOUT: Duration = Duration::from_secs(5);
const USER_AGENT: &str = "TwilioProxy/1.1";

/// Sends from the simulator's own runtime, whoever asks.
pub(crate) struct Courier {
    runtime: Handle,
    tasks: TaskTracker,
    hosts: Arc<DeliveryHosts>,
    /// Made with the first delivery: it loads the system's certificates, which not every machine has.
    client: Arc<OnceLock<Option<Client>>>,
}

impl Courier {
    pub(crate) fn new(runtime: Handle, tasks: TaskTracker, hosts: DeliveryHosts) -> Self {
        Self { runtime, tasks, hosts: Arc::new(hosts), client: Arc::default() }
    }

    /// Sends what is waiting in the account, each by itself and in the background. It is on record before anybody else
    /// looks at the account, so that deliveries keep the order of their events, whoever collects them.
    pub(crate) fn collect(&self, state: &Arc<State>, account: &Account) {
        let mut data = account.data();
        let dispatches = data.take_outbox();
        if !dispatches.is_empty() {
            self.send(state, dispatches, &account.auth_token());
        }
    }

    fn send(&self, state: &Arc<State>, dispatches: Vec<Dispatch>, auth_token: &str) {
        for Dispatch { delivery } in dispatches {
            let id = state.deliveries.open(delivery.clone());
            match &delivery.destination {
                Destination::Studio { .. } => state.deliveries.close(id, DeliveryOutcome::Executed),
                Destination::Http { method, url } => {
                    let errand = Errand {
                        state: Arc::clone(state),
                        hosts: Arc::clone(&self.hosts),
                        client: Arc::clone(&self.client),
                        auth_token: auth_token.to_owned(),
                        method: *method,
                        url: url.clone(),
                    };
                    self.tasks.spawn_on(errand.run(id, delivery), &self.runtime);
                }
            }
        }
    }
}

/// One delivery on its way, with all that is needed to send it again.
struct Errand {
    state: Arc<State>,
    hosts: Arc<DeliveryHosts>,
    client: Arc<OnceLock<Option<Client>>>,
    /// The key of the signature.
    auth_token: String,
    method: Method,
    url: String,
}

impl Errand {
    async fn run(self, mut id: u64, mut delivery: Delivery) {
        loop {
            let outcome = self.attempt(&delivery).await;
            let failed = match &outcome {
                DeliveryOutcome::Answered(status) => !(200..300).contains(status),
                DeliveryOutcome::Failed(failure) => failure.is_the_bots(),
                DeliveryOutcome::Pending | DeliveryOutcome::Executed => false,
            };
            if !failed || delivery.retry >= self.state.settings().delivery_retries {
                return self.state.deliveries.close(id, outcome);
            }
            // The next attempt is on record before this one ends, so that there is no moment without one.
            delivery.retry += 1;
            for (name, value) in &mut delivery.fields {
                if name == RETRY_COUNT {
                    *value = delivery.retry.to_string();
                }
            }
            let next = self.state.deliveries.open(delivery.clone());
            self.state.deliveries.close(id, outcome);
            id = next;
        }
    }

    async fn attempt(&self, delivery: &Delivery) -> DeliveryOutcome {
        let unsendable = DeliveryOutcome::Failed(DeliveryFailure::Unsendable);
        let client = self.client.get_or_init(|| build_client().ok()).as_ref();
        let (Some(client), Ok(url)) = (client, Url::parse(&self.url)) else { return unsendable };
        if !self.hosts.admit(&url) {
            return DeliveryOutcome::Failed(DeliveryFailure::HostNotAllowed);
        }
        let request = request(client, self.method, url, &delivery.fields, &self.auth_token)
            .header("I-Twilio-Idempotency-Token", &delivery.idempotency_token);
        match request.send().await {
            Ok(response) => DeliveryOutcome::Answered(response.status().as_u16()),
            Err(error) => DeliveryOutcome::Failed(failure(&error)),
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
    mut url: Url,
    fields: &[(String, String)],
    auth_token: &str,
) -> reqwest::RequestBuilder {
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
    request.header(header::ACCEPT, "*/*")
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

impl DeliveryFailure {
    /// Whether the bot, or the way to it, is to blame, so that another attempt may go better.
    const fn is_the_bots(self) -> bool {
        match self {
            Self::Connect | Self::Timeout | Self::Broken => true,
            Self::Unsendable | Self::HostNotAllowed => false,
        }
    }
}
