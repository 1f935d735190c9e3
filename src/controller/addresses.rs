//! Addresses of bots from Secrets: read once per key and time to live.
//!
//! A value never leaves this module but as a [`SecretString`].

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::{Client, ResourceExt};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::{AddressFault, Trouble};
use super::secrets::{SecretName, get};
use super::silence::Silence;

/// Characters of an address at most, as in the schema (Twilio error 50372).
const MAX_ADDRESS: usize = 512;

/// A key of a Secret.
type Source = (SecretName, String);

/// When an address was read, and what became of it.
type Look = (Instant, Result<SecretString, Trouble>);

#[derive(Debug, Default)]
struct Entry {
    look: Option<Look>,
    /// Of the Secret as it was read; `None` where nothing was there.
    version: Option<String>,
    /// The Secret is known to have changed since.
    outdated: bool,
    silence: Silence,
}

/// Every address that objects take from a Secret.
pub(super) struct Addresses {
    client: Client,
    /// How long an address that was read serves.
    ttl: Duration,
    /// How long one that cannot be had is left alone.
    poll: Duration,
    looks: Mutex<HashMap<Source, Arc<tokio::sync::Mutex<Entry>>>>,
}

impl Addresses {
    /// None read yet.
    pub(super) fn new(client: Client, ttl: Duration, poll: Duration) -> Self {
        Self { client, ttl, poll, looks: Mutex::default() }
    }

    /// The address under a key of a Secret. `fresh` has it read anew.
    pub(super) async fn read(
        &self,
        secret: SecretName,
        key: &str,
        fresh: bool,
    ) -> Result<SecretString, Trouble> {
        let source = (secret, key.to_owned());
        let entry = {
            let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(looks.entry(source.clone()).or_default())
        };
        // Held over the read on purpose: objects that share an address share one GET.
        let mut entry = entry.lock().await;
        if let Some((at, found)) = entry.look.as_ref().filter(|_| !fresh && !entry.outdated)
            && at.elapsed() < if found.is_ok() { self.ttl } else { self.poll }
        {
            return found.clone();
        }
        let good = matches!(&entry.look, Some((_, Ok(_))));
        let mut version = None;
        let found = entry.silence.ask(good, self.poll, self.ask(&source.0, key, &mut version)).await;
        if matches!(found, Err(Trouble::Kubernetes(_))) {
            // That says nothing about the address: the last one serves on.
            return match &entry.look {
                Some((_, Ok(address))) if !fresh => Ok(address.clone()),
                _ => found,
            };
        }
        entry.look = Some((Instant::now(), found.clone()));
        entry.version = version;
        entry.outdated = false;
        found
    }

    /// The Secret is gone: it is read again when somebody next asks.
    pub(super) async fn outdate(&self, secret: &SecretName) {
        for (_, entry) in self.of(secret) {
            entry.lock().await.outdated = true;
        }
    }

    /// The Secret has this version by now. Reads anew what was read of another one, and says whether that is another address;
    /// `None` where nobody read any.
    pub(super) async fn refresh(&self, secret: &SecretName, version: Option<&str>) -> Option<bool> {
        let entries = self.of(secret);
        if entries.is_empty() {
            return None;
        }
        let mut news = false;
        for ((secret, key), entry) in entries {
            let before = {
                let mut entry = entry.lock().await;
                if entry.version.is_some() && entry.version.as_deref() == version {
                    continue;
                }
                entry.outdated = true;
                entry.look.as_ref().and_then(|(_, found)| found.clone().ok())
            };
            let now = self.read(secret, &key, false).await.ok();
            let (before, now) = (before.as_ref(), now.as_ref());
            news |= before.map(ExposeSecret::expose_secret) != now.map(ExposeSecret::expose_secret);
        }
        Some(news)
    }

    fn of(&self, secret: &SecretName) -> Vec<(Source, Arc<tokio::sync::Mutex<Entry>>)> {
        let looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = looks.iter().filter(|((of, _), _)| of == secret);
        of_it.map(|(source, entry)| (source.clone(), Arc::clone(entry))).collect()
    }

    /// Forgets addresses from Secrets of namespaces without objects.
    pub(super) fn keep_only(&self, namespaces: &HashSet<&str>) {
        self.looks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(secret, _), _| namespaces.contains(secret.namespace.as_str()));
    }

    async fn ask(
        &self,
        secret: &SecretName,
        key: &str,
        version: &mut Option<String>,
    ) -> Result<SecretString, Trouble> {
        let unusable = |fault| Trouble::Address { secret: secret.to_string(), key: key.to_owned(), fault };
        let found = match get(&self.client, secret).await {
            Ok(found) => found.ok_or_else(|| unusable(AddressFault::SecretMissing))?,
            Err(Trouble::SecretForbidden(_)) => return Err(unusable(AddressFault::SecretForbidden)),
            Err(error) => return Err(error),
        };
        *version = found.resource_version();
        let value = found.data.and_then(|mut data| data.remove(key)).map(|value| value.0).unwrap_or_default();
        let text = String::from_utf8(value).map_err(|_| unusable(AddressFault::Malformed))?;
        match text.trim() {
            "" => Err(unusable(AddressFault::KeyMissing)),
            address if is_address(address) => Ok(address.into()),
            _ => Err(unusable(AddressFault::Malformed)),
        }
    }
}

/// What the schema lets `configuration.url` be.
fn is_address(text: &str) -> bool {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let user = text.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
    url.is_some()
        && user.is_some_and(|authority| !authority.contains('@'))
        && text.chars().count() <= MAX_ADDRESS
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_from_a_secret_is_what_the_schema_would_take() {
        let long = format!("https://bots.example.com/{}", "a".repeat(512));
        for good in ["https://bots.example.com", "http://bots.example.com:8080/a?b=c@d#e", "https://[::1]/"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "bots.example.com",
            "ftp://bots.example.com",
            "https://",
            "https://u:p@bots.example.com",
            "https://u@b",
            "https://a b",
            "https://a\nb",
            &long,
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
