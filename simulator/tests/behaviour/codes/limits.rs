//! Counts and rates that are exceeded.

use std::time::{Duration, Instant};

use super::*;
use twilio_conversations_simulator::{CountLimitStatus, Operation};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn code_50361_too_many_webhooks_with_either_status() {
    let world = World::start().await;
    for _ in 0..5 {
        world.create(BOT).await;
    }
    for (status, http) in [(CountLimitStatus::BadRequest, 400), (CountLimitStatus::Forbidden, 403)] {
        world.switch(|settings| settings.count_limit_status = status);
        assert_eq!(refused_create(&world, &webhook_form(BOT)).await, (http, 50361));
    }
    let freed = world.simulator.ledger().records()[2].sid;
    world.delete(&webhook(freed)).await;
    world.create(BOT).await;
}

#[tokio::test]
async fn code_20429_account_concurrency_exceeded() {
    let world = World::start().await;
    world.switch(|settings| settings.max_concurrent = Some(2));
    let slow = FaultRule::new(Fault::delay_after_commit(60_000)).on(Operation::ConversationFetch);
    world.simulator.add_fault(slow);
    let hold = || tokio::spawn(world.request(Method::GET, &conversation(CONVERSATION)).send());
    let first = hold();
    eventually(|| world.simulator.faults()[0].struck == 1).await;
    let admitted = world.get(&webhooks(CONVERSATION)).await;
    assert_eq!(
        (admitted.status, &admitted.headers["twilio-concurrent-requests"]),
        (200, &"2".parse().unwrap())
    );
    let second = hold();
    eventually(|| world.simulator.faults()[0].struck == 2).await;
    let request = || world.request(Method::POST, &webhooks(CONVERSATION)).form(&webhook_form(BOT));
    assert_eq!(refused(&world, request()).await, (429, 20429));
    let reply = Reply::to(request()).await;
    assert_eq!(reply.headers["twilio-concurrent-requests"], "3");
    assert!(!reply.headers.contains_key("retry-after"));
    let of_other =
        world.anonymous(Method::GET, "/v1/Configuration").basic_auth(OTHER_ACCOUNT, Some(OTHER_TOKEN));
    assert_eq!(Reply::to(of_other).await.status, 200, "each account has its own");
    assert!(!first.is_finished() && !second.is_finished());
}

#[tokio::test]
async fn duty_4_429_comes_with_and_without_retry_after() {
    let world = World::start().await;
    world.simulator.add_fault(FaultRule::new(Fault::too_many_requests()).once());
    assert_eq!(refused_create(&world, &webhook_form(BOT)).await, (429, 20429));
    world.simulator.add_fault(FaultRule::new(Fault::retry_after(3)).once());
    let reply = Reply::of(world.try_create().await.unwrap()).await;
    assert_eq!((reply.error(), &reply.headers["retry-after"]), ((429, 20429), &"3".parse().unwrap()));
}

/// The statuses of so many creates within one second, from the first to the last.
async fn burst(world: &World, path: &str, count: usize) -> Vec<u16> {
    let deadline = Instant::now() + 2 * SOON;
    loop {
        world.simulator.advance_clock(SECOND);
        let (started, mut statuses) = (Instant::now(), Vec::new());
        for _ in 0..count {
            statuses.push(world.post(path, &[]).await.status);
        }
        if started.elapsed() < SECOND {
            return statuses;
        }
        assert!(Instant::now() < deadline, "this machine is too slow for {count} requests a second");
    }
}

#[tokio::test]
async fn code_50063_actions_per_second_exceeded_per_conversation() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    world.switch(|settings| settings.max_changes_per_second = Some(0));
    let too_fast = (429, 50063);
    assert_eq!(refused_create(&world, &webhook_form(BOT)).await, too_fast);
    assert_eq!(refused_post(&world, &webhook(sid), &webhook_form(BOT)).await, too_fast);
    assert_eq!(refused_delete(&world, &webhook(sid)).await, too_fast);
    assert_eq!(refused_post(&world, &messages(CONVERSATION), &[]).await, too_fast);
    assert_eq!(refused_post(&world, &participants(CONVERSATION), &[("Identity", "ana")]).await, too_fast);
    assert_eq!(refused_post(&world, &conversation(CONVERSATION), &[]).await, too_fast);
    assert_eq!(world.listed().await, [sid], "reads are not limited");

    world.switch(|settings| settings.max_changes_per_second = Some(3));
    for _ in 0..2 {
        let statuses = burst(&world, &messages(CONVERSATION), 5).await;
        assert_eq!(statuses, [201, 201, 201, 429, 429], "anew each second");
    }
    world.switch(|settings| settings.max_changes_per_second = Some(1));
    world.simulator.advance_clock(SECOND);
    let elsewhere = format!("/v1/Services/{SERVICE}/Conversations/{IN_SERVICE}/Webhooks");
    for (path, form) in [(webhooks(CONVERSATION), webhook_form(BOT)), (elsewhere, webhook_form(BOT))] {
        assert_eq!(world.post(&path, &form).await.status, 201, "each conversation has its own");
    }
}

#[tokio::test]
async fn code_50063_actions_per_second_exceeded_per_service() {
    let world = World::start().await;
    world.switch(|settings| settings.max_changes_per_second = Some(0));
    assert_eq!(refused_post(&world, "/v1/Conversations", &[]).await, (429, 50063));
    assert_eq!(refused_delete(&world, &conversation(CONVERSATION)).await, (429, 50063));
    world.switch(|settings| settings.max_changes_per_second = Some(2));
    for _ in 0..2 {
        assert_eq!(burst(&world, "/v1/Conversations", 3).await, [201, 201, 429], "anew each second");
    }
    let other = format!("/v1/Services/{SERVICE}/Conversations");
    assert_eq!(world.post(&other, &[]).await.status, 201, "each service has its own");
    world.create(BOT).await;
}

#[tokio::test]
async fn code_50074_actions_per_second_exceeded_globally() {
    let world = World::start().await;
    let fault = Fault::TooManyRequests { retry_after: None, code: Some(50074) };
    world.simulator.add_fault(FaultRule::new(fault).once());
    assert_eq!(refused_create(&world, &webhook_form(BOT)).await, (429, 50074));
}
