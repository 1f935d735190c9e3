//! The numbers on `/metrics`. Labels are bounded: never a SID, a URL or an object's name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::api::Reason;
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
    to_ready: Histogram,
    leader: Gauge,
    objects: Family<ReasonLabel, Gauge>,
    unresolved: Gauge,
    doubled: Gauge,
    waiting: Gauge,
    running: Gauge,
    /// Counts the objects whenever somebody reads the numbers.
    count: Mutex<Option<Count>>,
}

type Count = Box<dyn Fn() -> Objects + Send + Sync>;

/// The objects at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// How many have each reason in their Ready condition; one of [`crate::api::Reason`], or [`NO_REASON`].
    pub by_reason: BTreeMap<&'static str, i64>,
    /// How many have an attempt whose outcome is not known.
    pub unresolved: i64,
    /// Those whose webhook may have a second one beside it that is nobody's.
    pub doubled: i64,
    /// Those that wait for a pass.
    pub waiting: i64,
    /// Those whose pass is under way.
    pub running: i64,
}

/// In the place of a reason: the object's status says nothing yet, or what this version does not know.
pub const NO_REASON: &str = "None";

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
        // From a second to what a rate limit or a lost reply can take.
        let to_ready = Histogram::new(exponential_buckets(0.1, 2.0, 14));
        registry.register(
            "spec_to_ready_seconds",
            "Time from the sight of a new or changed spec until its object is Ready",
            to_ready.clone(),
        );
        let (leader, objects, unresolved) = (Gauge::default(), Family::default(), Gauge::default());
        registry.register("leader", "1 while this process acts for the objects it serves", leader.clone());
        registry.register("objects", "Objects by the reason of their Ready condition", objects.clone());
        registry.register(
            "unresolved_attempts",
            "Objects with a create or a take-over whose outcome is not known",
            unresolved.clone(),
        );
        let doubled = Gauge::default();
        registry.register(
            "suspected_duplicates",
            "Objects whose webhook may have a second one beside it that is nobody's",
            doubled.clone(),
        );
        let (waiting, running) = (Gauge::default(), Gauge::default());
        registry.register("objects_waiting", "Objects that are due and wait for a pass", waiting.clone());
        registry.register("passes_running", "Passes over objects that are under way", running.clone());
        Self {
            registry,
            requests,
            durations,
            creates,
            mutations,
            passes,
            left_behind,
            to_ready,
            leader,
            objects,
            unresolved,
            doubled,
            waiting,
            running,
            count: Mutex::default(),
        }
    }

    /// From now on the process acts, and its objects are counted in this way.
    pub fn acts(&self, count: impl Fn() -> Objects + Send + Sync + 'static) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(count));
        self.leader.set(1);
    }

    /// The process acts no more.
    pub fn rests(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.leader.set(0);
    }

    /// An object is Ready, so long after its spec was first seen.
    pub fn ready_after(&self, time: Duration) {
        self.to_ready.observe(time.as_secs_f64());
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
        let objects = self.count.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|count| count());
        let objects = objects.unwrap_or_default();
        self.unresolved.set(objects.unresolved);
        self.doubled.set(objects.doubled);
        self.waiting.set(objects.waiting);
        self.running.set(objects.running);
        for reason in Reason::ALL.iter().map(|reason| reason.as_str()).chain([NO_REASON]) {
            let number = objects.by_reason.get(reason).copied().unwrap_or_default();
            self.objects.get_or_create(&ReasonLabel { reason }).set(number);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(metrics: &Metrics, name: &str) -> String {
        let text = metrics.encode().unwrap();
        let mut lines = text.lines().filter(|line| line.starts_with(name));
        let line = lines.next().unwrap_or_else(|| panic!("{name} is not in {text}")).to_owned();
        assert_eq!(lines.next(), None, "{name} is there once");
        line
    }

    #[test]
    fn objects_are_counted_when_somebody_looks() {
        let metrics = Metrics::new();
        assert_eq!(line(&metrics, "cwo_leader"), "cwo_leader 0");
        assert_eq!(
            line(&metrics, r#"cwo_objects{reason="Available"}"#),
            r#"cwo_objects{reason="Available"} 0"#
        );
        metrics.acts(|| Objects {
            by_reason: BTreeMap::from([("Available", 3), (NO_REASON, 1)]),
            unresolved: 2,
            doubled: 1,
            waiting: 5,
            running: 6,
        });
        assert_eq!(line(&metrics, "cwo_leader"), "cwo_leader 1");
        assert_eq!(
            line(&metrics, r#"cwo_objects{reason="Available"}"#),
            r#"cwo_objects{reason="Available"} 3"#
        );
        assert_eq!(line(&metrics, r#"cwo_objects{reason="None"}"#), r#"cwo_objects{reason="None"} 1"#);
        assert_eq!(line(&metrics, "cwo_unresolved_attempts"), "cwo_unresolved_attempts 2");
        assert_eq!(line(&metrics, "cwo_suspected_duplicates"), "cwo_suspected_duplicates 1");
        assert_eq!(line(&metrics, "cwo_objects_waiting"), "cwo_objects_waiting 5");
        assert_eq!(line(&metrics, "cwo_passes_running"), "cwo_passes_running 6");
        metrics.rests();
        assert_eq!(
            line(&metrics, r#"cwo_objects{reason="Available"}"#),
            r#"cwo_objects{reason="Available"} 0"#
        );
    }

    #[test]
    fn the_time_to_ready_is_a_histogram() {
        let metrics = Metrics::new();
        metrics.ready_after(Duration::from_secs(1));
        assert_eq!(line(&metrics, "cwo_spec_to_ready_seconds_count"), "cwo_spec_to_ready_seconds_count 1");
        assert_eq!(line(&metrics, "cwo_spec_to_ready_seconds_sum"), "cwo_spec_to_ready_seconds_sum 1.0");
    }
}
