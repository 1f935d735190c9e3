//! When objects became Ready, by a watch of our own. It costs the API server and this process the same whoever is measured.

use std::collections::HashSet;
use std::pin::pin;

use anyhow::{Context, Result};
use conversation_webhook_operator::api::ConversationWebhook;
use futures::TryStreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};

/// Waits until so many objects are Ready.
pub(crate) async fn all(kube: Client, objects: u32) -> Result<()> {
    let mut ready = HashSet::new();
    let events = watcher(Api::<ConversationWebhook>::all(kube), watcher::Config::default()).applied_objects();
    let mut events = pin!(events);
    while let Some(object) = events.try_next().await? {
        if is_ready(&object) {
            ready.insert(object.uid().context("no uid")?);
            if ready.len() == objects as usize {
                return Ok(());
            }
        }
    }
    anyhow::bail!("the watch ended")
}

fn is_ready(object: &ConversationWebhook) -> bool {
    object.status.as_ref().is_some_and(|status| {
        status.webhook_sid.is_some()
            && status
                .conditions
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}
