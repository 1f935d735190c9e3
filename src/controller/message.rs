//! What a user reads: one sentence per reason, in our own words, that names what is concerned and the next step.
//!
//! Messages are stable: no time, no counter, no request id, so that a repeated outcome changes nothing in status.

use super::error::Trouble;
use crate::api::Reason;
use crate::decide::{Hold, SLOTS, Settled, Unservable, Waiting};
use crate::lanes::{Closed, ClosedBy};
use crate::twilio::{ConversationSid, ErrorKind, WebhookSid};

/// The webhook is as written.
pub(super) fn available(webhook: &WebhookSid, conversation: &ConversationSid) -> String {
    format!("webhook {webhook} is on conversation {conversation} as written")
}

/// Why an object is held, and what to do about it.
pub(super) fn hold(hold: &Hold, conversation: &str) -> (Reason, String) {
    match hold {
        Hold::Unservable(unservable) => (Reason::InvalidConfiguration, unservable.to_string()),
        Hold::DeletionUnservable(unservable) => (
            Reason::DeletionBlocked,
            format!(
                "{}: take it out of the spec to have the webhook deleted, or set deletionPolicy: Retain to leave \
                 the webhook where it is",
                match unservable {
                    Unservable::NotServedYet(field) => format!("{field} is not served yet by this version of the operator"),
                    Unservable::Invalid(what) => (*what).to_owned(),
                }
            ),
        ),
        Hold::JournalUnreadable => (
            Reason::CreateAmbiguous,
            format!(
                "the annotation conversations.twilio-operator.dev/create-attempt was edited and cannot be read, so \
                 nobody knows whether a webhook was made: restore it, or remove it once you have seen that \
                 conversation {conversation} holds no webhook of this object"
            ),
        ),
        Hold::RestoredElsewhere => (
            Reason::RestoredElsewhere,
            "this object was restored from another cluster, whose operator may still serve its webhook: nothing is \
             done here; delete this object, which leaves the webhook alone, or create it anew without the \
             create-attempt annotation once it is gone there"
                .to_owned(),
        ),
        Hold::OwnerUnseen => (
            Reason::RestoredElsewhere,
            "the create-attempt annotation was written for another object, which is not in a namespace that this \
             operator serves: nothing is done here while that object may live; serve its namespace too, or remove the \
             annotation once you know that the object is gone and has left no webhook"
                .to_owned(),
        ),
        Hold::AccountMismatch { opens, needs } => (
            Reason::AccountMismatch,
            format!(
                "the Secret opens account {} in region {}, but the webhook belongs to account {} in region {}: give \
                 the Secret credentials of the latter, or delete this object under them and create a new one",
                opens.0, opens.1, needs.0, needs.1
            ),
        ),
        Hold::ConversationNotFound => (
            Reason::ConversationNotFound,
            format!(
                "the account has no conversation {conversation}: check the spec's conversation and chatServiceSid; \
                 both are immutable, so delete this object and create it with the right ones"
            ),
        ),
        Hold::WebhookMissing(webhook) => (
            Reason::WebhookMissing,
            format!(
                "webhook {webhook} was removed from conversation {conversation} by somebody else; it is not made \
                 again by this version of the operator: delete this object and create it anew to have it back"
            ),
        ),
        Hold::NotTakenOver(webhook) => (
            Reason::InvalidConfiguration,
            format!(
                "Twilio accepts the spec for webhook {webhook} and still reports another configuration, as it does where \
                 a list was emptied: delete this object and create it anew"
            ),
        ),
        Hold::ConversationFull(webhooks) => (
            Reason::ConversationFull,
            format!(
                "conversation {conversation} holds {SLOTS} webhooks, Twilio's limit: {}; remove one, or use a \
                 service-level webhook",
                list(webhooks)
            ),
        ),
        Hold::TwinExists { webhook, claimed_by: Some(owner) } => (
            Reason::TwinExists,
            format!(
                "webhook {webhook} of {owner} on conversation {conversation} does exactly the same: a second one \
                 would answer every event twice; delete one of the two objects"
            ),
        ),
        Hold::TwinExists { webhook, claimed_by: None } => (
            Reason::TwinExists,
            format!(
                "webhook {webhook} on conversation {conversation} does exactly the same and belongs to no object: a \
                 second one would answer every event twice; delete it at Twilio"
            ),
        ),
        Hold::Ambiguous(webhooks) => (
            Reason::CreateAmbiguous,
            format!(
                "the reply to a create on conversation {conversation} was lost, and each of these webhooks may be \
                 what it made: {}; delete at Twilio those that are not wanted",
                list(webhooks)
            ),
        ),
    }
}

/// Why the outcome of a create is not known yet.
pub(super) fn waiting(waiting: &Waiting, conversation: &str) -> String {
    match waiting {
        Waiting::Window => format!(
            "the outcome of a create on conversation {conversation} is not known: it is looked for once everything \
             that may be under way has arrived"
        ),
        Waiting::Sibling(name) => format!(
            "{name} has a create on conversation {conversation} whose outcome is open and may concern this object's \
             webhook: it waits for that"
        ),
    }
}

/// Why a pass did not finish.
pub(super) fn trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::SecretMissing(secret) => {
            format!(
                "Secret {secret} does not exist: create it with TWILIO_ACCOUNT_SID and the account's credentials"
            )
        }
        Trouble::SecretForbidden(secret) => format!(
            "the operator may not read Secret {secret}: name it as the chart's secretAccess.names says, or extend \
             the operator's RBAC"
        ),
        Trouble::SecretInvalid { secret, source } => format!("Secret {secret}: {source}"),
        Trouble::Twilio(error) => twilio(error),
        Trouble::Lane(Closed { why, .. }) => match why {
            ClosedBy::NoAnswer => "Twilio did not answer the account's last requests; tried again when it does",
            ClosedBy::RateLimited => {
                "Twilio limits the account's requests and asked to wait; tried again after that"
            }
            ClosedBy::RetryBudget => {
                "too many of the account's last requests to Twilio failed to repeat this one at once; tried again"
            }
        }
        .to_owned(),
        // These have no reason, so that nobody reads this.
        Trouble::Kubernetes(_) | Trouble::Rotated | Trouble::Stopping | Trouble::Internal(_) => {
            trouble.to_string()
        }
    }
}

fn twilio(error: &crate::twilio::Error) -> String {
    let operation = error.operation();
    let said = match (error.code(), error.status()) {
        (Some(code), _) => format!("Twilio error {code} on {operation}"),
        (None, Some(status)) => format!("HTTP status {status} on {operation}"),
        (None, None) => format!("{operation}"),
    };
    match error.kind() {
        ErrorKind::Credentials => format!(
            "Twilio refuses the credentials ({said}): check that the Secret's key is active, belongs to \
             TWILIO_ACCOUNT_SID, and may read and configure Conversations webhooks"
        ),
        ErrorKind::AccountForbidden => format!(
            "Twilio forbids the account this ({said}): it may be suspended, or these may be test credentials"
        ),
        ErrorKind::ForeignAccount => format!(
            "{error}: the Secret's key belongs to another account than its TWILIO_ACCOUNT_SID says; correct one of them"
        ),
        ErrorKind::NotFound(_) => format!(
            "Twilio does not know the conversation or its service ({said}): check conversationSid, \
             conversationUniqueName and chatServiceSid"
        ),
        ErrorKind::ConversationDeleting => format!("the conversation is being deleted ({said})"),
        ErrorKind::ConversationClosed => {
            format!(
                "the conversation is closed for good ({said}): its webhooks fire no more; delete this object"
            )
        }
        ErrorKind::ConversationFull => format!(
            "the conversation holds {SLOTS} webhooks, Twilio's limit ({said}): remove one, or use a service-level webhook"
        ),
        ErrorKind::InvalidConfiguration => {
            format!(
                "Twilio refuses the webhook as written ({said}): https://www.twilio.com/docs/api/errors says why; correct the spec"
            )
        }
        ErrorKind::RegionUnsupported => {
            format!("the region in the Secret does not offer Conversations ({said}): correct TWILIO_REGION")
        }
        ErrorKind::RateLimited => format!("Twilio limits the account's requests ({said}); tried again"),
        ErrorKind::ConversationBusy => format!("the conversation is being changed ({said}); tried again"),
        ErrorKind::Unavailable => format!("Twilio did not answer ({said}); tried again"),
        ErrorKind::CertificateNotTrusted => format!(
            "the certificate of Twilio's host is not trusted ({said}): where a proxy stands in between, give the \
             operator its CA with --twilio-ca-bundle"
        ),
        ErrorKind::UnexpectedReply => {
            format!("what answered is not Twilio's API ({said}): look for a proxy in between; tried again")
        }
    }
}

/// Why an attempt closed without a webhook, for the log.
pub(super) fn settled(because: Settled) -> &'static str {
    match because {
        Settled::NotSent => "the create was not sent",
        Settled::NotCreated => "Twilio did not make the webhook",
        Settled::ProvedAbsent => "the create is proved not to have made a webhook",
        Settled::Copied => "the annotation was copied from a living object",
    }
}

fn list(webhooks: &[WebhookSid]) -> String {
    webhooks.iter().map(WebhookSid::as_str).collect::<Vec<_>>().join(", ")
}
