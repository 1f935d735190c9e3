//! What the metrics show of what happened.

use super::entering::{account, break_down, hear, lanes};
use super::world::secs;
use crate::lanes::Errand;
use crate::metrics::Metrics;
use crate::twilio::Outcome;

fn shows(text: &str, line: &str) {
    assert!(text.lines().any(|other| other == line), "no line {line:?} in\n{text}");
}

#[tokio::test]
async fn metrics_show_what_happened_in_the_lanes_and_name_no_account() {
    let lanes = lanes(4, 1.0);
    let metrics = Metrics::new().with_lanes(&lanes);
    let text = metrics.encode().unwrap();
    shows(&text, "cwo_lanes{breaker=\"open\"} 0");
    shows(&text, "cwo_lane_narrowest 4");

    drop(lanes.enter(&account(1), Errand::First).await.unwrap());
    drop(lanes.enter(&account(3), Errand::First).await.unwrap());
    break_down(&lanes, 2);
    assert!(lanes.enter(&account(2), Errand::First).await.is_err());
    hear(&lanes, 3, Outcome::ApiError { status: 429, code: None }, None);
    let too_long = Some(secs(60));
    hear(&lanes, 4, Outcome::ApiError { status: 429, code: None }, too_long);
    assert!(lanes.enter(&account(4), Errand::First).await.is_err());
    for _ in 0..12 {
        hear(&lanes, 5, Outcome::ApiError { status: 429, code: None }, None);
    }
    assert!(lanes.enter(&account(5), Errand::Retry).await.is_err());

    let text = metrics.encode().unwrap();
    shows(&text, "cwo_lanes{breaker=\"closed\"} 4");
    shows(&text, "cwo_lanes{breaker=\"open\"} 1");
    shows(&text, "cwo_lanes{breaker=\"probing\"} 0");
    shows(&text, "cwo_lanes_narrowed 3");
    shows(&text, "cwo_lane_narrowest 1");
    shows(&text, "cwo_lane_breaker_opened_total 1");
    shows(&text, "cwo_lane_closed_total{why=\"no_answer\"} 1");
    shows(&text, "cwo_lane_closed_total{why=\"rate_limited\"} 1");
    shows(&text, "cwo_lane_closed_total{why=\"retry_budget\"} 1");
    shows(&text, "cwo_lane_wait_seconds_count 2");
    assert!(!text.contains(account(2).account.as_str()) && !text.contains("AC0"), "{text}");
}

#[tokio::test]
async fn a_probe_under_way_shows() {
    let lanes = lanes(4, 0.000_01);
    let metrics = Metrics::new().with_lanes(&lanes);
    break_down(&lanes, 1);
    let _probe = loop {
        match lanes.enter(&account(1), Errand::First).await {
            Ok(permit) => break permit,
            Err(closed) => tokio::time::sleep(closed.until).await,
        }
    };
    shows(&metrics.encode().unwrap(), "cwo_lanes{breaker=\"probing\"} 1");
}
