//! A Twilio that does not answer, and the time after.

use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;

use super::world::*;
use crate::lanes::breaker::{Change, Stand};
use crate::lanes::closed::ClosedBy;
use crate::lanes::heard::Heard;
use crate::lanes::lane::{Answer, Errand};

const NOW: Duration = Duration::from_secs(100);

/// Trouble with one conversation, or two, says nothing about the account.
#[test]
fn failures_about_few_conversations_do_not_close_the_lane_to_the_others() {
    let mut lane = lane(5);
    for failure in 0..100 {
        assert_eq!(lane.hear(Heard::NoAnswer { topic: Some(failure % 2) }, NOW, NOW), None);
    }
    assert_eq!(lane.hear(Heard::NoAnswer { topic: Some(2) }, NOW, NOW), Some(Change::Opened));
}

/// The proof of an account is about no conversation: where it is never answered, nothing else is asked.
#[test]
fn failures_about_the_account_itself_close_its_lane() {
    let mut lane = lane(5);
    for _ in 0..4 {
        assert_eq!(lane.hear(Heard::NoAnswer { topic: None }, NOW, NOW), None);
    }
    assert_eq!(lane.hear(Heard::NoAnswer { topic: None }, NOW, NOW), Some(Change::Opened));
}

/// A proxy's page or certificate is no word of Twilio's: objects say what is wrong with it, each for itself.
#[test]
fn what_somebody_in_between_says_neither_opens_a_breaker_nor_closes_it() {
    let mut lane = lane(5);
    for _ in 0..100 {
        assert_eq!(lane.hear(Heard::Unclear, NOW, NOW), None);
    }
    for _ in 0..4 {
        assert_eq!(lane.hear(no_answer(), NOW, NOW), None);
    }
    assert_eq!(lane.hear(Heard::Unclear, NOW, NOW), None);
    assert_eq!(lane.hear(no_answer(), NOW, NOW), Some(Change::Opened));
    assert_eq!(lane.hear(Heard::Unclear, NOW, NOW), None);
    assert_ne!(lane.stand(), Stand::Closed);
}

#[test]
fn five_in_a_row_without_an_answer_open_the_breaker_and_any_answer_breaks_the_row() {
    for answer in [Heard::Answered, REFUSED] {
        let mut lane = lane(5);
        for _ in 0..4 {
            assert_eq!(lane.hear(no_answer(), NOW, NOW), None);
        }
        lane.hear(answer, NOW, NOW);
        for _ in 0..4 {
            assert_eq!(lane.hear(no_answer(), NOW, NOW), None);
        }
        assert_eq!(lane.stand(), Stand::Closed);
        assert_eq!(lane.hear(no_answer(), NOW, NOW), Some(Change::Opened));
        assert_eq!(lane.stand(), Stand::Open);
    }
}

#[test]
fn an_open_breaker_sends_away_at_once_who_comes_and_who_waits() {
    let mut lane = lane(1);
    let _inside = admitted(try_enter(&mut lane, Errand::First, NOW));
    let calls = Rc::default();
    let first = lane.join(Errand::First, Bell::new(1, &calls));
    let second = lane.join(Errand::First, Bell::new(2, &calls));
    break_down(&mut lane, NOW);
    let told = closed(try_enter(&mut lane, Errand::First, NOW));
    assert_eq!(told.why, ClosedBy::NoAnswer);
    assert!(told.until >= secs(30) && told.until <= secs(36), "{told:?}");
    calls.borrow_mut().clear();
    closed(lane.ask(first, Errand::First, NOW));
    assert_eq!(calls.borrow_mut().pop_front(), Some(2), "one after the other");
    closed(lane.ask(second, Errand::First, NOW));
}

#[test]
fn one_probe_goes_out_in_each_interval() {
    let mut lane = lane(5);
    break_down(&mut lane, NOW);
    let mut now = NOW;
    for _ in 0..20 {
        let until = closed(try_enter(&mut lane, Errand::Retry, now)).until;
        assert!(until >= secs(30) && until <= secs(36), "{until:?}");
        closed(try_enter(&mut lane, Errand::First, just_before(now + until)));
        now += until;
        let probe = admitted(try_enter(&mut lane, Errand::Retry, now));
        assert!(probe.probe.is_some());
        assert_eq!(lane.stand(), Stand::Probing);
        closed(try_enter(&mut lane, Errand::First, now));
        lane.hear(no_answer(), now, now);
        lane.release(&probe, now);
        assert_eq!(lane.stand(), Stand::Open);
    }
}

#[test]
fn a_probe_that_sent_nothing_is_given_back() {
    let mut lane = lane(5);
    break_down(&mut lane, NOW);
    let due = NOW + secs(40);
    let probe = admitted(try_enter(&mut lane, Errand::First, due));
    closed(try_enter(&mut lane, Errand::First, due));
    lane.release(&probe, due);
    let probe = admitted(try_enter(&mut lane, Errand::First, due));
    lane.hear(no_answer(), just_before(due), due + secs(1));
    lane.release(&probe, due + secs(1));
    let probe = admitted(try_enter(&mut lane, Errand::First, due + secs(1)));
    assert!(probe.probe.is_some(), "what was sent before the probe was not it");
}

#[test]
fn a_probe_that_takes_for_ever_does_not_keep_the_next_one_back_nor_gives_it_away() {
    let mut lane = lane(5);
    break_down(&mut lane, NOW);
    let stuck = admitted(try_enter(&mut lane, Errand::First, NOW + secs(40)));
    let probe = admitted(try_enter(&mut lane, Errand::First, NOW + secs(80)));
    lane.release(&stuck, NOW + secs(81));
    closed(try_enter(&mut lane, Errand::First, NOW + secs(81)));
    lane.release(&probe, NOW + secs(82));
    let _probe = admitted(try_enter(&mut lane, Errand::First, NOW + secs(82)));
}

#[test]
fn what_was_sent_before_an_outage_says_nothing_about_its_end_nor_what_was_sent_in_it_about_the_time_after() {
    let mut lane = lane(5);
    break_down(&mut lane, NOW);
    assert_eq!(lane.hear(Heard::Answered, just_before(NOW), NOW + secs(1)), None);
    assert_eq!(lane.stand(), Stand::Open);
    let due = NOW + secs(40);
    let _probe = admitted(try_enter(&mut lane, Errand::First, due));
    assert_eq!(lane.hear(Heard::Answered, due, due + secs(1)), Some(Change::Closed));
    for _ in 0..10 {
        lane.hear(no_answer(), due, due + secs(2));
    }
    assert_eq!(lane.stand(), Stand::Closed);
}

#[test]
fn any_answer_to_the_probe_closes_the_breaker_and_traffic_starts_slowly_with_a_full_retry_budget() {
    for answer in [Heard::Answered, REFUSED] {
        let mut lane = lane(5);
        break_down(&mut lane, NOW);
        let due = NOW + secs(36);
        for _ in 0..20 {
            lane.hear(REFUSED, just_before(NOW), due);
        }
        let probe = admitted(try_enter(&mut lane, Errand::Retry, due));
        assert_eq!(lane.hear(answer, due, due), Some(Change::Closed));
        lane.release(&probe, due);
        assert_eq!(lane.width(), 1);
        let _inside = admitted(try_enter(&mut lane, Errand::Retry, due));
        assert_eq!(try_enter(&mut lane, Errand::First, due), Answer::Wait(None));
    }
}

#[test]
fn a_parked_lane_is_not_probed() {
    let mut lane = lane(5);
    lane.hear(Heard::RateLimited { retry_after: Some(secs(600)), concurrent: None }, NOW, NOW);
    break_down(&mut lane, NOW);
    assert_eq!(closed(try_enter(&mut lane, Errand::First, NOW + secs(100))).until, secs(500));
    let _probe = admitted(try_enter(&mut lane, Errand::First, NOW + secs(600)));
}

#[test]
fn the_budget_holds_for_a_probe_too() {
    let mut lane = lane(1);
    let inside = admitted(try_enter(&mut lane, Errand::First, NOW));
    break_down(&mut lane, NOW);
    let due = NOW + secs(36);
    let told = closed(try_enter(&mut lane, Errand::First, due));
    assert_eq!((told.why, told.until), (ClosedBy::NoAnswer, secs(3)));
    lane.release(&inside, due);
    let _probe = admitted(try_enter(&mut lane, Errand::First, due));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_outage_costs_one_request_per_interval_and_its_end_brings_no_storm(
        ceiling in 1_usize..20,
        workers in 1_usize..60,
        starts in 1_u64..60,
        lasts in 60_u64..1_200,
        silence in 1_u64..15_000,
    ) {
        let (starts, ends) = (secs(starts), secs(starts + lasts));
        let mut world = World::new(limits(ceiling), workers, true, |now, _| {
            if now >= starts && now < ends {
                (no_answer(), millis(silence))
            } else {
                (Heard::Answered, millis(200))
            }
        });
        world.run_until(ends + secs(1_200));
        let during: Vec<_> = world.sent.iter().filter(|sent| matches!(sent.heard, Heard::NoAnswer { .. })).collect();
        // Those that made the outage known, and those that were under way with them.
        let first = during.len().min(4 + ceiling);
        for pair in during[first..].windows(2) {
            prop_assert!(pair[1].at >= pair[0].at + secs(30), "{pair:?}");
        }
        // The first to be answered is alone, and no more follow than answers have earned.
        let after: Vec<_> = world.sent.iter().filter(|sent| sent.at >= ends).collect();
        for (before, sent) in after.iter().enumerate() {
            let earned = u32::try_from(before).unwrap() + 1;
            if during.len() > 4 + ceiling {
                prop_assert!(sent.in_flight <= sent.width.min(earned), "{sent:?}");
            }
        }
        prop_assert!(!after.is_empty());
        prop_assert_eq!(world.lane.stand(), Stand::Closed);
    }
}

#[test]
fn after_an_outage_a_lane_comes_back_to_its_ceiling() {
    let outage = secs(10)..secs(610);
    let mut world = World::new(limits(5), 40, true, |now, _| {
        if outage.contains(&now) { (no_answer(), secs(15)) } else { (Heard::Answered, millis(200)) }
    });
    world.run_until(secs(1_300));
    let during = world.sent.iter().filter(|sent| outage.contains(&sent.at)).count();
    println!("{during} requests in an outage of 600 s");
    assert!(during <= 9 + 600 / 30, "{during}");
    let retries = world.sent.iter().filter(|sent| sent.errand == Errand::Retry).count();
    assert!(retries > 0);
    assert_eq!(world.lane.width(), 5);
}
