//! What everything came to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use conversation_webhook_operator::api::{
    ATTEMPT_ANNOTATION, ConversationWebhook, RECONCILE_ANNOTATION, RESOLVE_ANNOTATION,
};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use twilio_conversations_simulator::{ApiClient, WebhookRecord};

use crate::support::{World, eventually, is_ready, ready};

const PATIENCE: Duration = Duration::from_mins(5);

/// The figures of a run. All but the first and the last are 0 where the promises hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) made: usize,
    /// Groups of webhooks that do the same on one conversation.
    pub(super) duplicates: usize,
    /// Webhooks of the operator's that exist and that no object bears, with what happened on their conversations.
    pub(super) leaks: Vec<String>,
    /// Webhooks of others that it changed or deleted.
    pub(super) touched: usize,
    /// Objects whose webhook does not exist, is not as written, or is another's as well.
    pub(super) lost: usize,
    pub(super) converged_within: Duration,
}

impl Verdict {
    /// Lets everything settle, with an operator that runs, and judges.
    pub(super) async fn of(world: &World) -> Self {
        let started = Instant::now();
        // Whoever was in a quarrel is forgiven.
        for object in world.objects().list(&ListParams::default()).await.unwrap() {
            let ask = Patch::Merge(json!({ "metadata": { "annotations": { RECONCILE_ANNOTATION: "now" } } }));
            let _ = world.objects().patch(&object.name_any(), &PatchParams::default(), &ask).await;
        }
        // A webhook that somebody removed or edited at the last moment is noticed at the next look.
        let mut last = None;
        let good = async {
            loop {
                let objects = settled(world).await;
                let verdict = Self::now(world, &objects, started.elapsed());
                // What objects left that vanished is looked for once its window is over.
                if verdict.lost == 0 && verdict.leaks.is_empty() {
                    return verdict;
                }
                last = Some(verdict);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, good).await {
            Ok(verdict) => verdict,
            Err(_) => last.expect("the objects settled"),
        }
    }

    fn now(world: &World, objects: &[ConversationWebhook], converged_within: Duration) -> Self {
        let ledger = world.simulator.ledger();
        let made = ledger.made_by(&ApiClient::any());
        let alive: BTreeMap<String, &WebhookRecord> = made
            .iter()
            .filter(|record| record.alive())
            .map(|record| (record.sid.to_string(), *record))
            .collect();
        let mut bearing = BTreeSet::new();
        let mut is_served = |object: &&ConversationWebhook| {
            let Some(sid) = object.status.as_ref().and_then(|status| status.webhook_sid.as_ref()) else {
                return false;
            };
            let url = object.spec.configuration.url.as_deref();
            bearing.insert(sid.to_string())
                && alive.get(sid.as_str()).is_some_and(|record| record.configuration.url() == url)
        };
        let served = objects.iter().filter(|object| is_served(object)).count();
        Self {
            made: made.len(),
            duplicates: ledger.duplicates().len(),
            leaks: alive
                .iter()
                .filter(|(sid, _)| !bearing.contains(*sid))
                .map(|(_, record)| history(world, record))
                .collect(),
            touched: ledger.foreign_touched(&ApiClient::any()).len(),
            lost: objects.len() - served,
            converged_within,
        }
    }

    /// Prints the figures.
    #[track_caller]
    pub(super) fn assert_good(&self) {
        println!("{self:#?}");
        let Self { made: _, duplicates, leaks, touched, lost, converged_within: _ } = self;
        assert_eq!((duplicates, leaks.len(), touched, lost), (&0, 0, &0, &0), "{self:#?}");
    }
}

/// The webhook, and what was asked about its conversation around the time that it was made.
fn history(world: &World, record: &WebhookRecord) -> String {
    let (conversation, made) = (record.conversation.to_string(), record.created.at);
    let near = |at: Timestamp| at.duration_since(made).abs() < SignedDuration::from_secs(20);
    let entries = world.simulator.journal();
    let about = entries.iter().filter(|entry| entry.path.contains(&conversation) && near(entry.at));
    let lines = about.map(|entry| {
        let (operation, outcome) = (entry.operation, (entry.status, entry.fault, entry.committed));
        format!("\n  {} {operation:?} {} {outcome:?}", entry.at, entry.path)
    });
    format!("{record:?}{}", lines.collect::<String>())
}

/// The objects, once each has its webhook as written.
async fn settled(world: &World) -> Vec<ConversationWebhook> {
    eventually("every object is Ready and none is being deleted", PATIENCE, async || {
        let objects = world.objects().list(&ListParams::default()).await.unwrap().items;
        let at_rest =
            |object: &ConversationWebhook| object.metadata.deletion_timestamp.is_none() && is_ready(object);
        if objects.iter().all(at_rest) {
            return Some(objects);
        }
        resolve_ambiguous(world, &objects).await;
        None
    })
    .await
}

/// Somebody answers for each object that asks what became of its create.
pub(super) async fn resolve_ambiguous(world: &World, objects: &[ConversationWebhook]) {
    let ambiguous =
        |object: &&ConversationWebhook| ready(object).is_some_and(|ready| ready.reason == "CreateAmbiguous");
    for object in objects.iter().filter(ambiguous) {
        resolve(world, object).await;
    }
}

/// Somebody who knows the truth answers for an edited object beside whose newborn a stranger's webhook turned up.
async fn resolve(world: &World, object: &ConversationWebhook) {
    let said = &ready(object).unwrap().message;
    let ledger = world.simulator.ledger();
    let ours = ledger.made_by(&ApiClient::any()).into_iter().find(|record| {
        let named = format!("{}, ", record.sid);
        record.alive() && (said.contains(&named) || said.contains(&format!("{};", record.sid)))
    });
    let journal: Value = serde_json::from_str(&object.annotations()[ATTEMPT_ANNOTATION]).unwrap();
    let (id, made) =
        (journal["id"].as_str().unwrap(), ours.map_or("none".to_owned(), |ours| ours.sid.to_string()));
    let answer = Patch::Merge(
        json!({ "metadata": { "annotations": { RESOLVE_ANNOTATION: format!("{id}={made}") } } }),
    );
    let _ = world.objects().patch(&object.name_any(), &PatchParams::default(), &answer).await;
}
