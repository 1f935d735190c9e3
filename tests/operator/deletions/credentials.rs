//! Cases: the Secret is missing or refused, or opens another account or region than the webhook lives in.

use conversation_webhook_operator::api::ConditionType::{CredentialsValid, Stalled, Synced};
use conversation_webhook_operator::api::{ABANDON_ANNOTATION, ConversationWebhook, RECONCILE_ANNOTATION};
use serde_json::json;
use twilio_conversations_simulator::{AccountSeed, KeySeed, Operation};

use super::served;
use crate::support::{
    ACCOUNT, AUTH_TOKEN, BOT, PATIENCE, World, annotate, ask, assert_harmless, condition, conversation,
    eventually, only_webhook, sent, sid_of, webhook_spec,
};

/// Scaled, credentials are looked at again every three seconds.
const SCALE: &str = "--time-scale=0.1";

const SECRET: &str = "twilio-credentials";
const SID: (&str, &str) = ("TWILIO_ACCOUNT_SID", ACCOUNT);
const TOKEN: (&str, &str) = ("TWILIO_AUTH_TOKEN", AUTH_TOKEN);
const WRONG_TOKEN: (&str, &str) = ("TWILIO_AUTH_TOKEN", "canary-wrong-token");
const OTHER_ACCOUNT: &str = "AC00000000000000000000000000000002";
const OTHER_KEY: &str = "SK00000000000000000000000000000002";
const OTHER_TOKEN: &str = "canary-other-token";

/// The command that lets the object go without its webhook.
fn abandon(name: &str, sid: &str) -> String {
    format!("annotate cw {name} --overwrite {ABANDON_ANNOTATION}={sid}")
}

/// Waits until the operator has read the Secret so many times since `mark`.
async fn wait_secret_read(world: &World, mark: controlplane::Mark, times: usize) {
    eventually("the Secret is read", PATIENCE, async || {
        let requests = world.requests_since(mark).await;
        let own = requests.filter(|request| request.namespace == world.namespace);
        (own.count("get", "secrets") >= times).then_some(())
    })
    .await;
}

/// The object is looked at now, whatever its Secret's time to live, and says this of its credentials.
async fn wait_noticed(world: &World, name: &str, reason: &str) -> ConversationWebhook {
    ask(world, name).await;
    world.wait_told_by(CredentialsValid, name, reason, &[]).await
}

#[tokio::test]
async fn deletion_secret_missing_is_carried_out_by_the_credentials_in_memory() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE]).await;
    served(&world, 1, "bot").await;
    world.delete_secret(SECRET).await;
    wait_noticed(&world, "bot", "CredentialsMissing").await;
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}

#[tokio::test]
async fn deletion_secret_missing_after_a_restart_is_carried_out_by_what_was_read_at_the_start() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE]).await;
    served(&world, 1, "bot").await;
    world.stop_operator().await;
    let (mark, asked) = (world.mark().await, world.simulator.journal_mark());
    world.start_operator(&[SCALE, "--resync-interval=24h"]).await;
    wait_secret_read(&world, mark, 1).await;
    world.delete_secret(SECRET).await;
    wait_noticed(&world, "bot", "CredentialsMissing").await;
    assert_eq!(world.simulator.journal_since(asked), [], "a restart costs no request at Twilio");
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}

#[tokio::test]
async fn deletion_secret_refused_is_carried_out_by_the_old_credentials_while_they_work() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE]).await;
    served(&world, 1, "known").await;
    served(&world, 2, "unknown").await;
    world.secret(SECRET, &[SID, WRONG_TOKEN]).await;
    // The one learns of the new token when it is to be used, the other knows it.
    let operator = world.operator.as_mut().unwrap();
    operator.pause().await;
    annotate(&world, "unknown", RECONCILE_ANNOTATION, "now").await;
    world.delete("unknown").await;
    world.operator.as_mut().unwrap().resume();
    world.wait_gone("unknown").await;
    assert_eq!(world.alive(conversation(2)), []);
    wait_noticed(&world, "known", "CredentialsRejected").await;
    world.delete("known").await;
    world.wait_gone("known").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert!(world.simulator.counters().unauthenticated > 0, "the new token was tried");
    assert_harmless(&world);
}

/// It sees no conversation of ours, which would pass for a deletion.
#[tokio::test]
async fn deletion_secret_with_the_key_of_another_account_is_carried_out_by_the_old_credentials() {
    let key = KeySeed::new(OTHER_KEY.parse().unwrap(), "canary-api-secret");
    let other = AccountSeed::new(OTHER_ACCOUNT.parse().unwrap(), OTHER_TOKEN).key(key);
    let mut world = World::with(World::seed().account(other)).await;
    world.start_operator(&[SCALE]).await;
    served(&world, 1, "bot").await;
    let foreign = [SID, ("TWILIO_API_KEY", OTHER_KEY), ("TWILIO_API_SECRET", "canary-api-secret")];
    world.secret(SECRET, &foreign).await;
    world.operator.as_mut().unwrap().pause().await;
    annotate(&world, "bot", RECONCILE_ANNOTATION, "now").await;
    world.delete("bot").await;
    world.operator.as_mut().unwrap().resume();
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}

/// The object says that its deletion is blocked, and how to let it go.
fn assert_blocked(object: &ConversationWebhook) {
    assert!(object.metadata.deletion_timestamp.is_some());
    assert_eq!(condition(object, Stalled).unwrap().status, "True");
    assert_eq!(condition(object, CredentialsValid).unwrap().status, "False");
}

#[tokio::test]
async fn deletion_secret_missing_without_credentials_in_memory_is_blocked_and_says_how_to_go_on() {
    let mut world = World::new().await;
    world.start_operator(&[]).await;
    let sid = served(&world, 1, "bot").await;
    world.stop_operator().await;
    world.delete_secret(SECRET).await;
    world.start_operator(&[SCALE]).await;
    world.delete("bot").await;
    let secret = format!("Secret {}/{SECRET} does not exist", world.namespace);
    let says = [secret.as_str(), "create secret generic", &abandon("bot", &sid)];
    assert_blocked(&world.wait_told("bot", "DeletionBlocked", &says).await);
    only_webhook(&world, 1);
    world.secret(SECRET, &[SID, TOKEN]).await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}

#[tokio::test]
async fn deletion_secret_refused_without_others_in_memory_is_blocked_and_says_how_to_go_on() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE]).await;
    let sid = served(&world, 1, "bot").await;
    // The old token works no more, and the Secret has not got the new one.
    world.simulator.rotate_auth_token(ACCOUNT.parse().unwrap(), "canary-new-token").unwrap();
    world.delete("bot").await;
    let says = ["20003", "check that the Secret's key is active", &abandon("bot", &sid)];
    assert_blocked(&world.wait_told("bot", "DeletionBlocked", &says).await);
    only_webhook(&world, 1);
    world.secret(SECRET, &[SID, ("TWILIO_AUTH_TOKEN", "canary-new-token")]).await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    assert_harmless(&world);
}

#[tokio::test]
async fn deletion_account_or_region_that_differ_from_the_pins_hold_the_object_until_it_is_abandoned() {
    let other = AccountSeed::new(OTHER_ACCOUNT.parse().unwrap(), OTHER_TOKEN);
    let mut world = World::with(World::seed().account(other)).await;
    world.grant_secrets(&["moved", "abroad"]).await;
    world.start_operator(&[SCALE]).await;
    let cases = [
        (
            1,
            "moved",
            vec![("TWILIO_ACCOUNT_SID", OTHER_ACCOUNT), ("TWILIO_AUTH_TOKEN", OTHER_TOKEN)],
            OTHER_ACCOUNT,
        ),
        (2, "abroad", vec![SID, TOKEN, ("TWILIO_REGION", "ie1")], "ie1"),
    ];
    for (n, name, entries, opens) in cases {
        world.secret(name, &[SID, TOKEN]).await;
        let mut spec = webhook_spec(n, BOT);
        spec["credentialsSecretRef"] = json!({ "name": name });
        world.create(name, spec).await;
        let sid = sid_of(&world.wait_ready(name).await);
        world.secret(name, &entries).await;
        wait_noticed(&world, name, "AccountMismatch").await;
        world.delete(name).await;
        let says = [opens, ACCOUNT, "us1", &abandon(name, &sid)];
        let held = world.wait_told_by(Synced, name, "AccountMismatch", &says).await;
        assert_eq!(condition(&held, Stalled).unwrap().status, "True");
        annotate(&world, name, ABANDON_ANNOTATION, &sid).await;
        world.wait_gone(name).await;
        only_webhook(&world, n);
        assert_eq!(sent(&world, n, Operation::Delete), []);
    }
    assert_harmless(&world);
}
