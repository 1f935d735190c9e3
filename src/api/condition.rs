//! The conditions of an object and their reasons: a closed, documented set.
//!
//! A reason is at once the condition's reason, the Event's reason and the metric's label, so that a user who
//! sees one finds the others.

use std::fmt;

/// Types of the conditions in `status.conditions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionType {
    /// The webhook exists at Twilio and is as written, as far as is known.
    Ready,
    /// The last pass against this generation finished.
    Synced,
    /// The Secret is readable and Twilio accepts it for the declared account.
    CredentialsValid,
    /// Nothing moves until a human acts. Present only while True.
    Stalled,
}

impl ConditionType {
    /// The value of the condition's `type` field.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Synced => "Synced",
            Self::CredentialsValid => "CredentialsValid",
            Self::Stalled => "Stalled",
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident $(, $stalled:ident)?;)+) => {
        /// Why a condition is as it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The value of the condition's `reason` field.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Whether a human must act before anything can move (kstatus' meaning of `Stalled`). An untrusted
            /// certificate of Twilio, reported as `TwilioUnavailable`, stalls too.
            #[must_use]
            pub fn stalled(self) -> bool {
                match self { $(Self::$name => reasons!(@stalled $($stalled)?),)+ }
            }
        }
    };
    (@stalled stalled) => { true };
    (@stalled) => { false };
}

reasons! {
    /// The webhook exists and is as written.
    Available;
    /// The conversation, its service or its unique name does not exist in the proved account.
    ConversationNotFound, stalled;
    /// The conversation is closed for good (Twilio error 50377): its webhooks fire no more.
    ConversationClosed, stalled;
    /// The webhook was removed at Twilio by somebody else and is not made again.
    WebhookMissing, stalled;
    /// Five webhooks hang on the conversation already (Twilio error 50361).
    ConversationFull, stalled;
    /// The object cannot be carried out as written.
    InvalidConfiguration, stalled;
    /// An identical webhook exists on the conversation.
    TwinExists, stalled;
    /// The webhook that the object is to take over belongs to another object.
    AlreadyClaimed, stalled;
    /// More than one webhook, or a changed one, may be the one that a lost create made.
    CreateAmbiguous, stalled;
    /// The object's journal was written by the operator of another cluster.
    RestoredElsewhere, stalled;
    /// The Secret, or a key in it, is missing or malformed.
    CredentialsMissing, stalled;
    /// Twilio refuses the credentials, or they lack a permission.
    CredentialsRejected, stalled;
    /// The credentials belong to another account or region than the Secret or the webhook says.
    AccountMismatch, stalled;
    /// Twilio limits the account's requests (HTTP 429).
    RateLimited;
    /// Twilio does not answer, or not in a usable way.
    TwilioUnavailable;
    /// The outcome of a create is not known yet.
    CreateUnresolved;
    /// The webhook at Twilio is not as written, and mode Observe changes nothing.
    Drifted;
    /// Somebody keeps changing or removing the webhook: it is not put back a third time within a day.
    Contended, stalled;
    /// Many webhooks of the account went missing at once: none is made again before somebody confirms it.
    MassChangeHold, stalled;
    /// The object's mode is Suspended.
    Suspended;
    /// The webhook cannot be deleted at Twilio yet.
    DeletionBlocked, stalled;
    /// The credentials were accepted.
    CredentialsAccepted;
    /// The last pass finished.
    ReconcileSucceeded;
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_camel_case_words_that_metav1_accepts() {
        for reason in Reason::ALL {
            assert!(reason.as_str().chars().all(|c| c.is_ascii_alphanumeric()), "{reason}");
            assert!(reason.as_str().starts_with(|c: char| c.is_ascii_uppercase()), "{reason}");
        }
    }

    #[test]
    fn an_outage_never_asks_for_a_human() {
        for reason in [Reason::RateLimited, Reason::TwilioUnavailable, Reason::CreateUnresolved] {
            assert!(!reason.stalled(), "{reason}");
        }
    }
}
