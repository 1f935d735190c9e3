//! Values that Helm refuses before anything is sent, and what the user reads of it.

use serde_json::{Value, json};

use crate::helm::{OPERATOR, TENANT, template};

/// Renders each with these values, which must be refused with this.
async fn assert_refused(chart: &str, table: Vec<(Value, &str)>) {
    let mut wrong = Vec::new();
    for (values, says) in table {
        match template(chart, "operators", &values).await {
            Ok(_) => wrong.push(format!("{values} was taken")),
            Err(error) if error.contains(says) => {}
            Err(error) => wrong.push(format!("{values} was refused with {error} instead of {says}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn values_that_the_operator_could_not_run_with() {
    let at = |path: &str| format!("at '{path}'");
    let table: Vec<(Value, String)> = vec![
        // Misspelt, at every level that is the chart's own.
        (json!({ "replicas": 2 }), "additional properties 'replicas' not allowed".into()),
        (json!({ "image": { "repo": "x" } }), at("/image")),
        (json!({ "rbac": { "enabled": false } }), at("/rbac")),
        (json!({ "crds": { "install": true } }), at("/crds")),
        (json!({ "secretAccess": { "name": "x" } }), at("/secretAccess")),
        (json!({ "twilio": { "url": "https://x" } }), at("/twilio")),
        (json!({ "podDisruptionBudget": { "min": 1 } }), at("/podDisruptionBudget")),
        (json!({ "networkPolicy": { "egress": [] } }), at("/networkPolicy")),
        (json!({ "networkPolicy": { "dns": { "port": 53 } } }), at("/networkPolicy/dns")),
        (json!({ "prometheus": { "serviceMonitor": { "enable": true } } }), at("/prometheus/serviceMonitor")),
        (json!({ "simulator": { "replicas": 2 } }), at("/simulator")),
        (json!({ "tests": { "image": { "registry": "x" } } }), at("/tests/image")),
        // Of the wrong kind or out of range.
        (json!({ "replicaCount": -1 }), at("/replicaCount")),
        (json!({ "replicaCount": "2" }), at("/replicaCount")),
        (json!({ "image": { "digest": "sha256:12" } }), at("/image/digest")),
        (json!({ "image": { "tag": "a b" } }), at("/image/tag")),
        (json!({ "image": { "pullPolicy": "Sometimes" } }), at("/image/pullPolicy")),
        (json!({ "fullnameOverride": "Operator" }), at("/fullnameOverride")),
        // A Service's name begins with a letter.
        (json!({ "fullnameOverride": "1st" }), at("/fullnameOverride")),
        (json!({ "commonLabels": { "on-call": 7 } }), at("/commonLabels/on-call")),
        (json!({ "watchNamespaces": ["Team_A"] }), at("/watchNamespaces/0")),
        (json!({ "watchNamespaces": ["a", "a"] }), at("/watchNamespaces")),
        (json!({ "resyncInterval": "soon" }), at("/resyncInterval")),
        (json!({ "logFormat": "xml" }), at("/logFormat")),
        (json!({ "twilio": { "baseUrl": "twilio.example.com" } }), at("/twilio/baseUrl")),
        (json!({ "twilio": { "maxInFlightPerAccount": 0 } }), at("/twilio/maxInFlightPerAccount")),
        (json!({ "networkPolicy": { "dns": { "ports": [] } } }), at("/networkPolicy/dns/ports")),
        (
            json!({ "networkPolicy": { "apiServer": { "ports": [70_000] } } }),
            at("/networkPolicy/apiServer/ports/0"),
        ),
        (
            json!({ "prometheus": { "podMonitor": { "interval": "often" } } }),
            at("/prometheus/podMonitor/interval"),
        ),
        (
            json!({ "podDisruptionBudget": { "minAvailable": "all" } }),
            at("/podDisruptionBudget/minAvailable"),
        ),
        (json!({ "tests": { "activeDeadlineSeconds": 0 } }), at("/tests/activeDeadlineSeconds")),
        // To RBAC no names mean every Secret.
        (json!({ "secretAccess": { "names": [] } }), at("/secretAccess/names")),
        (json!({ "secretAccess": { "names": [""] } }), at("/secretAccess/names/0")),
        (json!({ "secretAccess": { "mode": "all" } }), at("/secretAccess/mode")),
        (json!({ "secretAccess": { "mode": "namespaces" } }), at("/secretAccess/namespaces")),
        (
            json!({ "secretAccess": { "mode": "namespaces", "namespaces": [{ "name": "a", "names": [] }] } }),
            at("/secretAccess/namespaces/0/names"),
        ),
        // Written for a mode that is not on.
        (json!({ "secretAccess": { "namespaces": [{ "name": "a" }] } }), at("/secretAccess/namespaces")),
        (json!({ "secretAccess": { "mode": "granted", "watch": true } }), at("/secretAccess/mode")),
        // The right would go ahead of the finalizer.
        (json!({ "secretAccess": { "mode": "granted", "protect": true } }), at("/secretAccess/mode")),
        (
            json!({ "secretAccess": { "mode": "namespaces", "namespaces": [{ "name": "a" }], "protect": true } }),
            at("/secretAccess/mode"),
        ),
        // Together.
        (json!({ "serviceAccount": { "create": false } }), at("/serviceAccount/name")),
        (json!({ "twilio": { "baseUrl": "http://twilio.example.com" } }), at("/twilio/allowHttp")),
        (json!({ "extraArgs": ["--lease-name=other"] }), at("/extraArgs/0")),
        (json!({ "extraArgs": ["--crd-guard=false"] }), at("/extraArgs/0")),
        (json!({ "extraArgs": ["--twilio-allow-http"] }), at("/extraArgs/0")),
        (json!({ "extraArgs": ["--protect-secrets"] }), at("/extraArgs/0")),
        (
            json!({ "secretAccess": { "mode": "granted" }, "rbac": { "create": false }, "extraArgs": ["--grant-cluster-role=a"] }),
            at("/extraArgs/0"),
        ),
        (
            json!({ "secretAccess": { "mode": "namespaces", "namespaces": [{ "name": "a" }, { "name": "a", "names": ["b"] }] } }),
            "secretAccess.namespaces lists a twice: put all names into one entry".into(),
        ),
        (
            json!({ "simulator": { "enabled": true }, "twilio": { "baseUrl": "https://twilio.example.com" } }),
            "simulator.enabled and twilio.baseUrl exclude each other".into(),
        ),
        (
            json!({ "prometheus": { "serviceMonitor": { "enabled": true }, "podMonitor": { "enabled": true } } }),
            "would count each number twice".into(),
        ),
        (
            json!({ "podDisruptionBudget": { "minAvailable": 1, "maxUnavailable": 1 } }),
            "podDisruptionBudget takes minAvailable or maxUnavailable, not both".into(),
        ),
        (
            json!({ "extraArgs": ["--leader-elect=false"] }),
            "--leader-elect=false is for an operator that is alone: set replicaCount to 1".into(),
        ),
        // A node could never be drained.
        (json!({ "podDisruptionBudget": { "minAvailable": 2 } }), "lets none of 2 pods go".into()),
        (json!({ "podDisruptionBudget": { "minAvailable": "100%" } }), "lets none of 2 pods go".into()),
        // Kubernetes rounds up.
        (json!({ "podDisruptionBudget": { "minAvailable": "51%" } }), "lets none of 2 pods go".into()),
        (json!({ "podDisruptionBudget": { "maxUnavailable": 0 } }), "lets none of 2 pods go".into()),
        (json!({ "podDisruptionBudget": { "maxUnavailable": "0%" } }), "lets none of 2 pods go".into()),
    ];
    assert_refused(OPERATOR, table.iter().map(|(values, says)| (values.clone(), says.as_str())).collect())
        .await;
}

#[tokio::test]
async fn guards_that_could_not_hold() {
    let at = |path: &str| format!("at '{path}'");
    let table: Vec<(Value, String)> = vec![
        (json!({ "guards": { "webhookHosts": { "hosts": [] } } }), at("/guards/webhookHosts")),
        (json!({ "guards": { "finaliser": {} } }), at("/guards")),
        (
            json!({ "guards": { "webhookHosts": { "allowed": ["https://x"] } } }),
            at("/guards/webhookHosts/allowed/0"),
        ),
        (
            json!({ "guards": { "webhookHosts": { "allowed": ["x:443"] } } }),
            at("/guards/webhookHosts/allowed/0"),
        ),
        (
            json!({ "guards": { "webhookHosts": { "allowed": ["*x.y"] } } }),
            at("/guards/webhookHosts/allowed/0"),
        ),
        (
            json!({ "guards": { "webhookHosts": { "allowed": ["bücher.de"] } } }),
            at("/guards/webhookHosts/allowed/0"),
        ),
        (
            json!({ "guards": { "webhookHosts": { "allowed": ["a' || 'b"] } } }),
            at("/guards/webhookHosts/allowed/0"),
        ),
        (
            json!({ "guards": { "finalizer": { "exemptGroups": ["a b"] } } }),
            at("/guards/finalizer/exemptGroups/0"),
        ),
        (
            json!({ "guards": { "finalizer": { "exemptUsers": ["a\"b"] } } }),
            at("/guards/finalizer/exemptUsers/0"),
        ),
    ];
    assert_refused(OPERATOR, table.iter().map(|(values, says)| (values.clone(), says.as_str())).collect())
        .await;
}

#[tokio::test]
async fn tenants_values_that_make_no_sense_together() {
    let sid = |n: u32| format!("CH{n:032x}");
    let bot = |name: &str| {
        json!({ "name": name, "target": "webhook",
            "configuration": { "url": "https://bots.example.com/", "filters": ["onMessageAdded"] } })
    };
    let names = |count: usize| -> Vec<String> { (1..=count).map(|n| format!("bot-{n}")).collect() };
    let bots = |count: usize| -> Vec<Value> { names(count).iter().map(|name| bot(name)).collect() };
    let conversation = |name: &str, n: u32| json!({ "name": name, "sid": sid(n) });
    let table = vec![
        (
            json!({ "conversations": [conversation("a", 1), conversation("a", 2)], "bots": bots(1) }),
            "conversations: there are two of the name a: rename one",
        ),
        (
            json!({ "conversations": [conversation("a", 1)], "bots": [bot("b"), bot("b")] }),
            "bots: there are two of the name b: rename one",
        ),
        (
            json!({ "conversations": [conversation("a", 10), { "name": "b", "sid": sid(10).replace('a', "A") }], "bots": bots(1) }),
            "conversations: a and b are the same conversation: merge them",
        ),
        (
            json!({ "conversations": [{ "name": "a", "uniqueName": "x" }, { "name": "b", "uniqueName": "x" }], "bots": bots(1) }),
            "conversations: a and b are the same conversation: merge them",
        ),
        (
            json!({ "conversations": [{ "name": "a", "sid": sid(1), "bots": ["bot-1", "bot-2"] }], "bots": bots(1) }),
            "conversations: a names the bot bot-2, which is not among the bots",
        ),
        (
            json!({ "conversations": [conversation("a", 1)], "bots": bots(6) }),
            "conversations: a has 6 bots, and Twilio allows five webhooks on a conversation",
        ),
        (
            json!({ "conversations": [{ "name": "a", "sid": sid(1), "bots": ["bot-1", "bot-1"] }], "bots": bots(1) }),
            "at '/conversations/0/bots': items at 0 and 1 are equal",
        ),
        (
            json!({ "conversations": [conversation(&"a".repeat(64), 1)] }),
            "at '/conversations/0/name': maxLength: got 64, want 63",
        ),
        (json!({ "bots": [bot(&"b".repeat(64))] }), "at '/bots/0/name': maxLength: got 64, want 63"),
        (json!({ "bots": [bot("Bot")] }), "at '/bots/0/name': 'Bot' does not match pattern"),
        (
            json!({ "conversations": [conversation("a.b", 1)] }),
            "at '/conversations/0/name': 'a.b' does not match pattern",
        ),
        (
            json!({ "secretAccess": { "operator": { "namespace": "" } } }),
            "at '/secretAccess/operator/namespace'",
        ),
        (json!({ "tenant": "a" }), "additional properties 'tenant' not allowed"),
    ];
    assert_refused(TENANT, table).await;
}

#[test]
fn no_template_asks_the_cluster() {
    for chart in [OPERATOR, TENANT] {
        let mut folders = vec![std::path::PathBuf::from(chart).join("templates")];
        let mut read = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for word in ["lookup ", ".Capabilities"] {
                    assert!(!text.contains(word), "{} has {word}", path.display());
                }
                read += 1;
            }
        }
        assert!(read > 3, "{chart}: {read} templates");
    }
}

#[tokio::test]
async fn budgets_that_let_a_pod_go_are_taken() {
    for budget in [
        json!({ "minAvailable": 1 }),
        json!({ "minAvailable": "50%" }),
        json!({ "minAvailable": "0%" }),
        json!({ "maxUnavailable": 2 }),
        json!({ "maxUnavailable": "1%" }),
    ] {
        let values = json!({ "podDisruptionBudget": budget });
        let documents = template(OPERATOR, "operators", &values).await.unwrap();
        let made = documents.iter().find(|document| document.kind() == "PodDisruptionBudget").unwrap();
        for (field, amount) in budget.as_object().unwrap() {
            assert_eq!(made.value["spec"][field], *amount, "{budget}");
        }
    }
}

#[tokio::test]
async fn five_bots_and_the_longest_names_are_taken() {
    let bots: Vec<Value> = (1..=5)
        .map(|n| {
            json!({ "name": format!("{n}{}", "b".repeat(62)), "target": "studio",
                "configuration": { "flowSid": format!("FW{n:032x}") } })
        })
        .collect();
    let conversations = json!([{ "name": "c".repeat(63), "sid": format!("CH{:032x}", 1) }]);
    let documents =
        template(TENANT, "tenant-a", &json!({ "conversations": conversations, "bots": bots })).await.unwrap();
    let names: Vec<&str> =
        documents.iter().map(|document| document.value["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 5);
    assert!(names.iter().all(|name| name.len() == 63 + 1 + 63 + 1 + 8), "{names:?}");
}
