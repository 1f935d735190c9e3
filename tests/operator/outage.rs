//! A Twilio that is down for half an hour: existing webhooks stay Ready, each object says so once, Twilio is left in
//! peace meanwhile, and nothing storms when it comes back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use conversation_webhook_operator::api::{ConditionType, ConversationWebhook};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::{ListParams, PostParams};
use serde_json::json;
use twilio_conversations_simulator::{
    AccountSeed, AccountSid, ConversationSeed, Entry, Fault, FaultRule, Operation, Seed,
};

use crate::support::{
    ACCOUNT, AUTH_TOKEN, SCALED, World, assert_harmless, condition, conversation, eventually, ready,
    webhook_spec,
};

/// Five to a conversation.
const OBJECTS: u32 = 1000;
const CONVERSATIONS: u32 = OBJECTS / 5;
/// All times below are real ones times this.
const SCALE: f64 = 0.02;
/// How long a request takes at Twilio, so that those that overlap are seen to.
const LATENCY: Duration = Duration::from_millis(15);
/// Longer than anything takes here; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(3);

fn scaled(real: Duration) -> Duration {
    real.mul_f64(SCALE)
}

fn seed() -> Seed {
    let account = AccountSeed::new(ACCOUNT.parse::<AccountSid>().unwrap(), AUTH_TOKEN);
    let conversations = (1..=CONVERSATIONS).map(|n| ConversationSeed::new(conversation(n)));
    Seed::new().account(conversations.fold(account, AccountSeed::conversation))
}

async fn objects(world: &World) -> Vec<ConversationWebhook> {
    world.objects().list(&ListParams::default()).await.unwrap().items
}

/// The Ready condition of each object, times included.
async fn readiness(world: &World) -> BTreeMap<String, Condition> {
    let objects = objects(world).await;
    objects.iter().map(|object| (object.name_any(), ready(object).unwrap().clone())).collect()
}

async fn wait_synced(world: &World, status: &str) {
    eventually(&format!("Synced is {status} everywhere"), PATIENCE, async || {
        let objects = objects(world).await;
        let is = |object: &ConversationWebhook| {
            condition(object, ConditionType::Synced).is_some_and(|synced| synced.status == status)
        };
        let (all, there) = (objects.len(), objects.iter().filter(|object| is(object)).count());
        (all == there).then_some(())
    })
    .await;
}

/// How many requests Twilio had in its hands at once, at least: each for [`LATENCY`] from its arrival.
fn at_once(requests: &[Entry]) -> usize {
    let arrivals: Vec<Timestamp> = requests.iter().map(|request| request.at).collect();
    let mut first = 0;
    let open = arrivals.iter().enumerate().map(|(last, at)| {
        while arrivals[first] + LATENCY <= *at {
            first += 1;
        }
        last - first + 1
    });
    open.max().unwrap_or_default()
}

#[tokio::test]
async fn half_an_hour_without_twilio_costs_each_object_one_write_and_ends_without_a_storm() {
    let mut world = World::with(seed()).await;
    world.simulator.resize_journal(100_000);
    world.start_operator(&[]).await;
    for n in 0..OBJECTS {
        let object = serde_json::from_value(json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
            "kind": "ConversationWebhook",
            "metadata": { "name": format!("bot-{n}") },
            "spec": webhook_spec(n % CONVERSATIONS + 1, &format!("https://bots.example.com/{n}")),
        }));
        world.objects().create(&PostParams::default(), &object.unwrap()).await.unwrap();
    }
    eventually("all webhooks are recorded", PATIENCE, async || {
        let objects = objects(&world).await;
        let recorded =
            objects.iter().filter(|object| ready(object).is_some_and(|ready| ready.status == "True"));
        (recorded.count() == OBJECTS as usize).then_some(())
    })
    .await;
    world.stop_operator().await;
    let before = readiness(&world).await;
    let made = world.simulator.ledger();

    // Half an hour, in which each object has three checks.
    let outage = scaled(Duration::from_mins(30));
    let check = format!("--resync-interval={}ms", scaled(Duration::from_mins(10)).as_millis());
    world.start_operator(&[&format!("--time-scale={SCALE}"), &check]).await;
    let (mark, down_since) = (world.mark().await, Instant::now());
    let down = FaultRule::new(Fault::error(503, 20500));
    let halves = [down.clone().with_probability(0.5), FaultRule::new(Fault::reset())];
    let journal_mark = world.simulator.journal_mark();
    let faults: Vec<_> = halves.into_iter().map(|fault| world.simulator.add_fault(fault)).collect();
    wait_synced(&world, "False").await;
    tokio::time::sleep(outage.saturating_sub(down_since.elapsed())).await;

    let took = down_since.elapsed();
    let probes = world.simulator.journal_since(journal_mark).len();
    // Five failures open the breaker, as many may be under way then; afterwards one request per half a minute.
    let intervals = took.as_millis() / scaled(Duration::from_secs(30)).as_millis();
    let allowed = 10 + usize::try_from(intervals).unwrap();
    println!("{probes} requests in {took:?} of outage, {allowed} allowed");
    assert!(probes <= allowed, "{probes} requests in {took:?}");
    assert!(probes >= allowed / 4, "{probes} requests: nobody looks whether Twilio is back");
    let writes = world.writes_since(mark).await;
    assert_eq!(most_per_object(&writes), 1, "writes of one object in the outage");
    assert_eq!(writes.len(), OBJECTS as usize);
    assert_eq!(readiness(&world).await, before, "Ready of existing webhooks");

    let (mark, journal_mark) = (world.mark().await, world.simulator.journal_mark());
    let slow = u64::try_from(LATENCY.as_millis()).unwrap();
    world.simulator.add_fault(FaultRule::new(Fault::delay_before_commit(slow)));
    for fault in faults {
        world.simulator.remove_fault(fault).unwrap();
    }
    wait_synced(&world, "True").await;
    let writes = world.writes_since(mark).await;
    let codes: BTreeMap<u16, usize> = writes.iter().fold(BTreeMap::new(), |mut codes, write| {
        *codes.entry(write.code).or_default() += 1;
        codes
    });
    assert_eq!(most_per_object(&writes), 1, "writes of one object afterwards, by their answers: {codes:?}");
    let requests = world.simulator.journal_since(journal_mark);
    println!("{} requests until all is well, {} at once", requests.len(), at_once(&requests));
    assert!(at_once(&requests) <= 5, "{} requests at once", at_once(&requests));
    // Slow at first: one, and one more after each round without trouble.
    assert_eq!(at_once(&requests[..2]), 1, "{:?}", &requests[..2]);
    assert!(requests.iter().all(|request| request.operation != Some(Operation::Create)));
    assert_eq!(readiness(&world).await, before, "Ready of existing webhooks");
    assert_eq!(world.simulator.ledger(), made, "nothing made, changed or deleted");
}

/// The most writes that one object had.
fn most_per_object(writes: &[controlplane::Request]) -> usize {
    let mut by_object: BTreeMap<&str, usize> = BTreeMap::new();
    for write in writes {
        *by_object.entry(write.name.as_str()).or_default() += 1;
    }
    by_object.into_values().max().unwrap_or_default()
}

/// Nothing is proved yet, so all that is asked is whose the login is: nobody asks that in turns while nobody answers.
#[tokio::test]
async fn an_account_that_was_never_proved_is_left_alone_as_well_while_twilio_is_down() {
    const MADE: u32 = 30;
    let mut world = World::with(seed()).await;
    world.simulator.resize_journal(100_000);
    world.start_operator(&[SCALED]).await;
    let down = world.simulator.add_fault(FaultRule::new(Fault::error(503, 20500)));
    let mark = world.simulator.journal_mark();
    for n in 1..=MADE {
        world.create(&format!("bot-{n}"), webhook_spec(n, "https://bots.example.com/a")).await;
    }
    // Ten times as long as is between two probes, with the windows of this test.
    let probe = Duration::from_millis(1500);
    tokio::time::sleep(probe * 10).await;
    let asked = world.simulator.journal_since(mark).len();
    // Five in a row without an answer, as many that were under way by then, and the probes.
    assert!((5..=5 + 5 + 11).contains(&asked), "{asked} requests");

    world.simulator.remove_fault(down).unwrap();
    for n in 1..=MADE {
        world.wait_ready(&format!("bot-{n}")).await;
        assert_eq!(world.alive(conversation(n)).len(), 1);
    }
    assert_harmless(&world);
}
