//! The grant of a tenant's Secrets in mode `granted`: whoever tells somebody to make it tells the same, and no grant is in the
//! way of another.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::cluster::{cluster, get, namespace, release};
use crate::helm::{OPERATOR, TENANT, notes, template_as};

/// The commands in a text that bind a role on Secrets, each on one line and without `kubectl -n NAMESPACE`.
pub(crate) fn commands(text: &str) -> Vec<String> {
    let words = text.replace("\\\n", " ").replace(['\'', '`'], "\n");
    let lines = words.lines().filter_map(|line| line.split_once(" create rolebinding "));
    lines
        .filter(|(kubectl, rest)| kubectl.contains("kubectl -n ") && rest.contains("-secrets "))
        .map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>().join(" "))
        .map(|rest| format!("create rolebinding {rest}"))
        .collect()
}

/// What the notes of a release say. It is the same for every tenant.
pub(crate) async fn of_the_notes(name: &str, space: &str, values: &Value) -> String {
    let commands = commands(&notes(name, OPERATOR, space, values).await);
    let [command] = &commands[..] else { panic!("{commands:?}") };
    command.clone()
}

/// The value of an argument that the chart gives to the operator, which builds the command in its messages from these.
fn argument(deployment: &Value, flag: &str) -> String {
    let given = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    given.iter().find_map(|one| one.as_str()?.strip_prefix(flag)).unwrap().to_owned()
}

#[tokio::test]
async fn notes_and_messages_of_each_release_name_its_own_binding() {
    let mut commands = BTreeSet::new();
    let releases = [
        ("conversation-webhook-operator", "conversation-webhook-operator", json!({})),
        ("conversation-webhook-operator-a", "conversation-webhook-operator", json!({})),
        ("blue", "operators", json!({ "serviceAccount": { "name": "given" } })),
        ("green", "operators", json!({ "fullnameOverride": "f".repeat(63) })),
    ];
    for (name, space, mut values) in releases {
        values["secretAccess"] = json!({ "mode": "granted" });
        let documents = template_as(name, OPERATOR, space, &values).await.unwrap();
        let deployment = &documents.iter().find(|one| one.kind() == "Deployment").unwrap().value;
        let role = argument(deployment, "--grant-cluster-role=");
        let account = argument(deployment, "--grant-service-account=");
        assert!(documents.iter().any(|one| one.id == format!("ClusterRole {role}")), "{role}");
        let command = format!("create rolebinding {role} --clusterrole={role} --serviceaccount={account}");
        assert_eq!(of_the_notes(name, space, &values).await, command);
        commands.insert(command);
    }
    assert_eq!(commands.len(), 4, "{commands:?}");
}

/// Of the release that the documents install.
#[tokio::test]
async fn the_documents_name_the_binding_that_the_notes_name() {
    let name = "conversation-webhook-operator";
    let command = of_the_notes(name, name, &json!({ "secretAccess": { "mode": "granted" } })).await;
    let root = env!("CARGO_MANIFEST_DIR");
    let pages = fs::read_dir(format!("{root}/docs")).unwrap().map(|entry| entry.unwrap().path());
    let readmes = [root, OPERATOR, TENANT].map(|folder| format!("{folder}/README.md").into());
    let mut told = 0;
    for page in pages.filter(|path| path.is_file()).chain(readmes) {
        for told_there in commands(&fs::read_to_string(&page).unwrap()) {
            assert_eq!(told_there, command, "{}", page.display());
            told += 1;
        }
    }
    assert!(told >= 2, "{told} commands");
}

#[tokio::test]
async fn the_grants_of_a_namespace_stand_beside_each_other() {
    let plane = cluster().await;
    let (name, space) = ("stands", "stands-a");
    for space in [name, space] {
        namespace(plane, space).await;
    }
    let mut values = json!({
        "replicaCount": 0, "crds": { "enabled": false }, "fullnameOverride": name,
        "secretAccess": { "mode": "granted" },
    });
    release(plane, &["install"], (name, OPERATOR, name), &values).await.unwrap();
    let by_hand = of_the_notes(name, name, &values).await;
    let mut arguments: Vec<&str> = by_hand.split(' ').collect();
    arguments.extend(["--namespace", space]);
    plane.kubectl(&arguments).await.unwrap();

    let operator = json!({ "namespace": name, "serviceAccountName": name });
    for (tenant, role) in [("one", ""), ("two", "stands-secrets"), ("three", "stands-secrets")] {
        let values = json!({ "secretAccess": { "grant": true, "clusterRole": role, "operator": operator } });
        release(plane, &["install"], (tenant, TENANT, space), &values).await.unwrap();
    }
    let bindings = get(plane, &["rolebindings", "-n", space]).await;
    let names = bindings["items"].as_array().unwrap().iter().map(|one| one["metadata"]["name"].clone());
    let there = ["one-secrets", "stands-secrets", "three:stands-secrets", "two:stands-secrets"];
    assert_eq!(names.collect::<Vec<_>>(), there);
    // Another role is another binding, since what one refers to cannot be changed.
    let own = json!({ "secretAccess": { "grant": true, "operator": operator } });
    release(plane, &["upgrade"], ("two", TENANT, space), &own).await.unwrap();

    // The operator's administrator takes it over from the tenants.
    values["secretAccess"] = json!({ "mode": "namespaces", "namespaces": [{ "name": space }] });
    release(plane, &["upgrade"], (name, OPERATOR, name), &values).await.unwrap();
}
