//! An object that vanished with an open attempt (R18): the API server may carry out a delete that it decided on just before
//! the journal was written, or a hand may take the finalizer off.
//!
//! Nothing can be written down any more. What the attempt made is found as for an object that is being deleted, and deleted.

use super::action::Action;
use super::input::{Input, Object, Siblings};
use super::resolve::resolve;

/// The next step for what is left of an object, as it last was.
pub(super) fn clean_up(input: &Input<'_>, object: &Object) -> Action {
    let Some(attempt) = object.open_attempt() else { return Action::Rest };
    // What was to stay, stays. Whatever another cluster's attempt made is that cluster's, and what was to be taken over is
    // somebody else's.
    if object.leaves_all_behind() || object.is_elsewhere(attempt, input.cluster) || attempt.adopt.is_some() {
        return Action::Rest;
    }
    if let Siblings::Live(siblings) = input.siblings {
        // It is still there, or was brought back: then it finds out itself.
        let is_borne = siblings.iter().any(|sibling| {
            sibling.uid == object.uid || sibling.open.as_ref().is_some_and(|open| open.id == attempt.id)
        });
        if is_borne {
            return Action::Rest;
        }
    }
    match resolve(input, object, attempt) {
        Action::Record { webhook, .. } => Action::Compensate(webhook),
        Action::Settle { .. } => Action::Rest,
        action => action,
    }
}
