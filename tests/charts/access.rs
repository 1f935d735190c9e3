//! Who may do what, by the API server's own word: the operator in each mode, tenants by the aggregated roles, and installers
//! without rights over the cluster.

use controlplane::ControlPlane;
use serde_json::{Value, json};

use crate::cluster::{Subject, cluster, eventually, get, namespace, release};
use crate::grant;
use crate::helm::OPERATOR;

const GET: &str = "get /secrets";

/// A release without pods in a namespace of its own, and two tenants' namespaces.
struct Installed {
    plane: &'static ControlPlane,
    kube: kube::Client,
    name: String,
    operator: Subject,
    a: String,
    b: String,
}

async fn installed(name: &str, secret_access: impl Fn(&str, &str) -> Value) -> Installed {
    let plane = cluster().await;
    let kube = plane.admin_client().await.unwrap();
    let (a, b) = (format!("{name}-a"), format!("{name}-b"));
    for space in [name, &a, &b] {
        namespace(plane, space).await;
    }
    let values = json!({
        "replicaCount": 0, "crds": { "enabled": false }, "fullnameOverride": name,
        "secretAccess": secret_access(&a, &b),
    });
    release(plane, &["install"], (name, OPERATOR, name), &values).await.unwrap();
    let operator = Subject::service_account(name, name);
    // What it always may, in a ClusterRole: the others of the release came before or with it.
    let always = "patch conversations.twilio-operator.dev/conversationwebhooks";
    operator.wait_may(&kube, always, "", &a).await;
    Installed { plane, kube, name: name.to_owned(), operator, a, b }
}

impl Installed {
    async fn reads(&self, namespace: &str, secret: &str) -> bool {
        self.operator.may(&self.kube, GET, secret, namespace).await
    }

    async fn waits_to_read(&self, namespace: &str, secret: &str) {
        self.operator.wait_may(&self.kube, GET, secret, namespace).await;
    }

    /// In no mode does it see more than the one Secret that it asks for.
    async fn asks_for_one_at_a_time(&self) {
        for what in ["list /secrets", "watch /secrets", "update /secrets", "delete /secrets"] {
            assert!(!self.operator.may(&self.kube, what, "", &self.a).await, "{what}");
        }
    }
}

#[tokio::test]
async fn named_reads_secrets_of_these_names_everywhere() {
    let world = installed("named", |_, _| json!({ "names": ["twilio-credentials", "addresses"] })).await;
    for secret in ["twilio-credentials", "addresses"] {
        world.waits_to_read(&world.a, secret).await;
        world.waits_to_read("kube-system", secret).await;
    }
    assert!(!world.reads(&world.a, "other").await);
    assert!(!world.reads(&world.a, "").await);
    world.asks_for_one_at_a_time().await;
}

#[tokio::test]
async fn cluster_reads_every_secret() {
    let world = installed("cluster", |_, _| json!({ "mode": "cluster" })).await;
    world.waits_to_read(&world.a, "other").await;
    world.waits_to_read("kube-system", "anything").await;
    world.asks_for_one_at_a_time().await;
}

#[tokio::test]
async fn who_watches_secrets_sees_those_that_it_reads() {
    let world = installed("watches", |_, _| json!({ "watch": true })).await;
    for verb in ["list /secrets", "watch /secrets"] {
        world.operator.wait_may(&world.kube, verb, "twilio-credentials", &world.a).await;
        assert!(
            world.operator.may(&world.kube, verb, "twilio-credentials", "").await,
            "{verb}: in all namespaces"
        );
        assert!(!world.operator.may(&world.kube, verb, "other", &world.a).await, "{verb}");
        assert!(!world.operator.may(&world.kube, verb, "", &world.a).await, "{verb}");
    }
    let listed = installed(
        "watches-listed",
        |a, _| json!({ "mode": "namespaces", "watch": true, "namespaces": [{ "name": a }] }),
    )
    .await;
    listed.operator.wait_may(&listed.kube, "watch /secrets", "twilio-credentials", &listed.a).await;
    assert!(!listed.operator.may(&listed.kube, "watch /secrets", "twilio-credentials", &listed.b).await);
}

#[tokio::test]
async fn who_protects_secrets_may_patch_those_that_it_reads() {
    let world = installed("protects", |_, _| json!({ "protect": true })).await;
    world.operator.wait_may(&world.kube, "patch /secrets", "twilio-credentials", &world.a).await;
    assert!(!world.operator.may(&world.kube, "patch /secrets", "other", &world.a).await);
    assert!(!world.operator.may(&world.kube, "patch /secrets", "", &world.a).await);
    world.asks_for_one_at_a_time().await;
    let reads_only = installed("reads-only", |_, _| json!({})).await;
    reads_only.waits_to_read(&reads_only.a, "twilio-credentials").await;
    assert!(
        !reads_only
            .operator
            .may(&reads_only.kube, "patch /secrets", "twilio-credentials", &reads_only.a)
            .await
    );
}

#[tokio::test]
async fn namespaces_reads_where_it_is_listed() {
    let world = installed("spaces", |a, b| {
        json!({ "mode": "namespaces", "namespaces": [{ "name": a }, { "name": b, "names": ["login"] }] })
    })
    .await;
    world.waits_to_read(&world.a, "twilio-credentials").await;
    world.waits_to_read(&world.b, "login").await;
    assert!(!world.reads(&world.a, "login").await);
    assert!(!world.reads(&world.b, "twilio-credentials").await);
    assert!(!world.reads("default", "twilio-credentials").await);
    assert!(!world.reads(&world.name, "twilio-credentials").await);
    world.asks_for_one_at_a_time().await;
}

/// Gives a user what the cluster's role of that name has in a namespace. The controller that fills these roles in does not
/// run here, so the roles that they are filled from are bound.
async fn bind(plane: &ControlPlane, user: &str, namespace: &str, parts: &[&str]) {
    for part in parts {
        let (role, user_flag) =
            (format!("--clusterrole=system:aggregate-to-{part}"), format!("--user={user}"));
        let name = format!("{user}-{part}");
        let arguments = ["create", "rolebinding", &name, "-n", namespace, &role, &user_flag];
        plane.kubectl(&arguments).await.unwrap();
    }
}

#[tokio::test]
async fn granted_reads_nothing_until_the_owner_of_a_namespace_says_so() {
    let world = installed("granted", |_, _| json!({ "mode": "granted" })).await;
    assert!(!world.reads(&world.a, "twilio-credentials").await);
    assert!(!world.reads(&world.name, "twilio-credentials").await);

    bind(world.plane, "editor", &world.a, &["edit", "view"]).await;
    bind(world.plane, "owner", &world.a, &["admin", "edit", "view"]).await;
    let owner = Subject::user("owner");
    let bind = "create rbac.authorization.k8s.io/rolebindings";
    owner.wait_may(&world.kube, bind, "", &world.a).await;
    owner.wait_may(&world.kube, GET, "twilio-credentials", &world.a).await;
    let granted = json!({ "fullnameOverride": world.name, "secretAccess": { "mode": "granted" } });
    let command = grant::of_the_notes(&world.name, &world.name, &granted).await;
    let create = [&command.split(' ').collect::<Vec<_>>()[..], &["-n", &world.a]].concat();
    let refused = world.plane.kubectl(&[&create[..], &["--as=editor"]].concat()).await.unwrap_err();
    assert!(refused.to_string().contains("forbidden"), "{refused}");
    world.plane.kubectl(&[&create[..], &["--as=owner"]].concat()).await.unwrap();

    world.waits_to_read(&world.a, "twilio-credentials").await;
    assert!(!world.reads(&world.a, "other").await);
    assert!(!world.reads(&world.b, "twilio-credentials").await);
    world.asks_for_one_at_a_time().await;

    world.plane.kubectl(&["delete", "rolebinding", "granted-secrets", "-n", &world.a]).await.unwrap();
    eventually("what was granted is taken back", async || {
        (!world.reads(&world.a, "twilio-credentials").await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn another_mode_takes_the_old_rights_away() {
    let world = installed("changed", |_, _| json!({ "mode": "cluster" })).await;
    world.waits_to_read(&world.a, "other").await;
    let values = json!({
        "replicaCount": 0, "crds": { "enabled": false }, "fullnameOverride": world.name,
        "secretAccess": { "mode": "namespaces", "namespaces": [{ "name": world.a }] },
    });
    release(world.plane, &["upgrade"], (&world.name, OPERATOR, &world.name), &values).await.unwrap();
    world.waits_to_read(&world.a, "twilio-credentials").await;
    eventually("it reads no other Secret any more", async || {
        (!world.reads(&world.a, "other").await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn whoever_views_or_edits_a_namespace_does_so_with_webhooks_and_never_with_status() {
    let world = installed("roles", |_, _| json!({})).await;
    let rules = |label: &'static str| async move {
        let selector = format!("rbac.authorization.k8s.io/aggregate-to-{label}=true");
        let roles = get(world.plane, &["clusterroles", "-l", &selector]).await;
        let names = roles["items"].as_array().unwrap().iter();
        names
            .filter_map(|role| role["metadata"]["name"].as_str()?.strip_prefix("roles-").map(str::to_owned))
            .collect::<Vec<_>>()
    };
    // What the cluster's roles take in.
    assert_eq!(rules("view").await, ["view"]);
    assert_eq!(rules("edit").await, ["edit", "view"]);
    assert_eq!(rules("admin").await, ["edit", "view"]);

    for (user, roles) in [("viewer", &["view"][..]), ("writer", &["view", "edit"][..])] {
        for role in roles {
            let (name, role) = (format!("{user}-{role}"), format!("--clusterrole=roles-{role}"));
            let user = format!("--user={user}");
            world
                .plane
                .kubectl(&["create", "rolebinding", &name, "-n", &world.a, &role, &user])
                .await
                .unwrap();
        }
    }
    let webhooks = |verb: &str| format!("{verb} conversations.twilio-operator.dev/conversationwebhooks");
    let (viewer, writer) = (Subject::user("viewer"), Subject::user("writer"));
    viewer.wait_may(&world.kube, &webhooks("get"), "", &world.a).await;
    writer.wait_may(&world.kube, &webhooks("get"), "", &world.a).await;
    writer.wait_may(&world.kube, &webhooks("create"), "", &world.a).await;
    for verb in ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"] {
        let reads = ["get", "list", "watch"].contains(&verb);
        assert_eq!(viewer.may(&world.kube, &webhooks(verb), "", &world.a).await, reads, "viewer: {verb}");
        assert!(writer.may(&world.kube, &webhooks(verb), "", &world.a).await, "writer: {verb}");
        assert!(!writer.may(&world.kube, &webhooks(verb), "", &world.b).await, "writer elsewhere: {verb}");
    }
    let status = |verb: &str| webhooks(verb) + "/status";
    for verb in ["update", "patch", "delete"] {
        assert!(!writer.may(&world.kube, &status(verb), "", &world.a).await, "status: {verb}");
    }
}

/// Has an administrator apply what a release with `rbac.create: false` needs, by the command in the chart's README and what
/// it says to add.
async fn prepare(plane: &ControlPlane, name: &str, values: &Value, more: &[&str]) {
    let readme = std::fs::read_to_string(format!("{OPERATOR}/README.md")).unwrap();
    let section = readme.split("\n## Without cluster rights\n").nth(1).unwrap();
    for one in more {
        assert!(section.split("\n## ").next().unwrap().contains(one), "{one}");
    }
    let block = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap().replace("\\\n", " ");
    let (command, rest) = block.split_once('|').unwrap();
    assert_eq!(rest.trim(), "kubectl apply -f -");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), values.to_string()).unwrap();
    let words = command.split_whitespace().skip(1).chain(more.iter().flat_map(|one| one.split(' ')));
    let arguments: Vec<&str> = words
        .map(|word| match word {
            "RELEASE" | "NAMESPACE" => name,
            "charts/conversation-webhook-operator" => OPERATOR,
            "values.yaml" => file.path().to_str().unwrap(),
            word => word,
        })
        .collect();
    let prepared = plane.helm(&arguments).await.unwrap().stdout;
    plane.kubectl_with_input(&["apply", "-f", "-"], &prepared).await.unwrap();
}

/// Somebody who may do everything in the namespace of this name, and nothing outside.
async fn installer(plane: &ControlPlane, kube: &kube::Client, name: &str) -> String {
    namespace(plane, name).await;
    let user = format!("{name}-installer");
    bind(plane, &user, name, &["admin", "edit", "view"]).await;
    let subject = Subject::user(&user);
    subject.wait_may(kube, "create /secrets", "", name).await;
    subject.wait_may(kube, "create rbac.authorization.k8s.io/roles", "", name).await;
    format!("--kube-as-user={user}")
}

#[tokio::test]
async fn who_has_no_rights_over_the_cluster_installs_what_an_administrator_prepared() {
    let plane = cluster().await;
    let kube = plane.admin_client().await.unwrap();
    let name = "humble";
    let installer = installer(plane, &kube, name).await;
    let install = ["install", &installer];
    let mut values = json!({ "fullnameOverride": name, "crds": { "enabled": false } });
    let refused = release(plane, &install, (name, OPERATOR, name), &values).await.unwrap_err();
    assert!(refused.to_string().contains("clusterroles"), "{refused}");
    // What the attempt left.
    let _ = plane.helm(&["uninstall", name, "--namespace", name]).await;

    values["rbac"] = json!({ "create": false });
    prepare(plane, name, &values, &[]).await;
    release(plane, &install, (name, OPERATOR, name), &values).await.unwrap();
    let operator = Subject::service_account(name, name);
    operator.wait_may(&kube, GET, "twilio-credentials", "default").await;
    operator.wait_may(&kube, "update coordination.k8s.io/leases", name, name).await;
    get(plane, &["deployment", name, "-n", name]).await;
}

#[tokio::test]
async fn a_release_without_cluster_rights_names_the_role_that_an_administrator_prepared() {
    let plane = cluster().await;
    let kube = plane.admin_client().await.unwrap();
    let (name, tenant) = ("lowly", "lowly-a");
    let installer = installer(plane, &kube, name).await;
    namespace(plane, tenant).await;
    let values = json!({
        "fullnameOverride": name, "crds": { "enabled": false }, "rbac": { "create": false },
        "secretAccess": { "mode": "granted" },
    });
    prepare(plane, name, &values, &["--show-only templates/secret-access.yaml"]).await;
    release(plane, &["install", &installer], (name, OPERATOR, name), &values).await.unwrap();

    let deployment = get(plane, &["deployment", name, "-n", name]).await;
    let given = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap().clone();
    let argument = |flag: &str| {
        let value = given.iter().find_map(|one| one.as_str()?.strip_prefix(flag));
        value.unwrap_or_else(|| panic!("no {flag} in {given:?}")).to_owned()
    };
    let role = argument("--grant-cluster-role=");
    let (binds, account) = (
        format!("--clusterrole={role}"),
        format!("--serviceaccount={}", argument("--grant-service-account=")),
    );
    plane.kubectl(&["create", "rolebinding", &role, "-n", tenant, &binds, &account]).await.unwrap();
    let operator = Subject::service_account(name, name);
    operator.wait_may(&kube, GET, "twilio-credentials", tenant).await;
    assert!(!operator.may(&kube, GET, "twilio-credentials", "default").await);
}
