//! Taking over what exists: the hint, identical webhooks, and R4 in both halves.

use super::fixture::Known;
use super::sample::*;
use crate::api::{Mode, Provenance};
use crate::decide::{Action, Attempt, Hold, Plan, Settled, Waiting};
use crate::twilio::Target;

fn hinted() -> Known {
    Known::ready_to_create().with(|object| object.hint = Some(sid(1))).listed([hook(1, other_bot())]).live([])
}

fn identical() -> Known {
    Known::ready_to_create().with(|object| object.adopts_identical = true).listed([hook(1, bot())]).live([])
}

fn intent() -> Action {
    Action::Journal(Plan {
        baseline: vec![sid(1)],
        past_configs: Vec::new(),
        adopt: Some(sid(1)),
        again: false,
    })
}

#[test]
fn the_hint_is_taken_over_whatever_it_does_now() {
    assert_eq!(hinted().decide(), intent());
    assert_eq!(hinted().with(|object| object.mode = Mode::Observe).decide(), intent());
}

/// One of several is taken over; the others, not being known, are reported beside it.
#[test]
fn of_several_identical_webhooks_those_that_stay_are_not_in_the_baseline() {
    let several = identical().listed([hook(1, bot()), hook(2, other_bot()), hook(3, bot())]).live([]);
    let Action::Journal(plan) = several.decide() else { panic!("{:?}", several.decide()) };
    assert_eq!((plan.adopt, plan.baseline), (Some(sid(1)), vec![sid(1), sid(2)]));
}

#[test]
fn an_identical_webhook_is_taken_over_only_where_the_policy_says_so() {
    assert_eq!(identical().decide(), intent());
    let never = identical().with(|object| object.adopts_identical = false);
    assert_eq!(
        never.decide(),
        Action::Hold(Hold::TwinExists { webhook: sid(1), claimed_by: None, more: vec![] })
    );
    // Identical to what was asked for earlier is not identical.
    let edited = identical()
        .open(attempt())
        .with(|object| object.record.settled_attempt = Some(ATTEMPT.to_owned()))
        .edited(other_bot());
    assert_eq!(edited.decide(), Action::Hold(Hold::LateTwin { webhook: sid(1), more: vec![] }));
}

#[test]
fn a_hint_that_is_not_there_or_has_another_target_is_reported() {
    assert_eq!(hinted().listed([]).decide(), Action::Hold(Hold::HintMissing(sid(1))));
    let trigger = hinted().listed([hook(1, trigger())]);
    assert_eq!(trigger.decide(), Action::Hold(Hold::HintOfOtherTarget(sid(1), Target::Trigger)));
}

#[test]
fn a_claim_of_a_sibling_stands() {
    for known in [hinted(), identical()] {
        assert_eq!(known.clone().cached([]).decide(), Action::ReadSiblings);
        let wait = Action::Wait(Waiting::Sibling("tenant/uid-4".to_owned()));
        assert_eq!(known.live([sibling_adopting("uid-4", 1)]).decide(), wait);
    }
    let by = "tenant/uid-4".to_owned();
    let claimed = hinted().live([sibling_with("uid-4", 1)]);
    assert_eq!(claimed.decide(), Action::Hold(Hold::AlreadyClaimed { webhook: sid(1), by: by.clone() }));
    let twin = identical().live([sibling_with("uid-4", 1)]);
    assert_eq!(
        twin.decide(),
        Action::Hold(Hold::TwinExists { webhook: sid(1), claimed_by: Some(by), more: vec![] })
    );
}

#[test]
fn a_hint_that_was_taken_over_and_lost_counts_no_more() {
    let lost = hinted().listed([]).with(|object| object.record.lost = vec![sid(1)]);
    assert!(matches!(lost.decide(), Action::Journal(Plan { adopt: None, again: true, .. })));
}

/// Nothing is sent, so nothing can be under way.
#[test]
fn a_take_over_needs_no_window_but_a_look_at_the_siblings_after_its_journal() {
    let adopting = Attempt { adopt: Some(sid(1)), ..attempt() };
    let journalled = hinted().open(adopting).phase(crate::decide::Phase::BeforeNotAfter);
    assert_eq!(journalled.clone().siblings_unread().decide(), Action::ReadSiblings);
    assert_eq!(journalled.clone().decide(), record_as(1, Provenance::Adopted));
    let rival = journalled.live([sibling_with("uid-4", 1)]);
    assert_eq!(rival.decide(), settle(Settled::ProvedAbsent));
}

#[test]
fn what_was_taken_over_is_made_as_written_without_being_a_quarrel() {
    let taken = Known { repairs: 5, ..Known::with_webhook().due().proved().listed([hook(1, other_bot())]) }
        .with(|object| object.record.observed_generation = Some(0));
    assert_eq!(taken.decide(), Action::Update(sid(1)));
}

#[test]
fn mode_observe_makes_nothing() {
    let known = Known::ready_to_create().with(|object| object.mode = Mode::Observe);
    assert_eq!(known.decide(), Action::Hold(Hold::NothingToObserve));
}

/// What was never taken over is the stranger's still.
#[test]
fn a_take_over_that_is_not_wanted_any_more_is_given_up() {
    let pending = Attempt { adopt: Some(sid(1)), baseline: [sid(1)].into(), ..attempt() };
    let hinted = hinted().open(pending);
    assert_eq!(hinted.decide(), record_as(1, Provenance::Adopted));
    let deleted = Known::new_object().open(hinted.attempt().unwrap().clone()).deleting();
    assert_eq!(deleted.decide(), settle(Settled::Unwanted), "without a call");
    for other in [None, Some(sid(2))] {
        let corrected = hinted.clone().with(|object| object.hint = other);
        assert_eq!(corrected.decide(), settle(Settled::Unwanted));
    }
    let identical = hinted.clone().listed([hook(1, bot())]).with(|object| object.hint = None);
    assert_eq!(identical.decide(), settle(Settled::Unwanted));
    let identical = identical.with(|object| object.adopts_identical = true);
    assert_eq!(identical.decide(), record_as(1, Provenance::Adopted));
}
