//! From the object as the API server has it to what decisions depend on.

use std::collections::BTreeMap;

use kube::ResourceExt;
use kube::core::DeserializeGuard;

use crate::api::{
    ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConversationWebhook, ConversationWebhookStatus, DeletionPolicy,
    FINALIZER, RECONCILE_ANNOTATION,
};
use crate::decide::{Attempt, Desired, Journal, Object, Record, Sibling};

/// What `status.lastHandledReconcileAt` can hold.
const MAX_REQUEST: usize = 256;

/// The kind as it is watched, read and written: one object that cannot be decoded must not fail the others.
pub(super) type Guarded = DeserializeGuard<ConversationWebhook>;

/// The part of an object that decisions depend on.
pub(super) fn view(object: &ConversationWebhook) -> Object {
    Object {
        uid: object.uid().unwrap_or_default(),
        name: full_name(object),
        generation: object.metadata.generation.unwrap_or_default(),
        deleting: object.metadata.deletion_timestamp.is_some(),
        finalizer: object.finalizers().iter().any(|finalizer| finalizer == FINALIZER),
        label: object.labels().get(CONVERSATION_LABEL).and_then(|label| label.parse().ok()),
        desired: Desired::from_spec(&object.spec),
        retain: object.spec.deletion_policy == DeletionPolicy::Retain,
        journal: journal(object.annotations()),
        record: object.status.as_ref().map(record).unwrap_or_default(),
    }
}

/// The value by which a user asks for an immediate pass, where no pass acted on it yet. Status holds
/// [`MAX_REQUEST`] characters of it.
pub(super) fn requested(object: &ConversationWebhook) -> Option<String> {
    let asked: String = object.annotations().get(RECONCILE_ANNOTATION)?.chars().take(MAX_REQUEST).collect();
    let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
    (handled != Some(&asked)).then_some(asked)
}

/// `namespace/name`.
pub(super) fn full_name(object: &impl ResourceExt) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

pub(super) fn journal(annotations: &BTreeMap<String, String>) -> Journal {
    match annotations.get(ATTEMPT_ANNOTATION).map(|text| Attempt::parse(text)) {
        None => Journal::Missing,
        Some(Ok(attempt)) => Journal::Attempt(Box::new(attempt)),
        Some(Err(_)) => Journal::Unreadable,
    }
}

fn record(status: &ConversationWebhookStatus) -> Record {
    Record {
        webhook: status.webhook_sid.clone(),
        settled_attempt: status.settled_attempt.clone(),
        account: status.account_sid.clone(),
        region: status.region.clone(),
        conversation: status.conversation_sid.clone(),
        provenance: status.provenance,
        observed_generation: status.observed_generation,
    }
}

/// Another object, as a sibling on the same conversation.
pub(super) fn sibling(object: &ConversationWebhook) -> Sibling {
    let Object { uid, name, desired, record, journal, .. } = view(object);
    let open = journal.open(record.webhook.as_ref(), record.settled_attempt.as_deref()).cloned();
    Sibling { uid, name, webhook: record.webhook, open, desired: desired.ok() }
}
