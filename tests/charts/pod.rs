//! In the kubelet's place: a container of a Deployment, started as the API server has it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use controlplane::{ControlPlane, Process};
use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::get;

/// The image's own user, as the Dockerfile sets it.
const USER: &str = "65532";

/// The operator's process. It is killed when dropped.
pub(crate) struct Pod {
    _process: Process,
    /// What only that user reads: the program and the kubeconfig.
    _directory: TempDir,
}

impl Pod {
    /// Starts the one container of a Deployment: its arguments, its environment, under its `ServiceAccount`, and, where
    /// these tests run as root, as the image's user without any capability. Its admin address is on the loopback, as a
    /// pod's is in a network of its own.
    pub(crate) async fn start(plane: &ControlPlane, namespace: &str, deployment: &str) -> Self {
        let deployment = get(plane, &["deployment", deployment, "-n", namespace]).await;
        let spec = &deployment["spec"]["template"]["spec"];
        let [container] = &spec["containers"].as_array().unwrap()[..] else {
            panic!("one container: {spec}")
        };
        assert_eq!(container.get("command"), None, "the image's own entry point");
        for (setting, value) in [("allowPrivilegeEscalation", false), ("readOnlyRootFilesystem", true)] {
            assert_eq!(container["securityContext"][setting], value);
        }
        assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true);

        let account = spec["serviceAccountName"].as_str().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = plane.kubeconfig_for_service_account(namespace, account).await.unwrap();
        let kubeconfig = readable(&kubeconfig, directory.path(), "kubeconfig");
        let program = Path::new(env!("CARGO_BIN_EXE_conversation-webhook-operator"));
        let program = readable(program, directory.path(), "operator");
        let name = format!("{}-0", deployment["metadata"]["name"].as_str().unwrap());
        let environment: Vec<(String, String)> = environment(container, &name);
        let arguments =
            container["args"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned());

        let is_root =
            fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        let as_user =
            ["--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs", "--bounding-set=-all"];
        let first = if is_root { Path::new("setpriv") } else { &program };
        let log = plane.directory().join("operator.log");
        let process = Process::start(first, &log, |command| {
            if is_root {
                command.args(as_user).arg(&program);
            }
            command
                .args(arguments)
                .envs(environment)
                .env("KUBECONFIG", kubeconfig)
                .env("CWO_ADMIN_ADDRESS", "127.0.0.1:0");
        })
        .unwrap();
        Self { _process: process, _directory: directory }
    }
}

/// A copy that every user can read and run.
fn readable(file: &Path, directory: &Path, name: &str) -> PathBuf {
    let copy = directory.join(name);
    fs::copy(file, &copy).unwrap();
    for path in [directory, &copy] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    copy
}

fn environment(container: &Value, pod: &str) -> Vec<(String, String)> {
    let variables = container["env"].as_array().unwrap().iter();
    variables
        .map(|variable| {
            let value = match (&variable["value"], &variable["valueFrom"]["fieldRef"]["fieldPath"]) {
                (Value::String(value), _) => value,
                (_, path) if path == "metadata.name" => pod,
                _ => panic!("{variable}"),
            };
            (variable["name"].as_str().unwrap().to_owned(), value.to_owned())
        })
        .collect()
}
