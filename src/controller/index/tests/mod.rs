use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

mod instructions;

use super::entry::Entry;
use super::packed::Packer;
use super::*;
use crate::api::{ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConversationWebhook, FINALIZER, Provenance};
use crate::controller::memory::fingerprint;
use crate::controller::message;
use crate::controller::object::{is_on, requested, view};
use crate::controller::status::{Draft, Pinned};
use crate::decide::tests::sample::calling;
use crate::decide::{Attempt, Recorded};
use crate::twilio::{AccountSid, ConversationSid, WebhookSid};

const RESYNC: Duration = Duration::from_mins(10);
const UNIQUE: &str = "0123456789abcdef0123456789abcdef";

/// As the API server has an object that is Ready; each has a uid, SIDs and an attempt of its own.
fn at_rest(n: u32) -> Value {
    // Digits that no other object shares, or a dictionary would look better than it is.
    let digits = |salt: u32| format!("{:016x}{:016x}", key((n, salt)), key((salt, n)));
    let uuid = |salt: u32| uuid::Uuid::parse_str(&digits(salt)).unwrap().to_string();
    let sid = |kind: &str, salt: u32| format!("{kind}{}", digits(salt));
    let moment = |salt: u32| {
        let day = Timestamp::new(1_795_000_000, 0).unwrap();
        day + Duration::from_nanos(key((n, salt)) % 86_400_000_000_000)
    };
    let (conversation, account): (ConversationSid, AccountSid) =
        (sid("CH", 1).parse().unwrap(), sid("AC", 2).parse().unwrap());
    let (webhook, attempt, own): (WebhookSid, _, _) = (sid("WH", 3).parse().unwrap(), uuid(4), uuid(5));
    let url = format!("https://{}.example.com/{n}", &digits(6)[..8]);
    let journal = Attempt {
        id: attempt.clone(),
        uid: own.clone(),
        cluster: uuid(0),
        account: account.clone(),
        region: "us1".to_owned(),
        conversation: conversation.clone(),
        generation: 1,
        not_after: moment(7).to_string(),
        // Those of a conversation are made one after the other, and the first ones find none.
        baseline: (0..n % 5 / 2).map(|other| sid("WH", 10 + other).parse().unwrap()).collect(),
        config: Recorded::new(&calling(&url), None),
        past_configs: Vec::new(),
        adopt: None,
        again: false,
    };
    let object = json!({
        "apiVersion": ConversationWebhook::api_version(&()),
        "kind": ConversationWebhook::kind(&()),
        "metadata": {
            "name": format!("bot-{n}"), "namespace": format!("tenant-{}", n % 100), "uid": own, "generation": 1,
            "resourceVersion": (1000 + n).to_string(),
            "creationTimestamp": moment(8).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "finalizers": [FINALIZER],
            "labels": { CONVERSATION_LABEL: conversation },
            "annotations": { ATTEMPT_ANNOTATION: journal.to_annotation().unwrap() },
        },
        "spec": {
            "conversationSid": conversation, "target": "webhook",
            "configuration": { "filters": ["onMessageAdded"], "method": "POST", "url": url },
            "credentialsSecretRef": { "name": "twilio-credentials" }, "deletionPolicy": "Delete",
            "adoptionPolicy": "Never", "mode": "Apply",
        },
    });
    let message = message::available(&webhook, &conversation);
    let pinned = Pinned {
        webhook,
        account,
        region: "us1".to_owned(),
        conversation,
        attempt,
        provenance: Provenance::Created,
    };
    let parsed: ConversationWebhook = serde_json::from_value(object.clone()).unwrap();
    let draft = Draft::of(&parsed, 1, moment(9)).pin(pinned).available(message);
    let mut ready = object;
    ready["status"] = draft.patch(&parsed).unwrap().unwrap()["status"].take();
    ready
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

/// What a pass acts on in it.
fn seen_in(guarded: &Guarded) -> u64 {
    let object = guarded.0.as_ref().unwrap();
    fingerprint(&view(object, None), requested(object).as_deref())
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

/// Bytes that one of these objects takes packed, in the mean.
fn packed_bytes(packer: &Packer, objects: Range<u32>) -> usize {
    let number = objects.len();
    objects.map(|n| packer.pack(&guarded(&at_rest(n))).unwrap().bytes().len()).sum::<usize>() / number
}

/// The dictionary is not out of date. `UPDATE_GOLDEN=1` makes it anew.
#[test]
fn no_other_dictionary_would_pack_objects_much_smaller() {
    let samples: Vec<_> = (1000..1400).map(|n| Packer::short(&guarded(&at_rest(n))).unwrap()).collect();
    let anew = zstd::dict::from_samples(&samples, 4096).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/controller/index/common.zdict"), &anew)
            .unwrap();
        return;
    }
    let [now, then] = [packed::COMMON, &anew]
        .map(|dictionary| packed_bytes(&Packer::with_dictionary(dictionary).unwrap(), 0..100));
    println!("{now} bytes, {then} with a new one");
    assert!(
        now * 100 <= then * 104,
        "{now} bytes, {then} with a dictionary that is made anew by UPDATE_GOLDEN=1"
    );
}

/// A gate: what an object at rest takes is these two, the lists that it stands on, and a few bytes of the allocator's.
#[test]
fn an_object_at_rest_takes_few_bytes() {
    let packed = packed_bytes(&Packer::new().unwrap(), 0..100);
    let json: usize = (0..100).map(|n| at_rest(n).to_string().len()).sum();
    let beside = size_of::<Option<Entry>>();
    println!("{packed} bytes packed of {} as JSON, {beside} beside them", json / 100);
    assert!(packed <= 245, "{packed}");
    assert!(beside <= 72, "{beside}");
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
    let acted_on = Some(seen_in(&begun.guarded));
    let due = Some(Instant::now() + RESYNC);
    index.remember(uid_of(&object), Remembered { acted_on, due, ..Remembered::default() });
    index.end(begun.id, Some(RESYNC));
    index.apply(0, &guarded(&newer));
    assert!(index.begin(0).is_none());
}

#[test]
fn what_a_pass_wrote_in_two_steps_is_no_news() {
    let index = index();
    index.apply(0, &guarded(&at_rest(1)));
    let first = edited(&at_rest(1));
    let mut second = first.clone();
    second["metadata"]["generation"] = json!(3);
    second["metadata"]["resourceVersion"] = json!("9001");
    let (acted_on, due) = (Some(seen_in(&guarded(&second))), Some(Instant::now() + RESYNC));
    let remembered = Remembered { newest: Some(9001), acted_on, due, ..Remembered::default() };
    index.remember(uid_of(&first), remembered);
    for step in [&first, &second] {
        index.apply(0, &guarded(step));
        assert!(index.begin(0).is_none());
    }
    index.apply(0, &guarded(&at_rest(1)));
    assert!(index.begin(0).is_some());
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
