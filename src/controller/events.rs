//! Events: one per change at Twilio and per change of Ready, best effort.
//!
//! They are published by a task of their own, so that they never delay or fail a pass, and one at a time with pauses: a burst of
//! passes gets nine tenths of what the API server has to give. Those that it cannot keep up with are dropped.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::Resource;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;

use crate::api::{ConversationWebhook, MANAGER};

/// Events that may wait for the API server before further ones are dropped.
const BACKLOG: usize = 1024;

/// The pause after an Event, in times that it took: long ones where the API server has much to do.
const POLITE: u32 = 9;
/// The longest pause.
const PAUSE: Duration = Duration::from_secs(1);

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

impl Events {
    /// Starts the publishing task; it ends when the last `Events` is dropped.
    pub(super) fn start(client: Client, instance: String) -> (Self, impl Future<Output = ()>) {
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
                let started = Instant::now();
                if let Err(error) = recorder.publish(&event, &regarding).await {
                    tracing::debug!(%error, reason = note.reason, "an Event was not published");
                }
                if !notes.is_closed() {
                    tokio::time::sleep((started.elapsed() * POLITE).min(PAUSE)).await;
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
