//! Leader election by a Lease, after the protocol of Kubernetes' own client-go: whoever holds the Lease acts, and holds it
//! only as long as it renews it; whoever waits for it goes by its own monotonic clock and by nothing that others write.
//!
//! The protocol of the creates is safe without this (`docs/safety.md`). The Lease keeps two processes from doing the same
//! work, and a process that was frozen from acting on old knowledge. It must never be what safety rests on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;

/// The spans of the election. Each is shorter than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTiming {
    /// How long a Lease that is not renewed keeps others out.
    pub duration: Duration,
    /// How long the holder acts without a renewal that succeeded.
    pub renew_within: Duration,
    /// Between two attempts to take or to renew it.
    pub retry: Duration,
}

impl LeaseTiming {
    /// What kube-controller-manager and most operators use.
    pub const REAL: Self = Self {
        duration: Duration::from_secs(15),
        renew_within: Duration::from_secs(10),
        retry: Duration::from_secs(2),
    };

    /// The same spans times `factor`, for tests, in their old proportions. A Lease counts whole seconds, at least one.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let seconds = self.duration.mul_f64(factor).as_secs_f64().ceil().max(1.0);
        let duration = Duration::from_secs_f64(seconds);
        let share = duration.as_secs_f64() / self.duration.as_secs_f64();
        Self { duration, renew_within: self.renew_within.mul_f64(share), retry: self.retry.mul_f64(share) }
    }
}

/// Which Lease, and who asks for it.
#[derive(Debug, Clone)]
pub struct LeaseConfig {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The name of this process: no other may have it.
    pub identity: String,
    /// The spans.
    pub timing: LeaseTiming,
}

/// Whether this process may act. Clones share it.
#[derive(Debug, Clone)]
pub struct Leadership {
    begun: Instant,
    /// Until when it may act: microseconds after `begun`; 0 while it may not.
    until: Arc<AtomicU64>,
}

impl Leadership {
    /// Nobody acts yet.
    #[must_use]
    pub fn none() -> Self {
        Self { begun: Instant::now(), until: Arc::default() }
    }

    /// Of a process that is alone by arrangement.
    #[must_use]
    pub fn alone() -> Self {
        Self { begun: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Whether this process may act now. Goes by the clock: a process that was frozen finds out with its first step.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        now < self.until.load(Ordering::Acquire)
    }

    fn hold_until(&self, moment: Instant) {
        let until = moment.saturating_duration_since(self.begun).as_micros();
        self.until.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Release);
    }

    fn end(&self) {
        self.until.store(0, Ordering::Release);
    }
}

/// A Lease as it was last seen, and when that changed, by the clock of this process.
#[derive(Debug, Clone, PartialEq)]
struct Observed {
    lease: Lease,
    since: Instant,
}

impl Observed {
    fn spec(&self) -> LeaseSpec {
        self.lease.spec.clone().unwrap_or_default()
    }

    fn holder(&self) -> Option<String> {
        self.spec().holder_identity.filter(|holder| !holder.is_empty())
    }

    /// Whether it keeps others out: as long as its holder says, counted from when it was last seen to change.
    fn is_valid(&self, now: Instant, default: Duration) -> bool {
        let seconds = self.spec().lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        now < self.since + seconds.map_or(default, Duration::from_secs)
    }
}

/// Takes the Lease, renews it, gives it back.
#[derive(Debug)]
pub struct Elector {
    api: Api<Lease>,
    config: LeaseConfig,
    leadership: Leadership,
    observed: Option<Observed>,
    /// When the last attempt that succeeded began.
    renewed: Instant,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Attempt {
    Held,
    /// Somebody else holds it.
    Taken(String),
    /// Somebody else wrote it at the same time.
    Lost,
}

impl Elector {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, config: LeaseConfig) -> Self {
        let api = Api::namespaced(client, &config.namespace);
        Self { api, config, leadership: Leadership::none(), observed: None, renewed: Instant::now() }
    }

    /// Whether this process may act, for whoever needs to ask.
    #[must_use]
    pub fn leadership(&self) -> Leadership {
        self.leadership.clone()
    }

    /// Waits until the Lease is held. Errors are logged and tried again: without an API server nobody acts.
    pub async fn acquire(&mut self) {
        let mut said = None;
        loop {
            let started = Instant::now();
            let result = self.attempt_within(self.config.timing.renew_within).await;
            let now = match result {
                Ok(Attempt::Held) => {
                    self.is_held_since(started);
                    tracing::info!(lease = self.config.name, identity = self.config.identity, "leading");
                    return;
                }
                Ok(Attempt::Taken(holder)) => Some(format!("held by {holder}")),
                Ok(Attempt::Lost) => None,
                Err(error) => Some(error.to_string()),
            };
            if now.is_some() && now != said {
                tracing::info!(lease = self.config.name, "standing by: {}", now.clone().unwrap_or_default());
                said = now;
            }
            tokio::time::sleep(self.config.timing.retry.mul_f64(1.0 + 0.2 * fastrand::f64())).await;
        }
    }

    /// Renews the Lease until that cannot be done in time, somebody else has it, or `stop`.
    ///
    /// # Errors
    /// It is lost: nothing new may be begun.
    pub async fn hold(&mut self, stop: &CancellationToken) -> Result<(), LeaseLost> {
        let timing = self.config.timing;
        loop {
            if stop.run_until_cancelled(tokio::time::sleep(timing.retry)).await.is_none() {
                return Ok(());
            }
            let left = timing.renew_within.saturating_sub(self.renewed.elapsed());
            let started = Instant::now();
            match self.attempt_within(left).await {
                Ok(Attempt::Held) => self.is_held_since(started),
                Ok(Attempt::Taken(holder)) => {
                    self.leadership.end();
                    return Err(LeaseLost::Taken(holder));
                }
                Ok(Attempt::Lost) => tracing::debug!("somebody else wrote the Lease: read again"),
                Err(error) => tracing::warn!(%error, "the Lease could not be renewed: tried again"),
            }
            if self.renewed.elapsed() >= timing.renew_within {
                self.leadership.end();
                return Err(LeaseLost::NotRenewed);
            }
        }
    }

    /// Gives the Lease back, so that a standby need not wait for its end. For a clean stop, when nothing is under way.
    pub async fn release(mut self) {
        self.leadership.end();
        let Some(observed) = self.observed.take() else { return };
        if observed.holder().as_ref() != Some(&self.config.identity) {
            return;
        }
        let mut lease = observed.lease;
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        let parameters = PostParams::default();
        let released = self.api.replace(&self.config.name, &parameters, &lease);
        match tokio::time::timeout(self.config.timing.retry, released).await {
            Ok(Ok(_)) => tracing::info!(lease = self.config.name, "the Lease was given back"),
            Ok(Err(error)) => tracing::warn!(%error, "the Lease could not be given back: it ends by itself"),
            Err(_) => tracing::warn!("the Lease could not be given back in time: it ends by itself"),
        }
    }

    fn is_held_since(&mut self, started: Instant) {
        self.renewed = started;
        self.leadership.hold_until(started + self.config.timing.renew_within);
    }

    async fn attempt_within(&mut self, span: Duration) -> Result<Attempt, LeaseError> {
        tokio::time::timeout(span, self.attempt()).await.map_err(|_| LeaseError::Timeout)?
    }

    /// Takes or renews the Lease, where that is open to this process, by compare-and-swap: one write for who holds it,
    /// one read and one write for everybody else.
    async fn attempt(&mut self) -> Result<Attempt, LeaseError> {
        let own = self.observed.as_ref().filter(|seen| seen.holder().as_ref() == Some(&self.config.identity));
        if let Some(own) = own.filter(|_| self.leadership.is_held()) {
            let lease = Lease { spec: Some(self.spec(own.lease.spec.as_ref())), ..own.lease.clone() };
            let renewed = self.api.replace(&self.config.name, &PostParams::default(), &lease).await;
            // Whatever went wrong, a look says how things stand.
            if let Ok(lease) = renewed {
                return self.written(Ok(lease));
            }
        }
        let Some(found) = self.api.get_opt(&self.config.name).await? else {
            let lease = Lease {
                metadata: ObjectMeta { name: Some(self.config.name.clone()), ..ObjectMeta::default() },
                spec: Some(self.spec(None)),
            };
            return self.written(self.api.create(&PostParams::default(), &lease).await);
        };
        let now = Instant::now();
        let is_news = self.observed.as_ref().is_none_or(|observed| observed.lease.spec != found.spec);
        if is_news {
            self.observed = Some(Observed { lease: found.clone(), since: now });
        }
        if let Some(observed) = &self.observed
            && let Some(holder) = observed.holder().filter(|holder| *holder != self.config.identity)
            && observed.is_valid(now, self.config.timing.duration)
        {
            return Ok(Attempt::Taken(holder));
        }
        let lease = Lease { spec: Some(self.spec(found.spec.as_ref())), ..found };
        self.written(self.api.replace(&self.config.name, &PostParams::default(), &lease).await)
    }

    fn written(&mut self, written: kube::Result<Lease>) -> Result<Attempt, LeaseError> {
        match written {
            Ok(lease) => {
                self.observed = Some(Observed { lease, since: Instant::now() });
                Ok(Attempt::Held)
            }
            // Also after a reply of ours was lost: the next look sees who it was.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Attempt::Lost),
            Err(error) => Err(error.into()),
        }
    }

    fn spec(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let before = before.cloned().unwrap_or_default();
        let is_mine = before.holder_identity.as_ref() == Some(&self.config.identity);
        LeaseSpec {
            holder_identity: Some(self.config.identity.clone()),
            lease_duration_seconds: i32::try_from(self.config.timing.duration.as_secs()).ok(),
            renew_time: Some(now.clone()),
            acquire_time: if is_mine { before.acquire_time } else { Some(now) },
            lease_transitions: Some(before.lease_transitions.unwrap_or_default() + i32::from(!is_mine)),
            ..before
        }
    }
}

/// Why the Lease is not held any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseLost {
    /// Somebody else holds it.
    #[error("the Lease is held by {0}")]
    Taken(String),
    /// No renewal succeeded in time.
    #[error("the Lease could not be renewed in time")]
    NotRenewed,
}

/// Why an attempt came to nothing.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error(transparent)]
    Kube(#[from] kube::Error),
    #[error("the API server does not answer in time")]
    Timeout,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(holder: &str, seconds: Option<i32>) -> Observed {
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: seconds,
            // Whatever others write for a time, it is their clock's.
            renew_time: Some(MicroTime("1999-01-01T00:00:00Z".parse().unwrap())),
            ..LeaseSpec::default()
        };
        Observed { lease: Lease { spec: Some(spec), ..Lease::default() }, since: Instant::now() }
    }

    #[test]
    fn a_lease_keeps_others_out_as_long_as_its_holder_says_from_when_it_was_seen() {
        let default = Duration::from_secs(15);
        let seen = observed("other", Some(2));
        assert!(seen.is_valid(seen.since + Duration::from_millis(1999), default));
        assert!(!seen.is_valid(seen.since + Duration::from_secs(2), default));
        for odd in [None, Some(-3)] {
            let seen = observed("other", odd);
            assert!(seen.is_valid(seen.since + Duration::from_secs(14), default), "{odd:?}");
            assert!(!seen.is_valid(seen.since + default, default), "{odd:?}");
        }
        assert_eq!(seen.holder().as_deref(), Some("other"));
        assert_eq!(observed("", Some(1)).holder(), None, "given back");
    }

    #[test]
    fn who_leads_may_act_until_the_time_is_up_and_no_longer() {
        let leadership = Leadership::none();
        let shared = leadership.clone();
        assert!(!shared.is_held());
        leadership.hold_until(Instant::now() + Duration::from_mins(1));
        assert!(shared.is_held());
        leadership.hold_until(Instant::now());
        assert!(!shared.is_held(), "nobody has to say so");
        leadership.hold_until(Instant::now() + Duration::from_mins(1));
        leadership.end();
        assert!(!shared.is_held());
        assert!(Leadership::alone().is_held());
    }

    #[test]
    fn whoever_holds_it_gives_up_before_others_may_take_it() {
        for factor in [1.0, 0.5, 0.1, 0.02] {
            let LeaseTiming { duration, renew_within, retry } = LeaseTiming::REAL.scaled(factor);
            assert_eq!(duration, Duration::from_secs(duration.as_secs()), "written as whole seconds");
            assert!(retry * 2 < renew_within && renew_within < duration.mul_f64(0.7), "{factor}");
        }
        assert_eq!(LeaseTiming::REAL.scaled(1.0), LeaseTiming::REAL);
    }
}
