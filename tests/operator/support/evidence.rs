//! What tests do to requests, and what they read off the simulator about them.
//!
//! The simulator's ledger is the judge: it knows every webhook that was ever made, by whom, and what became of it.

use std::time::Duration;

use controlplane::{Request, Requests};
use conversation_webhook_operator::api::{ConversationWebhook, Provenance};
use jiff::{SignedDuration, Timestamp};
use twilio_conversations_simulator::{
    ApiClient, Entry, Fault, FaultRule, Operation, WebhookRecord, WebhookSeed,
};

use super::{World, conversation, eventually};

/// Factor on the protocol's windows.
pub(crate) const SCALE: f64 = 0.05;
/// The operator's argument for [`SCALE`].
pub(crate) const SCALED: &str = "--time-scale=0.05";
/// Longer than anything takes here; what takes longer is broken.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The address of a bot.
pub(crate) const BOT: &str = "https://bots.example.com/a";

/// From the first sight of an attempt until a list shows what it did: to be sent, answered and settled.
pub(crate) fn window() -> Duration {
    Duration::from_secs(10 + 15 + 30).mul_f64(SCALE)
}

/// Between two looks at what is absent.
pub(crate) fn settling() -> Duration {
    Duration::from_secs(30).mul_f64(SCALE)
}

/// Lets the next such request on conversation `n` go wrong.
pub(crate) fn strike(world: &World, n: u32, operation: Operation, fault: Fault) {
    world.simulator.add_fault(FaultRule::new(fault).on(operation).conversation(conversation(n)).once());
}

/// The requests of one operation on conversation `n`, oldest first.
pub(crate) fn sent(world: &World, n: u32, operation: Operation) -> Vec<Entry> {
    let path = conversation(n).to_string();
    let mut entries = world.simulator.journal();
    entries.retain(|entry| entry.operation == Some(operation) && entry.path.contains(&path));
    entries
}

/// Waits until Twilio has such a request on conversation `n` in its hands, as far as `is` says.
pub(crate) async fn wait_sent(world: &World, n: u32, operation: Operation, is: impl Fn(&Entry) -> bool) {
    let what = format!("{operation:?} on conversation {n}");
    eventually(&what, PATIENCE, async || sent(world, n, operation).iter().any(&is).then_some(())).await;
}

/// Every webhook that the operator ever made on conversation `n`.
pub(crate) fn made(world: &World, n: u32) -> Vec<WebhookRecord> {
    let mut records = world.ever_made(conversation(n));
    records.retain(|record| record.created.origin.is_api());
    records
}

/// The webhook that the operator made on conversation `n`: no other was ever made there, and it is alive.
#[track_caller]
pub(crate) fn only_webhook(world: &World, n: u32) -> WebhookRecord {
    let [webhook] = &made(world, n)[..] else { panic!("conversation {n}: {:#?}", made(world, n)) };
    assert!(webhook.alive(), "{webhook:#?}");
    webhook.clone()
}

/// The object bears the webhook that was made for it, and says how it came by it.
#[track_caller]
pub(crate) fn assert_bears(object: &ConversationWebhook, webhook: &WebhookRecord, provenance: Provenance) {
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.webhook_sid.as_ref().unwrap().as_str(), webhook.sid.to_string());
    assert_eq!(status.provenance, Some(provenance));
}

/// No webhook of the operator's has a twin, and it never touched what it did not make.
#[track_caller]
pub(crate) fn assert_harmless(world: &World) {
    let ledger = world.simulator.ledger();
    assert_eq!(ledger.duplicates(), Vec::<Vec<&WebhookRecord>>::new());
    assert_eq!(ledger.foreign_touched(&ApiClient::any()), Vec::<&WebhookRecord>::new());
}

/// At least so much time lies between the two.
#[track_caller]
pub(crate) fn assert_apart(earlier: Timestamp, later: Timestamp, at_least: Duration) {
    let apart = later.duration_since(earlier);
    assert!(apart >= SignedDuration::try_from(at_least).unwrap(), "{apart:?} instead of {at_least:?}");
}

/// When the running operator began to serve objects, by its own log.
pub(crate) fn serving_since(world: &World) -> Timestamp {
    let log = world.operator.as_ref().unwrap().log();
    let line = log.lines().find(|line| line.contains("\"serving objects\"")).unwrap();
    let entry: serde_json::Value = serde_json::from_str(line).unwrap();
    entry["timestamp"].as_str().unwrap().parse().unwrap()
}

/// Somebody else makes a webhook on conversation `n`.
pub(crate) fn plant(world: &World, n: u32, webhook: &WebhookSeed) -> String {
    world.simulator.create_webhook(conversation(n), webhook).unwrap().to_string()
}

pub(crate) fn sids(webhooks: &[WebhookRecord]) -> Vec<String> {
    webhooks.iter().map(|webhook| webhook.sid.to_string()).collect()
}

/// Waits for one more list of the webhooks of conversation `n`.
pub(crate) async fn wait_another_look(world: &World, n: u32) {
    let looks = sent(world, n, Operation::List).len();
    let what = format!("one more look at conversation {n}");
    eventually(&what, PATIENCE, async || (sent(world, n, Operation::List).len() > looks).then_some(())).await;
}

/// Waits for an Event about the object.
pub(crate) async fn wait_event(world: &World, name: &str, reason: &str) {
    eventually(&format!("Event {reason} about {name}"), PATIENCE, async || {
        let events = world.events(name).await;
        events.iter().any(|event| event.reason.as_deref() == Some(reason)).then_some(())
    })
    .await;
}

/// How often all objects were listed: neither those on one conversation only, nor the one that tells the present version.
pub(crate) fn lists(requests: &Requests) -> usize {
    let is_list = |request: &&Request| {
        // In pages, or as a stream.
        (request.verb == "list" || request.uri.contains("sendInitialEvents=true"))
            && request.resource == "conversationwebhooks"
            && request.code == 200
            && !request.uri.contains("Selector=")
            && !request.uri.contains("limit=1")
    };
    requests.iter().filter(is_list).count()
}
