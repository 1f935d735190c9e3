//! A second webhook beside the object's own: reported, never deleted.

use super::fixture::Known;
use super::sample::*;
use crate::decide::{Action, Hold, Journal, Object};
use crate::twilio::Webhook;

/// An object with webhook 1, a check due, and this beside it.
fn beside(other: Webhook) -> Known {
    Known::with_webhook().due().access(false).listed([hook(1, bot()), other])
}

fn double(other: u8) -> Action {
    Action::Hold(Hold::Double { webhook: sid(1), others: vec![sid(other)] })
}

#[test]
fn all_of_several_are_named() {
    let several = [hook(1, bot()), hook(2, bot()), hook(3, trigger()), hook(4, bot())];
    let known = Known::with_webhook().due().access(false).listed(several);
    let named = |others| Action::Hold(Hold::Double { webhook: sid(1), others });
    assert_eq!(known.clone().live([]).decide(), named(vec![sid(2), sid(4)]));
    assert_eq!(known.live([sibling_with("b", 2)]).decide(), named(vec![sid(4)]));
}

#[test]
fn a_twin_that_came_after_the_journal_and_is_nobodys_is_reported_after_a_live_read() {
    let known = beside(hook(2, bot())).siblings_unread();
    assert_eq!(known.decide(), Action::ReadSiblings);
    assert_eq!(known.clone().cached([]).decide(), Action::ReadSiblings);
    assert_eq!(known.live([]).decide(), double(2));
}

#[test]
fn what_the_object_once_asked_for_counts_too() {
    let known = beside(hook(2, other_bot())).live([]);
    assert_eq!(known.decide(), Action::Available);
    let once = |object: &mut Object| {
        let Journal::Attempt(attempt) = &mut object.journal else { panic!("a journal") };
        attempt.past_configs.push(recorded(&other_bot()));
    };
    assert_eq!(known.with(once).decide(), double(2));
}

#[test]
fn what_was_there_before_is_somebodys_or_does_something_else_is_not() {
    let before = |object: &mut Object| {
        let Journal::Attempt(attempt) = &mut object.journal else { panic!("a journal") };
        attempt.baseline.insert(sid(2));
    };
    assert_eq!(beside(hook(2, bot())).live([]).with(before).decide(), Action::Available);
    assert_eq!(beside(hook(2, bot())).cached([sibling_with("b", 2)]).decide(), Action::Available);
    assert_eq!(beside(hook(2, bot())).live([sibling_creating("b", &bot())]).decide(), Action::Available);
    assert_eq!(beside(hook(2, trigger())).siblings_unread().decide(), Action::Available);
}
