//! After Twilio's reply: R6, R7, R8.

use super::fixture::Known;
use super::sample::*;
use crate::api::Provenance;
use crate::decide::{Action, Attempt, Sender, Settled, Sibling, Siblings, Waiting};

/// An object with an open attempt whose create Twilio answered with webhook 1.
fn made(reread: bool) -> Known {
    Known::ready_to_create().open(attempt()).sender(created(1, reread))
}

#[test]
fn a_webhook_that_was_made_is_recorded_before_anything_else() {
    assert_eq!(made(false).decide(), record_as(1, Provenance::Created));
    assert_eq!(made(false).deleting().decide(), record_as(1, Provenance::Created));
    assert_eq!(made(false).conversation_gone().other_account().decide(), record_as(1, Provenance::Created));
}

/// R6.
#[test]
fn a_create_that_made_nothing_is_settled() {
    let refused = Sender::NotCreated { id: ATTEMPT.to_owned() };
    let known = Known::ready_to_create().open(attempt()).sender(refused.clone());
    assert_eq!(known.decide(), settle(Settled::NotCreated));
    assert_eq!(Known::ready_to_create().sender(refused).decide(), Action::Rest);
}

/// R7: a conflict may be our own win.
#[test]
fn a_lost_status_reply_is_no_reason_to_delete_the_own_webhook() {
    let known = made(true).with(|object| object.record = record(1));
    assert_eq!(known.decide(), Action::Rest);
}

/// R7, whatever the uid: a restored object bears the attempt as well as the one that was lost.
#[test]
fn an_attempt_that_is_still_open_gets_its_webhook() {
    assert_eq!(made(true).decide(), record_as(1, Provenance::Created));
    let restored = made(true).with(|object| object.uid = "uid-6".to_owned());
    assert_eq!(restored.decide(), record_as(1, Provenance::Created));
}

/// R8.
#[test]
fn a_webhook_that_no_object_can_bear_is_deleted_after_a_live_read() {
    let gone = || Known { object: None, ..made(true) };
    let settled = || made(true).with(|object| object.record.settled_attempt = Some(ATTEMPT.to_owned()));
    let replaced = || made(true).open(Attempt { id: "attempt-2".to_owned(), ..attempt() });
    let bears_another = || made(true).with(|object| object.record = record(2));
    for known in [gone(), settled(), replaced(), bears_another()] {
        assert_eq!(known.clone().siblings_unread().decide(), Action::ReadSiblings);
        assert_eq!(known.clone().cached([]).decide(), Action::ReadSiblings);
        assert_eq!(known.live([sibling_with("b", 2)]).decide(), Action::Compensate(sid(1)));
    }
}

/// R8: a webhook that anyone claims stays.
#[test]
fn a_claimed_webhook_is_never_compensated_away() {
    let known = Known { object: None, ..made(true) };
    assert_eq!(known.live([sibling("a"), sibling_with("b", 1)]).decide(), Action::Rest);
}

#[test]
fn an_object_that_is_gone_needs_nothing() {
    let known = Known { object: None, siblings: Siblings::Unread, ..Known::new_object() };
    assert_eq!(known.decide(), Action::Rest);
}

#[test]
fn what_a_sibling_takes_over_or_may_claim_itself_is_not_compensated_away() {
    let known = Known { object: None, ..Known::new_object().sender(created(1, true)) };
    let adopting = known.clone().live([sibling_adopting("b", 1)]);
    assert_eq!(adopting.decide(), Action::Wait(Waiting::Sibling("tenant/b".to_owned())));
    // Restored under another name, it bears the attempt.
    let restored = Sibling { open: Some(attempt()), ..sibling("restored") };
    assert_eq!(known.clone().live([restored]).decide(), Action::Rest);
    assert_eq!(known.live([sibling_adopting("b", 2)]).decide(), Action::Compensate(sid(1)));
}

/// The journal was stripped while the create was under way, and the object took its own webhook for somebody else's twin.
#[test]
fn an_object_that_is_taking_over_its_own_webhook_is_not_waited_for() {
    let adopting = Attempt { id: "attempt-2".to_owned(), adopt: Some(sid(1)), ..attempt() };
    let known = made(true).open(adopting.clone());
    let itself = Sibling { open: Some(adopting), ..sibling(UID) };
    let record = Action::Record {
        attempt: "attempt-2".to_owned(),
        webhook: sid(1),
        provenance: Provenance::Created,
        left_over: Vec::new(),
    };
    assert_eq!(known.clone().live([itself.clone()]).decide(), record);
    // Who else wants it may have looked before this one wrote that down: the two agree by R4.
    assert_eq!(known.live([itself.clone(), sibling_adopting("b", 1)]).decide(), Action::Rest);
    // Begun after the object was read: the next pass finishes it.
    assert_eq!(
        made(true).open(Attempt { id: "attempt-3".to_owned(), ..attempt() }).live([itself]).decide(),
        Action::Rest
    );
}
