//! Entering lanes for real, on the clock, with times scaled down.

use std::sync::Arc;
use std::time::Duration;

use futures::poll;
use tokio::time::Instant;

use super::world::{millis, new_topic, secs};
use crate::decide::Timing;
use crate::lanes::{Closed, ClosedBy, Errand, Lanes, Limits};
use crate::twilio::{Door, Exchange, Observer, Operation, Outcome, Region};

pub(super) fn account(n: u16) -> Door {
    Door { account: format!("AC{n:032x}").parse().unwrap(), region: Region::default(), edge: None }
}

/// Lanes in which a second takes `scale` seconds.
pub(super) fn lanes(ceiling: usize, scale: f64) -> Lanes {
    Lanes::new(Limits::new(ceiling, &Timing::REAL.scaled(scale)))
}

pub(super) fn hear(lanes: &Lanes, n: u16, outcome: Outcome, retry_after: Option<Duration>) {
    hear_after(lanes, n, outcome, retry_after, Duration::ZERO);
}

/// The same of a request that took so long.
fn hear_after(lanes: &Lanes, n: u16, outcome: Outcome, retry_after: Option<Duration>, duration: Duration) {
    lanes.observe(&Exchange {
        operation: Operation::ListWebhooks,
        door: &account(n),
        topic: Some(new_topic()),
        outcome,
        duration,
        concurrent_requests: None,
        retry_after,
    });
}

pub(super) fn break_down(lanes: &Lanes, n: u16) {
    for _ in 0..5 {
        hear(lanes, n, Outcome::Unanswered, None);
    }
}

const TOO_MANY: Outcome = Outcome::ApiError { status: 429, code: Some(20429) };

/// Whoever writes a Secret may name any account, and an edge that leads nowhere.
#[tokio::test]
async fn a_way_in_that_leads_nowhere_closes_no_other_of_the_account() {
    let lanes = lanes(2, 1.0);
    let nowhere = Door { edge: "nowhere".parse().ok(), ..account(1) };
    for _ in 0..5 {
        lanes.observe(&Exchange {
            operation: Operation::ListWebhooks,
            door: &nowhere,
            topic: Some(new_topic()),
            outcome: Outcome::NotSent,
            duration: Duration::ZERO,
            concurrent_requests: None,
            retry_after: None,
        });
    }
    // The first to ask may probe, the second may not.
    let _probe = lanes.enter(&nowhere, Errand::First).await;
    assert!(matches!(
        lanes.enter(&nowhere, Errand::First).await,
        Err(Closed { why: ClosedBy::NoAnswer, .. })
    ));
    assert!(lanes.enter(&account(1), Errand::First).await.is_ok());
}

#[tokio::test]
async fn a_full_lane_delays_its_own_account_only() {
    let lanes = lanes(2, 1.0);
    let first = lanes.enter(&account(1), Errand::First).await.unwrap();
    let _second = lanes.enter(&account(1), Errand::First).await.unwrap();
    drop(lanes.enter(&account(2), Errand::First).await.unwrap());
    let same = account(1);
    let mut third = Box::pin(lanes.enter(&same, Errand::First));
    assert!(poll!(&mut third).is_pending());
    drop(first);
    drop(third.await.unwrap());
}

#[tokio::test]
async fn those_in_line_enter_in_the_order_in_which_they_came() {
    let lanes = Arc::new(lanes(1, 1.0));
    let inside = lanes.enter(&account(1), Errand::First).await.unwrap();
    let same = account(1);
    let mut line: Vec<_> = (0..20).map(|_| Box::pin(lanes.enter(&same, Errand::First))).collect();
    for waiting in &mut line {
        assert!(poll!(waiting).is_pending());
    }
    drop(inside);
    while line.len() > 1 {
        let mut others = line.split_off(1);
        for waiting in &mut others {
            assert!(poll!(waiting).is_pending());
        }
        drop(line.remove(0).await.unwrap());
        line = others;
    }
}

#[tokio::test]
async fn a_cancelled_waiter_keeps_neither_its_place_nor_the_call_to_it() {
    let lanes = lanes(1, 1.0);
    let same = account(1);
    let inside = lanes.enter(&same, Errand::First).await.unwrap();
    let mut first = Box::pin(lanes.enter(&same, Errand::First));
    let mut second = Box::pin(lanes.enter(&same, Errand::First));
    let mut third = Box::pin(lanes.enter(&same, Errand::First));
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut second).is_pending());
    assert!(poll!(&mut third).is_pending());
    drop(second);
    // The first one is called and gives up before it looks.
    drop(inside);
    drop(first);
    drop(third.await.unwrap());
    drop(lanes.enter(&same, Errand::First).await.unwrap());
}

#[tokio::test]
async fn many_tasks_share_a_lane_and_each_gets_its_turn() {
    let lanes = Arc::new(lanes(3, 1.0));
    let inside = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let (lanes, inside) = (Arc::clone(&lanes), Arc::clone(&inside));
            tokio::spawn(async move {
                let same = account(1);
                let entered = lanes.enter(&same, Errand::First);
                if n % 7 == 0 {
                    // Gives up when others are waiting too.
                    tokio::select! {
                        biased;
                        permit = entered => drop(permit.unwrap()),
                        () = tokio::task::yield_now() => {}
                    }
                    return;
                }
                let permit = entered.await.unwrap();
                let now = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                assert!(now <= 3, "{now} inside");
                tokio::task::yield_now().await;
                inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                drop(permit);
            })
        })
        .collect();
    for task in tasks {
        tokio::time::timeout(secs(20), task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn one_accounts_outage_leaves_another_alone() {
    let lanes = lanes(2, 1.0);
    break_down(&lanes, 1);
    let closed = lanes.enter(&account(1), Errand::First).await.unwrap_err();
    assert_eq!(closed.why, ClosedBy::NoAnswer);
    assert!(closed.until > secs(29) && closed.until <= secs(36), "{closed:?}");
    drop(lanes.enter(&account(2), Errand::Retry).await.unwrap());
}

#[tokio::test]
async fn who_waits_when_an_outage_begins_is_sent_away() {
    let lanes = lanes(1, 1.0);
    let same = account(1);
    let _inside = lanes.enter(&same, Errand::First).await.unwrap();
    let mut line: Vec<_> = (0..10).map(|_| Box::pin(lanes.enter(&same, Errand::First))).collect();
    for waiting in &mut line {
        assert!(poll!(waiting).is_pending());
    }
    break_down(&lanes, 1);
    for waiting in line {
        let waiting = tokio::time::timeout(secs(20), waiting).await.unwrap();
        assert_eq!(waiting.unwrap_err().why, ClosedBy::NoAnswer);
    }
}

#[tokio::test]
async fn a_probe_ends_an_outage() {
    let lanes = lanes(5, 0.001);
    break_down(&lanes, 1);
    let permit = loop {
        match lanes.enter(&account(1), Errand::Retry).await {
            Ok(permit) => break permit,
            Err(Closed { until, .. }) => tokio::time::sleep(until).await,
        }
    };
    hear(&lanes, 1, Outcome::ApiError { status: 404, code: Some(20404) }, None);
    let same = account(1);
    let mut next = Box::pin(lanes.enter(&same, Errand::First));
    assert!(poll!(&mut next).is_pending(), "the window starts at one");
    drop(permit);
    drop(next.await.unwrap());
}

#[tokio::test]
async fn a_short_retry_after_is_waited_out_and_a_long_one_is_told() {
    let lanes = lanes(1, 1.0);
    hear(&lanes, 1, TOO_MANY, Some(millis(80)));
    let asked = Instant::now();
    drop(lanes.enter(&account(1), Errand::First).await.unwrap());
    assert!(asked.elapsed() >= millis(70), "{:?}", asked.elapsed());
    hear(&lanes, 1, TOO_MANY, Some(secs(60)));
    let closed = lanes.enter(&account(1), Errand::First).await.unwrap_err();
    assert_eq!(closed.why, ClosedBy::RateLimited);
    assert!(closed.until > secs(50) && closed.until <= secs(60), "{closed:?}");
}

#[tokio::test]
async fn who_waits_in_line_when_a_short_retry_after_comes_waits_it_out_even_if_others_give_up() {
    let lanes = lanes(1, 1.0);
    let same = account(1);
    let inside = lanes.enter(&same, Errand::First).await.unwrap();
    let mut first = Box::pin(lanes.enter(&same, Errand::First));
    let mut second = Box::pin(lanes.enter(&same, Errand::First));
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut second).is_pending());
    let asked = Instant::now();
    hear(&lanes, 1, TOO_MANY, Some(millis(80)));
    drop(inside);
    assert!(poll!(&mut first).is_pending());
    drop(first);
    drop(tokio::time::timeout(secs(20), second).await.unwrap().unwrap());
    assert!(asked.elapsed() >= millis(70), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn requests_that_were_in_flight_together_narrow_the_lane_once() {
    let lanes = lanes(8, 1.0);
    for _ in 0..8 {
        hear_after(&lanes, 1, TOO_MANY, None, secs(3_600));
    }
    let same = account(1);
    let mut inside = Vec::new();
    for _ in 0..4 {
        let entered = tokio::time::timeout(secs(20), lanes.enter(&same, Errand::First)).await;
        inside.push(entered.unwrap().unwrap());
    }
    assert!(poll!(Box::pin(lanes.enter(&same, Errand::First))).is_pending());
}

#[tokio::test]
async fn outcomes_without_an_answer_of_twilios_own_are_told_from_answers() {
    let api = |status| Outcome::ApiError { status, code: None };
    let opens =
        [Outcome::Unanswered, Outcome::NotSent, api(408), api(425), api(499), api(500), api(503), api(599)];
    let answers =
        [Outcome::Ok, Outcome::ForeignAccount, api(400), api(401), api(404), api(409), api(422), api(429)];
    let unclear = [Outcome::Unusable, Outcome::NotTrusted];
    let answers = answers.into_iter().chain(unclear);
    for (outcome, breaks) in
        opens.map(|outcome| (outcome, true)).into_iter().chain(answers.map(|outcome| (outcome, false)))
    {
        let lanes = lanes(2, 1.0);
        for _ in 0..5 {
            hear(&lanes, 1, outcome, None);
        }
        assert_eq!(lanes.enter(&account(1), Errand::First).await.is_err(), breaks, "{outcome:?}");
    }
}

#[tokio::test]
async fn lanes_of_tenants_that_are_gone_are_forgotten() {
    let lanes = lanes(2, 1.0);
    let kept = lanes.enter(&account(0), Errand::First).await.unwrap();
    break_down(&lanes, 1);
    for n in 2..1_000 {
        drop(lanes.enter(&account(n), Errand::First).await.unwrap());
    }
    let mut left = 0;
    lanes.shared.accounts.each(|_| left += 1);
    assert!(left <= 130, "{left} lanes");
    assert!(lanes.enter(&account(1), Errand::First).await.is_err(), "an outage is not forgotten");
    let _second = lanes.enter(&account(0), Errand::First).await.unwrap();
    let same = account(0);
    assert!(poll!(Box::pin(lanes.enter(&same, Errand::First))).is_pending(), "nor a place that is taken");
    drop(kept);
}
