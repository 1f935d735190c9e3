//! Many objects, one login that does not work: what it costs, and whom it concerns.

use std::time::{Duration, Instant};

use conversation_webhook_operator::api::ConditionType::Stalled;
use serde_json::{Value, json};
use twilio_conversations_simulator::{AccountSeed, ConversationSeed, Operation};

use crate::support::{ACCOUNT, AUTH_TOKEN, World, condition, conversation, eventually, webhook_spec};

const OTHER_ACCOUNT: &str = "AC00000000000000000000000000000002";
const OTHER_TOKEN: &str = "canary-other-token";
const PATIENCE: Duration = Duration::from_mins(2);
/// Scaled, credentials are looked at again every one and a half seconds.
const POLL: Duration = Duration::from_millis(1500);
/// Secrets that hold the same login.
const SECRETS: [&str; 5] = ["bad-1", "bad-2", "bad-3", "bad-4", "bad-5"];
/// Conversations of the other account.
const OTHERS: std::ops::RangeInclusive<u32> = 201..=203;

fn spec_with_secret(n: u32, secret: &str) -> Value {
    let mut spec = webhook_spec(n, "https://bots.example.com/a");
    spec["credentialsSecretRef"] = json!({ "name": secret });
    spec
}

/// A hundred conversations of one account, some of another, each with a Secret for its login.
async fn two_accounts() -> World {
    let mut other = AccountSeed::new(OTHER_ACCOUNT.parse().unwrap(), OTHER_TOKEN);
    for n in OTHERS {
        other = other.conversation(ConversationSeed::new(conversation(n)));
    }
    let world = World::with(World::seed().account(other)).await;
    for n in 61..=101 {
        let seed = ConversationSeed::new(conversation(n));
        world.simulator.create_conversation(ACCOUNT.parse().unwrap(), &seed).unwrap();
    }
    world.grant_secrets(&[&SECRETS[..], &["other"]].concat()).await;
    for secret in SECRETS {
        let login = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", "canary-wrong-token")];
        world.secret(secret, &login).await;
    }
    let login = [("TWILIO_ACCOUNT_SID", OTHER_ACCOUNT), ("TWILIO_AUTH_TOKEN", OTHER_TOKEN)];
    world.secret("other", &login).await;
    world
}

/// Requests of one operation that the other account's objects made since `mark`.
fn of_others(world: &World, operation: Operation, mark: u64) -> usize {
    let entries = world.simulator.journal_since(mark);
    let other = OTHER_ACCOUNT.parse().unwrap();
    entries.iter().filter(|entry| entry.account == Some(other) && entry.operation == Some(operation)).count()
}

#[tokio::test]
async fn a_hundred_objects_with_one_wrong_login_cost_one_probe_a_poll_and_hold_up_nobody_else() {
    let mut world = two_accounts().await;
    world.start_operator(&["--time-scale=0.05", "--resync-interval=2s"]).await;
    for n in OTHERS {
        world.create(&format!("other-{n}"), spec_with_secret(n, "other")).await;
    }
    for n in OTHERS {
        world.wait_ready(&format!("other-{n}")).await;
    }
    let (writes, started) = (world.mark().await, Instant::now());
    for n in 2..=101 {
        let secret = SECRETS[n as usize % SECRETS.len()];
        world.create(&format!("bot-{n}"), spec_with_secret(n, secret)).await;
    }
    for n in 2..=101 {
        let object =
            world.wait_told(&format!("bot-{n}"), "CredentialsRejected", &["Twilio error 20003"]).await;
        assert_eq!(condition(&object, Stalled).unwrap().status, "True");
    }

    // A probe asks for the account, and where that is refused for the conversation.
    let refused = || world.simulator.counters().unauthenticated;
    let (before, mark) = (refused(), world.simulator.journal_mark());
    eventually("four more probes", PATIENCE, async || (refused() >= before + 8).then_some(())).await;
    let polls = started.elapsed().div_duration_f64(POLL).ceil();
    let requests = f64::from(u32::try_from(refused()).unwrap());
    assert!(requests <= 2.0 * (polls + 1.0), "{requests} requests in {polls} polls");
    // Each Secret is read once a poll, and the one whose login was refused a moment ago once more.
    let reads = world.requests_since(writes).await.filter(|request| {
        request.resource == "secrets"
            && request.namespace == world.namespace
            && SECRETS.contains(&request.name.as_str())
    });
    let reads = f64::from(u32::try_from(reads.len()).unwrap());
    let secrets = f64::from(u32::try_from(SECRETS.len()).unwrap());
    assert!(reads <= secrets * (polls + 2.0) + requests / 2.0, "{reads} reads in {polls} polls");
    let said = world.writes_since(writes).await.filter(|request| request.name.starts_with("bot-"));
    assert_eq!(said.len(), 100, "each object says it once");

    // The other account's checks went on meanwhile, and its edits are sent.
    let lists = of_others(&world, Operation::List, mark);
    assert!(lists >= OTHERS.count() * 2, "{lists} checks of the other account");
    for n in OTHERS {
        let edit = json!({ "spec": { "configuration": { "method": "GET" } } });
        world.patch(&format!("other-{n}"), edit).await;
    }
    for n in OTHERS {
        world.wait_ready(&format!("other-{n}")).await;
    }
    assert_eq!(of_others(&world, Operation::Update, mark), OTHERS.count());
    assert_eq!(world.simulator.ledger().records().len(), OTHERS.count(), "theirs alone");

    for secret in SECRETS {
        world.secret(secret, &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)]).await;
    }
    for n in 2..=101 {
        world.wait_ready(&format!("bot-{n}")).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1, "bot-{n}");
    }
}
