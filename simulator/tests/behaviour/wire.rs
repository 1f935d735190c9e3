//! What clients do to a server on the wire: too much, too slowly, half of it, or nothing that is HTTP. Each is
//! bounded, and others go on being served.

use std::time::{Duration, Instant};

use crate::fixture::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use twilio_conversations_simulator::{Config, Outcome};

/// What must end has ended by then.
const PATIENCE: Duration = Duration::from_secs(5);

/// A world that waits no longer than this for a request.
const SHORT: Duration = Duration::from_millis(500);

async fn impatient() -> World {
    World::with(Config { read_timeout: SHORT, ..Config::from(seed()) }).await
}

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.simulator.address()).await.unwrap()
}

/// Sends that, and reads until the simulator ends the connection.
async fn raw(world: &World, request: &[u8]) -> String {
    let mut stream = connect(world).await;
    // What is refused early is not read to its end.
    let _ = stream.write_all(request).await;
    until_end(&mut stream).await
}

async fn until_end(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut received)).await;
    assert!(end.is_ok(), "the connection stays open: {}", String::from_utf8_lossy(&received));
    String::from_utf8_lossy(&received).into_owned()
}

/// The head of a request with the right credentials; each of `headers` ends with a line break.
fn head(method: &str, path: &str, headers: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nAuthorization: Basic {}\r\n{headers}\r\n",
        basic(&ACCOUNT.to_string(), TOKEN)
    )
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const CLOSE: &str = "Host: localhost\r\nConnection: close\r\n";

fn statuses(received: &str) -> Vec<&str> {
    received.split("HTTP/1.").skip(1).map(|reply| &reply[2..5]).collect()
}

async fn assert_serves(world: &World) {
    let served = timeout(PATIENCE, world.get("/v1/Configuration")).await;
    assert_eq!(served.map(|reply| reply.status), Ok(200));
}

#[tokio::test]
async fn a_head_that_takes_too_long_ends_its_connection_only() {
    let world = impatient().await;
    let mut slow = connect(&world).await;
    let started = Instant::now();
    let head = head("GET", "/v1/Configuration", &format!("{CLOSE}X-Long: {}\r\n", "x".repeat(2000)));
    let mut bytes = head.bytes();
    let cut_off = loop {
        let byte = bytes.next().unwrap();
        if slow.write_all(&[byte]).await.is_err() {
            break true;
        }
        let mut buffer = [0];
        match timeout(Duration::from_millis(5), slow.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => break true,
            Ok(Ok(_)) => break false,
            Err(_) => {}
        }
    };
    assert!(cut_off && started.elapsed() >= SHORT / 2, "{:?}", started.elapsed());
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    assert_serves(&world).await;
}

#[tokio::test]
async fn a_body_that_stalls_is_refused_and_ends_its_connection() {
    let world = impatient().await;
    let path = webhooks(CONVERSATION);
    for (length, start) in
        [("Content-Length: 100", "Target=webhook"), ("Transfer-Encoding: chunked", "e\r\nTarget")]
    {
        let request = head("POST", &path, &format!("Host: localhost\r\n{FORM}{length}\r\n"));
        let received = raw(&world, format!("{request}{start}").as_bytes()).await;
        assert_eq!(statuses(&received), ["400"], "{received}");
        assert!(received.contains("\"code\":20001"), "{received}");
    }
    assert_eq!(world.alive(), 0);
    assert_serves(&world).await;
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_refused() {
    let world = World::start().await;
    let header = format!("{CLOSE}X-Long: {}\r\n", "x".repeat(300_000));
    let received = raw(&world, head("GET", "/v1/Configuration", &header).as_bytes()).await;
    assert_eq!(statuses(&received), ["431"], "{received}");
    let many = format!("{CLOSE}{}", "X-Many: y\r\n".repeat(30_000));
    let received = raw(&world, head("GET", "/v1/Configuration", &many).as_bytes()).await;
    assert_eq!(statuses(&received), ["431"], "{received}");
    let path = format!("/v1/Conversations/{}", "x".repeat(300_000));
    let received = raw(&world, head("GET", &path, CLOSE).as_bytes()).await;
    assert!(matches!(statuses(&received)[..], ["414" | "431"]), "{received}");
    let endless = raw(&world, "x".repeat(300_000).as_bytes()).await;
    assert_eq!(statuses(&endless), ["431"], "{endless}");
    assert_serves(&world).await;
}

#[tokio::test]
async fn a_client_that_leaves_halfway_has_asked_for_nothing() {
    let world = World::start().await;
    let body =
        "Target=webhook&Configuration.Url=https%3A%2F%2Fa.example.com&Configuration.Filters=onMessageAdded";
    let headers = format!("{CLOSE}{FORM}Content-Length: {}\r\n", body.len());
    let request = format!("{}{body}", head("POST", &webhooks(CONVERSATION), &headers));
    let inside_of_body = request.len() - 10;
    for length in [0, 1, 30, request.len() - body.len() - 1, request.len() - body.len(), inside_of_body] {
        let mut stream = connect(&world).await;
        stream.write_all(&request.as_bytes()[..length]).await.unwrap();
        stream.shutdown().await.unwrap();
        let received = until_end(&mut stream).await;
        assert!(matches!(statuses(&received)[..], [] | ["400"]), "{length}: {received}");
    }
    assert_eq!(world.alive(), 0);
    assert_eq!(statuses(&raw(&world, request.as_bytes()).await), ["201"]);
    assert!(world.simulator.journal().iter().all(|entry| entry.outcome != Outcome::Pending));
}

#[tokio::test]
async fn many_idle_connections_leave_room_for_others_and_end() {
    let world = impatient().await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(connect(&world).await);
    }
    let mut kept_alive = connect(&world).await;
    kept_alive.write_all(head("GET", "/v1/Configuration", "Host: localhost\r\n").as_bytes()).await.unwrap();
    assert_serves(&world).await;
    for stream in &mut idle {
        assert_eq!(until_end(stream).await, "");
    }
    assert_eq!(statuses(&until_end(&mut kept_alive).await), ["200"]);
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_ends_that_connection_only() {
    let world = World::start().await;
    for request in [
        &b"\x00\x01\x02\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v1/Configuration\nHost: x\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: \x00\r\n\r\n",
        b"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n",
        b"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ] {
        let mut stream = connect(&world).await;
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let received = until_end(&mut stream).await;
        let refused = matches!(statuses(&received)[..], [] | ["400" | "401" | "404"]);
        assert!(refused, "{}: {received}", String::from_utf8_lossy(request));
    }
    assert_serves(&world).await;
}

#[tokio::test]
async fn odd_requests_that_are_http_are_answered_as_twilio_would() {
    let world = World::start().await;
    let login = format!("Authorization: Basic {}\r\n", basic(&ACCOUNT.to_string(), TOKEN));
    for (line, headers, status) in [
        ("GET /v1/Configuration HTTP/1.0", "", "200"),
        ("GET /v1/Configuration HTTP/1.1", "Connection: close\r\n", "200"),
        ("GET http://elsewhere.example.com/v1/Configuration HTTP/1.1", CLOSE, "200"),
        ("OPTIONS * HTTP/1.1", CLOSE, "404"),
        ("CONNECT elsewhere.example.com:443 HTTP/1.1", CLOSE, "404"),
        ("HEAD /v1/Configuration HTTP/1.1", CLOSE, "405"),
        ("GET /v1/Configuration?%FF=%&&= HTTP/1.1", CLOSE, "200"),
        ("GET /v1/Configuration#fragment HTTP/1.1", CLOSE, "200"),
        ("GET //v1/Configuration HTTP/1.1", CLOSE, "404"),
        ("GET /v1/../v1/Configuration HTTP/1.1", CLOSE, "404"),
        ("GET /v1/Configuration HTTP/1.1", "Host: a\r\nHost: b\r\nConnection: close\r\n", "200"),
        ("GET /v1/Configuration HTTP/1.1", "Upgrade: websocket\r\nConnection: upgrade, close\r\n", "200"),
    ] {
        let received = raw(&world, format!("{line}\r\n{login}{headers}\r\n").as_bytes()).await;
        assert_eq!(statuses(&received), [status], "{line}: {received}");
        assert!(received.contains("\r\nTwilio-Request-Id: RQ"), "{line}: {received}");
    }
    assert_serves(&world).await;
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_their_order() {
    let world = World::start().await;
    let first = head("GET", "/v1/Configuration", "Host: localhost\r\n");
    let second = head("GET", "/v1/Nothing", "Host: localhost\r\n");
    let third = head("POST", &webhooks(CONVERSATION), &format!("{CLOSE}{FORM}Content-Length: 11\r\n"))
        + "Target=none";
    let received = raw(&world, format!("{first}{second}{third}").as_bytes()).await;
    assert_eq!(statuses(&received), ["200", "404", "400"], "{received}");
}

#[tokio::test]
async fn a_body_in_chunks_is_a_body() {
    let world = World::start().await;
    let body =
        "Target=webhook&Configuration.Url=https%3A%2F%2Fa.example.com&Configuration.Filters=onMessageAdded";
    let head = head("POST", &webhooks(CONVERSATION), &format!("{CLOSE}{FORM}Transfer-Encoding: chunked\r\n"));
    let chunk = |part: &str| format!("{:x}\r\n{part}\r\n", part.len());
    let chunks = body.split_inclusive('&').map(chunk).collect::<Vec<_>>().concat();
    let received = raw(&world, format!("{head}{chunks}0\r\n\r\n").as_bytes()).await;
    assert_eq!(statuses(&received), ["201"], "{received}");
    let endless = format!("{head}{}", format!("2000\r\n{}\r\n", "a".repeat(0x2000)).repeat(20));
    let received = raw(&world, endless.as_bytes()).await;
    assert_eq!(statuses(&received), ["413"], "{received}");
    assert_eq!(world.alive(), 1);
    assert_serves(&world).await;
}

#[tokio::test]
async fn a_body_that_is_announced_is_asked_for() {
    let world = World::start().await;
    let head = head(
        "POST",
        &webhooks(CONVERSATION),
        &format!("{CLOSE}{FORM}Content-Length: 11\r\nExpect: 100-continue\r\n"),
    );
    let mut stream = connect(&world).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    timeout(PATIENCE, stream.read_exact(&mut go_on)).await.unwrap().unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"Target=none").await.unwrap();
    assert_eq!(statuses(&until_end(&mut stream).await), ["400"]);
}
