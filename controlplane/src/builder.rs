//! How a control plane is configured before it starts.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::cluster::Cluster;
use crate::detached;
use crate::layout::Layout;
use crate::plane::ControlPlane;
use crate::scratch::Scratch;

/// Options of a [`ControlPlane`]. Without any: etcd and the API server, in a temporary directory.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    pub(crate) controller_manager: bool,
    pub(crate) api_server_flags: Vec<String>,
    directory: Option<PathBuf>,
    copied: Option<PathBuf>,
}

impl Builder {
    /// Also runs kube-controller-manager. Needed where a test deletes a namespace or counts on owner references. Its
    /// controllers get to work some seconds after the start.
    #[must_use]
    pub fn controller_manager(mut self, wanted: bool) -> Self {
        self.controller_manager = wanted;
        self
    }

    /// Adds an argument to the API server's command line, such as `--feature-gates=Name=true`. It overrides the same
    /// flag of ours.
    #[must_use]
    pub fn api_server_flag(mut self, flag: impl Into<String>) -> Self {
        self.api_server_flags.push(flag.into());
        self
    }

    /// Keeps everything in this directory, made where it is missing, and leaves it there at the end. Objects that an
    /// earlier control plane stored there are there again.
    #[must_use]
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Starts with a copy of what an earlier control plane stored: the directory `etcd` in that one's own, when it had
    /// stopped. Not for a directory that has such data already.
    #[must_use]
    pub fn copy_of(mut self, data: impl Into<PathBuf>) -> Self {
        self.copied = Some(data.into());
        self
    }

    /// Starts it and waits until `/readyz` says ok.
    pub async fn start(self) -> Result<ControlPlane> {
        let scratch = match &self.directory {
            Some(path) => Scratch::kept(path)?,
            None => Scratch::temporary()?,
        };
        if detached::runs(scratch.path())? {
            bail!("a control plane runs in {} already", scratch.path().display());
        }
        if let Some(data) = &self.copied {
            let own = Layout::new(scratch.path()).data();
            copy(data, &own).with_context(|| format!("copy {} to {}", data.display(), own.display()))?;
        }
        ControlPlane::start_in(scratch, &self).await
    }

    /// Starts it in `directory` and leaves it running when this process ends; [`ControlPlane::stop_detached`] stops it.
    /// Until it is ready, it dies with this process like any other.
    pub async fn start_detached(self, directory: &Path) -> Result<Cluster> {
        self.directory(directory).start().await?.detach()
    }
}

/// Copies a directory and all that is in it. The copy must not be there yet, and only its owner may read it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
