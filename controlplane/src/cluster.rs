//! How to talk to a control plane: its URL, kubeconfigs, clients and `ServiceAccount` tokens.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use tokio::time::timeout;
use uuid::Uuid;

use crate::audit::Audit;
use crate::binaries::Binaries;
use crate::detached;
use crate::layout::{Layout, write_private};

/// An answer to `/readyz` takes milliseconds; a server that is starting may accept a connection and be silent.
const READY_ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Longer than any test or demo.
const TOKEN_SECONDS: i64 = 24 * 60 * 60;

/// A control plane as its clients see it, whoever keeps it running.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(crate) layout: Layout,
    pub(crate) binaries: Binaries,
    url: String,
}

impl Cluster {
    pub(crate) fn new(layout: Layout, url: String, binaries: Binaries) -> Self {
        Self { layout, binaries, url }
    }

    /// The control plane that runs detached in `directory`.
    pub fn open(directory: &Path) -> Result<Self> {
        detached::open(directory)
    }

    /// `https://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Certificates, data, logs and kubeconfigs.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.layout.root()
    }

    /// The executables that run here.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The kubeconfig of the administrator (user `admin`, group `system:masters`). kubectl, helm and the like take it
    /// as the environment variable `KUBECONFIG`.
    #[must_use]
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// A new client as the administrator. It belongs to the runtime that it was made in.
    pub async fn admin_client(&self) -> Result<Client> {
        client(&self.kubeconfig_path()).await
    }

    /// Writes a kubeconfig with a real token of an existing `ServiceAccount`, so that RBAC sees what it would see on a
    /// cluster. The token is good for a day.
    pub async fn kubeconfig_for_service_account(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let token = Api::<ServiceAccount>::namespaced(self.admin_client().await?, namespace)
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .with_context(|| format!("get a token for ServiceAccount {namespace}/{name}"))?
            .status
            .with_context(|| format!("no token in the answer for ServiceAccount {namespace}/{name}"))?
            .token;
        let path = self.directory().join(format!("kubeconfig-{namespace}-{name}.json"));
        self.write_kubeconfig(&path, name, namespace, &token)?;
        Ok(path)
    }

    /// A new client as an existing `ServiceAccount`.
    pub async fn client_for_service_account(&self, namespace: &str, name: &str) -> Result<Client> {
        client(&self.kubeconfig_for_service_account(namespace, name).await?).await
    }

    /// What the API server was asked, and by whom.
    #[must_use]
    pub fn audit(&self) -> Audit<'_> {
        Audit::new(self)
    }

    /// Whether `/readyz` says ok.
    pub(crate) async fn ready(&self) -> Result<()> {
        let answer =
            timeout(READY_ANSWER_WITHIN, self.get("/readyz")).await.context("/readyz did not answer")??;
        if answer != "ok" {
            bail!("/readyz answered {answer}");
        }
        Ok(())
    }

    /// GET of any path as the administrator.
    pub(crate) async fn get(&self, path: &str) -> Result<String> {
        let request = http::Request::get(path).body(Vec::new())?;
        self.admin_client().await?.request_text(request).await.with_context(|| format!("GET {path}"))
    }

    /// Writes the administrator's kubeconfig with a new token, and returns the token.
    pub(crate) fn write_admin_kubeconfig(&self) -> Result<String> {
        let token = Uuid::new_v4().to_string();
        self.write_kubeconfig(&self.kubeconfig_path(), "admin", "default", &token)?;
        Ok(token)
    }

    /// JSON, which every reader of a kubeconfig takes: it is YAML too.
    fn write_kubeconfig(&self, path: &Path, user: &str, namespace: &str, token: &str) -> Result<()> {
        let cluster = json!({"server": self.url, "certificate-authority": self.layout.ca()});
        let context = json!({"cluster": "private", "user": user, "namespace": namespace});
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "private", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "private", "context": context}],
            "current-context": "private",
        });
        write_private(path, &format!("{kubeconfig:#}\n"))
    }
}

async fn client(kubeconfig: &Path) -> Result<Client> {
    let read = || format!("read {}", kubeconfig.display());
    let parsed = Kubeconfig::read_from(kubeconfig).with_context(read)?;
    let mut config =
        Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default()).await.with_context(read)?;
    // Whatever proxy the environment names, it is not for 127.0.0.1.
    config.proxy_url = None;
    Ok(Client::try_from(config)?)
}
