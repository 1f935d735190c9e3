//! An object that is being deleted: first the open attempt, then the webhooks, then the finalizer (R15).

use super::action::{Action, Hold, open_account};
use super::input::{Input, Journal, Kind, Object, Remote, Reply};
use super::keep::lost_and_found;
use super::resolve::resolve;
use crate::api::Mode;

pub(super) fn delete(input: &Input<'_>, object: &Object) -> Action {
    if !object.finalizer {
        return Action::Rest;
    }
    if object.is_abandoned() {
        return Action::ReleaseFinalizer;
    }
    match object.open_attempt() {
        // Whatever it made is the other cluster's to keep or to delete.
        Some(attempt) if object.is_elsewhere(attempt, input.cluster) => return Action::ReleaseFinalizer,
        Some(attempt) => return resolve(input, object, attempt),
        None => {}
    }
    if object.record.webhook.is_none() && object.journal == Journal::Unreadable {
        return Action::Hold(Hold::JournalUnreadable);
    }
    let made_nothing = object.record.webhook.is_none() && object.record.lost.is_empty();
    if made_nothing || object.retain || object.mode == Mode::Observe {
        return Action::ReleaseFinalizer;
    }
    match input.kind {
        Kind::Unread => return Action::ReadKind,
        // Uninstalling must not unplug every bot.
        Kind::Leaves => return Action::ReleaseFinalizer,
        Kind::Stays => {}
    }
    if let Some(action) = clear_lost(input, object) {
        return action;
    }
    let Some(webhook) = &object.record.webhook else { return Action::ReleaseFinalizer };
    match input.removal {
        Reply::None => open_account(input, object, false).unwrap_or_else(|| Action::Delete(webhook.clone())),
        Reply::Done | Reply::Differs => Action::ReleaseFinalizer,
        Reply::NotFound => open_account(input, object, true).unwrap_or(Action::ReleaseFinalizer),
    }
}

/// Webhooks of the object that were verified absent may be back by now.
fn clear_lost(input: &Input<'_>, object: &Object) -> Option<Action> {
    if object.record.lost.is_empty() || input.conversation.is_none() {
        return None;
    }
    if let Some(action) = open_account(input, object, false) {
        return Some(action);
    }
    match input.remote {
        Remote::Unread | Remote::Listed { fresh: false, .. } => Some(Action::List { fresh: true }),
        // A conversation takes its webhooks with it.
        Remote::NotFound => open_account(input, object, true),
        Remote::Listed { board, fresh: true } => lost_and_found(input, object, board),
    }
}
