//! Where the executables are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The executables of the control plane and the command line tools that go with it.
///
/// etcd, kube-apiserver and kubectl are always there. The others are looked for when they are first needed, so that a
/// folder of envtest binaries is enough for whoever needs no more.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// Where etcd, kube-apiserver and kubectl are.
    assets: PathBuf,
    /// Where `build.sh` puts what it builds.
    built: PathBuf,
}

impl Binaries {
    /// Takes etcd, kube-apiserver and kubectl from the folder that the environment variable `KUBEBUILDER_ASSETS` names,
    /// and everything else, or without it everything, from the cache folder of `build.sh`.
    pub fn locate() -> Result<Self> {
        let built = cache()?;
        let assets = env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()).map(PathBuf::from);
        let binaries = Self { assets: assets.unwrap_or_else(|| built.clone()), built };
        for program in [binaries.etcd(), binaries.kube_apiserver(), binaries.kubectl()] {
            exists(&program)?;
        }
        Ok(binaries)
    }

    /// etcd.
    #[must_use]
    pub fn etcd(&self) -> PathBuf {
        self.assets.join("etcd")
    }

    /// kube-apiserver.
    #[must_use]
    pub fn kube_apiserver(&self) -> PathBuf {
        self.assets.join("kube-apiserver")
    }

    /// kubectl.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        self.assets.join("kubectl")
    }

    /// kube-controller-manager.
    pub fn kube_controller_manager(&self) -> Result<PathBuf> {
        exists(&self.built.join("kube-controller-manager"))
    }

    /// Helm 4: ours, or where `KUBEBUILDER_ASSETS` is in use the one on `PATH`.
    pub fn helm(&self) -> Result<PathBuf> {
        self.tool("helm")
    }

    /// kubeconform, which checks manifests against schemas: found as helm is.
    pub fn kubeconform(&self) -> Result<PathBuf> {
        self.tool("kubeconform")
    }

    fn tool(&self, name: &str) -> Result<PathBuf> {
        let ours = self.built.join(name);
        if !ours.is_file() && self.assets != self.built {
            let path = env::var_os("PATH").unwrap_or_default();
            if let Some(found) =
                env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
            {
                return Ok(found);
            }
        }
        exists(&ours)
    }
}

/// Asks `build.sh`, which alone knows what its folder's name is made from.
fn cache() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.sh");
    let output = Command::new("bash")
        .arg(&script)
        .arg("--print-dir")
        .output()
        .with_context(|| format!("run {}", script.display()))?;
    if !output.status.success() {
        bail!("{} --print-dir: {}", script.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn exists(program: &Path) -> Result<PathBuf> {
    if program.is_file() {
        return Ok(program.to_owned());
    }
    bail!(
        "{} does not exist: run `make control-plane`, or set KUBEBUILDER_ASSETS as controlplane/README.md says",
        program.display()
    )
}
