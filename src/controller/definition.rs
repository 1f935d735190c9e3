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

/// The definition of the kind.
pub(super) enum Definition {
    /// It is read.
    Read {
        api: Api<CustomResourceDefinition>,
        /// How long the first of a burst waits for the others to be seen.
        gather: Duration,
        /// As last read.
        last: tokio::sync::Mutex<Option<(Instant, Kind)>>,
    },
    /// This process may not read it, and takes it for one that stays.
    Unread,
}

impl Definition {
    /// Not read yet.
    pub(super) fn new(client: Client, gather: Duration) -> Self {
        Self::Read { api: Api::all(client), gather, last: tokio::sync::Mutex::default() }
    }

    /// Never read.
    pub(super) fn unread() -> Self {
        Self::Unread
    }

    /// The kind as it was at `seen` or later.
    pub(super) async fn kind_since(&self, seen: Instant) -> Result<Kind, Trouble> {
        let Self::Read { api, gather, last } = self else { return Ok(Kind::Stays) };
        // Held over the read on purpose: all that wait share it.
        let mut last = last.lock().await;
        if let Some((at, kind)) = *last
            && at >= seen
        {
            return Ok(kind);
        }
        tokio::time::sleep(*gather).await;
        let asked = Instant::now();
        let found = api.get_opt(ConversationWebhook::crd_name()).await?;
        let stays = found.is_some_and(|crd| crd.metadata.deletion_timestamp.is_none());
        let kind = if stays { Kind::Stays } else { Kind::Leaves };
        *last = Some((asked, kind));
        Ok(kind)
    }
}
