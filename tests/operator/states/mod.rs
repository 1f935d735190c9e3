//! What `kubectl` shows of an object, reason by reason: its conditions with and without a webhook, what the message
//! names, and the command that leads on.
//!
//! Each test is named after the reason that it is about. The reasons that an object's own conversation gives it are in
//! another module.

mod address;
mod credentials;
mod deletion;
mod rotation;
mod suspended;
mod twilio;
mod unresolved;

use std::time::Duration;

use conversation_webhook_operator::api::{ConditionType, ConversationWebhook};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::process::Command;
use twilio_conversations_simulator::{AccountSid, Entry, KeySid, Operation};

use crate::support::{ACCOUNT, AUTH_TOKEN, World, condition, conversation, eventually, webhook_spec};

const BOT: &str = "https://bots.example.com/a";
const SID: (&str, &str) = ("TWILIO_ACCOUNT_SID", ACCOUNT);
const TOKEN: (&str, &str) = ("TWILIO_AUTH_TOKEN", AUTH_TOKEN);
const WRONG_TOKEN: (&str, &str) = ("TWILIO_AUTH_TOKEN", "canary-wrong-token");

/// Scaled, credentials are looked at again every one and a half seconds.
const SCALE: &str = "--time-scale=0.05";
const POLL: Duration = Duration::from_millis(1500);
const CHECKS: &str = "--resync-interval=1s";
const NO_CHECKS: &str = "--resync-interval=24h";
/// Secrets are read anew for each check.
const TTL: &str = "--credentials-ttl=1s";
/// Longer than anything takes here; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// The conditions as `kubectl` could list them: `Ready=True Available`.
fn state(object: &ConversationWebhook) -> Vec<String> {
    use ConditionType::{CredentialsValid, Ready, Stalled, Synced};
    let shown =
        |type_| condition(object, type_).map(|found| format!("{type_}={} {}", found.status, found.reason));
    [Ready, Synced, CredentialsValid, Stalled].into_iter().filter_map(shown).collect()
}

/// Waits until the object has exactly these conditions, in the order of [`state`].
async fn wait_state(world: &World, name: &str, wanted: &[&str]) -> ConversationWebhook {
    world.wait(name, &format!("{wanted:?}"), |object| state(object) == wanted).await
}

/// A condition's message, which must say all of this.
#[track_caller]
fn told(object: &ConversationWebhook, type_: ConditionType, says: &[&str]) -> String {
    let message = condition(object, type_).map(|found| found.message.clone()).unwrap_or_default();
    for text in says {
        assert!(message.contains(text), "{type_} does not say {text:?}: {message}");
    }
    message
}

/// Runs the first command that a message names, as somebody who pastes it into a shell.
async fn follow(world: &World, message: &str) {
    let command = message.split('\'').find(|part| part.starts_with("kubectl "));
    let command = command.unwrap_or_else(|| panic!("no command in: {message}"));
    let kubectl = world.plane.binaries().kubectl();
    let path = format!("{}:{}", kubectl.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("PATH", path).env("KUBECONFIG", world.plane.kubeconfig_path());
    let output = shell.output().await.unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
}

/// A webhook on conversation `n` by the credentials in this Secret.
fn spec_with_secret(n: u32, secret: &str) -> Value {
    let mut spec = webhook_spec(n, BOT);
    spec["credentialsSecretRef"] = json!({ "name": secret });
    spec
}

/// Puts entries into a Secret that is there all the time.
async fn change_secret(world: &World, name: &str, entries: &[(&str, Option<&str>)]) {
    use base64::Engine as _;
    let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let data: serde_json::Map<String, Value> =
        entries.iter().map(|(key, value)| ((*key).to_owned(), json!(value.map(encoded)))).collect();
    let api: Api<Secret> = Api::namespaced(world.kube.clone(), &world.namespace);
    api.patch(name, &PatchParams::default(), &Patch::Merge(json!({ "data": data }))).await.unwrap();
}

async fn delete_secret(world: &World, name: &str) {
    let api: Api<Secret> = Api::namespaced(world.kube.clone(), &world.namespace);
    api.delete(name, &kube::api::DeleteParams::default()).await.unwrap();
}

/// Requests about conversation `n` since `mark`, oldest first.
fn about(world: &World, n: u32, mark: u64) -> Vec<Entry> {
    let mut entries = world.simulator.journal_since(mark);
    entries.retain(|entry| entry.path.contains(&conversation(n).to_string()));
    entries
}

/// The operations among them.
fn operations(world: &World, n: u32, mark: u64) -> Vec<Operation> {
    about(world, n, mark).into_iter().filter_map(|entry| entry.operation).collect()
}

/// Waits until conversation `n` was looked at that many times from now on: time passed, and the operator works.
async fn wait_checks(world: &World, n: u32, checks: usize) {
    let mark = world.simulator.journal_mark();
    let looks = || operations(world, n, mark).iter().filter(|done| **done == Operation::List).count();
    eventually(&format!("{checks} checks of conversation {n}"), PATIENCE, async || {
        (looks() >= checks).then_some(())
    })
    .await;
}

/// How often Events of this reason were given for an object.
async fn event_count(world: &World, name: &str, reason: &str) -> i32 {
    let events = world.events(name).await;
    let these = events.iter().filter(|event| event.reason.as_deref() == Some(reason));
    these.map(|event| event.series.as_ref().map_or(1, |series| series.count)).sum()
}

/// Changes the webhook's method in the spec.
async fn edit(world: &World, name: &str, method: &str) {
    world.patch(name, json!({ "spec": { "configuration": { "method": method } } })).await;
}

/// What the one webhook on conversation `n` does at Twilio, field by field.
fn at_twilio(world: &World, n: u32) -> Value {
    let [webhook] = &world.alive(conversation(n))[..] else { panic!("not one webhook on conversation {n}") };
    serde_json::to_value(&webhook.configuration).unwrap()
}

fn account(sid: &str) -> AccountSid {
    sid.parse().unwrap()
}

fn key(sid: &str) -> KeySid {
    sid.parse().unwrap()
}
