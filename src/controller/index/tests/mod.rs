use std::time::Duration;

use kube::ResourceExt;
use serde_json::{Value, json};

mod instructions;

use super::entry::Entry;
use super::packed::Packer;
use super::*;
use crate::controller::object::is_on;
use crate::twilio::ConversationSid;

const RESYNC: Duration = Duration::from_mins(10);
const UNIQUE: &str = "0123456789abcdef0123456789abcdef";

/// As the API server has an object that is Ready; each has a uid, SIDs and an attempt of its own.
fn at_rest(n: u32) -> Value {
    // Digits that no other object shares, or a dictionary would look better than it is.
    let digits = |salt: u32| format!("{:016x}{:016x}", key((n, salt)), key((salt, n)));
    let uuid = |salt: u32| uuid::Uuid::parse_str(&digits(salt)).unwrap().to_string();
    let (conversation, account) = (format!("CH{}", digits(1)), format!("AC{}", digits(2)));
    let (webhook, attempt, own) = (format!("WH{}", digits(3)), uuid(4), uuid(5));
    let url = format!("https://bots.example.com/{n}");
    let configuration = json!({ "filters": ["onMessageAdded"], "method": "POST", "url": url });
    let journal = json!({
        "id": attempt, "uid": own, "cluster": uuid(0), "account": account, "region": "us1", "conversation": conversation,
        "generation": 1, "notAfter": format!("2026-11-26T12:{:02}:{:02}.123456789Z", n % 60, n / 60 % 60), "baseline": [],
        "config": { "target": "webhook", "configuration": configuration },
    });
    let condition = |type_: &str, status: &str, reason: &str, message: String| {
        json!({
            "type": type_, "status": status, "reason": reason, "message": message, "observedGeneration": 1,
            "lastTransitionTime": format!("2026-11-26T12:{:02}:{:02}Z", n % 60, n / 60 % 60),
        })
    };
    let said = format!("webhook {webhook} is on conversation {conversation} as written");
    json!({
        "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
        "kind": "ConversationWebhook",
        "metadata": {
            "name": format!("bot-{n}"), "namespace": format!("tenant-{}", n % 100), "uid": own, "generation": 1,
            "resourceVersion": (1000 + n).to_string(), "creationTimestamp": "2026-11-26T12:00:00Z",
            "finalizers": ["conversations.twilio-operator.dev/webhook"],
            "labels": { "conversations.twilio-operator.dev/conversation": conversation },
            "annotations": { "conversations.twilio-operator.dev/create-attempt": journal.to_string() },
        },
        "spec": {
            "conversationSid": conversation, "target": "webhook", "configuration": configuration,
            "credentialsSecretRef": { "name": "twilio-credentials" }, "deletionPolicy": "Delete",
            "adoptionPolicy": "Never", "mode": "Apply",
        },
        "status": {
            "webhookSid": webhook, "accountSid": account, "region": "us1", "conversationSid": conversation,
            "observedGeneration": 1, "settledAttempt": attempt, "provenance": "Created",
            "conditions": [
                condition("Ready", "True", "Available", said),
                condition(
                    "Synced", "True", "ReconcileSucceeded", "the last pass against this generation finished".to_owned(),
                ),
                condition("CredentialsValid", "True", "Accepted", "Twilio accepts the credentials".to_owned()),
            ],
        },
    })
}

fn guarded(object: &Value) -> Guarded {
    serde_json::from_value(object.clone()).unwrap()
}

/// An index that begins passes.
fn index() -> Index {
    let index = Index::new(2, RESYNC, RESYNC, Limits::new(5, 64)).unwrap();
    index.activate();
    for scope in 0..2 {
        index.begin_list(scope);
        assert!(index.end_list(scope).is_empty());
    }
    index
}

fn uid_of(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap()
}

fn edited(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"]["generation"] = json!(2);
    object["metadata"]["resourceVersion"] = json!("9000");
    object
}

#[test]
fn what_is_packed_comes_out_as_it_was() {
    let packer = Packer::new().unwrap();
    let mut undecodable = at_rest(3);
    undecodable["spec"]["target"] = json!("pigeon");
    for object in [at_rest(1), at_rest(2), undecodable] {
        let object = guarded(&object);
        let back = packer.unpack(&packer.pack(&object).unwrap()).unwrap();
        assert_eq!(format!("{object:?}"), format!("{back:?}"));
    }
}

/// `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn the_dictionary_is_an_object_at_rest() {
    // With the digits that no two objects share left blank: those serve nobody.
    let mut text = Packer::json(&guarded(&at_rest(0))).unwrap();
    for length in [32, 12, 4] {
        let is_hex = |at: usize, text: &str| {
            text.as_bytes()[at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
        };
        let mut at = 0;
        while at < text.len() {
            let digits = is_hex(at, &text);
            if digits == length && text[at..at + digits].bytes().any(|byte| byte.is_ascii_digit()) {
                text.replace_range(at..at + digits, &"0".repeat(digits));
            }
            at += digits.max(1);
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/controller/index/common.json"), &text)
            .unwrap();
    } else {
        assert_eq!(text.as_bytes(), packed::COMMON);
    }
}

/// A gate: what an object at rest takes is these two, the lists that it stands on, and a few bytes of the allocator's.
#[test]
fn an_object_at_rest_takes_few_bytes() {
    let packer = Packer::new().unwrap();
    let bytes: usize = (0..100).map(|n| packer.pack(&guarded(&at_rest(n))).unwrap().len()).sum();
    let json: usize = (0..100).map(|n| at_rest(n).to_string().len()).sum();
    println!(
        "{} bytes packed of {} as JSON, {} beside them",
        bytes / 100,
        json / 100,
        size_of::<Option<Entry>>()
    );
    assert!(bytes / 100 <= 280, "{}", bytes / 100);
    assert!(size_of::<Option<Entry>>() <= 144, "{}", size_of::<Option<Entry>>());
}

#[test]
fn what_is_at_rest_has_no_pass_before_its_check_is_due() {
    let index = index();
    for n in 0..20 {
        index.apply(0, &guarded(&at_rest(n)));
    }
    assert!(index.begin(0).is_none());
    assert_eq!(index.count().by_reason["Available"], 20);
    // An edit is news.
    index.apply(0, &guarded(&edited(&at_rest(7))));
    let begun = index.begin(0).unwrap();
    assert_eq!(begun.guarded.name_any(), "bot-7");
    assert!(begun.memory.is_some(), "its check keeps its place");
    assert!(index.begin(0).is_none());
}

#[test]
fn nothing_begins_before_it_is_told_to_and_then_nothing_is_forgotten() {
    let index = Index::new(1, RESYNC, RESYNC, Limits::new(5, 64)).unwrap();
    index.apply(0, &guarded(&edited(&at_rest(1))));
    index.apply(0, &guarded(&at_rest(2)));
    index.wake(uid_of(&at_rest(2)));
    assert!(index.begin(0).is_none());
    index.activate();
    assert!(index.begin(0).is_none(), "more may be on the list");
    assert!(index.end_list(0).is_empty());
    let mut begun: Vec<_> =
        std::iter::from_fn(|| index.begin(0)).map(|begun| begun.guarded.name_any()).collect();
    begun.sort();
    assert_eq!(begun, ["bot-1", "bot-2"]);
}

#[test]
fn what_changes_under_a_pass_is_looked_at_after_it() {
    let index = index();
    let object = edited(&at_rest(1));
    index.apply(0, &guarded(&object));
    let begun = index.begin(0).unwrap();
    let mut newer = object.clone();
    newer["metadata"]["generation"] = json!(3);
    newer["metadata"]["resourceVersion"] = json!("9001");
    index.apply(0, &guarded(&newer));
    assert!(index.begin(0).is_none(), "one pass at a time");
    index.end(begun.id, None);
    let begun = index.begin(0).unwrap();
    assert_eq!(begun.guarded.resource_version().as_deref(), Some("9001"));
    // A pass leaves word of what it acted on, and its own write brings no other.
    let acted_on = Some(Facts::of(&begun.guarded, RESYNC).seen);
    let due = Some(Instant::now() + RESYNC);
    index.remember(uid_of(&object), Remembered { acted_on, due, ..Remembered::default() });
    index.end(begun.id, Some(RESYNC));
    index.apply(0, &guarded(&newer));
    assert!(index.begin(0).is_none());
}

#[test]
fn older_than_what_was_seen_is_not_acted_on() {
    let index = index();
    let object = edited(&at_rest(1));
    index.apply(0, &guarded(&at_rest(1)));
    index.remember(uid_of(&object), Remembered { newest: Some(9000), ..Remembered::default() });
    let mut older = object.clone();
    older["metadata"]["resourceVersion"] = json!("8999");
    index.apply(0, &guarded(&older));
    assert!(index.begin(0).is_none());
    index.apply(0, &guarded(&object));
    assert!(index.begin(0).is_some());
}

#[test]
fn a_restored_server_counts_from_an_earlier_version_and_is_believed() {
    let index = index();
    let object = edited(&at_rest(1));
    index.apply(0, &guarded(&at_rest(1)));
    index.remember(uid_of(&object), Remembered { newest: Some(20_000), ..Remembered::default() });
    index.begin_list(0);
    index.apply(0, &guarded(&object));
    assert!(index.begin(0).is_none(), "older than what was seen");
    assert!(index.end_list(0).is_empty());
    assert!(index.begin(0).is_some());
}

#[test]
fn one_watch_that_lists_nothing_keeps_nobody_else_waiting() {
    let index = Index::new(2, RESYNC, RESYNC, Limits::new(5, 64)).unwrap();
    index.activate();
    index.begin_list(0);
    index.apply(0, &guarded(&edited(&at_rest(1))));
    index.begin_list(1);
    index.apply(1, &guarded(&edited(&at_rest(2))));
    index.end_list(0);
    assert_eq!(index.begin(0).unwrap().guarded.name_any(), "bot-1");
    assert!(index.begin(0).is_none());
}

#[test]
fn who_steps_aside_holds_nobody_up_and_has_no_second_pass() {
    let index = index();
    let (object, mut sibling) = (edited(&at_rest(1)), edited(&at_rest(2)));
    for part in ["/spec/conversationSid", "/status/conversationSid"] {
        *sibling.pointer_mut(part).unwrap() = object["spec"]["conversationSid"].clone();
    }
    *sibling.pointer_mut("/metadata/namespace").unwrap() = object["metadata"]["namespace"].clone();
    index.apply(0, &guarded(&object));
    index.apply(0, &guarded(&sibling));
    let begun = index.begin(0).unwrap();
    assert!(index.begin(0).is_none(), "one at a time on a conversation");
    index.step_aside(uid_of(&object));
    assert_eq!(index.begin(0).unwrap().guarded.name_any(), "bot-2");
    index.wake(uid_of(&object));
    assert!(index.begin(0).is_none(), "its pass is not over");
    index.end(begun.id, None);
    assert_eq!(
        index.begin(0).map(|begun| begun.guarded.name_any()),
        None,
        "its sibling has the conversation"
    );
}

#[test]
fn a_list_tells_what_is_gone_and_only_where_it_looked() {
    let index = index();
    for n in 0..3 {
        index.begin_list(0);
        index.apply(0, &guarded(&at_rest(n)));
    }
    index.apply(1, &guarded(&at_rest(3)));
    index.begin_list(0);
    index.apply(0, &guarded(&at_rest(1)));
    let mut gone: Vec<String> = index.end_list(0).iter().map(Guarded::name_any).collect();
    gone.sort();
    assert_eq!(gone, ["bot-0", "bot-2"]);
    assert!(index.contains(uid_of(&at_rest(0))), "until it is removed");
    index.remove(uid_of(&at_rest(0)));
    assert!(!index.contains(uid_of(&at_rest(0))));
    assert!(index.contains(uid_of(&at_rest(3))));
}

#[test]
fn the_number_of_an_object_that_is_gone_serves_another() {
    let index = index();
    for n in 0..1000 {
        let object = edited(&at_rest(n));
        index.apply(0, &guarded(&object));
        // Every other one goes while its pass runs.
        let begun = index.begin(0).unwrap();
        if n % 2 == 0 {
            index.remove(uid_of(&object));
            index.end(begun.id, Some(RESYNC));
        } else {
            index.end(begun.id, Some(RESYNC));
            index.remove(uid_of(&object));
        }
    }
    let book = index.book();
    assert!(book.entries.len() <= 1, "{}", book.entries.len());
    assert!(book.by_uid.is_empty() && book.by_conversation.is_empty() && book.secrets.is_empty());
    assert!(book.timers.is_empty() && book.torn.is_empty());
}

#[test]
fn siblings_are_found_by_status_and_by_label() {
    let index = index();
    let object = at_rest(1);
    let (here, elsewhere) = (object["spec"]["conversationSid"].clone(), format!("CH{UNIQUE}"));
    let mut labelled = at_rest(2);
    labelled["metadata"]["labels"]["conversations.twilio-operator.dev/conversation"] = here.clone();
    labelled["status"]["conversationSid"] = json!(elsewhere);
    let mut journalled = at_rest(3);
    journalled["metadata"]["labels"]["conversations.twilio-operator.dev/conversation"] = here.clone();
    journalled["status"] = Value::Null;
    for object in [&object, &labelled, &journalled, &at_rest(4)] {
        index.apply(0, &guarded(object));
    }
    let names = |conversation: &str| {
        let conversation: ConversationSid = conversation.parse().unwrap();
        let siblings = index.siblings(&conversation).into_iter();
        let mut names: Vec<String> = siblings.map(|sibling| sibling.name).collect();
        names.sort();
        names
    };
    assert_eq!(names(here.as_str().unwrap()), ["tenant-1/bot-1", "tenant-2/bot-2", "tenant-3/bot-3"]);
    assert_eq!(names(&elsewhere), ["tenant-2/bot-2"]);
    assert!(is_on(&guarded(&labelled).0.unwrap(), &elsewhere.parse().unwrap()));
}
