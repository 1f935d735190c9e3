//! A busy lane over long times.

use std::time::Duration;

use proptest::prelude::*;

use super::world::*;
use crate::lanes::heard::Heard;

/// A Twilio that refuses what would be more than `most` at once; refusals come as slowly as answers.
fn at_most(most: u32, latency: Duration) -> impl FnMut(Duration, u32) -> (Heard, Duration) {
    move |_, others| (if others >= most { REFUSED } else { Heard::Answered }, latency)
}

/// Which part of the requests since `since` got a 429.
fn share<T>(world: &World<T>, since: Duration) -> f64 {
    let sent: Vec<_> = world.sent.iter().filter(|sent| sent.at >= since).collect();
    let refused = sent.iter().filter(|sent| sent.heard == REFUSED).count();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let share = refused as f64 / sent.len() as f64;
    share
}

#[test]
fn a_lane_that_always_answers_is_used_to_its_ceiling() {
    let mut world = World::new(limits(5), 30, true, |_, _| (Heard::Answered, millis(100)));
    world.run_until(secs(10));
    assert_eq!(world.lane.width(), 5);
    assert!(world.sent.len() > 480, "{} requests in 10 s", world.sent.len());
}

#[test]
fn what_twilio_allows_is_used() {
    for most in 1..5_u32 {
        let mut world = World::new(limits(5), 30, false, at_most(most, millis(200)));
        world.run_until(secs(900));
        let answered = world.sent.iter().filter(|sent| sent.heard == Heard::Answered).count();
        let possible = 900 * 5 * most as usize;
        assert!(answered * 100 > possible * 97, "{most}: {answered} of {possible}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_more_than_one_in_fifty_requests_gets_a_429_once_the_limit_is_known(
        ceiling in 2_usize..20,
        most in 1_u32..20,
        latency in 100_u64..1_000,
    ) {
        let mut world = World::new(limits(ceiling), 40, false, at_most(most, millis(latency)));
        world.run_until(secs(900));
        let learning = world.sent.iter().filter(|sent| sent.at < secs(60) && sent.heard == REFUSED);
        prop_assert!(learning.count() <= 2 * ceiling);
        prop_assert!(share(&world, secs(60)) < 0.02, "{}", share(&world, secs(60)));
    }

    #[test]
    fn nothing_is_sent_before_twilio_wants_it(
        retry_after in 1_u64..120,
        every in 2_u32..50,
        ceiling in 1_usize..8,
    ) {
        let wait = secs(retry_after);
        let mut number = 0;
        let mut world = World::new(limits(ceiling), 20, true, |_, _| {
            number += 1;
            let refused = Heard::RateLimited { retry_after: Some(wait), concurrent: None };
            (if number % every == 0 { refused } else { Heard::Answered }, millis(100))
        });
        world.run_until(secs(1_800));
        let parks = world.sent.iter().filter(|sent| sent.heard != Heard::Answered);
        for refused in parks {
            let heard = refused.at + millis(100);
            let early = world.sent.iter().find(|sent| sent.at > heard && sent.at < heard + wait);
            prop_assert!(early.is_none(), "{refused:?}, then {early:?}");
        }
        prop_assert!(world.sent.last().is_some_and(|sent| sent.at + wait * 4 + secs(30) > secs(1_800)));
    }
}
