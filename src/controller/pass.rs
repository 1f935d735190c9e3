//! One pass as data: what it works on, what it read so far, what it has under way.
//!
//! `reconcile` runs it; `observe`, `execute`, `create` and `ending` are its steps.

use std::sync::Arc;
use std::time::Instant;

use kube::ResourceExt;
use secrecy::SecretString;

use super::context::Context;
use super::conversations::Held;
use super::error::Trouble;
use super::memory::Remembered;
use super::object::{requested, view};
use super::secrets::{Login, SecretName};
use crate::api::ConversationWebhook;
use crate::decide::{Absent, Access, Kind, Object, Remote, Renamed, Reply, Sender, Siblings, Wanted};
use crate::lanes::Permit;
use crate::twilio::{AccountSid, ChatServiceSid, ConversationSid, WebhookSid};

/// One pass, with all that was read in it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none rules another out")]
pub(super) struct Pass {
    pub(super) ctx: Arc<Context>,
    pub(super) namespace: String,
    pub(super) name: String,
    /// The object by the API server's latest word; `None` once it is known to be gone.
    pub(super) raw: Option<ConversationWebhook>,
    /// The same, as decisions see it.
    pub(super) object: Option<Object>,
    /// The object's Secret and chat service, also once the object is gone.
    pub(super) secret: SecretName,
    pub(super) service: Option<ChatServiceSid>,
    pub(super) login: Option<Login>,
    pub(super) access: Access,
    pub(super) conversation: Option<ConversationSid>,
    pub(super) renamed: Renamed,
    /// The webhook's address, where it comes from a Secret and was read.
    pub(super) address: Option<SecretString>,
    pub(super) remote: Remote,
    pub(super) siblings: Siblings,
    pub(super) sender: Sender,
    /// When the journal of this pass was started: the clock of its `notAfter`.
    pub(super) journal_started: Option<Instant>,
    /// Account and region in which this pass, or one for an object that vanished, made a webhook.
    pub(super) made_in: Option<(AccountSid, String)>,
    /// The object vanished before this pass began, which is for what it left behind. With an open attempt `object` is what
    /// it last was; `raw` is `None` always.
    pub(super) vanished: bool,
    /// This pass put the webhook back as written.
    pub(super) repaired: bool,
    /// Why Twilio did not make the webhook.
    pub(super) refusal: Option<Trouble>,
    pub(super) update: Reply,
    pub(super) removal: Reply,
    pub(super) kind: Kind,
    /// Where a user asked for this pass, when it began: an older list would not show what the user means.
    pub(super) asked_at: Option<Instant>,
    /// A time after which the kind's definition tells why the object is being deleted.
    pub(super) deletion_seen: Instant,
    pub(super) place: Option<Held>,
    pub(super) permit: Option<Permit>,
    /// An Event told of a change at Twilio already.
    pub(super) told: bool,
    pub(super) memory: Remembered,
    /// When the look at Twilio that this pass rests on was asked for.
    pub(super) looked_at: Option<Instant>,
    /// What was absent in this pass, and in a look long enough before it.
    pub(super) confirmed: Option<Absent>,
    /// Failed tries to record or delete a webhook that this pass made.
    pub(super) retries: u32,
    pub(super) due: bool,
    pub(super) started: Instant,
}

impl Pass {
    /// A pass over the object as it is now; `due` when it is to be compared with Twilio.
    pub(super) fn new(
        ctx: Arc<Context>,
        raw: ConversationWebhook,
        object: Object,
        memory: Remembered,
        due: bool,
    ) -> Self {
        let deletion_seen = if object.deleting { ctx.memory.deletion(&object.uid) } else { Instant::now() };
        Self {
            ctx,
            asked_at: requested(&raw).map(|_| Instant::now()),
            secret: SecretName {
                namespace: raw.namespace().unwrap_or_default(),
                name: raw.spec.credentials_secret_ref.name.clone(),
            },
            service: raw.spec.chat_service_sid.clone(),
            namespace: raw.namespace().unwrap_or_default(),
            name: raw.name_any(),
            conversation: known_conversation(&object),
            renamed: Renamed::Unread,
            address: None,
            raw: Some(raw),
            object: Some(object),
            login: None,
            access: Access::Unread,
            remote: Remote::Unread,
            siblings: Siblings::Unread,
            sender: Sender::Idle,
            journal_started: None,
            made_in: None,
            vanished: false,
            repaired: false,
            refusal: None,
            update: Reply::None,
            removal: Reply::None,
            kind: Kind::Unread,
            deletion_seen,
            place: None,
            permit: None,
            told: false,
            memory,
            looked_at: None,
            confirmed: None,
            retries: 0,
            due,
            started: Instant::now(),
        }
    }

    /// A pass for an object that vanished with a webhook: R8 as for one that this pass had just made.
    pub(super) fn for_webhook_of_vanished(
        ctx: Arc<Context>,
        raw: ConversationWebhook,
        attempt: String,
        webhook: WebhookSid,
        made_in: (AccountSid, String),
    ) -> Self {
        Self {
            sender: Sender::Created { id: attempt, webhook, reread: true },
            object: None,
            ..Self::for_vanished(ctx, raw, made_in, Remembered::default())
        }
    }

    /// A pass for an object that vanished: nothing can be written to it.
    pub(super) fn for_vanished(
        ctx: Arc<Context>,
        raw: ConversationWebhook,
        made_in: (AccountSid, String),
        memory: Remembered,
    ) -> Self {
        let last = view(&raw, None);
        // No deletion is remembered of what is gone.
        let object = Object { deleting: false, ..last.clone() };
        Self {
            object: Some(last),
            raw: None,
            vanished: true,
            made_in: Some(made_in),
            ..Self::new(ctx, raw, object, memory, false)
        }
    }
}

/// The conversation, where it is known without asking Twilio: a webhook and an attempt stay where they were made.
pub(super) fn known_conversation(object: &Object) -> Option<ConversationSid> {
    if let Some(attempt) = object.open_attempt() {
        return Some(attempt.conversation.clone());
    }
    if let Some(conversation) = &object.record.conversation {
        return Some(conversation.clone());
    }
    match &object.desired {
        Ok(desired) => match &desired.conversation {
            Wanted::Sid(conversation) => Some(conversation.clone()),
            Wanted::UniqueName(_) => None,
        },
        Err(_) => None,
    }
}
