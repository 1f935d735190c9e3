//! What a simulator of this API owes its users, as far as no other file shows it: each test is named for the duty
//! that it holds the simulator to.

use crate::fixture::*;
use http::Method;
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    ConversationState, Entry, Fault, FaultRule, Operation, Settings, WebhookChanges, WebhookSeed, WebhookSid,
};

#[tokio::test]
async fn duty_1_both_path_families_answer_with_201_200_and_204() {
    let world = World::start().await;
    let default_service = format!("/v1/Services/{DEFAULT_SERVICE}/Conversations/{CONVERSATION}/Webhooks");
    let in_service = format!("/v1/Services/{SERVICE}/Conversations/{IN_SERVICE}/Webhooks");
    for (path, service) in [
        (webhooks(CONVERSATION), Value::Null),
        (default_service, json!(DEFAULT_SERVICE)),
        (in_service, json!(SERVICE)),
    ] {
        let created = world.post(&path, &webhook_form(BOT)).await;
        assert_eq!((created.status, &created.json["chat_service_sid"]), (201, &service));
        let item = format!("{path}/{}", created.sid::<WebhookSid>());
        assert_eq!(created.json["url"], world.url(&item), "links stay in the family");
        let fetched = world.get(&item).await;
        assert_eq!((fetched.status, &fetched.json), (200, &created.json));
        let listed = world.get(&path).await;
        assert_eq!((listed.status, &listed.json["webhooks"]), (200, &json!([created.json])));
        let updated = world.post(&item, &webhook_form("https://bots.example.com/b")).await;
        assert_eq!((updated.status, &updated.json["sid"]), (200, &created.json["sid"]));
        let deleted = world.delete(&item).await;
        assert_eq!((deleted.status, deleted.json), (204, Value::Null));
    }
    // The short path means the default service, and no other.
    assert_eq!(world.get(&webhooks(IN_SERVICE)).await.error(), (404, 20404));
    let wrong = format!("/v1/Services/{SERVICE}/Conversations/{CONVERSATION}/Webhooks");
    assert_eq!(world.get(&wrong).await.error(), (404, 20404));
}

#[tokio::test]
async fn duty_1_page_size_is_clamped_to_five() {
    let world = World::start().await;
    world.simulator.fill_slots(CONVERSATION).unwrap();
    for (query, size) in
        [("", 5), ("?PageSize=5", 5), ("?PageSize=50", 5), ("?PageSize=0", 1), ("?PageSize=4", 4)]
    {
        let page = world.get(&format!("{}{query}", webhooks(CONVERSATION))).await;
        assert_eq!((page.status, &page.json["meta"]["page_size"]), (200, &json!(size)), "{query}");
        assert_eq!(page.column("webhooks", "sid").len(), size, "{query}");
    }
}

#[tokio::test]
async fn duty_4_create_done_but_answer_lost_leaves_a_twin_behind_a_blind_retry() {
    let world = World::start().await;
    world.simulator.add_fault(FaultRule::new(Fault::reset_after_commit()).on(Operation::Create).once());
    assert!(world.try_create().await.is_err());
    assert_eq!(world.listed().await.len(), 1, "who looks first sees it");
    assert_eq!(world.try_create().await.unwrap().status(), 201);
    let ledger = world.simulator.ledger();
    let [twins] = <[_; 1]>::try_from(ledger.duplicates()).unwrap();
    assert_eq!(twins.iter().map(|record| record.sid).collect::<Vec<_>>(), world.listed().await);
}

#[tokio::test]
async fn duty_5_outsiders_delete_edit_and_fill_slots() {
    let world = World::start().await;
    let (kept, lost) = (world.create(BOT).await, world.create(BOT).await);
    let elsewhere = WebhookChanges::url("https://elsewhere.example.com");
    world.simulator.edit_webhook(kept, &elsewhere).unwrap();
    assert_eq!(world.get(&webhook(kept)).await.json["configuration"]["url"], "https://elsewhere.example.com");
    world.simulator.delete_webhook(lost).unwrap();
    assert_eq!(world.get(&webhook(lost)).await.error(), (404, 20404));
    assert!(world.simulator.delete_webhook(lost).is_err(), "once");
    let filled = world.simulator.fill_slots(CONVERSATION).unwrap();
    assert_eq!(world.listed().await, [&[kept][..], &filled].concat());
    assert_eq!(world.post(&webhooks(CONVERSATION), &webhook_form(BOT)).await.error(), (400, 50361));
    assert!(world.simulator.create_webhook(CONVERSATION, &outside(BOT)).is_err());
}

#[tokio::test]
async fn duty_5_studio_comes_and_removes_its_hook() {
    let world = World::start().await;
    let hook = world.simulator.create_webhook(CONVERSATION, &WebhookSeed::studio(FLOW)).unwrap();
    let own = world.create(BOT).await;
    let shown = world.get(&webhook(hook)).await.json;
    assert_eq!((&shown["target"], &shown["configuration"]), (&json!("studio"), &json!({"flow_sid": FLOW})));
    let removed = world.control(Method::DELETE, &format!("/webhooks/{hook}"), Value::Null).await;
    assert_eq!(removed.status, 204);
    assert_eq!(world.listed().await, [own]);
    let deletion = world.simulator.ledger().get(hook).unwrap().deleted.clone().unwrap();
    assert!(!deletion.by.origin.is_api() && !deletion.with_conversation);
}

#[tokio::test]
async fn duty_5_outsiders_close_a_conversation_for_good() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Closed).unwrap();
    assert_eq!(world.get(&conversation(CONVERSATION)).await.json["state"], "closed");
    assert_eq!(world.post(&webhooks(CONVERSATION), &webhook_form(BOT)).await.error(), (400, 50377));
    assert_eq!(world.delete(&webhook(sid)).await.status, 204);
}

#[tokio::test]
async fn duty_6_switches_work_together_however_they_are_set() {
    let world = World::start().await;
    let settings = json!({"methodCase": "upper", "triggerKeys": "filters", "echoReplayAfter": true,
        "countLimitStatus": "forbidden"});
    assert_eq!(world.control(Method::PUT, "/settings", settings).await.status, 204);
    let set = world.simulator.settings();
    let form = [
        ("Target", "trigger"),
        ("Configuration.Url", BOT),
        ("Configuration.Triggers", "help"),
        ("Configuration.ReplayAfter", "7"),
    ];
    let shown = |reply: &Reply| reply.json["configuration"].clone();
    let expected = json!({"url": BOT, "method": "POST", "filters": ["help"], "replay_after": 7});
    assert_eq!(shown(&world.post(&webhooks(CONVERSATION), &form).await), expected);
    world.simulator.fill_slots(CONVERSATION).unwrap();
    assert_eq!(world.post(&webhooks(CONVERSATION), &form).await.error(), (403, 50361));

    let seeded = World::start_with(seed().settings(set)).await;
    assert_eq!(shown(&seeded.post(&webhooks(CONVERSATION), &form).await), expected);
    seeded.simulator.set_settings(Settings::default());
    let plain = json!({"url": BOT, "method": "post", "triggers": ["help"]});
    assert_eq!(shown(&seeded.post(&webhooks(CONVERSATION), &form).await), plain);
}

#[tokio::test]
async fn duty_8_journal_proves_that_a_steady_state_makes_only_gets() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    let mark = world.simulator.journal_mark();
    world.simulator.clear_counters();
    world.listed().await;
    world.get(&webhook(sid)).await;
    world.get(&conversation(CONVERSATION)).await;
    assert!(world.simulator.journal_since(mark).iter().all(|entry| !entry.is_write()));
    assert_eq!((world.simulator.counters().reads(), world.simulator.counters().writes()), (3, 0));
    world.post(&webhook(sid), &[]).await;
    let writes: Vec<_> = world.simulator.journal_since(mark).into_iter().filter(Entry::is_write).collect();
    assert_eq!(writes.len(), 1);
    assert_eq!((writes[0].operation, writes[0].committed), (Some(Operation::Update), true));
    assert_eq!(world.simulator.counters().writes(), 1);
}
