//! One request: sent once, answered within one deadline, told to log and observer.
//!
//! Nothing here or below sends a request twice: redirects and reqwest's own retries are off. What remains is hyper's,
//! which takes another connection when a pooled one turned out dead before a byte of the request was written.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Method as Verb, RequestBuilder, redirect, retry};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::credentials::Credentials;
use super::error::Error;
use super::form::Form;
use super::observe::{Exchange, Observer, Outcome};
use super::operation::Operation;
use super::options::{ClientBuildError, ClientOptions};
use super::reply::{self, Head, Reply};
use super::transport;

/// Idle connections are closed before a load balancer does (60 s is usual): a create over a connection that is being
/// closed on the other side has an unknown outcome.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// One dead HTTP/2 connection would let every request over it run into its timeout: so it is asked for a sign of life
/// while requests wait on it.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What is to be sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) verb: Verb,
    pub(super) url: Url,
    pub(super) form: Option<Form<'a>>,
}

/// A number for the conversation in a URL.
fn topic(url: &Url) -> Option<u64> {
    let mut segments = url.path_segments().into_iter().flatten().skip_while(|part| *part != "Conversations");
    let conversation = segments.nth(1)?;
    let mut hasher = DefaultHasher::new();
    conversation.hash(&mut hasher);
    Some(hasher.finish())
}

/// The HTTP client, its pool of connections, and who hears of its requests.
#[derive(Clone)]
pub(super) struct Exchanger {
    http: reqwest::Client,
    request_timeout: Duration,
    observer: Option<Arc<dyn Observer>>,
}

impl fmt::Debug for Exchanger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanger").field("request_timeout", &self.request_timeout).finish_non_exhaustive()
    }
}

impl Exchanger {
    pub(super) fn new(options: ClientOptions) -> Result<Self, ClientBuildError> {
        let ClientOptions {
            base_url: _,
            allow_http,
            ca_bundle_pem,
            connect_timeout,
            request_timeout,
            user_agent,
            observer,
        } = options;
        let authorities = ca_bundle_pem.as_deref().map(authorities).transpose()?.unwrap_or_default();
        let http = reqwest::Client::builder()
            .user_agent(user_agent)
            .connect_timeout(connect_timeout)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .https_only(!allow_http)
            .tls_certs_merge(authorities)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .build()
            .map_err(ClientBuildError::Http)?;
        Ok(Self { http, request_timeout, observer })
    }

    /// Sends the call and reads its answer.
    pub(super) async fn call<T>(
        &self,
        c: &Credentials,
        call: Call<'_>,
        read: impl FnOnce(&Reply) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (operation, topic) = (call.operation, topic(&call.url));
        let started = Instant::now();
        let answer = answer(self.request(c, call), operation, started + self.request_timeout).await;
        let duration = started.elapsed();
        let head = answer.as_ref().ok().map(|answer| answer.head.clone());
        let result = answer.and_then(|Answer { head, body }| head.judge(body)).and_then(|reply| read(&reply));

        let outcome = Outcome::of(&result);
        tracing::debug!(
            %operation,
            outcome = outcome.as_str(),
            status = head.as_ref().map(|head| head.status),
            code = result.as_ref().err().and_then(Error::code),
            request_id = head.as_ref().and_then(|head| head.request_id.as_deref()),
            duration_ms = duration.as_millis(),
            "Twilio request"
        );
        if let Some(observer) = &self.observer {
            let concurrent_requests = head.and_then(|head| head.concurrent_requests);
            let retry_after = result.as_ref().err().and_then(Error::retry_after);
            let door = c.door();
            observer.observe(&Exchange {
                operation,
                door,
                topic,
                outcome,
                duration,
                concurrent_requests,
                retry_after,
            });
        }
        result
    }

    fn request(&self, c: &Credentials, call: Call<'_>) -> RequestBuilder {
        let Call { operation: _, verb, url, form } = call;
        let (user, password) = c.basic();
        let request = self.http.request(verb, url).basic_auth(user, Some(password.expose_secret()));
        match form {
            Some(form) => request.form(&form),
            None => request,
        }
    }
}

fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, ClientBuildError> {
    let authorities = Certificate::from_pem_bundle(pem).map_err(|_| ClientBuildError::CaBundle)?;
    if authorities.is_empty() { Err(ClientBuildError::CaBundle) } else { Ok(authorities) }
}

/// An answer whose status is known, and its body where that arrived too.
struct Answer {
    head: Head,
    body: Result<Vec<u8>, Error>,
}

async fn answer(request: RequestBuilder, operation: Operation, deadline: Instant) -> Result<Answer, Error> {
    let late = Error::Timeout { operation };
    let Ok(response) = timeout_at(deadline, request.send()).await else { return Err(late) };
    let response = response.map_err(|error| transport::error(operation, &error))?;
    let head = Head::of(operation, &response);
    let body = timeout_at(deadline, reply::read(&head, response)).await.unwrap_or(Err(late));
    Ok(Answer { head, body })
}
