//! A release from the first chart that there was (`tests/charts/first`), upgraded and uninstalled: objects, webhooks and the kind
//! live through both.

use controlplane::ControlPlane;
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    AccountSeed, ConversationSeed, ConversationSid, Operation, Seed, Simulator,
};

use crate::cluster::{eventually, get, namespace, release};
use crate::helm::OPERATOR;
use crate::pod::Pod;

/// The first chart.
const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/charts/first");
/// Release and namespace of the operator.
const SYSTEM: &str = "operators";
const TENANT: &str = "tenant";
const ACCOUNT: &str = "AC00000000000000000000000000000001";
const KIND: &str = "crd/conversationwebhooks.conversations.twilio-operator.dev";
const OBJECTS: u32 = 3;

fn conversation(n: u32) -> ConversationSid {
    format!("CH{n:032x}").parse().unwrap()
}

struct Upgraded {
    plane: ControlPlane,
    simulator: Simulator,
}

impl Upgraded {
    /// A cluster with the first chart, whose operator has served some objects.
    async fn from_first() -> Self {
        let conversations = (1..=OBJECTS).map(|n| ConversationSeed::new(conversation(n)));
        let account = AccountSeed::new(ACCOUNT.parse().unwrap(), "not-a-secret");
        let seed = Seed::new().account(conversations.fold(account, AccountSeed::conversation));
        let simulator = Simulator::start(seed).await.unwrap();
        let world = Self { plane: ControlPlane::start().await.unwrap(), simulator };
        world.helm(&["install", "--create-namespace"], FIRST).await;
        world.plane.kubectl(&["wait", "--for=condition=Established", KIND]).await.unwrap();
        eventually("the kind is served", async || world.plane.kubectl(&["get", "cw"]).await.ok().map(drop))
            .await;
        let operator = world.operator().await;
        namespace(&world.plane, TENANT).await;
        world.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "twilio-credentials", "namespace": TENANT },
            "stringData": { "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "not-a-secret" },
        }))
        .await;
        for n in 1..=OBJECTS {
            world.bot(n, "https://bots.example.com/old").await;
        }
        world.wait_available().await;
        drop(operator);
        world
    }

    /// With the values that a chart has for a stand-in for Twilio on this machine.
    async fn helm(&self, how: &[&str], chart: &str) {
        let url = self.simulator.url();
        let values = if chart == FIRST {
            json!({
                "twilio": { "baseUrl": url },
                "extraArgs": ["--time-scale=0.1", "--twilio-allow-http=true"],
            })
        } else {
            json!({ "twilio": { "baseUrl": url, "allowHttp": true }, "extraArgs": ["--time-scale=0.1"] })
        };
        release(&self.plane, how, (SYSTEM, chart, SYSTEM), &values).await.unwrap();
    }

    /// The operator of the release as it is now.
    async fn operator(&self) -> Pod {
        Pod::start(&self.plane, SYSTEM, "operators-conversation-webhook-operator").await
    }

    async fn apply(&self, object: &Value) {
        self.plane.kubectl_with_input(&["apply", "-f", "-"], &object.to_string()).await.unwrap();
    }

    async fn bot(&self, n: u32, url: &str) {
        self.apply(&json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1", "kind": "ConversationWebhook",
            "metadata": { "name": format!("bot-{n}"), "namespace": TENANT },
            "spec": {
                "conversationSid": conversation(n).to_string(), "target": "webhook",
                "configuration": { "url": url, "filters": ["onMessageAdded"] },
            },
        }))
        .await;
    }

    async fn objects(&self) -> Vec<Value> {
        get(&self.plane, &["conversationwebhooks", "-n", TENANT]).await["items"].as_array().unwrap().clone()
    }

    /// Waits until every object is Ready as it is written now.
    async fn wait_available(&self) {
        eventually("all are Ready", async || {
            let is_ready = |object: &Value| {
                let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
                conditions.iter().any(|one| {
                    one["type"] == "Ready"
                        && one["status"] == "True"
                        && one["observedGeneration"] == object["metadata"]["generation"]
                })
            };
            self.objects().await.iter().all(is_ready).then_some(())
        })
        .await;
    }

    /// The SIDs that the objects record; each has the one webhook that was ever made for it.
    async fn sids(&self) -> Vec<String> {
        for n in 1..=OBJECTS {
            assert_eq!(self.simulator.ledger().ever_made(conversation(n)).len(), 1, "conversation {n}");
            assert_eq!(self.simulator.ledger().alive(conversation(n)).len(), 1, "conversation {n}");
        }
        let objects = self.objects().await;
        objects.iter().map(|object| object["status"]["webhookSid"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn an_upgrade_from_the_first_chart_keeps_objects_and_webhooks_and_goes_back_again() {
    let world = Upgraded::from_first().await;
    let sids = world.sids().await;
    world.helm(&["upgrade"], OPERATOR).await;
    let operator = world.operator().await;
    // The operator of the new release serves what was there.
    for n in 1..=OBJECTS {
        world.bot(n, "https://bots.example.com/new").await;
    }
    world.wait_available().await;
    assert_eq!(world.sids().await, sids);
    drop(operator);

    world.plane.helm(&["rollback", SYSTEM, "--namespace", SYSTEM]).await.unwrap();
    let _operator = world.operator().await;
    for n in 1..=OBJECTS {
        world.bot(n, "https://bots.example.com/old").await;
    }
    world.wait_available().await;
    assert_eq!(world.sids().await, sids);
}

#[tokio::test]
async fn an_uninstall_leaves_the_kind_the_objects_and_the_webhooks_and_a_new_release_takes_them_over() {
    let world = Upgraded::from_first().await;
    world.helm(&["upgrade"], OPERATOR).await;
    let operator = world.operator().await;
    let sids = world.sids().await;
    world.plane.helm(&["uninstall", SYSTEM, "--namespace", SYSTEM]).await.unwrap();
    world.plane.kubectl(&["get", KIND]).await.unwrap();
    // Nothing is left of the release, and its operator, should it still run, may do nothing any more.
    let left = get(&world.plane, &["all,role,rolebinding,serviceaccount,pdb", "-n", SYSTEM]).await;
    let left: Vec<&str> = left["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(left, Vec::<&str>::new());
    drop(operator);
    assert_eq!(world.sids().await, sids);

    world.helm(&["install"], OPERATOR).await;
    let _operator = world.operator().await;
    for n in 1..=OBJECTS {
        world.bot(n, "https://bots.example.com/new").await;
    }
    world.wait_available().await;
    assert_eq!(world.sids().await, sids);
    let deletes = world.simulator.counters().total(Operation::Delete).requests;
    assert_eq!(deletes, 0);
}
