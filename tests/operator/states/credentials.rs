//! Secrets that are missing, refused, or open another account.

use std::time::Instant;

use conversation_webhook_operator::api::ConditionType::{Ready, Synced};
use twilio_conversations_simulator::{AccountSeed, ConversationSeed, KeySeed};

use super::{
    BOT, CHECKS, NO_CHECKS, PATIENCE, POLL, SCALE, SID, TOKEN, TTL, WRONG_TOKEN, about, account, at_twilio,
    change_secret, delete_secret, edit, follow, key, operations, spec_with_secret, told, wait_checks,
    wait_state,
};
use crate::support::{ACCOUNT, AUTH_TOKEN, World, conversation, eventually, webhook_spec};

const OTHER_ACCOUNT: &str = "AC00000000000000000000000000000002";
const OTHER_TOKEN: &str = "canary-other-token";
const KEY: &str = "SK00000000000000000000000000000001";
const KEY_SECRET: &str = "canary-api-secret";

/// Waits until the object without a webhook has this reason in every condition, and its message says all of this.
async fn wait_failed(world: &World, name: &str, reason: &str, says: &[&str]) -> String {
    let wanted = ["Ready=False", "Synced=False", "CredentialsValid=False", "Stalled=True"];
    let wanted = wanted.map(|status| format!("{status} {reason}"));
    let object = wait_state(world, name, &wanted.each_ref().map(String::as_str)).await;
    told(&object, Ready, says)
}

/// The same of an object with a webhook, which stays Ready.
async fn wait_distrusted(world: &World, name: &str, reason: &str, says: &[&str]) -> String {
    let rest = ["Synced=False", "CredentialsValid=False", "Stalled=True"];
    let rest = rest.map(|status| format!("{status} {reason}"));
    let [synced, credentials, stalled] = rest.each_ref().map(String::as_str);
    let object = wait_state(world, name, &["Ready=True Available", synced, credentials, stalled]).await;
    told(&object, Synced, says)
}

/// Reads of one Secret since `mark`.
async fn reads(world: &World, secret: &str, mark: controlplane::Mark) -> usize {
    let requests = world.requests_since(mark).await;
    let of_secret = requests.filter(|request| {
        request.resource == "secrets" && request.namespace == world.namespace && request.name == secret
    });
    assert!(of_secret.iter().all(|request| request.verb == "get"), "{of_secret:?}");
    of_secret.len()
}

#[tokio::test]
async fn credentials_missing_without_a_webhook_costs_one_look_a_poll_for_all_objects_of_a_secret() {
    let mut world = World::new().await;
    world.grant_secrets(&["absent"]).await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    let (mark, started) = (world.mark().await, Instant::now());
    for n in 2..=21 {
        world.create(&format!("bot-{n}"), spec_with_secret(n, "absent")).await;
    }
    let secret = format!("Secret {}/absent does not exist", world.namespace);
    let command = format!("'kubectl -n {} create secret generic absent ", world.namespace);
    for n in 2..=21 {
        wait_failed(&world, &format!("bot-{n}"), "CredentialsMissing", &[&secret, &command]).await;
    }
    eventually("four looks", PATIENCE, async || (reads(&world, "absent", mark).await >= 4).then_some(()))
        .await;
    wait_checks(&world, 1, 3).await;
    let looks = reads(&world, "absent", mark).await;
    let polls = started.elapsed().div_duration_f64(POLL).ceil();
    assert!(f64::from(u32::try_from(looks).unwrap()) <= polls + 1.0, "{looks} looks in {polls} polls");
    let writes = world.writes_since(mark).await.filter(|request| request.name.starts_with("bot-"));
    assert_eq!(writes.len(), 20, "each object says it once: {:?}", writes.counts());
    assert_eq!(world.simulator.counters().writes(), 1, "the neighbour's create");

    world.secret("absent", &[SID, TOKEN]).await;
    for n in 2..=21 {
        world.wait_ready(&format!("bot-{n}")).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1);
    }
}

#[tokio::test]
async fn credentials_missing_with_a_webhook_keeps_it_ready_and_sends_no_edit() {
    let mut world = World::new().await;
    world.grant_secrets(&["going"]).await;
    world.secret("going", &[SID, TOKEN]).await;
    world.start_operator(&[SCALE, CHECKS, TTL]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    world.create("bot", spec_with_secret(2, "going")).await;
    world.wait_ready("bot").await;
    delete_secret(&world, "going").await;
    let secret = format!("Secret {}/going does not exist", world.namespace);
    wait_distrusted(&world, "bot", "CredentialsMissing", &[&secret, "create secret generic going"]).await;
    let mark = world.simulator.journal_mark();
    edit(&world, "bot", "GET").await;
    wait_checks(&world, 1, 3).await;
    assert_eq!(about(&world, 2, mark), []);

    // A key that is missing is named, as is the command that shows which are there.
    world.secret("going", &[SID]).await;
    let says = ["TWILIO_AUTH_TOKEN", "'kubectl -n ", " describe secret going'"];
    let message = loop {
        let message = wait_distrusted(&world, "bot", "CredentialsMissing", &[]).await;
        if says.iter().all(|text| message.contains(text)) {
            break message;
        }
    };
    follow(&world, &message).await;
    world.secret("going", &[SID, TOKEN]).await;
    world.wait_ready("bot").await;
    assert_eq!(world.ever_made(conversation(2)).len(), 1);
    assert_eq!(at_twilio(&world, 2)["method"], "get");
}

#[tokio::test]
async fn credentials_rejected_without_a_webhook_makes_nothing_and_heals_by_the_secret() {
    let mut world = World::new().await;
    world.grant_secrets(&["wrong"]).await;
    world.secret("wrong", &[SID, WRONG_TOKEN]).await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    world.create("bot", spec_with_secret(2, "wrong")).await;
    let says = ["Twilio error 20003", "check that the Secret's key is active", "TWILIO_ACCOUNT_SID"];
    wait_failed(&world, "bot", "CredentialsRejected", &says).await;
    wait_checks(&world, 1, 3).await;
    assert_eq!(world.ever_made(conversation(2)), []);
    change_secret(&world, "wrong", &[(TOKEN.0, Some(TOKEN.1))]).await;
    let object = world.wait_ready("bot").await;
    assert_eq!(object.status.unwrap().last_error, None);
}

#[tokio::test]
async fn credentials_rejected_with_a_webhook_keeps_it_ready_and_costs_one_write() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    let mark = world.mark().await;
    world.simulator.rotate_auth_token(account(ACCOUNT), "canary-rotated").unwrap();
    let says = ["Twilio error 20003", "check that the Secret's key is active"];
    wait_distrusted(&world, "bot", "CredentialsRejected", &says).await;
    let refused = || world.simulator.counters().unauthenticated;
    let before = refused();
    eventually("two more probes", PATIENCE, async || (refused() >= before + 4).then_some(())).await;
    assert_eq!(world.writes_since(mark).await.len(), 1);
    world.simulator.rotate_auth_token(account(ACCOUNT), AUTH_TOKEN).unwrap();
    wait_state(
        &world,
        "bot",
        &[
            "Ready=True Available",
            "Synced=True ReconcileSucceeded",
            "CredentialsValid=True CredentialsAccepted",
        ],
    )
    .await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
}

/// An account that is suspended, or test credentials.
#[tokio::test]
async fn credentials_rejected_where_the_account_may_do_nothing() {
    use twilio_conversations_simulator::{Fault, FaultRule};
    let mut world = World::new().await;
    world.simulator.add_fault(FaultRule::new(Fault::error(403, 20403)));
    world.start_operator(&[SCALE, NO_CHECKS]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_failed(
        &world,
        "bot",
        "CredentialsRejected",
        &["Twilio error 20403", "suspended", "test credentials"],
    )
    .await;
    world.simulator.clear_faults();
    world.wait_ready("bot").await;
}

#[tokio::test]
async fn account_mismatch_with_a_webhook_names_both_places_whatever_the_secret_opens() {
    let other = AccountSeed::new(account(OTHER_ACCOUNT), OTHER_TOKEN)
        .key(KeySeed::new(key(KEY), KEY_SECRET))
        .conversation(ConversationSeed::new(conversation(99)));
    let mut world = World::with(World::seed().account(other)).await;
    let names = ["account", "region", "foreign-key"];
    world.grant_secrets(&names).await;
    for name in names {
        world.secret(name, &[SID, TOKEN]).await;
    }
    world.start_operator(&[SCALE, CHECKS, TTL]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    for (n, name) in (2..).zip(names) {
        world.create(name, spec_with_secret(n, name)).await;
    }
    for name in names {
        world.wait_ready(name).await;
    }
    let (own, foreign) = (Some(ACCOUNT), Some(OTHER_ACCOUNT));
    change_secret(&world, "account", &[("TWILIO_ACCOUNT_SID", foreign), (TOKEN.0, Some(OTHER_TOKEN))]).await;
    change_secret(&world, "region", &[("TWILIO_REGION", Some("ie1"))]).await;
    let by_key = [("TWILIO_API_KEY", Some(KEY)), ("TWILIO_API_SECRET", Some(KEY_SECRET))];
    change_secret(&world, "foreign-key", &by_key).await;
    for (name, says) in [
        ("account", [ACCOUNT, OTHER_ACCOUNT, "give the Secret credentials of the latter", "region us1"]),
        ("region", [ACCOUNT, "region ie1", "region us1", "or delete this object"]),
        ("foreign-key", [ACCOUNT, OTHER_ACCOUNT, "TWILIO_ACCOUNT_SID", "correct one of them"]),
    ] {
        wait_distrusted(&world, name, "AccountMismatch", &says).await;
    }
    let (mark, ledger) = (world.simulator.journal_mark(), world.simulator.ledger());
    for name in names {
        edit(&world, name, "GET").await;
    }
    wait_checks(&world, 1, 3).await;
    for (n, name) in [(2, "account"), (3, "region")] {
        assert_eq!(operations(&world, n, mark), [], "{name}");
    }
    assert_eq!(world.simulator.ledger(), ledger, "nothing made, changed or deleted");

    change_secret(&world, "account", &[("TWILIO_ACCOUNT_SID", own), (TOKEN.0, Some(AUTH_TOKEN))]).await;
    change_secret(&world, "region", &[("TWILIO_REGION", None)]).await;
    change_secret(&world, "foreign-key", &by_key.map(|(name, _)| (name, None))).await;
    for (n, name) in (2..).zip(names) {
        world.wait_ready(name).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1, "{name}");
        assert_eq!(at_twilio(&world, n)["method"], "get", "{name}");
    }
}

#[tokio::test]
async fn account_mismatch_without_a_webhook_makes_nothing_in_either_account() {
    let other = AccountSeed::new(account(OTHER_ACCOUNT), OTHER_TOKEN).key(KeySeed::new(key(KEY), KEY_SECRET));
    let mut world = World::with(World::seed().account(other)).await;
    world.grant_secrets(&["foreign"]).await;
    world.secret("foreign", &[SID, ("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", KEY_SECRET)]).await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    world.create("bot", spec_with_secret(2, "foreign")).await;
    let says = [ACCOUNT, OTHER_ACCOUNT, "TWILIO_ACCOUNT_SID", "correct one of them"];
    wait_failed(&world, "bot", "AccountMismatch", &says).await;
    wait_checks(&world, 1, 3).await;
    assert_eq!(world.simulator.ledger().records().len(), 1, "the neighbour's");
    world.secret("foreign", &[SID, TOKEN]).await;
    world.wait_ready("bot").await;
}
