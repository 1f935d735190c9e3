//! Secrets that are watched (`--watch-secrets`): what is new in them serves at once. Without that it would take the hours
//! that these operators wait between two looks.

use conversation_webhook_operator::api::ConditionType::CredentialsValid;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{
    ACCOUNT, AUTH_TOKEN, PATIENCE, World, assert_harmless, condition, conversation, eventually, made,
    only_webhook, serving_since, webhook_spec,
};

/// Objects are at rest for an hour, and so is what was read of Secrets; a Secret that is no login is looked at again after ten
/// minutes.
const SELDOM: [&str; 3] = ["--resync-interval=1h", "--credentials-ttl=1h", "--time-scale=20"];
const BOT: &str = "https://bots.example.com/a";
const NEW_BOT: &str = "https://bots.example.com/b";

fn with_address_from(n: u32, secret: &str) -> Value {
    let mut spec = webhook_spec(n, BOT);
    let from = json!({ "secretKeyRef": { "name": secret, "key": "url" } });
    spec["configuration"] = json!({ "urlFrom": from, "filters": ["onMessageAdded"] });
    spec
}

/// Writes into a Secret as `kubectl apply` would.
async fn write(world: &World, secret: &str, entries: &[(&str, &str)]) {
    let data: serde_json::Map<String, Value> =
        entries.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let patch = json!({ "stringData": data }).to_string();
    world.plane.kubectl(&["patch", "secret", secret, "-n", &world.namespace, "-p", &patch]).await.unwrap();
}

async fn wait_url(world: &World, n: u32, url: &str) {
    eventually(&format!("the webhook on conversation {n} has {url}"), PATIENCE, async || {
        let alive = world.alive(conversation(n));
        (alive.len() == 1 && alive[0].configuration.url() == Some(url)).then_some(())
    })
    .await;
}

/// In this mode of the chart, by the rights that it gives, and the Secrets of these names watched.
async fn follows(values: &[&str], watched: &[&str]) {
    let mut world = World::on_own_plane_with(&[&["secretAccess.watch=true"][..], values].concat()).await;
    world.secret("addresses", &[("url", BOT)]).await;
    let watch = watched.iter().map(|name| format!("--watch-secrets={name}")).collect::<Vec<_>>();
    let arguments: Vec<&str> = SELDOM.into_iter().chain(watch.iter().map(String::as_str)).collect();
    let mark = world.mark().await;
    world.start_operator(&arguments).await;
    // An address.
    world.create("address", with_address_from(1, "addresses")).await;
    world.wait_ready("address").await;
    write(&world, "addresses", &[("url", NEW_BOT)]).await;
    wait_url(&world, 1, NEW_BOT).await;
    // A login that is refused, and one that is not.
    write(&world, "twilio-credentials", &[("TWILIO_AUTH_TOKEN", "canary-wrong")]).await;
    world.create("login", webhook_spec(2, BOT)).await;
    world.wait_reason("login", "CredentialsRejected").await;
    write(&world, "twilio-credentials", &[("TWILIO_AUTH_TOKEN", AUTH_TOKEN)]).await;
    world.wait_ready("login").await;
    // One that is not there yet.
    world.delete_secret("twilio-credentials").await;
    world.create("missing", webhook_spec(3, BOT)).await;
    world.wait_reason("missing", "CredentialsMissing").await;
    world
        .secret("twilio-credentials", &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)])
        .await;
    world.wait_ready("missing").await;
    for n in 1..=3 {
        only_webhook(&world, n);
        assert_eq!(made(&world, n).len(), 1);
    }
    assert_harmless(&world);
    let requests = world.requests_since(mark).await;
    assert!(requests.iter().all(|request| request.code != 403), "{requests:?}");
    let started = requests.count("watch", "secrets");
    assert!(started >= watched.len(), "{:?}", requests.counts());
}

#[tokio::test]
async fn named_secrets_are_followed() {
    let names = "secretAccess.names={twilio-credentials,addresses}";
    follows(&[names], &["twilio-credentials", "addresses"]).await;
}

#[tokio::test]
async fn all_secrets_are_followed() {
    follows(&["secretAccess.mode=cluster"], &["*"]).await;
}

/// An object at rest is not looked at for an hour after a start, and nobody has read its address by then.
#[tokio::test]
async fn an_address_that_changes_before_anybody_read_it_is_followed() {
    let mut world = World::new().await;
    world.let_watch_secrets(&["twilio-credentials", "addresses"]).await;
    world.secret("addresses", &[("url", BOT), ("other", "1")]).await;
    let watch = format!("--watch-secrets={}/addresses", world.namespace);
    let arguments = [&SELDOM[..], &[&watch]].concat();
    world.start_operator(&arguments).await;
    world.create("bot", with_address_from(1, "addresses")).await;
    world.wait_ready("bot").await;
    world.stop_operator().await;
    let mark = world.mark().await;
    world.start_operator(&arguments).await;
    eventually("the Secret is watched", PATIENCE, async || {
        let requests =
            world.requests_since(mark).await.filter(|request| request.namespace == world.namespace);
        (requests.count("watch", "secrets") > 0).then_some(())
    })
    .await;
    write(&world, "addresses", &[("url", NEW_BOT)]).await;
    wait_url(&world, 1, NEW_BOT).await;
    // What is no address is read, and sends nobody anywhere.
    let looked_at = |world: &World| {
        let log = world.operator.as_ref().unwrap().log();
        log.lines().filter(|line| line.contains("\"decided\"")).count()
    };
    eventually("the pass is over", PATIENCE, async || {
        world.operator.as_ref().unwrap().log().contains("\"Available\"").then_some(())
    })
    .await;
    let (before, mark) = (looked_at(&world), world.mark().await);
    write(&world, "addresses", &[("other", "2")]).await;
    eventually("the Secret is read", PATIENCE, async || {
        let requests =
            world.requests_since(mark).await.filter(|request| request.namespace == world.namespace);
        (requests.count("get", "secrets") > 0).then_some(())
    })
    .await;
    assert_eq!(looked_at(&world), before);
}

/// Who is at rest stays so, and who rotates a login meets no refusal: the next request is made with the new one.
#[tokio::test]
async fn a_new_login_serves_from_the_next_request_and_wakes_nobody() {
    let mut world = World::new().await;
    world.let_watch_secrets(&["twilio-credentials"]).await;
    let watch = format!("--watch-secrets={}/twilio-credentials", world.namespace);
    world.start_operator(&[&SELDOM[..], &[&watch]].concat()).await;
    for n in 1..=3 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
        world.wait_ready(&format!("bot-{n}")).await;
    }
    let looked_at = |world: &World| {
        let log = world.operator.as_ref().unwrap().log();
        let decisions = log.lines().filter(|line| line.contains("\"decided\""));
        decisions.filter(|line| line.contains("\"bot-2\"") || line.contains("\"bot-3\"")).count()
    };
    // A pass ends a moment after the object says so.
    eventually("all passes are over", PATIENCE, async || {
        let log = world.operator.as_ref().unwrap().log();
        let over = |name: &str| log.lines().any(|line| line.contains(name) && line.contains("\"Available\""));
        (over("\"bot-2\"") && over("\"bot-3\"")).then_some(())
    })
    .await;
    let before = looked_at(&world);
    // A token that does not work stands for a new one: the refusal shows that it is the one that serves.
    write(&world, "twilio-credentials", &[("TWILIO_AUTH_TOKEN", "canary-wrong")]).await;
    let mut edits = 0;
    eventually("an edit is refused", PATIENCE, async || {
        edits += 1;
        let url = format!("https://bots.example.com/{edits}");
        let edited = world.patch("bot-1", json!({ "spec": { "configuration": { "url": url } } })).await;
        (condition(&edited, CredentialsValid)?.status == "False").then_some(())
    })
    .await;
    world.patch("bot-1", json!({ "spec": { "configuration": { "url": NEW_BOT } } })).await;
    write(&world, "twilio-credentials", &[("TWILIO_AUTH_TOKEN", AUTH_TOKEN)]).await;
    wait_url(&world, 1, NEW_BOT).await;
    assert_eq!(looked_at(&world), before, "who is at rest is left alone");
    assert_harmless(&world);
}

/// Without the right everything is as without a watch, and the log says what is missing.
#[tokio::test]
async fn an_operator_that_may_not_watch_reads_at_intervals() {
    let mut world = World::new().await;
    let mark = world.mark().await;
    world.start_operator(&["--watch-secrets=twilio-credentials", "--time-scale=0.1"]).await;
    world
        .secret(
            "twilio-credentials",
            &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", "canary-wrong")],
        )
        .await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_reason("bot", "CredentialsRejected").await;
    eventually("the log says what is missing", PATIENCE, async || {
        let log = world.operator.as_ref().unwrap().log();
        log.contains("where the right to list and watch them is missing, give it").then_some(())
    })
    .await;
    world
        .secret("twilio-credentials", &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)])
        .await;
    world.wait_ready("bot").await;
    // Asked for again after each poll, and not at once.
    let started = serving_since(&world);
    let requests = world.requests_since(mark).await.filter(|request| request.namespace == world.namespace);
    let polls = Timestamp::now().duration_since(started).as_secs() / 3;
    let asked = i64::try_from(requests.count("list", "secrets")).unwrap();
    assert!((1..=polls + 2).contains(&asked), "{asked} lists in {polls} polls");
    let log = world.operator.as_ref().unwrap().log();
    assert_eq!(log.matches("Secrets cannot be watched").count(), 1);
}
