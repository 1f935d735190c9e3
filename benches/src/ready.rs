//! When objects became Ready, by a watch of our own. It costs the API server and this process the same whoever is measured.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use conversation_webhook_operator::api::ConversationWebhook;
use futures::TryStreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longer than anything takes; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(40);

/// Waits until so many objects are Ready.
pub(crate) async fn all(kube: Client, objects: u32) -> Result<()> {
    Watched::start(kube).all(objects).await
}

/// What a watch has seen.
pub(crate) struct Watched {
    seen: watch::Receiver<()>,
    ready: Arc<Mutex<HashMap<u32, Ready>>>,
    task: JoinHandle<Result<()>>,
}

/// An object that is Ready.
#[derive(Clone, Copy, Debug)]
struct Ready {
    /// In this generation.
    generation: i64,
    /// Since when.
    since: Instant,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watched {
    /// Sees objects become Ready from now on, and those that are.
    pub(crate) fn start(kube: Client) -> Self {
        let (news, seen) = watch::channel(());
        let ready = Arc::<Mutex<HashMap<u32, Ready>>>::default();
        let filled = Arc::clone(&ready);
        let task = tokio::spawn(async move {
            let config = watcher::Config::default().page_size(500);
            let events = watcher(Api::<ConversationWebhook>::all(kube), config).applied_objects();
            let mut events = pin!(events);
            while let Some(object) = events.try_next().await? {
                let Some(generation) = is_ready(&object) else { continue };
                let number = object.name_any().trim_start_matches("bot-").parse()?;
                let mut filled = filled.lock().unwrap_or_else(PoisonError::into_inner);
                let of = filled.entry(number).or_insert_with(|| Ready { generation, since: Instant::now() });
                if of.generation != generation {
                    *of = Ready { generation, since: Instant::now() };
                }
                drop(filled);
                news.send_replace(());
            }
            bail!("the watch ended")
        });
        Self { seen, ready, task }
    }

    /// Waits until so many objects are Ready.
    pub(crate) async fn all(mut self, objects: u32) -> Result<()> {
        self.until(|ready| ready.len() >= objects as usize).await
    }

    /// Waits until each of these objects is Ready in this generation or a later one; since when each is.
    pub(crate) async fn settled(&mut self, wanted: &HashMap<u32, i64>) -> Result<HashMap<u32, Instant>> {
        let mut missing: Vec<(u32, i64)> =
            wanted.iter().map(|(object, generation)| (*object, *generation)).collect();
        self.until(|ready| {
            let is = |(object, generation): &(u32, i64)| {
                ready.get(object).is_some_and(|ready| ready.generation >= *generation)
            };
            missing.retain(|wanted| !is(wanted));
            missing.is_empty()
        })
        .await?;
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(wanted.keys().filter_map(|object| Some((*object, ready.get(object)?.since))).collect())
    }

    async fn until(&mut self, mut is: impl FnMut(&HashMap<u32, Ready>) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if is(&self.ready.lock().unwrap_or_else(PoisonError::into_inner)) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("not within {PATIENCE:?}");
            }
            // Not for each of thousands of objects by itself.
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.seen.changed().await.context("the watch ended")?;
        }
    }
}

/// The generation in which it is Ready.
fn is_ready(object: &ConversationWebhook) -> Option<i64> {
    let status = object.status.as_ref()?;
    status.webhook_sid.as_ref()?;
    status
        .conditions
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
        .then_some(status.observed_generation)
        .flatten()
}
