//! What a user reads of an object that is held: one reason and one text each.

use super::{Subject, list, mismatch, suspended};
use crate::api::{
    ABANDON_ANNOTATION, ATTEMPT_ANNOTATION, CONFIRM_RESTORE_ANNOTATION, RECONCILE_ANNOTATION,
    RESOLVE_ANNOTATION, Reason,
};
use crate::decide::{Hold, SLOTS};
use crate::twilio::WebhookSid;

/// The reason for conditions of an object that is held.
pub(in crate::controller) fn reason(hold: &Hold) -> Reason {
    match hold {
        Hold::Unservable(_) | Hold::HintOfOtherTarget(..) | Hold::NotTakenOver(_) => {
            Reason::InvalidConfiguration
        }
        Hold::JournalUnreadable | Hold::Ambiguous { .. } => Reason::CreateAmbiguous,
        Hold::RestoredElsewhere | Hold::OwnerUnseen { .. } => Reason::RestoredElsewhere,
        Hold::AccountMismatch { .. } => Reason::AccountMismatch,
        Hold::ConversationNotFound => Reason::ConversationNotFound,
        Hold::WebhookMissing(_) | Hold::NothingToObserve | Hold::HintMissing(_) => Reason::WebhookMissing,
        Hold::AlreadyClaimed { .. } => Reason::AlreadyClaimed,
        Hold::Drifted(_) => Reason::Drifted,
        Hold::Contended { .. } => Reason::Contended,
        Hold::MassChange(_) => Reason::MassChangeHold,
        Hold::Suspended => Reason::Suspended,
        Hold::ConversationFull(_) => Reason::ConversationFull,
        Hold::TwinExists { .. } | Hold::LateTwin { .. } | Hold::Double { .. } => Reason::TwinExists,
    }
}

/// Why an object is held, and what to do about it.
#[expect(clippy::too_many_lines, reason = "one text after the other")]
pub(in crate::controller) fn hold(hold: &Hold, subject: &Subject<'_>) -> String {
    let conversation = &subject.conversation;
    match hold {
        Hold::Unservable(unservable) => format!("{unservable}; see {}", subject.kubectl("edit")),
        Hold::JournalUnreadable => format!(
            "the annotation {ATTEMPT_ANNOTATION} was edited and cannot be read, so nobody knows whether a webhook was \
             made: restore it; or, once you have seen that conversation {conversation} holds no webhook of this object, \
             remove it with 'kubectl -n {} annotate cw {} {ATTEMPT_ANNOTATION}-'",
            subject.namespace, subject.name
        ),
        Hold::RestoredElsewhere => format!(
            "this object was restored from another cluster, whose operator may still serve its webhook: nothing is \
             done here; if it belongs there, delete it here, which leaves the webhook alone: {}; if it has moved here for \
             good and is gone there: {}",
            subject.kubectl("delete"),
            subject.annotate(CONFIRM_RESTORE_ANNOTATION, subject.uid)
        ),
        Hold::OwnerUnseen { attempt } => format!(
            "the create-attempt annotation was written for another object, which is not in a namespace that this \
             operator serves: nothing is done here while that object may live; serve its namespace too; or delete this object \
             and let it go without what the attempt made, which may be the other's: {}; or, once you know that the other is \
             gone: {}",
            subject.annotate(ABANDON_ANNOTATION, attempt),
            subject.annotate(CONFIRM_RESTORE_ANNOTATION, subject.uid)
        ),
        Hold::AccountMismatch { opens, needs } => {
            format!(
                "{}, or delete this object under them and create a new one",
                mismatch(opens, needs, subject)
            )
        }
        Hold::ConversationNotFound => format!(
            "the account has no conversation {conversation}: check the spec's conversation and chatServiceSid; \
             both are immutable, so delete this object and create it with the right ones: {}",
            subject.kubectl("delete")
        ),
        Hold::WebhookMissing(webhook) if subject.observing => format!(
            "webhook {webhook} was removed from conversation {conversation} by somebody else, and mode Observe makes none: \
             set mode: Apply to have it back ({}), or delete the object",
            subject.kubectl("edit")
        ),
        Hold::WebhookMissing(webhook) => format!(
            "webhook {webhook} was removed from conversation {conversation} by somebody else, and the object says not to \
             make it again: set recreatePolicy: Recreate to have it back ({}), or delete the object",
            subject.kubectl("edit")
        ),
        Hold::NothingToObserve => format!(
            "conversation {conversation} has no webhook of this object, and mode Observe makes none: name one with \
             webhookSid, or set mode: Apply ({})",
            subject.kubectl("edit")
        ),
        Hold::HintMissing(webhook) => format!(
            "webhook {webhook}, which webhookSid names, is not on conversation {conversation}: correct it, or take it out \
             to have one made ({})",
            subject.kubectl("edit")
        ),
        Hold::HintOfOtherTarget(webhook, target) => format!(
            "webhook {webhook}, which webhookSid names, has target {}, which cannot be changed: correct webhookSid ({}), or \
             create the object with that target",
            target.as_str(),
            subject.kubectl("edit")
        ),
        Hold::AlreadyClaimed { webhook, by } => format!(
            "webhook {webhook} belongs to {by} already: take it out of this object ({}), or delete that one",
            subject.kubectl("edit")
        ),
        Hold::Drifted(webhook) => format!(
            "webhook {webhook} on conversation {conversation} is not as written, and mode Observe changes nothing: set \
             mode: Apply to have it corrected ({})",
            subject.kubectl("edit")
        ),
        Hold::Contended { webhook, gone } => format!(
            "webhook {webhook} on conversation {conversation} was {} for the third time within a day, and is not put right \
             again: find out who else is at work there (another operator or cluster, a script, Studio, Flex), then: {}",
            if *gone { "removed" } else { "changed" },
            subject.ask()
        ),
        Hold::MassChange(webhook) => format!(
            "webhook {webhook} is gone from conversation {conversation} together with many of the account's, and none is \
             made again unasked: if they are to come back: {}; for all of the namespace: \
             'kubectl -n {} annotate cw --all --overwrite {RECONCILE_ANNOTATION}=\"$(date -Is)\"'",
            subject.ask(),
            subject.namespace
        ),
        Hold::Suspended => suspended(subject),
        Hold::NotTakenOver(webhook) => format!(
            "Twilio accepts the spec for webhook {webhook} and still reports another configuration, as it does where \
             a list was emptied: delete this object and create it anew: {}",
            subject.kubectl("delete")
        ),
        Hold::ConversationFull(webhooks) => format!(
            "conversation {conversation} holds {SLOTS} webhooks, Twilio's limit: {}; remove one, or use a \
             service-level webhook; those of objects: 'kubectl get cw -A -l \
             conversations.twilio-operator.dev/conversation={conversation}'",
            list(webhooks)
        ),
        Hold::TwinExists { webhook, claimed_by: Some(owner), .. } => format!(
            "webhook {webhook} of {owner} on conversation {conversation} does exactly the same: a second one \
             would answer every event twice; delete one of the two objects, this one with {}",
            subject.kubectl("delete")
        ),
        Hold::TwinExists { webhook, claimed_by: None, more } => format!(
            "webhook {webhook} on conversation {conversation} does exactly the same and belongs to no object: a \
             second one would answer every event twice; delete it at Twilio, or take it over with webhookSid: {webhook} \
             ({}){}",
            subject.kubectl("edit"),
            too(more)
        ),
        Hold::Double { webhook, others } => format!(
            "webhook {other} on conversation {conversation} does the same as {webhook}, or what this object once asked for, \
             came after it was asked for, and belongs to no object: it may be a second one, from a create whose reply was \
             lost; every event may be answered twice; delete {other} at Twilio if nobody needs it, or give it an object of \
             its own with webhookSid: {other}{}",
            too(others.get(1..).unwrap_or_default()),
            other = others.first().map_or("WH...", WebhookSid::as_str),
        ),
        Hold::LateTwin { webhook, more } => format!(
            "webhook {webhook} on conversation {conversation} does what this object asked for before it was edited, and \
             belongs to no object: it may be what an earlier create made after all; delete it at Twilio, or take it over \
             with webhookSid: {webhook} ({}){}",
            subject.kubectl("edit"),
            too(more)
        ),
        Hold::Ambiguous { attempt, candidates } => format!(
            "the reply to a create on conversation {conversation} was lost, and each of these webhooks may be \
             what it made: {}; look at them at Twilio, then name the one that is this object's: {}, or none of them: \
             '... {RESOLVE_ANNOTATION}={attempt}=none'",
            list(candidates),
            subject.annotate(
                RESOLVE_ANNOTATION,
                &format!("{attempt}={}", candidates.first().map_or("WH...", WebhookSid::as_str))
            )
        ),
    }
}

/// Further webhooks that the same was said of.
fn too(webhooks: &[WebhookSid]) -> String {
    match webhooks {
        [] => String::new(),
        more => format!("; look at {} too, of which the same is true", list(more)),
    }
}
