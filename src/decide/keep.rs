//! An object with a webhook: it is made as written after an edit, compared when that is due, and made again when it is
//! verified absent.

use super::action::{Action, Hold, Plan, open_account, whole};
use super::create::conversation_not_found;
use super::input::{Absent, Input, Journal, Object, Remote, Reply, Siblings};
use super::resolve::explains;
use super::{Board, Desired};
use crate::api::Mode;
use crate::twilio::{Webhook, WebhookSid};

/// Repairs within a day after which the next one would be a quarrel.
const MAX_REPAIRS: usize = 2;

pub(super) fn keep(input: &Input<'_>, object: &Object, desired: &Desired, webhook: &WebhookSid) -> Action {
    if let Some(plan) = stripped(object, webhook) {
        return Action::Protect(plan);
    }
    let observing = object.mode == Mode::Observe;
    let edited = object.record.observed_generation != Some(object.generation);
    match input.update {
        Reply::Done => return Action::Available,
        Reply::Differs => return Action::Hold(Hold::NotTakenOver(webhook.clone())),
        Reply::None if !edited && !input.due => return Action::Rest,
        // A 404 to an update says nothing about the conversation: look at the board.
        Reply::NotFound | Reply::None => {}
    }
    if let Some(action) = open_account(input, object, false).or_else(|| whole(desired)) {
        return action;
    }
    let board = match input.remote {
        // An edit is sent without a look: the reply shows the result.
        Remote::Unread if edited && !observing && input.update == Reply::None => {
            return Action::Update(webhook.clone());
        }
        Remote::Unread => return Action::List { fresh: input.update == Reply::NotFound },
        Remote::NotFound => return conversation_gone(input, object, desired),
        Remote::Listed { board, .. } => board,
    };
    if !observing && let Some(action) = lost_and_found(input, object, board) {
        return action;
    }
    match board.get(webhook) {
        None => missing(input, object, webhook),
        // Listed, yet unknown to the update a moment ago: let the two agree first.
        Some(_) if input.update == Reply::NotFound => Action::LookAgain(Absent::Disputed(webhook.clone())),
        Some(found) if desired.config.may_show_as(&found.config) => {
            double(input, object, desired, (board, webhook)).unwrap_or(Action::Available)
        }
        Some(_) if observing => Action::Hold(Hold::Drifted(webhook.clone())),
        Some(_) if edited || input.address_is_new || object.record.refused => Action::Update(webhook.clone()),
        Some(_) if is_contended(input) => {
            Action::Hold(Hold::Contended { webhook: webhook.clone(), gone: false })
        }
        Some(_) => Action::Correct(webhook.clone()),
    }
}

/// Webhooks beside the object's own that may be ours as well: requests that arrived beyond every window, and whose
/// replies were lost. They came after the journal was written, do what the object asks for or once asked for, and are
/// nobody's. Nothing proves who made them, so they are reported and left alone.
fn double(
    input: &Input<'_>,
    object: &Object,
    desired: &Desired,
    (board, webhook): (&Board, &WebhookSid),
) -> Option<Action> {
    let Journal::Attempt(attempt) = &object.journal else { return None };
    let is_alike = |other: &Webhook| {
        let mut once_asked_for = std::iter::once(&attempt.config).chain(&attempt.past_configs);
        other.config == desired.config || once_asked_for.any(|recorded| recorded.matches(&other.config))
    };
    let is_known = |other: &Webhook| other.sid == *webhook || attempt.baseline.contains(&other.sid);
    let mut newcomers = board.iter().filter(|other| !is_known(other) && is_alike(other)).peekable();
    newcomers.peek()?;
    let (Siblings::Cached(siblings) | Siblings::Live(siblings)) = input.siblings else {
        return Some(Action::ReadSiblings);
    };
    let is_somebodys = |other: &Webhook| {
        siblings
            .iter()
            .filter(|sibling| sibling.uid != object.uid)
            .any(|sibling| sibling.webhook.as_ref() == Some(&other.sid) || explains(sibling, other))
    };
    let others: Vec<WebhookSid> =
        newcomers.filter(|other| !is_somebodys(other)).map(|other| other.sid.clone()).collect();
    if others.is_empty() {
        return None;
    }
    // The cache may not know yet that a sibling has one.
    Some(match input.siblings {
        Siblings::Live(_) => Action::Hold(Hold::Double { webhook: webhook.clone(), others }),
        _ => Action::ReadSiblings,
    })
}

/// Whether one more repair would be a quarrel with whoever else is at work. Somebody who asks for a look decides it.
fn is_contended(input: &Input<'_>) -> bool {
    input.repairs >= MAX_REPAIRS && !input.asked
}

/// The webhook is not listed. Once that is proved, it is made again where the object says so and nothing speaks
/// against it (R14).
fn missing(input: &Input<'_>, object: &Object, webhook: &WebhookSid) -> Action {
    if let Some(action) = unless_proved(input, object, Absent::Webhook(webhook.clone())) {
        return action;
    }
    let held = || Action::Hold(Hold::MassChange(webhook.clone()));
    // Ahead of what the spec says by now: said as another reason, the hold would be forgotten.
    if object.record.mass_change && !input.asked {
        return held();
    }
    if object.mode == Mode::Observe || !object.recreates {
        return Action::Hold(Hold::WebhookMissing(webhook.clone()));
    }
    if input.mass_change && !input.asked {
        return held();
    }
    if is_contended(input) {
        return Action::Hold(Hold::Contended { webhook: webhook.clone(), gone: true });
    }
    Action::Lose(webhook.clone())
}

/// The conversation is not there, and its webhooks went with it. Under its unique name another may be there.
fn conversation_gone(input: &Input<'_>, object: &Object, desired: &Desired) -> Action {
    unless_proved(input, object, Absent::Conversation)
        .unwrap_or_else(|| conversation_not_found(input, object, desired))
}

/// An absence is believed under the proved account, and when it was seen twice.
fn unless_proved(input: &Input<'_>, object: &Object, what: Absent) -> Option<Action> {
    if let Some(action) = open_account(input, object, true) {
        return Some(action);
    }
    (input.confirmed != Some(&what)).then_some(Action::LookAgain(what))
}

/// R14: a webhook of the object that was verified absent, is back, and that nobody claims, is the object's own: it
/// must not fire beside the one that was made in its place.
pub(super) fn lost_and_found(input: &Input<'_>, object: &Object, board: &Board) -> Option<Action> {
    let is_ours = |webhook: &&WebhookSid| object.record.webhook.as_ref() != Some(webhook);
    let back: Vec<&WebhookSid> =
        object.record.lost.iter().filter(is_ours).filter(|webhook| board.get(webhook).is_some()).collect();
    if back.is_empty() {
        return None;
    }
    if let Some(action) = open_account(input, object, true) {
        return Some(action);
    }
    let Siblings::Live(siblings) = input.siblings else { return Some(Action::ReadSiblings) };
    let is_free = |webhook: &&&WebhookSid| {
        siblings.iter().filter(|sibling| sibling.uid != object.uid).all(|sibling| {
            let adopts = sibling.open.as_ref().and_then(|open| open.adopt.as_ref());
            sibling.webhook.as_ref() != Some(**webhook) && adopts != Some(**webhook)
        })
    };
    back.iter().find(is_free).map(|webhook| Action::DeleteLost((*webhook).clone()))
}

/// What an object with a webhook lacks of its protection (R19).
pub(super) fn stripped(object: &Object, webhook: &WebhookSid) -> Option<Plan> {
    (!object.is_protected() && object.record.conversation.is_some()).then(|| Plan {
        baseline: Vec::new(),
        past_configs: Vec::new(),
        adopt: Some(webhook.clone()),
        again: object.was_made_before(),
    })
}
