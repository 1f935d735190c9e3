//! What holds of every input, whatever the driver may have read: each action with the evidence that it needs.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::domain::{any_known, kind};
use super::sample::*;
use crate::api::{Mode, Provenance};
use crate::decide::{
    Absent, Access, Action, Address, Hold, Journal, Kind, Phase, Plan, Remote, Renamed, Reply, Sender,
    Settled, Sibling, Siblings,
};
use crate::twilio::{Webhook, WebhookSid};

/// A property that is never put to the test says nothing.
#[test]
fn the_domain_reaches_every_action() {
    let mut runner = TestRunner::deterministic();
    let domain = any_known();
    let mut reached = BTreeMap::<String, usize>::new();
    for _ in 0..4000 {
        let known = domain.new_tree(&mut runner).expect("the domain has values").current();
        *reached.entry(kind(&known.decide())).or_default() += 1;
    }
    let kinds = [
        "ReadCredentials",
        "ProveAccount",
        "Locate",
        "List",
        "ReadSiblings",
        "Journal",
        "Create",
        "Record Created",
        "Record Adopted",
        "Record Inferred",
        "Settle NotSent",
        "Settle NotCreated",
        "Settle ProvedAbsent",
        "Settle Copied",
        "Compensate",
        "Settle Answered",
        "ReadAddress",
        "LocateAgain",
        "StartAnew",
        "Update",
        "Correct",
        "Lose",
        "Delete",
        "DeleteLost",
        "Protect",
        "ReleaseFinalizer",
        "Rest",
        "Available",
        "LookAgain",
        "Wait",
        "Hold",
    ];
    for kind in kinds {
        let times = reached.get(kind).copied().unwrap_or_default();
        assert!(times >= 8, "{kind} was reached {times} times: {reached:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_input_has_one_answer(known in any_known()) {
        prop_assert_eq!(known.decide(), known.clone().decide());
    }

    /// What is known is not asked for again, so that every pass comes to an end.
    #[test]
    fn nothing_is_read_twice(known in any_known()) {
        match known.decide() {
            Action::ReadCredentials => prop_assert_eq!(known.access, Access::Unread),
            Action::ProveAccount => {
                let unproved = matches!(known.access, Access::Known { proved: false, .. });
                prop_assert!(unproved);
            }
            Action::ReadKind => prop_assert_eq!(known.kind, Kind::Unread),
            Action::LocateAgain => {
                prop_assert!(known.renamed == Renamed::Unread && known.remote == Remote::NotFound);
            }
            Action::ReadAddress => {
                let desired = known.object().desired.as_ref();
                prop_assert!(desired.is_ok_and(|desired| desired.address == Address::Unread));
            }
            Action::Locate => {
                prop_assert!(known.conversation.is_none() && known.remote != Remote::NotFound);
            }
            Action::List { fresh } => {
                let old = matches!(known.remote, Remote::Listed { fresh: false, .. });
                prop_assert!(known.remote == Remote::Unread || fresh && old);
            }
            Action::ReadSiblings => prop_assert!(!matches!(known.siblings, Siblings::Live(_))),
            _ => {}
        }
    }

    #[test]
    fn a_create_is_sent_only_for_a_clear_journal_in_time(known in any_known()) {
        if known.decide() == Action::Create {
            let Sender::Journalled { id, clear: true } = &known.sender else {
                return Err(TestCaseError::fail("the journal is not clear"));
            };
            prop_assert_eq!(known.phase, Phase::BeforeNotAfter);
            prop_assert!(known.object().has_open(id));
        }
    }

    #[test]
    fn a_create_is_journalled_only_when_everything_speaks_for_it(known in any_known()) {
        if let Action::Journal(Plan { baseline, past_configs, adopt: None, again }) = known.decide() {
            let object = known.object();
            prop_assert!(known.is_idle() && !object.deleting && object.mode == Mode::Apply);
            prop_assert!(again || object.record.lost.is_empty());
            prop_assert!(object.record.webhook.is_none() && object.open_attempt().is_none());
            prop_assert!(known.in_its_proved_account());
            let board = known.board().expect("a list was read");
            prop_assert!(!board.is_full());
            prop_assert_eq!(baseline, board.sids());
            prop_assert!(!known.is_being_made_by_a_sibling());
            if let Journal::Attempt(last) = &object.journal {
                prop_assert!(past_configs.contains(&last.config));
            }
            for webhook in board.iter() {
                prop_assert!(!known.is_asked_for(webhook), "a twin");
                let once_asked_for = past_configs.iter().any(|past| past.matches(&webhook.config));
                prop_assert!(!once_asked_for || known.is_claimed_by_a_sibling(&webhook.sid), "a late twin");
            }
        }
    }

    #[test]
    fn a_webhook_is_recorded_only_with_the_evidence_that_its_provenance_needs(known in any_known()) {
        let Action::Record { attempt: id, webhook, provenance, .. } = known.decide() else { return Ok(()) };
        if provenance == Provenance::Created {
            let reread = match &known.sender {
                Sender::Created { id: of, webhook: made, reread } if *of == id && *made == webhook => *reread,
                other => return Err(TestCaseError::fail(format!("recorded by {other:?}"))),
            };
            prop_assert!(!reread || known.object().has_open(&id));
            return Ok(());
        }
        let attempt = known.attempt().expect("the attempt is open");
        prop_assert!(known.is_idle());
        prop_assert_eq!(&attempt.id, &id);
        prop_assert!(attempt.cluster == CLUSTER || known.object().is_confirmed());
        prop_assert!(known.phase == Phase::WindowOver || attempt.adopt.is_some());
        prop_assert!(known.in_its_proved_account());
        prop_assert!(known.live_siblings().is_some());
        prop_assert!(attempt.uid == known.object().uid || known.sees_all || known.object().is_confirmed());
        prop_assert!(!known.is_claimed_by_a_sibling(&webhook));
        let found = known.fresh_board().and_then(|board| board.get(&webhook));
        let found = found.expect("it is on a fresh board");
        let answer = known.object().answer(attempt).and_then(|answer| answer.made.as_ref());
        if attempt.adopt.is_none() && answer == Some(&webhook) {
            prop_assert_eq!(provenance, Provenance::Adopted);
            prop_assert_eq!(found.config.target, attempt.config.target());
            return Ok(());
        }
        prop_assert!(!known.is_explained_by_a_sibling(found));
        if provenance == Provenance::Adopted {
            prop_assert_eq!(attempt.adopt.as_ref(), Some(&webhook));
        } else {
            prop_assert_eq!(&attempt.adopt, &None);
            prop_assert!(!attempt.baseline.contains(&webhook));
            prop_assert!(attempt.config.matches(&found.config) || known.is_asked_for(found));
            let object = known.object();
            let unedited = attempt.uid == object.uid
                && attempt.generation + i64::from(object.deleting) == object.generation;
            let foreign = |other: &&Webhook| known.is_explained_by_a_sibling(other);
            let others = known.candidates().into_iter().filter(|other| other.sid != webhook);
            prop_assert!(unedited || others.collect::<Vec<_>>().iter().all(foreign));
        }
    }

    #[test]
    fn an_attempt_is_settled_only_on_evidence(known in any_known()) {
        let Action::Settle { attempt: id, because } = known.decide() else { return Ok(()) };
        prop_assert!(known.object().has_open(&id));
        let attempt = known.attempt().expect("the attempt is open");
        match because {
            Settled::NotSent => {
                let in_time = known.phase == Phase::BeforeNotAfter;
                let Sender::Journalled { id: of, clear } = &known.sender else {
                    return Err(TestCaseError::fail("not this process's own"));
                };
                prop_assert!(*of == id && !(*clear && in_time));
            }
            Settled::NotCreated => {
                prop_assert_eq!(&known.sender, &Sender::NotCreated { id });
            }
            Settled::Copied => {
                prop_assert!(known.is_idle() && attempt.uid != known.object().uid);
                let owner = |sibling: &&Sibling| sibling.uid == attempt.uid;
                let owner_lives = known.live_siblings().unwrap_or_default().iter().any(owner);
                prop_assert!(owner_lives || known.cannot_be_restored());
            }
            Settled::Unwanted => {
                prop_assert!(known.is_idle() && attempt.uid == known.object().uid);
                let wanted = attempt.adopt.as_ref().expect("a take-over");
                prop_assert!(attempt.baseline.contains(wanted));
                prop_assert!(known.object().deleting || known.object().hint.as_ref() != Some(wanted));
            }
            Settled::Answered(_) => {
                prop_assert!(known.is_idle());
                prop_assert_eq!(known.phase, Phase::WindowOver);
                let answer = known.object().answer(attempt);
                prop_assert!(answer.is_some_and(|answer| answer.made.is_none()));
                prop_assert!(known.live_siblings().is_some() && known.fresh_board().is_some());
            }
            Settled::ProvedAbsent => {
                prop_assert!(known.is_idle());
                prop_assert!(known.phase == Phase::WindowOver || attempt.adopt.is_some());
                prop_assert!(known.in_its_proved_account());
                match (&known.remote, &attempt.adopt) {
                    (Remote::NotFound, _) => {
                        let elsewhere = matches!(&known.renamed, Renamed::Found(now) if *now != attempt.conversation);
                        prop_assert!(known.absence_confirmed && (known.object().deleting || elsewhere));
                    }
                    (_, None) => {
                        prop_assert!(known.absence_confirmed && known.live_siblings().is_some());
                        prop_assert_eq!(known.candidates(), Vec::<&Webhook>::new());
                    }
                    // Nothing was made: it is enough that the webhook cannot be had.
                    (_, Some(wanted)) => {
                        let board = known.fresh_board().expect("a fresh list was read");
                        prop_assert!(known.live_siblings().is_some());
                        let out_of_reach = board.get(wanted).is_none_or(|found| {
                            known.is_claimed_by_a_sibling(wanted) || known.is_explained_by_a_sibling(found)
                        });
                        prop_assert!(out_of_reach);
                    }
                }
            }
        }
    }

    /// Until it stands in an object, or is deleted, nothing else happens and no pass ends.
    #[test]
    fn a_webhook_that_was_made_is_recorded_or_compensated_first(known in any_known()) {
        let Sender::Created { id, webhook, .. } = &known.sender else { return Ok(()) };
        if known.vanished {
            return Ok(());
        }
        let anybody = match &known.siblings {
            Siblings::Live(siblings) | Siblings::Cached(siblings) => siblings.as_slice(),
            Siblings::Unread => &[],
        };
        let is_borne = |bears: &Option<WebhookSid>| bears.as_ref() == Some(webhook);
        let bears = |sibling: &Sibling| {
            is_borne(&sibling.webhook) || sibling.open.as_ref().is_some_and(|open| open.id == *id)
        };
        let adopts = |sibling: &Sibling| sibling.open.as_ref().is_some_and(|open| is_borne(&open.adopt));
        match known.decide() {
            Action::Record { webhook: recorded, .. } => prop_assert_eq!(&recorded, webhook),
            Action::Compensate(compensated) => prop_assert_eq!(&compensated, webhook),
            Action::ReadSiblings => {}
            Action::Rest => prop_assert!(
                known.object.iter().any(|object| is_borne(&object.record.webhook)) || anybody.iter().any(bears)
            ),
            Action::Wait(_) => prop_assert!(anybody.iter().any(adopts)),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
    }

    #[test]
    fn only_a_webhook_that_nobody_bears_or_can_bear_is_compensated(known in any_known()) {
        let Action::Compensate(webhook) = known.decide() else { return Ok(()) };
        if known.vanished {
            return Ok(());
        }
        let id = match &known.sender {
            Sender::Created { id, webhook: made, reread: true } if *made == webhook => id,
            other => return Err(TestCaseError::fail(format!("compensated by {other:?}"))),
        };
        let siblings = known.live_siblings().expect("the siblings were read live");
        let may_bear = |sibling: &&Sibling| {
            let open = sibling.open.as_ref();
            let adopts = open.and_then(|open| open.adopt.as_ref());
            [sibling.webhook.as_ref(), adopts].contains(&Some(&webhook)) || open.is_some_and(|open| open.id == *id)
        };
        prop_assert!(!siblings.iter().any(may_bear));
        if let Some(object) = &known.object {
            prop_assert!(object.record.webhook.as_ref() != Some(&webhook) && !object.has_open(id));
        }
    }

    /// Nothing can be written to it, and what is deleted is its own by the same evidence that would claim it.
    #[test]
    fn of_an_object_that_vanished_only_what_its_attempt_made_is_deleted(known in any_known()) {
        if !known.vanished {
            return Ok(());
        }
        match known.decide() {
            Action::Compensate(webhook) => {
                let (object, attempt) = (known.object(), known.attempt().expect("an attempt is open"));
                prop_assert!(!object.retain && object.mode != Mode::Observe && !object.is_abandoned());
                prop_assert!(attempt.adopt.is_none() && !object.is_elsewhere(attempt, CLUSTER));
                prop_assert!(known.phase == Phase::WindowOver && known.in_its_proved_account());
                let Siblings::Live(siblings) = &known.siblings else {
                    return Err(TestCaseError::fail("the siblings were not read live"));
                };
                let bears = |sibling: &Sibling| {
                    sibling.uid == object.uid
                        || sibling.webhook.as_ref() == Some(&webhook)
                        || sibling.open.as_ref().is_some_and(|open| open.id == attempt.id)
                };
                prop_assert!(!siblings.iter().any(bears));
                let answered =
                    object.answer(attempt).is_some_and(|answer| answer.made.as_ref() == Some(&webhook));
                let candidates = known.candidates();
                let found = candidates.iter().find(|candidate| candidate.sid == webhook);
                let is_exact = found.is_some_and(|found| {
                    (attempt.config.matches(&found.config) || known.is_asked_for(found))
                        && !known.is_explained_by_a_sibling(found)
                });
                prop_assert!(answered || is_exact);
            }
            Action::ReadCredentials
            | Action::ProveAccount
            | Action::List { fresh: true }
            | Action::ReadSiblings
            | Action::LookAgain(Absent::Newborn(_) | Absent::Conversation)
            | Action::Wait(_)
            | Action::Hold(_)
            | Action::Rest => {}
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
    }

    #[test]
    fn an_absence_is_reported_only_when_it_is_proved(known in any_known()) {
        match known.decide() {
            Action::Hold(
                Hold::WebhookMissing(webhook)
                | Hold::MassChange(webhook)
                | Hold::Contended { webhook, gone: true },
            ) => {
                prop_assert!(known.in_its_proved_account() && known.absence_confirmed);
                prop_assert!(known.board().is_some_and(|board| board.get(&webhook).is_none()));
            }
            Action::Hold(Hold::ConversationNotFound) => {
                prop_assert!(known.in_its_proved_account());
                prop_assert_eq!(known.remote, Remote::NotFound);
            }
            _ => {}
        }
    }

    #[test]
    fn only_the_recorded_webhook_is_deleted_and_only_with_its_object(known in any_known()) {
        if let Action::Delete(webhook) = known.decide() {
            let object = known.object();
            prop_assert!(known.is_idle() && object.deleting && object.finalizer && !object.retain);
            prop_assert!(object.mode != Mode::Observe && !object.is_abandoned());
            prop_assert_eq!(object.record.webhook.as_ref(), Some(&webhook));
            prop_assert_eq!(known.removal, Reply::None);
            prop_assert!(known.in_its_account() && known.kind == Kind::Stays);
        }
    }

    #[test]
    fn only_the_recorded_webhook_is_updated(known in any_known()) {
        if let Action::Update(webhook) | Action::Correct(webhook) = known.decide() {
            let object = known.object();
            prop_assert_eq!(object.mode, Mode::Apply);
            prop_assert!(object.desired.as_ref().is_ok_and(|desired| desired.address != Address::Unread));
            prop_assert!(known.is_idle() && !object.deleting && object.desired.is_ok());
            prop_assert_eq!(object.record.webhook.as_ref(), Some(&webhook));
            prop_assert_eq!(known.update, Reply::None);
            prop_assert!(known.in_its_account());
        }
    }

    #[test]
    fn an_object_goes_only_when_nothing_of_it_is_left(known in any_known()) {
        if known.decide() == Action::ReleaseFinalizer {
            let object = known.object();
            prop_assert!(known.is_idle() && object.deleting && object.finalizer);
            let elsewhere =
                known.attempt().is_some_and(|attempt| attempt.cluster != CLUSTER && !object.is_confirmed());
            let made_nothing = object.record.webhook.is_none()
                && object.open_attempt().is_none()
                && object.journal != Journal::Unreadable;
            let stays = object.open_attempt().is_none()
                && (object.retain || object.mode == Mode::Observe || known.kind == Kind::Leaves);
            let removed = object.record.webhook.is_some()
                && (known.removal == Reply::Done
                    || known.removal == Reply::NotFound && known.in_its_proved_account());
            prop_assert!(elsewhere || made_nothing || stays || removed || object.is_abandoned());
        }
    }

    /// R4: an intent to take over is written down only for what nobody else has or may have made.
    #[test]
    fn only_a_free_webhook_is_taken_over_and_only_where_the_spec_says_so(known in any_known()) {
        if let Action::Journal(Plan { adopt: Some(webhook), .. }) = known.decide() {
            let object = known.object();
            prop_assert!(known.is_idle() && !object.deleting && object.mode != Mode::Suspended);
            prop_assert!(object.record.webhook.is_none() && object.open_attempt().is_none());
            prop_assert!(known.in_its_proved_account() && known.live_siblings().is_some());
            let found = known.board().and_then(|board| board.get(&webhook)).expect("it is on the board");
            prop_assert!(!known.is_claimed_by_a_sibling(&webhook) && !known.is_explained_by_a_sibling(found));
            let identical = object.adopts_identical && known.is_asked_for(found);
            prop_assert!(object.hint.as_ref() == Some(&webhook) || identical);
        }
    }

    /// R14: a webhook is given up for lost only on proof, and where nothing speaks against making it again.
    #[test]
    fn a_webhook_is_made_again_only_when_its_absence_is_proved(known in any_known()) {
        if let Action::Lose(webhook) = known.decide() {
            let object = known.object();
            prop_assert!(known.is_idle() && !object.deleting && object.mode == Mode::Apply);
            prop_assert!(object.recreates && object.record.webhook.as_ref() == Some(&webhook));
            prop_assert!(known.in_its_proved_account() && known.absence_confirmed);
            prop_assert!(known.board().is_some_and(|board| board.get(&webhook).is_none()));
            let quarrel = known.repairs >= 2 || known.mass_change || object.record.mass_change;
            prop_assert!(known.asked || !quarrel);
        }
    }

    #[test]
    fn only_an_own_lost_webhook_that_nobody_has_is_deleted_when_it_is_back(known in any_known()) {
        if let Action::DeleteLost(webhook) = known.decide() {
            let object = known.object();
            prop_assert!(known.is_idle() && object.mode != Mode::Observe && !(object.deleting && object.retain));
            prop_assert!(object.deleting || object.mode == Mode::Apply);
            prop_assert!(!object.deleting || known.kind == Kind::Stays);
            prop_assert!(object.record.lost.contains(&webhook) && object.record.webhook.as_ref() != Some(&webhook));
            prop_assert!(known.in_its_proved_account() && known.live_siblings().is_some());
            prop_assert!(known.board().is_some_and(|board| board.get(&webhook).is_some()));
            prop_assert!(!known.is_claimed_by_a_sibling(&webhook));
        }
    }

    /// Its conversation is verified gone, or nothing of the object hangs on it.
    #[test]
    fn an_object_starts_anew_only_where_its_unique_name_leads_elsewhere(known in any_known()) {
        if let Action::StartAnew(conversation) = known.decide() {
            let object = known.object();
            prop_assert!(known.is_idle() && !object.deleting && object.open_attempt().is_none());
            prop_assert!(known.in_its_proved_account() && known.remote == Remote::NotFound);
            prop_assert!(object.record.webhook.is_none() || known.absence_confirmed);
            prop_assert!(object.record.conversation.as_ref() != Some(&conversation));
            prop_assert_eq!(&known.renamed, &Renamed::Found(conversation));
        }
    }

    /// A suspended object causes no call to Twilio, and none to the API server but what protects it.
    #[test]
    fn nothing_is_done_for_a_suspended_object(known in any_known()) {
        let Some(object) = known.object.as_ref().filter(|object| object.mode == Mode::Suspended) else {
            return Ok(());
        };
        if known.is_idle() && !object.deleting {
            let action = known.decide();
            prop_assert!(matches!(action, Action::Hold(Hold::Suspended) | Action::Protect(_)), "{action:?}");
        }
    }

    /// Mode Observe never leads to a change at Twilio.
    #[test]
    fn nothing_is_changed_for_an_object_that_observes(known in any_known()) {
        let observes = known.object.as_ref().is_some_and(|object| object.mode == Mode::Observe);
        if observes && known.is_idle() {
            let action = known.decide();
            let changes = matches!(
                &action,
                Action::Create
                    | Action::Journal(Plan { adopt: None, .. })
                    | Action::Update(_)
                    | Action::Correct(_)
                    | Action::Delete(_)
                    | Action::DeleteLost(_)
                    | Action::Lose(_)
            );
            prop_assert!(!changes, "{action:?}");
        }
    }

    /// R19: what is written names the webhook that status names, so that no create can follow from it.
    #[test]
    fn protection_is_given_back_in_a_form_that_creates_nothing(known in any_known()) {
        if let Action::Protect(plan) = known.decide() {
            let object = known.object();
            prop_assert!(known.is_idle() && !object.deleting);
            prop_assert!(plan.adopt.is_some());
            prop_assert_eq!(&plan.adopt, &object.record.webhook);
        }
    }

    /// Twilio is asked about a conversation only in the account that the object belongs to.
    #[test]
    fn another_account_is_never_listed(known in any_known()) {
        if let Action::List { .. } = known.decide() {
            prop_assert!(known.in_its_account());
        }
    }
}
