//! Whoever is asked gives the same answer, and it is the one that the reason stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use conversation_webhook_operator::api::{ConditionType, Reason};
use serde_json::{Value, json};

use crate::argocd::health;
use crate::flux::{Check, Verdict};
use crate::kstatus::{Status, status};
use crate::objects::{State, states};

/// What Argo CD may say of an object without a webhook that is as written, by the reason of its Ready condition.
fn meant(reason: Reason) -> &'static [&'static str] {
    match reason {
        // Reasons of a Ready that is True, of other conditions, and of an object that is being deleted.
        Reason::Available
        | Reason::CredentialsAccepted
        | Reason::ReconcileSucceeded
        | Reason::DeletionBlocked => &[],
        Reason::ConversationClosed
        | Reason::ConversationFull
        | Reason::InvalidConfiguration
        | Reason::TwinExists
        | Reason::AlreadyClaimed
        | Reason::CreateAmbiguous
        | Reason::RestoredElsewhere
        | Reason::CredentialsMissing
        | Reason::CredentialsRejected
        | Reason::AccountMismatch
        | Reason::Contended
        | Reason::MassChangeHold => &["Degraded"],
        // A webhook that is made again, or is made on another conversation of the same name, gets on by itself. And where
        // Twilio's certificate is not trusted, somebody must act.
        Reason::ConversationNotFound | Reason::WebhookMissing | Reason::TwilioUnavailable => {
            &["Degraded", "Progressing"]
        }
        Reason::RateLimited | Reason::CreateUnresolved | Reason::Drifted => &["Progressing"],
        Reason::Suspended => &["Suspended"],
    }
}

fn reason_of(name: &str) -> Reason {
    *Reason::ALL.iter().find(|reason| reason.as_str() == name).unwrap()
}

#[test]
fn every_reason_stands_in_an_object() {
    let states = states();
    let shown: BTreeSet<&str> = states
        .iter()
        .flat_map(State::conditions)
        .filter_map(|condition| condition["reason"].as_str())
        .collect();
    let missing: Vec<_> = Reason::ALL.iter().filter(|reason| !shown.contains(reason.as_str())).collect();
    assert!(missing.is_empty(), "no object shows {missing:?}: give src/controller/ending/golden.rs one");
}

#[test]
fn argo_cd_says_of_each_reason_what_it_stands_for() {
    let mut said: BTreeMap<Reason, BTreeSet<String>> = BTreeMap::new();
    for state in states() {
        let Some(ready) = state.condition("Ready").filter(|ready| ready["status"] != "True") else {
            continue;
        };
        if ready["observedGeneration"] == state.object["metadata"]["generation"] && !state.is_deleted() {
            let reason = reason_of(ready["reason"].as_str().unwrap());
            said.entry(reason).or_default().insert(health(&state.object).status);
        }
    }
    for reason in Reason::ALL {
        let meant: BTreeSet<String> = meant(*reason).iter().map(|status| (*status).to_owned()).collect();
        let said = said.get(reason).cloned().unwrap_or_default();
        assert_eq!(said, meant, "{reason}");
    }
}

#[test]
fn argo_cd_and_kstatus_agree() {
    for State { name, object } in states() {
        let (argo, kstatus) = (health(&object), status(&object));
        let agree = match argo.status.as_str() {
            "Healthy" => kstatus == Status::Current,
            "Degraded" => kstatus == Status::Failed,
            "Progressing" => matches!(kstatus, Status::InProgress | Status::Terminating),
            // kstatus has no word for it, and goes by the webhook: Ready stays, or there is none.
            "Suspended" => matches!(kstatus, Status::Current | Status::InProgress),
            _ => false,
        };
        assert!(agree, "{name}: {argo:?} and {kstatus:?}");
    }
}

#[test]
fn argo_cd_and_flux_agree_and_flux_gives_one_answer() {
    let check = Check::read();
    for State { name, object } in states() {
        let argo = health(&object);
        let wanted = match argo.status.as_str() {
            // Nothing more is going to happen, as git says: not to be waited for.
            "Healthy" | "Suspended" => Verdict::Current,
            "Degraded" => Verdict::Failed,
            _ => Verdict::InProgress,
        };
        assert_eq!(check.verdicts(&object), [wanted], "{name}: {argo:?}");
    }
}

#[test]
fn nothing_is_healthy_that_waits_for_somebody_or_was_not_looked_at() {
    let (mut healthy, mut stalled) = (0, 0);
    for state in states() {
        let argo = health(&state.object);
        if argo.status == "Healthy" {
            healthy += 1;
            let ready = state.condition("Ready").unwrap();
            assert_eq!(ready["status"], "True", "{}", state.name);
            assert_eq!(ready["observedGeneration"], state.object["metadata"]["generation"], "{}", state.name);
            assert!(!state.is_stalled() && !state.is_deleted(), "{}", state.name);
        }
        let of_this_generation =
            |stalled: &&Value| stalled["observedGeneration"] == state.object["metadata"]["generation"];
        if let Some(condition) = state.condition("Stalled").filter(of_this_generation) {
            stalled += 1;
            let message = condition["message"].as_str().unwrap();
            assert!(argo.message.contains(message), "{} does not say what to do: {argo:?}", state.name);
        }
    }
    assert!(healthy > 0 && stalled > 0);
}

#[test]
fn a_second_webhook_beside_a_ready_one_is_not_healthy() {
    let doubled = |state: &State| {
        let ready = state.condition(ConditionType::Ready.as_str());
        let stalled = state.condition(ConditionType::Stalled.as_str());
        ready.is_some_and(|ready| ready["status"] == "True")
            && stalled.is_some_and(|stalled| stalled["reason"] == Reason::TwinExists.as_str())
            && state.is_up_to_date()
            && !state.is_deleted()
    };
    let doubled: Vec<State> = states().into_iter().filter(doubled).collect();
    assert!(!doubled.is_empty());
    for state in doubled {
        let answer =
            (health(&state.object).status, status(&state.object), Check::read().verdicts(&state.object));
        assert_eq!(answer, ("Degraded".to_owned(), Status::Failed, vec![Verdict::Failed]), "{}", state.name);
    }
}

/// Objects as no operator leaves them: an API server with an older CRD, or a condition that kstatus knows and we do not
/// write.
#[test]
fn an_object_without_status_is_waited_for() {
    let bare = json!({
        "metadata": { "name": "bot", "generation": 1 },
        "spec": { "mode": "Apply" },
    });
    assert_eq!(health(&bare).status, "Progressing");
    let mut without_conditions = bare.clone();
    without_conditions["status"] = json!({ "observedGeneration": -1 });
    assert_eq!(health(&without_conditions).status, "Progressing");
    assert_eq!(status(&without_conditions), Status::InProgress);
    assert_eq!(Check::read().verdicts(&without_conditions), [Verdict::InProgress]);
}

#[test]
fn what_everybody_says_is_as_it_was_reviewed() {
    let check = Check::read();
    let mut now = String::new();
    for State { name, object } in states() {
        let [flux] = check.verdicts(&object)[..] else { panic!("{name}") };
        let argo = health(&object);
        writeln!(now, "{name} => {} / {:?} / {flux:?}: {}", argo.status, status(&object), argo.message)
            .unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gitops/verdicts.golden.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &now).unwrap();
        return;
    }
    let reviewed = std::fs::read_to_string(path).unwrap();
    for (reviewed, now) in reviewed.lines().zip(now.lines()) {
        assert_eq!(reviewed, now, "run with UPDATE_GOLDEN=1 where this is meant");
    }
    assert_eq!(reviewed, now, "the same lines in the order of the code");
}
