//! What the parts of the operator's chart mean together.

use serde_json::{Value, json};

use crate::helm::{Document, OPERATOR, find, rendered, the};

const NAME: &str = "operators/cwo-conversation-webhook-operator";

async fn with(values: Value) -> Vec<Document> {
    rendered(OPERATOR, "operators", &values).await
}

fn id(kind: &str) -> String {
    format!("{kind} {NAME}")
}

fn part(kind: &str, part: &str) -> String {
    format!("{kind} {NAME}-{part}")
}

/// Whether the labels fulfil a selector.
fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector.as_object().unwrap();
    assert!(!wanted.is_empty(), "it would select everything");
    wanted.iter().all(|(key, value)| labels[key] == *value)
}

fn pod_labels<'a>(documents: &'a [Document], deployment: &str) -> &'a Value {
    &the(documents, deployment)["spec"]["template"]["metadata"]["labels"]
}

#[tokio::test]
async fn a_budget_is_there_where_a_second_pod_is() {
    for (replicas, there) in [(0, false), (1, false), (2, true), (3, true)] {
        let documents = with(json!({ "replicaCount": replicas })).await;
        let budget = find(&documents, &id("PodDisruptionBudget"));
        assert_eq!(budget.is_some(), there, "{replicas} replicas");
        if let Some(budget) = budget {
            assert_eq!(budget["spec"]["maxUnavailable"], 1);
            let labels = pod_labels(&documents, &id("Deployment"));
            assert!(selects(&budget["spec"]["selector"]["matchLabels"], labels));
        }
    }
    // Even one that could be fulfilled by nothing.
    let documents = with(json!({ "replicaCount": 1, "podDisruptionBudget": { "minAvailable": 1 } })).await;
    assert_eq!(find(&documents, &id("PodDisruptionBudget")), None);
}

#[tokio::test]
async fn pods_spread_over_nodes_where_that_is_possible() {
    let documents = with(json!({})).await;
    let deployment = the(&documents, &id("Deployment"));
    let spread = &deployment["spec"]["template"]["spec"]["topologySpreadConstraints"];
    assert_eq!(spread.as_array().unwrap().len(), 1);
    assert_eq!(spread[0]["whenUnsatisfiable"], "ScheduleAnyway");
    assert!(selects(&spread[0]["labelSelector"]["matchLabels"], pod_labels(&documents, &id("Deployment"))));
}

/// Who makes the roles is one thing, what the operator has to know another.
#[tokio::test]
async fn the_operator_gets_the_same_arguments_whoever_makes_its_roles() {
    for (mode, namespaces) in [
        ("named", json!([])),
        ("cluster", json!([])),
        ("namespaces", json!([{ "name": "a" }])),
        ("granted", json!([])),
    ] {
        let mut arguments = Vec::new();
        for create in [true, false] {
            let secrets = json!({ "mode": mode, "namespaces": namespaces });
            let documents = with(json!({ "rbac": { "create": create }, "secretAccess": secrets })).await;
            let roles =
                documents.iter().filter(|one| one.value["apiVersion"] == "rbac.authorization.k8s.io/v1");
            assert_eq!(roles.count() > 0, create, "{mode}");
            let pod = &the(&documents, &id("Deployment"))["spec"]["template"]["spec"];
            arguments.push(pod["containers"][0]["args"].clone());
        }
        assert_eq!(arguments[0], arguments[1], "{mode}");
        let granted = arguments[0].to_string().contains("--grant-cluster-role=");
        assert_eq!(granted, mode == "granted", "{mode}");
    }
}

#[tokio::test]
async fn an_operator_has_ninety_seconds_to_finish_what_it_began() {
    for values in [json!({}), json!({ "replicaCount": 0 })] {
        let documents = with(values).await;
        let deployment = the(&documents, &id("Deployment"));
        assert_eq!(deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], 90);
    }
}

#[tokio::test]
async fn nothing_selects_the_pods_of_another_part() {
    let documents = with(json!({
        "simulator": { "enabled": true }, "networkPolicy": { "enabled": true },
        "prometheus": { "serviceMonitor": { "enabled": true } },
    }))
    .await;
    let operator = pod_labels(&documents, &id("Deployment"));
    let simulator = pod_labels(&documents, &part("Deployment", "simulator"));
    let test = &the(&documents, &part("Pod", "test-readiness"))["metadata"]["labels"];
    let own = [
        (id("Deployment"), "/spec/selector/matchLabels", operator),
        (id("PodDisruptionBudget"), "/spec/selector/matchLabels", operator),
        (id("NetworkPolicy"), "/spec/podSelector/matchLabels", operator),
        (part("Service", "metrics"), "/spec/selector", operator),
        (part("Deployment", "simulator"), "/spec/selector/matchLabels", simulator),
        (part("NetworkPolicy", "simulator"), "/spec/podSelector/matchLabels", simulator),
        (part("Service", "simulator"), "/spec/selector", simulator),
    ];
    for (id, path, pods) in own {
        let selector = the(&documents, &id).pointer(path).unwrap();
        for labels in [operator, simulator, test] {
            assert_eq!(selects(selector, labels), labels == pods, "{id}: {labels}");
        }
    }
    // Which Service is scraped.
    let monitor = the(&documents, &id("ServiceMonitor"));
    let scraped = &monitor["spec"]["selector"]["matchLabels"];
    let services: Vec<&Document> = documents
        .iter()
        .filter(|document| {
            document.kind() == "Service" && selects(scraped, &document.value["metadata"]["labels"])
        })
        .collect();
    assert_eq!(services.len(), 1);
    assert_eq!(services[0].value["spec"]["ports"][0]["name"], monitor["spec"]["endpoints"][0]["port"]);
}

#[tokio::test]
async fn a_pod_monitor_finds_the_port_of_the_pods() {
    let documents = with(json!({ "prometheus": { "podMonitor": { "enabled": true } } })).await;
    let monitor = &the(&documents, &id("PodMonitor"))["spec"];
    assert!(selects(&monitor["selector"]["matchLabels"], pod_labels(&documents, &id("Deployment"))));
    let container = &the(&documents, &id("Deployment"))["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["ports"][0]["name"], monitor["podMetricsEndpoints"][0]["port"]);
}

/// Ports of a rule of a `NetworkPolicy`, with whether it says to or from whom.
fn rules(policy: &Value, direction: &str, peers: &str) -> Vec<(Vec<String>, bool)> {
    let rules = policy["spec"][direction].as_array().unwrap().iter();
    rules
        .map(|rule| {
            let ports = rule["ports"].as_array().unwrap().iter();
            let ports = ports.map(|port| format!("{}/{}", port["protocol"].as_str().unwrap(), port["port"]));
            (ports.collect(), rule[peers].as_array().is_some_and(|peers| !peers.is_empty()))
        })
        .collect()
}

#[tokio::test]
async fn a_network_policy_lets_out_what_the_operator_needs_and_nobody_in_but_scrapes() {
    let on = json!({ "networkPolicy": { "enabled": true }, "tests": { "enabled": false } });
    let documents = with(on.clone()).await;
    let policy = the(&documents, &id("NetworkPolicy"));
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(policy["spec"]["ingress"], json!([]));
    let ports = |ports: &[&str]| ports.iter().map(|port| (*port).to_owned()).collect::<Vec<_>>();
    let expected = [
        (ports(&["UDP/53", "TCP/53"]), false),
        (ports(&["TCP/443", "TCP/6443"]), false),
        (ports(&["TCP/443"]), false),
    ];
    assert_eq!(rules(policy, "egress", "to"), expected);

    let mut scraped = on;
    scraped["networkPolicy"]["metricsFrom"] =
        json!([{ "podSelector": { "matchLabels": { "app": "prometheus" } } }]);
    let documents = with(scraped).await;
    let policy = the(&documents, &id("NetworkPolicy"));
    assert_eq!(rules(policy, "ingress", "from"), [(ports(&["TCP/8080"]), true)]);

    // The test of readiness and the simulator are parts of the release.
    let documents =
        with(json!({ "networkPolicy": { "enabled": true }, "simulator": { "enabled": true } })).await;
    let policy = the(&documents, &id("NetworkPolicy"));
    let tester = &policy["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"];
    assert!(selects(tester, &the(&documents, &part("Pod", "test-readiness"))["metadata"]["labels"]));
    let simulator = &policy["spec"]["egress"][3]["to"][0]["podSelector"]["matchLabels"];
    assert!(selects(simulator, pod_labels(&documents, &part("Deployment", "simulator"))));
    let reached = the(&documents, &part("NetworkPolicy", "simulator"));
    let by = &reached["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"];
    assert!(selects(by, pod_labels(&documents, &id("Deployment"))));
}

#[tokio::test]
async fn with_the_simulator_the_operator_talks_to_it_alone() {
    let documents = with(json!({ "simulator": { "enabled": true } })).await;
    let arguments = &the(&documents, &id("Deployment"))["spec"]["template"]["spec"]["containers"][0]["args"];
    let arguments: Vec<&str> =
        arguments.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    let url = "--twilio-base-url=http://cwo-conversation-webhook-operator-simulator.operators.svc";
    assert!(arguments.contains(&url) && arguments.contains(&"--twilio-allow-http=true"), "{arguments:?}");
    let service = the(&documents, &part("Service", "simulator"));
    assert_eq!(service["spec"]["ports"][0]["port"], 80);
    // What it starts with is what it can read.
    let seed = the(&documents, &part("Secret", "simulator"))["stringData"]["seed.yaml"].as_str().unwrap();
    let seed: twilio_conversations_simulator::Seed = serde_saphyr::from_str(seed).unwrap();
    assert_eq!(seed.accounts.len(), 1);
}

#[tokio::test]
async fn the_operator_takes_the_arguments_that_the_chart_gives_it() {
    use clap::Parser as _;
    use conversation_webhook_operator::cli::{Cli, Command};

    let sets = crate::sets::sets().into_iter().filter(|set| set.chart == OPERATOR);
    for set in sets {
        let documents = with(set.values).await;
        let deployment = documents
            .iter()
            .find(|document| document.kind() == "Deployment" && !document.id.ends_with("-simulator"));
        let arguments = &deployment.unwrap().value["spec"]["template"]["spec"]["containers"][0]["args"];
        let arguments = arguments.as_array().unwrap().iter().map(|one| one.as_str().unwrap());
        let all: Vec<&str> = std::iter::once("operator").chain(arguments).collect();
        let parsed = Cli::try_parse_from(&all).unwrap_or_else(|error| panic!("{}: {error}", set.name));
        let Command::Run(run) = parsed.command else { panic!("{}: {all:?}", set.name) };
        run.validated().unwrap_or_else(|error| panic!("{}: {error}", set.name));
    }
}
