//! The fixture itself, on the real binaries. Run `make control-plane` first.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;
use controlplane::{Cluster, ControlPlane, Part};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams};
use serde_json::json;
use tokio::time::sleep;

/// Polls until `check` holds.
async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !check().await {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn config_map(name: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() },
        ..ConfigMap::default()
    }
}

/// A namespace with a `ServiceAccount` named robot.
async fn namespace_with_robot(plane: &ControlPlane, namespace: &str) -> Result<()> {
    let client = plane.admin_client().await?;
    let object = serde_json::from_value(json!({"metadata": {"name": namespace}}))?;
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await?;
    let object = serde_json::from_value(json!({"metadata": {"name": "robot"}}))?;
    Api::<ServiceAccount>::namespaced(client, namespace).create(&PostParams::default(), &object).await?;
    Ok(())
}

/// The command lines of all processes that mention a directory.
fn processes_in(directory: &Path) -> Vec<String> {
    let needle = directory.display().to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .filter(|line| line.contains(&needle))
        .collect()
}

#[tokio::test]
async fn the_administrator_may_do_everything() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let maps = Api::<ConfigMap>::namespaced(plane.admin_client().await?, "default");
    maps.create(&PostParams::default(), &config_map("by-client")).await?;
    let answer = plane.kubectl(&["get", "configmap", "by-client", "-o", "name"]).await?;
    assert_eq!(answer.stdout, "configmap/by-client\n");
    Ok(())
}

/// Or tests that were meant for the oldest Kubernetes would pass on the newest, and say nothing of it.
#[tokio::test]
async fn the_server_is_the_version_that_was_asked_for() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let oldest = std::env::var("CWO_KUBERNETES").is_ok_and(|which| which == "oldest");
    let module = if oldest { "oldest/go.mod" } else { "go.mod" };
    let module = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(module))?;
    let named = module.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v")).unwrap();
    let (minor, _patch) = named.split(' ').next().unwrap().rsplit_once('.').unwrap();
    let version = plane.admin_client().await?.apiserver_version().await?;
    assert!(version.git_version.starts_with(&format!("v{minor}.")), "{version:?} instead of {minor}");
    Ok(())
}

#[tokio::test]
async fn kubectl_reads_its_input_and_shows_its_failures() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let manifest =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "by-kubectl"}}).to_string();
    let answer = plane.kubectl_with_input(&["apply", "-f", "-"], &manifest).await?;
    assert_eq!(answer.stdout, "configmap/by-kubectl created\n");

    let error = plane.kubectl(&["get", "configmap", "missing"]).await.unwrap_err().to_string();
    assert!(error.contains("kubectl get configmap missing"), "{error}");
    assert!(error.contains("NotFound"), "{error}");
    Ok(())
}

#[tokio::test]
async fn helm_works_on_this_cluster() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    assert_eq!(plane.helm(&["list", "--no-headers"]).await?.stdout.trim(), "");
    Ok(())
}

#[tokio::test]
async fn a_service_account_may_do_what_rbac_grants_and_no_more() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    namespace_with_robot(plane, "granted").await?;
    let maps =
        Api::<ConfigMap>::namespaced(plane.client_for_service_account("granted", "robot").await?, "granted");
    let refused = maps.list(&ListParams::default()).await.unwrap_err();
    assert!(refused.to_string().contains("system:serviceaccount:granted:robot"), "{refused}");

    plane
        .kubectl(&["create", "role", "reader", "-n", "granted", "--verb=list", "--resource=configmaps"])
        .await?;
    let binding = [
        "create",
        "rolebinding",
        "robot",
        "-n",
        "granted",
        "--role=reader",
        "--serviceaccount=granted:robot",
    ];
    plane.kubectl(&binding).await?;
    eventually("the new role is in force", async || maps.list(&ListParams::default()).await.is_ok()).await;
    let refused = maps.create(&PostParams::default(), &config_map("m")).await.unwrap_err();
    assert!(refused.to_string().contains("forbidden"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn the_audit_log_counts_every_request_of_a_user_once() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    namespace_with_robot(plane, "counted").await?;
    let maps =
        Api::<ConfigMap>::namespaced(plane.client_for_service_account("counted", "robot").await?, "counted");
    let before = plane.audit().mark().await?;
    for _ in 0..3 {
        maps.list(&ListParams::default()).await.unwrap_err();
    }
    maps.create(&PostParams::default(), &config_map("m")).await.unwrap_err();
    // What others do at the same time is seen too.
    plane.kubectl(&["get", "--raw", "/readyz"]).await?;

    let requests = plane.audit().since(before).await?;
    assert!(requests.iter().any(|request| request.user == "admin" && request.uri == "/readyz"));
    let robot = requests.by_service_account("counted", "robot");
    assert_eq!(robot.len(), 4, "{robot:?}");
    assert_eq!(robot.count("list", "configmaps"), 3);
    assert!(robot.iter().all(|request| request.code == 403 && request.namespace == "counted"), "{robot:?}");
    assert_eq!(robot.writes().counts(), [(("create".to_owned(), "configmaps".to_owned()), 1)].into());

    let later = plane.audit().mark().await?;
    let nothing = plane.audit().since(later).await?.by_service_account("counted", "robot");
    assert!(nothing.is_empty(), "{nothing:?}");
    Ok(())
}

#[tokio::test]
async fn a_watch_counts_once_and_when_it_starts() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let before = plane.audit().mark().await?;
    plane
        .kubectl(&["get", "--raw", "/api/v1/namespaces/kube-node-lease/secrets?watch=true&timeoutSeconds=1"])
        .await?;
    let requests = plane.audit().since(before).await?;
    let watches =
        requests.filter(|request| request.namespace == "kube-node-lease" && request.user == "admin");
    assert_eq!(watches.counts(), [(("watch".to_owned(), "secrets".to_owned()), 1)].into(), "{watches:?}");
    Ok(())
}

#[tokio::test]
async fn two_control_planes_know_nothing_of_each_other() -> Result<()> {
    let (shared, own) = tokio::try_join!(ControlPlane::shared(), ControlPlane::start())?;
    assert_ne!(shared.url(), own.url());
    let maps = Api::<ConfigMap>::namespaced(own.admin_client().await?, "default");
    maps.create(&PostParams::default(), &config_map("only-here")).await?;
    let there = Api::<ConfigMap>::namespaced(shared.admin_client().await?, "default");
    assert!(there.get_opt("only-here").await?.is_none());
    own.stop().await
}

#[tokio::test]
async fn stopping_leaves_no_process_and_no_directory() -> Result<()> {
    let plane = ControlPlane::start().await?;
    let directory = plane.directory().to_owned();
    assert!(processes_in(&directory).len() >= 2);
    plane.stop().await?;
    assert!(!directory.exists());
    eventually("no process is left", async || processes_in(&directory).is_empty()).await;
    Ok(())
}

#[tokio::test]
async fn parts_can_be_killed_paused_and_restarted_without_losing_data() -> Result<()> {
    let plane = ControlPlane::start().await?;
    let maps = Api::<ConfigMap>::namespaced(plane.admin_client().await?, "default");
    maps.create(&PostParams::default(), &config_map("kept")).await?;

    plane.kill(Part::ApiServer);
    assert!(maps.get("kept").await.is_err());
    plane.restart(Part::ApiServer).await?;
    maps.get("kept").await?;

    plane.kill(Part::Etcd);
    plane.restart(Part::Etcd).await?;
    maps.get("kept").await?;

    plane.pause(Part::ApiServer).await?;
    let silent = tokio::time::timeout(Duration::from_millis(500), maps.get("kept")).await;
    assert!(silent.is_err(), "a paused API server answered {silent:?}");
    plane.resume(Part::ApiServer)?;
    maps.get("kept").await?;
    plane.stop().await
}

#[tokio::test]
async fn a_flag_that_the_api_server_refuses_is_named_in_the_error() {
    let error =
        ControlPlane::builder().api_server_flag("--no-such-flag").start().await.unwrap_err().to_string();
    assert!(error.contains("kube-apiserver ended by itself"), "{error}");
    assert!(error.contains("unknown flag: --no-such-flag"), "{error}");
}

#[tokio::test]
async fn with_the_controller_manager_a_deleted_namespace_goes_away() -> Result<()> {
    let plane = ControlPlane::builder().controller_manager(true).start().await?;
    plane.kubectl(&["create", "namespace", "short-lived"]).await?;
    let client = plane.admin_client().await?;
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), "short-lived");
    eventually("the default ServiceAccount is made", async || accounts.get("default").await.is_ok()).await;
    let namespaces = Api::<Namespace>::all(client);
    namespaces.delete("short-lived", &DeleteParams::default()).await?;
    eventually("the namespace is gone", async || matches!(namespaces.get_opt("short-lived").await, Ok(None)))
        .await;
    plane.stop().await
}

#[tokio::test]
async fn a_detached_control_plane_is_found_again_and_stopped() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let directory = folder.path().join("detached");
    let started = ControlPlane::start_detached(&directory).await?;
    let twice = ControlPlane::start_detached(&directory).await.unwrap_err().to_string();
    assert!(twice.contains("runs in"), "{twice}");

    let found = Cluster::open(&directory)?;
    assert_eq!(found.url(), started.url());
    found.kubectl(&["create", "configmap", "kept"]).await?;
    ControlPlane::stop_detached(&directory).await?;
    assert!(processes_in(&directory).is_empty());
    assert!(Cluster::open(&directory).is_err());
    // Nothing left to stop is fine.
    ControlPlane::stop_detached(&directory).await?;

    let again = ControlPlane::builder().directory(&directory).start().await?;
    again.kubectl(&["get", "configmap", "kept"]).await?;
    again.stop().await?;

    // Copies have what it stored, and nothing of each other.
    let [one, other] = [(); 2].map(|()| ControlPlane::builder().copy_of(directory.join("etcd")));
    let (one, other) = (one.start().await?, other.start().await?);
    one.kubectl(&["delete", "configmap", "kept"]).await?;
    other.kubectl(&["get", "configmap", "kept"]).await?;
    one.stop().await?;
    other.stop().await
}

/// The helper of the next test: starts a control plane, says where, and waits to be killed.
#[tokio::test]
#[ignore = "started by nothing_outlives_a_killed_test"]
async fn start_and_wait_to_be_killed() -> Result<()> {
    let Ok(report) = std::env::var("CONTROLPLANE_TEST_REPORT") else { return Ok(()) };
    let plane = ControlPlane::start().await?;
    let ready = format!("{report}.new");
    fs::write(&ready, plane.directory().display().to_string())?;
    fs::rename(ready, report)?;
    sleep(Duration::from_mins(2)).await;
    Ok(())
}

#[tokio::test]
async fn nothing_outlives_a_killed_test() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let report = folder.path().join("report");
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--ignored", "--exact", "start_and_wait_to_be_killed"])
        .env("CONTROLPLANE_TEST_REPORT", &report)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    eventually("the other process has started its control plane", async || report.exists()).await;
    let directory = fs::read_to_string(&report)?;
    let directory = Path::new(&directory);
    assert!(processes_in(directory).len() >= 2);

    child.kill()?;
    child.wait()?;
    eventually("its servers are gone", async || processes_in(directory).is_empty()).await;
    eventually("its directory is gone", async || !directory.exists()).await;
    Ok(())
}
