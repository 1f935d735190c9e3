//! What to do next: one total, deterministic function from what is known to one action.
//!
//! The reconciler calls [`decide`] again after every action, so that each effect stands alone and a crash between
//! any two of them is a state that the function has seen. It never reads a clock, a cache or a client. What it says of
//! an object that has no webhook is in `create`, of one that has one in `keep`, of an open attempt in `resolve`, of an
//! object that is being deleted in `delete`, of one that vanished in `vanished`.

use super::create::create;
use super::delete::delete;
use super::input::{Access, Input, Object, Phase, Sender, Sibling, Siblings};
use super::keep::{keep, stripped};
use super::resolve::resolve;
use super::vanished::clean_up;
use super::{Address, Attempt, Desired, Recorded, Unservable};
use crate::api::{Mode, Provenance};
use crate::twilio::{AccountSid, ConversationSid, Target, WebhookSid};

/// The next step for one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Read the object's Secret.
    ReadCredentials,
    /// Read the webhook's address from its Secret.
    ReadAddress,
    /// Have Twilio confirm which account the credentials belong to.
    ProveAccount,
    /// Find the conversation that the object's unique name means.
    Locate,
    /// Find out whether the object's unique name means another conversation by now.
    LocateAgain,
    /// Read whether the kind itself is being deleted.
    ReadKind,
    /// List the conversation's webhooks; where `fresh`, not from a list that a sibling made.
    List {
        /// Ask Twilio, whatever is known.
        fresh: bool,
    },
    /// Read the other objects on the conversation from the API server.
    ReadSiblings,
    /// Write the journal of a create or an adoption, the finalizer and the label, in one write.
    Journal(Plan),
    /// Send the create that the journal announces.
    Create,
    /// Write the webhook's SID to status and settle the attempt.
    Record {
        /// Id of the attempt.
        attempt: String,
        /// The webhook.
        webhook: WebhookSid,
        /// How it came to be the object's.
        provenance: Provenance,
        /// Webhooks that a user decided not to be the object's.
        left_over: Vec<WebhookSid>,
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
    /// The same where somebody else changed the webhook.
    Correct(WebhookSid),
    /// Take the webhook, which is verified absent, out of status: it may be made again.
    Lose(WebhookSid),
    /// The unique name means this conversation now: nothing that hung on the old one counts any more.
    StartAnew(ConversationSid),
    /// Delete the webhook.
    Delete(WebhookSid),
    /// Delete a webhook of the object that was verified absent and is back.
    DeleteLost(WebhookSid),
    /// Give back to an object with a webhook the finalizer, label and journal that somebody stripped.
    Protect(Plan),
    /// Let the object go.
    ReleaseFinalizer,
    /// The pass is over: nothing is to be done or said.
    Rest,
    /// The pass is over: the webhook is as written.
    Available,
    /// This was absent. Unless an earlier look, long enough ago, showed the same, the pass is over: look again.
    LookAgain(super::Absent),
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
    /// A webhook of the object was made before.
    pub again: bool,
}

/// Why an attempt closed without a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Its request was never sent.
    NotSent,
    /// Twilio refused it, or it did not reach Twilio.
    NotCreated,
    /// Lists made after its whole window do not show it.
    ProvedAbsent,
    /// The annotation came with a copied manifest; the object that it was written for lives.
    Copied,
    /// It was to take over a webhook, and the object does not ask for that any more.
    Unwanted,
    /// A user says that it made nothing, whatever these webhooks are.
    Answered(Vec<WebhookSid>),
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
    OwnerUnseen {
        /// Id of the attempt.
        attempt: String,
    },
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
    /// There is no webhook, and mode Observe makes none.
    NothingToObserve,
    /// The webhook that is to be taken over is not on the conversation.
    HintMissing(WebhookSid),
    /// The webhook that is to be taken over has another target than the spec.
    HintOfOtherTarget(WebhookSid, Target),
    /// The webhook that is to be taken over, or that a user says is this object's, belongs to another object.
    AlreadyClaimed {
        /// The webhook.
        webhook: WebhookSid,
        /// The object that it belongs to.
        by: String,
    },
    /// The webhook is not as written, and mode Observe changes nothing.
    Drifted(WebhookSid),
    /// Somebody keeps changing the webhook, or removing it.
    Contended {
        /// The webhook.
        webhook: WebhookSid,
        /// It is gone, not changed.
        gone: bool,
    },
    /// The webhook is gone together with many of the account's.
    MassChange(WebhookSid),
    /// Mode Suspended.
    Suspended,
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
        /// Further ones that do what this object asks for, or once asked for, and belong to no object.
        more: Vec<WebhookSid>,
    },
    /// A webhook hangs on the conversation that does what this object asked for earlier, and belongs to no object.
    LateTwin {
        /// That webhook.
        webhook: WebhookSid,
        /// Further ones of the kind.
        more: Vec<WebhookSid>,
    },
    /// The object's webhook is as written, and others that came after the object's create was journalled do the same, or
    /// did once, and belong to no object: perhaps further ones of ours.
    Double {
        /// The object's webhook.
        webhook: WebhookSid,
        /// The others: at least one.
        others: Vec<WebhookSid>,
    },
    /// Several webhooks, or a changed one, may be what the lost create made.
    Ambiguous {
        /// Id of the attempt.
        attempt: String,
        /// What it may have made.
        candidates: Vec<WebhookSid>,
    },
}

/// What to do next for an object.
#[must_use]
pub fn decide(input: &Input<'_>) -> Action {
    if input.vanished {
        // Such a pass has nothing of its own under way.
        return input.object.map_or(Action::Rest, |object| clean_up(input, object));
    }
    if let Some(action) = own_create(input) {
        return action;
    }
    let Some(object) = input.object else { return Action::Rest };
    if object.deleting {
        return delete(input, object);
    }
    if object.mode == Mode::Suspended {
        // What keeps a webhook from being lost track of is no call to Twilio.
        return match (&object.record.webhook, &object.desired) {
            (Some(webhook), Ok(_)) => {
                stripped(object, webhook).map_or(Action::Hold(Hold::Suspended), Action::Protect)
            }
            _ => Action::Hold(Hold::Suspended),
        };
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
        left_over: Vec::new(),
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
        Siblings::Live(siblings) => {
            // One that was restored under another name bears the attempt, and finds out itself what it made.
            let is_borne = siblings.iter().any(|sibling| {
                sibling.webhook.as_ref() == Some(webhook)
                    || sibling.open.as_ref().is_some_and(|open| open.id == id)
            });
            if is_borne {
                return Action::Rest;
            }
            let takes_over = |open: &Attempt| open.adopt.as_ref() == Some(webhook);
            let (itself, others): (Vec<&Sibling>, Vec<&Sibling>) = siblings
                .iter()
                .filter(|sibling| sibling.open.as_ref().is_some_and(takes_over))
                .partition(|heir| input.object.is_some_and(|object| object.uid == heir.uid));
            let own = input.object.and_then(Object::open_attempt).filter(|open| takes_over(open));
            match (others.first(), itself.first(), own) {
                // Its journal was stripped, and it took what was made for it for somebody else's. It cannot get on as long
                // as this pass waits for it.
                (None, Some(_), Some(open)) => Action::Record {
                    attempt: open.id.clone(),
                    webhook: webhook.clone(),
                    provenance: Provenance::Created,
                    left_over: Vec::new(),
                },
                (Some(heir), _, None) => Action::Wait(Waiting::Sibling(heir.name.clone())),
                (Some(_), _, Some(_)) | (None, Some(_), None) => Action::Rest,
                (None, None, _) => Action::Compensate(webhook.clone()),
            }
        }
        Siblings::Unread | Siblings::Cached(_) => Action::ReadSiblings,
    }
}

/// What is missing before the desired configuration can be compared or sent.
pub(super) fn whole(desired: &Desired) -> Option<Action> {
    (desired.address == Address::Unread).then_some(Action::ReadAddress)
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
