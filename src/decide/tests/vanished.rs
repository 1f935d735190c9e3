//! An object that vanished with an open attempt: R18.

use super::fixture::Known;
use super::sample::*;
use crate::api::Mode;
use crate::decide::{Absent, Action, Attempt, Hold, Journal, Phase, Sibling, Waiting};

/// An object that vanished, with everything read that its open attempt asks for; nothing was found.
fn vanished() -> Known {
    Known::unresolved().vanished()
}

#[test]
fn what_its_attempt_made_is_deleted_after_the_window_a_list_and_a_live_read() {
    let seen = || vanished().listed([hook(1, bot())]);
    assert_eq!(seen().phase(Phase::InWindow).decide(), Action::Wait(Waiting::Window));
    assert_eq!(Known::new_object().open(attempt()).vanished().decide(), Action::ReadCredentials);
    assert_eq!(
        Known::new_object().open(attempt()).vanished().proved().decide(),
        Action::List { fresh: true }
    );
    assert_eq!(seen().access(false).decide(), Action::ProveAccount);
    assert_eq!(seen().siblings_unread().decide(), Action::ReadSiblings);
    assert_eq!(seen().cached([]).decide(), Action::ReadSiblings);
    assert_eq!(seen().decide(), Action::Compensate(sid(1)));
}

#[test]
fn one_that_made_nothing_leaves_nothing_and_two_looks_prove_it() {
    assert_eq!(vanished().decide(), Action::LookAgain(Absent::Newborn(ATTEMPT.to_owned())));
    assert_eq!(vanished().seen_before().decide(), Action::Rest);
    assert_eq!(vanished().conversation_gone().decide(), Action::LookAgain(Absent::Conversation));
    assert_eq!(vanished().conversation_gone().seen_before().decide(), Action::Rest);
}

#[test]
fn what_was_to_stay_stays() {
    let seen = || vanished().listed([hook(1, bot())]);
    assert_eq!(seen().with(|object| object.retain = true).decide(), Action::Rest);
    assert_eq!(seen().with(|object| object.mode = Mode::Observe).decide(), Action::Rest);
    let abandoned = seen().with(|object| object.answers.abandon = Some(ATTEMPT.to_owned()));
    assert_eq!(abandoned.decide(), Action::Rest);
    let elsewhere = Attempt { cluster: "other-cluster".to_owned(), ..attempt() };
    assert_eq!(seen().open(elsewhere).decide(), Action::Rest);
    let adopting = Attempt { adopt: Some(sid(1)), ..attempt() };
    assert_eq!(seen().open(adopting).decide(), Action::Rest);
}

#[test]
fn one_that_is_there_again_finds_out_itself() {
    let seen = || vanished().listed([hook(1, bot())]);
    let restored = Sibling { open: Some(attempt()), ..sibling("restored") };
    assert_eq!(seen().live([restored]).decide(), Action::Rest);
    let out_of_sight = sibling(&seen().object().uid.clone());
    assert_eq!(seen().live([out_of_sight]).decide(), Action::Rest);
}

#[test]
fn what_others_have_or_may_have_made_is_not_its_own() {
    let seen = || vanished().listed([hook(1, bot())]);
    assert_eq!(seen().live([sibling_with("b", 1)]).seen_before().decide(), Action::Rest);
    let waits = Action::Wait(Waiting::Sibling("tenant/b".to_owned()));
    assert_eq!(seen().live([sibling_creating("b", &bot())]).decide(), waits);
    let foreign = vanished().listed([hook(1, trigger())]).seen_before();
    assert_eq!(foreign.decide(), Action::Rest);
}

#[test]
fn of_several_that_may_be_its_own_none_is_deleted() {
    let two = vanished().listed([hook(1, bot()), hook(2, bot())]);
    let (attempt, candidates) = (ATTEMPT.to_owned(), vec![sid(1), sid(2)]);
    assert_eq!(two.decide(), Action::Hold(Hold::Ambiguous { attempt, candidates }));
}

#[test]
fn one_without_an_open_attempt_has_nothing_to_look_for() {
    assert_eq!(Known::with_webhook().vanished().decide(), Action::Rest);
    let unreadable = Known::new_object().vanished().with(|object| object.journal = Journal::Unreadable);
    assert_eq!(unreadable.decide(), Action::Rest);
}
