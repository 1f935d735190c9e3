//! The tenants' chart against the API server: both say the same of each object in the tables of `tests/admission`, and what
//! the chart names its objects makes an edit either a change or another object.

use futures::{StreamExt as _, stream};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Api, Client, Error};
use serde_json::{Map, Value, json};

use crate::case::{Case, Expected};
use crate::cluster::{cluster, get, namespace, release};
use crate::helm::{TENANT, rendered, template};
use crate::object::object;
use crate::rules::tables;

/// Runs of Helm at a time.
const AT_ONCE: usize = 2;

/// Cases that are not the chart's, or that it judges otherwise, and why.
const OTHERWISE: [(&str, &str); 5] = [
    ("a webhook to take over", NO_HINT),
    ("SID of something else to take over", NO_HINT),
    ("SID too long to take over", NO_HINT),
    ("Secret without a name", "Helm fills in the chart's default name"),
    ("replay from far behind", "Helm would round the number, so the chart refuses it"),
];
const NO_HINT: &str = "webhookSid is of one object, and a bot is of many";

/// The values that would render this spec; the chart has a place of its own for the conversation and the Secret.
fn values(spec: &Value) -> Value {
    let mut bot = spec.as_object().unwrap().clone();
    let mut conversation = Map::from_iter([("name".to_owned(), json!("support"))]);
    for (field, value) in [
        ("conversationSid", "sid"),
        ("conversationUniqueName", "uniqueName"),
        ("chatServiceSid", "chatServiceSid"),
    ] {
        conversation.extend(bot.remove(field).map(|found| (value.to_owned(), found)));
    }
    let mut values = Map::new();
    values.extend(bot.remove("credentialsSecretRef").map(|found| ("credentialsSecretRef".to_owned(), found)));
    bot.insert("name".to_owned(), json!("bot"));
    values.insert("conversations".to_owned(), json!([conversation]));
    values.insert("bots".to_owned(), json!([bot]));
    Value::Object(values)
}

/// What is wrong with the verdicts of Helm and of the API server, if anything is.
async fn fault(kube: &Client, case: &Case) -> Option<String> {
    let expected = matches!(case.expected, Expected::Accepted);
    let rendered = template(TENANT, "default", &values(&case.spec)).await;
    let stored = admitted(kube, &object("support-bot", &case.spec)).await;
    match (&rendered, stored) {
        (Ok(documents), Ok(())) if expected => {
            let mut spec = case.spec.clone();
            let secret = spec.as_object_mut().unwrap().entry("credentialsSecretRef");
            secret.or_insert(json!({ "name": "twilio-credentials" }));
            let written = &documents[0].value["spec"];
            (*written != spec).then(|| format!("{}: {spec} was rendered as {written}", case.name))
        }
        (Err(error), Err(_)) if !expected => {
            // Else it may have been refused for something that has nothing to do with the object.
            let schema = error.contains("values don't meet the specifications of the schema");
            (!schema).then(|| format!("{}: not by the schema: {error}", case.name))
        }
        (helm, api) => Some(format!(
            "{}: Helm {:?}, the API server {api:?}, by the table accepted: {expected}",
            case.name,
            helm.as_ref().map(|_| ())
        )),
    }
}

/// Whether the API server would store the object, fields that it does not know refused.
async fn admitted(kube: &Client, object: &Value) -> Result<(), String> {
    let kind = GroupVersionKind::gvk("conversations.twilio-operator.dev", "v1alpha1", "ConversationWebhook");
    let api: Api<DynamicObject> =
        Api::namespaced_with(kube.clone(), "default", &ApiResource::from_gvk(&kind));
    let parameters = PatchParams::apply("helm").dry_run().validation_strict();
    match api.patch("support-bot", &parameters, &Patch::Apply(object)).await {
        Ok(_) => Ok(()),
        Err(Error::Api(status)) => Err(status.message),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_schema_says_of_every_object_what_the_api_server_says() {
    let kube = cluster().await.admin_client().await.unwrap();
    let cases: Vec<Case> = tables().into_iter().flat_map(|(_, cases)| cases).collect();
    let left_out: Vec<&str> = OTHERWISE.map(|(name, _)| name).into();
    let known = |name: &&str| cases.iter().any(|case| case.name == *name);
    assert!(left_out.iter().all(known), "an exception for a case that is not there");
    let asked: Vec<&Case> = cases.iter().filter(|case| !left_out.contains(&case.name)).collect();
    let refused = asked.iter().filter(|case| !matches!(case.expected, Expected::Accepted)).count();
    let faults: Vec<String> = stream::iter(&asked)
        .map(|case| fault(&kube, case))
        .buffered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), asked.len(), faults.join("\n"));
    assert!(refused > 0 && refused < asked.len(), "{refused} of {}", asked.len());
}

#[tokio::test]
async fn a_number_that_helm_would_round_is_refused() {
    let with = |after: i64| {
        json!({
            "conversations": [{ "name": "support", "sid": "CH00000000000000000000000000000001" }],
            "bots": [{ "name": "bot", "target": "studio",
                "configuration": { "flowSid": "FW00000000000000000000000000000001", "replayAfter": after } }],
        })
    };
    let greatest = (1_i64 << 53) - 1;
    let documents = rendered(TENANT, "default", &with(greatest)).await;
    assert_eq!(documents[0].value["spec"]["configuration"]["replayAfter"], greatest);
    let error = template(TENANT, "default", &with(greatest + 1)).await.unwrap_err();
    assert!(error.contains("at '/bots/0/configuration/replayAfter'"), "{error}");
}

/// The names of the objects that these values make.
async fn names(values: &Value) -> Vec<String> {
    let documents = rendered(TENANT, "tenant-a", values).await;
    documents.iter().map(|one| one.value["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_example_of_the_readme_renders_what_it_says() {
    let readme = std::fs::read_to_string(format!("{TENANT}/README.md")).unwrap();
    let example = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let values: Value = serde_saphyr::from_str(example).unwrap();
    let names = names(&values).await;
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(readme.contains(&format!("for example `{}`", names[0])), "{names:?}");
}

fn one_pair(change: impl FnOnce(&mut Value, &mut Value)) -> Value {
    let mut conversation = json!({ "name": "support", "sid": "CH00000000000000000000000000000001" });
    let mut bot = json!({
        "name": "bot", "target": "webhook",
        "configuration": { "url": "https://bots.example.com/", "filters": ["onMessageAdded"], "replayAfter": 7 },
    });
    change(&mut conversation, &mut bot);
    json!({ "conversations": [conversation], "bots": [bot] })
}

#[tokio::test]
async fn a_name_changes_with_what_an_object_may_not_change_and_with_nothing_else() {
    let first = names(&one_pair(|_, _| {})).await;
    assert_eq!(first.len(), 1);
    assert!(first[0].starts_with("support-bot-"), "{first:?}");
    let same = [
        one_pair(|_, bot| bot["configuration"]["url"] = json!("https://other.example.com/")),
        one_pair(|_, bot| bot["configuration"]["filters"] = json!(["onMessageRemoved"])),
        one_pair(|_, bot| bot["deletionPolicy"] = json!("Retain")),
        // The API server refuses this one: see below.
        one_pair(|_, bot| bot["configuration"]["replayAfter"] = json!(0)),
    ];
    for values in same {
        assert_eq!(names(&values).await, first, "{values}");
    }
    let others = [
        one_pair(|conversation, _| conversation["sid"] = json!("CH00000000000000000000000000000002")),
        one_pair(|conversation, _| {
            conversation["chatServiceSid"] = json!("IS00000000000000000000000000000002");
        }),
        one_pair(|conversation, _| {
            *conversation = json!({ "name": "support", "uniqueName": "CH00000000000000000000000000000001" });
        }),
        one_pair(|conversation, _| conversation["name"] = json!("sales")),
        one_pair(|_, bot| bot["name"] = json!("helper")),
        one_pair(|_, bot| {
            *bot = json!({ "name": "bot", "target": "studio", "configuration": { "flowSid": "FW00000000000000000000000000000001" } });
        }),
    ];
    let mut seen = first;
    for values in others {
        let other = names(&values).await.remove(0);
        assert!(!seen.contains(&other), "{values}");
        seen.push(other);
    }
    // More bots and conversations leave the others as they are.
    let mut more = one_pair(|_, _| {});
    for (list, one) in [
        (
            "bots",
            json!({ "name": "a", "target": "studio", "configuration": { "flowSid": "FW00000000000000000000000000000001" } }),
        ),
        ("conversations", json!({ "name": "a", "uniqueName": "a" })),
    ] {
        more[list].as_array_mut().unwrap().insert(0, one);
    }
    let more = names(&more).await;
    assert_eq!(more.len(), 4);
    assert!(more.contains(&seen[0]), "{more:?}");
}

#[tokio::test]
async fn an_upgrade_with_another_conversation_is_another_object_and_a_replay_is_not_repeated_by_an_edit() {
    let plane = cluster().await;
    let space = "upgrades";
    namespace(plane, space).await;
    let release =
        async |how: &[&str], values: &Value| release(plane, how, ("tenant", TENANT, space), values).await;
    let stored = async || {
        let list = get(plane, &["conversationwebhooks", "-n", space]).await;
        let items = list["items"].as_array().unwrap().clone();
        items
            .into_iter()
            .map(|item| (item["metadata"]["uid"].clone(), item["spec"].clone()))
            .collect::<Vec<_>>()
    };
    release(&["install"], &one_pair(|_, _| {})).await.unwrap();
    let first = stored().await;
    assert_eq!(first.len(), 1);

    release(&["upgrade"], &one_pair(|_, bot| bot["mode"] = json!("Suspended"))).await.unwrap();
    let edited = stored().await;
    assert_eq!((edited.len(), &edited[0].0, &edited[0].1["mode"]), (1, &first[0].0, &json!("Suspended")));

    let replay = one_pair(|_, bot| bot["configuration"]["replayAfter"] = json!(0));
    let error = release(&["upgrade"], &replay).await.unwrap_err().to_string();
    assert!(error.contains("configuration.replayAfter is immutable: it is read only when"), "{error}");
    assert_eq!(stored().await[0].1["configuration"]["replayAfter"], 7);

    let other = one_pair(|conversation, _| conversation["sid"] = json!("CH00000000000000000000000000000002"));
    release(&["upgrade"], &other).await.unwrap();
    let moved = stored().await;
    assert_eq!(
        (moved.len(), &moved[0].1["conversationSid"]),
        (1, &json!("CH00000000000000000000000000000002"))
    );
    assert_ne!(moved[0].0, first[0].0);
}

#[tokio::test]
async fn two_releases_that_want_the_same_webhook_collide() {
    let plane = cluster().await;
    let space = "twice";
    namespace(plane, space).await;
    let values = one_pair(|_, _| {});
    release(plane, &["install"], ("one", TENANT, space), &values).await.unwrap();
    let error = release(plane, &["install"], ("two", TENANT, space), &values).await.unwrap_err().to_string();
    assert!(error.contains("invalid ownership metadata"), "{error}");
}
