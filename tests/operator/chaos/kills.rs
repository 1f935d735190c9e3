//! A process that is killed two hundred times.

use std::time::Duration;

use fastrand::Rng;
use twilio_conversations_simulator::{Control, Fault, FaultRule, Operation};

use super::load::{Load, Users};
use super::verdict::Verdict;
use super::{OFTEN, SCALE};
use crate::support::World;

const KILLS: usize = 200;

#[tokio::test]
async fn two_hundred_kills_under_load_leave_no_duplicate_and_no_leak_and_touch_nothing_of_others() {
    let mut world = World::new().await;
    let twilio: &Control = &world.simulator;
    twilio
        .add_fault(FaultRule::new(Fault::reset_after_commit()).on(Operation::Create).with_probability(0.05));
    twilio.add_fault(
        FaultRule::new(Fault::error_after_commit(500)).on(Operation::Create).with_probability(0.05),
    );
    // Long enough for kills to fall between a request and its reply.
    twilio.add_fault(FaultRule::new(Fault::delay_after_commit(20)));
    let seed = 4;
    let users = Users::start(&world, seed, 1, Load { objects: 16, deletes: true });

    let mut random = Rng::with_seed(seed);
    for _ in 0..KILLS {
        world.spawn_operator(&[SCALE, OFTEN]);
        // Most die young; some live for longer than the window of a lost reply.
        let life = if random.u32(0..10) == 0 { random.u64(1500..2500) } else { random.u64(100..600) };
        tokio::time::sleep(Duration::from_millis(life)).await;
        world.kill_operator();
    }
    let done = users.stop().await;
    let journal = world.simulator.counters();
    println!(
        "{done} things done by users and outsiders, {} creates",
        journal.total(Operation::Create).requests
    );
    world.simulator.clear_faults();

    world.start_operator(&[SCALE, OFTEN]).await;
    let verdict = Verdict::of(&world).await;
    verdict.assert_good();
    // Enough happened to mean something.
    assert!(verdict.made > 60, "{verdict:?}");
    assert!(done > 500, "{done} things were done");
}
