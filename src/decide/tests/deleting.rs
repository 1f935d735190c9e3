//! An object that is being deleted: section by section what stands between it and its end (R15, R16).

use super::fixture::Known;
use super::sample::*;
use crate::api::Mode;
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
    assert_eq!(known.decide(), ambiguous([sid(1), sid(2)]));
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

/// The very webhook, or the very attempt: an annotation that was left from another life lets nothing go.
#[test]
fn what_the_annotation_abandons_is_left_behind_without_a_call() {
    let abandon = |known: Known, named: &str| {
        let named = Some(named.to_owned());
        known.deleting().with(|object| object.answers.abandon = named)
    };
    let webhook = sid(1).to_string();
    assert_eq!(abandon(Known::with_webhook(), &webhook).decide(), Action::ReleaseFinalizer);
    assert_eq!(abandon(Known::with_webhook(), sid(2).as_str()).decide(), Action::ReadCredentials);
    let open = Known::new_object().open(attempt());
    assert_eq!(abandon(open.clone(), ATTEMPT).decide(), Action::ReleaseFinalizer);
    assert_eq!(abandon(open, &webhook).decide(), Action::ReadCredentials);
    let living = Known::with_webhook().with(|object| object.answers.abandon = Some(webhook));
    assert_eq!(living.decide(), Action::Rest);
}

#[test]
fn mode_observe_lets_an_object_go_once_its_attempt_is_resolved() {
    let observing = |known: Known| known.deleting().with(|object| object.mode = Mode::Observe);
    assert_eq!(observing(Known::with_webhook()).decide(), Action::ReleaseFinalizer);
    assert_eq!(observing(Known::new_object().open(attempt())).decide(), Action::ReadCredentials);
}

#[test]
fn mode_suspended_does_not_stand_in_the_way_of_deletion() {
    let known = Known::with_webhook().deleting().access(false).with(|object| object.mode = Mode::Suspended);
    assert_eq!(known.decide(), Action::Delete(sid(1)));
}

#[test]
fn lost_webhooks_that_are_back_go_before_the_object_does() {
    let lost = || Known::with_webhook().deleting().proved().with(|object| object.record.lost = vec![sid(2)]);
    assert_eq!(lost().decide(), Action::List { fresh: true });
    assert_eq!(lost().listed_by_a_sibling([hook(1, bot())]).decide(), Action::List { fresh: true });
    let back = lost().listed([hook(1, bot()), hook(2, bot())]);
    assert_eq!(back.clone().siblings_unread().decide(), Action::ReadSiblings);
    assert_eq!(back.clone().live([]).decide(), Action::DeleteLost(sid(2)));
    assert_eq!(back.clone().live([sibling_with("uid-4", 2)]).decide(), Action::Delete(sid(1)));
    assert_eq!(lost().listed([hook(1, bot())]).decide(), Action::Delete(sid(1)));
    assert_eq!(lost().conversation_gone().decide(), Action::Delete(sid(1)));
    let alone = |known: Known| known.with(|object| object.record.webhook = None);
    assert_eq!(alone(lost().listed([])).decide(), Action::ReleaseFinalizer);
    assert_eq!(alone(back.live([])).decide(), Action::DeleteLost(sid(2)));
    // These leave everything where it is.
    let retained = lost().with(|object| object.retain = true);
    assert_eq!(retained.decide(), Action::ReleaseFinalizer);
    assert_eq!(Known { kind: Kind::Leaves, ..lost() }.decide(), Action::ReleaseFinalizer);
}

#[test]
fn an_invalid_spec_does_not_stand_in_the_way_of_deletion() {
    let known = Known::with_webhook()
        .deleting()
        .access(false)
        .with(|object| object.desired = Err(Unservable("set configuration.url")));
    assert_eq!(known.decide(), Action::Delete(sid(1)));
}
