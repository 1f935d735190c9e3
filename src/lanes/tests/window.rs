//! How wide a lane is.

use std::time::Duration;

use proptest::prelude::*;

use super::world::*;
use crate::lanes::window::Window;

const AVOID: Duration = Duration::from_mins(1);

/// Answers until the window is wider, at most `most`.
fn answers_until_wider(window: &mut Window, now: Duration, most: u32) -> Option<u32> {
    let before = window.width();
    (1..=most).find(|_| {
        window.answered(now, now, AVOID);
        window.width() > before
    })
}

#[test]
fn a_window_starts_at_its_ceiling_and_is_halved_down_to_one() {
    let mut window = Window::new(5);
    let mut widths = vec![window.width()];
    for second in 1..=4 {
        window.rate_limited(secs(second), secs(second), None);
        widths.push(window.width());
    }
    assert_eq!(widths, [5, 2, 1, 1, 1]);
}

#[test]
fn one_burst_of_429s_halves_the_window_once() {
    let mut window = Window::new(20);
    for n in 0..20 {
        window.rate_limited(secs(1), secs(2) + millis(n), None);
    }
    assert_eq!(window.width(), 10);
    window.rate_limited(secs(2) + millis(1), secs(3), None);
    assert_eq!(window.width(), 5, "sent at the new width");
}

#[test]
fn a_window_grows_by_one_with_as_many_answers_in_a_row_as_it_is_wide() {
    let mut window = Window::new(20);
    window.rate_limited(secs(1), secs(1), None);
    assert_eq!(window.width(), 10);
    assert_eq!(answers_until_wider(&mut window, secs(2), 100), Some(10));
    assert_eq!(answers_until_wider(&mut window, secs(2), 100), Some(11));
    for _ in 0..11 {
        window.answered(secs(2), secs(2), AVOID);
    }
    window.unanswered();
    assert_eq!(answers_until_wider(&mut window, secs(2), 100), Some(12), "a failure breaks the row");
}

#[test]
fn answers_to_what_was_sent_before_a_cut_do_not_widen_the_window_again() {
    let mut window = Window::new(4);
    window.rate_limited(secs(1), secs(2), None);
    for _ in 0..10 {
        window.answered(secs(1), secs(3), AVOID);
    }
    assert_eq!(window.width(), 2);
}

#[test]
fn a_width_that_drew_a_429_is_reached_again_after_a_minute_at_the_earliest() {
    let mut window = Window::new(5);
    window.rate_limited(secs(0), secs(0), None);
    while answers_until_wider(&mut window, secs(1), 100).is_some() {}
    assert_eq!(window.width(), 4);
    assert_eq!(answers_until_wider(&mut window, millis(59_999), 100), None);
    assert_eq!(answers_until_wider(&mut window, secs(60), 100), Some(4));

    window.rate_limited(secs(61), secs(61), None);
    while answers_until_wider(&mut window, secs(62), 100).is_some() {}
    assert_eq!(window.width(), 4);
    assert_eq!(answers_until_wider(&mut window, secs(120), 100), None, "a minute from the last 429");
    assert_eq!(answers_until_wider(&mut window, secs(121), 100), Some(4));
}

#[test]
fn an_outage_does_not_shorten_the_time_for_which_a_width_is_avoided() {
    let mut window = Window::new(5);
    window.rate_limited(secs(0), secs(0), None);
    while answers_until_wider(&mut window, secs(60), 100).is_some_and(|_| window.width() < 5) {}
    assert_eq!(window.width(), 5, "reached again");
    window.restart(secs(61));
    while answers_until_wider(&mut window, secs(62), 100).is_some() {}
    assert_eq!(window.width(), 4);
    assert_eq!(answers_until_wider(&mut window, secs(120), 100), Some(4));
}

#[test]
fn a_narrowest_window_that_drew_a_429_stays_for_a_minute() {
    let mut window = Window::new(5);
    window.rate_limited(secs(0), secs(0), None);
    window.rate_limited(secs(1), secs(1), None);
    window.rate_limited(secs(2), secs(2), None);
    assert_eq!(answers_until_wider(&mut window, secs(61), 100), None);
    assert_eq!(answers_until_wider(&mut window, secs(62), 100), Some(1));
}

#[test]
fn a_width_that_holds_for_a_whole_window_is_not_avoided_any_more() {
    let mut window = Window::new(100);
    window.rate_limited(secs(0), secs(0), Some(8));
    window.rate_limited(secs(1), secs(1), None);
    assert_eq!(window.width(), 2);
    assert_eq!(answers_until_wider(&mut window, secs(2), 100), Some(2));
    assert_eq!(answers_until_wider(&mut window, secs(2), 100), None, "4 drew a 429");
    assert!(answers_until_wider(&mut window, secs(61), 100).is_some());
    assert_eq!(answers_until_wider(&mut window, secs(61), 100), Some(4));
    assert_eq!(answers_until_wider(&mut window, secs(61), 100), Some(5));
}

#[test]
fn what_twilio_counts_in_flight_trims_the_window_to_half_of_it() {
    for (concurrent, width) in [(100, 10), (20, 10), (9, 4), (2, 1), (1, 1), (0, 1)] {
        let mut window = Window::new(20);
        window.rate_limited(secs(1), secs(1), Some(concurrent));
        assert_eq!(window.width(), width, "{concurrent} in flight");
    }
}

#[test]
fn a_restarted_window_is_as_narrow_as_can_be_and_grows_with_what_was_sent_since() {
    let mut window = Window::new(5);
    window.restart(secs(10));
    window.answered(secs(9), secs(11), AVOID);
    assert_eq!(window.width(), 1);
    for answers in 1..5 {
        assert_eq!(answers_until_wider(&mut window, secs(10), 100), Some(answers));
    }
    assert!(window.is_as_new());
}

proptest! {
    #[test]
    fn whatever_happens_the_window_stays_between_one_and_its_ceiling_and_ends_there(
        ceiling in 1_u32..30,
        events in prop::collection::vec((0_u8..4, 0_u64..5_000, 0_u64..5_000, prop::option::of(0_u32..100)), 0..200),
    ) {
        let mut window = Window::new(ceiling);
        let mut now = Duration::ZERO;
        for (event, step, ago, concurrent) in events {
            now += millis(step);
            let sent = now.saturating_sub(millis(ago));
            let before = window.width();
            match event {
                0 => window.rate_limited(sent, now, concurrent),
                1 => window.unanswered(),
                2 if step % 10 == 0 => window.restart(now),
                _ => window.answered(sent, now, AVOID),
            }
            prop_assert!((1..=ceiling).contains(&window.width()));
            prop_assert!(window.width() <= before + 1);
            if let (0, Some(concurrent)) = (event, concurrent) {
                prop_assert!(window.width() <= (concurrent / 2).max(1));
            }
        }
        // From any state, with nothing but answers, it takes minutes.
        for _ in 0..1_000 {
            now += millis(500);
            window.answered(now, now, AVOID);
        }
        prop_assert_eq!(window.width(), ceiling);
    }
}
