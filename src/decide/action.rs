//! What to do next: one total, deterministic function from what is known to one action.
//!
//! The reconciler calls [`decide`] again after every action, so that each effect stands alone and a crash between
//! any two of them is a state that the function has seen. It never reads a clock, a cache or a client.

use super::input::{
    Absent, Access, Input, Journal, Kind, Object, Phase, Remote, Reply, Sender, Sibling, Siblings,
};
use super::resolve::resolve;
use super::{Attempt, Board, Desired, Recorded, Unservable};
use crate::api::Provenance;
use crate::twilio::{AccountSid, WebhookSid};

/// The next step for one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Read the object's Secret.
    ReadCredentials,
    /// Have Twilio confirm which account the credentials belong to.
    ProveAccount,
    /// Find the conversation that the object's unique name means.
    Locate,
    /// Read whether the kind itself is being deleted.
    ReadKind,
    /// List the conversation's webhooks; where `fresh`, not from a list that a sibling made.
    List {
        /// Ask Twilio, whatever is known.
        fresh: bool,
    },
    /// Read the other objects on the conversation from the API server.
    ReadSiblings,
    /// Write the journal of a create, the finalizer and the label, in one write.
    Journal(Plan),
    /// Send the create that the journal announces.
    Create,
    /// Write the new webhook's SID to status and settle the attempt.
    Record {
        /// Id of the attempt.
        attempt: String,
        /// The webhook.
        webhook: WebhookSid,
        /// How it came to be the object's.
        provenance: Provenance,
    },
    /// Close the attempt without a webhook.
    Settle {
        /// Id of the attempt.
        attempt: String,
        /// Why.
        because: Settled,
    },
    /// Delete a webhook that we made and that no object can record.
    Compensate(WebhookSid),
    /// Send the desired configuration to the webhook.
    Update(WebhookSid),
    /// Delete the webhook.
    Delete(WebhookSid),
    /// Give back to an object with a webhook the finalizer, label and journal that somebody stripped.
    Protect(Plan),
    /// Let the object go.
    ReleaseFinalizer,
    /// The pass is over: nothing is to be done or said.
    Rest,
    /// The pass is over: the webhook is as written.
    Available,
    /// This was absent. Unless an earlier look, long enough ago, showed the same, the pass is over: look again.
    LookAgain(Absent),
    /// The pass is over: only time can tell.
    Wait(Waiting),
    /// The pass is over: somebody must act.
    Hold(Hold),
}

/// What a journal records; see [`Attempt`].
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Webhooks that hang on the conversation now.
    pub baseline: Vec<WebhookSid>,
    /// Configurations of the object's earlier attempts.
    pub past_configs: Vec<Recorded>,
    /// The webhook that is taken over, instead of a create.
    pub adopt: Option<WebhookSid>,
}

/// Why an attempt closed without a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Its request was never sent.
    NotSent,
    /// Twilio refused it, or it did not reach Twilio.
    NotCreated,
    /// Lists made after its whole window do not show it.
    ProvedAbsent,
    /// The annotation came with a copied manifest; the object that it was written for lives.
    Copied,
}

/// Why a pass waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The attempt's window is not over.
    Window,
    /// An object on the same conversation has an open attempt that comes first.
    Sibling(String),
}

/// Why an object is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The object cannot be carried out as written.
    Unservable(Unservable),
    /// The journal annotation was edited and cannot be read.
    JournalUnreadable,
    /// The journal was written in another cluster.
    RestoredElsewhere,
    /// The journal was written for an object that is not among those that this process may see.
    OwnerUnseen,
    /// The Secret opens another account or region than the webhook lives in.
    AccountMismatch {
        /// The account and region that the Secret opens.
        opens: (AccountSid, String),
        /// The account and region that are needed.
        needs: (AccountSid, String),
    },
    /// Twilio knows no such conversation in the proved account.
    ConversationNotFound,
    /// The webhook is gone from the conversation.
    WebhookMissing(WebhookSid),
    /// Twilio accepted an update and still reports something else.
    NotTakenOver(WebhookSid),
    /// Five webhooks hang on the conversation.
    ConversationFull(Vec<WebhookSid>),
    /// An identical webhook hangs on the conversation.
    TwinExists {
        /// The identical webhook.
        webhook: WebhookSid,
        /// The object that claims it.
        claimed_by: Option<String>,
    },
    /// Several webhooks, or a changed one, may be what the lost create made.
    Ambiguous(Vec<WebhookSid>),
    /// The object is being deleted, but asks for what this version does not serve.
    DeletionUnservable(Unservable),
}

/// What to do next for an object.
#[must_use]
pub fn decide(input: &Input<'_>) -> Action {
    if let Some(action) = own_create(input) {
        return action;
    }
    let Some(object) = input.object else { return Action::Rest };
    if object.deleting {
        return delete(input, object);
    }
    if let Some(attempt) = object.open_attempt() {
        return resolve(input, object, attempt);
    }
    let desired = match &object.desired {
        Ok(desired) => desired,
        Err(unservable) => return Action::Hold(Hold::Unservable(unservable.clone())),
    };
    match &object.record.webhook {
        Some(webhook) => keep(input, object, desired, webhook),
        None => create(input, object, desired),
    }
}

/// The steps of a create that this process has under way: nothing else is done before they are.
fn own_create(input: &Input<'_>) -> Option<Action> {
    match input.sender {
        Sender::Idle => None,
        Sender::Journalled { id, clear } => Some(match input.object {
            Some(object) if object.has_open(id) => {
                if *clear && input.phase == Phase::BeforeNotAfter {
                    Action::Create
                } else {
                    Action::Settle { attempt: id.clone(), because: Settled::NotSent }
                }
            }
            _ => Action::Rest,
        }),
        Sender::Created { id, webhook, reread } => Some(record_or_compensate(input, id, webhook, *reread)),
        Sender::NotCreated { id } => Some(match input.object {
            Some(object) if object.has_open(id) => {
                Action::Settle { attempt: id.clone(), because: Settled::NotCreated }
            }
            _ => Action::Rest,
        }),
    }
}

/// R7 and R8: the SID is written until it stands in an object; only a webhook that no object can bear is deleted.
fn record_or_compensate(input: &Input<'_>, id: &str, webhook: &WebhookSid, reread: bool) -> Action {
    let record = || Action::Record {
        attempt: id.to_owned(),
        webhook: webhook.clone(),
        provenance: Provenance::Created,
    };
    if !reread {
        return record();
    }
    if let Some(object) = input.object {
        if object.record.webhook.as_ref() == Some(webhook) {
            return Action::Rest;
        }
        // Whatever the uid: a restored object bears the attempt as well as the one that was lost.
        if object.has_open(id) {
            return record();
        }
    }
    match input.siblings {
        Siblings::Live(siblings)
            if siblings.iter().any(|sibling| sibling.webhook.as_ref() == Some(webhook)) =>
        {
            Action::Rest
        }
        Siblings::Live(_) => Action::Compensate(webhook.clone()),
        Siblings::Unread | Siblings::Cached(_) => Action::ReadSiblings,
    }
}

/// An object without a webhook. This is the only way to a create: the account is proved, no sibling is about to
/// make the same webhook, none like it hangs on the conversation, and a slot is free.
fn create(input: &Input<'_>, object: &Object, desired: &Desired) -> Action {
    if object.journal == Journal::Unreadable {
        return Action::Hold(Hold::JournalUnreadable);
    }
    if let Some(action) = open_account(input, object, true) {
        return action;
    }
    let board = match input.remote {
        Remote::Unread if input.conversation.is_none() => return Action::Locate,
        Remote::Unread => return Action::List { fresh: false },
        Remote::NotFound => return Action::Hold(Hold::ConversationNotFound),
        Remote::Listed { board, .. } => board,
    };
    let (Siblings::Cached(siblings) | Siblings::Live(siblings)) = input.siblings else {
        return Action::ReadSiblings;
    };
    let siblings: Vec<&Sibling> = siblings.iter().filter(|sibling| sibling.uid != object.uid).collect();
    if let Some(first) = siblings.iter().find(|sibling| {
        sibling.open.as_ref().is_some_and(|open| open.adopt.is_none() && open.config.matches(&desired.config))
    }) {
        return Action::Wait(Waiting::Sibling(first.name.clone()));
    }
    let past_configs = match &object.journal {
        Journal::Attempt(attempt) => attempt.carried(),
        Journal::Missing | Journal::Unreadable => Vec::new(),
    };
    match twin(board, desired, &past_configs, &siblings) {
        // The cache may not know yet that a sibling has it.
        Some(Hold::TwinExists { claimed_by: None, .. }) if matches!(input.siblings, Siblings::Cached(_)) => {
            return Action::ReadSiblings;
        }
        Some(hold) => return Action::Hold(hold),
        None => {}
    }
    if board.is_full() {
        return Action::Hold(Hold::ConversationFull(board.sids()));
    }
    Action::Journal(Plan { baseline: board.sids(), past_configs, adopt: None })
}

/// A webhook on the conversation that is what this object asks for, or once asked for.
fn twin(board: &Board, desired: &Desired, past: &[Recorded], siblings: &[&Sibling]) -> Option<Hold> {
    let claimant =
        |webhook: &WebhookSid| siblings.iter().find(|sibling| sibling.webhook.as_ref() == Some(webhook));
    let mut claimed = None;
    let alike = board
        .alike(|config| *config == desired.config || past.iter().any(|recorded| recorded.matches(config)));
    for webhook in alike {
        match claimant(&webhook.sid) {
            None => return Some(Hold::TwinExists { webhook: webhook.sid.clone(), claimed_by: None }),
            // What this object once asked for may well be what a sibling asks for now.
            Some(sibling) if webhook.config == desired.config => {
                claimed = Some(Hold::TwinExists {
                    webhook: webhook.sid.clone(),
                    claimed_by: Some(sibling.name.clone()),
                });
            }
            Some(_) => {}
        }
    }
    claimed
}

/// An object with a webhook: it is made as written after an edit, and compared when that is due.
fn keep(input: &Input<'_>, object: &Object, desired: &Desired, webhook: &WebhookSid) -> Action {
    if let Some(plan) = stripped(object, webhook) {
        return Action::Protect(plan);
    }
    let edited = object.record.observed_generation != Some(object.generation);
    match input.update {
        Reply::Done => return Action::Available,
        Reply::Differs => return Action::Hold(Hold::NotTakenOver(webhook.clone())),
        Reply::None if edited => {
            return open_account(input, object, false).unwrap_or_else(|| Action::Update(webhook.clone()));
        }
        // A 404 to an update says nothing about the conversation: look at the board.
        Reply::NotFound => {}
        Reply::None if input.due => {}
        Reply::None => return Action::Rest,
    }
    if let Some(action) = open_account(input, object, false) {
        return action;
    }
    match input.remote {
        Remote::Unread => Action::List { fresh: input.update == Reply::NotFound },
        Remote::Listed { board, .. } => match board.get(webhook) {
            Some(found) if found.config == desired.config && !edited => Action::Available,
            Some(_) if input.update == Reply::None => Action::Update(webhook.clone()),
            // Listed, yet unknown to the update a moment ago: let the two agree first.
            Some(_) => Action::LookAgain(Absent::Disputed(webhook.clone())),
            None => {
                let hold = Hold::WebhookMissing(webhook.clone());
                absent(input, object, Absent::Webhook(webhook.clone()), hold)
            }
        },
        Remote::NotFound => absent(input, object, Absent::Conversation, Hold::ConversationNotFound),
    }
}

/// An absence is believed under the proved account, and when it was seen twice.
fn absent(input: &Input<'_>, object: &Object, what: Absent, hold: Hold) -> Action {
    if let Some(action) = open_account(input, object, true) {
        return action;
    }
    if input.confirmed == Some(&what) { Action::Hold(hold) } else { Action::LookAgain(what) }
}

/// What an object with a webhook lacks of its protection (R19).
fn stripped(object: &Object, webhook: &WebhookSid) -> Option<Plan> {
    (!object.is_protected() && object.record.conversation.is_some()).then(|| Plan {
        baseline: Vec::new(),
        past_configs: Vec::new(),
        adopt: Some(webhook.clone()),
    })
}

/// An object that is being deleted: first the open attempt, then the webhook, then the finalizer.
fn delete(input: &Input<'_>, object: &Object) -> Action {
    if !object.finalizer {
        return Action::Rest;
    }
    match object.open_attempt() {
        // Whatever it made is the other cluster's to keep or to delete.
        Some(attempt) if attempt.cluster != input.cluster => return Action::ReleaseFinalizer,
        Some(attempt) => return resolve(input, object, attempt),
        None => {}
    }
    let Some(webhook) = &object.record.webhook else {
        return match object.journal {
            Journal::Unreadable => Action::Hold(Hold::JournalUnreadable),
            Journal::Missing | Journal::Attempt(_) => Action::ReleaseFinalizer,
        };
    };
    if object.retain {
        return Action::ReleaseFinalizer;
    }
    match input.kind {
        Kind::Unread => return Action::ReadKind,
        // Uninstalling must not unplug every bot.
        Kind::Leaves => return Action::ReleaseFinalizer,
        Kind::Stays => {}
    }
    if let Err(unservable @ Unservable::NotServedYet(_)) = &object.desired {
        return Action::Hold(Hold::DeletionUnservable(unservable.clone()));
    }
    match input.removal {
        Reply::None => open_account(input, object, false).unwrap_or_else(|| Action::Delete(webhook.clone())),
        Reply::Done | Reply::Differs => Action::ReleaseFinalizer,
        Reply::NotFound => open_account(input, object, true).unwrap_or(Action::ReleaseFinalizer),
    }
}

/// What is missing before the object's account may be used; with `proved`, before a 404 of it is believed or
/// anything is made in it.
pub(super) fn open_account(input: &Input<'_>, object: &Object, proved: bool) -> Option<Action> {
    let Access::Known { account, region, proved: is_proved } = input.access else {
        return Some(Action::ReadCredentials);
    };
    let pins = match object.open_attempt() {
        Some(Attempt { account, region, .. }) => Some((account, region)),
        None => object.record.account.as_ref().zip(object.record.region.as_ref()),
    };
    if let Some((pinned, pinned_region)) = pins
        && (pinned != account || pinned_region != region)
    {
        return Some(Action::Hold(Hold::AccountMismatch {
            opens: (account.clone(), region.clone()),
            needs: (pinned.clone(), pinned_region.clone()),
        }));
    }
    (proved && !is_proved).then_some(Action::ProveAccount)
}
