//! New credentials in a Secret are taken without a restart.

use twilio_conversations_simulator::{KeySeed, Operation};

use super::{BOT, CHECKS, SCALE, SID, TTL, account, change_secret, key, state, wait_checks, wait_state};
use crate::support::{ACCOUNT, World, conversation, eventually, webhook_spec};

const OLD: &str = "SK00000000000000000000000000000001";
const NEW: &str = "SK00000000000000000000000000000002";
const SECRET: &str = "canary-api-secret";
const AT_REST: [&str; 3] =
    ["Ready=True Available", "Synced=True ReconcileSucceeded", "CredentialsValid=True CredentialsAccepted"];

/// Three objects that are served by the old key.
async fn served_by_the_old_key() -> World {
    let mut world = World::new().await;
    world.simulator.add_key(account(ACCOUNT), &KeySeed::new(key(OLD), SECRET)).unwrap();
    let login = [SID, ("TWILIO_API_KEY", OLD), ("TWILIO_API_SECRET", SECRET)];
    world.secret("twilio-credentials", &login).await;
    world.start_operator(&[SCALE, CHECKS, TTL]).await;
    for n in 1..=3 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for n in 1..=3 {
        world.wait_ready(&format!("bot-{n}")).await;
    }
    world
}

/// The users of all lists of conversation `n` since `mark`.
fn users(world: &World, n: u32, mark: u64) -> Vec<String> {
    let entries = super::about(world, n, mark);
    let lists = entries.into_iter().filter(|entry| entry.operation == Some(Operation::List));
    lists.filter_map(|entry| entry.user).collect()
}

#[tokio::test]
async fn credentials_accepted_stays_while_a_key_is_replaced_before_the_old_one_goes() {
    let world = served_by_the_old_key().await;
    let (writes, mark) = (world.mark().await, world.simulator.journal_mark());
    world.simulator.add_key(account(ACCOUNT), &KeySeed::new(key(NEW), SECRET)).unwrap();
    change_secret(&world, "twilio-credentials", &[("TWILIO_API_KEY", Some(NEW))]).await;
    for n in 1..=3 {
        eventually("the new key is used", super::PATIENCE, async || {
            users(&world, n, mark).iter().any(|user| user == NEW).then_some(())
        })
        .await;
    }
    world.simulator.revoke_key(key(OLD)).unwrap();
    for n in 1..=3 {
        wait_checks(&world, n, 2).await;
        assert_eq!(state(&world.objects().get(&format!("bot-{n}")).await.unwrap()), AT_REST);
    }
    assert_eq!(world.writes_since(writes).await.len(), 0, "no moment in which an object said otherwise");
    assert_eq!(world.simulator.counters().unauthenticated, 0);
}

#[tokio::test]
async fn credentials_rejected_after_a_key_was_revoked_too_early_heals_at_the_next_look() {
    let world = served_by_the_old_key().await;
    world.simulator.revoke_key(key(OLD)).unwrap();
    for n in 1..=3 {
        let rejected = [
            "Ready=True Available",
            "Synced=False CredentialsRejected",
            "CredentialsValid=False CredentialsRejected",
            "Stalled=True CredentialsRejected",
        ];
        wait_state(&world, &format!("bot-{n}"), &rejected).await;
    }
    world.simulator.add_key(account(ACCOUNT), &KeySeed::new(key(NEW), SECRET)).unwrap();
    change_secret(&world, "twilio-credentials", &[("TWILIO_API_KEY", Some(NEW))]).await;
    let refused = world.simulator.counters().unauthenticated;
    for n in 1..=3 {
        wait_state(&world, &format!("bot-{n}"), &AT_REST).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1);
    }
    // One probe, of two requests, may have been under way.
    let refused = world.simulator.counters().unauthenticated - refused;
    assert!(refused <= 2, "the old key was tried again: {refused}");
}
