//! An object without a webhook: whether one is made, taken over, or neither (R3, R4, R13).

use super::action::{Action, Hold, Plan, Waiting, open_account, whole};
use super::input::{Input, Journal, Object, Remote, Renamed, Sibling, Siblings};
use super::keep::lost_and_found;
use super::resolve::explains;
use super::{Board, Desired, Recorded, Wanted};
use crate::api::Mode;
use crate::twilio::{Webhook, WebhookSid};

/// The only way to a create: the account is proved, no sibling is about to make the same webhook, none like it hangs
/// on the conversation, and a slot is free.
pub(super) fn create(input: &Input<'_>, object: &Object, desired: &Desired) -> Action {
    if object.journal == Journal::Unreadable {
        return Action::Hold(Hold::JournalUnreadable);
    }
    if let Some(action) = open_account(input, object, true).or_else(|| whole(desired)) {
        return action;
    }
    let board = match input.remote {
        Remote::Unread if input.conversation.is_none() => return Action::Locate,
        Remote::Unread => return Action::List { fresh: false },
        Remote::NotFound => return conversation_not_found(input, object, desired),
        Remote::Listed { board, .. } => board,
    };
    let observing = object.mode == Mode::Observe;
    if !observing && let Some(action) = lost_and_found(input, object, board) {
        return action;
    }
    let (Siblings::Cached(siblings) | Siblings::Live(siblings)) = input.siblings else {
        return Action::ReadSiblings;
    };
    let siblings: Vec<&Sibling> = siblings.iter().filter(|sibling| sibling.uid != object.uid).collect();
    let past_configs = match &object.journal {
        Journal::Attempt(attempt) => attempt.carried(),
        Journal::Missing | Journal::Unreadable => Vec::new(),
    };
    // A webhook that was taken over and then disappeared is made again like any other.
    if let Some(hint) = object.hint.as_ref().filter(|hint| !object.record.lost.contains(hint)) {
        return take_over_hint(input, object, desired, (board, hint), &siblings, past_configs);
    }
    if let Some(first) = siblings.iter().find(|sibling| {
        sibling.open.as_ref().is_some_and(|open| open.adopt.is_none() && open.config.matches(&desired.config))
    }) {
        return Action::Wait(Waiting::Sibling(first.name.clone()));
    }
    match twin(board, desired, &past_configs, &siblings) {
        // The cache may not know yet that a sibling has it.
        Some(Twin { claimed_by: None, .. }) if matches!(input.siblings, Siblings::Cached(_)) => {
            return Action::ReadSiblings;
        }
        Some(Twin { webhook, claimed_by: None, more })
            if object.adopts_identical && webhook.config == desired.config =>
        {
            // Left out of the baseline, the others are reported beside it.
            let mut baseline = board.sids();
            baseline.retain(|sid| !more.contains(sid));
            return adopt(object, baseline, webhook, &siblings, past_configs);
        }
        Some(Twin { webhook, claimed_by: None, more }) if !desired.config.may_show_as(&webhook.config) => {
            return Action::Hold(Hold::LateTwin { webhook: webhook.sid.clone(), more });
        }
        Some(Twin { webhook, claimed_by, more }) => {
            let claimed_by = claimed_by.map(|sibling| sibling.name.clone());
            return Action::Hold(Hold::TwinExists { webhook: webhook.sid.clone(), claimed_by, more });
        }
        None => {}
    }
    if observing {
        return Action::Hold(Hold::NothingToObserve);
    }
    if board.is_full() {
        return Action::Hold(Hold::ConversationFull(board.sids()));
    }
    Action::Journal(Plan {
        baseline: board.sids(),
        past_configs,
        adopt: None,
        again: object.was_made_before(),
    })
}

/// A conversation that is not there may be there again under its unique name.
pub(super) fn conversation_not_found(input: &Input<'_>, object: &Object, desired: &Desired) -> Action {
    let known = object.record.conversation.as_ref();
    match (&desired.conversation, input.renamed) {
        (Wanted::UniqueName(_), Renamed::Unread) if known.is_some() => Action::LocateAgain,
        (Wanted::UniqueName(_), Renamed::Found(conversation)) if known != Some(conversation) => {
            Action::StartAnew(conversation.clone())
        }
        _ => Action::Hold(Hold::ConversationNotFound),
    }
}

/// The webhook that the spec names is taken over instead of creating one, whatever it does now.
fn take_over_hint(
    input: &Input<'_>,
    object: &Object,
    desired: &Desired,
    (board, hint): (&Board, &WebhookSid),
    siblings: &[&Sibling],
    past_configs: Vec<Recorded>,
) -> Action {
    let Some(webhook) = board.get(hint) else { return Action::Hold(Hold::HintMissing(hint.clone())) };
    if !matches!(input.siblings, Siblings::Live(_)) {
        return Action::ReadSiblings;
    }
    if let Some(owner) = claimant(siblings, hint) {
        return Action::Hold(Hold::AlreadyClaimed { webhook: hint.clone(), by: owner.name.clone() });
    }
    if webhook.config.target != desired.config.target {
        return Action::Hold(Hold::HintOfOtherTarget(hint.clone(), webhook.config.target));
    }
    adopt(object, board.sids(), webhook, siblings, past_configs)
}

/// R4: the intent is journalled, unless a sibling may have made the webhook or is taking it over.
fn adopt(
    object: &Object,
    baseline: Vec<WebhookSid>,
    webhook: &Webhook,
    siblings: &[&Sibling],
    past_configs: Vec<Recorded>,
) -> Action {
    let again = object.was_made_before();
    if let Some(rival) = siblings.iter().find(|sibling| explains(sibling, webhook)) {
        return Action::Wait(Waiting::Sibling(rival.name.clone()));
    }
    let adopt = Some(webhook.sid.clone());
    Action::Journal(Plan { baseline, past_configs, adopt, again })
}

/// A webhook that does what this object asks for, or once asked for.
struct Twin<'a> {
    webhook: &'a Webhook,
    claimed_by: Option<&'a Sibling>,
    /// The other ones that nobody claims.
    more: Vec<WebhookSid>,
}

fn claimant<'a>(siblings: &[&'a Sibling], webhook: &WebhookSid) -> Option<&'a Sibling> {
    siblings.iter().copied().find(|sibling| sibling.webhook.as_ref() == Some(webhook))
}

fn twin<'a>(
    board: &'a Board,
    desired: &Desired,
    past: &[Recorded],
    siblings: &[&'a Sibling],
) -> Option<Twin<'a>> {
    let alike = board.alike(|config| {
        desired.config.may_show_as(config) || past.iter().any(|recorded| recorded.may_show_as(config))
    });
    let (mut current, mut outdated, mut claimed) = (Vec::new(), Vec::new(), None);
    for webhook in alike {
        let is_current = desired.config.may_show_as(&webhook.config);
        match claimant(siblings, &webhook.sid) {
            None if is_current => current.push(webhook),
            None => outdated.push(webhook),
            // What this object once asked for may well be what a sibling asks for now.
            Some(sibling) if is_current => claimed = Some((webhook, sibling)),
            Some(_) => {}
        }
    }
    let mut free = current.into_iter().chain(outdated);
    if let Some(webhook) = free.next() {
        return Some(Twin { webhook, claimed_by: None, more: free.map(|other| other.sid.clone()).collect() });
    }
    claimed.map(|(webhook, sibling)| Twin { webhook, claimed_by: Some(sibling), more: Vec::new() })
}
