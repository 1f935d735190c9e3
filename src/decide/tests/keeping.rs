//! An object with a webhook: edits, drift, absence, and R19.

use super::fixture::Known;
use super::sample::*;
use crate::decide::{Action, Hold, Journal, Object, Plan, Reply};

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
    assert_eq!(known.clone().listed([hook(1, other_bot())]).decide(), Action::Update(sid(1)));
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
        assert_eq!(gone.proved().seen_before().decide(), Action::Hold(hold));
    }
}

#[test]
fn a_404_to_an_update_leads_to_a_list_and_never_to_a_create() {
    let known = Known::with_webhook().edited(other_bot()).proved().updated(Reply::NotFound);
    assert_eq!(known.decide(), Action::List { fresh: true });
    assert!(matches!(known.clone().listed([hook(1, bot())]).decide(), Action::LookAgain(_)));
    assert!(matches!(known.clone().listed([]).decide(), Action::LookAgain(_)));
    let missing = Hold::WebhookMissing(sid(1));
    assert_eq!(known.listed([]).seen_before().decide(), Action::Hold(missing));
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
        let protect = Plan { baseline: Vec::new(), past_configs: Vec::new(), adopt: Some(sid(1)) };
        for known in
            [Known::with_webhook(), Known::with_webhook().due(), Known::with_webhook().edited(other_bot())]
        {
            assert_eq!(known.with(strip).decide(), Action::Protect(protect.clone()));
        }
    }
}
