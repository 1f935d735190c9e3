//! In the kubelet's place: a container of a Deployment, started as the API server has it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use controlplane::{ControlPlane, Process};
use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::get;

/// The image's own user, as the Dockerfile sets it.
const USER: &str = "65532";
/// The image's program.
const ENTRY_POINT: &str = "/usr/local/bin/conversation-webhook-operator";

/// Where a kubelet puts what a pod proves its account with.
const ACCOUNT: &str = "var/run/secrets/kubernetes.io/serviceaccount";

/// The operator's process. It is killed when dropped.
pub(crate) struct Pod {
    _process: Process,
    /// The file system of the image, with the account's token.
    _root: TempDir,
}

impl Pod {
    /// Starts the one container of a Deployment: its arguments, its environment, under its `ServiceAccount`, and, where
    /// these tests run as root, in the file system of the image, as its user, who can write nothing there and has no
    /// capability. Its admin address is on the loopback, as a pod's is in a network of its own.
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
        let kubeconfig = plane.kubeconfig_for_service_account(namespace, account).await.unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_conversation-webhook-operator"));
        let root = image_root(program);
        let server = mount_account(&kubeconfig, namespace, root.path());
        let name = format!("{}-0", deployment["metadata"]["name"].as_str().unwrap());
        let environment: Vec<(String, String)> = environment(container, &name);
        let arguments =
            container["args"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned());

        let is_root =
            fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        let log = plane.directory().join("operator.log");
        let process = Process::start(if is_root { Path::new("setpriv") } else { program }, &log, |command| {
            if is_root {
                let user = format!("--userspec={USER}:{USER}");
                let groups = format!("--groups={USER}");
                command.args(["--no-new-privs", "chroot", &user, &groups]).arg(root.path()).arg(ENTRY_POINT);
                command.envs(environment_of_a_pod(&server));
            } else {
                command.env("KUBECONFIG", &kubeconfig);
            }
            command.args(arguments).envs(environment).env("CWO_ADMIN_ADDRESS", "127.0.0.1:0");
        })
        .unwrap();
        Self { _process: process, _root: root }
    }
}

/// The file system that the Dockerfile's last stage consists of, with this program.
fn image_root(program: &Path) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/image-root");
    let done = Command::new(script).arg(program).arg(root.path()).status().unwrap();
    assert!(done.success(), "{done}");
    // Others may look into it, and nobody but root may write.
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    root
}

/// Puts the account's token, the API server's certificate authority and the namespace into the file system; the API server's
/// address.
fn mount_account(kubeconfig: &Path, namespace: &str, root: &Path) -> String {
    let kubeconfig: Value = serde_json::from_slice(&fs::read(kubeconfig).unwrap()).unwrap();
    let cluster = &kubeconfig["clusters"][0]["cluster"];
    let authority = fs::read(cluster["certificate-authority"].as_str().unwrap()).unwrap();
    let token = kubeconfig["users"][0]["user"]["token"].as_str().unwrap();
    let folder = root.join(ACCOUNT);
    fs::create_dir_all(&folder).unwrap();
    for (name, content) in
        [("token", token.as_bytes()), ("ca.crt", &authority[..]), ("namespace", namespace.as_bytes())]
    {
        fs::write(folder.join(name), content).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    cluster["server"].as_str().unwrap().trim_start_matches("https://").to_owned()
}

/// What a kubelet tells every container of the API server.
fn environment_of_a_pod(server: &str) -> [(&'static str, String); 2] {
    let (host, port) = server.rsplit_once(':').unwrap();
    [("KUBERNETES_SERVICE_HOST", host.to_owned()), ("KUBERNETES_SERVICE_PORT", port.to_owned())]
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

/// Every file below a folder, with its path from there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// What the Dockerfile's stages put where their entry points are.
#[test]
fn each_image_starts_the_program_that_is_in_it() {
    let dockerfile = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Dockerfile")).unwrap();
    let put: Vec<String> = dockerfile
        .lines()
        .filter_map(|line| line.split_once(".ci/image-root target/release/")?.1.split(' ').next())
        .map(|program| format!("ENTRYPOINT [\"/usr/local/bin/{program}\"]"))
        .collect();
    let started: Vec<&str> = dockerfile.lines().filter(|line| line.starts_with("ENTRYPOINT")).collect();
    assert_eq!(started, put);
    assert_eq!(started.len(), 2);
    let users = dockerfile.lines().filter(|line| *line == format!("USER {USER}:{USER}")).count();
    assert_eq!(users, started.len());
}

#[test]
fn the_image_is_the_program_with_its_libraries_certificates_and_a_user() {
    let root = image_root(Path::new(env!("CARGO_BIN_EXE_conversation-webhook-operator")));
    let files = files(root.path());
    let (libraries, others): (Vec<&str>, Vec<&str>) =
        files.iter().map(String::as_str).partition(|file| file.starts_with("lib"));
    let etc = ["etc/group", "etc/nsswitch.conf", "etc/passwd", "etc/ssl/certs/ca-certificates.crt"];
    assert_eq!(others, [&etc[..], &[ENTRY_POINT.trim_start_matches('/')]].concat());
    assert!(libraries.iter().any(|library| library.contains("/ld-linux")), "{libraries:?}");
    assert!(libraries.len() <= 6, "{libraries:?}");
    let passwd = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    let [user] = &passwd.lines().collect::<Vec<_>>()[..] else { panic!("{passwd}") };
    assert!(user.contains(&format!(":{USER}:{USER}:")), "{user}");
    for file in &files {
        let mode = fs::metadata(root.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o022, 0, "{file} may be written by others: {mode:o}");
    }
}
