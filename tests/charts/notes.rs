//! What whoever installs a release reads of it.

use serde_json::{Value, json};

use crate::helm::{OPERATOR, TENANT, notes};

/// The notes as one line.
async fn said(chart: &str, values: &Value) -> String {
    notes("cwo", chart, "operators", values).await.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_notes_say_what_is_missing_and_what_to_do_next() {
    let granted =
        |create: bool| json!({ "rbac": { "create": create }, "secretAccess": { "mode": "granted" } });
    let listed = json!({ "mode": "namespaces", "namespaces": [{ "name": "team-a", "names": ["login"] }] });
    let administrator = "nothing until an administrator has made its roles";
    // Values, what is said, and what is not.
    let table = [
        (
            json!({}),
            "names no registry: the nodes must have conversation-webhook-operator:0.1.0",
            administrator,
        ),
        (
            json!({ "image": { "repository": "registry.example.com/x" } }),
            "helm test cwo",
            "names no registry",
        ),
        (
            json!({}),
            "It may read these Secrets, in every namespace: twilio-credentials.",
            "create rolebinding",
        ),
        (json!({ "rbac": { "create": false } }), administrator, "create rolebinding"),
        (
            json!({ "rbac": { "create": false } }),
            "in every namespace: twilio-credentials.",
            "create rolebinding",
        ),
        (granted(true), "kubectl -n TENANT create rolebinding", administrator),
        (granted(false), "kubectl -n TENANT create rolebinding", "in every namespace:"),
        (
            json!({ "secretAccess": { "mode": "cluster" } }),
            "every Secret in the cluster",
            "credentialsSecretRef",
        ),
        (json!({ "secretAccess": listed }), "kubectl -n team-a create secret generic login", "TENANT"),
        (json!({ "secretAccess": listed }), "with credentialsSecretRef.name login", "rolebinding"),
        (json!({ "tests": { "enabled": false } }), "rollout status deployment/cwo-conv", "helm test"),
        (json!({ "crds": { "keep": false } }), "deletes the CustomResourceDefinition", "leaves the Conv"),
        (
            json!({}),
            "`helm uninstall` leaves the ConversationWebhooks",
            "deletes the CustomResourceDefinition",
        ),
    ];
    for (values, says, says_not) in table {
        let said = said(OPERATOR, &values).await;
        assert!(said.contains(says), "{values}: not '{says}': {said}");
        assert!(!said.contains(says_not), "{values}: '{says_not}': {said}");
    }
}

#[tokio::test]
async fn a_tenant_without_bots_is_not_told_to_wait_for_webhooks() {
    assert!(!said(TENANT, &json!({})).await.contains(" wait "));
    let mut values = crate::sets::tenant_values();
    let plain = said(TENANT, &values).await;
    assert!(plain.contains("kubectl -n operators wait --for=condition=Ready"), "{plain}");
    assert!(!plain.contains("takes the grant away"), "{plain}");
    values["secretAccess"] = json!({ "grant": true });
    let granted = said(TENANT, &values).await;
    assert!(
        granted.contains("kubectl -n operators delete cw -l app.kubernetes.io/instance=cwo --wait"),
        "{granted}"
    );
}
