//! What lies where in the directory of a control plane.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use uuid::Uuid;

use crate::part::Part;

/// The files of one control plane, by what they are.
#[derive(Clone, Debug)]
pub(crate) struct Layout(PathBuf);

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self(root.to_owned())
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    pub(crate) fn log(&self, part: Part) -> PathBuf {
        self.0.join(format!("{part}.log"))
    }

    pub(crate) fn certs(&self) -> PathBuf {
        self.0.join("certs")
    }

    /// The server certificate and the CA that signed it, made by the API server when it first starts.
    pub(crate) fn ca(&self) -> PathBuf {
        self.certs().join("apiserver.crt")
    }

    /// Made together with the certificate. It also signs `ServiceAccount` tokens: one RSA key does for both here.
    pub(crate) fn key(&self) -> PathBuf {
        self.certs().join("apiserver.key")
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.0.join("kubeconfig.json")
    }

    pub(crate) fn audit_log(&self) -> PathBuf {
        self.0.join("audit.log")
    }

    /// Which processes run detached.
    pub(crate) fn state(&self) -> PathBuf {
        self.0.join("control-plane.json")
    }

    pub(crate) fn audit_policy(&self) -> PathBuf {
        self.0.join("audit-policy.json")
    }

    pub(crate) fn tokens(&self) -> PathBuf {
        self.0.join("tokens.csv")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("etcd")
    }
}

/// Writes a file that only its owner may read: helm complains about any other kubeconfig. Who reads it at the same
/// time gets the old text or the new one.
pub(crate) fn write_private(file: &Path, text: &str) -> Result<()> {
    let draft = file.with_added_extension(Uuid::new_v4().to_string());
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut open| open.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&draft, file))
        .with_context(|| format!("write {}", file.display()))
}
