//! Every fault, as a client meets it, and what it leaves behind.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::fixture::*;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use twilio_conversations_simulator::{Fault, FaultRule, Garble, Operation, Outcome, Silence};

/// Sends a create over a plain socket; what comes back until the end of the connection.
async fn raw_create(world: &World) -> std::io::Result<Vec<u8>> {
    let mut stream = send_raw_create(world).await;
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.map(|_| received)
}

async fn send_raw_create(world: &World) -> TcpStream {
    let body =
        "Target=webhook&Configuration.Url=https%3A%2F%2Fa.example.com&Configuration.Filters=onMessageAdded";
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        webhooks(CONVERSATION),
        basic(&ACCOUNT.to_string(), TOKEN),
        body.len(),
    );
    let mut stream = TcpStream::connect(world.simulator.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

fn arm(world: &World, fault: Fault) {
    world.simulator.clear_faults();
    world.simulator.add_fault(FaultRule::new(fault).once());
}

#[tokio::test]
async fn duty_4_500_503_and_409_come_before_or_after_the_commit() {
    let world = World::start().await;
    arm(&world, Fault::error(503, 20503));
    assert_eq!(Reply::of(world.try_create().await.unwrap()).await.error(), (503, 20503));
    assert_eq!(world.alive(), 0);
    arm(&world, Fault::error_after_commit(500));
    assert_eq!(Reply::of(world.try_create().await.unwrap()).await.error(), (500, 20500));
    assert_eq!(world.alive(), 1);
    arm(&world, Fault::error(409, 50391));
    assert_eq!(Reply::of(world.try_create().await.unwrap()).await.error(), (409, 50391));
}

#[tokio::test]
async fn duty_4_connection_reset_before_or_after_the_commit_is_a_tcp_reset() {
    let world = World::start().await;
    for (fault, alive) in [(Fault::reset(), 0), (Fault::reset_after_commit(), 1)] {
        arm(&world, fault);
        assert_eq!(raw_create(&world).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(world.alive(), alive);
    }
    let entries = world.simulator.journal();
    assert_eq!(entries.iter().map(|entry| entry.committed).collect::<Vec<_>>(), [false, true]);
    assert!(entries.iter().all(|entry| entry.outcome == Outcome::Reset && entry.status.is_none()));
    arm(&world, Fault::reset());
    assert!(world.try_create().await.is_err());
}

#[tokio::test]
async fn a_close_is_an_end_without_a_byte() {
    let world = World::start().await;
    for (commit, alive) in [(false, 0), (true, 1)] {
        arm(&world, Fault::Close { commit });
        assert_eq!(raw_create(&world).await.unwrap(), b"");
        assert_eq!(world.alive(), alive);
    }
}

#[tokio::test]
async fn a_hang_says_nothing() {
    let world = World::start().await;
    for (fault, alive) in [(Fault::hang(), 0), (Fault::hang_after_commit(), 1)] {
        arm(&world, fault);
        let mut stream = send_raw_create(&world).await;
        eventually(|| world.simulator.journal().last().is_some_and(|entry| entry.outcome == Outcome::Hung))
            .await;
        assert!(timeout(Duration::from_millis(50), stream.read_u8()).await.is_err());
        assert_eq!(world.alive(), alive);
        world.simulator.clear_journal();
    }
}

#[tokio::test]
async fn a_delay_before_the_commit_outlives_its_client() {
    let world = World::start().await;
    arm(&world, Fault::delay_before_commit(500));
    let stream = send_raw_create(&world).await;
    eventually(|| world.simulator.journal().len() == 1).await;
    drop(stream);
    assert_eq!(world.alive(), 0);
    eventually(|| world.alive() == 1).await;
}

#[tokio::test]
async fn duty_4_slow_answers_come_after_the_commit() {
    let world = World::start().await;
    arm(&world, Fault::delay_after_commit(500));
    let started = Instant::now();
    let request = tokio::spawn(
        world.request(http::Method::POST, &webhooks(CONVERSATION)).form(&webhook_form(BOT)).send(),
    );
    eventually(|| world.alive() == 1).await;
    assert!(!request.is_finished());
    assert_eq!(request.await.unwrap().unwrap().status(), 201);
    assert!(started.elapsed() >= Duration::from_millis(500));
}

#[tokio::test]
async fn a_late_commit_comes_after_the_client_was_lost() {
    let world = World::start().await;
    for (connection, alive) in [(Silence::Reset, 1), (Silence::Close, 2), (Silence::Hang, 3)] {
        arm(&world, Fault::LateCommit { after_ms: 500, connection });
        match connection {
            Silence::Reset => {
                assert_eq!(raw_create(&world).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
            }
            Silence::Close => assert_eq!(raw_create(&world).await.unwrap(), b""),
            Silence::Hang => assert!(timeout(Duration::from_millis(50), raw_create(&world)).await.is_err()),
        }
        assert_eq!(world.alive(), alive - 1);
        eventually(|| world.alive() == alive).await;
    }
    eventually(|| world.simulator.journal().iter().all(|entry| entry.committed)).await;
    assert_eq!(world.simulator.counters().of(ACCOUNT, Operation::Create).committed, 3);
}

#[tokio::test]
async fn a_late_commit_that_twilio_would_refuse_commits_nothing() {
    let world = World::start().await;
    arm(&world, Fault::late_commit(300));
    assert!(raw_create(&world).await.is_err());
    world.simulator.fill_slots(CONVERSATION).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.alive(), 5);
    assert!(!world.simulator.journal()[0].committed);
}

#[tokio::test]
async fn a_reset_of_the_simulator_keeps_late_commits_out() {
    let world = World::start().await;
    arm(&world, Fault::late_commit(300));
    assert!(raw_create(&world).await.is_err());
    world.simulator.reset().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.alive(), 0);
}

#[tokio::test]
async fn duty_4_stale_list_shows_the_past() {
    let world = World::start().await;
    let old = world.create(BOT).await;
    world.simulator.advance_clock(Duration::from_mins(10));
    let new = world.create(BOT).await;
    world.delete(&webhook(old)).await;
    world.simulator.add_fault(FaultRule::new(Fault::stale_list(300_000)).on(Operation::List));
    assert_eq!(world.listed().await, [old]);
    world.simulator.clear_faults();
    world.simulator.add_fault(FaultRule::new(Fault::stale_list(u64::MAX)).on(Operation::List));
    assert_eq!(world.listed().await, []);
    world.simulator.clear_faults();
    assert_eq!(world.listed().await, [new]);
}

#[tokio::test]
async fn a_stale_list_shows_what_a_webhook_did_before_its_edit() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    world.simulator.advance_clock(Duration::from_mins(10));
    world.post(&webhook(sid), &[("Configuration.Url", "https://new.example.com")]).await;
    arm(&world, Fault::stale_list(300_000));
    let reply = world.get(&webhooks(CONVERSATION)).await;
    assert_eq!(reply.json["webhooks"][0]["configuration"]["url"], BOT);
}

#[tokio::test]
async fn answers_that_are_not_what_they_should_be() {
    let world = World::start().await;
    world.create(BOT).await;
    let list = || world.request(http::Method::GET, &webhooks(CONVERSATION)).send();

    arm(&world, Fault::garbled(Garble::NotJson));
    let response = list().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(serde_json::from_slice::<serde_json::Value>(&response.bytes().await.unwrap()).is_err());

    arm(&world, Fault::garbled(Garble::Html));
    let response = list().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-type"].as_bytes()),
        (200, &b"text/html"[..])
    );

    arm(&world, Fault::garbled(Garble::Truncated));
    let response = list().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());

    arm(&world, Fault::garbled(Garble::Huge { bytes: 3_000_001 }));
    assert_eq!(list().await.unwrap().bytes().await.unwrap().len(), 3_000_001);

    arm(
        &world,
        Fault::Garbled {
            reply: Garble::Redirect { status: 307, location: "http://127.0.0.1:1/".into() },
            commit: false,
        },
    );
    let response = list().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["location"].as_bytes()),
        (307, &b"http://127.0.0.1:1/"[..])
    );

    arm(&world, Fault::garbled(Garble::OtherAccount { account: OTHER_ACCOUNT }));
    let reply = Reply::of(list().await.unwrap()).await;
    assert_eq!(reply.json["webhooks"][0]["account_sid"], json!(OTHER_ACCOUNT));

    arm(
        &world,
        Fault::garbled(Garble::Custom { status: 418, content_type: "text/plain".into(), body: "tea".into() }),
    );
    let response = list().await.unwrap();
    assert_eq!((response.status().as_u16(), &*response.bytes().await.unwrap()), (418, &b"tea"[..]));
}

#[tokio::test]
async fn a_list_can_go_on_for_ever() {
    let world = World::start().await;
    world.simulator.add_fault(FaultRule::new(Fault::garbled(Garble::EndlessPages)).on(Operation::List));
    let mut url = world.url(&webhooks(CONVERSATION));
    for page in 0..20 {
        let response = world.client.get(&url).basic_auth(ACCOUNT, Some(TOKEN)).send().await.unwrap();
        let reply = Reply::of(response).await;
        assert_eq!((reply.status, &reply.json["meta"]["page"]), (200, &json!(page)));
        url = reply.json["meta"]["next_page_url"].as_str().unwrap().to_owned();
    }
}

#[tokio::test]
async fn a_garbled_answer_to_a_create_still_creates_unless_told_otherwise() {
    let world = World::start().await;
    arm(&world, Fault::garbled(Garble::Html));
    world.try_create().await.unwrap();
    assert_eq!(world.alive(), 1);
    arm(&world, Fault::Garbled { reply: Garble::Html, commit: false });
    world.try_create().await.unwrap();
    assert_eq!(world.alive(), 1);
}

#[tokio::test]
async fn a_rule_says_what_it_has_done_and_strikes_nobody_else() {
    let world = World::start().await;
    let rule = FaultRule::new(Fault::error(500, 20500)).on(Operation::Create).account(OTHER_ACCOUNT);
    let other = world.simulator.add_fault(rule);
    let ours =
        world.simulator.add_fault(FaultRule::new(Fault::reset()).on(Operation::Delete).after(1).once());
    let (a, b) = (world.create(BOT).await, world.create(BOT).await);
    assert_eq!(world.delete(&webhook(a)).await.status, 204);
    assert!(world.request(http::Method::DELETE, &webhook(b)).send().await.is_err());
    let statuses = world.simulator.faults();
    assert_eq!((statuses[0].id, statuses[0].seen, statuses[0].struck), (other, 0, 0));
    assert_eq!((statuses[1].id, statuses[1].seen, statuses[1].struck), (ours, 2, 1));
    assert_eq!(world.simulator.journal().last().unwrap().fault, Some(ours));
    world.simulator.remove_fault(other).unwrap();
    assert!(world.simulator.remove_fault(other).is_err());
}

#[tokio::test]
async fn a_hanging_request_does_not_delay_the_end() {
    let world = World::start().await;
    arm(&world, Fault::hang());
    let _stream = send_raw_create(&world).await;
    eventually(|| world.simulator.journal().last().is_some_and(|entry| entry.outcome == Outcome::Hung)).await;
    let started = Instant::now();
    world.simulator.stop().await;
    assert!(started.elapsed() < Duration::from_secs(1));
}
