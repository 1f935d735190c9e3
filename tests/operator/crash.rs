//! Create requests whose outcome is lost, with and without the process that sent them.
//!
//! The simulator's ledger is the judge: it knows every webhook that was ever made, by whom, and what became of it.
//! Where a process is killed it runs with the real windows, so that it never gives up by itself first; where a test
//! waits for a window to pass, the operator runs with the scaled ones.

use std::time::Duration;

use controlplane::Part;
use conversation_webhook_operator::api::{
    ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConditionType, ConversationWebhook, FINALIZER, Provenance,
};
use conversation_webhook_operator::decide::{Attempt, Desired, Recorded};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};
use serde_json::json;
use twilio_conversations_simulator::{
    ApiClient, Entry, Fault, FaultRule, Garble, Operation, Outcome, Silence, WebhookRecord, WebhookSeed,
};

use crate::support::{ACCOUNT, Line, World, condition, conversation, eventually, ready, webhook_spec};

/// Factor on the protocol's windows.
const SCALE: f64 = 0.05;
/// The operator's argument for [`SCALE`].
const SCALED: &str = "--time-scale=0.05";
/// Longer than anything takes here; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(1);

const BOT: &str = "https://bots.example.com/a";

/// From the first sight of an attempt until a list shows what it did: to be sent, answered and settled.
fn window() -> Duration {
    Duration::from_secs(10 + 15 + 30).mul_f64(SCALE)
}

/// Between two looks at what is absent.
fn settling() -> Duration {
    Duration::from_secs(30).mul_f64(SCALE)
}

/// Lets the next such request on conversation `n` go wrong.
fn strike(world: &World, n: u32, operation: Operation, fault: Fault) {
    world.simulator.add_fault(FaultRule::new(fault).on(operation).conversation(conversation(n)).once());
}

/// The requests of one operation on conversation `n`, oldest first.
fn sent(world: &World, n: u32, operation: Operation) -> Vec<Entry> {
    let path = conversation(n).to_string();
    let mut entries = world.simulator.journal();
    entries.retain(|entry| entry.operation == Some(operation) && entry.path.contains(&path));
    entries
}

/// Waits until Twilio has such a request on conversation `n` in its hands, as far as `is` says.
async fn wait_sent(world: &World, n: u32, operation: Operation, is: impl Fn(&Entry) -> bool) {
    let what = format!("{operation:?} on conversation {n}");
    eventually(&what, PATIENCE, async || sent(world, n, operation).iter().any(&is).then_some(())).await;
}

/// Every webhook that the operator ever made on conversation `n`.
fn made(world: &World, n: u32) -> Vec<WebhookRecord> {
    let mut records = world.ever_made(conversation(n));
    records.retain(|record| record.created.origin.is_api());
    records
}

/// The webhook that the operator made on conversation `n`: no other was ever made there, and it is alive.
#[track_caller]
fn only_webhook(world: &World, n: u32) -> WebhookRecord {
    let [webhook] = &made(world, n)[..] else { panic!("conversation {n}: {:#?}", made(world, n)) };
    assert!(webhook.alive(), "{webhook:#?}");
    webhook.clone()
}

/// The object bears the webhook that was made for it, and says how it came by it.
#[track_caller]
fn assert_bears(object: &ConversationWebhook, webhook: &WebhookRecord, provenance: Provenance) {
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.webhook_sid.as_ref().unwrap().as_str(), webhook.sid.to_string());
    assert_eq!(status.provenance, Some(provenance));
}

/// No webhook of the operator's has a twin, and it never touched what it did not make.
#[track_caller]
fn assert_harmless(world: &World) {
    let ledger = world.simulator.ledger();
    assert_eq!(ledger.duplicates(), Vec::<Vec<&WebhookRecord>>::new());
    assert_eq!(ledger.foreign_touched(&ApiClient::any()), Vec::<&WebhookRecord>::new());
}

/// At least so much time lies between the two.
#[track_caller]
fn assert_apart(earlier: Timestamp, later: Timestamp, at_least: Duration) {
    let apart = later.duration_since(earlier);
    assert!(apart >= SignedDuration::try_from(at_least).unwrap(), "{apart:?} instead of {at_least:?}");
}

/// A process that found an open attempt looked at conversation 1 first when the attempt's window was over, looked
/// again when the settling time was, and only then sent a create, once.
#[track_caller]
fn assert_proof_before_create(world: &World, mark: u64) {
    let asked = world.simulator.journal_since(mark);
    let of = |operation| asked.iter().filter(move |request| request.operation == Some(operation));
    let (looks, creates): (Vec<_>, Vec<_>) = (of(Operation::List).collect(), of(Operation::Create).collect());
    let ([first, second, ..], [create]) = (&looks[..], &creates[..]) else {
        panic!("two looks and one create, not {asked:#?}");
    };
    assert_apart(serving_since(world), first.at, window());
    assert_apart(first.at, second.at, settling());
    assert!(second.seq < create.seq);
}

/// When the running operator began to serve objects, by its own log.
fn serving_since(world: &World) -> Timestamp {
    let log = world.operator.as_ref().unwrap().log();
    let line = log.lines().find(|line| line.contains("\"serving objects\"")).unwrap();
    let entry: serde_json::Value = serde_json::from_str(line).unwrap();
    entry["timestamp"].as_str().unwrap().parse().unwrap()
}

/// Somebody else makes a webhook on conversation `n`.
fn plant(world: &World, n: u32, webhook: &WebhookSeed) -> String {
    world.simulator.create_webhook(conversation(n), webhook).unwrap().to_string()
}

fn sids(webhooks: &[WebhookRecord]) -> Vec<String> {
    webhooks.iter().map(|webhook| webhook.sid.to_string()).collect()
}

/// Waits for one more list of the webhooks of conversation `n`.
async fn wait_another_look(world: &World, n: u32) {
    let looks = sent(world, n, Operation::List).len();
    let what = format!("one more look at conversation {n}");
    eventually(&what, PATIENCE, async || (sent(world, n, Operation::List).len() > looks).then_some(())).await;
}

/// Waits for an Event about the object.
async fn wait_event(world: &World, name: &str, reason: &str) {
    eventually(&format!("Event {reason} about {name}"), PATIENCE, async || {
        let events = world.events(name).await;
        events.iter().any(|event| event.reason.as_deref() == Some(reason)).then_some(())
    })
    .await;
}

// The process dies.

#[tokio::test]
async fn a_webhook_whose_reply_died_with_the_process_is_recovered() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    world.kill_operator();

    // And the next one while it waits.
    world.start_operator(&[]).await;
    let waiting = world.wait_told("bot", "CreateUnresolved", &["is not known", "looked for"]).await;
    assert_eq!(ready(&waiting).unwrap().status, "Unknown");
    assert!(condition(&waiting, ConditionType::Stalled).is_none());
    world.kill_operator();

    world.start_operator(&[SCALED]).await;
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Inferred);
    wait_event(&world, "bot", "CreateRecovered").await;
    assert_eq!(sent(&world, 1, Operation::Create).len(), 1);
    assert_harmless(&world);
}

#[tokio::test]
async fn a_create_that_died_with_the_process_is_sent_again_once_its_absence_is_proved() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang());
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.kill_operator();

    let mark = world.simulator.journal_mark();
    world.start_operator(&[SCALED]).await;
    world.wait_ready("bot").await;
    only_webhook(&world, 1);
    assert_proof_before_create(&world, mark);
    assert_harmless(&world);
}

#[tokio::test]
async fn a_create_that_arrives_after_the_death_of_its_process_is_recovered() {
    let mut world = World::new().await;
    let late = Fault::LateCommit { after_ms: 2500, connection: Silence::Hang };
    strike(&world, 1, Operation::Create, late);
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.kill_operator();
    assert_eq!(made(&world, 1), []);

    world.start_operator(&[SCALED]).await;
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Inferred);
    assert_harmless(&world);
}

/// What a process leaves behind that dies between the journal and the request.
#[tokio::test]
async fn a_journal_whose_request_was_never_sent_is_settled_by_proof() {
    let mut world = World::new().await;
    let object = world.create("bot", webhook_spec(1, BOT)).await;
    let kube_system = Api::<Namespace>::all(world.kube.clone()).get("kube-system").await.unwrap();
    let journal = Attempt {
        id: "6b1f5c0e-2d0a-4d7e-9c39-0a5f1f5e7a11".to_owned(),
        uid: object.uid().unwrap(),
        cluster: kube_system.uid().unwrap(),
        account: ACCOUNT.parse().unwrap(),
        region: "us1".to_owned(),
        conversation: conversation(1).to_string().parse().unwrap(),
        generation: object.metadata.generation.unwrap(),
        not_after: Timestamp::now().to_string(),
        baseline: [].into(),
        config: Recorded::new(&Desired::from_spec(&object.spec, None).unwrap().config, None),
        past_configs: Vec::new(),
        adopt: None,
        again: false,
    };
    let metadata = json!({
        "finalizers": [FINALIZER],
        "labels": { CONVERSATION_LABEL: journal.conversation },
        "annotations": { ATTEMPT_ANNOTATION: journal.to_annotation().unwrap() },
    });
    world.patch("bot", json!({ "metadata": metadata })).await;

    world.start_operator(&[SCALED]).await;
    world.wait_ready("bot").await;
    only_webhook(&world, 1);
    assert_proof_before_create(&world, 0);
    assert_harmless(&world);
}

#[tokio::test]
async fn kills_in_a_burst_of_creates_leave_one_webhook_for_each_object() {
    const OBJECTS: u32 = 12;
    let mut world = World::new().await;
    // Long enough for a kill to fall between a create and its reply.
    world.simulator.add_fault(FaultRule::new(Fault::delay_after_commit(150)).on(Operation::Create));
    for n in 1..=OBJECTS {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for made_by_then in [1, 5, 9] {
        world.start_operator(&[SCALED]).await;
        eventually("some more webhooks", PATIENCE, async || {
            (world.simulator.ledger().records().len() >= made_by_then).then_some(())
        })
        .await;
        world.kill_operator();
    }
    world.start_operator(&[SCALED]).await;
    for n in 1..=OBJECTS {
        let object = world.wait_ready(&format!("bot-{n}")).await;
        let sid = only_webhook(&world, n).sid.to_string();
        assert_eq!(object.status.unwrap().webhook_sid.unwrap().as_str(), sid);
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn a_delete_whose_reply_died_with_the_process_is_finished_and_nothing_else_is_touched() {
    let mut world = World::new().await;
    let foreign = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/"));
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    strike(&world, 1, Operation::Delete, Fault::hang_after_commit());
    world.delete("bot").await;
    wait_sent(&world, 1, Operation::Delete, |request| request.committed).await;
    world.kill_operator();

    world.start_operator(&[]).await;
    world.wait_gone("bot").await;
    assert_eq!(sids(&world.alive(conversation(1))), [foreign]);
    assert_eq!(made(&world, 1).len(), 1);
    assert_harmless(&world);
}

#[tokio::test]
async fn a_stop_finishes_and_records_the_create_under_way() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::delay_before_commit(1500));
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.stop_operator().await;
    let object = world.objects().get("bot").await.unwrap();
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    assert_eq!(ready(&object).unwrap().status, "True");

    // Nothing is left to find out. Once an object made afterwards is served, this one has been looked at.
    let mark = world.simulator.journal_mark();
    world.start_operator(&["--resync-interval=24h"]).await;
    world.create("last", webhook_spec(2, BOT)).await;
    world.wait_ready("last").await;
    let path = conversation(1).to_string();
    let asked: Vec<Entry> = world.simulator.journal_since(mark);
    assert!(asked.iter().all(|request| !request.path.contains(&path)), "{asked:#?}");
    assert_harmless(&world);
}

// The process lives; the reply, or the request, is lost.

#[tokio::test]
async fn a_webhook_is_found_whatever_became_of_the_reply_to_its_create() {
    let faults = [
        ("error", Fault::error_after_commit(500)),
        ("reset", Fault::reset_after_commit()),
        ("close", Fault::Close { commit: true }),
        ("hang", Fault::hang_after_commit()),
        ("truncated", Fault::garbled(Garble::Truncated)),
        ("no-json", Fault::garbled(Garble::NotJson)),
        ("late-after-reset", Fault::late_commit(1000)),
        ("late-in-silence", Fault::LateCommit { after_ms: 1000, connection: Silence::Hang }),
    ];
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    for (n, (name, fault)) in (1..).zip(&faults) {
        strike(&world, n, Operation::Create, fault.clone());
        world.create(name, webhook_spec(n, BOT)).await;
    }
    for (n, (name, _)) in (1..).zip(&faults) {
        let object = world.wait_ready(name).await;
        assert_bears(&object, &only_webhook(&world, n), Provenance::Inferred);
        assert_eq!(sent(&world, n, Operation::Create).len(), 1, "{name}");
        for reason in ["CreateUnresolved", "CreateRecovered"] {
            wait_event(&world, name, reason).await;
        }
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn a_create_that_never_arrived_is_sent_again_only_after_two_lists_without_it() {
    let faults = [
        ("error", Fault::error(500, 20500)),
        ("unavailable", Fault::error(503, 20503)),
        ("reset", Fault::reset()),
        ("close", Fault::Close { commit: false }),
        ("hang", Fault::hang()),
        ("no-json", Fault::Garbled { reply: Garble::NotJson, commit: false }),
    ];
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    for (n, (name, fault)) in (1..).zip(&faults) {
        strike(&world, n, Operation::Create, fault.clone());
        world.create(name, webhook_spec(n, BOT)).await;
    }
    for (n, (name, _)) in (1..).zip(&faults) {
        wait_event(&world, name, "CreateUnresolved").await;
        world.wait_ready(name).await;
        only_webhook(&world, n);
        let [lost, again] = &sent(&world, n, Operation::Create)[..] else { panic!("{name}: sent twice") };
        let between = |list: &&Entry| lost.seq < list.seq && list.seq < again.seq;
        let lists = sent(&world, n, Operation::List);
        let looks: Vec<&Entry> = lists.iter().filter(between).collect();
        let [first, .., latest] = &looks[..] else { panic!("{name}: two lists between, not {looks:#?}") };
        assert_apart(lost.at, first.at, settling());
        assert_apart(first.at, latest.at, settling());
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn a_create_refused_for_its_rate_is_settled_at_once_and_sent_again_when_twilio_says() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::retry_after(2));
    // With the real windows: waiting for one would take longer than this test may.
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let limited = world.wait_told("bot", "RateLimited", &["limits the account's requests"]).await;
    assert_eq!(ready(&limited).unwrap().status, "False");
    assert!(condition(&limited, ConditionType::Stalled).is_none());
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    let [refused, again] = &sent(&world, 1, Operation::Create)[..] else { panic!("sent twice") };
    assert_apart(refused.at, again.at, Duration::from_secs(2));
    assert_harmless(&world);
}

#[tokio::test]
async fn a_create_refused_because_the_conversation_is_full_says_so_and_waits_for_a_slot() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::error(400, 50361));
    world.start_operator(&["--resync-interval=2s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let full = world.wait_told("bot", "ConversationFull", &["holds 5 webhooks", "50361", "remove one"]).await;
    assert_eq!(condition(&full, ConditionType::Stalled).unwrap().status, "True");
    assert_eq!(full.status.unwrap().last_error.unwrap().code, Some(50361));
    assert_eq!(made(&world, 1), []);
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    assert_harmless(&world);
}

#[tokio::test]
async fn an_object_says_that_twilio_cannot_be_reached_and_heals_when_it_can() {
    let mut world = World::new().await;
    let line = Line::to(world.simulator.address());
    world.start_operator(&[&format!("--twilio-base-url={}", line.url())]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    let cut_off = world.wait_told("bot", "TwilioUnavailable", &["did not answer", "tried again"]).await;
    assert!(condition(&cut_off, ConditionType::Stalled).is_none());
    line.open();
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    assert_harmless(&world);
}

// The object changes while nobody knows whether its webhook was made.

#[tokio::test]
async fn an_object_deleted_meanwhile_goes_once_its_webhook_is_deleted_or_known_to_stay() {
    // Whether the lost create was carried out, the policy, and how many webhooks stay.
    let cases = [
        ("delete-made", Fault::hang_after_commit(), "Delete", 0),
        ("delete-lost", Fault::hang(), "Delete", 0),
        ("retain-made", Fault::hang_after_commit(), "Retain", 1),
        ("retain-lost", Fault::hang(), "Retain", 0),
    ];
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    for (n, (name, fault, policy, _)) in (1..).zip(&cases) {
        strike(&world, n, Operation::Create, fault.clone());
        let mut spec = webhook_spec(n, BOT);
        spec["deletionPolicy"] = json!(policy);
        world.create(name, spec).await;
        wait_sent(&world, n, Operation::Create, |_| true).await;
        world.delete(name).await;
    }
    for (n, (name, fault, _, stay)) in (1..).zip(&cases) {
        world.wait_gone(name).await;
        assert_eq!(world.alive(conversation(n)).len(), *stay, "{name}");
        let was_made = usize::from(*fault == Fault::hang_after_commit());
        assert_eq!(made(&world, n).len(), was_made, "{name}");
        let [lost] = &sent(&world, n, Operation::Create)[..] else { panic!("{name}: sent once") };
        assert!(sent(&world, n, Operation::List).iter().any(|list| list.seq > lost.seq), "{name}: looked");
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn an_edit_meanwhile_ends_in_one_webhook_with_the_new_configuration() {
    let cases = [("made", Fault::hang_after_commit()), ("lost", Fault::hang())];
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    for (n, (name, fault)) in (1..).zip(&cases) {
        strike(&world, n, Operation::Create, fault.clone());
        world.create(name, webhook_spec(n, BOT)).await;
        wait_sent(&world, n, Operation::Create, |_| true).await;
        let edit = json!({ "spec": { "configuration": { "url": "https://bots.example.com/new" } } });
        world.patch(name, edit).await;
    }
    for (n, (name, _)) in (1..).zip(&cases) {
        world.wait_ready(name).await;
        let webhook = only_webhook(&world, n);
        assert_eq!(webhook.configuration.url(), Some("https://bots.example.com/new"), "{name}");
    }
    assert_harmless(&world);
}

// Others use the same conversation.

#[tokio::test]
async fn webhooks_of_others_are_told_apart_from_the_lost_one_and_never_touched() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang_after_commit());
    let before = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/before"));
    world.start_operator(&[SCALED]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |request| request.committed).await;
    let meanwhile = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/meanwhile"));
    let keyword = plant(&world, 1, &WebhookSeed::trigger(BOT, ["help"]));

    let object = world.wait_ready("bot").await;
    let ours = only_webhook(&world, 1);
    assert_bears(&object, &ours, Provenance::Inferred);
    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(sids(&world.alive(conversation(1))), [before, meanwhile, keyword]);
    assert_harmless(&world);
}

#[tokio::test]
async fn a_webhook_that_may_or_may_not_be_the_lost_one_holds_the_object_until_it_goes() {
    let mut world = World::new().await;
    strike(&world, 1, Operation::Create, Fault::hang());
    // It was there before: it cannot be the lost one.
    let before = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/before"));
    world.start_operator(&[SCALED, "--resync-interval=2s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    // Of the same target: it could be ours, edited by somebody.
    let stranger = plant(&world, 1, &WebhookSeed::webhook("https://elsewhere.example.com/"));
    let held = world.wait_told("bot", "CreateAmbiguous", &[&stranger]).await;
    assert_eq!(condition(&held, ConditionType::Stalled).unwrap().status, "True");
    assert!(!ready(&held).unwrap().message.contains(&before));
    wait_another_look(&world, 1).await;
    assert_eq!(made(&world, 1), []);
    world.simulator.delete_webhook(stranger.parse().unwrap()).unwrap();
    world.wait_ready("bot").await;
    only_webhook(&world, 1);
    assert_harmless(&world);
}

#[tokio::test]
async fn an_identical_webhook_of_somebody_else_keeps_a_second_one_from_being_made() {
    let mut world = World::new().await;
    let twin = plant(&world, 1, &WebhookSeed::webhook(BOT).method("POST"));
    world.start_operator(&["--resync-interval=2s"]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_told("bot", "TwinExists", &[&twin, "belongs to no object"]).await;
    wait_another_look(&world, 1).await;
    assert_eq!(sent(&world, 1, Operation::Create), []);
    world.simulator.delete_webhook(twin.parse().unwrap()).unwrap();
    let object = world.wait_ready("bot").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);
    assert_harmless(&world);
}

// The API server fails.

#[tokio::test]
async fn a_broken_api_server_costs_no_webhook() {
    let mut world = World::on_own_plane().await;
    world.start_operator(&["--time-scale=0.1"]).await;

    // It dies over the write of the SID.
    freeze_after(&world, 1, Operation::Create, "unrecorded").await;
    assert_frozen(&world, Duration::from_secs(1)).await;
    die_and_come_back(&world).await;
    let object = world.wait_ready("unrecorded").await;
    assert_bears(&object, &only_webhook(&world, 1), Provenance::Created);

    // It dies over the write of the journal.
    freeze_after(&world, 2, Operation::List, "unjournalled").await;
    assert_frozen(&world, Duration::from_secs(1)).await;
    die_and_come_back(&world).await;
    world.wait_ready("unjournalled").await;
    only_webhook(&world, 2);

    // It is slow to write the journal: nothing is made any more on the strength of a list from before.
    freeze_after(&world, 3, Operation::List, "late").await;
    let twin = plant(&world, 3, &WebhookSeed::webhook(BOT).method("POST"));
    assert_frozen(&world, Duration::from_secs(3)).await;
    world.plane.resume(Part::Etcd).unwrap();
    world.wait_told("late", "TwinExists", &[&twin]).await;
    assert_eq!(made(&world, 3), []);
    assert_harmless(&world);
}

/// Creates an object on conversation `n`, and freezes the API server's store while Twilio answers such a request.
async fn freeze_after(world: &World, n: u32, operation: Operation, name: &str) {
    strike(world, n, operation, Fault::delay_after_commit(500));
    world.create(name, webhook_spec(n, BOT)).await;
    wait_sent(world, n, operation, |_| true).await;
    world.plane.pause(Part::Etcd).unwrap();
    wait_sent(world, n, operation, |request| request.outcome == Outcome::Answered).await;
}

/// So long the API server gives no answer; what the operator writes meanwhile stays in its hands.
async fn assert_frozen(world: &World, lasting: Duration) {
    let objects = world.objects();
    let asked = tokio::time::timeout(lasting, objects.get("nothing"));
    assert!(asked.await.is_err(), "the API server answers although its store is frozen");
}

/// The API server dies before it can answer; then it and its store go on.
async fn die_and_come_back(world: &World) {
    world.plane.kill(Part::ApiServer);
    world.plane.resume(Part::Etcd).unwrap();
    world.plane.restart(Part::ApiServer).await.unwrap();
}
