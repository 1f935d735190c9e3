//! One request from arrival to answer: credentials, route, fault, operation, journal.
//!
//! Without a fault all of it is one synchronous step after the body was read. With a fault it runs as a task of its
//! own, so that a client that leaves does not take its request back: what Twilio has accepted, it carries out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use jiff::Timestamp;

use super::inbound::Inbound;
use super::operations::{Answer, Call, perform};
use super::outbound::{Ending, Outbound};
use super::refusal::{ErrorBody, Refusal};
use super::route::Route;
use crate::delivery::Courier;
use crate::excerpt;
use crate::fault::{Commit, FaultId, Plan, Reply, Sight};
use crate::journal::{
    Closing, CounterKey, Entry, FORM_BYTES, METHOD_BYTES, Outcome, PATH_BYTES, USER_AGENT_BYTES,
};
use crate::reply_check::Asked;
use crate::seed::{AccountStatus, Region};
use crate::settings::PageLimit;
use crate::sid::RequestId;
use crate::state::State;
use crate::world::{Origin, Principal};

/// Answers a request of Twilio's API, or says how its connection ends instead.
pub(crate) async fn exchange(
    state: Arc<State>,
    courier: Arc<Courier>,
    inbound: Inbound,
) -> Result<Response<Body>, Ending> {
    let started = Instant::now();
    let request_id: RequestId = state.request_ids.next();
    let (admission, key) = admit(&state, &inbound);
    let at = state.clock.now();
    let seq = state.journal.open(entry(&inbound, at, &admission, key, request_id));
    let twilio_id = match &admission {
        Admission::Admitted(Admitted { route, .. }) => {
            Some(route.action.operation().twilio_id(route.service.is_some()))
        }
        Admission::Refused { .. } => None,
    };
    let exchange = Exchange { state, courier, inbound, request_id, seq, key, twilio_id, started };
    let admitted = match admission {
        Admission::Admitted(admitted) => admitted,
        Admission::Refused { refusal, principal } => {
            let _in_flight = principal.as_ref().map(InFlight::enter);
            return exchange.finish(Err(refusal), principal.as_ref(), false);
        }
    };
    let in_flight = InFlight::enter(&admitted.principal);
    if exchange.state.settings().max_concurrent.is_some_and(|max| in_flight.number() > max) {
        return exchange.finish(Err(Refusal::TooManyAtOnce), Some(&admitted.principal), false);
    }
    let sight = Sight {
        account: admitted.principal.account.sid,
        operation: admitted.route.action.operation(),
        conversation: admitted.route.action.conversation().and_then(|text| text.parse().ok()),
    };
    let Some((fault, what)) = exchange.state.faults.strike(sight) else {
        let (result, committed) = exchange.carry_out(&admitted, None);
        return exchange.finish(result, Some(&admitted.principal), committed);
    };
    let task = tokio::spawn(exchange.suffer(admitted, in_flight, fault, Plan::from(what)));
    task.await.unwrap_or(Err(Ending::Reset))
}

/// What the front door says.
enum Admission {
    Admitted(Admitted),
    Refused { refusal: Refusal, principal: Option<Principal> },
}

struct Admitted {
    principal: Principal,
    route: Route,
}

fn admit(state: &State, inbound: &Inbound) -> (Admission, CounterKey) {
    let principal = inbound
        .credentials()
        .and_then(|(user, password)| state.world.authenticate(&user, &password))
        .filter(|principal| inbound.region().is_none_or(|region| region == principal.account.region));
    let route = Route::parse(&inbound.method, inbound.path());
    let operation = route.as_ref().ok().map(|route| route.action.operation());
    let key = CounterKey { account: principal.as_ref().map(|principal| principal.account.sid), operation };
    let Some(principal) = principal else {
        return (Admission::Refused { refusal: Refusal::Authenticate, principal: None }, key);
    };
    let refusal = match route {
        _ if principal.account.status() != AccountStatus::Active => Refusal::Forbidden,
        _ if principal.account.region == Region::Au1 => Refusal::NotOffered,
        Err(refusal) => refusal,
        Ok(route) if !principal.may(route.action.operation()) => Refusal::Authenticate,
        Ok(route) => match &inbound.trouble {
            Some(trouble) => trouble.clone(),
            None => return (Admission::Admitted(Admitted { principal, route }), key),
        },
    };
    (Admission::Refused { refusal, principal: Some(principal) }, key)
}

fn entry(
    inbound: &Inbound,
    at: Timestamp,
    admission: &Admission,
    key: CounterKey,
    request_id: RequestId,
) -> Entry {
    let user = match admission {
        Admission::Admitted(admitted) => Some(admitted.principal.user.clone()),
        Admission::Refused { principal: Some(principal), .. } => Some(principal.user.clone()),
        Admission::Refused { principal: None, .. } => inbound.claimed_user(),
    };
    Entry {
        seq: 0,
        at,
        account: key.account,
        user,
        user_agent: user_agent(inbound),
        method: excerpt::text(inbound.method.as_str(), METHOD_BYTES),
        path: excerpt::text(&inbound.uri.to_string(), PATH_BYTES),
        operation: key.operation,
        params: excerpt::form(&inbound.form, FORM_BYTES),
        request_id,
        outcome: Outcome::Pending,
        status: None,
        code: None,
        fault: None,
        committed: false,
        duration_us: 0,
    }
}

/// What the journal and the ledger keep of it.
fn user_agent(inbound: &Inbound) -> String {
    excerpt::text(inbound.user_agent(), USER_AGENT_BYTES)
}

/// A request that is in the journal.
struct Exchange {
    state: Arc<State>,
    courier: Arc<Courier>,
    inbound: Inbound,
    request_id: RequestId,
    seq: u64,
    key: CounterKey,
    /// Of an admitted request.
    twilio_id: Option<&'static str>,
    started: Instant,
}

impl Exchange {
    /// Performs the operation, and sends the deliveries that it causes.
    fn carry_out(&self, admitted: &Admitted, as_of: Option<Timestamp>) -> (Result<Answer, Refusal>, bool) {
        let Admitted { principal, route } = admitted;
        let call = Call {
            account: &principal.account,
            route,
            query: &self.inbound.query,
            form: &self.inbound.form,
            host: self.inbound.host(),
            fires_webhooks: self.inbound.fires_webhooks(),
            origin: Origin::Api {
                request: self.seq,
                user: principal.user.clone(),
                user_agent: user_agent(&self.inbound),
            },
            as_of,
            settings: self.state.settings(),
            sids: &self.state.sids,
        };
        let result = perform(&call);
        self.courier.collect(&self.state, &principal.account);
        let committed = result.is_ok() && route.action.operation().is_write();
        (result, committed)
    }

    /// Goes through a fault.
    async fn suffer(
        self,
        admitted: Admitted,
        in_flight: InFlight,
        fault: FaultId,
        plan: Plan,
    ) -> Result<Response<Body>, Ending> {
        self.state.journal.fault(self.seq, self.key, fault);
        tokio::time::sleep(plan.before).await;
        let (result, committed) = match plan.commit {
            Commit::Now => {
                let now = self.state.clock.now();
                let as_of = plan.lag.map(|lag| now.checked_sub(lag).unwrap_or(Timestamp::MIN));
                self.carry_out(&admitted, as_of)
            }
            Commit::Never | Commit::Later(_) => (Ok(Answer::nothing()), false),
        };
        tokio::time::sleep(plan.after).await;
        let (outbound, closing_code) = match plan.reply {
            Reply::True => return self.finish(result, Some(&admitted.principal), committed),
            Reply::Silence(silence) => (Outbound::Ended(Ending::from(silence)), None),
            Reply::Error { status, code, retry_after } => {
                let body = ErrorBody::new(status, code, Outbound::error_text(status).to_owned());
                (Outbound::error(&body, retry_after), Some(code))
            }
            Reply::Garbled(garble) => {
                let answer = self.answer_or_error(result);
                (Outbound::garbled(answer, garble, self.inbound.host(), self.inbound.path()), None)
            }
        };
        self.close(&outbound, closing_code, committed);
        let response = outbound.into_response(self.headers(Some(&admitted.principal)));
        if let Commit::Later(after) = plan.commit {
            drop(in_flight);
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let (_, committed) = self.carry_out(&admitted, None);
                if committed {
                    self.state.journal.committed_late(self.seq, self.key);
                }
            });
        }
        response
    }

    fn answer_or_error(&self, result: Result<Answer, Refusal>) -> Answer {
        result.unwrap_or_else(|refusal| {
            let body = refusal.body(self.state.settings(), self.inbound.path());
            Answer::error(&body)
        })
    }

    /// Answers truly, which is what the contract is about.
    fn finish(
        &self,
        result: Result<Answer, Refusal>,
        principal: Option<&Principal>,
        committed: bool,
    ) -> Result<Response<Body>, Ending> {
        let settings = self.state.settings();
        let (outbound, code) = match result {
            Ok(answer) => {
                self.state.reply_check.look(self.asked(), answer.status, || &answer.body);
                (Outbound::answer(answer), None)
            }
            Err(refusal) => {
                let body = refusal.body(settings, self.inbound.path());
                self.state.reply_check.look(self.asked(), body.status, || Answer::error(&body).body);
                (Outbound::error(&body, None), Some(body.code))
            }
        };
        self.close(&outbound, code, committed);
        outbound.into_response(self.headers(principal))
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            method: &self.inbound.method,
            path: self.inbound.path(),
            operation: self.twilio_id,
            other_page_limit: self.state.settings().page_limit != PageLimit::Five,
        }
    }

    fn close(&self, outbound: &Outbound, code: Option<u32>, committed: bool) {
        let duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let closing =
            Closing { outcome: outbound.outcome(), status: outbound.status(), code, committed, duration_us };
        self.state.journal.close(self.seq, self.key, closing);
    }

    /// The headers that Twilio puts on every answer.
    fn headers(&self, principal: Option<&Principal>) -> HeaderMap {
        let concurrent = principal.map_or(0, |principal| principal.account.in_flight.load(Ordering::Relaxed));
        let duration = self.started.elapsed().as_millis();
        [
            ("twilio-request-id", self.request_id.to_string()),
            ("twilio-concurrent-requests", concurrent.to_string()),
            ("twilio-request-duration", format!("{}.{:03}", duration / 1000, duration % 1000)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?)))
        .collect()
    }
}

/// Counts a request as in flight while it lives.
struct InFlight(Arc<crate::world::Account>);

impl InFlight {
    fn enter(principal: &Principal) -> Self {
        principal.account.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&principal.account))
    }
}

impl InFlight {
    /// How many requests of the account are in flight, this one included.
    fn number(&self) -> usize {
        self.0.in_flight.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
