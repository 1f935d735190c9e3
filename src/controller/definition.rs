//! Whether the kind itself is being deleted: then objects go, and webhooks stay.
//!
//! The API server marks the `CustomResourceDefinition` before it marks the objects, so what is read after an object's
//! deletion was seen tells the two apart. One read serves a whole burst of deletions.

use std::time::{Duration, Instant};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, CustomResourceExt};

use super::error::Trouble;
use crate::api::ConversationWebhook;
use crate::decide::Kind;

/// The definition of the kind, as last read.
pub(super) struct Definition {
    /// Where this process may not read it, the kind is taken for one that stays.
    may_read: bool,
    api: Api<CustomResourceDefinition>,
    /// How long the first of a burst waits for the others to be seen.
    gather: Duration,
    last: tokio::sync::Mutex<Option<(Instant, Kind)>>,
}

impl Definition {
    /// Not read yet.
    pub(super) fn new(client: Client, gather: Duration, may_read: bool) -> Self {
        Self { may_read, api: Api::all(client), gather, last: tokio::sync::Mutex::default() }
    }

    /// The kind as it was at `seen` or later.
    pub(super) async fn kind_since(&self, seen: Instant) -> Result<Kind, Trouble> {
        if !self.may_read {
            return Ok(Kind::Stays);
        }
        // Held over the read on purpose: all that wait share it.
        let mut last = self.last.lock().await;
        if let Some((at, kind)) = *last
            && at >= seen
        {
            return Ok(kind);
        }
        tokio::time::sleep(self.gather).await;
        let asked = Instant::now();
        let found = self.api.get_opt(ConversationWebhook::crd_name()).await?;
        let stays = found.is_some_and(|crd| crd.metadata.deletion_timestamp.is_none());
        let kind = if stays { Kind::Stays } else { Kind::Leaves };
        *last = Some((asked, kind));
        Ok(kind)
    }
}
