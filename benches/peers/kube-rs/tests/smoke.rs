//! Both peers in all variants, on a real API server and the simulator: do they do their work, what does it cost, and do
//! they get wrong what `../../README.md` says?
//!
//! Run by `make bench-peers`. Needs Go for the peer of controller-runtime: without it that one is skipped.

// clippy.toml allows these in tests; in an integration test it takes only the test functions for that.
#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use serde_json::json;
use twilio_conversations_simulator::{Fault, FaultRule, Operation};

use world::{Peer, Requests, Variant, World, conversation};

const OBJECTS: usize = 20;

const STOCK: Variant = Variant { peer: Peer::KubeRs, arguments: &[] };
const FILTERED: Variant = Variant { peer: Peer::KubeRs, arguments: &["--filter-stream", "--concurrency=64"] };
const DEFAULT: Variant = Variant { peer: Peer::ControllerRuntime, arguments: &[] };
const OWN_WRITES: Variant = Variant { peer: Peer::ControllerRuntime, arguments: &["--read-your-writes"] };
const TUNED: Variant = Variant {
    peer: Peer::ControllerRuntime,
    arguments: &["--workers=64", "--look=false", "--generation-predicate", "--qps=-1"],
};

/// What was asked for [`OBJECTS`] creates.
#[derive(Debug)]
struct Cost {
    /// Writes of `ConversationWebhook` objects, by verb and resource.
    writes: Requests,
    /// Requests to Twilio, by operation.
    twilio: Requests,
}

impl Cost {
    /// Every object took exactly these requests to Twilio, and two writes: of its finalizer and of its status.
    #[track_caller]
    fn assert_two_writes_and(&self, twilio: &[&str]) {
        self.assert_two_writes();
        let each: Requests = twilio.iter().map(|name| ((*name).to_owned(), OBJECTS)).collect();
        assert_eq!(self.twilio, each);
    }

    #[track_caller]
    fn assert_two_writes(&self) {
        let writes = ["patch conversationwebhooks", "patch conversationwebhooks/status"];
        assert_eq!(self.writes, writes.map(|name| (name.to_owned(), OBJECTS)).into());
    }

    /// The same, but for a second look at an object, or at one whose status it does not see yet: how many of these there are
    /// is chance.
    #[track_caller]
    fn assert_at_least_two_writes_and_a_look_again(&self) {
        assert_eq!(self.writes["patch conversationwebhooks"], OBJECTS, "{self:?}");
        assert!(self.writes["patch conversationwebhooks/status"] >= OBJECTS, "{self:?}");
        assert_eq!(self.twilio["Create"], OBJECTS, "{self:?}");
        assert!(self.twilio["List"] + self.twilio["Fetch"] >= 2 * OBJECTS, "{self:?}");
    }
}

/// Runs a peer through the life of [`OBJECTS`] objects, and says what their creation cost; `None` where it cannot be built.
async fn live(variant: Variant) -> Option<Cost> {
    let world = World::with(variant).await?;
    let mark = world.plane.audit().mark().await.unwrap();
    for n in 0..OBJECTS {
        world.create(&format!("bot-{n}"), n, &url(n)).await;
    }
    world.eventually("all are Ready", async || world.ready().await == OBJECTS).await;
    world.at_rest().await;
    let cost = Cost { writes: world.writes_since(mark).await, twilio: world.twilio_requests() };
    println!("{variant}: writes {:?}, Twilio {:?}", cost.writes, cost.twilio);
    for n in 0..OBJECTS {
        assert_eq!(world.urls(n), [url(n)], "conversation {n}");
    }

    world
        .patch("bot-0", json!({ "spec": { "configuration": { "url": "https://bots.example.com/new" } } }))
        .await;
    world.delete("bot-1").await;
    world
        .eventually("the edit is at Twilio, and the status says so", async || {
            world.urls(0) == ["https://bots.example.com/new"] && world.ready().await == OBJECTS - 1
        })
        .await;
    world
        .eventually("the deleted one is gone on both sides", async || {
            world.urls(1).is_empty() && world.objects().await.len() == OBJECTS - 1
        })
        .await;
    world.at_rest().await;
    assert_eq!(world.simulator.ledger().records().len(), OBJECTS, "a webhook was made twice");
    world.stop().await;
    Some(cost)
}

fn url(n: usize) -> String {
    format!("https://bots.example.com/{n}")
}

#[tokio::test]
#[ignore = "for the benchmark: make bench-peers"]
async fn the_stock_controller_of_kube_rs() {
    live(STOCK).await.unwrap().assert_at_least_two_writes_and_a_look_again();
}

#[tokio::test]
#[ignore = "for the benchmark: make bench-peers"]
async fn kube_rs_with_a_filtered_stream() {
    live(FILTERED).await.unwrap().assert_two_writes_and(&["List", "Create"]);
}

#[tokio::test]
#[ignore = "for the benchmark: make bench-peers"]
async fn the_default_of_controller_runtime() {
    let Some(cost) = live(DEFAULT).await else { return };
    cost.assert_at_least_two_writes_and_a_look_again();
}

#[tokio::test]
#[ignore = "for the benchmark: make bench-peers"]
async fn controller_runtime_that_reads_its_own_writes() {
    let Some(cost) = live(OWN_WRITES).await else { return };
    cost.assert_two_writes();
    assert_eq!((cost.twilio["List"], cost.twilio["Create"]), (OBJECTS, OBJECTS));
}

#[tokio::test]
#[ignore = "for the benchmark: make bench-peers"]
async fn the_tuned_controller_runtime() {
    let Some(cost) = live(TUNED).await else { return };
    cost.assert_two_writes_and(&["Create"]);
}

/// The webhooks that one object got after a fault hit its create.
async fn made_after(fault: Fault, variant: Variant, expected: usize) {
    let Some(world) = World::with(variant).await else { return };
    world.simulator.add_fault(FaultRule::new(fault).on(Operation::Create).once());
    world.create("bot", 0, &url(0)).await;
    world.eventually("it is Ready", async || world.ready().await == 1).await;
    world
        .eventually(&format!("{variant}: {expected} webhooks"), async || world.urls(0).len() == expected)
        .await;
    world.at_rest().await;
    assert_eq!(world.simulator.ledger().ever_made(conversation(0)).len(), expected, "{variant}");
}

#[tokio::test]
#[ignore = "for the benchmark: make bench-peers"]
async fn a_lost_reply_makes_a_twin_where_nobody_looks() {
    for (variant, expected) in [(STOCK, 1), (DEFAULT, 1), (TUNED, 2)] {
        made_after(Fault::reset_after_commit(), variant, expected).await;
    }
}

#[tokio::test]
#[ignore = "for the benchmark: make bench-peers"]
async fn a_create_that_is_carried_out_late_makes_a_twin_everywhere() {
    for variant in [STOCK, DEFAULT, TUNED] {
        made_after(Fault::late_commit(8_000), variant, 2).await;
    }
}

#[tokio::test]
#[ignore = "for the benchmark: make bench-peers"]
async fn an_edit_after_a_lost_reply_makes_a_twin_everywhere() {
    for variant in [STOCK, DEFAULT, TUNED] {
        let Some(world) = World::with(variant).await else { continue };
        world.simulator.add_fault(FaultRule::new(Fault::reset_after_commit()).on(Operation::Create).once());
        // Nobody gets further until the edit is there. The list before the create is answered.
        let unavailable = || FaultRule::new(Fault::error(503, 20503));
        let down = [unavailable().on(Operation::List).after(1), unavailable().on(Operation::Create)]
            .map(|rule| world.simulator.add_fault(rule));
        world.create("bot", 0, &url(0)).await;
        world.eventually("the reply is lost", async || world.urls(0).len() == 1).await;
        world.patch("bot", json!({ "spec": { "configuration": { "url": url(1) } } })).await;
        for fault in down {
            world.simulator.remove_fault(fault).unwrap();
        }
        world.eventually("it is Ready", async || world.ready().await == 1).await;
        assert_eq!(world.urls(0), [url(0), url(1)], "{variant}");
    }
}

#[tokio::test]
#[ignore = "for the benchmark: make bench-peers"]
async fn objects_that_are_alike_share_a_webhook_and_lose_it_together_where_somebody_looks() {
    for variant in [STOCK, DEFAULT] {
        let Some(world) = World::with(variant).await else { continue };
        for name in ["a", "b"] {
            world.create(name, 0, &url(0)).await;
            world
                .eventually("it is Ready", async || world.ready().await == world.objects().await.len())
                .await;
        }
        assert_eq!(world.urls(0).len(), 1, "{variant}");
        world.delete("a").await;
        world.eventually("the webhook is gone", async || world.urls(0).is_empty()).await;
        world.at_rest().await;
        assert_eq!(world.ready().await, 1, "{variant}: the other one knows nothing of it");
    }
}
