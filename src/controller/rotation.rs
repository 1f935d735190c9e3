//! Secrets that are watched, where the operator is told to: a new login or address serves at once, and not only when what was
//! read before has served its time.
//!
//! Metadata only: which Secret has which version. What stands in it is read by name as ever, and only if an object needs it.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};

use super::context::Context;
use super::guarded::Guarded;
use super::in_use::is_name;
use super::secrets::SecretName;
use crate::decide::address_source;

/// Secrets that are watched together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretScope {
    /// Those of this namespace; `None`: of every served one.
    pub namespace: Option<String>,
    /// Those of this name; `None`: of any.
    pub name: Option<String>,
}

impl FromStr for SecretScope {
    type Err = &'static str;

    /// `[NAMESPACE/]NAME`, where the name may be `*`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if namespace.is_some_and(|namespace| !is_name(namespace)) || !(name == "*" || is_name(name)) {
            return Err("must be NAME or NAMESPACE/NAME of a Secret, or * for all names");
        }
        Ok(Self { namespace: namespace.map(str::to_owned), name: (name != "*").then(|| name.to_owned()) })
    }
}

impl SecretScope {
    /// One for each watch that it takes where only these namespaces are served, or all where there are none.
    fn within(&self, served: &[String]) -> Vec<Self> {
        match &self.namespace {
            None if !served.is_empty() => served
                .iter()
                .map(|namespace| Self { namespace: Some(namespace.clone()), ..self.clone() })
                .collect(),
            _ => vec![self.clone()],
        }
    }
}

/// Watches Secrets until the process stops.
pub(super) fn start(ctx: &Arc<Context>, client: &Client, scopes: &[SecretScope]) {
    for scope in scopes.iter().flat_map(|scope| scope.within(&ctx.namespaces)) {
        let (watching, client) = (Arc::clone(ctx), client.clone());
        ctx.passes.spawn(async move {
            watching.stop.run_until_cancelled(watch(&watching, client, scope)).await;
        });
    }
}

async fn watch(ctx: &Arc<Context>, client: Client, scope: SecretScope) {
    let api: Api<PartialObjectMeta<Secret>> = match &scope.namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let config = match &scope.name {
        Some(name) => watcher::Config::default().fields(&format!("metadata.name={name}")),
        None => watcher::Config::default(),
    };
    let mut events = watcher(api, config).default_backoff().boxed();
    let mut fails = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Apply(secret)) => written(ctx, &secret, true).await,
            Ok(watcher::Event::InitApply(secret)) => written(ctx, &secret, false).await,
            Ok(watcher::Event::Delete(secret)) => {
                // Nobody is woken: what the Secret held last serves on where that is what is needed.
                if let Some(secret) = name(&secret) {
                    ctx.secrets.outdate(&secret, None).await;
                    ctx.addresses.outdate(&secret).await;
                }
            }
            // Said ahead of each list, whatever becomes of it.
            Ok(watcher::Event::Init) => continue,
            Ok(watcher::Event::InitDone) => {}
            Err(error) => {
                if !std::mem::replace(&mut fails, true) {
                    tracing::error!(
                        %error,
                        namespace = scope.namespace,
                        name = scope.name,
                        "Secrets cannot be watched, and are read again at intervals: where the right to list and watch them \
                         is missing, give it, or leave --watch-secrets off"
                    );
                }
                // The watcher begins anew at once after a list that was refused.
                tokio::time::sleep(ctx.timing.credentials_poll).await;
                continue;
            }
        }
        fails = false;
    }
}

fn name(secret: &PartialObjectMeta<Secret>) -> Option<SecretName> {
    Some(SecretName { namespace: secret.namespace()?, name: secret.name_any() })
}

/// A Secret is there, in a version that may be new; `changed` where it is known to have changed just now.
async fn written(ctx: &Arc<Context>, meta: &PartialObjectMeta<Secret>, changed: bool) {
    let Some(secret) = name(meta) else { return };
    let version = meta.resource_version();
    let login = ctx.secrets.outdate(&secret, version.as_deref()).await;
    let address = match ctx.addresses.refresh(&secret, version.as_deref()).await {
        // Nobody read one since the start, so nobody can tell what is new.
        None => changed,
        Some(news) => news,
    };
    if !login && !address {
        return;
    }
    if ctx.leadership.is_held() {
        wake(ctx, &secret, login, address);
    } else if address {
        ctx.news.note(secret);
    }
}

/// Has everybody looked at whom news of a Secret may concern: its address may be new, or it may be what the Secret lacked that
/// kept an object from being served. Others log in by it when they next have something to do.
fn wake(ctx: &Context, secret: &SecretName, login: bool, address: bool) {
    let by_address = |guarded: &Guarded| {
        let source = guarded.0.as_ref().ok().and_then(|object| address_source(&object.spec));
        source.is_some_and(|source| source.name == secret.name)
    };
    let mut concerned = Vec::new();
    if address {
        concerned.extend(ctx.index.with_address(&secret.namespace).into_iter().filter(by_address));
    }
    if login {
        concerned.extend(ctx.index.unserved_by(secret));
    }
    for uid in concerned.iter().filter_map(Guarded::uid) {
        ctx.index.wake(&uid);
    }
}

/// Secrets with addresses that changed while somebody else led, who may not have come to it.
#[derive(Debug, Default)]
pub(super) struct News(Mutex<HashSet<SecretName>>);

impl News {
    /// More are not kept: what is forgotten is found at the next check.
    const KEPT: usize = 1000;

    fn note(&self, secret: SecretName) {
        let mut news = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if news.len() < Self::KEPT {
            news.insert(secret);
        }
    }
}

/// This process begins to lead.
pub(super) fn catch_up(ctx: &Context) {
    let news = std::mem::take(&mut *ctx.news.0.lock().unwrap_or_else(PoisonError::into_inner));
    for secret in news {
        wake(ctx, &secret, false, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(namespace: Option<&str>, name: Option<&str>) -> SecretScope {
        SecretScope { namespace: namespace.map(str::to_owned), name: name.map(str::to_owned) }
    }

    #[test]
    fn only_what_is_served_is_watched() {
        let (all, served) = (Vec::new(), vec!["a".to_owned(), "b".to_owned()]);
        let named = scope(None, Some("login"));
        assert_eq!(named.within(&all), std::slice::from_ref(&named));
        assert_eq!(named.within(&served), [scope(Some("a"), Some("login")), scope(Some("b"), Some("login"))]);
        let apart = scope(Some("a"), None);
        assert_eq!(apart.within(&served), std::slice::from_ref(&apart));
    }
}
