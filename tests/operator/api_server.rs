//! An API server, or the way to it, that fails: nothing is lost, nothing is made twice, and nobody storms.

use std::time::{Duration, Instant};

use controlplane::{Mark, Part, Request, Requests};
use fastrand::Rng;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;
use twilio_conversations_simulator::{Fault, FaultRule, Operation};

use crate::support::{
    BOT, Operator, SCALED, Wire, World, assert_harmless, conversation, eventually, grant_lease, is_ready,
    lists, made, only_webhook, strike, wait_sent, webhook_spec,
};

/// How long nobody can reach the API server.
const AWAY: Duration = Duration::from_mins(5);
/// What one process tries in a minute at most, with five creates to be recorded and three to be begun: at first all
/// that was under way fails and is tried again soon, later each in its own time.
///
/// A write that must not be lost is tried every 2.5 to 5 s: 24 times a minute at most, and in the first minute, in which it
/// begins twice with short pauses, 40 times. A journal is tried 9 to 11 times in its 10 s, then comes a pause that grows and
/// is drawn anew each time: 6 times 11 where every draw is short. Secret and watch together stay below 30. That makes
/// 5 · 40 + 3 · 66 + 30 and 5 · 24 + 3 · 66 + 30; a try of each object at rest would be another 40 and more.
const TRIES_A_MINUTE: (usize, usize) = (430, 350);
/// Longer than anything takes after such a time; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(4);
/// Five of them are what an account's lane lets through at a time.
const UNDER_WAY: std::ops::RangeInclusive<u32> = 41..=48;
const AT_REST: std::ops::RangeInclusive<u32> = 1..=40;

fn name(n: u32) -> String {
    format!("bot-{n}")
}

/// An operator that is started again when it ends, as by a kubelet without its patience.
struct Kept {
    wire: Wire,
    operator: Operator,
    arguments: Vec<String>,
    ends: usize,
}

impl Kept {
    async fn start(world: &World, further: &[&str]) -> Self {
        let wire = Wire::start(world).await;
        let arguments = world.arguments(further);
        let operator = Operator::start(wire.kubeconfig(), &arguments).await;
        Self { wire, operator, arguments, ends: 0 }
    }

    fn keep(&mut self) {
        if self.operator.has_ended() {
            self.operator = Operator::spawn(self.wire.kubeconfig(), &self.arguments);
            self.ends += 1;
        }
    }

    /// Makes an object and waits until it is Ready. Where something took longer than the Lease, its holder has left.
    async fn serves(&mut self, world: &World, n: u32) {
        create(world, n..=n).await;
        eventually(&format!("{} is served", name(n)), PATIENCE, async || {
            self.keep();
            world.objects().get(&name(n)).await.ok().filter(is_ready)
        })
        .await;
        only_webhook(world, n);
    }
}

async fn create(world: &World, range: std::ops::RangeInclusive<u32>) {
    for n in range {
        world.create(&name(n), webhook_spec(n, BOT)).await;
    }
}

/// Waits until each of these is Ready at its present generation, by the one webhook that was made for it.
async fn wait_ready(world: &World, range: std::ops::RangeInclusive<u32>) {
    eventually("all are Ready", PATIENCE, async || {
        for n in range.clone() {
            let object = world.objects().get(&name(n)).await.ok()?;
            if !is_ready(&object) {
                return None;
            }
        }
        Some(())
    })
    .await;
    for n in range {
        only_webhook(world, n);
    }
}

/// What the operators of a world asked of the API server since then.
async fn requests(world: &World, mark: Mark) -> Requests {
    world.requests_since(mark).await.filter(|request| request.namespace == world.namespace)
}

/// How many writes an object saw.
fn writes(requests: &Requests, n: u32) -> usize {
    let is_write = |request: &&Request| {
        request.is_write() && request.resource == "conversationwebhooks" && request.name == name(n)
    };
    requests.iter().filter(is_write).count()
}

/// Two worlds on one control plane: two replicas that elect a leader serve the one, a process that knows of no election
/// the other. Each has objects at rest, and some whose creates are answered only when the API server is gone.
#[tokio::test]
async fn five_minutes_without_an_api_server_cost_few_tries_and_lose_nothing() {
    let pair = World::on_own_plane().await;
    grant_lease(&pair).await;
    let alone = pair.beside().await;
    let lease = format!("--lease-namespace={}", pair.namespace);
    let elects = ["--lease-name=cwo-conversation-webhook-operator", &lease, "--credentials-ttl=1m"];
    let mut kept = vec![Kept::start(&pair, &elects).await, Kept::start(&pair, &elects).await];
    kept.push(Kept::start(&alone, &["--credentials-ttl=1m", "--resync-interval=1m"]).await);
    let worlds = [&pair, &alone];
    for world in worlds {
        create(world, AT_REST).await;
        wait_ready(world, AT_REST).await;
        let slow = FaultRule::new(Fault::delay_after_commit(4000)).on(Operation::Create);
        world.simulator.add_fault(slow.times(UNDER_WAY.count() as u64));
    }
    for world in worlds {
        create(world, UNDER_WAY).await;
    }
    for world in worlds {
        wait_sent(world, *UNDER_WAY.start(), Operation::Create, |_| true).await;
    }

    pair.plane.kill(Part::ApiServer);
    let (gone, mut minutes) = (Instant::now(), Vec::<Vec<usize>>::new());
    while gone.elapsed() < AWAY {
        let before: Vec<usize> = kept.iter().map(|kept| kept.wire.refused()).collect();
        let minute = Instant::now();
        while minute.elapsed() < Duration::from_mins(1) {
            kept.iter_mut().for_each(Kept::keep);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        minutes.push(kept.iter().zip(before).map(|(kept, before)| kept.wire.refused() - before).collect());
    }
    let ends: Vec<usize> = kept.iter().map(|kept| kept.ends).collect();
    println!("tries a minute of leader, standby, and one alone: {minutes:?}; ended so often: {ends:?}");
    pair.plane.restart(Part::ApiServer).await.unwrap();
    let back = pair.mark().await;

    let edit = json!({ "spec": { "configuration": { "method": "GET" } } });
    for world in worlds {
        world.patch(&name(1), edit.clone()).await;
        world.delete(&name(2)).await;
    }
    for world in worlds {
        wait_ready(world, 3..=48).await;
        wait_ready(world, 1..=1).await;
        eventually("what was deleted is gone", PATIENCE, async || {
            let there = world.objects().get_opt(&name(2)).await.unwrap();
            (there.is_none() && world.alive(conversation(2)).is_empty()).then_some(())
        })
        .await;
        assert_harmless(world);
        let all = (1..=48).map(|n| made(world, n).len()).sum::<usize>();
        assert_eq!(all, 48, "webhooks were made");
    }

    for (minute, tries) in minutes.iter().enumerate() {
        let most = if minute == 0 { TRIES_A_MINUTE.0 } else { TRIES_A_MINUTE.1 };
        assert!(tries.iter().all(|tries| (1..=most).contains(tries)), "minute {minute}: {minutes:?}");
    }
    // Who led is gone with its Lease, once; nobody else has a reason to go. Which of the two led is chance.
    assert!(ends == [1, 0, 0] || ends == [0, 1, 0], "{ends:?}");
    for world in worlds {
        let requests = requests(world, back).await;
        println!("after it came back: {:?}", requests.counts());
        assert!(lists(&requests) <= 2, "{:?}", requests.counts());
        for n in 3..=40 {
            assert_eq!(writes(&requests, n), 0, "{n} was at rest");
        }
        for n in UNDER_WAY {
            // Journal and SID, and one that is sent again because its first reply was lost. Where the server comes back
            // while a journal is being tried whose time is over, that one is stored, settled, and written anew.
            assert!(writes(&requests, n) <= 5, "{n}: {:?}", requests.counts());
        }
    }
}

/// Whatever is on its way is lost with the wire, its reply or itself.
#[tokio::test]
async fn a_wire_that_is_cut_a_hundred_times_costs_no_new_list_and_loses_nothing() {
    const OBJECTS: u32 = 40;
    const CUTS: usize = 100;
    let world = World::new().await;
    let start = world.mark().await;
    let mut kept = Kept::start(&world, &[SCALED, "--resync-interval=1s"]).await;
    create(&world, 1..=1).await;
    wait_ready(&world, 1..=1).await;
    let mut random = Rng::with_seed(9);
    let (mut there, mut urls) = (1, vec![BOT.to_owned(); OBJECTS as usize + 1]);
    for cut in 0..CUTS {
        kept.wire.cut();
        match random.u32(0..3) {
            0 if there < OBJECTS => {
                there += 1;
                create(&world, there..=there).await;
            }
            1 => {
                let (n, url) = (random.u32(1..=there), format!("https://bots.example.com/{cut}"));
                world.patch(&name(n), json!({ "spec": { "configuration": { "url": url } } })).await;
                urls[n as usize] = url;
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(random.u64(5..300))).await;
    }
    create(&world, there + 1..=OBJECTS).await;
    wait_ready(&world, 1..=OBJECTS).await;
    for n in 1..=OBJECTS {
        let [webhook] = &world.alive(conversation(n))[..] else { panic!("conversation {n}") };
        assert_eq!(webhook.configuration.url(), Some(&*urls[n as usize]), "{n}");
    }
    assert_harmless(&world);
    kept.keep();
    assert_eq!(kept.ends, 0);
    let requests = requests(&world, start).await;
    println!("over a wire that was cut {CUTS} times: {:?}", requests.counts());
    // A watch goes on where it was broken off. A list of all is made at the start, and again where it was cut itself.
    assert_eq!(lists(&requests), 1, "{:?}", requests.counts());
    assert!(requests.count("watch", "conversationwebhooks") <= CUTS + 1, "{:?}", requests.counts());
}

/// etcd, the API server and the Lease go, one after the other, under an operator with nothing to do.
#[tokio::test]
async fn a_restart_of_each_part_and_the_loss_of_the_lease_cost_no_write_to_objects_at_rest() {
    let world = World::on_own_plane().await;
    grant_lease(&world).await;
    let lease = format!("--lease-namespace={}", world.namespace);
    let elects = ["--lease-name=cwo-conversation-webhook-operator", &lease];
    let mut kept = Kept::start(&world, &elects).await;
    create(&world, AT_REST).await;
    wait_ready(&world, AT_REST).await;
    let before = world.simulator.counters().total(Operation::Create).requests;
    let start = world.mark().await;

    world.plane.restart(Part::Etcd).await.unwrap();
    kept.serves(&world, 50).await;
    world.plane.restart(Part::ApiServer).await.unwrap();
    kept.serves(&world, 51).await;
    world.plane.kubectl(&["delete", "leases", "--all", "--namespace", &world.namespace]).await.unwrap();
    kept.serves(&world, 52).await;
    let leases: Api<Lease> = Api::namespaced(world.kube.clone(), &world.namespace);
    eventually("the Lease is there again", PATIENCE, async || {
        kept.keep();
        leases.list(&ListParams::default()).await.unwrap().items.pop()
    })
    .await;

    let requests = requests(&world, start).await;
    println!("restarts and a lost Lease: {:?}", requests.counts());
    assert!(lists(&requests) <= 2 + kept.ends, "{:?}", requests.counts());
    let at_rest = |request: &Request| !["bot-50", "bot-51", "bot-52"].contains(&&*request.name);
    let writes = requests.clone().writes().filter(|request| request.resource == "conversationwebhooks");
    assert_eq!(writes.filter(at_rest).to_vec(), Vec::<Request>::new());
    assert_eq!(requests.count("create", "leases"), 1, "{:?}", requests.counts());
    assert_eq!(world.simulator.counters().total(Operation::Create).requests - before, 3);
    for n in AT_REST {
        only_webhook(&world, n);
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn a_stop_that_cannot_record_a_create_ends_in_time_and_the_create_is_looked_for() {
    let mut world = World::on_own_plane().await;
    strike(&world, 1, Operation::Create, Fault::delay_before_commit(300));
    let operator = Operator::start(world.kubeconfig(), &world.arguments(&[SCALED])).await;
    create(&world, 1..=1).await;
    wait_sent(&world, 1, Operation::Create, |_| true).await;
    world.plane.kill(Part::ApiServer);
    // Five times as long as a request may take, which is 75 s where windows are not scaled.
    let status = operator.stop().await;
    assert_eq!(status.code(), Some(1), "what is left behind is no success: {status}");

    world.plane.restart(Part::ApiServer).await.unwrap();
    world.start_operator(&[SCALED]).await;
    world.wait_ready(&name(1)).await;
    only_webhook(&world, 1);
    assert_harmless(&world);
}
