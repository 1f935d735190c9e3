//! The checker finds every kind of fault, and names the field.

use serde_json::{Value, json};

use super::document::{Facts, TEXT, facts};
use super::{Problem, Violation, check, check_error};

const CREATE: &str = "CreateConversationScopedWebhook";
const LIST: &str = "ListConversationScopedWebhook";
const HOST: &str = "http://127.0.0.1:8080/v1";

/// What a good reply is changed to.
enum Change {
    Set(Value),
    Remove,
}
use Change::{Remove, Set};

fn sid(prefix: &str) -> String {
    format!("{prefix}{:032x}", 0xabc)
}

fn webhook() -> Value {
    json!({
        "sid": sid("WH"), "account_sid": sid("AC"), "conversation_sid": sid("CH"), "target": "webhook",
        "configuration": {"url": "https://a.example.com", "method": "post", "filters": ["onMessageAdded"]},
        "date_created": "2016-03-24T21:05:50Z", "date_updated": null,
        "url": format!("{HOST}/Conversations/{}/Webhooks/{}", sid("CH"), sid("WH")),
    })
}

fn with(target: &str, configuration: Value) -> Value {
    let mut webhook = webhook();
    webhook["target"] = target.into();
    webhook["configuration"] = configuration;
    webhook
}

fn list() -> Value {
    let url = format!("{HOST}/Conversations/{}/Webhooks?PageSize=2&Page=0", sid("CH"));
    json!({
        "meta": {
            "page": 0, "page_size": 2, "first_page_url": url, "previous_page_url": null, "url": url,
            "next_page_url": format!("{url}&PageToken=PT1"), "key": "webhooks",
        },
        "webhooks": [webhook(), webhook()],
    })
}

fn conversation() -> Value {
    let url = format!("{HOST}/Conversations/{}", sid("CH"));
    json!({
        "sid": sid("CH"), "account_sid": sid("AC"), "chat_service_sid": sid("IS"),
        "messaging_service_sid": sid("MG"), "friendly_name": null, "unique_name": "a", "attributes": "{}",
        "state": "active", "date_created": "2016-03-24T21:05:50Z", "date_updated": "2016-03-24T21:05:50Z",
        "timers": {}, "bindings": {}, "links": {"webhooks": format!("{url}/Webhooks")}, "url": url,
    })
}

fn service_webhooks() -> Value {
    json!({
        "account_sid": sid("AC"), "chat_service_sid": sid("IS"), "pre_webhook_url": null, "post_webhook_url": null,
        "filters": ["onMessageAdd"], "method": "POST", "url": format!("{HOST}/Services/x/Configuration/Webhooks"),
    })
}

fn error() -> Value {
    json!({
        "code": 50361, "message": "Too many", "more_info": "https://www.twilio.com/docs/errors/50361", "status": 400
    })
}

fn verdict(operation: &str, status: u16, body: &Value) -> Result<(), Violation> {
    check(operation, status, body.to_string().as_bytes())
}

/// The body after a change at a JSON pointer; a pointer to nothing yet adds a field.
fn changed(mut body: Value, pointer: &str, change: Change) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match (parent, change) {
        (Value::Object(fields), Set(value)) => drop(fields.insert(name.to_owned(), value)),
        (Value::Object(fields), Remove) => assert!(fields.remove(name).is_some(), "{pointer}"),
        (Value::Array(items), Set(value)) => items[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    body
}

#[test]
fn the_facts_can_be_read_and_are_complete() {
    serde_json::from_str::<Facts>(TEXT).unwrap();
    assert_eq!(facts().operations().count(), 103);
    for (id, operation) in facts().operations() {
        assert!(!operation.replies.is_empty(), "{id}");
        for reply in operation.replies.values() {
            use super::document::ReplyFacts::{List, Nothing, One};
            match reply {
                List { schema, .. } | One { schema } => {
                    assert!(facts().schema(schema).is_some(), "{id}: {schema}");
                }
                Nothing {} => assert!(id.starts_with("Delete"), "{id}"),
            }
        }
    }
}

#[test]
fn good_replies_pass() {
    let trigger = |key: &str| json!({"url": "http://a.example.com/x", "method": "GET", key: ["help"]});
    for (operation, status, body) in [
        (CREATE, 201, webhook()),
        (CREATE, 201, with("trigger", trigger("triggers"))),
        (CREATE, 201, with("trigger", trigger("filters"))),
        (CREATE, 201, with("studio", json!({"flow_sid": sid("FW"), "replay_after": 7}))),
        (CREATE, 201, with("studio", json!({"flow_sid": sid("FW"), "filters": ["onMessageAdded"]}))),
        (LIST, 200, list()),
        ("FetchConversation", 200, conversation()),
        ("CreateServiceConversation", 201, conversation()),
        ("FetchServiceWebhookConfiguration", 200, service_webhooks()),
        (CREATE, 400, error()),
        (CREATE, 400, changed(error(), "/details", Set(json!({"a": 1})))),
    ] {
        assert_eq!(verdict(operation, status, &body), Ok(()), "{operation}: {body}");
    }
    assert_eq!(check("DeleteConversation", 204, b""), Ok(()));
    assert_eq!(
        check_error(404, &serde_json::to_vec(&changed(error(), "/status", Set(404.into()))).unwrap()),
        Ok(())
    );
}

#[test]
fn an_altered_reply_is_refused_with_its_field() {
    let studio = || with("studio", json!({"flow_sid": sid("FW")}));
    let trigger =
        || with("trigger", json!({"url": "http://a.example.com", "method": "GET", "filters": ["x"]}));
    let upper = sid("WH").to_uppercase().replace("WH", "wh");
    for (body, operation, status, pointer, change, field) in [
        // Fields: missing, of no schema, of another type, null.
        (webhook(), CREATE, 201, "/sid", Remove, "sid"),
        (webhook(), CREATE, 201, "/date_updated", Remove, "date_updated"),
        (webhook(), CREATE, 201, "/chat_service_sid", Set(sid("IS").into()), "chat_service_sid"),
        (webhook(), CREATE, 201, "/sid", Set(7.into()), "sid"),
        (webhook(), CREATE, 201, "/sid", Set(Value::Null), "sid"),
        (webhook(), CREATE, 201, "/configuration", Set(Value::Null), "configuration"),
        (conversation(), "FetchConversation", 200, "/state", Set(Value::Null), "state"),
        // Patterns, lengths, enums, formats.
        (webhook(), CREATE, 201, "/sid", Set(sid("CH").into()), "sid"),
        (webhook(), CREATE, 201, "/sid", Set(upper.into()), "sid"),
        (webhook(), CREATE, 201, "/sid", Set(format!("{}0", sid("WH")).into()), "sid"),
        (conversation(), "FetchConversation", 200, "/state", Set("Active".into()), "state"),
        (
            service_webhooks(),
            "FetchServiceWebhookConfiguration",
            200,
            "/method",
            Set("post".into()),
            "method",
        ),
        (
            service_webhooks(),
            "FetchServiceWebhookConfiguration",
            200,
            "/filters/0",
            Set(1.into()),
            "filters[0]",
        ),
        (webhook(), CREATE, 201, "/date_created", Set("2016-03-24T21:05:50.1Z".into()), "date_created"),
        (webhook(), CREATE, 201, "/date_created", Set("2016-03-24T21:05:50+00:00".into()), "date_created"),
        (webhook(), CREATE, 201, "/date_created", Set("2016-03-24".into()), "date_created"),
        (webhook(), CREATE, 201, "/url", Set("/v1/Conversations".into()), "url"),
        (webhook(), CREATE, 201, "/url", Set("http://a b/".into()), "url"),
        (conversation(), "FetchConversation", 200, "/links", Set(json!({"a": "b"})), "links"),
        (conversation(), "FetchConversation", 200, "/links", Set(json!([])), "links"),
        // The envelope of a list, and what is in it.
        (list(), LIST, 200, "/meta", Remove, "meta"),
        (list(), LIST, 200, "/meta/page", Remove, "meta.page"),
        (list(), LIST, 200, "/meta/total", Set(2.into()), "meta.total"),
        (list(), LIST, 200, "/meta/page", Set(json!(0.5)), "meta.page"),
        (list(), LIST, 200, "/meta/page_size", Set(6.into()), "meta.page_size"),
        (list(), LIST, 200, "/meta/page_size", Set(0.into()), "meta.page_size"),
        (list(), LIST, 200, "/meta/page_size", Set(1.into()), "webhooks"),
        (list(), LIST, 200, "/meta/url", Set(Value::Null), "meta.url"),
        (list(), LIST, 200, "/meta/next_page_url", Set("?Page=1".into()), "meta.next_page_url"),
        (list(), LIST, 200, "/meta/key", Set("items".into()), "meta.key"),
        (list(), LIST, 200, "/webhooks", Remove, "webhooks"),
        (list(), LIST, 200, "/webhooks", Set(json!({})), "webhooks"),
        (list(), LIST, 200, "/more", Set(json!([])), "more"),
        (list(), LIST, 200, "/webhooks/1", Set(json!("x")), "webhooks[1]"),
        (list(), LIST, 200, "/webhooks/1/sid", Remove, "webhooks[1].sid"),
        (list(), LIST, 200, "/webhooks/0/configuration/url", Remove, "webhooks[0].configuration.url"),
        // What a scoped webhook of each target has.
        (webhook(), CREATE, 201, "/target", Set("other".into()), "target"),
        (webhook(), CREATE, 201, "/configuration/filters", Remove, "configuration.filters"),
        (webhook(), CREATE, 201, "/configuration/filters/0", Set(1.into()), "configuration.filters[0]"),
        (webhook(), CREATE, 201, "/configuration/method", Set("put".into()), "configuration.method"),
        (webhook(), CREATE, 201, "/configuration/url", Set("a.example.com".into()), "configuration.url"),
        (webhook(), CREATE, 201, "/configuration/flow_sid", Set(sid("FW").into()), "configuration.flow_sid"),
        (
            webhook(),
            CREATE,
            201,
            "/configuration/replay_after",
            Set((-1).into()),
            "configuration.replay_after",
        ),
        (trigger(), CREATE, 201, "/configuration/filters", Remove, "configuration.triggers"),
        (trigger(), CREATE, 201, "/configuration/triggers", Set(json!(["x"])), "configuration.triggers"),
        (studio(), CREATE, 201, "/configuration/flow_sid", Set("FW1".into()), "configuration.flow_sid"),
        (
            studio(),
            CREATE,
            201,
            "/configuration/url",
            Set("http://a.example.com".into()),
            "configuration.url",
        ),
        // Errors.
        (error(), CREATE, 400, "/code", Set("50361".into()), "code"),
        (error(), CREATE, 400, "/code", Remove, "code"),
        (error(), CREATE, 400, "/message", Set("".into()), "message"),
        (error(), CREATE, 400, "/message", Set(Value::Null), "message"),
        (error(), CREATE, 400, "/more_info", Set("https://www.twilio.com/docs/errors/1".into()), "more_info"),
        (error(), CREATE, 400, "/status", Set(403.into()), "status"),
        (error(), CREATE, 400, "/details", Set("a".into()), "details"),
        (error(), CREATE, 400, "/sid", Set(sid("WH").into()), "sid"),
    ] {
        assert_eq!(verdict(operation, status, &body), Ok(()), "the good one of {pointer}");
        let violation = verdict(operation, status, &changed(body, pointer, change)).unwrap_err();
        assert_eq!(violation.field, field, "{pointer}: {violation}");
    }
}

#[test]
fn a_status_or_a_body_of_another_kind_is_refused() {
    let body = webhook().to_string();
    let not_empty = Err(Violation::new("body", Problem::NotEmpty));
    let not_json = Err(Violation::new("body", Problem::NotJson));
    assert_eq!(check(CREATE, 200, body.as_bytes()), Err(Violation::new("status", Problem::Status(200))));
    assert_eq!(check(CREATE, 204, b""), Err(Violation::new("status", Problem::Status(204))));
    assert_eq!(check("DeleteConversation", 204, b"{}"), not_empty);
    assert_eq!(check(CREATE, 201, b""), not_json);
    assert_eq!(check(CREATE, 201, b"[]"), Err(Violation::new("body", Problem::Type("object"))));
    assert_eq!(check(CREATE, 500, b"<html>"), not_json);
    assert_eq!(check_error(201, body.as_bytes()), Err(Violation::new("status", Problem::Status(201))));
    assert_eq!(check("Create", 201, b"{}").unwrap_err().problem, Problem::UnknownOperation("Create".into()));
}
