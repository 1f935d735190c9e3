//! Both charts with the operator and the simulator, which starts with the seed that the chart gives it: a tenant grants a Secret
//! and gets its webhooks, and loses them when its release or its namespace goes.

use controlplane::ControlPlane;
use serde_json::{Value, json};
use twilio_conversations_simulator::{ConversationSid, Seed, Simulator};

use crate::cluster::{eventually, get, release};
use crate::grant;
use crate::helm::{OPERATOR, TENANT, rendered, the};
use crate::pod::Pod;

/// Where the operator is installed, and what its release is called.
const SYSTEM: &str = "operators";
/// The tenant's namespace and release.
const TENANT_A: &str = "tenant-a";

fn conversation(n: u32) -> ConversationSid {
    format!("CH{n:032x}").parse().unwrap()
}

/// A control plane of its own, since the operator serves every namespace, with the operator that reads what it is granted.
struct Wired {
    plane: ControlPlane,
    simulator: Simulator,
    /// The operator's.
    operator: Value,
    /// The tenant's.
    values: Value,
    _pod: Pod,
}

impl Wired {
    async fn on(plane: ControlPlane) -> Self {
        let documents = rendered(OPERATOR, SYSTEM, &json!({ "simulator": { "enabled": true } })).await;
        let secret = the(&documents, "Secret operators/cwo-conversation-webhook-operator-simulator");
        let seed: Seed = serde_saphyr::from_str(secret["stringData"]["seed.yaml"].as_str().unwrap()).unwrap();
        let login = (seed.accounts[0].sid.to_string(), "not-a-secret");
        let simulator = Simulator::start(seed).await.unwrap();

        // No kubelet starts pods here.
        let operator = json!({
            "fullnameOverride": SYSTEM,
            "secretAccess": { "mode": "granted", "names": ["twilio-credentials", "login", "addresses"] },
            "twilio": { "baseUrl": simulator.url(), "allowHttp": true },
            "extraArgs": ["--time-scale=0.1", format!("--lease-namespace={SYSTEM}")],
        });
        let install = ["install", "--create-namespace"];
        release(&plane, &install, (SYSTEM, OPERATOR, SYSTEM), &operator).await.unwrap();
        let crd = "crd/conversationwebhooks.conversations.twilio-operator.dev";
        plane.kubectl(&["wait", "--for=condition=Established", crd]).await.unwrap();
        eventually("the kind is served", async || plane.kubectl(&["get", "cw"]).await.ok().map(drop)).await;
        let pod = Pod::start(&plane, SYSTEM, SYSTEM).await;

        plane.kubectl(&["create", "namespace", TENANT_A]).await.unwrap();
        let login = [("TWILIO_ACCOUNT_SID", login.0.as_str()), ("TWILIO_AUTH_TOKEN", login.1)];
        let address = [("desk", "https://bots.example.com/desk")];
        for (name, entries) in [("login", &login[..]), ("addresses", &address)] {
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": TENANT_A },
                "stringData": entries.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
            });
            plane.kubectl_with_input(&["create", "-f", "-"], &secret.to_string()).await.unwrap();
        }
        let desk = json!({ "secretKeyRef": { "name": "addresses", "key": "desk" } });
        let values = json!({
            "credentialsSecretRef": { "name": "login" },
            "conversations": [{ "name": "support", "sid": conversation(1).to_string() }],
            "bots": [
                { "name": "helper", "target": "webhook",
                  "configuration": { "url": "https://bots.example.com/helper", "filters": ["onMessageAdded"] } },
                { "name": "desk", "target": "trigger", "configuration": { "urlFrom": desk, "triggers": ["help"] } },
            ],
        });
        Self { plane, simulator, operator, values, _pod: pod }
    }

    async fn tenant(&self, how: &str) {
        release(&self.plane, &[how], (TENANT_A, TENANT, TENANT_A), &self.values).await.unwrap();
    }

    fn grant(&mut self) {
        let operator = json!({ "namespace": SYSTEM, "serviceAccountName": SYSTEM });
        self.values["secretAccess"] = json!({ "grant": true, "operator": operator });
    }

    /// Webhooks on a conversation.
    fn alive(&self, n: u32) -> usize {
        self.simulator.ledger().alive(conversation(n)).len()
    }

    async fn both_say(&self, reason: &str) {
        eventually(&format!("two objects say {reason}"), async || {
            (reasons(&self.plane, TENANT_A).await == [reason, reason]).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_tenant_that_grants_its_secrets_gets_its_webhooks_and_loses_them_with_the_release() {
    let mut world = Wired::on(ControlPlane::start().await.unwrap()).await;
    world.tenant("install").await;
    world.both_say("CredentialsMissing").await;
    assert_eq!(world.alive(1), 0);
    // Whoever may grant it finds the very command, and it is the right one.
    let says = messages(&world.plane, TENANT_A).await;
    let command = grant::commands(&says[0]).remove(0);
    assert!(says.iter().all(|message| grant::commands(message) == [command.as_str()]), "{says:?}");
    assert_eq!(command, grant::of_the_notes(SYSTEM, SYSTEM, &world.operator).await);
    let prefix = format!("'kubectl -n {TENANT_A} {command}'");
    assert!(says[0].contains(&prefix), "{}", says[0]);
    let arguments = format!("-n {TENANT_A} {command}");
    world.plane.kubectl(&arguments.split(' ').collect::<Vec<_>>()).await.unwrap();
    world.both_say("Available").await;
    assert_eq!(world.alive(1), 2);

    // The release may take the grant over from there, and is not in the way of it.
    world.grant();
    world.tenant("upgrade").await;
    let binding = ["delete", "rolebinding", "operators-secrets", "--namespace", TENANT_A];
    world.plane.kubectl(&binding).await.unwrap();
    world.both_say("Available").await;

    // Another conversation: other webhooks, and none stays behind.
    world.values["conversations"][0]["sid"] = json!(conversation(2).to_string());
    world.tenant("upgrade").await;
    eventually("the webhooks moved", async || ((world.alive(1), world.alive(2)) == (0, 2)).then_some(()))
        .await;
    world.both_say("Available").await;

    // Another name for the same one: other objects, which wait for the webhooks of the old ones to go.
    let made = |world: &Wired| world.simulator.ledger().ever_made(conversation(2)).len();
    assert_eq!(made(&world), 2);
    world.values["conversations"][0]["name"] = json!("sales");
    world.tenant("upgrade").await;
    eventually("the objects of the old name are gone", async || {
        let objects = objects(&world.plane, TENANT_A).await;
        let named = |object: &Value| object["metadata"]["name"].as_str().unwrap().starts_with("sales-");
        (objects.len() == 2 && objects.iter().all(named)).then_some(())
    })
    .await;
    world.both_say("Available").await;
    assert_eq!((world.alive(2), made(&world)), (2, 4));
    assert!(world.simulator.ledger().duplicates().is_empty());

    // The grant goes with the release, and first.
    world.plane.helm(&["uninstall", TENANT_A, "--namespace", TENANT_A]).await.unwrap();
    eventually("no object is left", async || objects(&world.plane, TENANT_A).await.is_empty().then_some(()))
        .await;
    assert_eq!(world.alive(2), 0);
}

#[tokio::test]
async fn a_namespace_that_is_deleted_with_its_grant_goes_by_itself_and_so_do_its_webhooks() {
    let plane = ControlPlane::builder().controller_manager(true).start().await.unwrap();
    let mut world = Wired::on(plane).await;
    world.grant();
    world.tenant("install").await;
    world.both_say("Available").await;
    assert_eq!(world.alive(1), 2);

    world.plane.kubectl(&["delete", "namespace", TENANT_A, "--wait=false"]).await.unwrap();
    eventually("the namespace is gone", async || {
        world.plane.kubectl(&["get", "namespace", TENANT_A]).await.is_err().then_some(())
    })
    .await;
    assert_eq!(world.alive(1), 0);
}

async fn objects(plane: &ControlPlane, namespace: &str) -> Vec<Value> {
    let list = get(plane, &["conversationwebhooks", "-n", namespace]).await;
    list["items"].as_array().unwrap().clone()
}

/// What Ready says of each object, by the field of the condition.
async fn ready(plane: &ControlPlane, namespace: &str, field: &str) -> Vec<String> {
    let objects = objects(plane, namespace).await;
    let said = |object: &Value| {
        let conditions = object["status"]["conditions"].as_array()?;
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
        Some(ready[field].as_str()?.to_owned())
    };
    objects.iter().map(|object| said(object).unwrap_or_default()).collect()
}

async fn reasons(plane: &ControlPlane, namespace: &str) -> Vec<String> {
    ready(plane, namespace, "reason").await
}

async fn messages(plane: &ControlPlane, namespace: &str) -> Vec<String> {
    ready(plane, namespace, "message").await
}
