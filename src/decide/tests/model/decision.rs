//! The way back from the product's actions to the model's numbers.

use super::process::Absent;
use super::state::{Config, Provenance, Set, bit};
use super::view::webhook_config;
use crate::api;
use crate::decide::{self, Action, Hold, Plan, Recorded, Settled, Waiting};
use crate::twilio::WebhookSid;

/// An action in the model's words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Decision {
    List {
        fresh: bool,
    },
    ReadSiblings,
    Journal {
        baseline: Set,
        past: Set,
        adopt: u8,
    },
    Create,
    Record {
        attempt: u8,
        webhook: u8,
        provenance: Provenance,
        left_over: Set,
    },
    Settle {
        attempt: u8,
        because: Because,
        left_over: Set,
    },
    Compensate(u8),
    Update(u8),
    Lose(u8),
    Delete(u8),
    DeleteLost(u8),
    Protect {
        adopt: u8,
    },
    Release,
    Rest,
    Available,
    LookAgain(Absent),
    WaitForWindow,
    WaitForSibling,
    /// Somebody must act; these webhooks are named.
    Hold {
        why: Why,
        named: Set,
    },
}

/// Why an attempt closed without a webhook.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Because {
    NotSent,
    NotCreated,
    ProvedAbsent,
    Copied,
    Unwanted,
    Answered,
}

/// Why an object is held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Why {
    Ambiguous,
    TwinExists,
    LateTwin,
    ConversationFull,
    ConversationNotFound,
    AlreadyClaimed,
    Missing,
}

pub(super) fn read(action: &Action) -> Decision {
    match action {
        Action::List { fresh } => Decision::List { fresh: *fresh },
        Action::ReadSiblings => Decision::ReadSiblings,
        Action::Journal(Plan { baseline, past_configs, adopt, again: _ }) => Decision::Journal {
            baseline: set(baseline),
            past: past(past_configs),
            adopt: adopt.as_ref().map_or(0, number),
        },
        Action::Create => Decision::Create,
        Action::Record { attempt, webhook, provenance, left_over } => Decision::Record {
            attempt: attempt_number(attempt),
            webhook: number(webhook),
            provenance: match provenance {
                api::Provenance::Created => Provenance::Created,
                api::Provenance::Adopted => Provenance::Adopted,
                api::Provenance::Inferred => Provenance::Inferred,
            },
            left_over: set(left_over),
        },
        Action::Settle { attempt, because } => {
            let (because, left_over) = settled(because);
            Decision::Settle { attempt: attempt_number(attempt), because, left_over }
        }
        Action::Compensate(sid) => Decision::Compensate(number(sid)),
        Action::Update(sid) | Action::Correct(sid) => Decision::Update(number(sid)),
        Action::Lose(sid) => Decision::Lose(number(sid)),
        Action::Delete(sid) => Decision::Delete(number(sid)),
        Action::DeleteLost(sid) => Decision::DeleteLost(number(sid)),
        Action::Protect(plan) => Decision::Protect { adopt: plan.adopt.as_ref().map_or(0, number) },
        Action::ReleaseFinalizer => Decision::Release,
        Action::Rest => Decision::Rest,
        // What is said of a second webhook is not counted as a report here: the check shows where there is one.
        Action::Available | Action::Hold(Hold::Double { .. }) => Decision::Available,
        Action::LookAgain(absent) => Decision::LookAgain(match absent {
            decide::Absent::Newborn(id) => Absent::Newborn(attempt_number(id)),
            decide::Absent::Webhook(sid) => Absent::Webhook(number(sid)),
            decide::Absent::Conversation => Absent::Conversation,
            decide::Absent::Disputed(sid) => Absent::Disputed(number(sid)),
        }),
        Action::Wait(Waiting::Window) => Decision::WaitForWindow,
        Action::Wait(Waiting::Sibling(_)) => Decision::WaitForSibling,
        Action::Hold(hold) => held(hold),
        other => unreachable!("the model gives no reason for {other:?}"),
    }
}

fn settled(because: &Settled) -> (Because, Set) {
    match because {
        Settled::NotSent => (Because::NotSent, 0),
        Settled::NotCreated => (Because::NotCreated, 0),
        Settled::ProvedAbsent => (Because::ProvedAbsent, 0),
        Settled::Copied => (Because::Copied, 0),
        Settled::Unwanted => (Because::Unwanted, 0),
        Settled::Answered(left_over) => (Because::Answered, set(left_over)),
    }
}

fn held(hold: &Hold) -> Decision {
    let (why, named) = match hold {
        Hold::Ambiguous { candidates, .. } => (Why::Ambiguous, set(candidates)),
        Hold::TwinExists { webhook, more, .. } => (Why::TwinExists, bit(number(webhook)) | set(more)),
        Hold::LateTwin { webhook, more } => (Why::LateTwin, bit(number(webhook)) | set(more)),
        Hold::ConversationFull(webhooks) => (Why::ConversationFull, set(webhooks)),
        Hold::ConversationNotFound => (Why::ConversationNotFound, 0),
        Hold::AlreadyClaimed { webhook, .. } => (Why::AlreadyClaimed, bit(number(webhook))),
        Hold::WebhookMissing(_) => (Why::Missing, 0),
        other => unreachable!("the model gives no reason for {other:?}"),
    };
    Decision::Hold { why, named }
}

fn set<'a>(sids: impl IntoIterator<Item = &'a WebhookSid>) -> Set {
    sids.into_iter().fold(0, |set, sid| set | bit(number(sid)))
}

fn past(configs: &[Recorded]) -> Set {
    let is_past = |config: &&Config| configs.iter().any(|past| past.matches(&webhook_config(**config)));
    Config::ALL.iter().skip(1).filter(is_past).fold(0, |set, config| set | bit(config.number()))
}

fn number(sid: &WebhookSid) -> u8 {
    let digits = sid.as_str().get(2..).unwrap_or_default();
    u8::from_str_radix(digits, 16).expect("the model's SIDs are small")
}

fn attempt_number(id: &str) -> u8 {
    id.trim_start_matches("attempt-").parse().expect("the model's ids are numbers")
}
