//! An object that is being deleted: section by section what stands between it and its end (R15, R16).

use super::fixture::Known;
use super::sample::*;
use crate::api::Provenance;
use crate::decide::{Action, Attempt, Hold, Journal, Kind, Phase, Reply, Settled, Unservable, Waiting};

#[test]
fn an_object_that_made_nothing_goes_without_a_call() {
    assert_eq!(Known::new_object().deleting().decide(), Action::ReleaseFinalizer);
    let settled = Known::new_object()
        .open(attempt())
        .with(|object| object.record.settled_attempt = Some(ATTEMPT.to_owned()))
        .deleting();
    assert_eq!(settled.decide(), Action::ReleaseFinalizer);
}

#[test]
fn an_object_without_our_finalizer_is_left_alone() {
    let known = Known::with_webhook().deleting().with(|object| object.finalizer = false);
    assert_eq!(known.decide(), Action::Rest);
}

#[test]
fn the_webhook_goes_first_then_the_finalizer() {
    let known = Known::with_webhook().deleting();
    assert_eq!(known.decide(), Action::ReadCredentials);
    let known = known.access(false);
    assert_eq!(known.decide(), Action::Delete(sid(1)));
    assert_eq!(known.removed(Reply::Done).decide(), Action::ReleaseFinalizer);
}

#[test]
fn a_404_to_the_delete_counts_under_the_proved_account_only() {
    let known = Known::with_webhook().deleting().access(false).removed(Reply::NotFound);
    assert_eq!(known.decide(), Action::ProveAccount);
    assert_eq!(known.proved().decide(), Action::ReleaseFinalizer);
}

#[test]
fn the_webhook_of_another_account_is_not_asked_for() {
    let decided = Known::with_webhook().deleting().other_account().decide();
    assert!(matches!(decided, Action::Hold(Hold::AccountMismatch { .. })), "{decided:?}");
}

#[test]
fn uninstalling_the_kind_unplugs_no_bot() {
    let known = Known { kind: Kind::Unread, ..Known::with_webhook().deleting().proved() };
    assert_eq!(known.decide(), Action::ReadKind);
    assert_eq!(Known { kind: Kind::Leaves, ..known }.decide(), Action::ReleaseFinalizer);
    let made_nothing = Known { kind: Kind::Unread, ..Known::new_object().deleting() };
    assert_eq!(made_nothing.decide(), Action::ReleaseFinalizer);
}

#[test]
fn with_retain_the_webhook_stays() {
    let known = Known::with_webhook().deleting().with(|object| object.retain = true);
    assert_eq!(known.decide(), Action::ReleaseFinalizer);
}

/// R15.
#[test]
fn an_open_attempt_is_resolved_first_also_with_retain() {
    for retain in [false, true] {
        let known = Known::unresolved().deleting().with(|object| object.retain = retain);
        assert_eq!(known.clone().phase(Phase::InWindow).decide(), Action::Wait(Waiting::Window));
        let found = known.clone().listed([hook(1, bot())]);
        assert_eq!(found.decide(), record_as(1, Provenance::Inferred));
        assert!(matches!(known.clone().decide(), Action::LookAgain(_)));
        assert_eq!(known.seen_before().decide(), settle(Settled::ProvedAbsent));
    }
}

#[test]
fn an_ambiguous_attempt_keeps_the_object() {
    let known = Known::unresolved().deleting().listed([hook(1, bot()), hook(2, bot())]);
    assert_eq!(known.decide(), Action::Hold(Hold::Ambiguous(vec![sid(1), sid(2)])));
}

/// R16: the webhooks of a conversation go with it.
#[test]
fn an_attempt_on_a_conversation_that_is_gone_made_nothing() {
    let known = Known::unresolved().deleting().conversation_gone();
    assert_eq!(known.clone().phase(Phase::InWindow).decide(), Action::Wait(Waiting::Window));
    assert_eq!(known.clone().access(false).seen_before().decide(), Action::ProveAccount);
    assert!(matches!(known.decide(), Action::LookAgain(_)));
    assert_eq!(known.seen_before().decide(), settle(Settled::ProvedAbsent));
}

/// Its webhook, if any, is another cluster's.
#[test]
fn an_object_restored_from_another_cluster_goes_without_a_call() {
    let elsewhere = Attempt { cluster: "other-cluster".to_owned(), ..attempt() };
    let known = Known::new_object().open(elsewhere).deleting();
    assert_eq!(known.decide(), Action::ReleaseFinalizer);
}

#[test]
fn an_edited_journal_keeps_an_object_without_a_webhook() {
    let known = Known::new_object().deleting().with(|object| object.journal = Journal::Unreadable);
    assert_eq!(known.decide(), Action::Hold(Hold::JournalUnreadable));
    let known =
        Known::with_webhook().deleting().access(false).with(|object| object.journal = Journal::Unreadable);
    assert_eq!(known.decide(), Action::Delete(sid(1)));
}

#[test]
fn what_this_version_does_not_serve_is_not_guessed_at_deletion() {
    let unservable = Unservable::NotServedYet("mode: Observe");
    let known = Known::with_webhook().deleting().with(|object| object.desired = Err(unservable.clone()));
    assert_eq!(known.decide(), Action::Hold(Hold::DeletionUnservable(unservable)));
    assert_eq!(known.with(|object| object.retain = true).decide(), Action::ReleaseFinalizer);
}

#[test]
fn an_invalid_spec_does_not_stand_in_the_way_of_deletion() {
    let known = Known::with_webhook()
        .deleting()
        .access(false)
        .with(|object| object.desired = Err(Unservable::Invalid("set configuration.url")));
    assert_eq!(known.decide(), Action::Delete(sid(1)));
}
