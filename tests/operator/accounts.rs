//! Accounts that cannot do everything: in other regions, suspended, or under a key without the right.

use conversation_webhook_operator::api::ConditionType;
use serde_json::json;
use twilio_conversations_simulator::{
    AccountSeed, AccountSid, AccountStatus, ConversationSeed, KeySeed, KeySid, Operation, Region, Seed,
};

use crate::support::{
    ACCOUNT, AUTH_TOKEN, BOT, FLOW, SCALED, World, assert_harmless, condition, conversation, made,
    only_webhook, ready, webhook_spec,
};

const OFTEN: &str = "--resync-interval=1s";
const KEY: KeySid = KeySid::numbered(1);

fn account() -> AccountSid {
    ACCOUNT.parse().unwrap()
}

fn seed(account: AccountSeed) -> Seed {
    Seed::new().account(
        (1..=3).fold(account, |account, n| account.conversation(ConversationSeed::new(conversation(n)))),
    )
}

async fn world(account: AccountSeed) -> World {
    let mut world = World::with(seed(account)).await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world
}

#[tokio::test]
async fn an_account_in_ireland_has_webhooks_and_no_studio() {
    let world = world(AccountSeed::new(account(), AUTH_TOKEN).region(Region::Ie1)).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let studio = json!({
        "conversationSid": conversation(2),
        "target": "studio",
        "configuration": { "flowSid": FLOW },
    });
    world.create("flow", studio).await;
    world.wait_ready("bot").await;
    let object = world.wait_reason("flow", "InvalidConfiguration").await;
    assert_eq!(object.status.unwrap().last_error.unwrap().code, Some(50364));
    assert_eq!(made(&world, 2), []);
    only_webhook(&world, 1);
    for name in ["bot", "flow"] {
        world.delete(name).await;
        world.wait_gone(name).await;
    }
    assert_eq!(world.alive(conversation(1)), []);
}

#[tokio::test]
async fn an_account_in_australia_is_told_so() {
    let world = world(AccountSeed::new(account(), AUTH_TOKEN).region(Region::Au1)).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_told("bot", "InvalidConfiguration", &["Twilio error 50385", "TWILIO_REGION"]).await;
    assert_eq!(world.simulator.counters().total(Operation::Create).requests, 0);
    world.delete("bot").await;
    world.wait_gone("bot").await;
}

#[tokio::test]
async fn a_suspended_account_keeps_its_webhooks_and_goes_on_afterwards() {
    let world = world(AccountSeed::new(account(), AUTH_TOKEN)).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    let webhook = only_webhook(&world, 1);

    world.simulator.set_account_status(account(), AccountStatus::Suspended).unwrap();
    world.patch("bot", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world
        .wait_told_by(ConditionType::CredentialsValid, "bot", "CredentialsRejected", &["Twilio error 20403"])
        .await;
    let object = world.objects().get("bot").await.unwrap();
    assert_eq!(ready(&object).unwrap().status, "True", "the webhook goes on as it was");
    assert_eq!(only_webhook(&world, 1), webhook);

    world.simulator.set_account_status(account(), AccountStatus::Active).unwrap();
    let object = world.wait_ready("bot").await;
    assert_eq!(condition(&object, ConditionType::CredentialsValid).unwrap().status, "True");
    assert_eq!(only_webhook(&world, 1).sid, webhook.sid);
    assert_harmless(&world);
}

#[tokio::test]
async fn a_restricted_key_without_the_right_to_create_is_named_and_the_right_one_serves() {
    let all = Operation::ALL.into_iter().filter(|operation| *operation != Operation::Create);
    let key = KeySeed::new(KEY, "canary-key-secret").restricted_to(all);
    let world = world(AccountSeed::new(account(), AUTH_TOKEN).key(key)).await;
    let login = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_API_KEY", &KEY.to_string()),
        ("TWILIO_API_SECRET", "canary-key-secret"),
    ];
    world.secret("twilio-credentials", &login).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let object = world.wait_reason("bot", "CredentialsRejected").await;
    assert_eq!(object.status.unwrap().last_error.unwrap().code, Some(20003));
    assert_eq!(made(&world, 1), []);

    world.simulator.add_key(account(), &KeySeed::new(KEY, "canary-key-secret").main()).unwrap();
    world.wait_ready("bot").await;
    only_webhook(&world, 1);
}
