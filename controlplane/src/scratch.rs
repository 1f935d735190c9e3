//! The directory of one control plane: certificates, data, logs, kubeconfigs.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

/// Waits for the end of its stdin, then removes a directory. Servers that are being killed at the same moment may still
/// write into it: hence the few tries.
const SWEEP: &str = r#"
read -r _
tries=0
while [ $tries -lt 50 ]; do
    rm -rf -- "$1" 2>/dev/null
    [ -e "$1" ] || exit 0
    tries=$((tries + 1))
    sleep 0.1
done
"#;

/// A directory that only its owner may read: it holds private keys and tokens.
#[derive(Debug)]
pub(crate) enum Scratch {
    /// The caller's directory: it stays.
    Kept(PathBuf),
    /// A temporary one, removed by `sweeper` when we drop it or die.
    Temporary { path: PathBuf, sweeper: Child },
}

impl Scratch {
    /// A fresh temporary directory.
    pub(crate) fn temporary() -> Result<Self> {
        let path = tempfile::Builder::new()
            .prefix("controlplane-")
            .tempdir()
            .context("make a temporary directory")?
            .keep();
        let sweeper = Command::new("sh")
            .args(["-c", SWEEP, "sweep"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("start the shell that removes the temporary directory")?;
        Ok(Self::Temporary { path, sweeper })
    }

    /// The directory at `path`, made where it is missing.
    pub(crate) fn kept(path: &Path) -> Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .and_then(|()| path.canonicalize())
            .map(Self::Kept)
            .with_context(|| format!("make the directory {}", path.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Temporary { path, .. } => path,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Self::Temporary { sweeper, .. } = self {
            drop(sweeper.stdin.take());
            let _ = sweeper.wait();
        }
    }
}
