//! More than one replica: one acts, by the Lease, and the others stand by, warm.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use twilio_conversations_simulator::{Fault, Operation};

use crate::support::{
    BOT, Operator, PATIENCE, World, assert_harmless, conversation, eventually, grant_lease, made,
    only_webhook, strike, wait_sent, webhook_spec,
};

/// A Lease of two seconds.
const SCALED: &str = "--time-scale=0.1";
/// Checks are for other tests.
const NEVER: &str = "--resync-interval=1h";
const LEASE: &str = "cwo-conversation-webhook-operator";
/// As long as a Lease lasts under [`SCALED`].
const DURATION: Duration = Duration::from_secs(2);

/// Replicas that share the Lease of the test's namespace.
struct Replicas {
    world: World,
    running: Vec<Operator>,
}

impl Replicas {
    /// So many replicas, started one after the other: the first leads.
    async fn start(replicas: usize) -> Self {
        let world = World::new().await;
        grant_lease(&world).await;
        let mut all = Self { world, running: Vec::new() };
        for _ in 0..replicas {
            all.start_another().await;
        }
        all
    }

    async fn start_another(&mut self) {
        let lease = format!("--lease-namespace={}", self.world.namespace);
        let arguments = [SCALED, NEVER, "--lease-name=cwo-conversation-webhook-operator", &lease];
        let is_first = self.running.is_empty();
        self.running.push(self.world.start_another_operator(&arguments).await);
        if is_first {
            eventually("the first replica leads", PATIENCE, async || {
                leads(&self.running[0]).await.then_some(())
            })
            .await;
        }
    }

    fn lease(&self) -> Api<Lease> {
        Api::namespaced(self.world.kube.clone(), &self.world.namespace)
    }

    async fn leaders(&self) -> Vec<usize> {
        let mut leaders = Vec::new();
        for (place, replica) in self.running.iter().enumerate() {
            if leads(replica).await {
                leaders.push(place);
            }
        }
        leaders
    }

    /// Waits until exactly one of the replicas leads; which.
    async fn leader(&self) -> usize {
        eventually("one of the replicas leads", PATIENCE, async || match self.leaders().await[..] {
            [leader] => Some(leader),
            _ => None,
        })
        .await
    }
}

async fn leads(operator: &Operator) -> bool {
    operator.admin("/metrics").await.lines().any(|line| line == "cwo_leader 1")
}

/// Whether it has asked Twilio for anything.
async fn has_called(operator: &Operator) -> bool {
    let metrics = operator.admin("/metrics").await;
    metrics.lines().any(|line| line.starts_with("cwo_twilio_request") && !line.ends_with(" 0"))
}

async fn create(world: &World, range: std::ops::RangeInclusive<u32>) {
    for n in range {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
}

async fn wait_ready(world: &World, range: std::ops::RangeInclusive<u32>) {
    for n in range {
        world.wait_ready(&format!("bot-{n}")).await;
        only_webhook(world, n);
    }
}

#[tokio::test]
async fn of_three_replicas_one_acts_and_a_kill_hands_over_within_the_lease_time() {
    let mut replicas = Replicas::start(3).await;
    create(&replicas.world, 1..=10).await;
    wait_ready(&replicas.world, 1..=10).await;
    assert_eq!(replicas.leaders().await, [0]);
    for standby in &replicas.running[1..] {
        assert!(!has_called(standby).await, "a standby called Twilio");
        assert_eq!(standby.admin("/healthz").await, "ok\n");
    }
    assert!(has_called(&replicas.running[0]).await);

    replicas.running.remove(0).kill();
    let killed = Instant::now();
    create(&replicas.world, 11..=15).await;
    replicas.leader().await;
    let took = killed.elapsed();
    // The Lease, one pause between two looks with its jitter, and what a busy machine takes.
    assert!(took >= DURATION / 2 && took < 3 * DURATION, "{took:?}");
    wait_ready(&replicas.world, 1..=15).await;
    assert_harmless(&replicas.world);
    let transitions = replicas.lease().get(LEASE).await.unwrap().spec.unwrap().lease_transitions;
    assert_eq!(transitions, Some(2));
}

#[tokio::test]
async fn a_clean_stop_hands_over_at_once_and_loses_nothing() {
    let mut replicas = Replicas::start(2).await;
    create(&replicas.world, 1..=5).await;
    let leader = replicas.running.remove(0);
    let status = leader.stop().await;
    assert_eq!(status.code(), Some(0));
    let stopped = Instant::now();
    replicas.leader().await;
    let gap = stopped.elapsed();
    assert!(gap < DURATION, "{gap:?}: the Lease was not given back");
    wait_ready(&replicas.world, 1..=5).await;
    assert_harmless(&replicas.world);
}

#[tokio::test]
async fn a_frozen_leader_that_wakes_does_no_harm_and_leaves() {
    let mut replicas = Replicas::start(2).await;
    create(&replicas.world, 1..=3).await;
    wait_ready(&replicas.world, 1..=3).await;
    replicas.running[0].pause().await;
    let mut frozen = replicas.running.remove(0);
    replicas.leader().await;
    let world = &replicas.world;
    create(world, 4..=6).await;
    for n in 1..=3 {
        let edit = json!({ "spec": { "configuration": { "url": "https://bots.example.com/b" } } });
        world.patch(&format!("bot-{n}"), edit).await;
    }
    wait_ready(world, 1..=6).await;

    let calls = world.simulator.journal_mark();
    frozen.resume();
    let status = frozen.ended().await;
    assert_eq!(status.code(), Some(1), "{status}");
    assert!(frozen.log().contains("the Lease is lost"), "{}", frozen.log());
    assert!(world.simulator.journal_since(calls).iter().all(|entry| !entry.committed));
    for n in 1..=6 {
        world.wait_ready(&format!("bot-{n}")).await;
        only_webhook(world, n);
    }
    assert_harmless(world);
}

#[tokio::test]
async fn a_leader_that_is_frozen_in_a_create_and_wakes_after_it_was_resolved_leaves_one_webhook() {
    let mut replicas = Replicas::start(2).await;
    strike(&replicas.world, 1, Operation::Create, Fault::delay_after_commit(1000));
    create(&replicas.world, 1..=1).await;
    wait_sent(&replicas.world, 1, Operation::Create, |entry| entry.committed || entry.fault.is_some()).await;
    replicas.running[0].pause().await;
    let mut frozen = replicas.running.remove(0);
    replicas.leader().await;
    // The window of the attempt, by the clock of the one that took over.
    let world = &replicas.world;
    let object = world.wait_ready("bot-1").await;
    let webhook = only_webhook(world, 1);
    assert_eq!(object.status.unwrap().webhook_sid.unwrap().to_string(), webhook.sid.to_string());

    frozen.resume();
    assert_eq!(frozen.ended().await.code(), Some(1));
    let object = world.wait_ready("bot-1").await;
    assert_eq!(object.status.unwrap().webhook_sid.unwrap().to_string(), webhook.sid.to_string());
    assert_eq!(only_webhook(world, 1), webhook);
    assert_eq!(made(world, 1).len(), 1);
    assert_harmless(world);
}

#[tokio::test]
async fn a_lease_that_somebody_deletes_is_made_again_and_one_that_somebody_takes_ends_the_process() {
    let mut replicas = Replicas::start(1).await;
    replicas.lease().delete(LEASE, &kube::api::DeleteParams::default()).await.unwrap();
    let made_again = eventually("the Lease is there again", PATIENCE, async || {
        replicas.lease().get_opt(LEASE).await.unwrap()
    })
    .await;
    assert!(made_again.spec.unwrap().holder_identity.is_some_and(|holder| !holder.is_empty()));
    create(&replicas.world, 1..=2).await;
    wait_ready(&replicas.world, 1..=2).await;
    assert_eq!(replicas.leaders().await, [0]);

    let theft = json!({ "spec": { "holderIdentity": "somebody-else", "leaseDurationSeconds": 3600 } });
    replicas.lease().patch(LEASE, &PatchParams::default(), &Patch::Merge(theft)).await.unwrap();
    let mut operator = replicas.running.remove(0);
    assert_eq!(operator.ended().await.code(), Some(1));
    assert!(operator.log().contains("the Lease is held by somebody-else"), "{}", operator.log());
}

#[tokio::test]
async fn a_standby_deletes_with_credentials_that_were_there_while_it_stood_by() {
    let mut replicas = Replicas::start(2).await;
    let world = &replicas.world;
    let mark = world.mark().await;
    create(world, 1..=2).await;
    wait_ready(world, 1..=2).await;
    // The standby has seen the objects, and read what they refer to.
    eventually("the standby has read the Secret", PATIENCE, async || {
        let requests = world.requests_since(mark).await;
        let reads =
            requests.filter(|request| request.namespace == world.namespace && request.resource == "secrets");
        (reads.count("get", "secrets") >= 2).then_some(())
    })
    .await;
    replicas.running[0].pause().await;
    world.delete_secret("twilio-credentials").await;
    for n in 1..=2 {
        world.delete(&format!("bot-{n}")).await;
    }
    replicas.running.remove(0).kill();
    let world = &replicas.world;
    for n in 1..=2 {
        world.wait_gone(&format!("bot-{n}")).await;
        assert_eq!(world.alive(conversation(n)), []);
    }
}

/// A process under the chart's own Role: what it lacks would show here.
#[tokio::test]
async fn the_chart_grants_what_an_election_needs() {
    let mut world = World::on_own_plane().await;
    let arguments =
        [SCALED, "--lease-namespace=cwo-system", "--lease-name=cwo-conversation-webhook-operator"];
    world.start_operator(&arguments).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    // Renewed at least once.
    let leases: Api<Lease> = Api::namespaced(world.kube.clone(), "cwo-system");
    let first = leases.get(LEASE).await.unwrap().spec.unwrap().renew_time;
    eventually("the Lease is renewed", PATIENCE, async || {
        (leases.get(LEASE).await.unwrap().spec.unwrap().renew_time > first).then_some(())
    })
    .await;
    world.stop_operator().await;
    let spec = leases.get(LEASE).await.unwrap().spec.unwrap();
    assert_eq!(spec.holder_identity.as_deref(), Some(""), "given back");
}
