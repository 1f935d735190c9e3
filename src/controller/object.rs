//! From the object as the API server has it to what decisions depend on.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use secrecy::{ExposeSecret, SecretString};

use crate::api::{
    ABANDON_ANNOTATION, ATTEMPT_ANNOTATION, AdoptionPolicy, CONFIRM_RESTORE_ANNOTATION, CONVERSATION_LABEL,
    ConditionType, ConversationWebhook, ConversationWebhookSpec, ConversationWebhookStatus, DeletionPolicy,
    FINALIZER, RECONCILE_ANNOTATION, RESOLVE_ANNOTATION, Reason, RecreatePolicy, Target,
};
use crate::decide::{Address, Answers, Attempt, Desired, Journal, Object, Record, Resolution, Sibling};
use crate::twilio::ConversationSid;

/// What `status.lastHandledReconcileAt` can hold.
const MAX_REQUEST: usize = 256;

/// The part of an object that decisions depend on, with the address that was read from the Secret that it names.
pub(super) fn view(object: &ConversationWebhook, address: Option<&SecretString>) -> Object {
    let spec = &object.spec;
    Object {
        uid: object.uid().unwrap_or_default(),
        name: full_name(object),
        generation: object.metadata.generation.unwrap_or_default(),
        deleting: object.metadata.deletion_timestamp.is_some(),
        finalizer: object.finalizers().iter().any(|finalizer| finalizer == FINALIZER),
        label: object.labels().get(CONVERSATION_LABEL).and_then(|label| label.parse().ok()),
        desired: Desired::from_spec(spec, address.map(ExposeSecret::expose_secret)),
        retain: spec.deletion_policy == DeletionPolicy::Retain,
        mode: spec.mode,
        adopts_identical: spec.adoption_policy == AdoptionPolicy::IfIdentical,
        recreates: recreates(spec),
        hint: spec.webhook_sid.clone(),
        answers: answers(object.annotations()),
        journal: journal(object.annotations()),
        record: object.status.as_ref().map(record).unwrap_or_default(),
    }
}

/// Studio adds and removes its webhooks itself; whoever wants one of those back says so.
fn recreates(spec: &ConversationWebhookSpec) -> bool {
    match spec.recreate_policy {
        Some(policy) => policy == RecreatePolicy::Recreate,
        None => spec.target != Target::Studio,
    }
}

fn answers(annotations: &BTreeMap<String, String>) -> Answers {
    let said = |annotation: &str| annotations.get(annotation).map(|text| text.trim().to_owned());
    Answers {
        resolve: annotations.get(RESOLVE_ANNOTATION).and_then(|text| Resolution::parse(text)),
        abandon: said(ABANDON_ANNOTATION),
        confirm_restore: said(CONFIRM_RESTORE_ANNOTATION),
    }
}

/// Why an object is Ready, or is not.
pub(super) fn ready_reason(status: &ConversationWebhookStatus) -> Option<&str> {
    let ready =
        status.conditions.iter().find(|condition| condition.type_ == ConditionType::Ready.as_str())?;
    Some(&ready.reason)
}

/// Whether there may be a second webhook beside the one that the object bears.
pub(super) fn is_doubled(status: &ConversationWebhookStatus) -> bool {
    let is_stalled = |condition: &Condition| {
        condition.type_ == ConditionType::Stalled.as_str() && condition.reason == Reason::TwinExists.as_str()
    };
    status.webhook_sid.is_some() && status.conditions.iter().any(is_stalled)
}

/// Whether the object is on a conversation, by status or label.
pub(super) fn is_on(object: &ConversationWebhook, conversation: &ConversationSid) -> bool {
    let recorded = object.status.as_ref().and_then(|status| status.conversation_sid.as_ref());
    let label = object.labels().get(CONVERSATION_LABEL);
    recorded == Some(conversation) || label.is_some_and(|label| label == conversation.as_str())
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
        lost: status.lost_sids.clone(),
        mass_change: ready_reason(status) == Some(Reason::MassChangeHold.as_str()),
        refused: ready_reason(status) == Some(Reason::InvalidConfiguration.as_str()),
    }
}

/// Another object, as a sibling on the same conversation.
pub(super) fn sibling(object: &ConversationWebhook) -> Sibling {
    let object = view(object, None);
    let as_journalled = object.open_attempt().is_some_and(|open| object.is_as_journalled(open));
    let Object { uid, name, desired, record, journal, answers, .. } = object;
    let open = journal.open(record.webhook.as_ref(), record.settled_attempt.as_deref()).cloned();
    // Without its address a configuration matches nothing, and would rule out what may well be the sibling's.
    let desired = desired.ok().filter(|desired| desired.address != Address::Unread);
    let answer = answers
        .resolve
        .filter(|answer| open.as_ref().is_some_and(|open| open.id == answer.attempt))
        .and_then(|answer| answer.made);
    Sibling { uid, name, webhook: record.webhook, open, desired, as_journalled, answer }
}
