//! The parts of a control plane and the command line of each.

use std::fmt;

use anyhow::Result;

use crate::binaries::Binaries;
use crate::layout::{Layout, write_private};
use crate::process::Spec;

/// One process of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The store.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager with the controllers that need no nodes: namespaces, garbage collection, the `default`
    /// `ServiceAccount` and the root CA `ConfigMap` of each namespace.
    ControllerManager,
}

impl Part {
    /// The name of its executable.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

/// Every request, once it is answered (a watch also when it starts). See `audit.rs` for how it is read.
const AUDIT_POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived"],
  "rules": [{"level": "Metadata"}]
}
"#;

/// Writes the files that the API server reads when it starts.
pub(crate) fn write_inputs(layout: &Layout, admin_token: &str) -> Result<()> {
    for (file, text) in [
        (layout.audit_policy(), AUDIT_POLICY.to_owned()),
        (layout.tokens(), format!("{admin_token},admin,admin,system:masters\n")),
    ] {
        write_private(&file, &text)?;
    }
    Ok(())
}

pub(crate) fn etcd(binaries: &Binaries, layout: &Layout, port: u16, peers: u16) -> Spec {
    let clients = format!("http://127.0.0.1:{port}");
    let peers = format!("http://127.0.0.1:{peers}");
    Spec {
        program: binaries.etcd(),
        args: vec![
            "--name=private".into(),
            format!("--data-dir={}", layout.data().display()),
            format!("--listen-client-urls={clients}"),
            format!("--advertise-client-urls={clients}"),
            format!("--listen-peer-urls={peers}"),
            format!("--initial-advertise-peer-urls={peers}"),
            format!("--initial-cluster=private={peers}"),
            // The data does not have to survive a power failure, only a killed process.
            "--unsafe-no-fsync=true".into(),
        ],
        log: layout.log(Part::Etcd),
    }
}

pub(crate) fn api_server(
    binaries: &Binaries,
    layout: &Layout,
    etcd: u16,
    port: u16,
    extra: &[String],
) -> Spec {
    let key = layout.key();
    let mut args = vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        "--bind-address=127.0.0.1".into(),
        // Else it looks for an interface other than loopback, and fails on a machine that is offline.
        "--advertise-address=127.0.0.1".into(),
        // The default, which has to be said in later versions.
        "--service-cluster-ip-range=10.0.0.0/24".into(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", layout.certs().display()),
        // Nobody looks for the API server at the address of a Service, and without nodes it would be a wrong one.
        "--endpoint-reconciler-type=none".into(),
        "--authorization-mode=RBAC".into(),
        format!("--token-auth-file={}", layout.tokens().display()),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-account-key-file={}", key.display()),
        format!("--service-account-signing-key-file={}", key.display()),
        // It would refuse pods until a controller has made ServiceAccounts; there are no pods.
        "--disable-admission-plugins=ServiceAccount".into(),
        format!("--audit-policy-file={}", layout.audit_policy().display()),
        format!("--audit-log-path={}", layout.audit_log().display()),
        "--audit-log-format=json".into(),
        // A request is not finished before its entry is written.
        "--audit-log-mode=blocking".into(),
        // In megabytes: no rotation, since a reader keeps its place by the offset in the file.
        "--audit-log-maxsize=4096".into(),
        "--profiling=false".into(),
    ];
    args.extend_from_slice(extra);
    Spec { program: binaries.kube_apiserver(), args, log: layout.log(Part::ApiServer) }
}

pub(crate) fn controller_manager(binaries: &Binaries, layout: &Layout) -> Result<Spec> {
    Ok(Spec {
        program: binaries.kube_controller_manager()?,
        args: vec![
            format!("--kubeconfig={}", layout.kubeconfig().display()),
            "--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller,\
             root-ca-certificate-publisher-controller"
                .into(),
            format!("--service-account-private-key-file={}", layout.key().display()),
            format!("--root-ca-file={}", layout.ca().display()),
            "--leader-elect=false".into(),
            // No port at all: nothing asks it for anything.
            "--secure-port=0".into(),
            "--profiling=false".into(),
        ],
        log: layout.log(Part::ControllerManager),
    })
}
