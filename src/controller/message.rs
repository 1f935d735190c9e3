//! What a user reads: per reason, in our own words, what is concerned and the next step, as a command where there is
//! one.
//!
//! Messages are stable: no time, no counter, no request id, so that a repeated outcome changes nothing in status.

use super::error::{AddressFault, Trouble};
use super::secrets::SecretName;
use crate::api::{
    ABANDON_ANNOTATION, ATTEMPT_ANNOTATION, CONFIRM_RESTORE_ANNOTATION, RECONCILE_ANNOTATION,
    RESOLVE_ANNOTATION, Reason,
};
use crate::decide::{Hold, Object, SLOTS, Settled, Waiting};
use crate::lanes::{Closed, ClosedBy};
use crate::twilio::{AccountSid, ConversationSid, ErrorKind, WebhookSid};

/// What to do about a Secret that the operator may not read.
const FORBIDDEN: &str = "name it as the chart's secretAccess.names says, or extend the operator's RBAC";

/// The object that a message is about.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    /// Its namespace.
    pub(super) namespace: &'a str,
    /// Its name.
    pub(super) name: &'a str,
    /// Its uid.
    pub(super) uid: &'a str,
    /// The Secret with its credentials.
    pub(super) secret: &'a SecretName,
    /// The conversation: a SID, or a unique name in quotes.
    pub(super) conversation: String,
    /// Mode Observe: it is said what is wrong, and nothing is done about it.
    pub(super) observing: bool,
}

impl Subject<'_> {
    /// `kubectl` with this verb on the object.
    fn kubectl(&self, verb: &str) -> String {
        format!("'kubectl -n {} {verb} cw {}'", self.namespace, self.name)
    }

    /// The command that gives the object an annotation.
    fn annotate(&self, annotation: &str, value: &str) -> String {
        format!("'kubectl -n {} annotate cw {} --overwrite {annotation}={value}'", self.namespace, self.name)
    }

    /// The command that has the object looked at now.
    fn ask(&self) -> String {
        self.annotate(RECONCILE_ANNOTATION, "\"$(date -Is)\"")
    }
}

/// The webhook is as written.
pub(super) fn available(webhook: &WebhookSid, conversation: &ConversationSid) -> String {
    format!("webhook {webhook} is on conversation {conversation} as written")
}

/// The webhook is verified absent and made again.
pub(super) fn made_again(webhook: &WebhookSid, conversation: &str) -> String {
    format!(
        "webhook {webhook} was removed from conversation {conversation} by somebody else: it is made again, without replay"
    )
}

/// The unique name means another conversation by now.
pub(super) fn conversation_replaced(now: &ConversationSid, before: &str) -> String {
    format!(
        "conversation {before} is gone and {now} bears its unique name: the webhook is made anew there, without replay"
    )
}

/// Mode Suspended.
pub(super) fn suspended(subject: &Subject<'_>) -> String {
    format!(
        "mode is Suspended: Twilio is not called, what is there stays as it is; go on with 'kubectl -n {} patch cw {} \
         --type=merge -p \"spec: {{mode: Apply}}\"'",
        subject.namespace, subject.name
    )
}

/// The reason for conditions of an object that is held.
pub(super) fn reason(hold: &Hold) -> Reason {
    match hold {
        Hold::Unservable(_) | Hold::HintOfOtherTarget(..) | Hold::NotTakenOver(_) => {
            Reason::InvalidConfiguration
        }
        Hold::JournalUnreadable | Hold::Ambiguous { .. } => Reason::CreateAmbiguous,
        Hold::RestoredElsewhere | Hold::OwnerUnseen => Reason::RestoredElsewhere,
        Hold::AccountMismatch { .. } => Reason::AccountMismatch,
        Hold::ConversationNotFound => Reason::ConversationNotFound,
        Hold::WebhookMissing(_) | Hold::NothingToObserve | Hold::HintMissing(_) => Reason::WebhookMissing,
        Hold::AlreadyClaimed { .. } => Reason::AlreadyClaimed,
        Hold::Drifted(_) => Reason::Drifted,
        Hold::Contended { .. } => Reason::Contended,
        Hold::MassChange(_) => Reason::MassChangeHold,
        Hold::Suspended => Reason::Suspended,
        Hold::ConversationFull(_) => Reason::ConversationFull,
        Hold::TwinExists { .. } | Hold::LateTwin(_) => Reason::TwinExists,
    }
}

/// Why an object is held, and what to do about it.
#[expect(clippy::too_many_lines, reason = "one text after the other")]
pub(super) fn hold(hold: &Hold, subject: &Subject<'_>) -> String {
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
        Hold::OwnerUnseen => format!(
            "the create-attempt annotation was written for another object, which is not in a namespace that this \
             operator serves: nothing is done here while that object may live; serve its namespace too, or, once you know \
             that it is gone: {}",
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
        Hold::TwinExists { webhook, claimed_by: Some(owner) } => format!(
            "webhook {webhook} of {owner} on conversation {conversation} does exactly the same: a second one \
             would answer every event twice; delete one of the two objects, this one with {}",
            subject.kubectl("delete")
        ),
        Hold::TwinExists { webhook, claimed_by: None } => format!(
            "webhook {webhook} on conversation {conversation} does exactly the same and belongs to no object: a \
             second one would answer every event twice; delete it at Twilio, or take it over with webhookSid: {webhook} ({})",
            subject.kubectl("edit")
        ),
        Hold::LateTwin(webhook) => format!(
            "webhook {webhook} on conversation {conversation} does what this object asked for before it was edited, and \
             belongs to no object: it may be what an earlier create made after all; delete it at Twilio, or take it over \
             with webhookSid: {webhook} ({})",
            subject.kubectl("edit")
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

/// Which account the Secret opens, which one is needed, and the way to put that right.
pub(super) fn mismatch(
    opens: &(AccountSid, String),
    needs: &(AccountSid, String),
    subject: &Subject<'_>,
) -> String {
    format!(
        "Secret {} opens account {} in region {}, but the webhook belongs to account {} in region {}: give \
         the Secret credentials of the latter",
        subject.secret, opens.0, opens.1, needs.0, needs.1
    )
}

/// Why a deletion does not go on, and how to let the object go.
pub(super) fn deletion_blocked(why: &str, object: &Object, subject: &Subject<'_>) -> String {
    let (what, named) = match (&object.record.webhook, object.open_attempt(), object.record.lost.last()) {
        (Some(webhook), ..) => ("the webhook", webhook.as_str()),
        (None, Some(attempt), _) => ("what a create made", attempt.id.as_str()),
        (None, None, lost) => ("a webhook that was missing", lost.map_or("", WebhookSid::as_str)),
    };
    format!(
        "{what} cannot be deleted at Twilio: {why}; to leave it there and let the object go: {}",
        subject.annotate(ABANDON_ANNOTATION, named)
    )
}

/// Why the outcome of a create is not known yet.
pub(super) fn waiting(waiting: &Waiting, subject: &Subject<'_>) -> String {
    let conversation = &subject.conversation;
    match waiting {
        Waiting::Window => format!(
            "the outcome of a create on conversation {conversation} is not known: it is looked for once everything \
             that may be under way has arrived"
        ),
        Waiting::Sibling(name) => format!(
            "{name} has a create on conversation {conversation} whose outcome is open and may concern this object's \
             webhook: it waits for that; if that takes more than some minutes, see the other's {RESOLVE_ANNOTATION} in \
             docs/troubleshooting.md"
        ),
    }
}

/// Why a pass did not finish.
pub(super) fn trouble(trouble: &Trouble, subject: &Subject<'_>) -> String {
    match trouble {
        Trouble::SecretMissing(secret) => {
            format!(
                "Secret {secret} does not exist: create it with TWILIO_ACCOUNT_SID and the account's credentials: \
                 'kubectl -n {} create secret generic {} --from-literal=TWILIO_ACCOUNT_SID=AC... \
                 --from-literal=TWILIO_API_KEY=SK... --from-literal=TWILIO_API_SECRET=...'",
                subject.namespace,
                bare(secret)
            )
        }
        Trouble::SecretForbidden(secret) => format!("the operator may not read Secret {secret}: {FORBIDDEN}"),
        Trouble::SecretInvalid { secret, source } => {
            format!("Secret {secret}: {source}; see {}", describe_secret(subject, secret))
        }
        Trouble::Address { secret, key, fault } => {
            let next = match fault {
                AddressFault::SecretMissing => format!(
                    "create it: 'kubectl -n {} create secret generic {} --from-literal={key}=https://...'",
                    subject.namespace,
                    bare(secret)
                ),
                AddressFault::SecretForbidden => FORBIDDEN.to_owned(),
                AddressFault::KeyMissing | AddressFault::Malformed => {
                    format!("put it right; see {}", describe_secret(subject, secret))
                }
            };
            format!("configuration.urlFrom names key {key} of Secret {secret}, and {fault}: {next}")
        }
        Trouble::Twilio(error) => twilio(error, subject),
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
        Trouble::Kubernetes(_)
        | Trouble::Rotated
        | Trouble::Crowded
        | Trouble::Stopping
        | Trouble::Internal(_) => trouble.to_string(),
    }
}

/// The command that shows names and sizes of a Secret's keys.
fn describe_secret(subject: &Subject<'_>, secret: &str) -> String {
    format!("'kubectl -n {} describe secret {}'", subject.namespace, bare(secret))
}

/// A Secret's name without its namespace.
fn bare(secret: &str) -> &str {
    secret.rsplit('/').next().unwrap_or(secret)
}

fn twilio(error: &crate::twilio::Error, subject: &Subject<'_>) -> String {
    let operation = error.operation();
    let said = match (error.code(), error.status()) {
        (Some(code), _) => format!("Twilio error {code} on {operation}"),
        (None, Some(status)) => format!("HTTP status {status} on {operation}"),
        (None, None) => format!("{operation}"),
    };
    let conversation = &subject.conversation;
    match error.kind() {
        ErrorKind::Credentials => format!(
            "Twilio refuses the credentials ({said}): check that the Secret's key is active, belongs to \
             TWILIO_ACCOUNT_SID, and may read and configure Conversations webhooks; once Secret {} is corrected, it is read \
             again within 30 s",
            subject.secret
        ),
        ErrorKind::AccountForbidden => format!(
            "Twilio forbids the account this ({said}): look in Twilio's console whether it is suspended; where these are \
             test credentials, give Secret {} live ones",
            subject.secret
        ),
        ErrorKind::ForeignAccount => format!(
            "{error}: the key in Secret {} belongs to another account than its TWILIO_ACCOUNT_SID says; correct one of them",
            subject.secret
        ),
        ErrorKind::NotFound(_) => format!(
            "Twilio does not know conversation {conversation} or its service ({said}): check conversationSid, \
             conversationUniqueName and chatServiceSid; they are immutable, so delete this object and create it with the \
             right ones: {}",
            subject.kubectl("delete")
        ),
        ErrorKind::ConversationDeleting => {
            format!(
                "conversation {conversation} is being deleted ({said}); delete this object: {}",
                subject.kubectl("delete")
            )
        }
        ErrorKind::ConversationClosed => format!(
            "conversation {conversation} is closed for good ({said}): its webhooks fire no more; delete this object: {}",
            subject.kubectl("delete")
        ),
        ErrorKind::ConversationFull => format!(
            "conversation {conversation} holds {SLOTS} webhooks, Twilio's limit ({said}): remove one, or use a service-level \
             webhook"
        ),
        ErrorKind::InvalidConfiguration => {
            format!(
                "Twilio refuses the webhook as written ({said}): https://www.twilio.com/docs/api/errors says why; correct \
                 the spec: {}",
                subject.kubectl("edit")
            )
        }
        ErrorKind::RegionUnsupported => {
            format!("the region in the Secret does not offer Conversations ({said}): correct TWILIO_REGION")
        }
        ErrorKind::RateLimited => format!("Twilio limits the account's requests ({said}); tried again"),
        ErrorKind::ConversationBusy => {
            format!("conversation {conversation} is being set up or changed ({said}); tried again")
        }
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
pub(super) fn settled(because: &Settled) -> &'static str {
    match because {
        Settled::NotSent => "the create was not sent",
        Settled::NotCreated => "Twilio did not make the webhook",
        Settled::ProvedAbsent => "the create is proved not to have made a webhook",
        Settled::Copied => "the annotation was copied from a living object",
        Settled::Answered(_) => "a user says that the create made nothing",
    }
}

/// The end of a sentence about webhooks that a user decided not to be the object's.
pub(super) fn left_over(webhooks: &[WebhookSid]) -> String {
    if webhooks.is_empty() { String::new() } else { format!("; left as they are: {}", list(webhooks)) }
}

fn list(webhooks: &[WebhookSid]) -> String {
    webhooks.iter().map(WebhookSid::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod golden;
