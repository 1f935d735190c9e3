//! The first residual risk on purpose: processes stand still for longer than every window, and Twilio carries creates out
//! that late, without a reply. What is made twice cannot be prevented then, and is reported. Nobody deletes an object
//! here: with it goes whoever could report.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use conversation_webhook_operator::api::{ConversationWebhook, RECONCILE_ANNOTATION};
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use twilio_conversations_simulator::{ApiClient, Fault, FaultRule, Operation, WebhookRecord};

use super::load::{Load, Users};
use super::storm::{LONG_FREEZE, Storm};
use super::verdict::resolve_ambiguous;
use super::{OFTEN, SCALE};
use crate::support::{World, grant_lease, is_ready, ready};

const OBJECTS: u32 = 120;
const SEED: u64 = 11;
const CREATES: u64 = 180;
/// After the window, two looks at an absence, and a pass that makes a second webhook.
const LATE_MS: u64 = 4000;
const PATIENCE: Duration = Duration::from_mins(3);

/// The operator's webhooks that no object bears.
fn extra<'a>(webhooks: &[&'a WebhookRecord], objects: &[ConversationWebhook]) -> Vec<&'a WebhookRecord> {
    let borne: BTreeSet<String> = objects
        .iter()
        .filter_map(|object| Some(object.status.as_ref()?.webhook_sid.as_ref()?.to_string()))
        .collect();
    let alive = webhooks.iter().filter(|webhook| webhook.alive());
    alive.filter(|webhook| !borne.contains(&webhook.sid.to_string())).copied().collect()
}

/// Whether an object tells of this webhook.
fn is_reported(webhook: &WebhookRecord, objects: &[ConversationWebhook]) -> bool {
    let sid = webhook.sid.to_string();
    let conditions =
        objects.iter().filter_map(|object| object.status.as_ref()).flat_map(|status| &status.conditions);
    conditions
        .filter(|condition| condition.status != "Unknown")
        .any(|condition| condition.message.contains(&sid))
}

/// Served, or held by what was made twice.
fn is_settled(object: &ConversationWebhook) -> bool {
    is_ready(object)
        || ready(object).is_some_and(|ready| ["TwinExists", "ConversationFull"].contains(&&*ready.reason))
}

#[tokio::test]
async fn what_frozen_processes_and_late_creates_make_twice_is_reported() {
    let world = World::on_own_plane().await;
    grant_lease(&world).await;
    let twilio = world.simulator.control();
    let on_create = |fault| FaultRule::new(fault).on(Operation::Create);
    twilio.add_fault(on_create(Fault::late_commit(LATE_MS)).with_probability(0.1));
    twilio.add_fault(on_create(Fault::reset_after_commit()).with_probability(0.05));
    twilio.add_fault(FaultRule::new(Fault::delay_after_commit(10)).with_probability(0.5));
    let users = Users::start(&world, SEED, 2, Load { objects: OBJECTS, deletes: false });
    let mut storm = Storm::new(world, SEED);
    let started = Instant::now();
    while twilio.counters().total(Operation::Create).committed < CREATES {
        storm.start_missing().await;
        if storm.random.bool() {
            storm.kill();
        } else {
            storm.freeze(LONG_FREEZE).await;
        }
        let calm = storm.random.u64(500..2500);
        tokio::time::sleep(Duration::from_millis(calm)).await;
        assert!(
            started.elapsed() < Duration::from_mins(30),
            "{:?}",
            twilio.counters().total(Operation::Create)
        );
    }
    let done = users.stop().await;
    let Storm { mut world, running, .. } = storm;
    drop(running);
    world.simulator.clear_faults();
    // What is late arrives.
    tokio::time::sleep(Duration::from_millis(LATE_MS)).await;
    world.start_operator(&[SCALE, OFTEN]).await;
    for object in world.objects().list(&ListParams::default()).await.unwrap() {
        let ask = Patch::Merge(json!({ "metadata": { "annotations": { RECONCILE_ANNOTATION: "now" } } }));
        world.objects().patch(&object.name_any(), &PatchParams::default(), &ask).await.unwrap();
    }
    let mut in_the_way = Vec::new();
    let settling = async {
        loop {
            let objects = world.objects().list(&ListParams::default()).await.unwrap().items;
            resolve_ambiguous(&world, &objects).await;
            let ledger = world.simulator.ledger();
            let extra = extra(&ledger.made_by(&ApiClient::any()), &objects);
            let unsettled = objects.iter().filter(|object| !is_settled(object));
            let unreported = extra.iter().filter(|webhook| !is_reported(webhook, &objects));
            in_the_way =
                unsettled.map(|object| format!("{}: {:?}", object.name_any(), object.status)).collect();
            in_the_way.extend(unreported.map(|webhook| format!("unreported: {webhook:?}")));
            if in_the_way.is_empty() {
                return (extra.len(), objects.iter().filter(|object| is_ready(object)).count());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let settled = tokio::time::timeout(PATIENCE, settling).await;
    let (twice, single) = settled.unwrap_or_else(|_| panic!("after {PATIENCE:?}: {in_the_way:#?}"));
    println!("{done} things done; {twice} webhooks made twice, all reported; {single} objects are served");
    assert!(twice > 5, "too little went wrong to mean something: {twice}");
    assert_eq!(world.simulator.ledger().foreign_touched(&ApiClient::any()), Vec::<&WebhookRecord>::new());
}
