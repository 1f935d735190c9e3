//! What follows where an assumption is broken, or a stated risk comes about: the shortest way there, in words.
//!
//! The traces stand in `docs/safety.md`. Each is found again here, so that the page stays true. A trace ends where nothing can prevent what is
//! wrong any more; its last lines say what is left at rest.

use stateright::HasDiscoveries;

use super::properties::*;
use super::protocol::{Protocol, Timing};
use super::report::check_to;
use super::state::{Budget, Config};
use super::view::Policies;

/// Steps within which every counterexample here shows up.
const LONGEST: usize = 60;

/// The property is violated, and these steps lead there in this order.
fn follows(property: &'static str, model: &Protocol, steps: &[&str]) {
    let words = (2..LONGEST).find_map(|depth| {
        let report = check_to(model.again(), depth, HasDiscoveries::AnyOf([property].into()));
        report.violated.into_iter().find(|(violated, _)| *violated == property).map(|(_, words)| words)
    });
    let words = words.expect("a counterexample");
    println!("{property}:\n    {}", words.join("\n    "));
    let mut rest = words.iter();
    for step in steps {
        assert!(rest.any(|word| word.contains(step)), "{step} is not in this order in {words:#?}");
    }
}

fn late_sender() -> Protocol {
    Protocol { timing: Timing { late_sender: true, ..Timing::default() }, ..Protocol::default() }
}

fn late_commit() -> Protocol {
    let timing = Timing { late_commits: true, beyond_next_attempt: true, ..Timing::default() };
    Protocol { timing, processes: 1, ..Protocol::default() }
}

fn late_list() -> Protocol {
    Protocol { timing: Timing { late_lists: true, ..Timing::default() }, processes: 1, ..Protocol::default() }
}

#[test]
fn a_sender_that_freezes_beyond_the_window_and_loses_the_reply_leaves_one_more() {
    let budget = Budget { lost: 1, ..Budget::default() };
    let steps = ["the window of attempt 1 is over", "the request goes out", "is nobody's"];
    follows(ONE_WEBHOOK, &Protocol { budget, ..late_sender() }, &steps);
}

#[test]
fn what_a_late_sender_made_is_not_known_once_its_object_is_deleted() {
    let budget = Budget { lost: 1, deletes: 1, ..Budget::default() };
    let steps =
        ["the window of attempt 1 is over", "the request goes out", "a user deletes object 1", "is nobody's"];
    follows(NONE_LOST, &Protocol { budget, ..late_sender() }, &steps);
}

#[test]
fn a_create_that_is_carried_out_after_its_window_leaves_one_more() {
    let budget = Budget { lost: 1, ..Budget::default() };
    let steps = ["stops waiting", "the window of attempt 1 is over", "is nobody's"];
    follows(ONE_WEBHOOK, &Protocol { budget, ..late_commit() }, &steps);
}

#[test]
fn what_a_late_commit_made_is_not_known_once_its_object_is_deleted() {
    let budget = Budget { lost: 1, deletes: 1, ..Budget::default() };
    let steps =
        ["stops waiting", "the window of attempt 1 is over", "a user deletes object 1", "is nobody's"];
    follows(NONE_LOST, &Protocol { budget, ..late_commit() }, &steps);
}

#[test]
fn a_list_that_lags_longer_hides_what_a_lost_create_made() {
    let budget = Budget { lost: 1, lag: 1, ..Budget::default() };
    let steps =
        ["the reply is lost; lists do not show it yet", "the window of attempt 1 is over", "is nobody's"];
    follows(ONE_WEBHOOK, &Protocol { budget, ..late_list() }, &steps);
}

/// It is made again, and goes by R14 as soon as lists show it.
#[test]
fn a_list_that_lags_longer_makes_a_new_webhook_look_missing() {
    let budget = Budget { lag: 1, crashes: 1, ..Budget::default() };
    follows(
        BELIEVED,
        &Protocol { budget, ..late_list() },
        &["lists do not show it yet", "gives webhook 1 up"],
    );
}

#[test]
fn a_strangers_exact_twin_in_the_window_is_taken_for_ours() {
    let budget = Budget { lost: 1, twins: 1, deletes: 1, ..Budget::default() };
    let model = Protocol { budget, strict: true, processes: 1, ..Protocol::default() };
    follows(
        NOTHING_FOREIGN,
        &model,
        &["a stranger makes a webhook", "recognises webhook 1", "deletes webhook 1"],
    );
}

#[test]
fn a_strip_while_a_create_is_under_way_leaves_one_more() {
    let budget = Budget { strips: 1, lost: 1, ..Budget::default() };
    let model = Protocol { budget, meddles: true, ..Protocol::default() };
    follows(ONE_WEBHOOK, &model, &["are stripped from object 1", "the reply is lost", "is nobody's"]);
}

/// Between the live read and the delete lies one request.
#[test]
fn who_claims_a_webhook_between_the_last_look_and_its_delete_loses_it() {
    let budget = Budget { strips: 1, ..Budget::default() };
    let policies = Policies { adopts_identical: true, ..Policies::default() };
    let model = Protocol { budget, policies, meddles: true, ..Protocol::default() };
    let steps = [
        "are stripped from object 1",
        "reads the siblings",
        "takes webhook 1 over",
        "compensates webhook 1 away",
    ];
    follows(CLAIMED_STAYS, &model, &steps);
}

#[test]
fn two_equal_objects_that_lose_their_replies_wait_for_a_person() {
    let budget = Budget { lost: 2, ..Budget::default() };
    let model = Protocol { wanted: [Config::A, Config::A], budget, alone: true, ..Protocol::default() };
    follows(SETTLES, &model, &["the reply is lost", "the reply is lost", "is nobody's", "is nobody's"]);
}

#[test]
fn an_edited_newborn_beside_its_lookalike_is_not_recognised() {
    let budget = Budget { lost: 1, twins: 1, outside_edits: 1, ..Budget::default() };
    let model = Protocol { budget, meddles: true, processes: 1, ..Protocol::default() };
    follows(NONE_LOST, &model, &["an outsider edits webhook", "is nobody's"]);
}
