//! What a user reads when Twilio refused, or did not answer: its numbers, never its words.

use super::Subject;
use crate::decide::SLOTS;
use crate::twilio::ErrorKind;

/// What went wrong at Twilio, and what to do about it.
pub(super) fn twilio(error: &crate::twilio::Error, subject: &Subject<'_>) -> String {
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
