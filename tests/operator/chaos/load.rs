//! What users and outsiders do meanwhile.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conversation_webhook_operator::api::ConversationWebhook;
use fastrand::Rng;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use twilio_conversations_simulator::{Control, WebhookChanges, WebhookSeed};

use crate::support::{World, conversation, webhook_spec};

/// The longest pause between two things that one of them does.
const PAUSE: Duration = Duration::from_millis(60);

/// What users and outsiders go by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// How many objects there are at most; two to a conversation.
    pub(super) objects: u32,
    /// Whether users delete objects.
    pub(super) deletes: bool,
}

/// Users and outsiders, at random and under a seed.
pub(super) struct Users {
    stop: CancellationToken,
    all: Vec<JoinHandle<usize>>,
}

impl Users {
    /// So many.
    pub(super) fn start(world: &World, seed: u64, users: u64, load: Load) -> Self {
        let stop = CancellationToken::new();
        let strangers: Strangers = Arc::default();
        let start = |user| {
            let user = User {
                objects: world.objects(),
                twilio: world.simulator.control(),
                random: Rng::with_seed(seed ^ (user + 1) << 32),
                strangers: Arc::clone(&strangers),
                load,
            };
            tokio::spawn(user.run(stop.clone()))
        };
        let all = (0..users).map(start).collect();
        Self { stop, all }
    }

    /// How many things they did.
    pub(super) async fn stop(self) -> usize {
        self.stop.cancel();
        let mut done = 0;
        for user in self.all {
            done += user.await.unwrap();
        }
        done
    }
}

/// The conversations that a stranger's webhook hangs on. The ledger knows too, and is copied whole for each question: that
/// holds up the simulator the longer, the more was made.
type Strangers = Arc<Mutex<HashSet<u32>>>;

struct User {
    objects: kube::Api<ConversationWebhook>,
    twilio: Control,
    random: Rng,
    strangers: Strangers,
    load: Load,
}

impl User {
    async fn run(mut self, stop: CancellationToken) -> usize {
        let mut done = 0;
        while !stop.is_cancelled() {
            self.one().await;
            done += 1;
            tokio::time::sleep(PAUSE.mul_f64(self.random.f64())).await;
        }
        done
    }

    /// One thing that somebody does. What it finds in its way, an object that is gone for example, is no matter.
    async fn one(&mut self) {
        let object = self.random.u32(0..self.load.objects);
        let (name, on) = (format!("bot-{object}"), object % self.conversations() + 1);
        let url = format!("https://bots.example.com/{object}/{}", self.random.u32(0..3));
        match self.random.u32(0..10) {
            0..4 => {
                let new = json!({
                    "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
                    "kind": "ConversationWebhook",
                    "metadata": { "name": name },
                    "spec": webhook_spec(on, &url),
                });
                let new = serde_json::from_value(new).unwrap();
                let _ = self.objects.create(&PostParams::default(), &new).await;
            }
            4..6 => {
                let edit = Patch::Merge(json!({ "spec": { "configuration": { "url": url } } }));
                let _ = self.objects.patch(&name, &PatchParams::default(), &edit).await;
            }
            6..8 if !self.load.deletes => {}
            6..8 => {
                let _ = self.objects.delete(&name, &DeleteParams::default()).await;
            }
            8 => self.outsider(&name).await,
            _ => {
                if self.strangers.lock().unwrap().insert(on) {
                    let strange = WebhookSeed::webhook(format!("https://stranger.example.com/{on}"));
                    let _ = self.twilio.create_webhook(conversation(on), &strange);
                }
            }
        }
    }

    const fn conversations(&self) -> u32 {
        self.load.objects.div_ceil(2)
    }

    /// Somebody edits or removes the webhook of an object. What an object does not bear yet is left alone: an edit of a
    /// newborn whose reply was lost is one of the stated risks.
    async fn outsider(&mut self, name: &str) {
        let Ok(object) = self.objects.get(name).await else { return };
        let Some(webhook) = object.status.and_then(|status| status.webhook_sid) else { return };
        let webhook = webhook.to_string().parse().unwrap();
        let _ = if self.random.bool() {
            self.twilio.edit_webhook(webhook, &WebhookChanges::url("https://elsewhere.example.com"))
        } else {
            self.twilio.delete_webhook(webhook)
        };
    }
}
