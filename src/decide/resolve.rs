//! What became of a create whose reply was lost: the rules R2, R4, R9 to R11, R15 and R16.
//!
//! Only evidence closes an attempt: a list made after its whole window, under the proved account, and a live read
//! of the siblings after that list. Where the evidence allows two readings, nothing is claimed.

use super::action::{Action, Hold, Settled, Waiting, open_account, whole};
use super::input::{Absent, Input, Object, Phase, Remote, Renamed, Sibling, Siblings};
use super::keep::lost_and_found;
use super::{Attempt, Board, Wanted};
use crate::api::{Mode, Provenance};
use crate::twilio::{Webhook, WebhookSid};

/// The next step for an object whose attempt is open.
pub(super) fn resolve(input: &Input<'_>, object: &Object, attempt: &Attempt) -> Action {
    if object.is_elsewhere(attempt, input.cluster) {
        return Action::Hold(Hold::RestoredElsewhere);
    }
    if attempt.uid != object.uid && !may_be_restored(object, attempt) {
        return settle(attempt, Settled::Copied);
    }
    if attempt.uid != object.uid {
        match input.siblings {
            Siblings::Unread | Siblings::Cached(_) => return Action::ReadSiblings,
            Siblings::Live(siblings) if siblings.iter().any(|sibling| sibling.uid == attempt.uid) => {
                return settle(attempt, Settled::Copied);
            }
            // The owner may live in a namespace that this process does not serve.
            Siblings::Live(_) if !input.sees_all && !object.is_confirmed() => {
                return Action::Hold(Hold::OwnerUnseen { attempt: attempt.id.clone() });
            }
            Siblings::Live(_) => {}
        }
    }
    // What was not taken over yet is not deleted with the object, and nothing of it is under way.
    if object.deleting && is_pending_adoption(object, attempt) {
        return settle(attempt, Settled::Unwanted);
    }
    // Taking over sends nothing that could be under way.
    if input.phase != Phase::WindowOver && attempt.adopt.is_none() {
        return Action::Wait(Waiting::Window);
    }
    if let Some(action) = open_account(input, object, false) {
        return action;
    }
    // What the object asks for now tells its webhook from others'. An object that goes does without.
    if !input.goes(object)
        && let Some(action) = object.desired.as_ref().ok().and_then(whole)
    {
        return action;
    }
    let board = match input.remote {
        Remote::Unread | Remote::Listed { fresh: false, .. } => return Action::List { fresh: true },
        Remote::Listed { board, fresh: true } => board,
        Remote::NotFound => return conversation_gone(input, object, attempt),
    };
    if let Some(action) = open_account(input, object, true) {
        return action;
    }
    let Siblings::Live(siblings) = input.siblings else { return Action::ReadSiblings };
    // A webhook of the object's earlier life that is back cannot be what this attempt made. It goes, but for an object that
    // is being deleted: what is deleted with that is decided once the attempt is resolved.
    if !input.goes(object)
        && object.mode != Mode::Observe
        && let Some(action) = lost_and_found(input, object, board)
    {
        return action;
    }
    let siblings: Vec<&Sibling> = siblings.iter().filter(|sibling| sibling.uid != object.uid).collect();
    match &attempt.adopt {
        Some(webhook) => take_over(input, object, attempt, webhook, board, &siblings),
        None => answered(object, attempt, board, &siblings)
            .unwrap_or_else(|| find_newborn(input, object, attempt, board, &siblings)),
    }
}

/// R12: a user's word counts once the window is over, for the attempt that it names, and for a webhook that nobody
/// claims.
fn answered(object: &Object, attempt: &Attempt, board: &Board, siblings: &[&Sibling]) -> Option<Action> {
    let answer = object.answer(attempt)?;
    let mut left_over = Candidates::of(object, attempt, board, siblings).sids();
    let Some(webhook) = &answer.made else { return Some(settle(attempt, Settled::Answered(left_over))) };
    let rival = siblings.iter().find(|sibling| {
        sibling.webhook.as_ref() == Some(webhook) || sibling.answer.as_ref() == Some(webhook)
    });
    if let Some(rival) = rival {
        return Some(Action::Hold(Hold::AlreadyClaimed { webhook: webhook.clone(), by: rival.name.clone() }));
    }
    // An answer that names what is not there, or what the object could never keep as written, is none.
    let fits = board.get(webhook).is_some_and(|found| found.config.target == attempt.config.target());
    left_over.retain(|candidate| candidate != webhook);
    fits.then(|| Action::Record {
        attempt: attempt.id.clone(),
        webhook: webhook.clone(),
        provenance: Provenance::Adopted,
        left_over,
    })
}

/// A restore brings an object back as it was, and what a webhook hangs on and does never changes in an object.
/// Another value proves that the manifest was copied.
fn may_be_restored(object: &Object, attempt: &Attempt) -> bool {
    let Ok(desired) = &object.desired else { return true };
    let same_conversation = match &desired.conversation {
        Wanted::Sid(conversation) => *conversation == attempt.conversation,
        Wanted::UniqueName(_) => true,
    };
    same_conversation && desired.config.target == attempt.config.target()
}

/// What the attempt was for is absent: believed when it is seen twice.
fn unless_seen_before(input: &Input<'_>, attempt: &Attempt, what: Absent) -> Action {
    if input.confirmed == Some(&what) {
        settle(attempt, Settled::ProvedAbsent)
    } else {
        Action::LookAgain(what)
    }
}

fn settle(attempt: &Attempt, because: Settled) -> Action {
    Action::Settle { attempt: attempt.id.clone(), because }
}

/// The webhooks of a conversation go with it; an object that stays waits for its conversation.
fn conversation_gone(input: &Input<'_>, object: &Object, attempt: &Attempt) -> Action {
    if let Some(action) = open_account(input, object, true) {
        return action;
    }
    if input.confirmed != Some(&Absent::Conversation) {
        return Action::LookAgain(Absent::Conversation);
    }
    if input.goes(object) {
        return settle(attempt, Settled::ProvedAbsent);
    }
    let by_name =
        object.desired.as_ref().is_ok_and(|desired| matches!(desired.conversation, Wanted::UniqueName(_)));
    match input.renamed {
        Renamed::Unread if by_name => Action::LocateAgain,
        // Another conversation bears the name: the one of the attempt does not come back.
        Renamed::Found(found) if by_name && *found != attempt.conversation => {
            settle(attempt, Settled::ProvedAbsent)
        }
        _ => Action::Hold(Hold::ConversationNotFound),
    }
}

/// A take-over that was begun for this very object and not recorded yet. The journal that R19 gives back has no baseline,
/// and a restored object had the webhook in its earlier life.
fn is_pending_adoption(object: &Object, attempt: &Attempt) -> bool {
    let wanted = attempt.adopt.as_ref();
    attempt.uid == object.uid && wanted.is_some_and(|webhook| attempt.baseline.contains(webhook))
}

/// R4: a webhook that was being taken over, unless a sibling has it or may have made it.
fn take_over(
    input: &Input<'_>,
    object: &Object,
    attempt: &Attempt,
    webhook: &WebhookSid,
    board: &Board,
    siblings: &[&Sibling],
) -> Action {
    let claimed = siblings.iter().any(|sibling| sibling.webhook.as_ref() == Some(webhook));
    if claimed {
        return settle(attempt, Settled::ProvedAbsent);
    }
    let Some(found) = board.get(webhook) else {
        return unless_seen_before(input, attempt, Absent::Webhook(webhook.clone()));
    };
    let wants = object.hint.as_ref() == Some(webhook)
        || object.adopts_identical
            && object.desired.as_ref().is_ok_and(|desired| desired.config == found.config);
    if is_pending_adoption(object, attempt) && !wants {
        return settle(attempt, Settled::Unwanted);
    }
    match siblings.iter().find(|sibling| explains(sibling, found)) {
        None => Action::Record {
            attempt: attempt.id.clone(),
            webhook: webhook.clone(),
            provenance: Provenance::Adopted,
            left_over: Vec::new(),
        },
        // Of two that want the same webhook, the higher uid gives way.
        Some(rival)
            if rival.open.as_ref().is_some_and(|open| open.adopt.is_some()) && object.uid < rival.uid =>
        {
            Action::Wait(Waiting::Sibling(rival.name.clone()))
        }
        Some(_) => settle(attempt, Settled::ProvedAbsent),
    }
}

/// R9 to R11: the webhook that the attempt made is claimed when nothing else can be it.
fn find_newborn(
    input: &Input<'_>,
    object: &Object,
    attempt: &Attempt,
    board: &Board,
    siblings: &[&Sibling],
) -> Action {
    let Candidates { exact, mut plausible } = Candidates::of(object, attempt, board, siblings);
    let rival_for = |webhook: &&Webhook| siblings.iter().find(|sibling| explains(sibling, webhook));
    let likely = if exact.is_empty() { &plausible } else { &exact };
    if let Some(rival) = likely.iter().find_map(rival_for) {
        return Action::Wait(Waiting::Sibling(rival.name.clone()));
    }
    // Beside an exact one, what a sibling's open attempt explains is the sibling's. Waiting for each other's webhooks,
    // two with different configurations would wait for ever.
    plausible.retain(|webhook| rival_for(webhook).is_none());
    match exact.as_slice() {
        // Beside an exact one, another of the same target is foreign as long as the object is the one that the
        // journal was written for, unedited: then ours has the attempted configuration.
        [newborn] if plausible.is_empty() || object.is_as_journalled(attempt) => Action::Record {
            attempt: attempt.id.clone(),
            webhook: newborn.sid.clone(),
            provenance: Provenance::Inferred,
            left_over: Vec::new(),
        },
        [] if plausible.is_empty() => unless_seen_before(input, attempt, Absent::Newborn(attempt.id.clone())),
        // Somebody may have edited the one that is ours.
        _ => Action::Hold(Hold::Ambiguous {
            attempt: attempt.id.clone(),
            candidates: Candidates { exact, plausible }.sids(),
        }),
    }
}

/// What an attempt may have made: newcomers that nobody claims.
struct Candidates<'a> {
    /// Equal to what was attempted, or to what the object asks for now.
    exact: Vec<&'a Webhook>,
    /// Others of the same target: somebody may have edited ours.
    plausible: Vec<&'a Webhook>,
}

impl<'a> Candidates<'a> {
    fn of(object: &Object, attempt: &Attempt, board: &'a Board, siblings: &[&Sibling]) -> Self {
        let is_claimed =
            |webhook: &Webhook| siblings.iter().any(|sibling| sibling.webhook.as_ref() == Some(&webhook.sid));
        let mut candidates = Self { exact: Vec::new(), plausible: Vec::new() };
        for webhook in board.iter() {
            let is_old = attempt.baseline.contains(&webhook.sid) || object.record.lost.contains(&webhook.sid);
            if is_old || is_claimed(webhook) {
                continue;
            }
            if is_exact(object, attempt, webhook) {
                candidates.exact.push(webhook);
            } else if webhook.config.target == attempt.config.target() {
                candidates.plausible.push(webhook);
            }
        }
        candidates
    }

    fn sids(&self) -> Vec<WebhookSid> {
        self.exact.iter().chain(&self.plausible).map(|webhook| webhook.sid.clone()).collect()
    }
}

/// Equal to what was attempted, or to what the object asks for now. What may hide something is no proof.
fn is_exact(object: &Object, attempt: &Attempt, webhook: &Webhook) -> bool {
    attempt.config.matches(&webhook.config)
        || object.desired.as_ref().is_ok_and(|desired| desired.config == webhook.config)
}

/// Whether a sibling's open attempt may be what made this webhook, or is taking it over, or is said to have made it.
pub(super) fn explains(sibling: &Sibling, webhook: &Webhook) -> bool {
    let Some(open) = &sibling.open else { return false };
    let same_target = open.config.target() == webhook.config.target;
    match &open.adopt {
        Some(wanted) => *wanted == webhook.sid,
        None if sibling.answer.as_ref() == Some(&webhook.sid) => same_target,
        // As long as the sibling is the very object of its journal, unedited, its webhook has the attempted configuration.
        None => {
            let as_now =
                || sibling.desired.as_ref().is_none_or(|desired| desired.config.may_show_as(&webhook.config));
            same_target
                && !open.baseline.contains(&webhook.sid)
                && (open.config.may_show_as(&webhook.config) || !sibling.as_journalled && as_now())
        }
    }
}
