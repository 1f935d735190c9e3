//! What kubectl shows: names, columns, selectors, defaults, explanations.

use controlplane::ControlPlane;
use serde_json::{Value, json};

use crate::cluster::{Apply, CRD, cluster, get_json, namespace, store, write_status};
use crate::object::{object, sid, studio, webhook};

#[tokio::test]
async fn the_crd_is_accepted_and_established() {
    let crd = get_json(cluster().await, &["crd", CRD]).await;
    for condition in ["NamesAccepted", "Established"] {
        let conditions = crd["status"]["conditions"].as_array().unwrap();
        let found = conditions.iter().find(|found| found["type"] == condition).unwrap();
        assert_eq!(found["status"], "True", "{found}");
    }
    let complaint = crd["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|condition| condition["type"] == "NonStructuralSchema");
    assert_eq!(complaint, None);
}

#[tokio::test]
async fn the_kind_has_a_short_name_and_a_category() {
    let plane = cluster().await;
    let resources =
        ["api-resources", "--api-group=conversations.twilio-operator.dev", "-o", "wide", "--no-headers"];
    let listed = plane.kubectl(&resources).await.unwrap().stdout;
    let words: Vec<&str> = listed.split_whitespace().collect();
    assert_eq!(
        words[..5],
        [
            "conversationwebhooks",
            "cw",
            "conversations.twilio-operator.dev/v1alpha1",
            "true",
            "ConversationWebhook"
        ]
    );
    assert_eq!(words.last(), Some(&"twilio"));

    namespace(plane, "names").await;
    store(plane, "names", Apply::Client, &[object("support-bot", &webhook(&json!({})))]).await;
    let full = "conversationwebhook.conversations.twilio-operator.dev/support-bot\n";
    for name in ["cw", "conversationwebhook", "conversationwebhooks", "twilio"] {
        let output = plane.kubectl(&["get", name, "-n", "names", "-o", "name"]).await.unwrap();
        assert_eq!(output.stdout, full, "kubectl get {name}");
    }
}

#[tokio::test]
async fn a_new_object_gets_four_defaults_and_an_unseen_generation() {
    let plane = cluster().await;
    namespace(plane, "defaults").await;
    let spec = webhook(&json!({}));
    store(plane, "defaults", Apply::Client, &[object("support-bot", &spec)]).await;

    let stored = get_json(plane, &["cw", "support-bot", "-n", "defaults"]).await;
    let mut expected = spec;
    expected["credentialsSecretRef"] = json!({"name": "twilio-credentials"});
    expected["deletionPolicy"] = json!("Delete");
    expected["adoptionPolicy"] = json!("Never");
    expected["mode"] = json!("Apply");
    assert_eq!(stored["spec"], expected);
    assert_eq!(stored["status"], json!({"observedGeneration": -1}));
}

#[tokio::test]
async fn an_explicit_null_is_the_same_as_nothing() {
    let plane = cluster().await;
    let mut spec = webhook(&json!({}));
    let optional = [
        "conversationUniqueName",
        "chatServiceSid",
        "credentialsSecretRef",
        "deletionPolicy",
        "adoptionPolicy",
        "recreatePolicy",
        "webhookSid",
        "mode",
        "resyncInterval",
    ];
    for field in optional {
        spec[field] = Value::Null;
    }
    for field in ["urlFrom", "method", "triggers", "flowSid", "replayAfter"] {
        spec["configuration"][field] = Value::Null;
    }
    let create = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
    let manifest = object("nulls", &spec).to_string();
    let output = plane.kubectl_with_input(&create, &manifest).await.unwrap();

    let stored: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(stored["spec"]["mode"], "Apply");
    assert_eq!(stored["spec"]["credentialsSecretRef"]["name"], "twilio-credentials");
    // Enums are dropped: null is none of their values.
    assert_eq!(stored["spec"].get("recreatePolicy"), None);
    assert_eq!(stored["spec"]["configuration"].get("method"), None);
}

#[tokio::test]
async fn one_glance_shows_what_is_going_on() {
    let plane = cluster().await;
    namespace(plane, "columns").await;
    store(plane, "columns", Apply::Client, &[object("support-bot", &webhook(&json!({})))]).await;

    let [header, row] = table(plane, &["get", "cw", "-n", "columns"]).await;
    assert_eq!(header, ["NAME", "READY", "REASON", "TARGET", "CONVERSATION", "WEBHOOK", "AGE"]);
    assert_eq!(row[..2], ["support-bot", "webhook"], "the rest is unknown before the operator has seen it");

    let ready = json!({
        "type": "Ready", "status": "False", "reason": "ConversationFull", "message": "remove-one",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let status = json!({
        "conversationSid": sid("CH"), "webhookSid": sid("WH"), "accountSid": sid("AC"), "conditions": [ready],
    });
    write_status(plane, "columns", "support-bot", &status).await;
    let (conversation, hook, account) = (sid("CH"), sid("WH"), sid("AC"));
    let [_, row] = table(plane, &["get", "cw", "-n", "columns"]).await;
    assert_eq!(row[..6], ["support-bot", "False", "ConversationFull", "webhook", &conversation, &hook]);
    assert_eq!(row.len(), 7);
    let [header, row] = table(plane, &["get", "cw", "-n", "columns", "-o", "wide"]).await;
    assert_eq!(header[6..], ["AGE", "ACCOUNT", "MESSAGE"]);
    assert_eq!(row[7..], [account.as_str(), "remove-one"]);
}

/// Header and only row, in words.
async fn table(plane: &ControlPlane, args: &[&str]) -> [Vec<String>; 2] {
    let output = plane.kubectl(args).await.unwrap().stdout;
    let rows: Vec<_> =
        output.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect();
    rows.try_into().unwrap()
}

#[tokio::test]
async fn objects_are_found_by_conversation_target_and_webhook() {
    let plane = cluster().await;
    namespace(plane, "selectors").await;
    let other_conversation = sid("CH").replace('0', "f");
    let by_name = json!({"conversationSid": null, "conversationUniqueName": "support"});
    let objects = [object("one", &webhook(&json!({}))), object("other", &studio(&by_name))];
    store(plane, "selectors", Apply::Client, &objects).await;
    let status = json!({"conversationSid": other_conversation, "webhookSid": sid("WH")});
    write_status(plane, "selectors", "other", &status).await;

    for (selector, expected) in [
        (format!("spec.conversationSid={}", sid("CH")), vec!["one"]),
        ("spec.conversationSid=".to_owned(), vec!["other"]),
        ("spec.target=studio".to_owned(), vec!["other"]),
        ("spec.target!=studio".to_owned(), vec!["one"]),
        (format!("status.conversationSid={other_conversation}"), vec!["other"]),
        (format!("status.webhookSid={}", sid("WH")), vec!["other"]),
        ("status.webhookSid=".to_owned(), vec!["one"]),
        (format!("spec.target=webhook,status.webhookSid={}", sid("WH")), vec![]),
    ] {
        let list = get_json(plane, &["cw", "-n", "selectors", "--field-selector", &selector]).await;
        let items = list["items"].as_array().unwrap();
        let names: Vec<_> = items.iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{selector}");
    }

    let unknown =
        plane.kubectl(&["get", "cw", "-n", "selectors", "--field-selector", "spec.mode=Apply"]).await;
    assert!(unknown.unwrap_err().to_string().contains("field label not supported: spec.mode"));
}

#[tokio::test]
async fn kubectl_explains_the_fields() {
    let plane = cluster().await;
    let explain = async |path: &str| {
        let output = plane.kubectl(&["explain", path]).await.unwrap();
        output.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let kind = explain("cw").await;
    assert!(kind.contains("One webhook of one Twilio conversation."), "{kind}");

    let spec = explain("cw.spec").await;
    assert!(spec.contains("configuration <Object> -required-"), "{spec}");
    assert!(spec.contains("target <string> -required- enum: webhook, trigger, studio"), "{spec}");
    assert!(spec.contains("recreatePolicy <string> enum: Recreate, Report"), "{spec}");

    let configuration = explain("cw.spec.configuration").await;
    for field in [
        "filters <[]string> Post-action events that set the webhook off",
        "flowSid <string> SID of the Studio flow (FW...)",
        "method <string> enum: GET, POST HTTP method of the requests to the bot. POST when absent",
        "replayAfter <integer> Index of the message from which messages are replayed",
        "triggers <[]string> Keywords that set the webhook off, one to five",
        "url <string> Absolute http or https address of the bot",
        "urlFrom <Object> The address comes from a key of a Secret",
    ] {
        assert!(configuration.contains(field), "{field} is missing from: {configuration}");
    }
}
