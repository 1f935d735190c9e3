//! Writes to an object that know whether they were stored.
//!
//! Every write is a merge patch that carries the resourceVersion it was made for, so at most one of several tries
//! is stored. Where a reply is lost the very same patch is sent again until the API server says 200, 409 or 404:
//! after that no earlier try can land any more, and on 409 a live read tells whose write won.

use std::time::{Duration, Instant};

use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::Value;

use super::guarded::Guarded;
use crate::api::{ConversationWebhook, MANAGER};

/// What became of a write.
#[derive(Debug)]
pub(super) enum Written {
    /// The API server's own reply says that it is stored; the object as stored.
    Clear(Box<ConversationWebhook>),
    /// Only a later read says that it is stored.
    Unclear(Box<ConversationWebhook>),
    /// It is not stored and never will be: somebody else wrote first. The object as it is now, if it still is and
    /// can be decoded.
    Lost(Option<Box<ConversationWebhook>>),
}

/// Which part of the object a patch goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Metadata.
    Main,
    /// The status subresource.
    Status,
}

/// How long an unclear write is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// Until this much time has passed; then it is an error, and the write may or may not be stored.
    Limited(Duration),
    /// For the life of the process, whatever the API server answers: what is written must not be lost.
    Unlimited,
}

/// Why a write has no outcome.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// The API server refused it: it is not stored.
    #[error("the API server refused the write: {0}")]
    Refused(#[source] kube::Error),
    /// No clear answer came in time: it may be stored.
    #[error("the API server gave no clear answer in time: {0}")]
    Undecided(#[source] kube::Error),
    /// The write is stored, but what the API server replied cannot be decoded.
    #[error("the object was written but cannot be decoded")]
    Undecodable,
}

/// Sends a patch for `resource_version` until its outcome is known. `is_ours` recognises the write in a live read.
pub(super) async fn compare_and_swap(
    api: &Api<Guarded>,
    name: &str,
    part: Part,
    patch: &Value,
    patience: Patience,
    is_ours: impl Fn(&ConversationWebhook) -> bool,
) -> Result<Written, WriteError> {
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(patch);
    let started = Instant::now();
    let mut pause = Duration::from_millis(50);
    let mut unclear = false;
    loop {
        let sent = match part {
            Part::Main => api.patch(name, &params, &patch).await,
            Part::Status => api.patch_status(name, &params, &patch).await,
        };
        let error = match sent {
            Ok(object) => return decoded(object).map(Written::Clear),
            Err(error) => error,
        };
        match code(&error) {
            Some(404) => return Ok(Written::Lost(None)),
            Some(409) => match api.get_opt(name).await {
                // Gone, or undecodable by somebody else's write: there is no object to go on with.
                Ok(None | Some(Guarded(Err(_)))) => return Ok(Written::Lost(None)),
                Ok(Some(object)) => {
                    let object = decoded(object)?;
                    let ours = unclear && is_ours(&object);
                    return Ok(if ours { Written::Unclear(object) } else { Written::Lost(Some(object)) });
                }
                // The verdict stands; only the look at the winner is missing. The patch may be sent again: a spent
                // resourceVersion is refused again.
                Err(read_error) => give_up(read_error, patience, started)?,
            },
            Some(status @ 400..=499) if status != 408 && status != 429 => match patience {
                // After an unclear try a refusal may be of the repetition only.
                Patience::Limited(_) if unclear => give_up(error, patience, started)?,
                Patience::Limited(_) => return Err(WriteError::Refused(error)),
                Patience::Unlimited => {
                    tracing::error!(%error, name, "a write that must not be lost is refused");
                }
            },
            _ => {
                unclear = true;
                give_up(error, patience, started)?;
            }
        }
        // Spread: whoever lost the API server together would come back to it together.
        tokio::time::sleep(pause.mul_f64(1.0 - fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

fn give_up(error: kube::Error, patience: Patience, started: Instant) -> Result<(), WriteError> {
    match patience {
        Patience::Limited(limit) if started.elapsed() >= limit => Err(WriteError::Undecided(error)),
        Patience::Limited(_) | Patience::Unlimited => Ok(()),
    }
}

fn decoded(object: Guarded) -> Result<Box<ConversationWebhook>, WriteError> {
    object.0.map(Box::new).map_err(|_| WriteError::Undecodable)
}

fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// The resourceVersion as a number, which Kubernetes has promised since 1.35; `None` where it is something else.
pub(super) fn version(object: &impl ResourceExt) -> Option<u64> {
    object.resource_version()?.parse().ok()
}
