//! On the way to a create: R1, R3, R5, R13.

use super::fixture::Known;
use super::sample::*;
use crate::decide::{Access, Action, Attempt, Hold, Journal, Phase, Plan, Settled, Unservable, Waiting};

fn plan() -> Plan {
    Plan { baseline: Vec::new(), past_configs: Vec::new(), adopt: None, again: false }
}

#[test]
fn a_new_object_asks_for_one_thing_after_the_other() {
    let known = Known::new_object();
    assert_eq!(known.decide(), Action::ReadCredentials);
    let known = known.access(false);
    assert_eq!(known.decide(), Action::ProveAccount);
    let known = known.proved();
    assert_eq!(known.decide(), Action::List { fresh: false });
    let known = known.listed([]);
    assert_eq!(known.decide(), Action::ReadSiblings);
    let known = known.cached([]);
    assert_eq!(known.decide(), Action::Journal(plan()));
    let known = known.open(attempt()).sender(journalled(true)).phase(Phase::BeforeNotAfter);
    assert_eq!(known.decide(), Action::Create);
    let known = known.sender(created(1, false)).phase(Phase::InWindow);
    assert_eq!(known.decide(), record_as(1, crate::api::Provenance::Created));
}

#[test]
fn nothing_is_listed_or_journalled_before_the_account_is_proved() {
    assert_eq!(Known::ready_to_create().access(false).decide(), Action::ProveAccount);
    let unread = Known { access: Access::Unread, ..Known::ready_to_create() };
    assert_eq!(unread.decide(), Action::ReadCredentials);
}

#[test]
fn a_unique_name_is_looked_up_first() {
    let known = Known { conversation: None, ..Known::new_object().proved() };
    assert_eq!(known.decide(), Action::Locate);
}

#[test]
fn a_unique_name_that_twilio_does_not_know_is_reported_and_not_looked_up_again() {
    let known = Known { conversation: None, ..Known::new_object().proved().conversation_gone() };
    assert_eq!(known.decide(), Action::Hold(Hold::ConversationNotFound));
}

#[test]
fn an_unknown_conversation_is_reported() {
    let known = Known::new_object().proved().conversation_gone();
    assert_eq!(known.decide(), Action::Hold(Hold::ConversationNotFound));
}

#[test]
fn a_spec_that_cannot_be_served_is_reported_without_any_call() {
    let unservable = Unservable("set configuration.url");
    let known = Known::new_object().with(|object| object.desired = Err(unservable.clone()));
    assert_eq!(known.decide(), Action::Hold(Hold::Unservable(unservable)));
}

#[test]
fn the_journal_names_what_hangs_on_the_conversation() {
    let known = Known::ready_to_create().listed([hook(8, other_bot()), hook(7, trigger())]);
    assert_eq!(known.decide(), Action::Journal(Plan { baseline: vec![sid(7), sid(8)], ..plan() }));
}

/// R1: the id tells whether the attempt in the journal is settled.
#[test]
fn a_settled_attempt_does_not_stand_in_the_way_of_the_next() {
    let known = Known::ready_to_create()
        .open(attempt())
        .with(|object| object.record.settled_attempt = Some(ATTEMPT.into()));
    assert_eq!(known.decide(), Action::Journal(Plan { past_configs: vec![recorded(&bot())], ..plan() }));
}

/// R1: an old journal that is applied again means nothing to an object with a webhook.
#[test]
fn an_old_journal_beside_a_webhook_is_not_open() {
    let old = Attempt { id: "attempt-0".to_owned(), config: recorded(&other_bot()), ..attempt() };
    let known = Known::with_webhook().with(|object| object.journal = Journal::Attempt(Box::new(old)));
    assert_eq!(known.decide(), Action::Rest);
}

#[test]
fn an_open_attempt_rules_a_create_out() {
    let known = Known::ready_to_create().open(attempt());
    for phase in [Phase::BeforeNotAfter, Phase::InWindow] {
        assert_eq!(known.clone().phase(phase).decide(), Action::Wait(Waiting::Window));
    }
    assert_eq!(known.decide(), Action::ReadSiblings);
}

#[test]
fn a_journal_that_nobody_can_read_rules_a_create_out() {
    let known = Known::ready_to_create().with(|object| object.journal = Journal::Unreadable);
    assert_eq!(known.decide(), Action::Hold(Hold::JournalUnreadable));
}

/// R3, first: whoever began earlier goes first.
#[test]
fn a_sibling_that_is_creating_the_same_webhook_goes_first() {
    let twin = [hook(1, bot())];
    for known in [
        Known::ready_to_create().cached([sibling_creating("b", &bot())]),
        Known::ready_to_create().listed(twin).live([sibling_creating("b", &bot())]),
    ] {
        assert_eq!(known.decide(), Action::Wait(Waiting::Sibling("tenant/b".to_owned())));
    }
}

#[test]
fn a_sibling_that_is_creating_another_webhook_delays_nothing() {
    let known = Known::ready_to_create().cached([sibling_creating("b", &other_bot())]);
    assert_eq!(known.decide(), Action::Journal(plan()));
}

/// R3, second: two identical objects on one conversation are a mistake, and the message names the other.
#[test]
fn a_twin_that_a_sibling_claims_is_reported_with_its_owner() {
    let known = Known::ready_to_create().listed([hook(1, bot())]).cached([sibling_with("b", 1)]);
    let hold = Hold::TwinExists { webhook: sid(1), claimed_by: Some("tenant/b".to_owned()), more: vec![] };
    assert_eq!(known.decide(), Action::Hold(hold));
}

/// R3, third. The cache may be behind: only a live read says that nobody claims the twin.
#[test]
fn an_unclaimed_twin_is_reported_after_a_live_read() {
    let known = Known::ready_to_create().listed([hook(1, bot())]);
    assert_eq!(known.decide(), Action::ReadSiblings);
    let hold = Hold::TwinExists { webhook: sid(1), claimed_by: None, more: vec![] };
    assert_eq!(known.live([]).decide(), Action::Hold(hold));
}

/// What the object asks for now comes first; a sibling's is not among the rest.
#[test]
fn all_unclaimed_twins_are_named() {
    let known = Known::ready_to_create()
        .open(Attempt { past_configs: vec![recorded(&other_bot())], ..attempt() })
        .with(|object| object.record.settled_attempt = Some(ATTEMPT.into()))
        .listed([hook(1, other_bot()), hook(2, bot()), hook(3, bot()), hook(4, trigger()), hook(5, bot())]);
    let hold = |more| Action::Hold(Hold::TwinExists { webhook: sid(2), claimed_by: None, more });
    assert_eq!(known.clone().live([]).decide(), hold(vec![sid(3), sid(5), sid(1)]));
    assert_eq!(known.live([sibling_with("b", 5)]).decide(), hold(vec![sid(3), sid(1)]));
}

/// R3 and R13: a late webhook of an earlier attempt is recognised after an edit.
#[test]
fn a_webhook_that_the_object_once_asked_for_counts_as_its_twin() {
    let earlier = Attempt { past_configs: vec![recorded(&other_bot())], ..attempt() };
    let known = Known::ready_to_create()
        .open(earlier)
        .with(|object| object.record.settled_attempt = Some(ATTEMPT.into()))
        .edited(trigger())
        .live([]);
    for config in [bot(), other_bot()] {
        let hold = Hold::LateTwin { webhook: sid(1), more: vec![] };
        assert_eq!(known.clone().listed([hook(1, config)]).decide(), Action::Hold(hold));
    }
    let claimed = known.listed([hook(1, bot())]).live([sibling_with("b", 1)]);
    let past_configs = vec![recorded(&bot()), recorded(&other_bot())];
    assert_eq!(claimed.decide(), Action::Journal(Plan { baseline: vec![sid(1)], past_configs, ..plan() }));
}

/// R3, last: the twin comes before the full conversation, or our own orphan in the last slot would never be named.
#[test]
fn a_full_conversation_is_reported_after_a_twin() {
    let five = [1, 2, 3, 4, 5].map(|n| hook(n, other_bot()));
    let full = Hold::ConversationFull((1..=5).map(sid).collect());
    assert_eq!(Known::ready_to_create().listed(five.clone()).decide(), Action::Hold(full));
    let mut with_twin = five;
    with_twin[4] = hook(5, bot());
    let twin = Hold::TwinExists { webhook: sid(5), claimed_by: None, more: vec![] };
    assert_eq!(Known::ready_to_create().listed(with_twin).live([]).decide(), Action::Hold(twin));
}

/// R5: the request goes out only with the API server's own word for the journal, and in time.
#[test]
fn a_create_is_sent_only_with_a_clear_journal_and_in_time() {
    let journalled_at =
        |clear, phase| Known::ready_to_create().open(attempt()).sender(journalled(clear)).phase(phase);
    assert_eq!(journalled_at(true, Phase::BeforeNotAfter).decide(), Action::Create);
    for (clear, phase) in [
        (false, Phase::BeforeNotAfter),
        (true, Phase::InWindow),
        (true, Phase::WindowOver),
        (false, Phase::WindowOver),
    ] {
        assert_eq!(journalled_at(clear, phase).decide(), settle(Settled::NotSent), "{clear} {phase:?}");
    }
}

#[test]
fn a_create_whose_journal_is_gone_is_not_sent() {
    let known = Known::ready_to_create().sender(journalled(true)).phase(Phase::BeforeNotAfter);
    assert_eq!(known.decide(), Action::Rest);
    let other = Attempt { id: "attempt-2".to_owned(), ..attempt() };
    assert_eq!(known.clone().open(other).decide(), Action::Rest);
    assert_eq!(Known { object: None, ..known }.decide(), Action::Rest);
}
