//! Two processes, with and without an election, under everything that may go wrong at once. `CHAOS_CREATES`,
//! `CHAOS_MINUTES` and `CHAOS_SEED` set how long it goes on and what happens.
//!
//! No process is frozen for longer than its windows allow while a reply may be lost: that is a stated risk, and `frost`
//! shows what becomes of it.

use std::ops::Range;
use std::time::{Duration, Instant};

use controlplane::Part;
use fastrand::Rng;
use twilio_conversations_simulator::{Control, Fault, FaultRule, Operation};

use super::load::{Load, Users};
use super::verdict::Verdict;
use super::{OFTEN, SCALE};
use crate::support::{Operator, Wire, World, grant_lease};

/// A share of the shortest window, in milliseconds.
const SHORT_FREEZE: Range<u64> = 10..150;
/// Longer than the whole window, in milliseconds.
pub(super) const LONG_FREEZE: Range<u64> = 1300..3000;
/// By then a create that was struck has its reply, or has lost it.
const STRUCK: Duration = Duration::from_millis(500);
/// Between two times that the API server or its store goes down: they are away for seconds.
const BETWEEN_OUTAGES: Duration = Duration::from_secs(25);
const OBJECTS: u32 = 120;
const USERS: u64 = 4;

fn setting<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().map_or(default, |text| text.parse().ok().expect(name))
}

/// What has happened.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    freezes: usize,
    long_freezes: usize,
    cuts: usize,
    floods: usize,
    api_server_restarts: usize,
    etcd_restarts: usize,
    left_by_themselves: usize,
}

/// A process, and its only way to the API server.
pub(super) struct Running {
    operator: Operator,
    wire: Wire,
}

pub(super) struct Storm {
    pub(super) world: World,
    pub(super) random: Rng,
    pub(super) running: [Option<Running>; 2],
    last_outage: Instant,
    tally: Tally,
}

impl Storm {
    pub(super) fn new(world: World, seed: u64) -> Self {
        Self {
            world,
            random: Rng::with_seed(seed),
            running: [None, None],
            last_outage: Instant::now(),
            tally: Tally::default(),
        }
    }

    async fn one(&mut self) {
        self.start_missing().await;
        match self.random.u32(0..100) {
            0..55 => self.kill(),
            55..70 => self.freeze(SHORT_FREEZE).await,
            70..73 => self.freeze_for_long().await,
            73..82 => {
                if let Some(running) = &self.running[self.random.usize(0..2)] {
                    running.wire.cut();
                    self.tally.cuts += 1;
                }
            }
            82..91 => {
                let flood = FaultRule::new(Fault::too_many_requests()).times(self.random.u64(5..40));
                self.world.simulator.add_fault(flood);
                self.tally.floods += 1;
            }
            _ if self.last_outage.elapsed() < BETWEEN_OUTAGES => {}
            91..96 => {
                self.world.plane.restart(Part::ApiServer).await.unwrap();
                self.last_outage = Instant::now();
                self.tally.api_server_restarts += 1;
            }
            _ => {
                self.world.plane.restart(Part::Etcd).await.unwrap();
                self.last_outage = Instant::now();
                self.tally.etcd_restarts += 1;
            }
        }
    }

    pub(super) fn kill(&mut self) {
        let place = self.random.usize(0..2);
        drop(self.running[place].take());
        self.tally.kills += 1;
    }

    pub(super) async fn freeze(&mut self, span: Range<u64>) {
        let span = Duration::from_millis(self.random.u64(span));
        if let Some(running) = &mut self.running[self.random.usize(0..2)] {
            // Who lost the Lease to an outage just now has left, and is started again by whoever looks after it.
            if running.operator.pause_if_it_runs().await {
                tokio::time::sleep(span).await;
                running.operator.resume();
                self.tally.freezes += 1;
            }
        }
    }

    /// Beyond every window, while no reply of a create is lost: the other process goes on, takes over what the frozen
    /// one had begun, and has it back in its way afterwards.
    async fn freeze_for_long(&mut self) {
        self.world.simulator.clear_faults();
        tokio::time::sleep(STRUCK).await;
        self.freeze(LONG_FREEZE).await;
        self.tally.long_freezes += 1;
        tokio::time::sleep(STRUCK).await;
        add_faults(&self.world.simulator);
    }

    /// Starts what was killed, or left because it lost its Lease; every other time without an election.
    pub(super) async fn start_missing(&mut self) {
        for place in 0..2 {
            let has_left = self.running[place].as_mut().is_some_and(|running| running.operator.has_ended());
            if has_left {
                self.tally.left_by_themselves += 1;
            }
            if has_left || self.running[place].is_none() {
                let elects = self.random.bool();
                self.running[place] = Some(self.spawn(elects).await);
            }
        }
    }

    async fn spawn(&self, elects: bool) -> Running {
        let namespace = format!("--lease-namespace={}", self.world.namespace);
        let election = [namespace.as_str(), "--lease-name=cwo-conversation-webhook-operator"];
        let mut arguments = vec![SCALE, OFTEN];
        if elects {
            arguments.extend(election);
        }
        let wire = Wire::start(&self.world).await;
        let operator = Operator::spawn(wire.kubeconfig(), &self.world.arguments(&arguments));
        Running { operator, wire }
    }
}

/// What Twilio does to creates.
fn add_faults(twilio: &Control) {
    let on_create = |fault| FaultRule::new(fault).on(Operation::Create);
    twilio.add_fault(on_create(Fault::reset_after_commit()).with_probability(0.01));
    twilio.add_fault(on_create(Fault::error_after_commit(500)).with_probability(0.01));
    twilio.add_fault(on_create(Fault::late_commit(200)).with_probability(0.01));
    // Long enough for a kill to fall between a request and its reply.
    twilio.add_fault(FaultRule::new(Fault::delay_after_commit(10)).with_probability(0.5));
}

#[tokio::test]
async fn a_storm_of_kills_outages_and_lost_replies_leaves_each_object_one_webhook() {
    let (creates, seed) = (setting("CHAOS_CREATES", 1000), setting("CHAOS_SEED", 6));
    let at_least = Duration::from_mins(setting("CHAOS_MINUTES", 0));
    let world = World::on_own_plane().await;
    grant_lease(&world).await;
    let twilio: Control = world.simulator.control();
    add_faults(&twilio);
    // Should something go wrong, what led there is to be seen at the end.
    twilio.resize_journal(200_000);
    let users = Users::start(&world, seed, USERS, Load { objects: OBJECTS, deletes: true });
    let mut storm = Storm::new(world, seed);
    let started = Instant::now();
    while twilio.counters().total(Operation::Create).committed < creates || started.elapsed() < at_least {
        storm.one().await;
        // Some live for longer than the window of a lost reply.
        let calm = storm.random.u64(200..2500);
        tokio::time::sleep(Duration::from_millis(calm)).await;
        assert!(started.elapsed() < at_least + Duration::from_hours(2), "{:?}", storm.tally);
    }
    let done = users.stop().await;
    println!("seed {seed}: {done} things done in {:?}; {:?}", started.elapsed(), storm.tally);
    let Storm { mut world, running, .. } = storm;
    drop(running);
    world.simulator.clear_faults();
    world.start_operator(&[SCALE, OFTEN]).await;
    let verdict = Verdict::of(&world).await;
    verdict.assert_good();
    assert!(verdict.made as u64 >= creates, "{verdict:?}");
}
