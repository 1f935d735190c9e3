//! What the simulator remembers of requests, however large they are and however many.

use std::sync::Arc;

use crate::fixture::*;
use http::Method;
use twilio_conversations_simulator::{Entry, Origin, Outcome};

/// As the documentation of [`Entry`] says.
const ENTRY_BYTES: usize = 20 * 1024;

/// What it takes in memory, except for the spare room of its texts.
fn taken(entry: &Entry) -> usize {
    let texts = [&entry.path, &entry.user_agent, &entry.method];
    let fields = entry.params.iter().map(|(name, value)| size_of_val(name) * 2 + name.len() + value.len());
    size_of::<Entry>() + texts.map(String::len).iter().sum::<usize>() + fields.sum::<usize>()
}

async fn entry_of_a_post(world: &World, path: &str, user_agent: &str, body: String) -> (Reply, Entry) {
    let request = world.request(Method::POST, path).header("user-agent", user_agent).body(body);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let reply = Reply::of(request.send().await.unwrap()).await;
    (reply, world.simulator.journal().pop().unwrap())
}

#[tokio::test]
async fn an_enormous_request_leaves_a_small_entry_that_says_what_is_missing() {
    let world = World::start().await;
    let path = format!("{}?PageToken={}", webhooks(CONVERSATION), "p".repeat(20_000));
    let body = format!("Target=webhook&Configuration.Url={}", "u".repeat(60_000));
    let (reply, entry) = entry_of_a_post(&world, &path, &"a".repeat(20_000), body).await;
    assert_eq!(reply.error(), (400, 50372));
    assert_eq!(entry.code, Some(50372));
    assert!(taken(&entry) <= ENTRY_BYTES, "{}", taken(&entry));
    assert_eq!(entry.user_agent, format!("{}…[+19488 bytes]", "a".repeat(512)));
    assert!(entry.path.starts_with(&webhooks(CONVERSATION)) && entry.path.ends_with(" bytes]"));
    assert_eq!(entry.param("Target"), Some("webhook"));
    assert!(entry.param("Configuration.Url").unwrap().ends_with(" bytes]"));
}

#[tokio::test]
async fn a_form_of_very_many_fields_leaves_a_small_entry() {
    let world = World::start().await;
    let (_, entry) = entry_of_a_post(&world, &webhooks(CONVERSATION), "bounds/1", "&a".repeat(32_000)).await;
    assert!(taken(&entry) <= ENTRY_BYTES, "{}", taken(&entry));
    let (last, kept) = entry.params.split_last().unwrap();
    assert_eq!(*last, (String::new(), format!("…[+{} fields]", 32_000 - kept.len())));
}

#[tokio::test]
async fn the_largest_webhook_is_kept_whole() {
    let world = World::start().await;
    let url = format!("https://bots.example.com/{}", "\u{1f600}".repeat(487));
    let keywords: Vec<_> = (1..=5).map(|number| format!("{number}{}", "\u{1f600}".repeat(247))).collect();
    let mut form = vec![("Target", "trigger"), ("Configuration.Url", &url), ("Configuration.Method", "POST")];
    form.extend(keywords.iter().map(|keyword| ("Configuration.Triggers", keyword.as_str())));
    assert_eq!(world.post(&webhooks(CONVERSATION), &form).await.status, 201);
    let entry = world.simulator.journal().pop().unwrap();
    let sent: Vec<_> = entry.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(sent, form);
}

#[tokio::test]
async fn the_ledger_keeps_as_much_of_a_user_agent_as_the_journal() {
    let world = World::start().await;
    let body = format!("Target=webhook&Configuration.Url={BOT}&Configuration.Filters=onMessageAdded");
    let (reply, entry) = entry_of_a_post(&world, &webhooks(CONVERSATION), &"a".repeat(20_000), body).await;
    assert_eq!(reply.status, 201, "{}", reply.json);
    let made = world.simulator.ledger().records()[0].created.origin.clone();
    let Origin::Api { user_agent, .. } = made else { panic!("{made:?}") };
    assert_eq!(user_agent, entry.user_agent);
    assert!(user_agent.len() < 600);
}

#[tokio::test]
async fn the_journal_may_change_its_size_while_it_is_written() {
    const REQUESTS: u64 = 400;
    let world = Arc::new(World::start().await);
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for _ in 0..REQUESTS / 4 {
                    assert_eq!(world.get("/v1/Configuration").await.status, 200);
                }
            })
        })
        .collect();
    let mut sizes = [50, 0, 7, 1, 300, 20].into_iter().cycle();
    while !clients.iter().all(tokio::task::JoinHandle::is_finished) {
        let size = sizes.next().unwrap();
        world.simulator.resize_journal(size);
        let entries = world.simulator.journal();
        assert!(entries.len() <= size, "{} entries in a journal of {size}", entries.len());
        assert!(entries.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq), "{entries:#?}");
        tokio::task::yield_now().await;
    }
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(world.simulator.journal_mark(), REQUESTS);
    world.simulator.resize_journal(10);
    for _ in 0..20 {
        world.get("/v1/Configuration").await;
    }
    let entries = world.simulator.journal();
    let numbers: Vec<_> = entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (REQUESTS + 11..=REQUESTS + 20).collect::<Vec<_>>());
    assert!(entries.iter().all(|entry| entry.outcome == Outcome::Answered && entry.status == Some(200)));
    assert_eq!(world.simulator.journal_since(REQUESTS + 18).len(), 2);
}
