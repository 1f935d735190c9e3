//! Events: one per change at Twilio and per change of Ready, best effort.
//!
//! They are published by a task of their own, so that they never delay or fail a pass, and while passes keep the API server
//! busy one a second at least; those that it cannot keep up with are dropped.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::Resource;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;

use super::room::ApiRoom;
use crate::api::{ConversationWebhook, MANAGER};

/// Events that may wait for the API server before further ones are dropped.
const BACKLOG: usize = 1024;

/// How long an Event waits for passes to leave room at the API server.
const POLITE: Duration = Duration::from_secs(1);
/// How soon it looks again.
const LOOK: Duration = Duration::from_millis(20);

/// Where passes leave their Events.
#[derive(Clone, Debug)]
pub(super) struct Events {
    queue: mpsc::Sender<(ObjectReference, Note)>,
}

/// What an Event says.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// Nothing to worry about.
    pub(super) normal: bool,
    /// Why, in one word.
    pub(super) reason: String,
    /// What the operator did, in one word.
    pub(super) action: &'static str,
    /// A sentence for people. Never Twilio's text, never a URL.
    pub(super) message: String,
}

/// Waits until passes leave half of the room at the API server to others.
async fn leisure(room: &ApiRoom) {
    while room.taken() > room.size() / 2 {
        tokio::time::sleep(LOOK).await;
    }
}

impl Events {
    /// Starts the publishing task; it ends when the last `Events` is dropped.
    pub(super) fn start(client: Client, room: ApiRoom, instance: String) -> (Self, impl Future<Output = ()>) {
        let (queue, mut notes) = mpsc::channel::<(ObjectReference, Note)>(BACKLOG);
        let reporter = Reporter { controller: MANAGER.to_owned(), instance: Some(instance) };
        let recorder = Recorder::new(client, reporter);
        let publish = async move {
            while let Some((regarding, note)) = notes.recv().await {
                let event = Event {
                    type_: if note.normal { EventType::Normal } else { EventType::Warning },
                    reason: note.reason.clone(),
                    note: Some(note.message),
                    action: note.action.to_owned(),
                    secondary: None,
                };
                // Whoever waits longer goes ahead.
                let _ = tokio::time::timeout(POLITE, leisure(&room)).await;
                if let Err(error) = recorder.publish(&event, &regarding).await {
                    tracing::debug!(%error, reason = note.reason, "an Event was not published");
                }
            }
        };
        (Self { queue }, publish)
    }

    /// Leaves an Event about an object.
    pub(super) fn publish(&self, object: &ConversationWebhook, note: Note) {
        if self.queue.try_send((object.object_ref(&()), note)).is_err() {
            tracing::debug!("an Event was dropped: too many wait");
        }
    }
}
