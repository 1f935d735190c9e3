//! Samples of what an input is made of: objects, attempts, siblings, webhooks, all on one conversation.

use std::collections::BTreeSet;

use crate::api::{Mode, Provenance};
use crate::decide::{
    Action, Address, Answers, Attempt, Desired, Hold, Journal, Object, Record, Recorded, Resolution, Sender,
    Settled, Sibling, Wanted,
};
use crate::twilio::{AccountSid, ConversationSid, Method, Target, Webhook, WebhookConfig, WebhookSid};

/// The uid of the object under test.
pub(super) const UID: &str = "uid-5";
/// The cluster that the process under test works for.
pub(super) const CLUSTER: &str = "this-cluster";
/// The id of the object's attempt.
pub(super) const ATTEMPT: &str = "attempt-1";

/// The object under test: new, and asking for [`bot`].
pub(crate) fn object() -> Object {
    Object {
        uid: UID.to_owned(),
        name: "tenant/bot".to_owned(),
        generation: 1,
        deleting: false,
        finalizer: false,
        label: None,
        desired: Ok(desired(bot())),
        retain: false,
        mode: Mode::Apply,
        adopts_identical: false,
        recreates: true,
        hint: None,
        answers: Answers::default(),
        journal: Journal::Missing,
        record: Record { observed_generation: Some(-1), ..Record::default() },
    }
}

/// Status after webhook `n` was recorded at generation 1.
pub(super) fn record(n: u8) -> Record {
    Record {
        webhook: Some(sid(n)),
        settled_attempt: Some(ATTEMPT.to_owned()),
        account: Some(account(1)),
        region: Some("us1".to_owned()),
        conversation: Some(conversation()),
        provenance: Some(Provenance::Created),
        observed_generation: Some(1),
        ..Record::default()
    }
}

/// The object's attempt to create [`bot`] on an empty conversation, at generation 1.
pub(crate) fn attempt() -> Attempt {
    Attempt {
        id: ATTEMPT.to_owned(),
        uid: UID.to_owned(),
        cluster: CLUSTER.to_owned(),
        account: account(1),
        region: "us1".to_owned(),
        conversation: conversation(),
        generation: 1,
        not_after: "2026-01-01T00:00:10Z".to_owned(),
        baseline: BTreeSet::new(),
        config: Recorded::new(&bot(), None),
        past_configs: Vec::new(),
        adopt: None,
        again: false,
    }
}

/// Another object on the conversation, without webhook and attempt.
pub(super) fn sibling(uid: &str) -> Sibling {
    Sibling {
        uid: uid.to_owned(),
        name: format!("tenant/{uid}"),
        webhook: None,
        open: None,
        desired: Some(desired(bot())),
        as_journalled: true,
        answer: None,
    }
}

/// A sibling with webhook `n`.
pub(super) fn sibling_with(uid: &str, n: u8) -> Sibling {
    Sibling { webhook: Some(sid(n)), ..sibling(uid) }
}

/// A sibling whose attempt to create `config` is open.
pub(super) fn sibling_creating(uid: &str, config: &WebhookConfig) -> Sibling {
    let open =
        Attempt { id: format!("of-{uid}"), uid: uid.to_owned(), config: recorded(config), ..attempt() };
    Sibling { open: Some(open), desired: Some(desired(config.clone())), ..sibling(uid) }
}

/// A sibling that is taking over webhook `n`.
pub(super) fn sibling_adopting(uid: &str, n: u8) -> Sibling {
    let open = Attempt { id: format!("of-{uid}"), uid: uid.to_owned(), adopt: Some(sid(n)), ..attempt() };
    Sibling { open: Some(open), ..sibling(uid) }
}

pub(super) fn journalled(clear: bool) -> Sender {
    Sender::Journalled { id: ATTEMPT.to_owned(), clear }
}

pub(super) fn created(n: u8, reread: bool) -> Sender {
    Sender::Created { id: ATTEMPT.to_owned(), webhook: sid(n), reread }
}

pub(super) fn record_as(n: u8, provenance: Provenance) -> Action {
    let left_over = Vec::new();
    Action::Record { attempt: ATTEMPT.to_owned(), webhook: sid(n), provenance, left_over }
}

pub(super) fn settle(because: Settled) -> Action {
    Action::Settle { attempt: ATTEMPT.to_owned(), because }
}

pub(super) fn desired(config: WebhookConfig) -> Desired {
    let conversation = Wanted::Sid(conversation());
    Desired { conversation, service: None, config, address: Address::InSpec, replay_after: None }
}

/// A user's word on the object's attempt.
pub(super) fn answer(made: Option<u8>) -> Answers {
    let resolve = Some(Resolution { attempt: ATTEMPT.to_owned(), made: made.map(sid) });
    Answers { resolve, ..Answers::default() }
}

pub(super) fn recorded(config: &WebhookConfig) -> Recorded {
    Recorded::new(config, None)
}

/// What the object asks for.
pub(in crate::decide) fn bot() -> WebhookConfig {
    calling("https://bot.example.com/a")
}

/// What it asks for after an edit, or what another bot is.
pub(in crate::decide) fn other_bot() -> WebhookConfig {
    calling("https://bot.example.com/b")
}

/// A webhook of another target.
pub(in crate::decide) fn trigger() -> WebhookConfig {
    WebhookConfig {
        target: Target::Trigger,
        filters: BTreeSet::new(),
        triggers: BTreeSet::from(["help".to_owned()]),
        ..bot()
    }
}

pub(crate) fn calling(url: &str) -> WebhookConfig {
    WebhookConfig {
        target: Target::Webhook,
        url: Some(url.to_owned()),
        method: Some(Method::Post),
        filters: BTreeSet::from(["onMessageAdded".to_owned()]),
        triggers: BTreeSet::new(),
        flow_sid: None,
    }
}

/// Webhook `n` as a list shows it.
pub(in crate::decide) fn hook(n: u8, config: WebhookConfig) -> Webhook {
    Webhook { sid: sid(n), account_sid: account(1), conversation_sid: conversation(), config }
}

pub(in crate::decide) fn sid(n: u8) -> WebhookSid {
    format!("WH{n:032x}").parse().expect("a webhook SID")
}

pub(super) fn account(n: u8) -> AccountSid {
    format!("AC{n:032x}").parse().expect("an account SID")
}

pub(super) fn conversation() -> ConversationSid {
    format!("CH{:032x}", 1).parse().expect("a conversation SID")
}

/// The object's attempt may have made each of these.
pub(super) fn ambiguous(candidates: impl IntoIterator<Item = WebhookSid>) -> Action {
    Action::Hold(Hold::Ambiguous {
        attempt: ATTEMPT.to_owned(),
        candidates: candidates.into_iter().collect(),
    })
}
