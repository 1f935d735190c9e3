//! What became of everything, by the simulator's ledger and the objects themselves.
//!
//! The judge only reads. It says what is wrong now; whether that may still change is for the caller to say.

use std::collections::BTreeMap;

use conversation_webhook_operator::api::{ConversationWebhook, Provenance, RECONCILE_ANNOTATION};
use kube::ResourceExt;
use kube::api::ListParams;
use twilio_conversations_simulator::{ApiClient, WebhookRecord, WebhookSeed};

use super::interference::Interference;
use super::scenario::{BOT_NAME, Login, Scenario};
use crate::support::{BOT, World, conversation, ready};

/// What is wrong, and what is worth a number though it is as the rules say.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// Webhooks that operators made beside an equal one, that no object bears, and that nobody is told of.
    pub(super) duplicates: Vec<String>,
    /// Other webhooks that operators made, that no object bears, and that nobody is told of.
    pub(super) leaks: Vec<String>,
    /// Webhooks of others that were changed, deleted or taken.
    pub(super) touched: Vec<String>,
    /// Objects that are neither served, nor gone, nor held for a reason that fits.
    pub(super) unsettled: Vec<String>,
    /// Objects that wait for a person.
    pub(super) held: Vec<String>,
    /// Webhooks that no object bears, and that an object or an Event names.
    pub(super) reported: usize,
    /// Somebody else's exact twin that was taken for the object's own, and is marked so (risk 3).
    pub(super) inferred: usize,
    /// It took a check to settle, or the matrix was impatient.
    pub(super) by_check: bool,
    /// Equal webhooks, each borne by an object that asks for just that.
    pub(super) asked_for_twice: usize,
}

impl Verdict {
    /// Whether all is well.
    pub(super) fn is_clean(&self) -> bool {
        self.duplicates.is_empty()
            && self.leaks.is_empty()
            && self.touched.is_empty()
            && self.unsettled.is_empty()
    }
}

/// The objects of the world.
pub(super) async fn objects(world: &World) -> Vec<ConversationWebhook> {
    world.objects().list(&ListParams::default()).await.unwrap().items
}

/// Judges. With `asked`, objects must have been looked at since they were asked to with this request; with `stuck`, an
/// object that waits for another's open attempt counts as held (risk 6).
pub(super) async fn judge(
    world: &World,
    (scenario, interference): (Scenario, Interference),
    asked: Option<&str>,
    stuck: bool,
) -> Verdict {
    let objects = objects(world).await;
    let ledger = world.simulator.ledger();
    let mut verdict = Verdict::default();

    let goes = scenario.deletes() || interference == Interference::Delete;
    match objects.iter().find(|object| object.name_any() == BOT_NAME) {
        None if !goes => verdict.unsettled.push(format!("{BOT_NAME}: it is gone")),
        Some(object) if goes && object.metadata.deletion_timestamp.is_none() => {
            verdict.unsettled.push(format!("{BOT_NAME}: it is not being deleted"));
        }
        // One that is being deleted is at rest only where a person must say something first.
        _ => {}
    }
    let mut bearers: BTreeMap<String, Vec<&ConversationWebhook>> = BTreeMap::new();
    for object in &objects {
        if let Some(webhook) = webhook(object) {
            bearers.entry(webhook).or_default().push(object);
        }
        let alive = ledger.records().iter().filter(|record| record.alive()).collect::<Vec<_>>();
        match rest(object, interference, &alive, stuck) {
            _ if asked.is_some_and(|request| !was_looked_at(object, request)) => {
                verdict.unsettled.push(format!("{}: not looked at again", object.name_any()));
            }
            Ok(None) => {}
            Ok(Some(held)) => verdict.held.push(format!("{}: {held}", object.name_any())),
            Err(wrong) => verdict.unsettled.push(format!("{}: {wrong}", object.name_any())),
        }
    }
    for (webhook, bearers) in &bearers {
        if bearers.len() > 1 {
            verdict.duplicates.push(format!("{webhook} is claimed by {} objects", bearers.len()));
        }
    }

    let ours = ledger.made_by(&ApiClient::any()).into_iter().filter(|record| record.alive());
    let unborne: Vec<_> = ours.filter(|record| !bearers.contains_key(&record.sid.to_string())).collect();
    let told = if unborne.is_empty() { Vec::new() } else { said(world, &objects).await };
    let groups = ledger.duplicates();
    for record in unborne {
        let sid = record.sid.to_string();
        if told.iter().any(|text| text.contains(&sid)) {
            verdict.reported += 1;
        } else if groups.iter().any(|group| group.iter().any(|other| other.sid == record.sid)) {
            verdict.duplicates.push(sid);
        } else {
            verdict.leaks.push(sid);
        }
    }
    let all_borne =
        |group: &&Vec<&WebhookRecord>| group.iter().all(|one| bearers.contains_key(&one.sid.to_string()));
    verdict.asked_for_twice = groups.iter().filter(all_borne).count();

    // What is to be taken over is the first webhook that was ever there.
    let wanted = (scenario == Scenario::TakeOver).then(|| ledger.records()[0].sid);
    for record in ledger.records().iter().filter(|record| !record.created.origin.is_api()) {
        let bearer = bearers.get(&record.sid.to_string()).and_then(|bearers| bearers.first());
        let inferred = bearer.is_some_and(|bearer| {
            bearer.status.as_ref().and_then(|status| status.provenance) == Some(Provenance::Inferred)
        });
        if inferred {
            verdict.inferred += 1;
        } else if Some(record.sid) != wanted {
            let touched = ledger.foreign_touched(&ApiClient::any()).iter().any(|one| one.sid == record.sid);
            if bearer.is_some() || touched {
                verdict.touched.push(record.sid.to_string());
            }
        }
    }
    verdict
}

/// Whether the object is at rest: `Some` with the reason where it is held. Otherwise what is wrong.
fn rest(
    object: &ConversationWebhook,
    interference: Interference,
    alive: &[&WebhookRecord],
    stuck: bool,
) -> Result<Option<String>, String> {
    let Some(ready) = ready(object) else { return Err("nothing is said of it".to_owned()) };
    let text = format!("{} {}", ready.reason, ready.message);
    let is_deleted = object.metadata.deletion_timestamp.is_some();
    let observed = object.status.as_ref().and_then(|status| status.observed_generation);
    if !is_deleted && observed != object.metadata.generation {
        return Err(format!("its last edit is not carried out: {text}"));
    }
    if !is_deleted && ready.status == "True" {
        let sid = webhook(object).unwrap_or_default();
        let Some(record) = alive.iter().find(|record| record.sid.to_string() == sid) else {
            return Err(format!("it bears {sid}, which is not there"));
        };
        let wanted = serde_json::to_value(&object.spec.configuration).unwrap_or_default();
        let has = serde_json::to_value(&record.configuration).unwrap_or_default();
        let method = wanted["method"].as_str().unwrap_or("POST");
        // An address from a Secret is not in the spec.
        let points_there = wanted["url"].is_null() || has["url"] == wanted["url"];
        let as_written = points_there && has["method"] == method.to_lowercase();
        return if as_written { Ok(None) } else { Err(format!("{wanted} is asked for, and {has} is there")) };
    }
    let names_one = alive.iter().any(|record| ready.message.contains(&record.sid.to_string()));
    let open = matches!(ready.reason.as_str(), "CreateAmbiguous" | "CreateUnresolved");
    if is_deleted && !open {
        return Err(format!("being deleted: {text}"));
    }
    if interference.may_hold(&ready.reason) && names_one {
        return Ok(Some(ready.reason.clone()));
    }
    // Two that ask for the same lost their replies together: a person must tell whose the newcomer is.
    let has_rival = interference == Interference::SiblingAlike && ready.reason == "CreateUnresolved";
    let is_told_so = ready.message.contains("/resolve-create=") || ready.message.contains("/abandon=");
    if stuck && has_rival && is_told_so {
        return Ok(Some("CreateUnresolved beside a sibling".to_owned()));
    }
    Err(text)
}

fn was_looked_at(object: &ConversationWebhook, request: &str) -> bool {
    let asked = object.annotations().get(RECONCILE_ANNOTATION).is_some_and(|asked| asked == request);
    let status = object.status.as_ref();
    asked && status.and_then(|status| status.last_handled_reconcile_at.as_deref()) == Some(request)
}

fn webhook(object: &ConversationWebhook) -> Option<String> {
    Some(object.status.as_ref()?.webhook_sid.as_ref()?.to_string())
}

/// Everything that objects and Events say.
async fn said(world: &World, objects: &[ConversationWebhook]) -> Vec<String> {
    let conditions = objects.iter().flat_map(|object| object.status.iter().flat_map(|s| &s.conditions));
    let mut said: Vec<String> = conditions.map(|condition| condition.message.clone()).collect();
    for name in [BOT_NAME, "sibling"] {
        said.extend(world.events(name).await.into_iter().filter_map(|event| event.note));
    }
    said
}

/// Whoever judges must be able to condemn.
#[tokio::test]
async fn the_judge_sees_duplicates_leaks_what_was_touched_and_what_is_not_settled() {
    let scenario = Scenario::Create;
    let world = scenario.world().await;
    let now = async || judge(&world, (scenario, Interference::None), None, false).await;
    let webhooks = format!("{}/v1/Conversations/{}/Webhooks", world.simulator.url(), conversation(1));
    let client = reqwest::Client::new();
    let make = async || {
        let of = ["Target", "Configuration.Url", "Configuration.Method", "Configuration.Filters"];
        let form = of.into_iter().zip(["webhook", BOT, "POST", "onMessageAdded"]).collect::<Vec<_>>();
        let request = client.post(&webhooks).basic_auth(Login::FIRST.sid(), Some(Login::FIRST.secret()));
        let made: serde_json::Value = request.form(&form).send().await.unwrap().json().await.unwrap();
        made["sid"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let first = make().await;
    assert_eq!(now().await.leaks, std::slice::from_ref(&first));
    assert_eq!(now().await.unsettled, ["bot: it is gone"]);
    let second = make().await;
    assert_eq!(now().await.duplicates, [first, second]);

    let others = WebhookSeed::webhook("https://elsewhere.example.com/").filters(["onMessageAdded"]);
    let others = world.simulator.create_webhook(conversation(1), &others).unwrap().to_string();
    assert_eq!(now().await.touched, [""; 0]);
    let request = client.delete(format!("{webhooks}/{others}"));
    request.basic_auth(Login::FIRST.sid(), Some(Login::FIRST.secret())).send().await.unwrap();
    assert_eq!(now().await.touched, [others]);

    world.create(BOT_NAME, scenario.spec(&world)).await;
    assert_eq!(now().await.unsettled, ["bot: nothing is said of it"]);
}
