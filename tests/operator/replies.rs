//! Replies that are not Twilio's, or not about what was asked: nothing is concluded from them, nothing is done, and
//! what follows after the fault is as if it had not been.

use std::time::Duration;

use conversation_webhook_operator::api::ConditionType::Synced;
use serde_json::json;
use twilio_conversations_simulator::{Entry, Fault, FaultRule, Garble, Operation, WebhookSeed};

use crate::support::{World, condition, conversation, eventually, ready, webhook_spec};

const BOT: &str = "https://bots.example.com/a";
const OTHER_ACCOUNT: &str = "AC00000000000000000000000000000002";
/// Nobody's conversation: where redirects lead.
const ELSEWHERE: u32 = 60;

/// A reply that is not usable, and what the object's owner reads about it.
struct Unusable {
    name: &'static str,
    reply: Garble,
    reason: &'static str,
    says: &'static [&'static str],
}

/// In between stands something else than Twilio's API.
const IN_BETWEEN: &[&str] = &["what answered is not Twilio's API", "look for a proxy in between"];

fn unusable(world: &World) -> Vec<Unusable> {
    let page = |status, body: &str| Garble::Custom {
        status,
        content_type: "text/html".to_owned(),
        body: body.to_owned(),
    };
    let location = format!("{}/v1/Conversations/{}/Webhooks", world.simulator.url(), conversation(ELSEWHERE));
    let garbled = |name, reply| Unusable { name, reply, reason: "TwilioUnavailable", says: IN_BETWEEN };
    let no_answer = &["Twilio did not answer"];
    vec![
        garbled("not-json", Garble::NotJson),
        garbled("html", Garble::Html),
        garbled("huge", Garble::Huge { bytes: 2 << 20 }),
        garbled("redirect", Garble::Redirect { status: 307, location: location.clone() }),
        garbled("moved", Garble::Redirect { status: 301, location }),
        garbled("endless-pages", Garble::EndlessPages),
        garbled("proxy-404", page(404, "<h1>Not Found</h1>")),
        garbled(
            "json-404",
            Garble::Custom {
                status: 404,
                content_type: "application/json".to_owned(),
                body: json!({ "message": "no route" }).to_string(),
            },
        ),
        Unusable { says: no_answer, ..garbled("truncated", Garble::Truncated) },
        Unusable { says: no_answer, ..garbled("proxy-502", page(502, "<h1>Bad Gateway</h1>")) },
        Unusable {
            name: "other-account",
            reply: Garble::OtherAccount { account: OTHER_ACCOUNT.parse().unwrap() },
            reason: "AccountMismatch",
            says: &[OTHER_ACCOUNT, "belongs to another account"],
        },
    ]
}

/// Garbles the replies to one operation on conversation `n`; requests that change something are carried out or not.
fn garble(world: &World, n: u32, operation: Operation, reply: Garble, commit: bool) {
    let fault = Fault::Garbled { reply, commit };
    world.simulator.add_fault(FaultRule::new(fault).on(operation).conversation(conversation(n)));
}

fn about(world: &World, n: u32) -> Vec<Entry> {
    let mut entries = world.simulator.journal();
    entries.retain(|entry| entry.path.contains(&conversation(n).to_string()));
    entries
}

#[tokio::test]
async fn nothing_is_created_while_the_list_is_unusable() {
    let mut world = World::new().await;
    let cases = unusable(&world);
    for (n, case) in (2..).zip(&cases) {
        // Only a webhook names an account.
        let foreign = WebhookSeed::webhook("https://elsewhere.example.com/");
        world.simulator.create_webhook(conversation(n), &foreign).unwrap();
        garble(&world, n, Operation::List, case.reply.clone(), true);
    }
    world.start_operator(&["--time-scale=0.2"]).await;
    for (n, case) in (2..).zip(&cases) {
        world.create(case.name, webhook_spec(n, BOT)).await;
    }
    world.create("neighbour", webhook_spec(1, BOT)).await;
    for case in &cases {
        world.wait_told(case.name, case.reason, case.says).await;
    }
    world.wait_ready("neighbour").await;
    assert_eq!(world.simulator.counters().writes(), 1, "the neighbour's create");
    assert_eq!(about(&world, ELSEWHERE), [], "no redirect is followed");

    world.simulator.clear_faults();
    for (n, case) in (2..).zip(&cases) {
        world.wait_ready(case.name).await;
        assert_eq!(world.alive(conversation(n)).len(), 2, "{}", case.name);
    }
}

#[tokio::test]
async fn a_list_without_end_is_given_up_after_a_few_pages() {
    let mut world = World::new().await;
    garble(&world, 2, Operation::List, Garble::EndlessPages, true);
    world.start_operator(&[]).await;
    world.create("bot", webhook_spec(2, BOT)).await;
    world.wait_told("bot", "TwilioUnavailable", IN_BETWEEN).await;
    let passes = || {
        let log = world.operator.as_ref().unwrap().log();
        log.matches("the pages of the list do not end").count().max(1)
    };
    // A pass may be under way.
    let pages = about(&world, 2).len();
    assert!(pages <= 10 * (passes() + 1), "{pages}");
}

#[tokio::test]
async fn a_webhook_stays_ready_and_untouched_while_its_checks_are_unusable() {
    let mut world = World::new().await;
    let cases = unusable(&world);
    world.start_operator(&["--time-scale=0.2", "--resync-interval=1s"]).await;
    for (n, case) in (2..).zip(&cases) {
        world.create(case.name, webhook_spec(n, BOT)).await;
    }
    for case in &cases {
        world.wait_ready(case.name).await;
    }
    let ledger = world.simulator.ledger();
    for (n, case) in (2..).zip(&cases) {
        garble(&world, n, Operation::List, case.reply.clone(), true);
    }
    for case in &cases {
        let object = world.wait_told_by(Synced, case.name, case.reason, case.says).await;
        assert_eq!(ready(&object).unwrap().status, "True", "{}", case.name);
    }
    assert_eq!(world.simulator.ledger(), ledger, "nothing made, changed or deleted");
    world.simulator.clear_faults();
    for case in &cases {
        let object = world.wait_told_by(Synced, case.name, "ReconcileSucceeded", &[]).await;
        assert_eq!(condition(&object, Synced).unwrap().status, "True");
    }
    assert_eq!(world.simulator.ledger(), ledger);
}

#[tokio::test]
async fn an_object_goes_only_when_twilio_itself_says_that_its_webhook_is_gone() {
    let mut world = World::new().await;
    let mut cases = unusable(&world);
    // A reply to a delete has no body that could name an account, have pages or be cut.
    cases.retain(|case| !["other-account", "endless-pages", "truncated"].contains(&case.name));
    world.start_operator(&["--time-scale=0.2", "--resync-interval=1s"]).await;
    for (n, case) in (2..).zip(&cases) {
        world.create(case.name, webhook_spec(n, BOT)).await;
    }
    for (n, case) in (2..).zip(&cases) {
        world.wait_ready(case.name).await;
        // Garbled bodies come with the right status, and 204 alone is an answer: so a page with 200.
        let reply = match &case.reply {
            Garble::Html | Garble::NotJson | Garble::Huge { .. } => Garble::Custom {
                status: 200,
                content_type: "text/html".to_owned(),
                body: "<h1>It works!</h1>".to_owned(),
            },
            reply => reply.clone(),
        };
        garble(&world, n, Operation::Delete, reply, false);
        world.delete(case.name).await;
    }
    for (n, case) in (2..).zip(&cases) {
        let tries = || about(&world, n).iter().filter(|entry| entry.fault.is_some()).count();
        eventually("two tries", Duration::from_secs(40), async || (tries() >= 2).then_some(())).await;
        let object = world.objects().get(case.name).await.unwrap();
        assert_eq!(object.metadata.finalizers.map(|finalizers| finalizers.len()), Some(1), "{}", case.name);
        assert_eq!(world.alive(conversation(n)).len(), 1, "{}", case.name);
    }
    world.simulator.clear_faults();
    for (n, case) in (2..).zip(&cases) {
        world.wait_gone(case.name).await;
        assert_eq!(world.alive(conversation(n)), [], "{}", case.name);
    }
}

#[tokio::test]
async fn an_unusable_reply_to_a_create_leaves_exactly_one_webhook_whether_it_was_carried_out_or_not() {
    let mut world = World::new().await;
    let mut cases = unusable(&world);
    // A create has no pages, and a 404 is a refusal: see below.
    cases.retain(|case| !["endless-pages", "proxy-404", "json-404"].contains(&case.name));
    let objects = |commit: bool| (if commit { 2 } else { 32 }..).zip(&cases);
    let name = |case: &Unusable, commit| format!("{}-{commit}", case.name);
    for commit in [true, false] {
        for (n, case) in objects(commit) {
            let fault = Fault::Garbled { reply: case.reply.clone(), commit };
            let once = FaultRule::new(fault).on(Operation::Create).conversation(conversation(n)).once();
            world.simulator.add_fault(once);
        }
    }
    world.start_operator(&["--time-scale=0.2", "--resync-interval=1s"]).await;
    for commit in [true, false] {
        for (n, case) in objects(commit) {
            world.create(&name(case, commit), webhook_spec(n, BOT)).await;
        }
    }
    for commit in [true, false] {
        for (n, case) in objects(commit) {
            world.wait_ready(&name(case, commit)).await;
            assert_eq!(world.ever_made(conversation(n)).len(), 1, "{}", name(case, commit));
        }
    }
    assert_eq!(about(&world, ELSEWHERE), [], "no redirect is followed");
}

/// By the rules of HTTP it made nothing; something in between that breaks them must not lead to a twin.
#[tokio::test]
async fn a_create_that_was_refused_and_carried_out_all_the_same_leads_to_no_second_one() {
    let mut world = World::new().await;
    for (n, status) in (2..).zip([400, 401, 403, 404, 407, 429]) {
        let reply = Garble::Custom { status, content_type: "text/html".to_owned(), body: String::new() };
        let fault = Fault::Garbled { reply, commit: true };
        let once = FaultRule::new(fault).on(Operation::Create).conversation(conversation(n)).once();
        world.simulator.add_fault(once);
    }
    world.start_operator(&["--time-scale=0.2", "--resync-interval=1s"]).await;
    for n in 2..=7 {
        world.create(&format!("bot-{n}"), webhook_spec(n, BOT)).await;
    }
    for n in 2..=7 {
        let says = ["belongs to no object", "delete it at Twilio"];
        world.wait_told(&format!("bot-{n}"), "TwinExists", &says).await;
        let [made] = &world.ever_made(conversation(n))[..] else { panic!("one webhook") };
        world.simulator.delete_webhook(made.sid).unwrap();
        world.wait_ready(&format!("bot-{n}")).await;
        assert_eq!(world.alive(conversation(n)).len(), 1);
    }
}
