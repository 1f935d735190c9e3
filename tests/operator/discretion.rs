//! At the most talkative level of all that the operator is made of: nothing that somebody may want to keep to
//! themselves gets into its log, its Events, its metrics or an object's status.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conversation_webhook_operator::api::{
    ABANDON_ANNOTATION, ATTEMPT_ANNOTATION, CONFIRM_RESTORE_ANNOTATION, RESOLVE_ANNOTATION,
};
use kube::ResourceExt;
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    Fault, FaultRule, Garble, KeySeed, Operation, WebhookChanges, WebhookSeed,
};

use crate::support::{ACCOUNT, AUTH_TOKEN, World, conversation, eventually, webhook_spec};

const KEY: &str = "SK00000000000000000000000000000001";
const API_SECRET: &str = "canary-api-secret";
const WRONG_TOKEN: &str = "canary-wrong-token";
const ADDRESS: &str = "https://bots.example.com/canary-in-the-spec";
const FROM_SECRET: &str = "https://bots.example.com/canary-in-a-secret";
const OUTSIDER: &str = "https://elsewhere.example.com/canary-of-somebody-else";
const SID: (&str, &str) = ("TWILIO_ACCOUNT_SID", ACCOUNT);
const PATIENCE: Duration = Duration::from_mins(1);

/// Objects, by name, with the conversation, the Secret with credentials, and the Secret with the address.
const OBJECTS: [(&str, u32, &str, Option<&str>); 10] = [
    ("by-token", 1, "twilio-credentials", None),
    ("by-key", 2, "by-key", None),
    ("from-secret", 3, "twilio-credentials", Some("address")),
    ("lost", 4, "twilio-credentials", Some("address")),
    ("no-address", 5, "twilio-credentials", Some("no-address")),
    ("unauthorized", 6, "wrong", None),
    ("no-login", 7, "no-login", None),
    ("refused", 8, "twilio-credentials", None),
    ("in-between", 9, "twilio-credentials", None),
    ("annotated", 10, "twilio-credentials", None),
];

fn spec(n: u32, credentials: &str, address: Option<&str>) -> Value {
    let mut spec = webhook_spec(n, ADDRESS);
    spec["credentialsSecretRef"] = json!({ "name": credentials });
    if let Some(secret) = address {
        let from = json!({ "secretKeyRef": { "name": secret, "key": "url" } });
        spec["configuration"] = json!({ "urlFrom": from, "filters": ["onMessageAdded"] });
    }
    spec
}

/// What answers in place of Twilio's own words, which are Twilio's and may repeat what was sent.
fn answers(world: &World, n: u32, operation: Operation, status: u16, content_type: &str, body: &str) {
    let reply = Garble::Custom { status, content_type: content_type.to_owned(), body: body.to_owned() };
    let rule = FaultRule::new(Fault::Garbled { reply, commit: false }).on(operation);
    world.simulator.add_fault(rule.conversation(conversation(n)));
}

async fn prepare(world: &World) {
    let by_key = KeySeed::new(KEY.parse().unwrap(), API_SECRET);
    world.simulator.add_key(ACCOUNT.parse().unwrap(), &by_key).unwrap();
    world.grant_secrets(&["by-key", "wrong", "no-login", "address", "no-address"]).await;
    world.secret("by-key", &[SID, ("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", API_SECRET)]).await;
    world.secret("wrong", &[SID, ("TWILIO_AUTH_TOKEN", WRONG_TOKEN)]).await;
    world
        .secret("no-login", &[("TWILIO_ACCOUNT_SID", "canary-no-sid"), ("TWILIO_AUTH_TOKEN", "canary")])
        .await;
    world.secret("address", &[("url", FROM_SECRET)]).await;
    world.secret("no-address", &[("url", "https://canary:canary@bots.example.com/")]).await;
    for (_, n, ..) in OBJECTS {
        world.simulator.create_webhook(conversation(n), &WebhookSeed::webhook(OUTSIDER)).unwrap();
    }
    let lost = FaultRule::new(Fault::reset_after_commit()).on(Operation::Create).once();
    world.simulator.add_fault(lost.conversation(conversation(4)));
    let refusal = json!({ "code": 50365, "message": "canary-words-of-twilio", "status": 400 }).to_string();
    answers(world, 8, Operation::Create, 400, "application/json", &refusal);
    answers(world, 9, Operation::List, 200, "text/html", "<h1>canary-page</h1>");
}

/// Makes each object do what it is here for.
async fn act(world: &World) {
    for (name, n, credentials, address) in OBJECTS {
        world.create(name, spec(n, credentials, address)).await;
    }
    for name in ["by-token", "by-key", "from-secret", "lost", "annotated"] {
        world.wait_ready(name).await;
    }
    for (name, reason) in [
        ("no-address", "InvalidConfiguration"),
        ("unauthorized", "CredentialsRejected"),
        ("no-login", "CredentialsMissing"),
        ("refused", "InvalidConfiguration"),
        ("in-between", "TwilioUnavailable"),
    ] {
        world.wait_reason(name, reason).await;
    }
    // Changed by somebody else, in a Secret, and by hand.
    for n in [1, 2, 3] {
        let ours = world.alive(conversation(n)).pop().unwrap();
        world.simulator.edit_webhook(ours.sid, &WebhookChanges::url(OUTSIDER)).unwrap();
        eventually("the correction", PATIENCE, async || {
            (world.alive(conversation(n)).pop()?.configuration.url() != Some(OUTSIDER)).then_some(())
        })
        .await;
    }
    let moved = format!("{FROM_SECRET}-moved");
    world.secret("address", &[("url", &moved)]).await;
    eventually("the new address", PATIENCE, async || {
        (world.alive(conversation(3)).pop()?.configuration.url() == Some(moved.as_str())).then_some(())
    })
    .await;
    let garbage = json!({
        ABANDON_ANNOTATION: "canary-abandon",
        RESOLVE_ANNOTATION: "canary-resolve=canary",
        CONFIRM_RESTORE_ANNOTATION: "canary-restore",
    });
    for name in ["annotated", "refused", "unauthorized"] {
        world.patch(name, json!({ "metadata": { "annotations": garbage } })).await;
    }
    let journal = json!({ ATTEMPT_ANNOTATION: "{\"canary\": \"canary\"}" });
    world.patch("refused", json!({ "metadata": { "annotations": journal } })).await;
    world.wait_reason("refused", "CreateAmbiguous").await;
    for name in ["annotated", "by-key"] {
        world.delete(name).await;
        world.wait_gone(name).await;
    }
}

/// All that the operator shows to somebody.
async fn shown(world: &World) -> Vec<(String, String)> {
    let operator = world.operator.as_ref().unwrap();
    let mut shown = vec![
        ("log".to_owned(), operator.log()),
        ("metrics".to_owned(), operator.admin("/metrics").await),
        ("readiness".to_owned(), operator.admin("/readyz").await),
    ];
    for (name, .., address) in OBJECTS {
        let events = serde_json::to_string(&world.events(name).await).unwrap();
        assert!(events.contains("note"), "no Event about {name}");
        shown.push((format!("Events of {name}"), events));
        let Some(object) = world.objects().get_opt(name).await.unwrap() else { continue };
        shown.push((format!("status of {name}"), serde_json::to_string(&object.status).unwrap()));
        let journal = object.annotations().get(ATTEMPT_ANNOTATION);
        if let (Some(journal), true) = (journal, address.is_some()) {
            shown.push((format!("journal of {name}"), journal.clone()));
        }
    }
    shown
}

#[tokio::test]
async fn nothing_private_is_shown_at_trace_level_of_every_crate() {
    let mut world = World::new().await;
    prepare(&world).await;
    let arguments = ["--log-level=trace", "--time-scale=0.2", "--resync-interval=2s", "--credentials-ttl=1s"];
    world.start_operator(&arguments).await;
    act(&world).await;

    let shown = shown(&world).await;
    let log = &shown[0].1;
    assert!(log.contains("\"level\":\"TRACE\"") && log.contains("\"target\":\"hyper"), "all that there is");
    assert!(!log.contains("panicked"), "a panic may show anything");
    let journals = shown.iter().filter(|(place, _)| place.starts_with("journal of")).count();
    assert_eq!(journals, 2);
    let encoded = |user: &str, password: &str| STANDARD.encode(format!("{user}:{password}"));
    let mut secrets = vec!["canary".to_owned()];
    secrets.extend([encoded(ACCOUNT, AUTH_TOKEN), encoded(KEY, API_SECRET), encoded(ACCOUNT, WRONG_TOKEN)]);
    secrets.extend([AUTH_TOKEN, API_SECRET, WRONG_TOKEN, FROM_SECRET].map(|text| STANDARD.encode(text)));
    for (place, text) in &shown {
        for secret in &secrets {
            let lines: Vec<_> = text.lines().filter(|line| line.contains(secret.as_str())).take(3).collect();
            assert_eq!(lines, Vec::<&str>::new(), "{secret} in {place}");
        }
    }
}
