//! An object with a webhook: edits, drift, absence, and R19.

use super::fixture::Known;
use super::sample::*;
use crate::api::Mode;
use crate::decide::{Action, Address, Hold, Journal, Object, Plan, Renamed, Reply};
use crate::twilio::ConversationSid;

#[test]
fn an_object_at_rest_costs_nothing() {
    assert_eq!(Known::with_webhook().decide(), Action::Rest);
}

#[test]
fn an_edit_is_sent_without_looking_first() {
    let known = Known::with_webhook().edited(other_bot());
    assert_eq!(known.decide(), Action::ReadCredentials);
    assert_eq!(known.clone().access(false).decide(), Action::Update(sid(1)));
    assert_eq!(known.access(false).updated(Reply::Done).decide(), Action::Available);
}

#[test]
fn a_due_check_compares_with_the_list() {
    let known = Known::with_webhook().due();
    assert_eq!(known.decide(), Action::ReadCredentials);
    let known = known.access(false);
    assert_eq!(known.decide(), Action::List { fresh: false });
    assert_eq!(known.clone().listed_by_a_sibling([hook(1, bot())]).decide(), Action::Available);
    assert_eq!(known.clone().listed([hook(1, other_bot())]).decide(), Action::Correct(sid(1)));
    assert_eq!(known.listed([hook(1, bot())]).updated(Reply::Done).decide(), Action::Available);
}

#[test]
fn a_missing_webhook_is_reported_only_when_proved_and_seen_twice() {
    for (gone, hold) in [
        (Known::with_webhook().due().listed([hook(2, bot())]), Hold::WebhookMissing(sid(1))),
        (Known::with_webhook().due().conversation_gone(), Hold::ConversationNotFound),
    ] {
        assert_eq!(gone.clone().access(false).decide(), Action::ProveAccount);
        assert_eq!(gone.clone().access(false).seen_before().decide(), Action::ProveAccount);
        assert!(matches!(gone.clone().proved().decide(), Action::LookAgain(_)));
        let reporting = gone.proved().seen_before().with(|object| object.recreates = false);
        assert_eq!(reporting.decide(), Action::Hold(hold));
    }
}

#[test]
fn a_404_to_an_update_leads_to_a_list_and_never_to_a_create() {
    let known = Known::with_webhook().edited(other_bot()).proved().updated(Reply::NotFound);
    assert_eq!(known.decide(), Action::List { fresh: true });
    assert!(matches!(known.clone().listed([hook(1, bot())]).decide(), Action::LookAgain(_)));
    assert!(matches!(known.clone().listed([]).decide(), Action::LookAgain(_)));
    assert_eq!(known.listed([]).seen_before().decide(), Action::Lose(sid(1)));
}

fn missing() -> Known {
    Known::with_webhook().due().proved().listed([]).seen_before()
}

/// R14: first status, then the way of every create; never the old messages again.
#[test]
fn a_missing_webhook_is_taken_out_of_status_and_then_made_again_without_replay() {
    assert_eq!(missing().decide(), Action::Lose(sid(1)));
    let lost = missing().with(|object| {
        object.record.webhook = None;
        object.record.lost = vec![sid(1)];
    });
    let Action::Journal(plan) = lost.cached([]).decide() else { panic!("no create follows") };
    assert!(plan.again);
}

#[test]
fn the_third_disappearance_within_a_day_is_a_quarrel_until_somebody_asks() {
    for (repairs, decided) in
        [(1, Action::Lose(sid(1))), (2, Action::Hold(Hold::Contended { webhook: sid(1), gone: true }))]
    {
        assert_eq!(Known { repairs, ..missing() }.decide(), decided);
    }
    assert_eq!(Known { repairs: 2, asked: true, ..missing() }.decide(), Action::Lose(sid(1)));
}

#[test]
fn the_third_outside_edit_within_a_day_is_a_quarrel_until_somebody_asks() {
    let edited = || Known::with_webhook().due().proved().listed([hook(1, other_bot())]);
    assert_eq!(Known { repairs: 1, ..edited() }.decide(), Action::Correct(sid(1)));
    let contended = Action::Hold(Hold::Contended { webhook: sid(1), gone: false });
    assert_eq!(Known { repairs: 2, ..edited() }.decide(), contended);
    assert_eq!(Known { repairs: 2, asked: true, ..edited() }.decide(), Action::Correct(sid(1)));
}

/// A new address in the Secret, and an edit that Twilio refused before, are nobody's quarrel.
#[test]
fn what_the_user_changed_is_an_update_however_often() {
    let differs =
        || Known { repairs: 5, ..Known::with_webhook().due().proved().listed([hook(1, other_bot())]) };
    assert_eq!(Known { address_is_new: true, ..differs() }.decide(), Action::Update(sid(1)));
    assert_eq!(differs().with(|object| object.record.refused = true).decide(), Action::Update(sid(1)));
}

#[test]
fn a_mass_change_holds_each_webhook_until_somebody_asks_for_it() {
    let held = Action::Hold(Hold::MassChange(sid(1)));
    assert_eq!(Known { mass_change: true, ..missing() }.decide(), held);
    // Status remembers it, when the others are counted no more.
    let remembered = || missing().with(|object| object.record.mass_change = true);
    assert_eq!(remembered().decide(), held);
    assert_eq!(Known { asked: true, ..remembered() }.decide(), Action::Lose(sid(1)));
    // A while in which none is to be made again does not end it.
    let observing = || remembered().with(|object| object.mode = Mode::Observe);
    assert_eq!(observing().decide(), held);
    assert_eq!(Known { asked: true, ..observing() }.decide(), Action::Hold(Hold::WebhookMissing(sid(1))));
    assert_eq!(remembered().with(|object| object.recreates = false).decide(), held);
}

#[test]
fn a_lost_webhook_that_is_back_is_deleted_unless_somebody_has_it() {
    let back = Known::with_webhook()
        .due()
        .proved()
        .listed([hook(1, bot()), hook(2, bot())])
        .with(|object| object.record.lost = vec![sid(2)]);
    assert_eq!(back.clone().siblings_unread().decide(), Action::ReadSiblings);
    assert_eq!(back.clone().cached([]).decide(), Action::ReadSiblings);
    assert_eq!(back.clone().live([]).decide(), Action::DeleteLost(sid(2)));
    assert_eq!(back.clone().live([sibling_with("uid-4", 2)]).decide(), Action::Available);
    assert_eq!(back.clone().live([sibling_adopting("uid-4", 2)]).decide(), Action::Available);
    assert_eq!(back.access(false).live([]).decide(), Action::ProveAccount);
}

#[test]
fn mode_observe_reports_a_difference_and_an_absence_and_changes_neither() {
    let observing = |known: Known| known.with(|object| object.mode = Mode::Observe);
    let drifted = Known::with_webhook().due().proved().listed([hook(1, other_bot())]);
    assert_eq!(observing(drifted).decide(), Action::Hold(Hold::Drifted(sid(1))));
    assert_eq!(observing(missing()).decide(), Action::Hold(Hold::WebhookMissing(sid(1))));
    let edited = observing(Known::with_webhook().edited(other_bot()).proved());
    assert_eq!(edited.decide(), Action::List { fresh: false });
    assert_eq!(edited.listed([hook(1, other_bot())]).decide(), Action::Available);
}

#[test]
fn a_suspended_object_is_only_protected() {
    let suspended = Known::with_webhook().due().proved().with(|object| object.mode = Mode::Suspended);
    assert_eq!(suspended.decide(), Action::Hold(Hold::Suspended));
    let stripped = suspended.with(|object| object.finalizer = false);
    assert!(matches!(stripped.decide(), Action::Protect(_)));
    let open = Known::unresolved().with(|object| object.mode = Mode::Suspended);
    assert_eq!(open.decide(), Action::Hold(Hold::Suspended));
}

#[test]
fn a_conversation_that_is_gone_is_looked_for_under_its_unique_name() {
    let gone = || Known::with_webhook().by_name().due().proved().conversation_gone();
    assert!(matches!(gone().decide(), Action::LookAgain(_)));
    assert_eq!(gone().seen_before().decide(), Action::LocateAgain);
    let another: ConversationSid = format!("CH{:032x}", 9).parse().unwrap();
    for (renamed, decided) in [
        (Renamed::NotFound, Action::Hold(Hold::ConversationNotFound)),
        (Renamed::Found(conversation()), Action::Hold(Hold::ConversationNotFound)),
        (Renamed::Found(another.clone()), Action::StartAnew(another.clone())),
    ] {
        assert_eq!(Known { renamed, ..gone().seen_before() }.decide(), decided);
    }
}

#[test]
fn an_address_from_a_secret_is_read_only_when_it_is_compared_or_sent() {
    let unread = |known: Known| {
        known.with(|object| {
            if let Ok(desired) = &mut object.desired {
                desired.address = Address::Unread;
                desired.config.url = None;
            }
        })
    };
    assert_eq!(unread(Known::with_webhook()).decide(), Action::Rest);
    assert_eq!(unread(Known::with_webhook().proved().due()).decide(), Action::ReadAddress);
    assert_eq!(unread(Known::with_webhook().edited(other_bot()).proved()).decide(), Action::ReadAddress);
    assert_eq!(unread(Known::ready_to_create()).decide(), Action::ReadAddress);
    assert_eq!(unread(Known::with_webhook().deleting().proved()).decide(), Action::Delete(sid(1)));
}

#[test]
fn another_account_is_never_asked_about_the_webhook() {
    for known in [Known::with_webhook().edited(other_bot()), Known::with_webhook().due()] {
        let decided = known.other_account().decide();
        assert!(matches!(decided, Action::Hold(Hold::AccountMismatch { .. })), "{decided:?}");
    }
}

/// R19.
#[test]
fn what_was_stripped_of_the_protection_is_given_back_before_anything_else() {
    let stripped: [fn(&mut Object); 5] = [
        |object| object.finalizer = false,
        |object| object.label = None,
        |object| object.label = format!("CH{:032x}", 9).parse().ok(),
        |object| object.journal = Journal::Missing,
        |object| object.journal = Journal::Unreadable,
    ];
    for strip in stripped {
        let protect =
            Plan { baseline: Vec::new(), past_configs: Vec::new(), adopt: Some(sid(1)), again: false };
        for known in
            [Known::with_webhook(), Known::with_webhook().due(), Known::with_webhook().edited(other_bot())]
        {
            assert_eq!(known.with(strip).decide(), Action::Protect(protect.clone()));
        }
    }
}
