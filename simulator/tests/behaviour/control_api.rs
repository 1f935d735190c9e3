//! The control API over HTTP: the same as the library's methods.

use crate::fixture::*;
use http::Method;
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    ConversationState, FaultId, Operation, Seed, Settings, TriggerKeys, WebhookSid,
};

#[tokio::test]
async fn health_reset_and_settings() {
    let world = World::start().await;
    assert_eq!(world.control(Method::GET, "/health", Value::Null).await.json, json!({"status": "ok"}));
    let settings = json!({"triggerKeys": "filters"});
    assert_eq!(world.control(Method::PUT, "/settings", settings).await.status, 204);
    let expected = Settings { trigger_keys: TriggerKeys::Filters, ..Settings::default() };
    assert_eq!(world.simulator.settings(), expected);
    let shown = world.control(Method::GET, "/settings", Value::Null).await.json;
    assert_eq!(serde_json::from_value::<Settings>(shown).unwrap(), expected);
    world.create(BOT).await;
    assert_eq!(world.control(Method::POST, "/reset", Value::Null).await.status, 204);
    assert_eq!((world.alive(), world.simulator.settings()), (0, Settings::default()));
}

#[tokio::test]
async fn faults_are_armed_shown_and_disarmed() {
    let world = World::start().await;
    for fault in [
        json!({"type": "tooManyRequests", "retryAfter": 1}),
        json!({"type": "error", "status": 503, "commit": true}),
        json!({"type": "reset", "commit": true}),
        json!({"type": "close"}),
        json!({"type": "hang"}),
        json!({"type": "delay", "beforeMs": 1, "afterMs": 1}),
        json!({"type": "lateCommit", "afterMs": 5, "connection": "reset"}),
        json!({"type": "staleList", "lagMs": 5}),
        json!({"type": "garbled", "reply": "endlessPages"}),
        json!({"type": "garbled", "reply": {"huge": {"bytes": 10}}}),
        json!({"type": "garbled", "reply": {"otherAccount": {"account": OTHER_ACCOUNT}}}),
    ] {
        let reply =
            world.control(Method::POST, "/faults", json!({"operation": "create", "fault": fault})).await;
        assert_eq!(reply.status, 201, "{fault}: {}", reply.json);
    }
    let shown = world.control(Method::GET, "/faults", Value::Null).await.json;
    assert_eq!(shown["faults"].as_array().unwrap().len(), 11);
    assert_eq!(shown["faults"][0]["rule"]["fault"]["retryAfter"], 1);
    assert_eq!(world.control(Method::DELETE, "/faults/1", Value::Null).await.status, 204);
    assert_eq!(world.control(Method::DELETE, "/faults/1", Value::Null).await.status, 404);
    assert_eq!(world.simulator.faults()[0].id, FaultId(2));
    assert_eq!(Reply::of(world.try_create().await.unwrap()).await.error(), (503, 20500));
    assert_eq!(world.control(Method::DELETE, "/faults", Value::Null).await.status, 204);
    assert!(world.simulator.faults().is_empty());
}

#[tokio::test]
async fn journal_counters_and_ledger() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    world.listed().await;
    let journal = world.control(Method::GET, "/journal?operation=create&after=0", Value::Null).await.json;
    assert_eq!(journal["last"], 2);
    assert_eq!(journal["requests"][0]["params"][1], json!(["Configuration.Url", BOT]));
    assert_eq!(journal["requests"][0]["status"], 201);
    let counters = world.control(Method::GET, "/counters", Value::Null).await.json;
    assert_eq!(counters["accounts"][ACCOUNT.to_string()]["create"]["byStatus"]["201"], 1);
    let path = format!("/ledger?conversation={CONVERSATION}&alive=true");
    let ledger = world.control(Method::GET, &path, Value::Null).await.json;
    assert_eq!(ledger["webhooks"][0]["sid"], json!(sid));
    assert_eq!(ledger["webhooks"][0]["created"]["origin"], "api");
    assert_eq!(ledger["webhooks"][0]["configuration"]["url"], BOT);
    let twins = world.control(Method::GET, "/ledger/duplicates", Value::Null).await.json;
    assert_eq!(twins, json!({"groups": []}));
    let touched =
        world.control(Method::GET, "/ledger/foreign-touched?userAgent=behaviour/", Value::Null).await;
    assert_eq!(touched.json, json!({"webhooks": []}));
    assert_eq!(world.control(Method::PUT, "/journal", json!({"size": 1})).await.status, 204);
    assert_eq!(world.simulator.journal().len(), 1);
    world.control(Method::DELETE, "/journal", Value::Null).await;
    world.control(Method::DELETE, "/counters", Value::Null).await;
    assert!(world.simulator.journal().is_empty() && world.simulator.counters().writes() == 0);
}

#[tokio::test]
async fn accounts_keys_and_conversations() {
    let world = World::start().await;
    let account = json!({"sid": "AC00000000000000000000000000000009", "authToken": "nine"});
    assert_eq!(world.control(Method::POST, "/accounts", account).await.status, 201);
    let conversations = "/accounts/AC00000000000000000000000000000009/conversations";
    let made = world.control(Method::POST, conversations, json!({"uniqueName": "room"})).await;
    let sid = made.json["sid"].as_str().unwrap().to_owned();
    assert_eq!(world.control(Method::POST, conversations, json!({"uniqueName": "room"})).await.status, 422);
    let conversation = format!("/conversations/{sid}");
    assert_eq!(world.control(Method::GET, &conversation, Value::Null).await.json["uniqueName"], "room");
    let state = json!({"state": "closed"});
    assert_eq!(world.control(Method::PUT, &format!("{conversation}/state"), state).await.status, 204);
    assert_eq!(world.simulator.conversation(sid.parse().unwrap()).unwrap().state, ConversationState::Closed);
    let set_up = format!("{conversation}/initialize");
    assert_eq!(world.control(Method::POST, &set_up, json!({"forMs": 600_000})).await.status, 204);
    let shown = world.control(Method::GET, &conversation, Value::Null).await.json;
    assert_eq!(shown["state"], "initializing");
    let recreated = world.control(Method::POST, &format!("{conversation}/recreate"), Value::Null).await;
    assert_eq!(recreated.status, 201);
    let listed = world.control(Method::GET, conversations, Value::Null).await.json;
    assert_eq!(listed["conversations"][0]["sid"], recreated.json["sid"]);
    let gone = world.control(Method::DELETE, &conversation, Value::Null).await;
    assert_eq!((gone.status, gone.json), (404, json!({"error": format!("there is no conversation {sid}")})));

    let keys = format!("/accounts/{ACCOUNT}/keys");
    let key = "SK00000000000000000000000000000009";
    let body = json!({"sid": key, "secret": "s", "restrictedTo": ["configurationFetch"]});
    assert_eq!(world.control(Method::POST, &keys, body).await.status, 201);
    let proof = || async {
        world
            .anonymous(Method::GET, "/v1/Configuration")
            .basic_auth(key, Some("t"))
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(proof().await, 401);
    world.control(Method::PUT, &format!("/keys/{key}/secret"), json!({"secret": "t"})).await;
    assert_eq!(proof().await, 200);
    world.control(Method::DELETE, &format!("/keys/{key}"), Value::Null).await;
    assert_eq!(proof().await, 401);
    let token = json!({"authToken": "another"});
    world.control(Method::PUT, &format!("/accounts/{ACCOUNT}/auth-token"), token).await;
    assert_eq!(world.get("/v1/Configuration").await.status, 401);
}

#[tokio::test]
async fn outsiders_and_participants() {
    let world = World::start().await;
    let webhooks = format!("/conversations/{CONVERSATION}/webhooks");
    let seed = json!({"target": "trigger", "url": "http://127.0.0.1:1/", "triggers": ["help"]});
    let made = world.control(Method::POST, &webhooks, seed).await;
    let sid: WebhookSid = made.json["sid"].as_str().unwrap().parse().unwrap();
    let filled =
        world.control(Method::POST, &format!("/conversations/{CONVERSATION}/fill-slots"), Value::Null).await;
    assert_eq!(filled.json["sids"].as_array().unwrap().len(), 4);
    let edit =
        world.control(Method::PATCH, &format!("/webhooks/{sid}"), json!({"triggers": ["agent"]})).await;
    assert_eq!(edit.status, 204);
    let bad = world.control(Method::PATCH, &format!("/webhooks/{sid}"), json!({"method": "put"})).await;
    assert_eq!(bad.status, 422);
    let path = format!("/webhooks/{sid}");
    assert_eq!(world.control(Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(world.control(Method::POST, &format!("{path}/restore"), Value::Null).await.status, 204);
    assert!(world.simulator.ledger().get(sid).unwrap().alive());
    let fillers: Vec<_> = filled.json["sids"].as_array().unwrap().clone();
    for filler in fillers {
        let path = format!("/webhooks/{}", filler.as_str().unwrap());
        assert_eq!(world.control(Method::DELETE, &path, Value::Null).await.status, 204);
    }
    let says = json!({"author": "ana", "body": "an agent"});
    let message = world.control(Method::POST, &format!("/conversations/{CONVERSATION}/messages"), says).await;
    assert_eq!(message.status, 201);
    assert!(world.simulator.deliveries_settled(std::time::Duration::from_secs(5)).await);
    let deliveries = world.control(Method::GET, "/deliveries", Value::Null).await.json;
    assert_eq!(deliveries["deliveries"][0]["webhook"], json!(sid));
    assert_eq!(deliveries["deliveries"][0]["outcome"], json!({"failed": "connect"}));
    assert_eq!(world.control(Method::DELETE, "/deliveries", Value::Null).await.status, 204);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_a_reason() {
    let world = World::start().await;
    for (method, path, body, status) in [
        (Method::POST, "/faults", json!({"fault": {"type": "nonsense"}}), 422),
        (Method::POST, "/faults", json!({"falt": {"type": "reset"}}), 422),
        (Method::POST, "/seed", json!({"accounts": [{"sid": "AC1", "authToken": "x"}]}), 422),
        (Method::POST, "/nothing", json!({}), 404),
        (Method::DELETE, "/health", Value::Null, 405),
        (Method::GET, "/conversations/CH1", Value::Null, 400),
    ] {
        let response =
            world.anonymous(method, &format!("/_simulator{path}")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
    assert_eq!(world.simulator.counters().of(ACCOUNT, Operation::Create).requests, 0);
    assert!(world.simulator.journal().is_empty());
}

#[tokio::test]
async fn a_seed_reads_the_same_in_yaml_and_json() {
    let text = include_str!("../../examples/seed.yaml");
    let from_yaml: Seed = serde_saphyr::from_str(text).unwrap();
    let as_json = serde_json::to_value(&from_yaml).unwrap();
    let from_json: Seed = serde_json::from_value(as_json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&from_json).unwrap(), as_json);
    let world = World::start().await;
    assert_eq!(world.control(Method::POST, "/seed", as_json).await.status, 204);
    assert_eq!(world.simulator.faults().len(), from_yaml.faults.len());
}

#[tokio::test]
async fn the_status_of_an_account_and_the_slow_end_of_a_conversation() {
    let world = World::start().await;
    let status = format!("/accounts/{ACCOUNT}/status");
    for (name, expected) in [("suspended", 403), ("test", 403), ("active", 200)] {
        assert_eq!(world.control(Method::PUT, &status, json!({"status": name})).await.status, 204);
        assert_eq!(world.get("/v1/Configuration").await.status, expected, "{name}");
    }
    assert_eq!(world.control(Method::PUT, &status, json!({"status": "gone"})).await.status, 422);
    let unknown = "/accounts/AC00000000000000000000000000000099/status";
    assert_eq!(world.control(Method::PUT, unknown, json!({"status": "active"})).await.status, 404);

    let path = format!("/conversations/{CONVERSATION}/delete-slowly");
    assert_eq!(world.control(Method::POST, &path, json!({"forMs": 60_000})).await.status, 204);
    assert_eq!(world.get(&conversation(CONVERSATION)).await.error(), (400, 50334));
    world.control(Method::POST, "/clock/advance", json!({"byMs": 60_000})).await;
    assert_eq!(world.get(&conversation(CONVERSATION)).await.error(), (404, 20404));
    assert_eq!(world.control(Method::POST, &path, json!({"forMs": 1})).await.status, 404);
}

#[tokio::test]
async fn participants_join_and_channels_report() {
    let world = World::start().await;
    world.listen(CONVERSATION, ["onParticipantAdded", "onDeliveryUpdated"]);
    let path = format!("/conversations/{CONVERSATION}");
    let bob = json!({"address": "+15550001", "proxyAddress": "+15550002"});
    let joined = world.control(Method::POST, &format!("{path}/participants"), bob.clone()).await;
    assert_eq!(joined.status, 201, "{}", joined.json);
    assert_eq!(world.control(Method::POST, &format!("{path}/participants"), bob).await.status, 422, "once");
    assert_eq!(world.control(Method::POST, &format!("{path}/participants"), json!({})).await.status, 422);
    let says = json!({"author": "ana", "body": "hello"});
    let message = world.control(Method::POST, &format!("{path}/messages"), says).await;
    let receipts = format!("{path}/messages/{}/receipts", message.json["sid"].as_str().unwrap());
    let report = json!({"participant": joined.json["sid"], "status": "failed", "errorCode": 30_003});
    let receipt = world.control(Method::POST, &receipts, report).await;
    assert_eq!((receipt.status, receipt.json["sid"].as_str().unwrap().starts_with("DY")), (201, true));
    let stranger = json!({"participant": "MB00000000000000000000000000000099", "status": "sent"});
    assert_eq!(world.control(Method::POST, &receipts, stranger).await.status, 422);
    let shown = world.control(Method::GET, &path, Value::Null).await.json;
    assert_eq!(shown["messages"][0]["receipts"][0]["errorCode"], 30_003);
    assert_eq!(world.heard().await, ["onParticipantAdded", "onDeliveryUpdated"]);
}
