//! What users write and read: the `ConversationWebhook` kind and its conditions.
//!
//! Types and their schema only: no decision is taken here and nothing is fetched. The rules that the API server
//! enforces stand beside the fields that they guard and never on the root of the object, because a root rule also
//! judges status and finalizer writes and could refuse the one that records a webhook's SID.

mod condition;
#[allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    clippy::doc_markdown,
    reason = "the derives repeat structs and attributes, and kubectl prints the doc comments as they are"
)]
pub mod v1alpha1;

pub use condition::{ConditionType, Reason};
pub use v1alpha1::{
    AdoptionPolicy, Configuration, ConversationWebhook, ConversationWebhookSpec, ConversationWebhookStatus,
    DeletionPolicy, LastError, Method, Mode, Provenance, RecreatePolicy, SecretKeyRef, SecretRef, Target,
    UrlFrom, crd,
};

/// API group of the kind, and prefix of every annotation and label.
pub const GROUP: &str = "conversations.twilio-operator.dev";

/// Finalizer that keeps an object until its webhook is gone from Twilio.
pub const FINALIZER: &str = "conversations.twilio-operator.dev/webhook";

/// Annotation that holds the journal of the latest create or adoption, see [`crate::decide::Attempt`].
pub const ATTEMPT_ANNOTATION: &str = "conversations.twilio-operator.dev/create-attempt";

/// Label with the conversation's SID, on every object that holds an attempt or a webhook.
pub const CONVERSATION_LABEL: &str = "conversations.twilio-operator.dev/conversation";

/// Annotation by which a user asks for an immediate pass: any new value counts.
pub const RECONCILE_ANNOTATION: &str = "conversations.twilio-operator.dev/reconcile-requested-at";

/// Annotation by which a user says what a create whose reply was lost has made: `<attempt id>=<SID>`, or
/// `<attempt id>=none`.
pub const RESOLVE_ANNOTATION: &str = "conversations.twilio-operator.dev/resolve-create";

/// Annotation by which a user lets a deleted object go without its webhook: the webhook's SID, or the id of the open
/// attempt.
pub const ABANDON_ANNOTATION: &str = "conversations.twilio-operator.dev/abandon";

/// Annotation by which a user confirms that an object of another cluster has moved here: the object's own uid.
pub const CONFIRM_RESTORE_ANNOTATION: &str = "conversations.twilio-operator.dev/confirm-restore";

/// Finalizer that keeps a Secret while objects need its credentials, where the operator is told to protect Secrets.
pub const SECRET_FINALIZER: &str = "conversations.twilio-operator.dev/in-use";

/// Annotation with the name of the Secret that bears [`SECRET_FINALIZER`] on the object's behalf.
pub const SECRET_ANNOTATION: &str = "conversations.twilio-operator.dev/secret-in-use";

/// Field manager, User-Agent name and reporting controller of everything that the operator writes.
pub const MANAGER: &str = "conversation-webhook-operator";
