//! Many objects: no duplicates, no more than five on a conversation, one create at a time there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conversation_webhook_operator::api::{ConditionType, ConversationWebhook};
use futures::future::join_all;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;
use twilio_conversations_simulator::{
    ApiClient, Entry, Fault, FaultRule, Operation, WEBHOOK_SLOTS, WebhookRecord,
};

use crate::support::{ACCOUNT, AUTH_TOKEN, World, condition, conversation, eventually, ready, webhook_spec};

/// How long each request takes at Twilio, so that those that overlap are seen to.
const REQUEST: Duration = Duration::from_millis(20);
/// Longer than anything takes here; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// An address of its own for each object, so that none is another's twin.
fn url(object: u32) -> String {
    format!("https://bots.example.com/{object}")
}

/// Makes every request at Twilio take [`REQUEST`].
fn slow_down(world: &World) {
    let took = u64::try_from(REQUEST.as_millis()).unwrap();
    world.simulator.add_fault(FaultRule::new(Fault::delay_before_commit(took)));
}

/// Creates objects, some at a time; each is the number in its name and address, and the number of its conversation.
async fn create_all(world: &World, objects: impl Iterator<Item = (u32, u32)>) {
    stream::iter(objects)
        .for_each_concurrent(8, async |(object, on)| {
            world.create(&format!("bot-{object}"), webhook_spec(on, &url(object))).await;
        })
        .await;
}

/// Waits until so many objects are Ready, and returns all.
async fn wait_ready(world: &World, many: usize) -> Vec<ConversationWebhook> {
    eventually(&format!("{many} objects are Ready"), PATIENCE, async || {
        let objects = world.objects().list(&ListParams::default()).await.unwrap().items;
        let is_ready =
            |object: &&ConversationWebhook| ready(object).is_some_and(|ready| ready.status == "True");
        (objects.iter().filter(is_ready).count() == many).then_some(objects)
    })
    .await
}

/// Deletes every object, and waits until all are gone.
async fn delete_all(world: &World) {
    let (delete, list) = (DeleteParams::default(), ListParams::default());
    world.objects().delete_collection(&delete, &list).await.unwrap();
    eventually("all objects are gone", PATIENCE, async || {
        world.objects().list(&list).await.unwrap().items.is_empty().then_some(())
    })
    .await;
}

/// The requests of the journal that are, by operation.
fn of(operation: Operation, journal: &[Entry]) -> Vec<&Entry> {
    journal.iter().filter(|entry| entry.operation == Some(operation)).collect()
}

/// How many of these requests Twilio had in its hands at once, at least: each for [`REQUEST`] from its arrival.
fn at_once(requests: &[&Entry]) -> usize {
    let mut arrivals: Vec<Timestamp> = requests.iter().map(|request| request.at).collect();
    arrivals.sort();
    let open = |at: Timestamp| move |earlier: &&Timestamp| **earlier + REQUEST > at;
    (1..=arrivals.len())
        .map(|so_far| arrivals[..so_far].iter().filter(open(arrivals[so_far - 1])).count())
        .max()
        .unwrap_or_default()
}

/// The conversation in the path of a request.
fn conversation_of(request: &Entry) -> String {
    let conversation = request.path.split('/').find(|part| part.starts_with("CH")).unwrap();
    conversation.split('?').next().unwrap().to_owned()
}

/// The most webhooks that were alive on one conversation at the same time.
fn most_alive(records: &[WebhookRecord]) -> usize {
    let mut births: BTreeMap<_, Vec<&WebhookRecord>> = BTreeMap::new();
    for record in records {
        births.entry(record.conversation).or_default().push(record);
    }
    let alive = |record: &&&WebhookRecord, at: Timestamp| {
        record.created.at <= at && record.deleted.as_ref().is_none_or(|deletion| deletion.by.at > at)
    };
    births
        .values()
        .flat_map(|there| {
            there.iter().map(move |born| there.iter().filter(|one| alive(one, born.created.at)).count())
        })
        .max()
        .unwrap_or_default()
}

#[tokio::test]
async fn two_hundred_objects_get_one_webhook_each_and_leave_none() {
    const CONVERSATIONS: u32 = 50;
    const OBJECTS: u32 = 200;
    let mut world = World::new().await;
    slow_down(&world);
    world.start_operator(&[]).await;
    // Those of one conversation come one right after the other.
    let each = OBJECTS / CONVERSATIONS;
    create_all(&world, (0..OBJECTS).map(|object| (object, object / each + 1))).await;

    let objects = wait_ready(&world, 200).await;
    let borne: BTreeSet<String> = objects
        .iter()
        .map(|object| object.status.as_ref().unwrap().webhook_sid.as_ref().unwrap().to_string())
        .collect();
    let ledger = world.simulator.ledger();
    assert_eq!(ledger.records().len(), 200);
    assert_eq!(borne, ledger.records().iter().map(|record| record.sid.to_string()).collect());
    assert_eq!(ledger.duplicates(), Vec::<Vec<&WebhookRecord>>::new());

    let journal = world.simulator.journal();
    let creates = of(Operation::Create, &journal);
    assert_eq!(creates.len(), 200);
    let mut by_conversation: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
    for create in creates {
        by_conversation.entry(conversation_of(create)).or_default().push(create);
    }
    assert_eq!(by_conversation.len(), 50);
    for (conversation, creates) in &by_conversation {
        assert_eq!(at_once(creates), 1, "creates on {conversation} overlap");
    }
    assert!(at_once(&journal.iter().collect::<Vec<_>>()) <= 5, "more than five requests at once");
    let lists = of(Operation::List, &journal).len();
    println!("{lists} lists for {OBJECTS} objects on {CONVERSATIONS} conversations");
    assert!((50..=200).contains(&lists), "{lists} lists");

    delete_all(&world).await;
    let ledger = world.simulator.ledger();
    assert!(ledger.records().iter().all(|record| !record.alive()));
    assert_eq!(ledger.records().len(), 200);
    assert_eq!(ledger.foreign_touched(&ApiClient::any()), Vec::<&WebhookRecord>::new());
    assert_eq!(of(Operation::Delete, &world.simulator.journal()).len(), 200);
    assert!(most_alive(ledger.records()) <= WEBHOOK_SLOTS);
    assert!(at_once(&world.simulator.journal().iter().collect::<Vec<_>>()) <= 5);
}

#[tokio::test]
async fn r03_five_objects_fill_a_conversation_and_the_sixth_waits_for_a_slot() {
    let mut world = World::new().await;
    slow_down(&world);
    world.start_operator(&["--resync-interval=2s"]).await;
    create_all(&world, (0..10).map(|object| (object, object % 2 + 1))).await;
    wait_ready(&world, 10).await;
    world.create("sixth", webhook_spec(1, &url(10))).await;

    let holders: Vec<String> =
        world.alive(conversation(1)).iter().map(|record| record.sid.to_string()).collect();
    assert_eq!(holders.len(), WEBHOOK_SLOTS);
    let mut says: Vec<&str> = holders.iter().map(String::as_str).collect();
    says.extend(["holds 5 webhooks", "remove one"]);
    let full = world.wait_told("sixth", "ConversationFull", &says).await;
    assert_eq!(condition(&full, ConditionType::Stalled).unwrap().status, "True");
    // It was not even asked for.
    assert_eq!(of(Operation::Create, &world.simulator.journal()).len(), 10);

    world.delete("bot-0").await;
    world.wait_gone("bot-0").await;
    world.wait_ready("sixth").await;
    for n in [1, 2] {
        assert_eq!(world.alive(conversation(n)).len(), WEBHOOK_SLOTS);
    }
    let ledger = world.simulator.ledger();
    assert_eq!(ledger.records().len(), 11);
    assert_eq!(most_alive(ledger.records()), WEBHOOK_SLOTS);
}

#[tokio::test]
async fn r03_of_two_identical_objects_one_waits_until_the_other_is_gone() {
    let mut world = World::new().await;
    slow_down(&world);
    world.start_operator(&["--resync-interval=2s"]).await;
    let spec = || webhook_spec(1, &url(0));
    join_all(["one", "other"].map(|name| world.create(name, spec()))).await;

    let objects = wait_ready(&world, 1).await;
    let (first, second): (Vec<_>, Vec<_>) =
        objects.iter().partition(|object| ready(object).is_some_and(|ready| ready.status == "True"));
    let (first, second) = (first[0].name_any(), second[0].name_any());
    let webhook = world.ever_made(conversation(1))[0].sid.to_string();
    let owner = format!("{}/{first}", world.namespace);
    world.wait_told(&second, "TwinExists", &[&webhook, &owner, "delete one of the two"]).await;
    assert_eq!(world.ever_made(conversation(1)).len(), 1);

    world.delete(&first).await;
    world.wait_gone(&first).await;
    world.wait_ready(&second).await;
    let [gone, webhook] = &world.ever_made(conversation(1))[..] else { panic!("one webhook each") };
    assert!(!gone.alive() && webhook.alive());
    assert_eq!(most_alive(world.simulator.ledger().records()), 1);
}

/// One at a time, they take longer than a pass may: whoever waits for his turn among his tenant's objects has not begun yet.
#[tokio::test]
async fn a_backlog_waits_for_its_turn_and_no_pass_gives_up() {
    const OBJECTS: u32 = 60;
    let mut world = World::new().await;
    world.simulator.add_fault(FaultRule::new(Fault::delay_before_commit(100)));
    world.start_operator(&["--time-scale=0.02", "--max-in-flight-per-account=1"]).await;
    create_all(&world, (1..=OBJECTS).map(|object| (object, object))).await;
    wait_ready(&world, OBJECTS as usize).await;
    let journal = world.simulator.journal();
    assert_eq!(of(Operation::Create, &journal).len(), OBJECTS as usize);
    let metrics = world.operator.as_ref().unwrap().admin("/metrics").await;
    assert!(!metrics.contains(CROWDED), "{metrics}");
}

/// In the operator's metrics once a pass gave up since its turn did not come.
const CROWDED: &str = "cwo_passes_total{outcome=\"Crowded\"} ";

/// The same where each has a Secret of its own, and all of them open one account: their passes begin, and share what Twilio
/// allows that account.
#[tokio::test]
async fn a_pass_whose_turn_does_not_come_gives_up_and_its_object_is_served_later() {
    const OBJECTS: u32 = 60;
    let mut world = World::new().await;
    let secrets: Vec<String> = (1..=OBJECTS).map(|object| format!("login-{object}")).collect();
    for secret in &secrets {
        world.secret(secret, &[("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)]).await;
    }
    world.grant_secrets(&secrets.iter().map(String::as_str).collect::<Vec<_>>()).await;
    world.simulator.add_fault(FaultRule::new(Fault::delay_before_commit(100)));
    world.start_operator(&["--time-scale=0.02", "--max-in-flight-per-account=1"]).await;
    for object in 1..=OBJECTS {
        let mut spec = webhook_spec(object, &url(object));
        spec["credentialsSecretRef"] = json!({ "name": format!("login-{object}") });
        world.create(&format!("bot-{object}"), spec).await;
    }
    eventually("a pass gives up", PATIENCE, async || {
        world.operator.as_ref().unwrap().admin("/metrics").await.contains(CROWDED).then_some(())
    })
    .await;
    wait_ready(&world, OBJECTS as usize).await;
    let ledger = world.simulator.ledger();
    assert_eq!(ledger.records().len(), OBJECTS as usize);
    let journal = world.simulator.journal();
    assert_eq!(of(Operation::Create, &journal).len(), OBJECTS as usize);
}
