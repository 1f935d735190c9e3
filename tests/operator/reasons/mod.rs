//! Every reason that an object can show, for one without a webhook and for one with: its conditions, what the message
//! names and advises, what was done at Twilio and what was not.

mod adoption;
mod available;
mod conversation;
mod missing;
mod name;
mod quarrel;
mod room;

use std::time::Duration;

use conversation_webhook_operator::api::{ConditionType, ConversationWebhook};
use twilio_conversations_simulator::{Entry, Operation, WebhookRecord, WebhookSid};

use crate::support::{World, condition, conversation, eventually};

/// The protocol's windows, scaled.
const SCALED: &str = "--time-scale=0.05";
/// Between two looks at what is absent, scaled.
const SETTLING: Duration = Duration::from_millis(1500);
/// Checks come quickly.
const OFTEN: &str = "--resync-interval=1s";
/// No check comes while a test runs: what happens has another cause.
const NEVER: &str = "--resync-interval=72h";
/// Longer than anything takes here; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(1);

const BOT: &str = "https://bots.example.com/a";

/// Ready has this status and reason, Synced this status, and Stalled is there only where a human must act, with the
/// same words. Everything speaks of the object's present generation.
#[track_caller]
fn assert_conditions(object: &ConversationWebhook, ready: (&str, &str), synced: &str, stalled: bool) {
    let now = |type_| condition(object, type_).unwrap_or_else(|| panic!("no {type_}: {:?}", object.status));
    let found = now(ConditionType::Ready);
    assert_eq!((found.status.as_str(), found.reason.as_str()), ready, "{}", found.message);
    assert_eq!(now(ConditionType::Synced).status, synced, "{:?}", object.status);
    let stands = condition(object, ConditionType::Stalled)
        .map(|stands| (stands.status.as_str(), stands.reason.as_str(), &stands.message));
    assert_eq!(stands, stalled.then_some(("True", ready.1, &found.message)));
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.observed_generation, object.metadata.generation);
    for condition in &status.conditions {
        assert_eq!(condition.observed_generation, object.metadata.generation, "{condition:?}");
    }
}

/// Somebody must act: the pass finished, and the object is not Ready for this reason.
#[track_caller]
fn assert_held(object: &ConversationWebhook, reason: &str) {
    assert_conditions(object, ("False", reason), "True", true);
}

/// `kubectl` with this verb on the object, as a message has it.
fn command(world: &World, verb: &str, name: &str) -> String {
    format!("'kubectl -n {} {verb} cw {name}", world.namespace)
}

/// The SID in the object's status, as the simulator has it.
#[track_caller]
fn webhook_of(object: &ConversationWebhook) -> WebhookSid {
    object.status.as_ref().unwrap().webhook_sid.as_ref().unwrap().as_str().parse().unwrap()
}

/// What status lists as lost.
fn lost_of(object: &ConversationWebhook) -> Vec<String> {
    object.status.iter().flat_map(|status| &status.lost_sids).map(|sid| sid.as_str().to_owned()).collect()
}

/// How many repairs status counts.
fn repairs_of(object: &ConversationWebhook) -> usize {
    object.status.as_ref().map_or(0, |status| status.repaired_at.len())
}

fn texts(sids: &[WebhookSid]) -> Vec<String> {
    sids.iter().map(ToString::to_string).collect()
}

fn alive_sids(world: &World, n: u32) -> Vec<WebhookSid> {
    world.alive(conversation(n)).iter().map(|record| record.sid).collect()
}

/// The webhooks that the operator ever made on conversation `n`.
fn made(world: &World, n: u32) -> Vec<WebhookRecord> {
    let mut records = world.ever_made(conversation(n));
    records.retain(|record| record.created.origin.is_api());
    records
}

/// Requests of one operation on conversation `n` since `mark`, oldest first.
fn sent_since(world: &World, mark: u64, n: u32, operation: Operation) -> Vec<Entry> {
    let path = conversation(n).to_string();
    let mut entries = world.simulator.journal_since(mark);
    entries.retain(|entry| entry.operation == Some(operation) && entry.path.contains(&path));
    entries
}

/// Waits until conversation `n` was looked at so many times more: time in which something could have happened there.
async fn wait_looks(world: &World, n: u32, looks: usize) {
    let mark = world.simulator.journal_mark();
    eventually(&format!("{looks} more looks at conversation {n}"), PATIENCE, async || {
        let seen = sent_since(world, mark, n, Operation::List);
        (seen.iter().filter(|look| look.status == Some(200)).count() >= looks).then_some(())
    })
    .await;
}

/// The notes of the Events with this reason about the object.
async fn notes(world: &World, name: &str, reason: &str) -> Vec<String> {
    let mut events = world.events(name).await;
    events.retain(|event| event.reason.as_deref() == Some(reason));
    events.into_iter().filter_map(|event| event.note).collect()
}

/// Waits for an Event about the object whose note says this.
async fn wait_event(world: &World, name: &str, reason: &str, says: &str) {
    eventually(&format!("Event {reason} about {name}, saying {says}"), PATIENCE, async || {
        notes(world, name, reason).await.iter().any(|note| note.contains(says)).then_some(())
    })
    .await;
}

/// Waits until the object is Ready with another webhook than this.
async fn wait_another(world: &World, name: &str, than: WebhookSid) -> ConversationWebhook {
    world
        .wait(name, "Ready with another webhook", |object| {
            let status = object.status.as_ref();
            let sid = status.and_then(|status| status.webhook_sid.as_ref());
            sid.is_some_and(|sid| sid.as_str() != than.to_string())
                && condition(object, ConditionType::Ready).is_some_and(|ready| ready.status == "True")
        })
        .await
}

/// Somebody asks by annotation for a pass, as the messages advise.
async fn ask(world: &World, name: &str, when: &str) {
    let annotation = format!("conversations.twilio-operator.dev/reconcile-requested-at={when}");
    let arguments = ["-n", &world.namespace, "annotate", "cw", name, "--overwrite", &annotation];
    world.plane.kubectl(&arguments).await.unwrap();
}
