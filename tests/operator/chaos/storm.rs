//! Two processes, with and without an election, under everything that may go wrong at once. `CHAOS_CREATES` and
//! `CHAOS_SEED` set how long it goes on and what happens.
//!
//! No process is frozen for longer than its windows allow while a reply may be lost: that is a stated risk, and
//! `doubles` and `leaders` show what becomes of it.

use std::time::{Duration, Instant};

use controlplane::Part;
use fastrand::Rng;
use tokio_util::sync::CancellationToken;
use twilio_conversations_simulator::{Control, Fault, FaultRule, Operation};

use super::load::Load;
use super::verdict::Verdict;
use crate::support::{Operator, World, grant_lease};

const SCALE: &str = "--time-scale=0.02";
const OFTEN: &str = "--resync-interval=1s";
/// A share of the shortest window under [`SCALE`].
const LONGEST_FREEZE_MS: u64 = 150;
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
    floods: usize,
    api_server_restarts: usize,
    etcd_restarts: usize,
    left_by_themselves: usize,
}

struct Storm {
    world: World,
    random: Rng,
    running: [Option<Operator>; 2],
    last_outage: Instant,
    tally: Tally,
}

impl Storm {
    async fn one(&mut self) {
        self.start_missing();
        match self.random.u32(0..100) {
            0..60 => {
                let place = self.random.usize(0..2);
                drop(self.running[place].take());
                self.tally.kills += 1;
            }
            60..80 => self.freeze().await,
            80..90 => {
                let flood = FaultRule::new(Fault::too_many_requests()).times(self.random.u64(5..40));
                self.world.simulator.add_fault(flood);
                self.tally.floods += 1;
            }
            _ if self.last_outage.elapsed() < BETWEEN_OUTAGES => {}
            90..95 => {
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

    async fn freeze(&mut self) {
        let span = Duration::from_millis(self.random.u64(10..LONGEST_FREEZE_MS));
        if let Some(operator) = &mut self.running[self.random.usize(0..2)] {
            operator.pause().await;
            tokio::time::sleep(span).await;
            operator.resume();
            self.tally.freezes += 1;
        }
    }

    /// Starts what was killed, or left because it lost its Lease; every other time without an election.
    fn start_missing(&mut self) {
        for place in 0..2 {
            let has_left = self.running[place].as_mut().is_some_and(Operator::has_ended);
            if has_left {
                self.tally.left_by_themselves += 1;
            }
            if has_left || self.running[place].is_none() {
                let elects = self.random.bool();
                self.running[place] = Some(self.spawn(elects));
            }
        }
    }

    fn spawn(&self, elects: bool) -> Operator {
        let namespace = format!("--lease-namespace={}", self.world.namespace);
        let election = [namespace.as_str(), "--lease-name=cwo-conversation-webhook-operator"];
        let mut arguments = vec![SCALE, OFTEN];
        if elects {
            arguments.extend(election);
        }
        self.world.spawn_another_operator(&arguments)
    }
}

#[tokio::test]
async fn a_storm_of_kills_outages_and_lost_replies_leaves_each_object_one_webhook() {
    let (creates, seed) = (setting("CHAOS_CREATES", 1000), setting("CHAOS_SEED", 6));
    let world = World::on_own_plane().await;
    grant_lease(&world).await;
    let twilio: Control = world.simulator.control();
    let on_create = |fault| FaultRule::new(fault).on(Operation::Create);
    twilio.add_fault(on_create(Fault::reset_after_commit()).with_probability(0.01));
    twilio.add_fault(on_create(Fault::error_after_commit(500)).with_probability(0.01));
    twilio.add_fault(on_create(Fault::late_commit(200)).with_probability(0.01));
    // Long enough for a kill to fall between a request and its reply.
    twilio.add_fault(FaultRule::new(Fault::delay_after_commit(10)).with_probability(0.5));

    let stop = CancellationToken::new();
    let users: Vec<_> = (0..USERS)
        .map(|user| {
            let load = Load {
                objects: world.objects(),
                twilio: twilio.clone(),
                random: Rng::with_seed(seed ^ (user + 1) << 32),
                most: OBJECTS,
                pause: Duration::from_millis(60),
                done: 0,
            };
            tokio::spawn(load.run(stop.clone()))
        })
        .collect();

    let mut storm = Storm {
        world,
        random: Rng::with_seed(seed),
        running: [None, None],
        last_outage: Instant::now(),
        tally: Tally::default(),
    };
    let started = Instant::now();
    while twilio.counters().total(Operation::Create).committed < creates {
        storm.one().await;
        // Some live for longer than the window of a lost reply.
        let calm = storm.random.u64(200..2500);
        tokio::time::sleep(Duration::from_millis(calm)).await;
        assert!(started.elapsed() < Duration::from_hours(2), "{:?}", storm.tally);
    }
    stop.cancel();
    let mut done = 0;
    for user in users {
        done += user.await.unwrap().done;
    }
    println!("seed {seed}: {done} things done in {:?}; {:?}", started.elapsed(), storm.tally);
    let Storm { mut world, running, .. } = storm;
    drop(running);
    world.simulator.clear_faults();
    world.start_operator(&[SCALE, OFTEN]).await;
    let verdict = Verdict::of(&world).await;
    verdict.assert_good();
    assert!(verdict.made as u64 >= creates, "{verdict:?}");
}
