//! After a lost reply: R2, R4, R9, R10, R11.

use super::fixture::Known;
use super::sample::*;
use crate::api::{Mode, Provenance};
use crate::decide::{
    Absent, Access, Action, Attempt, Desired, Hold, Kind, Phase, Renamed, Resolution, Settled, Sibling,
    Unservable, Waiting, Wanted,
};
use crate::twilio::{Target, WebhookConfig};

fn waits_for(sibling: &Sibling) -> Action {
    Action::Wait(Waiting::Sibling(sibling.name.clone()))
}

/// R2.
#[test]
fn an_attempt_that_came_with_a_copied_manifest_is_settled_at_once() {
    let copied = Attempt { uid: "owner".to_owned(), ..attempt() };
    let known = Known::new_object().open(copied).phase(Phase::BeforeNotAfter);
    for siblings_to_read in [known.clone(), known.clone().cached([sibling("owner")])] {
        assert_eq!(siblings_to_read.decide(), Action::ReadSiblings);
    }
    assert_eq!(known.clone().live([sibling("owner")]).decide(), settle(Settled::Copied));
    assert_eq!(known.deleting().live([sibling("owner")]).decide(), settle(Settled::Copied));
}

/// R2: without its owner the attempt is a restored object's, and open.
#[test]
fn an_attempt_whose_owner_is_gone_is_resolved() {
    let restored = Attempt { uid: "owner".to_owned(), ..attempt() };
    let known = Known::unresolved().open(restored).live([sibling("b")]);
    assert_eq!(known.clone().phase(Phase::InWindow).decide(), Action::Wait(Waiting::Window));
    let found = known.listed([hook(1, bot())]);
    assert_eq!(found.decide(), record_as(1, Provenance::Inferred));
}

/// R2: conversation and target never change in an object, so another one was copied, whoever else is gone.
#[test]
fn a_manifest_copied_to_another_conversation_or_target_is_no_restore() {
    let copied = || Known::unresolved().open(Attempt { uid: "owner".to_owned(), ..attempt() });
    let elsewhere = copied().with(|object| {
        let there = format!("CH{:032x}", 99).parse().unwrap();
        object.desired = Ok(Desired { conversation: Wanted::Sid(there), ..desired(bot()) });
    });
    let other_target = copied().with(|object| {
        let config = WebhookConfig { target: Target::Trigger, ..bot() };
        object.desired = Ok(desired(config));
    });
    for known in [elsewhere, other_target] {
        assert_eq!(known.clone().decide(), settle(Settled::Copied));
        // Nor does it take the old conversation's webhook.
        assert_eq!(known.listed([hook(1, bot())]).decide(), settle(Settled::Copied));
    }
    // A unique name may mean another conversation by now: that proves nothing.
    let by_name = copied().with(|object| {
        let name = Wanted::UniqueName("support".to_owned());
        object.desired = Ok(Desired { conversation: name, ..desired(bot()) });
    });
    assert_eq!(by_name.listed([hook(1, bot())]).decide(), record_as(1, Provenance::Inferred));
}

/// R9: two looks count when both asked the same.
#[test]
fn an_absence_confirms_nothing_but_itself() {
    let newborn = Absent::Newborn(attempt().id);
    let none = Known::unresolved();
    for other in [Absent::Conversation, Absent::Webhook(sid(1)), Absent::Newborn("another".to_owned())] {
        let known = Known { confirmed: Some(other), ..none.clone() };
        assert_eq!(known.decide(), Action::LookAgain(newborn.clone()));
    }
    let known = Known { confirmed: Some(newborn), ..none };
    assert_eq!(known.decide(), settle(Settled::ProvedAbsent));
}

/// R2: an owner that this process may not see may live.
#[test]
fn an_attempt_whose_owner_cannot_be_seen_is_held() {
    let copied = Attempt { uid: "owner".to_owned(), ..attempt() };
    let known = Known { sees_all: false, ..Known::unresolved().open(copied) };
    assert_eq!(known.decide(), Action::Hold(Hold::OwnerUnseen { attempt: ATTEMPT.to_owned() }));
    assert_eq!(known.live([sibling("owner")]).decide(), settle(Settled::Copied));
    let own = Known { sees_all: false, ..Known::unresolved().listed([hook(1, bot())]) };
    assert_eq!(own.decide(), record_as(1, Provenance::Inferred));
}

/// R2: the other cluster's operator may still serve the webhook.
#[test]
fn an_attempt_of_another_cluster_is_held_without_any_call() {
    let elsewhere = Attempt { cluster: "other-cluster".to_owned(), ..attempt() };
    let known = Known::new_object().open(elsewhere);
    assert_eq!(known.decide(), Action::Hold(Hold::RestoredElsewhere));
}

/// R9: the order in which evidence is gathered.
#[test]
fn an_open_attempt_waits_out_its_window_and_then_gathers_evidence() {
    let known = Known::new_object().open(attempt());
    assert_eq!(known.clone().phase(Phase::BeforeNotAfter).decide(), Action::Wait(Waiting::Window));
    assert_eq!(known.clone().phase(Phase::InWindow).decide(), Action::Wait(Waiting::Window));
    assert_eq!(known.decide(), Action::ReadCredentials);
    let known = known.access(false);
    assert_eq!(known.decide(), Action::List { fresh: true });
    let known = known.listed([]);
    assert_eq!(known.decide(), Action::ProveAccount);
    let known = known.proved();
    assert_eq!(known.decide(), Action::ReadSiblings);
    let known = known.live([]);
    assert!(matches!(known.decide(), Action::LookAgain(_)));
    assert_eq!(known.seen_before().decide(), settle(Settled::ProvedAbsent));
}

/// R9: a list that a sibling made may be older than the window.
#[test]
fn only_a_fresh_list_counts_as_evidence() {
    let known = Known::unresolved().listed_by_a_sibling([hook(1, bot())]);
    assert_eq!(known.decide(), Action::List { fresh: true });
}

/// R9: a claim is made only after a live read of the siblings that came after the list.
#[test]
fn a_claim_needs_siblings_read_live_after_the_list() {
    let known = Known::unresolved().listed([hook(1, bot())]);
    assert_eq!(known.clone().siblings_unread().decide(), Action::ReadSiblings);
    assert_eq!(known.clone().cached([]).decide(), Action::ReadSiblings);
    assert_eq!(known.decide(), record_as(1, Provenance::Inferred));
}

#[test]
fn the_attempt_says_which_account_can_tell() {
    let known = Known::unresolved().other_account();
    let account_mismatch = Hold::AccountMismatch {
        opens: (account(2), "us1".to_owned()),
        needs: (account(1), "us1".to_owned()),
    };
    assert_eq!(known.decide(), Action::Hold(account_mismatch));
    let other_region = Access::Known { account: account(1), region: "ie1".to_owned(), proved: true };
    let known = Known { access: other_region, ..Known::unresolved() };
    assert!(matches!(known.decide(), Action::Hold(Hold::AccountMismatch { .. })));
}

/// R10: what was there before, and what a sibling has, is not ours.
#[test]
fn webhooks_of_the_baseline_and_of_siblings_are_no_candidates() {
    let journal = Attempt { baseline: [sid(1)].into(), ..attempt() };
    let known = Known::unresolved()
        .open(journal)
        .listed([hook(1, bot()), hook(2, bot()), hook(3, bot())])
        .live([sibling_with("b", 2)]);
    assert_eq!(known.decide(), record_as(3, Provenance::Inferred));
}

/// R10.
#[test]
fn a_webhook_that_a_siblings_open_attempt_explains_is_waited_for() {
    let known = Known::unresolved().listed([hook(1, bot())]);
    let since = || Sibling { as_journalled: false, ..sibling_creating("b", &other_bot()) };
    let edited = Sibling { desired: Some(desired(bot())), ..since() };
    let undecodable = Sibling { desired: None, ..since() };
    for rival in [sibling_creating("b", &bot()), edited, undecodable, sibling_adopting("b", 1)] {
        assert_eq!(known.clone().live([rival.clone()]).decide(), waits_for(&rival), "{rival:?}");
    }
}

/// R10: siblings restored together with different configurations do not wait for each other.
#[test]
fn a_siblings_open_attempt_that_cannot_have_made_the_webhook_delays_nothing() {
    let known = Known::unresolved().listed([hook(1, bot())]);
    let mut later = sibling_creating("b", &bot());
    later.open.as_mut().expect("it is open").baseline = [sid(1)].into();
    for other in [later, sibling_creating("b", &other_bot()), sibling_adopting("b", 2)] {
        assert_eq!(known.clone().live([other]).decide(), record_as(1, Provenance::Inferred));
    }
}

/// R10: what the sibling's open attempt explains is the sibling's, beside the one that is ours.
#[test]
fn siblings_with_different_configurations_do_not_wait_for_each_other() {
    let known = Known::unresolved()
        .listed([hook(1, bot()), hook(2, other_bot())])
        .live([sibling_creating("b", &other_bot())]);
    assert_eq!(known.decide(), record_as(1, Provenance::Inferred));
    let restored = known.with(|object| object.uid = "uid-6".to_owned());
    assert_eq!(restored.decide(), record_as(1, Provenance::Inferred));
}

/// R10: without an exact one, what the sibling may have made may as well be ours, edited by somebody.
#[test]
fn the_only_newcomer_is_waited_for_while_a_sibling_may_have_made_it() {
    let rival = sibling_creating("b", &other_bot());
    let known = Known::unresolved().listed([hook(1, other_bot())]).live([rival.clone()]);
    assert_eq!(known.decide(), waits_for(&rival));
    assert_eq!(known.live([sibling_with("b", 1)]).seen_before().decide(), settle(Settled::ProvedAbsent));
}

/// R11.
#[test]
fn one_exact_newcomer_is_claimed() {
    let known = Known::unresolved().listed([hook(1, bot())]);
    assert_eq!(known.decide(), record_as(1, Provenance::Inferred));
}

/// R11: equal to what was attempted, or to what the object asks for now.
#[test]
fn an_edit_since_leaves_two_ways_to_be_exact() {
    let known = Known::unresolved().edited(other_bot());
    for config in [bot(), other_bot()] {
        let found = known.clone().listed([hook(1, config)]);
        assert_eq!(found.decide(), record_as(1, Provenance::Inferred));
    }
    let both = known.listed([hook(1, bot()), hook(2, other_bot())]);
    assert_eq!(both.decide(), ambiguous([sid(1), sid(2)]));
}

#[test]
fn an_attempt_is_resolved_although_the_spec_cannot_be_served_any_more() {
    let unservable = Unservable("set configuration.url");
    let known = Known::unresolved().with(|object| object.desired = Err(unservable));
    assert_eq!(known.listed([hook(1, bot())]).decide(), record_as(1, Provenance::Inferred));
}

/// R11: beside an exact one, ours cannot be the edited one as long as nobody edited the object.
#[test]
fn a_lookalike_beside_the_exact_newcomer_is_foreign_to_an_unedited_object() {
    let known = Known::unresolved().listed([hook(1, bot()), hook(2, other_bot())]);
    assert_eq!(known.decide(), record_as(1, Provenance::Inferred));
    assert_eq!(known.clone().deleting().decide(), record_as(1, Provenance::Inferred));
    let edited = known.clone().edited(bot());
    assert_eq!(edited.decide(), ambiguous([sid(1), sid(2)]));
    assert_eq!(edited.deleting().decide(), ambiguous([sid(1), sid(2)]));
    let restored = known.with(|object| object.uid = "uid-6".to_owned());
    assert_eq!(restored.decide(), ambiguous([sid(1), sid(2)]));
}

/// R11.
#[test]
fn two_exact_newcomers_are_ambiguous() {
    let known = Known::unresolved().listed([hook(1, bot()), hook(2, bot())]);
    assert_eq!(known.decide(), ambiguous([sid(1), sid(2)]));
}

/// R11: somebody may have edited the one that is ours.
#[test]
fn a_changed_newcomer_of_the_same_target_is_ambiguous() {
    let known = Known::unresolved().listed([hook(1, other_bot())]).seen_before();
    assert_eq!(known.decide(), ambiguous([sid(1)]));
}

/// R11: a target never changes.
#[test]
fn a_newcomer_of_another_target_is_foreign() {
    let known = Known::unresolved().listed([hook(1, trigger())]).seen_before();
    assert_eq!(known.decide(), settle(Settled::ProvedAbsent));
    let beside = Known::unresolved().listed([hook(1, trigger()), hook(2, bot())]).edited(bot());
    assert_eq!(beside.decide(), record_as(2, Provenance::Inferred));
}

#[test]
fn an_object_that_stays_waits_for_its_lost_conversation() {
    let known = Known::unresolved().conversation_gone();
    assert!(matches!(known.decide(), Action::LookAgain(_)));
    assert_eq!(known.clone().access(false).decide(), Action::ProveAccount);
    assert_eq!(known.seen_before().decide(), Action::Hold(Hold::ConversationNotFound));
}

/// R4.
#[test]
fn a_webhook_that_was_being_taken_over_is_claimed() {
    let known = Known::unresolved().open(Attempt { adopt: Some(sid(1)), ..attempt() });
    assert!(matches!(known.clone().decide(), Action::LookAgain(_)), "one look is not enough");
    assert_eq!(known.clone().seen_before().decide(), settle(Settled::ProvedAbsent));
    let there = known.listed([hook(1, other_bot())]);
    assert_eq!(there.clone().cached([]).decide(), Action::ReadSiblings);
    assert_eq!(there.decide(), record_as(1, Provenance::Adopted));
}

/// R4: a sibling that has the webhook, or may have made it, keeps it; of two that want it, one gives way.
#[test]
fn taking_over_gives_way_to_claims_and_creates_and_to_one_of_two() {
    let known =
        Known::unresolved().open(Attempt { adopt: Some(sid(1)), ..attempt() }).listed([hook(1, bot())]);
    let decided_beside = |sibling: Sibling| known.clone().live([sibling]).decide();
    assert_eq!(decided_beside(sibling_with("uid-6", 1)), settle(Settled::ProvedAbsent));
    assert_eq!(decided_beside(sibling_creating("uid-6", &bot())), settle(Settled::ProvedAbsent));
    assert_eq!(decided_beside(sibling_adopting("uid-4", 1)), settle(Settled::ProvedAbsent));
    let higher = sibling_adopting("uid-6", 1);
    assert_eq!(decided_beside(higher.clone()), waits_for(&higher));
    assert_eq!(decided_beside(sibling_adopting("uid-6", 2)), record_as(1, Provenance::Adopted));
}

/// R12.
#[test]
fn a_users_word_counts_for_its_attempt_after_the_window_and_for_a_free_webhook() {
    let candidates = || Known::unresolved().listed([hook(1, other_bot()), hook(2, other_bot())]);
    assert_eq!(candidates().decide(), ambiguous([sid(1), sid(2)]));
    let answered = |made| candidates().with(|object| object.answers = answer(made));
    let recorded = Action::Record {
        attempt: ATTEMPT.to_owned(),
        webhook: sid(1),
        provenance: Provenance::Adopted,
        left_over: vec![sid(2)],
    };
    assert_eq!(answered(Some(1)).decide(), recorded);
    assert_eq!(answered(Some(1)).deleting().decide(), recorded);
    assert_eq!(answered(None).decide(), settle(Settled::Answered(vec![sid(1), sid(2)])));
    let early = answered(Some(1)).phase(Phase::InWindow);
    assert_eq!(early.decide(), Action::Wait(Waiting::Window));
    // It names another attempt, what is not there, or what another object has or is to have.
    let of_another = candidates().open(Attempt { id: "attempt-2".to_owned(), ..attempt() });
    let of_another = of_another.with(|object| object.answers = answer(None));
    assert!(matches!(of_another.decide(), Action::Hold(Hold::Ambiguous { .. })));
    assert_eq!(answered(Some(3)).decide(), ambiguous([sid(1), sid(2)]));
    let claimed = Action::Hold(Hold::AlreadyClaimed { webhook: sid(1), by: "tenant/uid-4".to_owned() });
    assert_eq!(answered(Some(1)).live([sibling_with("uid-4", 1)]).decide(), claimed);
    let wanted = Sibling { answer: Some(sid(1)), ..sibling_creating("uid-4", &other_bot()) };
    assert_eq!(answered(Some(1)).live([wanted]).decide(), claimed);
}

#[test]
fn a_users_word_ends_the_wait_of_two_equal_siblings() {
    let known = Known::unresolved().listed([hook(1, bot())]).live([sibling_creating("uid-4", &bot())]);
    assert!(matches!(known.decide(), Action::Wait(Waiting::Sibling(_))));
    let answered = known.with(|object| object.answers = answer(Some(1)));
    assert!(matches!(answered.decide(), Action::Record { .. }));
}

#[test]
fn an_object_of_another_cluster_is_held_until_its_move_is_confirmed_by_uid() {
    let moved = Known::unresolved().open(Attempt { cluster: "elsewhere".to_owned(), ..attempt() });
    let moved = moved.listed([hook(1, bot())]);
    let held = Action::Hold(Hold::RestoredElsewhere);
    assert_eq!(moved.decide(), held);
    let confirmed = |uid: &str| {
        let uid = Some(uid.to_owned());
        moved.clone().with(|object| object.answers.confirm_restore = uid)
    };
    assert_eq!(confirmed("uid-4").decide(), held);
    assert_eq!(confirmed(UID).decide(), record_as(1, Provenance::Inferred));
    assert_eq!(confirmed("uid-4").deleting().decide(), Action::ReleaseFinalizer);
    assert_eq!(confirmed(UID).deleting().decide(), record_as(1, Provenance::Inferred));
}

#[test]
fn an_unseen_owner_is_given_up_for_dead_when_somebody_says_so() {
    let foreign = Known { sees_all: false, ..Known::unresolved() };
    let foreign = foreign.open(Attempt { uid: "owner".to_owned(), ..attempt() }).listed([hook(1, bot())]);
    assert_eq!(foreign.decide(), Action::Hold(Hold::OwnerUnseen { attempt: ATTEMPT.to_owned() }));
    let confirmed = foreign.with(|object| object.answers.confirm_restore = Some(UID.to_owned()));
    assert_eq!(confirmed.decide(), record_as(1, Provenance::Inferred));
}

/// The conversation of the attempt does not come back under another SID.
#[test]
fn an_attempt_on_a_conversation_that_was_replaced_is_settled() {
    let gone = || Known::unresolved().by_name().conversation_gone();
    assert_eq!(gone().seen_before().decide(), Action::LocateAgain);
    let found = |n: u8| Renamed::Found(format!("CH{n:032x}").parse().unwrap());
    assert_eq!(Known { renamed: found(9), ..gone().seen_before() }.decide(), settle(Settled::ProvedAbsent));
    let hold = Action::Hold(Hold::ConversationNotFound);
    assert_eq!(Known { renamed: found(1), ..gone().seen_before() }.decide(), hold);
    assert_eq!(Known { renamed: Renamed::NotFound, ..gone().seen_before() }.decide(), hold);
    assert!(matches!(Known { renamed: found(9), ..gone() }.decide(), Action::LookAgain(_)));
}

#[test]
fn an_answer_is_read_only_in_its_two_forms() {
    let id = "7f3c";
    let made = Resolution::parse(&format!(" {id}={} ", sid(1))).unwrap();
    assert_eq!((made.attempt.as_str(), made.made), (id, Some(sid(1))));
    assert_eq!(Resolution::parse("7f3c=none").unwrap().made, None);
    for nonsense in ["", "7f3c", "7f3c=", "7f3c=WH12", "none", "=none7"] {
        assert_eq!(Resolution::parse(nonsense), None, "{nonsense}");
    }
}

/// R14 beside R11: it is known what the old one is, so that the newborn is not mistaken for one of two.
#[test]
fn a_lost_webhook_that_is_back_is_no_candidate_and_goes_before_the_newborn_is_claimed() {
    let both = Known::unresolved().with(|object| object.record.lost = vec![sid(1)]);
    let both = both.listed([hook(1, bot()), hook(2, bot())]);
    assert_eq!(both.decide(), Action::DeleteLost(sid(1)));
    assert_eq!(both.clone().listed([hook(2, bot())]).decide(), record_as(2, Provenance::Inferred));
    // Where nothing may be deleted, it is left where it is.
    let inferred = record_as(2, Provenance::Inferred);
    assert_eq!(both.clone().with(|object| object.mode = Mode::Observe).decide(), inferred);
    assert_eq!(both.clone().with(|object| object.retain = true).deleting().decide(), inferred);
    // Nor before it is known whether the kind itself goes.
    for kind in [Kind::Unread, Kind::Leaves, Kind::Stays] {
        assert_eq!(Known { kind, ..both.clone().deleting() }.decide(), inferred, "{kind:?}");
    }
    // Somebody else has it: it is neither ours to delete nor to claim.
    assert_eq!(both.live([sibling_with("uid-4", 1)]).decide(), inferred);
}

/// What a sibling asks for now, be it unreadable, tells nothing as long as it is the object of its journal.
#[test]
fn two_with_addresses_from_secrets_that_lost_their_replies_do_not_wait_for_each_other() {
    let unread = |sibling: Sibling| Sibling { desired: None, ..sibling };
    let board = [hook(1, bot()), hook(2, other_bot())];
    let first = Known::unresolved().listed(board.clone()).live([unread(sibling_creating("b", &other_bot()))]);
    let second = Known::unresolved()
        .open(Attempt { config: recorded(&other_bot()), ..attempt() })
        .with(|object| object.desired = Ok(desired(other_bot())))
        .listed(board)
        .live([unread(sibling_creating("a", &bot()))]);
    assert_eq!(first.decide(), record_as(1, Provenance::Inferred));
    assert_eq!(second.decide(), record_as(2, Provenance::Inferred));
}

#[test]
fn a_sibling_of_another_target_explains_nothing() {
    let sibling = Sibling { desired: None, as_journalled: false, ..sibling_creating("b", &trigger()) };
    let known = Known::unresolved().listed([hook(1, bot())]).live([sibling]);
    assert_eq!(known.decide(), record_as(1, Provenance::Inferred));
}

/// R12 beside R4 and R11: the answer stood before its object's own look, so that nobody who looks later misses it.
#[test]
fn a_webhook_that_a_sibling_is_answered_with_is_left_to_it() {
    let answered = Sibling { answer: Some(sid(1)), ..sibling_creating("b", &other_bot()) };
    let resolving = Known::unresolved().listed([hook(1, bot())]).live([answered]);
    assert!(matches!(resolving.decide(), Action::Wait(Waiting::Sibling(_))));
    let adopting = resolving.open(Attempt { adopt: Some(sid(1)), ..attempt() });
    assert_eq!(adopting.decide(), settle(Settled::ProvedAbsent));
}
