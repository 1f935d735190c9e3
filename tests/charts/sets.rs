//! Sets of values, as users have them.

use serde_json::{Value, json};

use crate::helm::{OPERATOR, TENANT};

/// A chart with values.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) chart: &'static str,
    pub(crate) values: Value,
}

/// The set that the others of the operator's chart are compared with.
pub(crate) const DEFAULT: &str = "default";

/// Namespaces that some of the sets name.
pub(crate) const NAMESPACES: [&str; 3] = ["team-a", "team-b", "operators"];

/// All of them.
pub(crate) fn sets() -> Vec<Set> {
    [whole(), rights(), guards(), availability(), network(), handed_on(), tenants()]
        .into_iter()
        .flatten()
        .collect()
}

fn operator(name: &'static str, values: Value) -> Set {
    Set { name, chart: OPERATOR, values }
}

fn tenant(name: &'static str, values: Value) -> Set {
    Set { name, chart: TENANT, values }
}

/// The release as a whole.
fn whole() -> Vec<Set> {
    vec![
        operator(DEFAULT, json!({})),
        operator("one-replica", json!({ "replicaCount": 1 })),
        operator("paused", json!({ "replicaCount": 0 })),
        operator(
            "as-little-as-possible",
            json!({
                "crds": { "enabled": false }, "tests": { "enabled": false },
                "rbac": { "aggregateToDefaultRoles": false }, "podDisruptionBudget": { "enabled": false },
                "topologySpreadConstraints": [], "resources": {},
            }),
        ),
        operator("crd-goes-with-the-release", json!({ "crds": { "keep": false } })),
        operator("crd-unread", json!({ "crds": { "guard": false } })),
        operator(
            "some-namespaces",
            json!({ "watchNamespaces": ["team-a", "team-b"], "resyncInterval": "1h30m", "logFormat": "text", "logLevel": "info,kube=debug" }),
        ),
    ]
}

/// What the operator may do.
fn rights() -> Vec<Set> {
    vec![
        operator("any-secret", json!({ "secretAccess": { "mode": "cluster" } })),
        operator(
            "named-secrets",
            json!({ "secretAccess": { "names": ["twilio-credentials", "bot.addresses"] } }),
        ),
        operator(
            "secrets-of-namespaces",
            json!({ "secretAccess": {
                "mode": "namespaces",
                "namespaces": [{ "name": "team-a" }, { "name": "team-b", "names": ["login", "addresses"] }],
            }}),
        ),
        operator("secrets-protected", json!({ "secretAccess": { "protect": true } })),
        operator(
            "secrets-watched",
            json!({ "secretAccess": { "watch": true, "protect": true, "names": ["login", "addresses"] } }),
        ),
        operator(
            "secrets-of-namespaces-watched",
            json!({ "secretAccess": {
                "mode": "namespaces", "watch": true,
                "namespaces": [{ "name": "team-a" }, { "name": "team-b", "names": ["login", "addresses"] }],
            }}),
        ),
        operator("any-secret-watched", json!({ "secretAccess": { "mode": "cluster", "watch": true } })),
        operator("secrets-as-granted", json!({ "secretAccess": { "mode": "granted" } })),
        operator(
            "without-rights-of-its-own",
            json!({
                "rbac": { "create": false }, "crds": { "enabled": false },
                "serviceAccount": { "create": false, "name": "given" },
            }),
        ),
    ]
}

/// What nobody may.
fn guards() -> Vec<Set> {
    vec![
        operator(
            "guards",
            json!({ "guards": { "webhookHosts": { "enabled": true }, "finalizer": { "enabled": true } } }),
        ),
        operator(
            "guards-in-detail",
            json!({
                "watchNamespaces": ["team-a", "team-b"],
                "guards": {
                    "webhookHosts": {
                        "enabled": true, "allowUrlFrom": true,
                        "allowed": ["bots.example.com", "*.Bots.example.com", "xn--bcher-kva.example", "[2001:db8::1]", "*"],
                    },
                    "finalizer": {
                        "enabled": true, "exemptGroups": [],
                        "exemptUsers": ["system:serviceaccount:operators:blue", "admin@example.com"],
                    },
                },
            }),
        ),
    ]
}

/// Where its pods run, and stay.
fn availability() -> Vec<Set> {
    vec![
        operator("budgets", json!({ "replicaCount": 3, "podDisruptionBudget": { "minAvailable": 2 } })),
        operator("budget-in-percent", json!({ "podDisruptionBudget": { "maxUnavailable": "50%" } })),
        operator(
            "scheduling",
            json!({
                "nodeSelector": { "kubernetes.io/os": "linux" },
                "tolerations": [{ "key": "dedicated", "operator": "Exists", "effect": "NoSchedule" }],
                "affinity": { "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [{
                    "weight": 1,
                    "preference": { "matchExpressions": [{ "key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"] }] },
                }]}},
                "topologySpreadConstraints": [
                    { "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule" },
                    { "maxSkew": 2, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                      "labelSelector": { "matchLabels": { "app": "mine" } } },
                ],
                "priorityClassName": "system-cluster-critical",
                "simulator": { "enabled": true },
            }),
        ),
    ]
}

/// Who reaches whom.
fn network() -> Vec<Set> {
    let label = |name: &str| json!({ "matchLabels": { "kubernetes.io/metadata.name": name } });
    vec![
        operator("network-policy", json!({ "networkPolicy": { "enabled": true } })),
        operator(
            "network-policy-in-detail",
            json!({
                "tests": { "enabled": false },
                "simulator": { "enabled": true },
                "networkPolicy": {
                    "enabled": true,
                    "metricsFrom": [{ "namespaceSelector": label("monitoring") }],
                    "dns": { "to": [{ "namespaceSelector": label("kube-system") }], "ports": [53, 5353] },
                    "apiServer": { "to": [{ "ipBlock": { "cidr": "10.0.0.1/32" } }], "ports": [6443] },
                    "twilio": { "to": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"] } }] },
                    "extraEgress": [{ "ports": [{ "port": 3128 }], "to": [{ "ipBlock": { "cidr": "10.1.0.7/32" } }] }],
                },
            }),
        ),
        operator(
            "network-policy-for-nobody",
            json!({ "tests": { "enabled": false }, "networkPolicy": { "enabled": true } }),
        ),
        operator(
            "service-monitor",
            json!({ "prometheus": { "serviceMonitor": {
                "enabled": true, "labels": { "release": "prometheus" }, "annotations": { "team": "bots" },
                "interval": "30s", "scrapeTimeout": "10s", "honorLabels": true,
                "relabelings": [{ "action": "labeldrop", "regex": "pod" }],
                "metricRelabelings": [{ "sourceLabels": ["__name__"], "regex": "cwo_lane_.*", "action": "drop" }],
            }}}),
        ),
        operator(
            "pod-monitor",
            json!({ "prometheus": { "podMonitor": { "enabled": true, "interval": "1m" } } }),
        ),
        operator(
            "simulator",
            json!({ "simulator": {
                "enabled": true,
                "image": { "repository": "registry.example.com/simulator", "tag": "1.2.3" },
                "seed": { "accounts": [{ "sid": "AC00000000000000000000000000000002", "authToken": "token" }] },
                "extraArgs": ["--allow-delivery-to=*.example.com"],
            }}),
        ),
    ]
}

/// What Kubernetes gets as it was given.
fn handed_on() -> Vec<Set> {
    vec![
        operator(
            "names-and-labels",
            json!({
                "fullnameOverride": "operator-of-the-webhooks-of-all-the-conversations-of-the-tenant",
                "nameOverride": "webhooks",
                "commonLabels": { "team": "bots", "app.kubernetes.io/name": "not-mine-to-set" },
                "podLabels": { "pod": "label" }, "podAnnotations": { "pod": "annotation" },
                "serviceAccount": { "name": "webhooks", "annotations": { "iam": "role" } },
                "simulator": { "enabled": true }, "secretAccess": { "mode": "granted" },
            }),
        ),
        operator(
            "images",
            json!({
                "image": { "repository": "registry.example.com/operator", "digest": format!("sha256:{:064x}", 1), "pullPolicy": "Always" },
                "imagePullSecrets": [{ "name": "registry" }],
                "simulator": { "enabled": true, "image": { "digest": format!("sha256:{:064x}", 2) } },
                "tests": { "image": { "repository": "mirror.example.com/kubectl", "tag": "v1.35.0" } },
            }),
        ),
        operator(
            "extras",
            json!({
                "extraArgs": ["--credentials-ttl=5m", "--cluster-id", "blue"],
                "extraEnv": [
                    { "name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128" },
                    { "name": "NODE", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } },
                ],
                "twilio": { "baseUrl": "http://twilio.example.com", "allowHttp": true, "maxInFlightPerAccount": 2, "caBundle": { "configMapName": "corporate-ca", "key": "bundle.pem" } },
                "extraObjects": [
                    { "apiVersion": "v1", "kind": "ConfigMap",
                      "metadata": { "name": "{{ include \"cwo.fullname\" . }}-extra", "namespace": "{{ .Release.Namespace }}" },
                      "data": { "replicas": "{{ .Values.replicaCount }}" } },
                    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: as-text\n  namespace: {{ .Release.Namespace }}\n",
                ],
                "resources": { "requests": { "cpu": "10m" }, "limits": { "memory": "256Mi" } },
            }),
        ),
    ]
}

/// Tenants.
fn tenants() -> Vec<Set> {
    vec![
        tenant("tenant-without-bots", json!({})),
        tenant("tenant", tenant_values()),
        tenant(
            "tenant-that-grants",
            json!({
                "conversations": [{ "name": "support", "sid": "CH00000000000000000000000000000001", "bots": ["desk", "desk-2"] }],
                "bots": [by_secret("desk", "addresses"), by_secret("desk-2", "more-addresses")],
                "credentialsSecretRef": { "name": "login" },
                "secretAccess": { "grant": true, "operator": { "namespace": "operators", "serviceAccountName": "webhooks" } },
            }),
        ),
        tenant(
            "tenant-that-grants-by-the-operators-role",
            json!({ "commonLabels": { "team": "bots" },
                "secretAccess": { "grant": true, "clusterRole": "conversation-webhook-operator-secrets" } }),
        ),
    ]
}

fn by_secret(name: &str, secret: &str) -> Value {
    json!({
        "name": name, "target": "trigger",
        "configuration": { "urlFrom": { "secretKeyRef": { "name": secret, "key": name } }, "triggers": ["help", "911"] },
    })
}

/// A tenant with each target and every field.
pub(crate) fn tenant_values() -> Value {
    json!({
        "conversations": [
            { "name": "support", "sid": "CH00000000000000000000000000000001" },
            { "name": "sales", "uniqueName": "tenant a/sales", "chatServiceSid": "IS00000000000000000000000000000002",
              "bots": ["survey", "helper"] },
            { "name": "quiet", "uniqueName": "quiet", "bots": [] },
        ],
        "bots": [
            { "name": "helper", "target": "webhook", "deletionPolicy": "Retain", "adoptionPolicy": "IfIdentical",
              "recreatePolicy": "Report", "mode": "Observe", "resyncInterval": "1h30m",
              "configuration": { "url": "https://bots.example.com/?as={{a}}", "method": "GET", "filters": ["onMessageAdded"], "replayAfter": 1_000_000 } },
            by_secret("desk", "addresses"),
            { "name": "survey", "target": "studio", "configuration": { "flowSid": "FW00000000000000000000000000000001" } },
        ],
    })
}
