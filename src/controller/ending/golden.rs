//! Objects in every state in which a pass can leave them, for those who judge objects from outside: the health checks
//! of `gitops/`, which know nothing but what stands in an object.
//!
//! They are in `tests/gitops/objects.golden.jsonl`, one a line, made by the functions that make them in production. Run
//! the test with `UPDATE_GOLDEN=1` to write them anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::addresses::Addresses;
use super::super::census::Census;
use super::super::context::Context;
use super::super::conversations::Conversations;
use super::super::definition::Definition;
use super::super::error::Trouble;
use super::super::events::Events;
use super::super::in_use::InUse;
use super::super::memory::{Memory, Remembered};
use super::super::message;
use super::super::message::golden::{holds, name_of, troubles, waits};
use super::super::object::view;
use super::super::pass::Pass;
use super::super::rotation::News;
use super::super::secrets::Secrets;
use super::super::status::{Draft, Pinned};
use super::super::undecodable;
use super::super::vanished::Vanished;
use super::super::wakeup::Waiters;
use super::{Ending, MISSES};
use crate::api::{ATTEMPT_ANNOTATION, ConversationWebhook, Mode, Provenance, Reason};
use crate::decide::tests::sample;
use crate::decide::{Hold, Timing};
use crate::lanes::{Lanes, Limits};
use crate::lease::Leadership;
use crate::metrics::Metrics;
use crate::twilio;

const GOLDEN: &str = include_str!("../../../tests/gitops/objects.golden.jsonl");
/// Every time in the file, so that it is the same on every day.
const SOME_DAY: &str = "2026-01-01T00:00:00Z";
const WEBHOOK: &str = "WH00000000000000000000000000000007";
const CONVERSATION: &str = "CH00000000000000000000000000000001";
const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// What passes share, of which a draft of status uses nothing.
fn context() -> Arc<Context> {
    let timing = Timing::REAL;
    let kube = Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
    let (events, _) = Events::start(kube.clone(), "test".to_owned());
    Arc::new(Context {
        secrets: Secrets::new(kube.clone(), timing.request, timing.request),
        in_use: InUse::new(false),
        news: News::default(),
        addresses: Addresses::new(kube.clone(), timing.request, timing.request),
        definition: Definition::new(kube.clone(), timing.request, true),
        kube,
        twilio: twilio::Client::new(twilio::ClientOptions::default()).unwrap(),
        cluster: "this-cluster".to_owned(),
        grant: None,
        namespaces: Vec::new(),
        timing,
        resync_interval: Duration::from_mins(10),
        conversations: Conversations::new(&timing),
        lanes: Arc::new(Lanes::new(Limits::new(5, &timing))),
        memory: Memory::default(),
        vanished: Vanished::default(),
        census: Census::new(timing.request),
        waiters: Waiters::default(),
        events,
        metrics: Arc::new(Metrics::new()),
        index: super::super::Index::new(1, timing.request, timing.settle, crate::queue::Limits::new(5, 64))
            .unwrap(),
        passes: TaskTracker::new(),
        leadership: Leadership::alone(),
        stop: CancellationToken::new(),
    })
}

/// What the API server makes of a merge patch.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

fn written(raw: &ConversationWebhook, draft: &Draft) -> ConversationWebhook {
    let mut object = serde_json::to_value(raw).unwrap();
    if let Some(patch) = draft.patch(raw).unwrap() {
        merge(&mut object, &patch);
    }
    serde_json::from_value(object).unwrap()
}

/// As the API server has an object that nobody has looked at.
fn created() -> ConversationWebhook {
    serde_json::from_value(json!({
        "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
        "kind": "ConversationWebhook",
        "metadata": { "name": "bot", "namespace": "tenant-a", "uid": "uid-of-bot", "generation": 1 },
        "spec": {
            "conversationSid": CONVERSATION,
            "target": "webhook",
            "configuration": { "url": "https://bots.example.com/", "filters": ["onMessageAdded"] },
        },
        "status": { "observedGeneration": -1 },
    }))
    .unwrap()
}

fn pinned(draft: Draft) -> Draft {
    draft.pin(Pinned {
        webhook: WEBHOOK.parse().unwrap(),
        account: ACCOUNT.parse().unwrap(),
        region: "us1".to_owned(),
        conversation: CONVERSATION.parse().unwrap(),
        attempt: "attempt-1".to_owned(),
        provenance: Provenance::Created,
    })
}

fn draft_of(raw: &ConversationWebhook) -> Draft {
    Draft::of(raw, raw.metadata.generation.unwrap(), Timestamp::now())
}

/// With its webhook, as written.
fn served() -> ConversationWebhook {
    let webhook = WEBHOOK.parse().unwrap();
    let text = message::available(&webhook, &CONVERSATION.parse().unwrap());
    let raw = created();
    written(&raw, &pinned(draft_of(&raw)).available(text))
}

/// With an open attempt: the reply to its create was lost.
fn sent() -> ConversationWebhook {
    let mut raw = created();
    let attempt = sample::attempt().to_annotation().unwrap();
    raw.metadata.annotations = Some([(ATTEMPT_ANNOTATION.to_owned(), attempt)].into());
    raw
}

fn edited(mut raw: ConversationWebhook) -> ConversationWebhook {
    raw.metadata.generation = Some(2);
    raw
}

/// A deletion is a new generation, too.
fn deleting(raw: ConversationWebhook) -> ConversationWebhook {
    let mut raw = edited(raw);
    raw.metadata.deletion_timestamp = serde_json::from_value(json!(SOME_DAY)).unwrap();
    raw
}

fn moded(mut raw: ConversationWebhook, mode: Mode) -> ConversationWebhook {
    raw.spec.mode = mode;
    raw
}

/// The object after a pass that ended like this, and not for the first time.
fn passed(ctx: &Arc<Context>, raw: &ConversationWebhook, ending: &Ending) -> ConversationWebhook {
    let memory = Remembered { failures: MISSES, ..Remembered::default() };
    let pass = Pass::new(Arc::clone(ctx), raw.clone(), view(raw, None), memory, true);
    pass.draft(raw, ending).map_or_else(|| raw.clone(), |draft| written(raw, &draft))
}

/// Every way in which a pass ends, as far as it shows in status.
fn endings() -> Vec<Ending> {
    let mut endings = vec![Ending::Available];
    endings.extend(holds().into_iter().map(|(what, ..)| Ending::Hold(what)));
    endings.extend(waits().into_iter().map(|(what, ..)| Ending::Wait(what)));
    endings.extend(troubles().into_iter().map(|(what, ..)| Ending::Trouble(what)));
    endings
}

/// Writes of status in the middle of a pass.
fn steps() -> Vec<(&'static str, ConversationWebhook)> {
    let raw = served();
    let reasons = [Reason::WebhookMissing, Reason::ConversationNotFound];
    let [missing, replaced] = reasons.map(|reason| (reason, "it is made anew".to_owned()));
    vec![
        ("is made again", written(&raw, &draft_of(&raw).lost().repaired().unready(missing.0, missing.1))),
        ("moves", written(&raw, &draft_of(&raw).moved().unready(replaced.0, replaced.1))),
        ("taken over, not yet as written", written(&created(), &pinned(draft_of(&created())).unobserved())),
    ]
}

/// Every state of an object, by what led there.
fn states() -> Vec<(String, ConversationWebhook)> {
    let ctx = context();
    let befores = [
        ("new", created()),
        ("with a create under way", sent()),
        ("served", served()),
        ("served, edited", edited(served())),
        ("new, deleted", deleting(created())),
        ("served, deleted", deleting(served())),
        ("with a create under way, deleted", deleting(sent())),
    ];
    let suspends = |ending: &Ending| matches!(ending, Ending::Hold(Hold::Suspended));
    let observes =
        |ending: &Ending| matches!(ending, Ending::Hold(Hold::Drifted(_) | Hold::NothingToObserve));
    let mut states = Vec::new();
    for (before, raw) in &befores {
        states.push(((*before).to_owned(), raw.clone()));
        for ending in endings() {
            // A deletion goes on whatever else was held, and for who judges it from outside it is one.
            let held = matches!(&ending, Ending::Hold(hold) if !matches!(hold, Hold::AccountMismatch { .. }));
            if raw.metadata.deletion_timestamp.is_some() && held {
                continue;
            }
            let mode = match &ending {
                ending if suspends(ending) => Mode::Suspended,
                ending if observes(ending) => Mode::Observe,
                _ => Mode::Apply,
            };
            let raw = moded(raw.clone(), mode);
            states.push((format!("{before} | {}", name_of(&ending)), passed(&ctx, &raw, &ending)));
        }
    }
    // What was said of an object, and then Twilio did not answer.
    let outage = || {
        let down =
            |trouble: &Trouble| trouble.reason() == Some(Reason::TwilioUnavailable) && !trouble.stalled();
        troubles().into_iter().map(|(what, ..)| what).find(down).map(Ending::Trouble).unwrap()
    };
    for ending in endings() {
        for (before, raw) in [("new", created()), ("served", served())] {
            let after = passed(&ctx, &passed(&ctx, &raw, &ending), &outage());
            states.push((format!("{before} | {} | an outage", name_of(&ending)), after));
        }
    }
    states.extend(steps().into_iter().map(|(what, raw)| (format!("served | {what}"), raw)));
    let resumed = edited(passed(&ctx, &moded(created(), Mode::Suspended), &Ending::Hold(Hold::Suspended)));
    states.push(("suspended, then told to go on".to_owned(), moded(resumed, Mode::Apply)));
    let mut raw = serde_json::to_value(created()).unwrap();
    merge(&mut raw, &undecodable::patch(1, Timestamp::now()));
    states.push(("not decodable".to_owned(), serde_json::from_value(raw).unwrap()));
    states
}

/// What can be told apart from outside, texts aside.
fn looks(object: &ConversationWebhook) -> String {
    let status = object.status.clone().unwrap_or_default();
    let conditions: Vec<_> = status
        .conditions
        .iter()
        .map(|condition| {
            (&condition.type_, &condition.status, &condition.reason, condition.observed_generation)
        })
        .collect();
    let meta = &object.metadata;
    let deleted = meta.deletion_timestamp.is_some();
    format!(
        "{:?} {deleted} {:?} {:?} {conditions:?}",
        meta.generation, status.observed_generation, object.spec.mode
    )
}

fn with_one_time(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match key.as_str() {
                    "lastTransitionTime" => *value = json!(SOME_DAY),
                    "repairedAt" => *value = json!([SOME_DAY]),
                    _ => with_one_time(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(with_one_time),
        _ => {}
    }
}

/// One line for each state that can be told apart.
fn lines() -> String {
    let (mut lines, mut seen) = (String::new(), BTreeSet::new());
    for (state, object) in states() {
        if seen.insert(looks(&object)) {
            let mut object = serde_json::to_value(&object).unwrap();
            with_one_time(&mut object);
            writeln!(lines, "{}", json!({ "state": state, "object": object })).unwrap();
        }
    }
    lines
}

#[tokio::test]
async fn every_state_of_an_object_is_in_the_file_that_health_checks_are_tried_on() {
    let now = lines();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gitops/objects.golden.jsonl");
        std::fs::write(path, &now).unwrap();
        return;
    }
    let new: Vec<_> = now.lines().filter(|line| !GOLDEN.lines().any(|other| other == *line)).collect();
    let gone: Vec<_> = GOLDEN.lines().filter(|line| !now.lines().any(|other| other == *line)).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "run with UPDATE_GOLDEN=1 where this is meant:\n- {}\n+ {}",
        gone.join("\n- "),
        new.join("\n+ ")
    );
    assert_eq!(GOLDEN, now, "the same lines in the order of the code");
}
