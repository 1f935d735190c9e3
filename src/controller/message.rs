//! What a user reads: per reason, in our own words, what is concerned and the next step, as a command where there is
//! one.
//!
//! Messages are stable: no time, no counter, no request id, so that a repeated outcome changes nothing in status.

mod hold;
mod twilio;

pub(super) use self::hold::{hold, reason};
use self::twilio::twilio;
use super::SecretGrant;
use super::error::{AddressFault, Trouble};
use super::secrets::SecretName;
use crate::api::{ABANDON_ANNOTATION, RECONCILE_ANNOTATION, RESOLVE_ANNOTATION};
use crate::decide::{Hold, Object, Settled, Waiting};
use crate::lanes::{Closed, ClosedBy};
use crate::twilio::{AccountSid, ConversationSid, WebhookSid};

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
    /// How whoever owns the namespace lets the operator read Secrets there.
    pub(super) grant: Option<&'a SecretGrant>,
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

    /// How the operator comes by the right to read a Secret.
    fn let_read(&self) -> String {
        match self.grant {
            Some(SecretGrant { cluster_role, service_account }) => format!(
                "grant it: 'kubectl -n {} create rolebinding {cluster_role} --clusterrole={cluster_role} \
                 --serviceaccount={service_account}'; should that be there, {cluster_role} does not name this Secret",
                self.namespace
            ),
            None => {
                "name it as the chart's secretAccess.names says, or extend the operator's RBAC".to_owned()
            }
        }
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

/// The webhook of an object that is being deleted is gone.
pub(super) fn removed(conversation: &str) -> String {
    format!("the webhook is deleted from conversation {conversation}: the object goes next")
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
pub(super) fn waiting(waiting: &Waiting, object: &Object, subject: &Subject<'_>) -> String {
    let conversation = &subject.conversation;
    match waiting {
        Waiting::Window => format!(
            "the outcome of a create on conversation {conversation} is not known: it is looked for once everything \
             that may be under way has arrived"
        ),
        Waiting::Sibling(name) => {
            let own = object.open_attempt().map(|attempt| attempt.id.as_str());
            let way_out = match own {
                Some(id) if object.deleting => {
                    format!("; to let it go without an answer: {}", subject.annotate(ABANDON_ANNOTATION, id))
                }
                Some(id) => format!(
                    "; if that takes more than some minutes, look at Twilio and say what this object's own create made: {}, \
                     or '... {RESOLVE_ANNOTATION}={id}=none'",
                    subject.annotate(RESOLVE_ANNOTATION, &format!("{id}=WH..."))
                ),
                None => String::new(),
            };
            format!(
                "{name} has a create on conversation {conversation} whose outcome is open and may concern this object's \
                 webhook: it waits for that{way_out}"
            )
        }
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
        Trouble::SecretForbidden(secret) => {
            format!("the operator may not read Secret {secret}: {}", subject.let_read())
        }
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
                AddressFault::SecretForbidden => subject.let_read(),
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

/// Why an attempt closed without a webhook, for the log.
pub(super) fn settled(because: &Settled) -> &'static str {
    match because {
        Settled::NotSent => "the create was not sent",
        Settled::NotCreated => "Twilio did not make the webhook",
        Settled::ProvedAbsent => "the create is proved not to have made a webhook",
        Settled::Copied => "the annotation was copied from a living object",
        Settled::Unwanted => "the take-over is not wanted any more",
        Settled::Answered(_) => "a user says that the create made nothing",
    }
}

/// What may be left of an object that vanished: nothing proves what its attempt made, and no object is there to say so.
pub(super) fn vanished(attempt: &str, why: &Hold, subject: &Subject<'_>) -> String {
    let conversation = &subject.conversation;
    let which = match why {
        Hold::Ambiguous { candidates, .. } => format!("webhooks that may be it: {}", list(candidates)),
        Hold::AlreadyClaimed { webhook, by } => {
            format!("its annotation names webhook {webhook}, which belongs to {by}")
        }
        _ => "its owner may live in a namespace that this operator does not serve".to_owned(),
    };
    format!(
        "the object was removed while attempt {attempt} to create a webhook on conversation {conversation} was open, and \
         nothing proves what it made; {which}; look at Twilio and delete what belongs to nobody"
    )
}

/// The end of a sentence about webhooks that a user decided not to be the object's.
pub(super) fn left_over(webhooks: &[WebhookSid]) -> String {
    if webhooks.is_empty() { String::new() } else { format!("; left as they are: {}", list(webhooks)) }
}

fn list(webhooks: &[WebhookSid]) -> String {
    webhooks.iter().map(WebhookSid::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(super) mod golden;
