//! Each rule left out, and the property that is violated then: what shows that the check can fail.
//!
//! With the rule, the same configuration is looked at whole and nothing is violated.

use stateright::HasDiscoveries;

use super::properties::*;
use super::protocol::{Protocol, Timing};
use super::report::check;
use super::rules::Rule;
use super::state::{Budget, Config};
use super::view::Policies;

/// Two objects that ask for the same.
const ALIKE: [Config; 2] = [Config::A, Config::A];

fn holds(model: &Protocol) {
    let report = check(model.again(), 2, HasDiscoveries::AnyFailures);
    println!("with the rule: {}", report.figures);
    assert!(report.violated.is_empty(), "{}", report.text());
}

/// Without the rule this property is violated, and only without it.
fn needed(rule: Rule, property: &'static str, model: &Protocol) {
    holds(model);
    violated(rule, property, model);
}

fn violated(rule: Rule, property: &'static str, model: &Protocol) {
    let model = Protocol { without: Some(rule), ..model.again() };
    let report = check(model, 2, HasDiscoveries::AnyOf([property].into()));
    println!("without {rule:?}: {}", report.figures);
    let found = report.violated.iter().any(|(violated, _)| *violated == property);
    assert!(found, "{property:?} holds without {rule:?}; {}", report.text());
}

#[test]
fn r1_with_a_sid_no_journal_is_open() {
    let budget = Budget { old_journals: 1, twins: 1, outside_deletes: 1, deletes: 1, ..Budget::default() };
    needed(
        Rule::R1,
        NOTHING_FOREIGN,
        &Protocol { budget, strict: true, processes: 1, ..Protocol::default() },
    );
}

#[test]
fn r2_a_copied_journal_is_no_attempt() {
    let budget = Budget { copies: 1, lost: 1, ..Budget::default() };
    needed(Rule::R2, SETTLES, &Protocol { budget, alone: true, processes: 1, ..Protocol::default() });
}

#[test]
fn r3_who_asks_for_the_same_waits() {
    let budget = Budget { lost: 2, lag: 2, ..Budget::default() };
    let model = Protocol { wanted: ALIKE, budget, alone: true, processes: 1, ..Protocol::default() };
    needed(Rule::R3Wait, SETTLES, &model);
}

#[test]
fn r3_nothing_is_made_beside_a_twin() {
    let timing = Timing { late_commits: true, ..Timing::default() };
    let budget = Budget { lost: 1, ..Budget::default() };
    needed(Rule::R3Twin, ONE_WEBHOOK, &Protocol { budget, timing, processes: 1, ..Protocol::default() });
}

#[test]
fn r4_taking_over_is_journalled() {
    let policies = Policies { adopts_identical: true, ..Policies::default() };
    let model = Protocol { wanted: ALIKE, foreign: &[Config::A], policies, ..Protocol::default() };
    needed(Rule::R4, ONE_CLAIM, &model);
}

#[test]
fn r5_what_is_not_confirmed_is_not_sent() {
    let budget = Budget { writes: 1, ..Budget::default() };
    needed(Rule::R5, ANNOUNCED, &Protocol { budget, alone: true, ..Protocol::default() });
}

#[test]
fn r5_nothing_is_sent_after_its_time() {
    let budget = Budget { slow: 1, ..Budget::default() };
    needed(Rule::NotAfter, ANNOUNCED, &Protocol { budget, alone: true, ..Protocol::default() });
}

#[test]
fn r6_what_is_not_known_to_have_failed_stays_open() {
    let budget = Budget { lost: 1, lag: 1, ..Budget::default() };
    needed(Rule::R6, ONE_WEBHOOK, &Protocol { budget, alone: true, processes: 1, ..Protocol::default() });
}

/// R8 covers for R7: a webhook that an object bears, or has an open attempt for, is not deleted. Without both it is.
#[test]
fn r7_the_object_is_read_before_its_webhook_is_given_up() {
    let budget = Budget { writes: 1, ..Budget::default() };
    let model = Protocol { budget, alone: true, ..Protocol::default() };
    holds(&Protocol { without: Some(Rule::R7), ..model.clone() });
    needed(Rule::R7AndR8, CLAIMED_STAYS, &model);
}

#[test]
fn r8_siblings_are_read_before_a_webhook_is_deleted() {
    let budget = Budget { strips: 1, ..Budget::default() };
    let policies = Policies { adopts_identical: true, ..Policies::default() };
    let model = Protocol {
        wanted: ALIKE,
        budget,
        policies,
        meddles: true,
        joins_compensation: true,
        ..Protocol::default()
    };
    needed(Rule::R8, CLAIMED_STAYS, &model);
}

#[test]
fn r9_the_window_is_waited_for() {
    let budget = Budget { lost: 1, ..Budget::default() };
    needed(Rule::R9, ONE_WEBHOOK, &Protocol { budget, alone: true, ..Protocol::default() });
}

#[test]
fn r9_siblings_are_read_after_the_list() {
    let budget = Budget { crashes: 1, ..Budget::default() };
    needed(Rule::SiblingsAfterList, ONE_CLAIM, &Protocol { wanted: ALIKE, budget, ..Protocol::default() });
}

#[test]
fn an_absence_takes_two_looks() {
    let budget = Budget { lag: 1, crashes: 1, ..Budget::default() };
    needed(Rule::TwoLooks, BELIEVED, &Protocol { budget, alone: true, processes: 1, ..Protocol::default() });
}

#[test]
fn r10_what_a_sibling_may_have_made_is_left_alone() {
    let budget = Budget { crashes: 1, ..Budget::default() };
    needed(Rule::R10, ONE_CLAIM, &Protocol { wanted: ALIKE, budget, ..Protocol::default() });
}

#[test]
fn r11_a_restored_object_cannot_tell_strangers_by_what_they_do() {
    let budget = Budget { restores: 1, edits: 1, twins: 1, ..Budget::default() };
    needed(Rule::R11, NONE_LOST, &Protocol { budget, processes: 1, ..Protocol::default() });
}

#[test]
fn r12_an_answer_counts_for_its_attempt_only() {
    let budget = Budget { answers: 1, lost: 2, ..Budget::default() };
    needed(Rule::R12, SETTLES, &Protocol { budget, alone: true, processes: 1, ..Protocol::default() });
}

#[test]
fn r13_a_late_webhook_is_known_after_an_edit() {
    let timing = Timing { late_commits: true, ..Timing::default() };
    let budget = Budget { lost: 1, edits: 1, ..Budget::default() };
    needed(Rule::R13, ONE_WEBHOOK, &Protocol { budget, timing, processes: 1, ..Protocol::default() });
}

#[test]
fn r14_what_was_lost_goes_when_it_comes_back() {
    let budget = Budget { outside_deletes: 1, resurfacing: 1, ..Budget::default() };
    needed(Rule::R14, ONE_WEBHOOK, &Protocol { budget, processes: 1, ..Protocol::default() });
}

#[test]
fn r15_an_open_attempt_is_resolved_before_the_object_goes() {
    let budget = Budget { deletes: 1, lost: 1, ..Budget::default() };
    for retain in [false, true] {
        let policies = Policies { retain, ..Policies::default() };
        let model = Protocol { budget, policies, processes: 1, ..Protocol::default() };
        needed(Rule::R15, NONE_LOST, &model);
    }
}

#[test]
fn r16_a_conversation_that_is_gone_ends_a_deletion() {
    let budget = Budget { deletes: 1, conversation: 1, lost: 1, ..Budget::default() };
    needed(Rule::R16, DELETION_ENDS, &Protocol { budget, processes: 1, ..Protocol::default() });
}

#[test]
fn r17_the_finalizer_goes_from_the_object_that_was_read() {
    // With the rule it is one of the large configurations.
    let budget = Budget { deletes: 2, restores: 1, lost: 1, ..Budget::default() };
    violated(Rule::R17, NONE_LOST, &Protocol { budget, ..Protocol::default() });
}

#[test]
fn r18_what_vanished_is_cleaned_up_after() {
    let budget = Budget { strips: 1, deletes: 1, ..Budget::default() };
    needed(Rule::R18, NONE_LOST, &Protocol { budget, processes: 1, ..Protocol::default() });
}

#[test]
fn r18_what_an_attempt_made_whose_object_vanished_is_cleaned_up() {
    let budget = Budget { vanishings: 1, lost: 1, ..Budget::default() };
    needed(Rule::R18, NONE_LOST, &Protocol { budget, processes: 1, ..Protocol::default() });
}

#[test]
fn r19_what_was_stripped_is_given_back() {
    let budget = Budget { strips: 1, ..Budget::default() };
    needed(Rule::R19, SETTLES, &Protocol { budget, alone: true, processes: 1, ..Protocol::default() });
}
