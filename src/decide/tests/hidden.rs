//! A Studio webhook whose filters Twilio may not report: no drift, and no proof either.

use std::collections::BTreeSet;

use super::fixture::Known;
use super::sample::*;
use crate::api::Provenance;
use crate::decide::{Action, Attempt, Hold, Reply, Waiting};
use crate::twilio::{Target, WebhookConfig};

fn studio(filters: &[&str]) -> WebhookConfig {
    WebhookConfig {
        target: Target::Studio,
        url: None,
        method: None,
        filters: filters.iter().copied().map(str::to_owned).collect(),
        triggers: BTreeSet::new(),
        flow_sid: Some(format!("FW{:032x}", 1).parse().unwrap()),
    }
}

fn flow() -> WebhookConfig {
    studio(&["onMessageAdded", "onMessageRemoved"])
}

fn wants_flow(known: Known) -> Known {
    known.with(|object| object.desired = Ok(desired(flow())))
}

#[test]
fn filters_that_are_not_reported_are_no_drift_and_others_are() {
    let check =
        |reported| wants_flow(Known::with_webhook()).due().access(false).listed([hook(1, reported)]).decide();
    assert_eq!(check(studio(&[])), Action::Available);
    assert_eq!(check(flow()), Action::Available);
    assert_eq!(check(studio(&["onMessageAdded"])), Action::Correct(sid(1)));
    let of_a_webhook = Known::with_webhook().due().access(false);
    let emptied = WebhookConfig { filters: BTreeSet::new(), ..bot() };
    assert_eq!(of_a_webhook.listed([hook(1, emptied)]).decide(), Action::Correct(sid(1)));
}

/// It may be ours from before a loss of all records: a second one would start the flow twice.
#[test]
fn a_webhook_that_may_be_a_twin_is_reported_and_never_taken_over_unseen() {
    let known = wants_flow(Known::ready_to_create()).listed([hook(1, studio(&[]))]).live([]);
    let twin = Action::Hold(Hold::TwinExists { webhook: sid(1), claimed_by: None, more: vec![] });
    assert_eq!(known.clone().decide(), twin);
    assert_eq!(known.with(|object| object.adopts_identical = true).decide(), twin);
}

/// Studio makes webhooks of its own for the same flow.
#[test]
fn a_newcomer_that_may_hide_its_filters_proves_nothing() {
    let attempt = Attempt { config: recorded(&flow()), ..attempt() };
    let known = wants_flow(Known::unresolved()).open(attempt);
    let hidden = known.clone().listed([hook(1, studio(&[]))]);
    assert_eq!(hidden.decide(), ambiguous([sid(1)]));
    assert_eq!(known.listed([hook(1, flow())]).decide(), record_as(1, Provenance::Inferred));
}

#[test]
fn a_newcomer_that_may_be_a_siblings_with_hidden_filters_is_waited_for() {
    let plain = Attempt { config: recorded(&studio(&[])), ..attempt() };
    let known = Known::unresolved().open(plain).with(|object| object.desired = Ok(desired(studio(&[]))));
    let sibling = sibling_creating("b", &flow());
    let wait = Action::Wait(Waiting::Sibling(sibling.name.clone()));
    assert_eq!(known.listed([hook(1, studio(&[]))]).live([sibling]).decide(), wait);
}

#[test]
fn an_update_whose_reply_hides_the_filters_was_carried_out() {
    let known = wants_flow(Known::with_webhook()).due().access(false).listed([hook(1, studio(&[]))]);
    assert_eq!(known.updated(Reply::Done).decide(), Action::Available);
}
