//! The way into the product's own `decide` and back: the model's numbers become objects, attempts, boards and siblings,
//! and the action that they lead to becomes numbers again. No rule is written down here.
//!
//! `decide` is a function of its input alone, so what it said of a view is remembered: millions of states share a few
//! thousand views.

use std::cell::RefCell;
use std::collections::HashMap;

use super::super::fixture::Known;
use super::super::sample;
use super::decision::{Decision, read};
use super::process::{Absent, Remote, Reply, Sender, Siblings, View};
use super::state::{Config, Journal, NOTHING, Object, Provenance, members};
use crate::api;
use crate::decide::{self, Answers, Attempt, Board, Record, Recorded, Resolution};
use crate::twilio::{WebhookConfig, WebhookSid};

/// What an object may do besides making its webhook; the same for all.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Policies {
    pub(super) retain: bool,
    pub(super) adopts_identical: bool,
}

/// Views that are remembered at most, in each thread.
const REMEMBERED: usize = 400_000;

thread_local! {
    static DECIDED: RefCell<HashMap<(View, Policies), Decision, ahash::RandomState>> = RefCell::default();
}

/// What the product decides on this view.
pub(super) fn decide(view: &View, policies: Policies) -> Decision {
    DECIDED.with_borrow_mut(|decided| {
        if let Some(decision) = decided.get(&(*view, policies)) {
            return *decision;
        }
        if decided.len() >= REMEMBERED {
            decided.clear();
        }
        let decision = read(&known(view, policies).decide());
        decided.insert((*view, policies), decision);
        decision
    })
}

fn known(view: &View, policies: Policies) -> Known {
    let open = view.object.open().is_some();
    let phase = match view.sender {
        Sender::Journalled { late: false, .. } => decide::Phase::BeforeNotAfter,
        Sender::Journalled { late: true, .. } => decide::Phase::InWindow,
        _ if open && !view.over => decide::Phase::InWindow,
        _ => decide::Phase::WindowOver,
    };
    let others = || {
        view.others.iter().filter(|other| other.exists).filter_map(|other| sibling(other, policies)).collect()
    };
    Known {
        object: view.object.exists.then(|| object(&view.object, policies)),
        vanished: view.vanished,
        remote: match view.remote {
            Remote::Unread => decide::Remote::Unread,
            Remote::Listed { fresh } => decide::Remote::Listed { board: board(view), fresh },
            Remote::NotFound => decide::Remote::NotFound,
        },
        siblings: match view.siblings {
            Siblings::Unread => decide::Siblings::Unread,
            Siblings::Cached => decide::Siblings::Cached(others()),
            Siblings::Live => decide::Siblings::Live(others()),
        },
        phase,
        confirmed: match view.absent {
            _ if !view.confirmed => None,
            Absent::Nothing => None,
            Absent::Newborn(id) => Some(decide::Absent::Newborn(attempt_id(id))),
            Absent::Webhook(sid) => Some(decide::Absent::Webhook(sample::sid(sid))),
            Absent::Conversation => Some(decide::Absent::Conversation),
            Absent::Disputed(sid) => Some(decide::Absent::Disputed(sample::sid(sid))),
        },
        sender: match view.sender {
            Sender::Idle | Sender::Sending | Sender::Awaiting => decide::Sender::Idle,
            Sender::Journalled { clear, .. } => {
                decide::Sender::Journalled { id: attempt_id(view.attempt), clear }
            }
            Sender::Created { webhook, reread } => decide::Sender::Created {
                id: attempt_id(view.attempt),
                webhook: sample::sid(webhook),
                reread,
            },
            Sender::NotCreated => decide::Sender::NotCreated { id: attempt_id(view.attempt) },
        },
        update: reply(view.update),
        removal: reply(view.removal),
        ..Known::new_object().proved().due()
    }
}

fn object(object: &Object, policies: Policies) -> decide::Object {
    // A deletion counts as a change, and a journal of another generation is one of an earlier one.
    let generation = 5 + i64::from(object.deleting);
    decide::Object {
        uid: uid(object.uid),
        name: format!("tenant/{}", object.uid),
        generation,
        deleting: object.deleting,
        finalizer: object.finalizer,
        label: object.label.then(sample::conversation),
        desired: Ok(sample::desired(webhook_config(object.config))),
        retain: policies.retain,
        adopts_identical: policies.adopts_identical,
        answers: Answers { resolve: answer(object), ..Answers::default() },
        journal: match object.journal.id {
            0 => decide::Journal::Missing,
            _ => decide::Journal::Attempt(Box::new(attempt(&object.journal))),
        },
        record: Record {
            webhook: some_sid(object.webhook),
            settled_attempt: (object.settled != 0).then(|| attempt_id(object.settled)),
            conversation: object.placed.then(sample::conversation),
            account: object.placed.then(|| sample::account(1)),
            region: object.placed.then(|| "us1".to_owned()),
            provenance: match object.provenance {
                Provenance::Unknown => None,
                Provenance::Created => Some(api::Provenance::Created),
                Provenance::Adopted => Some(api::Provenance::Adopted),
                Provenance::Inferred => Some(api::Provenance::Inferred),
            },
            observed_generation: Some(if object.observed { generation } else { -1 }),
            lost: members(object.lost).map(sample::sid).collect(),
            ..Record::default()
        },
        ..sample::object()
    }
}

/// The objects that label or status put on the conversation are siblings.
fn sibling(other: &Object, policies: Policies) -> Option<decide::Sibling> {
    if !other.label && !other.placed {
        return None;
    }
    let object = object(other, policies);
    let open = object.open_attempt();
    Some(decide::Sibling {
        webhook: object.record.webhook.clone(),
        open: open.cloned(),
        desired: object.desired.clone().ok(),
        as_journalled: open.is_some_and(|open| object.is_as_journalled(open)),
        answer: open.and_then(|open| object.answer(open)).and_then(|answer| answer.made.clone()),
        uid: object.uid,
        name: object.name,
    })
}

fn attempt(journal: &Journal) -> Attempt {
    Attempt {
        id: attempt_id(journal.id),
        uid: uid(journal.uid),
        generation: if journal.current { 5 } else { 3 },
        baseline: members(journal.baseline).map(sample::sid).collect(),
        config: recorded(journal.config),
        past_configs: members(journal.past)
            .filter_map(|number| Config::ALL.get(usize::from(number)))
            .map(|config| recorded(*config))
            .collect(),
        adopt: some_sid(journal.adopt),
        ..sample::attempt()
    }
}

fn answer(object: &Object) -> Option<Resolution> {
    let (id, made) = object.answer;
    let made = if made == NOTHING { None } else { some_sid(made) };
    (id != 0).then(|| Resolution { attempt: attempt_id(id), made })
}

fn board(view: &View) -> Board {
    let hooks = (0..).zip(view.board).filter(|(_, config)| *config != Config::None);
    Board::new(hooks.map(|(sid, config)| sample::hook(sid, webhook_config(config))).collect())
}

fn reply(reply: Reply) -> decide::Reply {
    match reply {
        Reply::None => decide::Reply::None,
        Reply::Done => decide::Reply::Done,
        Reply::NotFound => decide::Reply::NotFound,
    }
}

pub(super) fn webhook_config(config: Config) -> WebhookConfig {
    match config {
        Config::Trigger => sample::trigger(),
        other => sample::calling(&format!("https://bot.example.com/{other:?}")),
    }
}

fn recorded(config: Config) -> Recorded {
    sample::recorded(&webhook_config(config))
}

fn uid(uid: u8) -> String {
    format!("uid-{uid}")
}

fn attempt_id(id: u8) -> String {
    format!("attempt-{id}")
}

fn some_sid(sid: u8) -> Option<WebhookSid> {
    (sid != 0).then(|| sample::sid(sid))
}
