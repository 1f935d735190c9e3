//! Credentials from Secrets: read once per Secret and time to live, proved once per version of the Secret.
//!
//! Values never leave this module but inside [`Credentials`], which print nothing.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt};

use super::error::Trouble;
use super::silence::Silence;
use crate::api::SECRET_FINALIZER;
use crate::twilio::{self, AccountSid, Credentials};

/// A Secret by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// The Secret had the finalizer that keeps it while it is in use.
    pub(super) kept: bool,
    version: Version,
    /// Of the Secret as it was read.
    resource_version: Option<String>,
    read: Instant,
}

/// Uid of a Secret, and the login that it holds: a change of its labels or of a finalizer is none of these.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version(Option<String>, Fingerprint);

/// Every Secret that objects refer to.
pub(super) struct Secrets {
    client: Client,
    /// How long a Secret that was read serves.
    ttl: Duration,
    /// How long a Secret that is missing, or credentials that are refused, are left alone.
    poll: Duration,
    entries: Mutex<HashMap<SecretName, Arc<tokio::sync::Mutex<Entry>>>>,
    /// Logins that Twilio refused, wherever they were read.
    refused: Mutex<HashMap<Fingerprint, RefusedLogin>>,
    /// Whose turn it is to have the account of a login confirmed.
    turns: Mutex<HashMap<Fingerprint, Arc<tokio::sync::Mutex<()>>>>,
    /// The last credentials that opened an account, or that nobody tried yet: a Secret may go before its objects.
    last_good: Mutex<HashMap<Place, Login>>,
    /// Key of the fingerprints of logins.
    key: [u8; 32],
}

/// A login that Twilio refused, in whatever Secrets it stands.
#[derive(Debug)]
struct RefusedLogin {
    refused: Instant,
    /// When somebody was last let through to try it.
    tried: Instant,
    error: twilio::Error,
}

/// Tells logins apart without keeping them.
type Fingerprint = [u8; 32];

/// Namespace, account and region: credentials of one tenant never serve another.
type Place = (String, AccountSid, String);

#[derive(Debug, Default)]
struct Entry {
    looked: Option<Look>,
    /// The credentials that Twilio last refused.
    refused: Option<Refusal>,
    /// The credentials are not those that an object needs: somebody may be about to correct them.
    doubted: bool,
    /// Somebody asks for the Secret to be read again.
    expired: bool,
    /// The Secret is known to have changed since.
    outdated: bool,
    silence: Silence,
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
        Self {
            client,
            ttl,
            poll,
            entries: Mutex::default(),
            refused: Mutex::default(),
            turns: Mutex::default(),
            last_good: Mutex::default(),
            key: std::array::from_fn(|_| fastrand::u8(..)),
        }
    }

    /// The credentials in a Secret. While they are refused, only one caller per poll interval gets them, to probe;
    /// Secrets that hold the same login share that one.
    pub(super) async fn login(&self, secret: &SecretName) -> Result<Login, Trouble> {
        let mut login = self.login_of_its_own(secret).await?;
        if self.refusal_since(&login).is_some() {
            // By way of another Secret. This one may hold another login by now; that is looked at once a poll.
            self.doubted(secret).await;
            login = self.login_of_its_own(secret).await?;
        }
        self.unless_refused_elsewhere(&login)?;
        self.keep(secret, &login, false);
        Ok(login)
    }

    /// The refusal of this login that is newer than its Secret's content here, by way of whatever Secret.
    fn refusal_since(&self, login: &Login) -> Option<twilio::Error> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = refused.get(&login.credentials.fingerprint(&self.key))?;
        (refusal.refused > login.read).then(|| refusal.error.clone())
    }

    /// One login, one probe: another Secret may hold the same that Twilio refused a moment ago.
    fn unless_refused_elsewhere(&self, login: &Login) -> Result<(), Trouble> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.get_mut(&login.credentials.fingerprint(&self.key)) {
            Some(login) if login.tried.elapsed() < self.poll => Err(login.error.clone().into()),
            Some(login) => {
                login.tried = Instant::now();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Remembers credentials for the time when their Secret is gone. What Twilio accepted is not given up for what
    /// nobody tried.
    fn keep(&self, secret: &SecretName, login: &Login, accepted: bool) {
        let mut last_good = self.last_good.lock().unwrap_or_else(PoisonError::into_inner);
        let credentials = &login.credentials;
        let place = (
            secret.namespace.clone(),
            credentials.account_sid().clone(),
            credentials.region().as_str().to_owned(),
        );
        match last_good.entry(place) {
            Slot::Occupied(mut held) if accepted => {
                held.insert(login.clone());
            }
            Slot::Occupied(_) => {}
            Slot::Vacant(free) => {
                free.insert(login.clone());
            }
        }
    }

    /// The credentials of this account and region that last served in the namespace, for an object that is to go while
    /// its Secret is of no use.
    pub(super) fn last_good(&self, namespace: &str, account: &AccountSid, region: &str) -> Option<Login> {
        let last_good = self.last_good.lock().unwrap_or_else(PoisonError::into_inner);
        last_good.get(&(namespace.to_owned(), account.clone(), region.to_owned())).cloned()
    }

    async fn login_of_its_own(&self, secret: &SecretName) -> Result<Login, Trouble> {
        let entry = self.entry(secret);
        // Held over the read on purpose: objects that share a Secret share one GET.
        let mut entry = entry.lock().await;
        if entry.refused.is_some() {
            return self.login_after_refusal(secret, &mut entry).await;
        }
        let (doubted, expired) = (entry.doubted, entry.expired);
        let usable = entry.looked.as_ref().filter(|look| {
            let good = look.found.is_ok() && !doubted;
            !expired && !entry.outdated && look.at.elapsed() < if good { self.ttl } else { self.poll }
        });
        if let Some(look) = usable {
            return look.found.clone();
        }
        let mut found = self.ask(secret, &mut entry).await;
        if matches!(found, Err(Trouble::Kubernetes(_))) {
            // That says nothing about the Secret: what it last held serves on.
            return match &entry.looked {
                Some(Look { found: Ok(login), .. }) if !doubted && !expired => Ok(login.clone()),
                _ => found,
            };
        }
        if let (Ok(new), Some(Look { found: Ok(old), .. })) = (&mut found, &entry.looked)
            && new.version == old.version
        {
            new.proved = old.proved;
        }
        entry.looked = Some(Look { at: Instant::now(), found: found.clone() });
        entry.doubted = false;
        entry.expired = false;
        entry.outdated = false;
        found
    }

    /// The first to ask after a refusal reads the Secret again at once, the first of each poll interval probes; all
    /// others hear of the refusal.
    async fn login_after_refusal(&self, secret: &SecretName, entry: &mut Entry) -> Result<Login, Trouble> {
        let Some(refusal) = &mut entry.refused else { return self.ask(secret, entry).await };
        let probe = refusal.at.elapsed() >= self.poll;
        if !probe && entry.looked.is_some() && !entry.expired && !entry.outdated {
            return Err(refusal.error.clone().into());
        }
        if probe {
            refusal.at = Instant::now();
        }
        let (version, error) = (refusal.version.clone(), refusal.error.clone());
        let found = self.ask(secret, entry).await;
        if matches!(found, Err(Trouble::Kubernetes(_))) {
            return found;
        }
        entry.looked = Some(Look { at: Instant::now(), found: found.clone() });
        entry.expired = false;
        entry.outdated = false;
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
    pub(super) async fn turn_to_prove(&self, login: &Login) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(login.credentials.fingerprint(&self.key)).or_default())
        };
        turn.lock_owned().await
    }

    /// Whether the account of this login was confirmed since it was handed out; an error where it was refused.
    pub(super) async fn is_proved(&self, secret: &SecretName, login: &Login) -> Result<bool, Trouble> {
        if let Some(error) = self.refusal_since(login) {
            return Err(error.into());
        }
        let entry = self.entry(secret);
        let entry = entry.lock().await;
        match &entry.looked {
            Some(Look { found: Ok(held), .. }) => Ok(held.proved && held.version == login.version),
            _ => Ok(false),
        }
    }

    /// Twilio accepted these credentials; with `proved`, as those of the account that the Secret declares.
    pub(super) async fn accepted(&self, secret: &SecretName, login: &Login, proved: bool) {
        let entry = self.entry(secret);
        let mut entry = entry.lock().await;
        let fingerprint = login.credentials.fingerprint(&self.key);
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).remove(&fingerprint);
        self.keep(secret, login, true);
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
        let fingerprint = login.credentials.fingerprint(&self.key);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        // What nobody tries any more is forgotten.
        refused.retain(|_, login| login.tried.elapsed() < self.poll.saturating_mul(10));
        let now = Instant::now();
        refused.insert(fingerprint, RefusedLogin { refused: now, tried: now, error: error.clone() });
        drop(refused);
        self.last_good
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, held| held.credentials.fingerprint(&self.key) != fingerprint);
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

    /// The version of the Secret as it was last read, where the finalizer that keeps it while it is in use was not on.
    pub(super) async fn unkept(&self, secret: &SecretName) -> Option<String> {
        let entry = self.entry(secret);
        let entry = entry.lock().await;
        match &entry.looked {
            Some(Look { found: Ok(held), .. }) if !held.kept => held.resource_version.clone(),
            _ => None,
        }
    }

    /// The finalizer that keeps the Secret while it is in use was put on, or taken off, which made this version.
    pub(super) async fn note_kept(&self, secret: &SecretName, kept: bool, version: Option<String>) {
        let entry = self.entry(secret);
        let mut entry = entry.lock().await;
        if let Some(Look { found: Ok(held), .. }) = &mut entry.looked {
            held.kept = kept;
            held.resource_version = version;
        }
    }

    /// The Secret has this version by now, or is gone. Whether that is news to somebody who read it: then it is read again
    /// when somebody next asks for its login.
    pub(super) async fn outdate(&self, secret: &SecretName, version: Option<&str>) -> bool {
        let entry = self.entries.lock().unwrap_or_else(PoisonError::into_inner).get(secret).map(Arc::clone);
        let Some(entry) = entry else { return false };
        let mut entry = entry.lock().await;
        let is_known = match &entry.looked {
            Some(Look { found: Ok(held), .. }) => {
                version.is_some() && held.resource_version.as_deref() == version
            }
            _ => false,
        };
        entry.outdated |= !is_known;
        !is_known
    }

    /// Forgets Secrets that no object refers to. The credentials that last served stay: an object that vanished with its
    /// namespace may still need them.
    pub(super) fn keep_only(&self, referred: &HashSet<SecretName>) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|secret, _| referred.contains(secret));
    }

    fn entry(&self, secret: &SecretName) -> Arc<tokio::sync::Mutex<Entry>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.entry(secret.clone()).or_default())
    }

    /// Reads the Secret, unless the API server did not answer a moment ago.
    async fn ask(&self, secret: &SecretName, entry: &mut Entry) -> Result<Login, Trouble> {
        let good = matches!(&entry.looked, Some(Look { found: Ok(_), .. }));
        entry.silence.ask(good, self.poll, self.read(secret)).await
    }

    async fn read(&self, secret: &SecretName) -> Result<Login, Trouble> {
        let found =
            get(&self.client, secret).await?.ok_or_else(|| Trouble::SecretMissing(secret.to_string()))?;
        let (uid, resource_version) = (found.uid(), found.resource_version());
        let kept = found.finalizers().iter().any(|finalizer| finalizer == SECRET_FINALIZER);
        let data: BTreeMap<String, Vec<u8>> =
            found.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
        match Credentials::from_secret_data(&data) {
            Ok(credentials) => {
                let version = Version(uid, credentials.fingerprint(&self.key));
                Ok(Login {
                    credentials,
                    proved: false,
                    kept,
                    version,
                    resource_version,
                    read: Instant::now(),
                })
            }
            Err(source) => Err(Trouble::SecretInvalid { secret: secret.to_string(), source }),
        }
    }
}

/// A Secret as the API server has it; `None` where there is none.
pub(super) async fn get(client: &Client, secret: &SecretName) -> Result<Option<Secret>, Trouble> {
    let api: Api<Secret> = Api::namespaced(client.clone(), &secret.namespace);
    match api.get_opt(&secret.name).await {
        Ok(found) => Ok(found),
        Err(kube::Error::Api(status)) if status.code == 403 => {
            Err(Trouble::SecretForbidden(secret.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}
