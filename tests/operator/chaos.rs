//! An operator that is killed two hundred times while users and outsiders go on: nothing is made twice, nothing is left
//! behind, nothing of others is touched.

use std::collections::BTreeSet;
use std::time::Duration;

use conversation_webhook_operator::api::ConversationWebhook;
use fastrand::Rng;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use twilio_conversations_simulator::{
    ApiClient, Control, Fault, FaultRule, Operation, WebhookChanges, WebhookRecord, WebhookSeed,
};

use crate::support::{World, conversation, eventually, ready, webhook_spec};

const KILLS: usize = 200;
/// Two objects to a conversation, and one webhook of a stranger at times.
const OBJECTS: u32 = 16;
const CONVERSATIONS: u32 = OBJECTS / 2;
const SCALE: &str = "--time-scale=0.02";
const PATIENCE: Duration = Duration::from_mins(3);
const JOURNAL: &str = "conversations.twilio-operator.dev/create-attempt";
const RESOLVE: &str = "conversations.twilio-operator.dev/resolve-create";
const ASKED: &str = "conversations.twilio-operator.dev/reconcile-requested-at";

/// What users and outsiders do, at random and under a seed.
struct Load {
    objects: kube::Api<ConversationWebhook>,
    twilio: Control,
    random: Rng,
    done: usize,
}

impl Load {
    async fn run(mut self, stop: CancellationToken) -> Self {
        while !stop.is_cancelled() {
            self.one().await;
            self.done += 1;
            let pause = self.random.u64(5..60);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self
    }

    /// One thing that somebody does. What it finds in its way, an object that is gone for example, is no matter.
    async fn one(&mut self) {
        let object = self.random.u32(0..OBJECTS);
        let (name, on) = (format!("bot-{object}"), object % CONVERSATIONS + 1);
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
            6..8 => {
                let _ = self.objects.delete(&name, &DeleteParams::default()).await;
            }
            8 => self.outsider(&name).await,
            _ => {
                let strangers = self.twilio.ledger();
                let there = strangers.alive(conversation(on));
                if there.len() < 3 && there.iter().all(|webhook| webhook.created.origin.is_api()) {
                    let strange = WebhookSeed::webhook(format!("https://stranger.example.com/{on}"));
                    let _ = self.twilio.create_webhook(conversation(on), &strange);
                }
            }
        }
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

/// The objects, once each has its webhook as written.
async fn settled(world: &World) -> Vec<ConversationWebhook> {
    eventually("every object is Ready and none is being deleted", PATIENCE, async || {
        let objects = world.objects().list(&ListParams::default()).await.unwrap().items;
        let at_rest = |object: &ConversationWebhook| {
            object.metadata.deletion_timestamp.is_none()
                && ready(object).is_some_and(|ready| ready.status == "True")
                && object.status.as_ref().and_then(|status| status.observed_generation)
                    == object.metadata.generation
        };
        if objects.iter().all(at_rest) {
            return Some(objects);
        }
        let ambiguous = |object: &&ConversationWebhook| {
            ready(object).is_some_and(|ready| ready.reason == "CreateAmbiguous")
        };
        for object in objects.iter().filter(ambiguous) {
            resolve(world, object).await;
        }
        None
    })
    .await
}

/// Somebody who knows the truth answers for an edited object beside whose newborn a stranger's webhook turned up.
async fn resolve(world: &World, object: &ConversationWebhook) {
    let said = &ready(object).unwrap().message;
    let ledger = world.simulator.ledger();
    let ours = ledger.made_by(&ApiClient::any()).into_iter().find(|record| {
        let named = format!("{}, ", record.sid);
        record.alive() && (said.contains(&named) || said.contains(&format!("{};", record.sid)))
    });
    let journal: Value = serde_json::from_str(&object.annotations()[JOURNAL]).unwrap();
    let (id, made) =
        (journal["id"].as_str().unwrap(), ours.map_or("none".to_owned(), |ours| ours.sid.to_string()));
    let answer = Patch::Merge(json!({ "metadata": { "annotations": { RESOLVE: format!("{id}={made}") } } }));
    let _ = world.objects().patch(&object.name_any(), &PatchParams::default(), &answer).await;
}

#[tokio::test]
async fn two_hundred_kills_under_load_leave_no_duplicate_and_no_leak_and_touch_nothing_of_others() {
    let mut world = World::new().await;
    let twilio: &Control = &world.simulator;
    twilio
        .add_fault(FaultRule::new(Fault::reset_after_commit()).on(Operation::Create).with_probability(0.05));
    twilio.add_fault(
        FaultRule::new(Fault::error_after_commit(500)).on(Operation::Create).with_probability(0.05),
    );
    // Long enough for kills to fall between a request and its reply.
    twilio.add_fault(FaultRule::new(Fault::delay_after_commit(20)));
    let seed = 4;
    let load =
        Load { objects: world.objects(), twilio: twilio.clone(), random: Rng::with_seed(seed), done: 0 };
    let stop = CancellationToken::new();
    let running = tokio::spawn(load.run(stop.clone()));

    let mut random = Rng::with_seed(seed);
    for _ in 0..KILLS {
        world.spawn_operator(&[SCALE, "--resync-interval=1s"]);
        // Most die young; some live for longer than the window of a lost reply.
        let life = if random.u32(0..10) == 0 { random.u64(1500..2500) } else { random.u64(100..600) };
        tokio::time::sleep(Duration::from_millis(life)).await;
        world.kill_operator();
    }
    stop.cancel();
    let load = running.await.unwrap();
    let journal = world.simulator.counters();
    println!(
        "{} things done by users and outsiders, {} creates",
        load.done,
        journal.total(Operation::Create).requests
    );
    world.simulator.clear_faults();

    world.start_operator(&[SCALE, "--resync-interval=1s"]).await;
    // Whoever was in a quarrel is forgiven.
    for object in world.objects().list(&ListParams::default()).await.unwrap() {
        let ask = Patch::Merge(json!({ "metadata": { "annotations": { ASKED: "now" } } }));
        let _ = world.objects().patch(&object.name_any(), &PatchParams::default(), &ask).await;
    }
    let objects = settled(&world).await;
    let ledger = world.simulator.ledger();
    let borne: BTreeSet<String> = objects
        .iter()
        .filter_map(|object| Some(object.status.as_ref()?.webhook_sid.as_ref()?.to_string()))
        .collect();
    assert_eq!(borne.len(), objects.len(), "no webhook is claimed twice");
    let ours = ledger.made_by(&ApiClient::any()).into_iter().filter(|record| record.alive());
    assert_eq!(ours.map(|record| record.sid.to_string()).collect::<BTreeSet<_>>(), borne, "no leak");
    assert_eq!(ledger.duplicates(), Vec::<Vec<&WebhookRecord>>::new());
    assert_eq!(ledger.foreign_touched(&ApiClient::any()), Vec::<&WebhookRecord>::new());
    // Enough happened to mean something.
    assert!(ledger.records().len() > 60, "{} webhooks were made", ledger.records().len());
    assert!(load.done > 500, "{} things were done", load.done);
}
