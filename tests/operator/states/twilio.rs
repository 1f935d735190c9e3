//! Twilio limits, is in trouble, or is not the one who answers.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use controlplane::Mark;
use conversation_webhook_operator::api::ConditionType::{Ready, Synced};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use twilio_conversations_simulator::{AccountSeed, ConversationSeed, Fault, FaultRule, Operation, Seed};

use super::{
    BOT, CHECKS, NO_CHECKS, PATIENCE, SCALE, about, account, edit, operations, spec_with_secret, state, told,
    wait_checks, wait_state,
};
use crate::support::{ACCOUNT, AUTH_TOKEN, Line, World, conversation, eventually, webhook_spec};

const AT_REST: [&str; 3] =
    ["Ready=True Available", "Synced=True ReconcileSucceeded", "CredentialsValid=True CredentialsAccepted"];

/// What Twilio answers, and what is said of it.
struct Case {
    name: &'static str,
    fault: Fault,
    reason: &'static str,
    says: &'static str,
}

fn cases() -> Vec<Case> {
    let case = |name, fault, reason, says| Case { name, fault, reason, says };
    let limited = |retry_after, code| Fault::TooManyRequests { retry_after, code };
    let (down, busy) = ("TwilioUnavailable", "is being set up or changed (Twilio error ");
    vec![
        case(
            "limited",
            limited(None, None),
            "RateLimited",
            "limits the account's requests (Twilio error 20429",
        ),
        case("asked-to-wait", limited(Some(1), Some(50063)), "RateLimited", "Twilio error 50063"),
        case("down", Fault::error(503, 20500), down, "Twilio did not answer (Twilio error 20500"),
        case("initializing", Fault::error(400, 50386), down, busy),
        case("conflicting", Fault::error(409, 50391), down, busy),
        case("in-conflict", Fault::error(409, 20409), down, busy),
        case("silent", Fault::reset(), down, "Twilio did not answer"),
    ]
}

/// A world with an account for each case, since an account in trouble is left in peace as a whole. Its conversation is
/// the one of the case's number, its Secret bears the case's name.
async fn an_account_each(cases: &[Case]) -> World {
    let account_of = |n: u32| (format!("AC{n:032x}"), format!("canary-token-{n}"));
    let seed = (2..).zip(cases).fold(Seed::new(), |seed, (n, _)| {
        let (sid, token) = account_of(n);
        let account = AccountSeed::new(account(&sid), token);
        seed.account(account.conversation(ConversationSeed::new(conversation(n))))
    });
    let own = AccountSeed::new(account(ACCOUNT), AUTH_TOKEN);
    let world = World::with(seed.account(own.conversation(ConversationSeed::new(conversation(1))))).await;
    let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    world.grant_secrets(&names).await;
    for (n, case) in (2..).zip(cases) {
        let (sid, token) = account_of(n);
        world.secret(case.name, &[("TWILIO_ACCOUNT_SID", &sid), ("TWILIO_AUTH_TOKEN", &token)]).await;
    }
    world
}

fn strike(world: &World, n: u32, operation: Operation, fault: &Fault) {
    world.simulator.add_fault(FaultRule::new(fault.clone()).on(operation).conversation(conversation(n)));
}

/// Writes to one object since `mark`.
async fn writes(world: &World, name: &str, mark: Mark) -> usize {
    world.writes_since(mark).await.filter(|request| request.name == name).len()
}

/// Waits until that many requests of an operation on conversation `n` came to nothing from now on.
async fn wait_misses(world: &World, n: u32, operation: Operation, misses: usize) {
    let mark = world.simulator.journal_mark();
    eventually(&format!("{misses} more misses on conversation {n}"), PATIENCE, async || {
        let asked = about(world, n, mark);
        let struck = asked.iter().filter(|entry| entry.operation == Some(operation) && entry.fault.is_some());
        (struck.count() >= misses).then_some(())
    })
    .await;
}

/// Rate limits and outages of every kind: the rows differ in their reason only.
#[tokio::test]
async fn rate_limited_and_twilio_unavailable_without_a_webhook_say_so_once_and_pass_by_themselves() {
    let cases = cases();
    let mut world = an_account_each(&cases).await;
    for (n, case) in (2..).zip(&cases) {
        strike(&world, n, Operation::List, &case.fault);
    }
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    world.wait_ready("neighbour").await;
    let mark = world.mark().await;
    for (n, case) in (2..).zip(&cases) {
        world.create(case.name, spec_with_secret(n, case.name)).await;
    }
    for (n, case) in (2..).zip(&cases) {
        let object = world.wait_told(case.name, case.reason, &[case.says]).await;
        let [ready, synced] = ["Ready", "Synced"].map(|type_| format!("{type_}=False {}", case.reason));
        assert_eq!(state(&object)[..2], [ready, synced], "{}", case.name);
        assert!(state(&object).iter().all(|condition| !condition.starts_with("Stalled")), "{}", case.name);
        wait_misses(&world, n, Operation::List, 2).await;
        assert_eq!(writes(&world, case.name, mark).await, 1, "{} is said once", case.name);
        assert_eq!(world.ever_made(conversation(n)), [], "{}", case.name);
    }
    assert_eq!(state(&world.wait_ready("neighbour").await), AT_REST);
    world.simulator.clear_faults();
    for (n, case) in (2..).zip(&cases) {
        let object = wait_state(&world, case.name, &AT_REST).await;
        assert_eq!(object.status.unwrap().last_error, None);
        assert_eq!(world.ever_made(conversation(n)).len(), 1, "{}", case.name);
    }
}

#[tokio::test]
async fn rate_limited_without_a_webhook_when_the_create_itself_is_refused_makes_one_in_the_end() {
    let mut world = World::new().await;
    let limited = Fault::TooManyRequests { retry_after: None, code: None };
    strike(&world, 1, Operation::Create, &limited);
    strike(&world, 2, Operation::Create, &Fault::error(409, 50391));
    world.start_operator(&[SCALE, NO_CHECKS]).await;
    world.create("limited", webhook_spec(1, BOT)).await;
    world.create("busy", webhook_spec(2, BOT)).await;
    world.wait_told("limited", "RateLimited", &["Twilio error 20429 on create_webhook", "tried again"]).await;
    world.wait_told("busy", "TwilioUnavailable", &["Twilio error 50391 on create_webhook"]).await;
    for (n, name) in [(1, "limited"), (2, "busy")] {
        wait_misses(&world, n, Operation::Create, 2).await;
        assert_eq!(world.ever_made(conversation(n)), [], "{name}");
    }
    world.simulator.clear_faults();
    for (n, name) in [(1, "limited"), (2, "busy")] {
        world.wait_ready(name).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1, "{name}");
    }
}

#[tokio::test]
async fn rate_limited_and_twilio_unavailable_with_a_webhook_keep_it_ready_and_are_said_at_the_third_miss() {
    let cases = cases();
    let mut world = an_account_each(&cases).await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("neighbour", webhook_spec(1, BOT)).await;
    for (n, case) in (2..).zip(&cases) {
        world.create(case.name, spec_with_secret(n, case.name)).await;
    }
    for case in &cases {
        world.wait_ready(case.name).await;
    }
    // Two misses, and all is well again: nobody hears of it.
    let (mark, journal) = (world.mark().await, world.simulator.journal_mark());
    for (n, case) in (2..).zip(&cases) {
        let twice = FaultRule::new(case.fault.clone()).on(Operation::List).conversation(conversation(n));
        world.simulator.add_fault(twice.times(2));
    }
    for (n, case) in (2..).zip(&cases) {
        eventually("two misses and a check", PATIENCE, async || {
            let lists = about(&world, n, journal);
            let missed = lists.iter().filter(|entry| entry.fault.is_some()).count();
            (missed == 2 && lists.last()?.fault.is_none()).then_some(())
        })
        .await;
        wait_checks(&world, n, 2).await;
        assert_eq!(writes(&world, case.name, mark).await, 0, "{}", case.name);
    }
    world.simulator.clear_faults();

    let journal = world.simulator.journal_mark();
    for (n, case) in (2..).zip(&cases) {
        strike(&world, n, Operation::List, &case.fault);
    }
    for (n, case) in (2..).zip(&cases) {
        let synced = format!("Synced=False {}", case.reason);
        let object = wait_state(&world, case.name, &[AT_REST[0], &synced, AT_REST[2]]).await;
        told(&object, Synced, &[case.says]);
        let missed = about(&world, n, journal).iter().filter(|entry| entry.fault.is_some()).count();
        assert!(missed >= 3, "{} after {missed} misses", case.name);
        wait_misses(&world, n, Operation::List, 2).await;
        assert_eq!(writes(&world, case.name, mark).await, 1, "{} is said once", case.name);
    }
    let ledger = world.simulator.ledger();
    world.simulator.clear_faults();
    for case in &cases {
        wait_state(&world, case.name, &AT_REST).await;
        assert_eq!(writes(&world, case.name, mark).await, 2, "{}", case.name);
    }
    assert_eq!(world.simulator.ledger(), ledger, "nothing made, changed or deleted");
}

#[tokio::test]
async fn twilio_unavailable_for_an_edit_sends_it_when_twilio_is_back() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE, NO_CHECKS]).await;
    world.create("bot", webhook_spec(1, BOT)).await;
    world.wait_ready("bot").await;
    strike(&world, 1, Operation::Update, &Fault::error(503, 20500));
    edit(&world, "bot", "GET").await;
    let object = wait_state(&world, "bot", &[AT_REST[0], "Synced=False TwilioUnavailable", AT_REST[2]]).await;
    let status = object.status.as_ref().unwrap();
    assert_ne!(status.observed_generation, object.metadata.generation, "the edit is not at Twilio");
    let mark = world.simulator.journal_mark();
    world.simulator.clear_faults();
    world.wait_ready("bot").await;
    assert!(operations(&world, 1, mark).contains(&Operation::Update));
    assert_eq!(world.ever_made(conversation(1)).len(), 1);
}

/// A TLS server whose certificate nobody trusts; returns its address.
fn stranger() -> String {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let config = Arc::new(config);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let _ = StreamOwned::new(session, stream.unwrap()).read(&mut [0]);
        }
    });
    url
}

#[tokio::test]
async fn twilio_unavailable_for_want_of_a_trusted_certificate_asks_for_a_human() {
    let mut world = World::new().await;
    world.start_operator(&[SCALE, CHECKS]).await;
    world.create("with", webhook_spec(1, BOT)).await;
    world.wait_ready("with").await;
    world.stop_operator().await;

    // First nobody answers, which passes by itself; then somebody does who is not to be trusted.
    let line = Line::to(world.simulator.address());
    let dead = format!("--twilio-base-url={}", line.url());
    world.start_operator(&[SCALE, CHECKS, &dead]).await;
    world.create("without", webhook_spec(2, BOT)).await;
    wait_state(&world, "without", &["Ready=False TwilioUnavailable", "Synced=False TwilioUnavailable"]).await;
    wait_state(&world, "with", &[AT_REST[0], "Synced=False TwilioUnavailable", AT_REST[2]]).await;
    world.stop_operator().await;
    let untrusted = format!("--twilio-base-url={}", stranger());
    world.start_operator(&[SCALE, CHECKS, &untrusted]).await;
    let says = ["the certificate of Twilio's host is not trusted", "--twilio-ca-bundle"];
    let stalled = "Stalled=True TwilioUnavailable";
    let unready = ["Ready=False TwilioUnavailable", "Synced=False TwilioUnavailable", stalled];
    told(&wait_state(&world, "without", &unready).await, Ready, &says);
    let unsynced = [AT_REST[0], "Synced=False TwilioUnavailable", AT_REST[2], stalled];
    told(&wait_state(&world, "with", &unsynced).await, Synced, &says);
    world.stop_operator().await;

    // An outage is no matter for a human, whatever was before it.
    world.start_operator(&[SCALE, CHECKS, &dead]).await;
    wait_state(&world, "with", &[AT_REST[0], "Synced=False TwilioUnavailable", AT_REST[2]]).await;
    world.stop_operator().await;
    world.start_operator(&[SCALE, CHECKS]).await;
    for (n, name) in [(1, "with"), (2, "without")] {
        wait_state(&world, name, &AT_REST).await;
        assert_eq!(world.ever_made(conversation(n)).len(), 1);
    }
}
