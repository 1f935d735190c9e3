//! Both charts with the operator and the simulator: a tenant grants a Secret and gets its webhooks.

use std::net::TcpListener;
use std::path::Path;

use controlplane::{ControlPlane, Process};
use serde_json::{Value, json};
use twilio_conversations_simulator::{AccountSeed, ConversationSeed, ConversationSid, Seed, Simulator};

use crate::cluster::{eventually, get, release};
use crate::helm::{OPERATOR, TENANT};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "auth-token-of-the-tenant";

fn conversation(n: u32) -> ConversationSid {
    format!("CH{n:032x}").parse().unwrap()
}

/// The operator's process under the release's `ServiceAccount`. It is killed when dropped.
async fn operator(plane: &ControlPlane, name: &str, simulator: &Simulator) -> Process {
    let kubeconfig = plane.kubeconfig_for_service_account(name, name).await.unwrap();
    // Free now; should somebody take it before the operator does, the operator says so and the test fails.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let log = plane.directory().join("operator.log");
    let program = Path::new(env!("CARGO_BIN_EXE_conversation-webhook-operator"));
    Process::start(program, &log, |command| {
        command.env("KUBECONFIG", kubeconfig).arg("run").args([
            "--twilio-allow-http=true".to_owned(),
            format!("--twilio-base-url={}", simulator.url()),
            format!("--admin-address=127.0.0.1:{port}"),
            format!("--lease-name={name}"),
            "--time-scale=0.1".to_owned(),
        ]);
    })
    .unwrap()
}

#[tokio::test]
async fn a_tenant_that_grants_its_secret_gets_its_webhooks_and_loses_them_with_the_release() {
    // Of its own: the operator serves every namespace.
    let plane = ControlPlane::start().await.unwrap();
    let (system, tenant) = ("operators", "tenant-a");
    let values =
        json!({ "replicaCount": 0, "fullnameOverride": system, "secretAccess": { "mode": "granted" } });
    let install = ["install", "--create-namespace"];
    release(&plane, &install, (system, OPERATOR, system), &values).await.unwrap();
    plane
        .kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd/conversationwebhooks.conversations.twilio-operator.dev",
        ])
        .await
        .unwrap();
    eventually("the kind is served", async || plane.kubectl(&["get", "cw"]).await.ok().map(drop)).await;

    let account = AccountSeed::new(ACCOUNT.parse().unwrap(), TOKEN)
        .conversation(ConversationSeed::new(conversation(1)))
        .conversation(ConversationSeed::new(conversation(2)));
    let simulator = Simulator::start(Seed::new().account(account)).await.unwrap();
    let _operator = operator(&plane, system, &simulator).await;

    plane.kubectl(&["create", "namespace", tenant]).await.unwrap();
    let secret = |name: &str, entries: &[(&str, &str)]| {
        let entries: Vec<String> =
            entries.iter().map(|(key, value)| format!("--from-literal={key}={value}")).collect();
        let arguments = ["create", "secret", "generic", name, "-n", tenant].map(str::to_owned);
        [arguments.to_vec(), entries].concat()
    };
    for arguments in [
        secret("login", &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", TOKEN)]),
        secret("addresses", &[("desk", "https://bots.example.com/desk")]),
    ] {
        plane.kubectl(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    }

    let mut values = json!({
        "credentialsSecretRef": { "name": "login" },
        "conversations": [{ "name": "support", "sid": conversation(1).to_string() }],
        "bots": [
            { "name": "helper", "target": "webhook",
              "configuration": { "url": "https://bots.example.com/helper", "filters": ["onMessageAdded"] } },
            { "name": "desk", "target": "trigger",
              "configuration": { "urlFrom": { "secretKeyRef": { "name": "addresses", "key": "desk" } }, "triggers": ["help"] } },
        ],
    });
    let one = (tenant, TENANT, tenant);
    release(&plane, &["install"], one, &values).await.unwrap();
    eventually("without the grant there are no credentials", async || {
        (reasons(&plane, tenant).await == ["CredentialsMissing", "CredentialsMissing"]).then_some(())
    })
    .await;
    assert_eq!(simulator.ledger().alive(conversation(1)).len(), 0);

    values["secretAccess"] =
        json!({ "grant": true, "operator": { "namespace": system, "serviceAccountName": system } });
    release(&plane, &["upgrade"], one, &values).await.unwrap();
    all_available(&plane, tenant).await;
    assert_eq!(simulator.ledger().alive(conversation(1)).len(), 2);

    // Another conversation: other webhooks, and none stays behind.
    values["conversations"][0]["sid"] = json!(conversation(2).to_string());
    release(&plane, &["upgrade"], one, &values).await.unwrap();
    eventually("the webhooks moved", async || {
        let alive = |n| simulator.ledger().alive(conversation(n)).len();
        ((alive(1), alive(2)) == (0, 2)).then_some(())
    })
    .await;
    all_available(&plane, tenant).await;

    // The grant goes with the release, and first.
    plane.helm(&["uninstall", tenant, "--namespace", tenant]).await.unwrap();
    eventually("no object is left", async || objects(&plane, tenant).await.is_empty().then_some(())).await;
    assert_eq!(simulator.ledger().alive(conversation(2)).len(), 0);
    assert!(simulator.ledger().duplicates().is_empty());
}

async fn objects(plane: &ControlPlane, namespace: &str) -> Vec<Value> {
    let list = get(plane, &["conversationwebhooks", "-n", namespace]).await;
    list["items"].as_array().unwrap().clone()
}

/// The reason of Ready of each of the two objects.
async fn reasons(plane: &ControlPlane, namespace: &str) -> Vec<String> {
    let objects = objects(plane, namespace).await;
    let reason = |object: &Value| {
        let conditions = object["status"]["conditions"].as_array()?;
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
        Some(ready["reason"].as_str()?.to_owned())
    };
    objects.iter().map(|object| reason(object).unwrap_or_default()).collect()
}

async fn all_available(plane: &ControlPlane, namespace: &str) {
    eventually("two webhooks are available", async || {
        (reasons(plane, namespace).await == ["Available", "Available"]).then_some(())
    })
    .await;
}
