//! Credentials that do not work: said in the object, nothing touched at Twilio, others served, healed by a better
//! Secret without a restart.

use std::time::{Duration, Instant};

use conversation_webhook_operator::api::ConditionType::{self, CredentialsValid, Ready, Stalled, Synced};
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    AccountSeed, AccountSid, ConversationSeed, Entry, KeySeed, KeySid, Operation,
};

use crate::support::{
    ACCOUNT, AUTH_TOKEN, PATIENCE, World, condition, conversation, eventually, ready, webhook_spec,
};

/// The content of a Secret.
type Entries<'a> = &'a [(&'a str, &'a str)];

const SID: (&str, &str) = ("TWILIO_ACCOUNT_SID", ACCOUNT);
const TOKEN: (&str, &str) = ("TWILIO_AUTH_TOKEN", AUTH_TOKEN);
const WRONG_TOKEN: (&str, &str) = ("TWILIO_AUTH_TOKEN", "canary-wrong-token");
const OTHER_ACCOUNT: &str = "AC00000000000000000000000000000002";
const OTHER_TOKEN: &str = "canary-other-token";
/// An account that has nothing to do with the others.
const THIRD_ACCOUNT: &str = "AC00000000000000000000000000000003";
const THIRD_TOKEN: &str = "canary-third-token";
const KEY: &str = "SK00000000000000000000000000000001";
const KEY_SECRET: &str = "canary-api-secret";

/// Scaled, credentials are looked at again every three seconds.
const SCALE: &str = "--time-scale=0.1";
const POLL: Duration = Duration::from_secs(3);

/// A webhook on conversation `n` by the credentials in this Secret.
fn spec_with_secret(n: u32, secret: &str) -> Value {
    let mut spec = webhook_spec(n, "https://bots.example.com/a");
    spec["credentialsSecretRef"] = json!({ "name": secret });
    spec
}

/// Requests about conversation `n`.
fn about(world: &World, n: u32) -> Vec<Entry> {
    let mut entries = world.simulator.journal();
    entries.retain(|entry| entry.path.contains(&conversation(n).to_string()));
    entries
}

fn key(sid: &str) -> KeySid {
    sid.parse().unwrap()
}

fn account(sid: &str) -> AccountSid {
    sid.parse().unwrap()
}

#[tokio::test]
async fn a_secret_that_is_no_login_is_reported_and_heals_when_it_becomes_one() {
    let half_a_key = ("TWILIO_API_KEY", KEY);
    let cases: [(&str, Option<Entries<'_>>, &[&str]); 8] = [
        ("absent", None, &["does not exist", "create it with TWILIO_ACCOUNT_SID"]),
        ("no-account", Some(&[TOKEN]), &["the key TWILIO_ACCOUNT_SID is missing"]),
        ("empty-account", Some(&[("TWILIO_ACCOUNT_SID", " \n"), TOKEN]), &["TWILIO_ACCOUNT_SID is empty"]),
        (
            "malformed-account",
            Some(&[("TWILIO_ACCOUNT_SID", "canary-AC123"), TOKEN]),
            &["the key TWILIO_ACCOUNT_SID is malformed: expected AC and 32 hexadecimal digits"],
        ),
        ("no-login", Some(&[SID]), &["give TWILIO_API_KEY with TWILIO_API_SECRET, or TWILIO_AUTH_TOKEN"]),
        ("empty-token", Some(&[SID, ("TWILIO_AUTH_TOKEN", "")]), &["the key TWILIO_AUTH_TOKEN is empty"]),
        ("half-a-key", Some(&[SID, TOKEN, half_a_key]), &["the key TWILIO_API_SECRET is missing"]),
        (
            "no-edge",
            Some(&[SID, TOKEN, ("TWILIO_REGION", "xx9")]),
            &["the key TWILIO_EDGE is missing: it has no default for region xx9"],
        ),
    ];
    let mut world = World::new().await;
    world.simulator.add_key(account(ACCOUNT), &KeySeed::new(key(KEY), KEY_SECRET)).unwrap();
    world.grant_secrets(&cases.map(|(name, ..)| name)).await;
    for (name, entries, _) in cases {
        if let Some(entries) = entries {
            world.secret(name, entries).await;
        }
    }
    world.start_operator(&[SCALE]).await;
    for (n, (name, ..)) in (2..).zip(cases) {
        world.create(name, spec_with_secret(n, name)).await;
    }
    world.create("neighbour", webhook_spec(1, "https://bots.example.com/a")).await;

    for (name, _, says) in cases {
        let secret = format!("Secret {}/{name}", world.namespace);
        let says: Vec<&str> = says.iter().copied().chain([secret.as_str()]).collect();
        let object = world.wait_told(name, "CredentialsMissing", &says).await;
        for (type_, status) in [(CredentialsValid, "False"), (Synced, "False"), (Stalled, "True")] {
            let condition = condition(&object, type_).unwrap();
            assert_eq!(
                (condition.status.as_str(), condition.reason.as_str()),
                (status, "CredentialsMissing")
            );
        }
        assert!(!serde_json::to_string(&object.status).unwrap().contains("canary"), "{:?}", object.status);
    }
    world.wait_ready("neighbour").await;
    for n in (2..).take(cases.len()) {
        assert_eq!(about(&world, n), [], "no request with credentials that are none");
    }

    // The API key wins over the token beside it.
    world.secret("half-a-key", &[SID, WRONG_TOKEN, half_a_key, ("TWILIO_API_SECRET", KEY_SECRET)]).await;
    for (name, ..) in cases.into_iter().filter(|(name, ..)| *name != "half-a-key") {
        world.secret(name, &[SID, TOKEN]).await;
    }
    for (n, (name, ..)) in (2..).zip(cases) {
        world.wait_ready(name).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1, "{name}");
        let user = if name == "half-a-key" { KEY } else { ACCOUNT };
        assert!(about(&world, n).iter().all(|entry| entry.user.as_deref() == Some(user)), "{name}");
    }
}

#[tokio::test]
async fn a_secret_that_rbac_keeps_from_the_operator_is_reported_with_the_way_out() {
    let mut world = World::new().await;
    world.secret("private", &[SID, TOKEN]).await;
    world.start_operator(&[SCALE]).await;
    world.create("bot", spec_with_secret(2, "private")).await;
    world.create("neighbour", webhook_spec(1, "https://bots.example.com/a")).await;
    let secret = format!("the operator may not read Secret {}/private", world.namespace);
    world.wait_told("bot", "CredentialsMissing", &[&secret, "secretAccess.names", "RBAC"]).await;
    world.wait_ready("neighbour").await;
    assert_eq!(about(&world, 2), []);

    world.grant_secrets(&["private"]).await;
    world.wait_ready("bot").await;
}

/// An API server that has just started refuses what it allows a moment later: nothing is said, nothing is written.
#[tokio::test]
async fn a_right_on_a_secret_that_is_lost_for_a_moment_is_not_said_and_one_that_stays_lost_is() {
    const OBJECTS: u32 = 5;
    let mut world = World::new().await;
    world.secret("private", &[SID, TOKEN]).await;
    world.grant_secrets(&["private"]).await;
    // What is refused is believed after six seconds.
    let often = ["--time-scale=0.2", "--resync-interval=1s", "--credentials-ttl=1s"];
    world.start_operator(&often).await;
    for n in 1..=OBJECTS {
        world.create(&format!("bot-{n}"), spec_with_secret(n, "private")).await;
    }
    for n in 1..=OBJECTS {
        world.wait_ready(&format!("bot-{n}")).await;
    }
    let namespace = ["--namespace", &world.namespace];
    let refusals = async |mark| {
        let requests = world.requests_since(mark).await;
        requests.iter().filter(|read| read.namespace == world.namespace && read.code == 403).count()
    };
    let mark = world.mark().await;
    world
        .plane
        .kubectl(&[&["delete", "rolebinding", "read-private"], &namespace[..]].concat())
        .await
        .unwrap();
    eventually("the operator is refused", PATIENCE, async || (refusals(mark).await >= 2).then_some(())).await;
    let binding = ["create", "rolebinding", "read-private", "--role", "read-private"];
    let account = ["--serviceaccount", "cwo-system:cwo-conversation-webhook-operator"];
    world.plane.kubectl(&[&binding[..], &account, &namespace].concat()).await.unwrap();
    let allowed = world.mark().await;
    eventually("the operator may read it again", PATIENCE, async || {
        let requests = world.requests_since(allowed).await;
        let reads = requests.iter().filter(|read| read.resource == "secrets" && read.code == 200);
        (reads.filter(|read| read.namespace == world.namespace).count() > 0).then_some(())
    })
    .await;
    assert_eq!(world.writes_since(mark).await.to_vec(), []);
    // One try a second for all of them, and not each its own.
    assert!(refusals(mark).await <= 12, "{} tries", refusals(mark).await);

    world
        .plane
        .kubectl(&[&["delete", "rolebinding", "read-private"], &namespace[..]].concat())
        .await
        .unwrap();
    let says = ["the operator may not read Secret"];
    let object = world.wait_told_by(Synced, "bot-1", "CredentialsMissing", &says).await;
    assert_eq!(ready(&object).unwrap().status, "True", "the webhook goes on");
}

#[tokio::test]
async fn refused_credentials_cost_one_probe_a_poll_for_all_their_objects() {
    let mut world = World::new().await;
    world.grant_secrets(&["good"]).await;
    world.secret("twilio-credentials", &[SID, WRONG_TOKEN]).await;
    world.secret("good", &[SID, TOKEN]).await;
    world.start_operator(&[SCALE]).await;
    let started = Instant::now();
    for n in 2..=6 {
        world.create(&format!("bot-{n}"), webhook_spec(n, "https://bots.example.com/a")).await;
    }
    world.create("neighbour", spec_with_secret(1, "good")).await;
    for n in 2..=6 {
        let says =
            ["Twilio refuses the credentials (Twilio error 20003", "check that the Secret's key is active"];
        let object = world.wait_told(&format!("bot-{n}"), "CredentialsRejected", &says).await;
        let error = object.status.unwrap().last_error.unwrap();
        assert_eq!((error.code, error.http_status), (Some(20003), Some(401)));
    }
    world.wait_ready("neighbour").await;

    // A probe asks for the account, and where that is refused for the conversation.
    let refused = || world.simulator.counters().unauthenticated;
    eventually("three probes", Duration::from_secs(40), async || (refused() >= 6).then_some(())).await;
    let polls = started.elapsed().div_duration_f64(POLL).ceil();
    let requests = f64::from(u32::try_from(refused()).unwrap());
    assert!(requests <= 2.0 * (polls + 1.0), "{requests} requests in {polls} polls");
    assert_eq!(world.simulator.ledger().records().len(), 1, "the neighbour's");

    world.secret("twilio-credentials", &[SID, TOKEN]).await;
    for n in 2..=6 {
        world.wait_ready(&format!("bot-{n}")).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1);
    }
}

#[tokio::test]
async fn a_restricted_key_needs_no_more_rights_than_its_webhooks() {
    use Operation::{ConfigurationFetch, ConversationFetch, Create, Delete, List, Update};
    let cases: [(&str, &[Operation], Option<&str>); 5] = [
        // The account is proved by the conversation then, by SID or by unique name.
        ("enough", &[ConversationFetch, List, Create, Update, Delete], None),
        ("by-name", &[ConversationFetch, List, Create, Update, Delete], None),
        ("no-proof", &[List, Create, Update, Delete], Some("20003 on fetch_")),
        ("no-list", &[ConfigurationFetch, Create, Update, Delete], Some("20003 on list_webhooks")),
        ("no-create", &[ConfigurationFetch, List, Update, Delete], Some("20003 on create_webhook")),
    ];
    let sid = |n: u32| format!("SK{n:032x}");
    let mut world = World::new().await;
    world.grant_secrets(&cases.map(|(name, ..)| name)).await;
    for (n, (name, rights, _)) in (2..).zip(cases) {
        let restricted = KeySeed::new(key(&sid(n)), KEY_SECRET).restricted_to(rights.iter().copied());
        world.simulator.add_key(account(ACCOUNT), &restricted).unwrap();
        world.secret(name, &[SID, ("TWILIO_API_KEY", &sid(n)), ("TWILIO_API_SECRET", KEY_SECRET)]).await;
    }
    world.start_operator(&[SCALE]).await;
    for (n, (name, ..)) in (2..).zip(cases) {
        let mut spec = spec_with_secret(n, name);
        if name == "by-name" {
            spec.as_object_mut().unwrap().remove("conversationSid");
            spec["conversationUniqueName"] = json!("support");
        }
        world.create(name, spec).await;
    }
    for (n, (name, _, refused)) in (2..).zip(cases) {
        let Some(refused) = refused else {
            world.wait_ready(name).await;
            continue;
        };
        let says = [refused, "may read and configure Conversations webhooks"];
        world.wait_told(name, "CredentialsRejected", &says).await;
        assert_eq!(world.ever_made(conversation(n)), [], "{name}");
        // The very key is given the right.
        world.simulator.add_key(account(ACCOUNT), &KeySeed::new(key(&sid(n)), KEY_SECRET)).unwrap();
        world.wait_ready(name).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1, "{name}");
    }
}

#[tokio::test]
async fn an_object_that_a_key_has_no_right_for_does_not_hold_up_the_others_of_its_secret() {
    use Operation::{ConfigurationFetch, Delete, List, Update};
    let mut world = World::new().await;
    let login = [SID, ("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", KEY_SECRET)];
    world.secret("twilio-credentials", &login).await;
    world.simulator.add_key(account(ACCOUNT), &KeySeed::new(key(KEY), KEY_SECRET)).unwrap();
    world.start_operator(&[SCALE]).await;
    world.create("served", webhook_spec(1, "https://bots.example.com/a")).await;
    world.wait_ready("served").await;
    let no_create =
        KeySeed::new(key(KEY), KEY_SECRET).restricted_to([ConfigurationFetch, List, Update, Delete]);
    world.simulator.add_key(account(ACCOUNT), &no_create).unwrap();
    world.create("new", webhook_spec(2, "https://bots.example.com/a")).await;
    world.wait_told("new", "CredentialsRejected", &["20003 on create_webhook"]).await;
    world.patch("served", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world.wait_ready("served").await;
    world.delete("served").await;
    world.wait_gone("served").await;
}

/// A restricted key that may not ask for its account, and a conversation that is not there: whose account it is not
/// in nobody knows.
#[tokio::test]
async fn a_404_proves_nothing_where_the_account_cannot_be_proved() {
    use Operation::{ConversationFetch, Create, Delete, List, Update};
    let mut world = World::new().await;
    let restricted =
        KeySeed::new(key(KEY), KEY_SECRET).restricted_to([ConversationFetch, List, Create, Update, Delete]);
    world.simulator.add_key(account(ACCOUNT), &restricted).unwrap();
    let login = [SID, ("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", KEY_SECRET)];
    world.secret("twilio-credentials", &login).await;
    world.start_operator(&[SCALE]).await;
    world.create("lost", webhook_spec(99, "https://bots.example.com/a")).await;
    world.wait_told("lost", "CredentialsRejected", &["fetch_configuration"]).await;
    // Another object's conversation proves the account, and what is missing can be believed missing.
    world.create("neighbour", webhook_spec(1, "https://bots.example.com/a")).await;
    world.wait_ready("neighbour").await;
    world.wait_told("lost", "ConversationNotFound", &[&conversation(99).to_string()]).await;
}

/// A world in which another account has a key and a token, and three objects are served before their Secret changes.
async fn served_before_the_secret_changes() -> World {
    let other = AccountSeed::new(account(OTHER_ACCOUNT), OTHER_TOKEN).key(KeySeed::new(key(KEY), KEY_SECRET));
    let third = AccountSeed::new(account(THIRD_ACCOUNT), THIRD_TOKEN)
        .conversation(ConversationSeed::new(conversation(61)));
    let mut world = World::with(World::seed().account(other).account(third)).await;
    world.grant_secrets(&["third"]).await;
    world.secret("third", &[("TWILIO_ACCOUNT_SID", THIRD_ACCOUNT), ("TWILIO_AUTH_TOKEN", THIRD_TOKEN)]).await;
    world.start_operator(&[SCALE]).await;
    for (n, name) in [(2, "checked"), (3, "edited"), (4, "deleted")] {
        world.create(name, webhook_spec(n, "https://bots.example.com/a")).await;
    }
    world.create("neighbour", spec_with_secret(61, "third")).await;
    for name in ["checked", "edited", "deleted", "neighbour"] {
        world.wait_ready(name).await;
    }
    world.stop_operator().await;
    world
}

/// Checks, edits and deletes under credentials of another account, which are put right in the end. `blocked` is how
/// an object that is being deleted says so.
async fn nothing_is_done_until_the_secret_is_right(
    mut world: World,
    wrong: Entries<'_>,
    blocked: (ConditionType, &str),
) -> World {
    let ledger = world.simulator.ledger();
    world.secret("twilio-credentials", wrong).await;
    world.start_operator(&[SCALE, "--resync-interval=2s"]).await;
    let both = [ACCOUNT, OTHER_ACCOUNT];
    let edit = json!({ "spec": { "configuration": { "url": "https://bots.example.com/new" } } });
    world.patch("edited", edit).await;
    world.delete("deleted").await;
    world.wait_told_by(blocked.0, "deleted", blocked.1, &both).await;
    for name in ["checked", "edited"] {
        let object = world.wait_told_by(Synced, name, "AccountMismatch", &both).await;
        assert_eq!(ready(&object).unwrap().status, "True", "the webhook is as it was, as far as is known");
        assert_eq!(condition(&object, CredentialsValid).unwrap().status, "False");
    }
    assert_eq!(world.simulator.ledger(), ledger, "nothing made, changed or deleted");
    world.patch("neighbour", json!({ "spec": { "configuration": { "method": "GET" } } })).await;
    world.wait_ready("neighbour").await;

    world.secret("twilio-credentials", &[SID, TOKEN]).await;
    world.wait_gone("deleted").await;
    assert_eq!(world.alive(conversation(4)), []);
    world.wait_ready("edited").await;
    assert_eq!(world.alive(conversation(3))[0].configuration.url(), Some("https://bots.example.com/new"));
    world.wait_told_by(Synced, "checked", "ReconcileSucceeded", &[]).await;
    assert_eq!(world.ever_made(conversation(2)).len(), 1);
    world
}

#[tokio::test]
async fn with_the_key_of_another_account_nothing_is_done_and_no_404_believed() {
    let world = served_before_the_secret_changes().await;
    // Each of our conversations is a 404 to it.
    let foreign_key = [SID, ("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", KEY_SECRET)];
    let blocked = (Ready, "DeletionBlocked");
    nothing_is_done_until_the_secret_is_right(world, &foreign_key, blocked).await;
}

#[tokio::test]
async fn a_webhook_is_never_looked_for_in_another_account_than_its_own() {
    let world = served_before_the_secret_changes().await;
    let moved = [("TWILIO_ACCOUNT_SID", OTHER_ACCOUNT), ("TWILIO_AUTH_TOKEN", OTHER_TOKEN)];
    let blocked = (Synced, "AccountMismatch");
    let world = nothing_is_done_until_the_secret_is_right(world, &moved, blocked).await;
    let asked = world.simulator.journal();
    let asked = asked.iter().filter(|entry| entry.account == Some(account(OTHER_ACCOUNT)));
    assert_eq!(asked.count(), 0);
}

#[tokio::test]
async fn an_object_under_the_key_of_another_account_makes_nothing() {
    let foreign = AccountSeed::new(account(OTHER_ACCOUNT), OTHER_TOKEN)
        .key(KeySeed::new(key(KEY), KEY_SECRET))
        .conversation(ConversationSeed::new(conversation(99)));
    let mut world = World::with(World::seed().account(foreign)).await;
    world.grant_secrets(&["foreign"]).await;
    let login = [SID, ("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", KEY_SECRET)];
    world.secret("foreign", &login).await;
    world.start_operator(&[SCALE]).await;
    // One on a conversation of the declared account, one on a conversation of the key's.
    world.create("declared", spec_with_secret(2, "foreign")).await;
    world.create("key-s-own", spec_with_secret(99, "foreign")).await;
    world.create("neighbour", webhook_spec(1, "https://bots.example.com/a")).await;
    for name in ["declared", "key-s-own"] {
        let says = [ACCOUNT, OTHER_ACCOUNT, "TWILIO_ACCOUNT_SID", "correct one of them"];
        world.wait_told(name, "AccountMismatch", &says).await;
    }
    world.wait_ready("neighbour").await;
    assert_eq!(world.simulator.ledger().records().len(), 1, "the neighbour's");

    let token = [("TWILIO_ACCOUNT_SID", OTHER_ACCOUNT), ("TWILIO_AUTH_TOKEN", OTHER_TOKEN)];
    world.secret("foreign", &token).await;
    world.wait_ready("key-s-own").await;
    world.wait_told("declared", "ConversationNotFound", &[&conversation(2).to_string()]).await;
}
