//! The numbers on `/metrics`. Labels are bounded: never a SID, a URL or an object's name.

use std::fmt;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::lanes::Lanes;
use crate::twilio::{CreateOutcome, Exchange, Observer};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

/// Every number that the operator counts.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<OperationLabel, Histogram>,
    creates: Family<OutcomeLabel, Counter>,
    mutations: Family<OperationLabel, Counter>,
    passes: Family<OutcomeLabel, Counter>,
    left_behind: Family<ReasonLabel, Counter>,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("cwo");
        let requests = Family::default();
        let durations = Family::<OperationLabel, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.01, 2.0, 12))
        });
        let (creates, mutations, passes) = (Family::default(), Family::default(), Family::default());
        let build = Family::<BuildLabels, Gauge>::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("twilio_requests", "Requests to Twilio by operation and outcome", requests.clone());
        registry.register(
            "twilio_request_duration_seconds",
            "Time from before the connection to after the last byte of Twilio's answer",
            durations.clone(),
        );
        registry.register(
            "create_attempts",
            "Create requests by outcome: created, not_created, unknown",
            creates.clone(),
        );
        registry.register("remote_mutations", "Changes made at Twilio by operation", mutations.clone());
        registry.register("passes", "Passes over objects by how they ended", passes.clone());
        let left_behind = Family::default();
        registry.register(
            "left_behind",
            "Objects that were let go while their webhooks stay at Twilio, by why",
            left_behind.clone(),
        );
        registry.register("build_info", "The running version", build);
        Self { registry, requests, durations, creates, mutations, passes, left_behind }
    }

    /// With the lanes' numbers beside its own.
    #[must_use]
    pub fn with_lanes(mut self, lanes: &Lanes) -> Self {
        lanes.register(&mut self.registry);
        self
    }

    /// A create was answered, or not.
    pub fn create(&self, outcome: &CreateOutcome) {
        let outcome = match outcome {
            CreateOutcome::Created(_) => "created",
            CreateOutcome::NotCreated(_) => "not_created",
            CreateOutcome::Unknown(_) => "unknown",
        };
        self.creates.get_or_create(&OutcomeLabel { outcome: outcome.to_owned() }).inc();
    }

    /// Something changed at Twilio.
    pub fn mutation(&self, operation: &'static str) {
        self.mutations.get_or_create(&OperationLabel { operation }).inc();
    }

    /// An object was let go, and its webhook stays; `reason` is its Event's.
    pub fn left_behind(&self, reason: &'static str) {
        self.left_behind.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// A pass ended; `ending` is a condition's reason or one of a few other words.
    pub fn pass(&self, ending: &str) {
        self.passes.get_or_create(&OutcomeLabel { outcome: ending.to_owned() }).inc();
    }

    /// The numbers in the `OpenMetrics` text format.
    ///
    /// # Errors
    /// A number could not be written down; never in practice.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Observer for Metrics {
    fn observe(&self, exchange: &Exchange<'_>) {
        let operation = exchange.operation.as_str();
        self.requests.get_or_create(&RequestLabels { operation, outcome: exchange.outcome.as_str() }).inc();
        self.durations.get_or_create(&OperationLabel { operation }).observe(exchange.duration.as_secs_f64());
    }
}
