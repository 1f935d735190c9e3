//! What `/metrics` shows of the lanes. All accounts are one: no label names any.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::Shared;
use super::breaker::Stand;
use super::closed::ClosedBy;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabel {
    why: &'static str,
}

/// What is counted as it happens.
#[derive(Debug)]
pub(super) struct Numbers {
    waits: Histogram,
    closed: Family<WhyLabel, Counter>,
    opened: Counter,
}

impl Default for Numbers {
    fn default() -> Self {
        // From a millisecond to a minute.
        let waits = Histogram::new(exponential_buckets(0.001, 4.0, 9));
        Self { waits, closed: Family::default(), opened: Counter::default() }
    }
}

impl Numbers {
    /// Somebody was let in after a wait.
    pub(super) fn waited(&self, wait: Duration) {
        self.waits.observe(wait.as_secs_f64());
    }

    /// Somebody was not let in.
    pub(super) fn closed(&self, why: ClosedBy) {
        self.closed.get_or_create(&WhyLabel { why: why.as_str() }).inc();
    }

    /// A breaker opened.
    pub(super) fn opened(&self) {
        self.opened.inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "lane_wait_seconds",
            "Time that passes waited for a place in their account's lane",
            self.waits.clone(),
        );
        registry.register(
            "lane_closed",
            "Passes that were not let into their account's lane: no_answer, rate_limited, retry_budget",
            self.closed.clone(),
        );
        registry.register(
            "lane_breaker_opened",
            "Times that an account's breaker opened since Twilio did not answer",
            self.opened.clone(),
        );
    }
}

/// What is counted when somebody looks.
#[derive(Debug)]
pub(super) struct Gauges(pub(super) Arc<Shared>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let ceiling = self.0.accounts.limits().ceiling;
        let mut stands: BTreeMap<&str, i64> = Stand::ALL.map(|stand| (stand.as_str(), 0)).into();
        let (mut narrowed, mut narrowest) = (0_i64, ceiling);
        self.0.accounts.each(|lane| {
            *stands.entry(lane.stand().as_str()).or_default() += 1;
            narrowed += i64::from(lane.width() < ceiling);
            narrowest = narrowest.min(lane.width());
        });

        let mut lanes =
            encoder.encode_descriptor("lanes", "Lanes of accounts by breaker", None, MetricType::Gauge)?;
        for (stand, number) in stands {
            let label = [("breaker", stand)];
            ConstGauge::new(number).encode(lanes.encode_family(&label)?)?;
        }
        let narrowed = ConstGauge::new(narrowed);
        narrowed.encode(encoder.encode_descriptor(
            "lanes_narrowed",
            "Lanes with a window below --max-in-flight-per-account",
            None,
            MetricType::Gauge,
        )?)?;
        let narrowest = ConstGauge::new(i64::from(narrowest));
        narrowest.encode(encoder.encode_descriptor(
            "lane_narrowest",
            "The smallest window of all lanes: passes of that account that may be in it at once",
            None,
            MetricType::Gauge,
        )?)
    }
}
