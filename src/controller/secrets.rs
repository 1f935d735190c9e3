//! Credentials from Secrets: read once per Secret and time to live, proved once per version of the Secret.
//!
//! Values never leave this module but inside [`Credentials`], which print nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt};

use super::error::Trouble;
use crate::twilio::{self, Credentials};

/// A Secret by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SecretName {
    /// Namespace, the object's own.
    pub(super) namespace: String,
    /// Name.
    pub(super) name: String,
}

impl std::fmt::Display for SecretName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The credentials of one version of a Secret.
#[derive(Clone, Debug)]
pub(super) struct Login {
    /// What to log in with.
    pub(super) credentials: Credentials,
    /// Twilio confirmed that they belong to the account that the Secret declares.
    pub(super) proved: bool,
    version: Version,
    read: Instant,
}

/// Uid and resourceVersion of a Secret: changes whenever its content does.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version(Option<String>, Option<String>);

/// Every Secret that objects refer to.
pub(super) struct Secrets {
    client: Client,
    /// How long a Secret that was read serves.
    ttl: Duration,
    /// How long a Secret that is missing, or credentials that are refused, are left alone.
    poll: Duration,
    entries: Mutex<HashMap<SecretName, Arc<tokio::sync::Mutex<Entry>>>>,
}

#[derive(Debug, Default)]
struct Entry {
    looked: Option<Look>,
    /// The credentials that Twilio last refused.
    refused: Option<Refusal>,
    /// The credentials are not those that an object needs: somebody may be about to correct them.
    doubted: bool,
    /// Somebody asks for the Secret to be read again.
    expired: bool,
    /// Whose turn it is to have the account confirmed.
    proof: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Refusal {
    at: Instant,
    version: Version,
    error: twilio::Error,
}

#[derive(Debug)]
struct Look {
    at: Instant,
    found: Result<Login, Trouble>,
}

impl Secrets {
    /// None read yet.
    pub(super) fn new(client: Client, ttl: Duration, poll: Duration) -> Self {
        Self { client, ttl, poll, entries: Mutex::default() }
    }

    /// The credentials in a Secret. While they are refused, only one caller per poll interval gets them, to probe.
    pub(super) async fn login(&self, secret: &SecretName) -> Result<Login, Trouble> {
        let entry = self.entry(secret);
        // Held over the read on purpose: objects that share a Secret share one GET.
        let mut entry = entry.lock().await;
        if entry.refused.is_some() {
            return self.login_after_refusal(secret, &mut entry).await;
        }
        let (doubted, expired) = (entry.doubted, entry.expired);
        let usable = entry.looked.as_ref().filter(|look| {
            let good = look.found.is_ok() && !doubted;
            !expired && look.at.elapsed() < if good { self.ttl } else { self.poll }
        });
        if let Some(look) = usable {
            return look.found.clone();
        }
        let mut found = self.read(secret).await;
        if let (Ok(new), Some(Look { found: Ok(old), .. })) = (&mut found, &entry.looked)
            && new.version == old.version
        {
            new.proved = old.proved;
        }
        // An API server that does not answer says nothing about the Secret.
        if !matches!(found, Err(Trouble::Kubernetes(_))) {
            entry.looked = Some(Look { at: Instant::now(), found: found.clone() });
            entry.doubted = false;
            entry.expired = false;
        }
        found
    }

    /// The first to ask after a refusal reads the Secret again at once, the first of each poll interval probes; all
    /// others hear of the refusal.
    async fn login_after_refusal(&self, secret: &SecretName, entry: &mut Entry) -> Result<Login, Trouble> {
        let Some(refusal) = &mut entry.refused else { return self.read(secret).await };
        let probe = refusal.at.elapsed() >= self.poll;
        if !probe && entry.looked.is_some() && !entry.expired {
            return Err(refusal.error.clone().into());
        }
        if probe {
            refusal.at = Instant::now();
        }
        let (version, error) = (refusal.version.clone(), refusal.error.clone());
        let found = self.read(secret).await;
        if matches!(found, Err(Trouble::Kubernetes(_))) {
            return found;
        }
        entry.looked = Some(Look { at: Instant::now(), found: found.clone() });
        entry.expired = false;
        match found {
            Ok(login) if login.version == version && !probe => Err(error.into()),
            Ok(login) if login.version == version => Ok(login),
            // Another content, or none: the refusal is no word on it.
            found => {
                entry.refused = None;
                found
            }
        }
    }

    /// Waits until nobody else is having the account of these credentials confirmed.
    pub(super) async fn turn_to_prove(&self, secret: &SecretName) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = Arc::clone(&self.entry(secret).lock().await.proof);
        turn.lock_owned().await
    }

    /// Whether the account of this login was confirmed since it was handed out; an error where it was refused.
    pub(super) async fn is_proved(&self, secret: &SecretName, login: &Login) -> Result<bool, Trouble> {
        let entry = self.entry(secret);
        let entry = entry.lock().await;
        match (&entry.refused, &entry.looked) {
            (Some(refusal), _) if refusal.version == login.version && refusal.at > login.read => {
                Err(refusal.error.clone().into())
            }
            (_, Some(Look { found: Ok(held), .. })) => Ok(held.proved && held.version == login.version),
            _ => Ok(false),
        }
    }

    /// Twilio accepted these credentials; with `proved`, as those of the account that the Secret declares.
    pub(super) async fn accepted(&self, secret: &SecretName, login: &Login, proved: bool) {
        let entry = self.entry(secret);
        let mut entry = entry.lock().await;
        entry.refused.take_if(|refusal| refusal.version == login.version);
        if let Some(Look { found: Ok(held), .. }) = &mut entry.looked
            && held.version == login.version
        {
            held.proved |= proved;
        }
    }

    /// Twilio refused these credentials, or says that they are another account's than the Secret declares. Whoever
    /// asks next has the Secret read again.
    pub(super) async fn refused(&self, secret: &SecretName, login: &Login, error: &twilio::Error) {
        let entry = self.entry(secret);
        let mut entry = entry.lock().await;
        let current =
            entry.looked.as_ref().and_then(|look| look.found.as_ref().ok()).map(|held| &held.version);
        // A late word on an old content says nothing about the new one.
        if current.is_none_or(|version| *version == login.version) {
            let version = login.version.clone();
            entry.refused = Some(Refusal { at: Instant::now(), version, error: error.clone() });
            entry.looked = None;
        }
    }

    /// The credentials are good, but not those that an object needs: the Secret is read again at the next poll.
    pub(super) async fn doubted(&self, secret: &SecretName) {
        let entry = self.entry(secret);
        entry.lock().await.doubted = true;
    }

    /// The Secret is read again when somebody next asks for its login.
    pub(super) async fn expire(&self, secret: &SecretName) {
        let entry = self.entry(secret);
        entry.lock().await.expired = true;
    }

    fn entry(&self, secret: &SecretName) -> Arc<tokio::sync::Mutex<Entry>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.entry(secret.clone()).or_default())
    }

    async fn read(&self, secret: &SecretName) -> Result<Login, Trouble> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &secret.namespace);
        let found = match api.get_opt(&secret.name).await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(Trouble::SecretMissing(secret.to_string())),
            Err(kube::Error::Api(status)) if status.code == 403 => {
                return Err(Trouble::SecretForbidden(secret.to_string()));
            }
            Err(error) => return Err(error.into()),
        };
        let version = Version(found.uid(), found.resource_version());
        let data: BTreeMap<String, Vec<u8>> =
            found.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
        match Credentials::from_secret_data(&data) {
            Ok(credentials) => Ok(Login { credentials, proved: false, version, read: Instant::now() }),
            Err(source) => Err(Trouble::SecretInvalid { secret: secret.to_string(), source }),
        }
    }
}
