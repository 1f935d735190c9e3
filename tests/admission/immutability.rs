//! What may change in an object that is stored: nothing that says which webhook it is.
//!
//! Twilio cannot move a webhook to another conversation, give it another target or replay again, so the answer to each
//! of these edits is a new object.

use futures::StreamExt as _;
use futures::stream;
use serde_json::{Value, json};

use crate::case::{Case, Expected, case};
use crate::cluster::{Apply, cluster, namespace, store, try_apply};
use crate::object::{object, patched, sid, studio, trigger, webhook};

const ONLY_REPLACED: &str =
    "is immutable: it cannot be added, changed or removed; delete the object and create a new one";
const EXACTLY_ONE: &str =
    "spec: Required value: set exactly one of conversationSid and conversationUniqueName";
const TARGET: &str = "target is immutable: delete the object and create a new one";
const REPLAY_AFTER: &str = "spec.configuration.replayAfter: Invalid value: configuration.replayAfter is immutable: \
    it is read only when the webhook is first created; delete the object and create a new one";

/// A stored object, and what becomes of an edit of it.
pub(crate) struct Edit {
    from: Value,
    /// The object after the edit.
    pub(crate) to: Case,
}

/// The table of edits.
pub(crate) fn edits() -> Vec<Edit> {
    [conversation(), service_target_and_replay(), allowed()].into_iter().flatten().collect()
}

fn edit(from: &Value, to: Case) -> Edit {
    Edit { from: from.clone(), to }
}

fn immutable(field: &str) -> String {
    format!("spec.{field}: Invalid value: {field} {ONLY_REPLACED}")
}

fn conversation() -> Vec<Edit> {
    let by_sid = webhook(&json!({}));
    let by_name = webhook(&json!({"conversationSid": null, "conversationUniqueName": "support"}));
    vec![
        edit(
            &by_sid,
            case(
                "conversationSid changed",
                webhook(&json!({"conversationSid": sid("CH").replace('0', "f")})),
            )
            .rejected_with(immutable("conversationSid")),
        ),
        edit(
            &by_sid,
            case(
                "conversationSid changed in capitals only",
                webhook(&json!({"conversationSid": sid("CH").replace("abc", "ABC")})),
            )
            .rejected_with(immutable("conversationSid")),
        ),
        edit(
            &by_sid,
            case("conversationSid removed", webhook(&json!({"conversationSid": null})))
                .rejected_with(immutable("conversationSid"))
                .and(EXACTLY_ONE),
        ),
        edit(
            &by_name,
            case("conversationSid added", patched(by_name.clone(), &json!({"conversationSid": sid("CH")})))
                .rejected_with(immutable("conversationSid"))
                .and(EXACTLY_ONE),
        ),
        edit(
            &by_sid,
            case("SID exchanged for unique name", by_name.clone())
                .rejected_with(immutable("conversationSid"))
                .and(&immutable("conversationUniqueName")),
        ),
        edit(
            &by_name,
            case(
                "conversationUniqueName changed",
                patched(by_name.clone(), &json!({"conversationUniqueName": "sales"})),
            )
            .rejected_with(immutable("conversationUniqueName")),
        ),
        edit(
            &by_name,
            case("conversationUniqueName removed", webhook(&json!({"conversationSid": null})))
                .rejected_with(immutable("conversationUniqueName"))
                .and(EXACTLY_ONE),
        ),
        edit(
            &by_sid,
            case("conversationUniqueName added", webhook(&json!({"conversationUniqueName": "support"})))
                .rejected_with(immutable("conversationUniqueName"))
                .and(EXACTLY_ONE),
        ),
    ]
}

fn service_target_and_replay() -> Vec<Edit> {
    let by_sid = webhook(&json!({}));
    let in_service = webhook(&json!({"chatServiceSid": sid("IS")}));
    let replayed = webhook(&json!({"configuration": {"replayAfter": 7}}));
    vec![
        edit(
            &in_service,
            case("chatServiceSid changed", webhook(&json!({"chatServiceSid": sid("IS").replace('0', "f")})))
                .rejected_with(immutable("chatServiceSid")),
        ),
        edit(
            &in_service,
            case("chatServiceSid removed", by_sid.clone()).rejected_with(immutable("chatServiceSid")),
        ),
        edit(
            &by_sid,
            case("chatServiceSid added", in_service.clone()).rejected_with(immutable("chatServiceSid")),
        ),
        edit(
            &by_sid,
            case("target changed", trigger(&json!({})))
                .rejected_with(format!("spec.target: Invalid value: \"trigger\": {TARGET}")),
        ),
        edit(
            &studio(&json!({})),
            case("target changed from studio", by_sid.clone())
                .rejected_with(format!("spec.target: Invalid value: \"webhook\": {TARGET}")),
        ),
        edit(
            &by_sid,
            case("target removed", webhook(&json!({"target": null})))
                .rejected_with("spec.target: Required value"),
        ),
        edit(
            &replayed,
            case("replayAfter changed", webhook(&json!({"configuration": {"replayAfter": 8}})))
                .rejected_with(REPLAY_AFTER),
        ),
        edit(&replayed, case("replayAfter removed", by_sid.clone()).rejected_with(REPLAY_AFTER)),
        edit(&by_sid, case("replayAfter added", replayed.clone()).rejected_with(REPLAY_AFTER)),
        edit(
            &by_sid,
            case("replayAfter 0 added", webhook(&json!({"configuration": {"replayAfter": 0}})))
                .rejected_with(REPLAY_AFTER),
        ),
        // The other rules hold for an edit too, and it repeats no password either.
        edit(
            &by_sid,
            case(
                "password added to the url",
                webhook(&json!({"configuration": {"url": "https://u:canary@host/"}})),
            )
            .rejected_with(
                "spec.configuration.url: Invalid value: url must be an absolute http or https address",
            ),
        ),
    ]
}

fn allowed() -> Vec<Edit> {
    // Everything immutable is set, so that every edit passes by every rule.
    let before = webhook(&json!({"chatServiceSid": sid("IS"), "configuration": {"replayAfter": 7}}));
    let to = |name: &'static str, patch: Value| {
        edit(&before, case(name, patched(before.clone(), &patch)).accepted())
    };
    vec![
        to("nothing changed", json!({})),
        to("url changed", json!({"configuration": {"url": "https://bots.example.com/new"}})),
        to(
            "url exchanged for a Secret",
            json!({"configuration": {"url": null, "urlFrom": {"secretKeyRef": {"name": "bot", "key": "url"}}}}),
        ),
        to("method added", json!({"configuration": {"method": "GET"}})),
        to("filters changed", json!({"configuration": {"filters": ["onMessageRemoved", "onMessageAdded"]}})),
        to("credentials exchanged", json!({"credentialsSecretRef": {"name": "rotated"}})),
        to("every policy changed", json!({
            "deletionPolicy": "Retain", "adoptionPolicy": "IfIdentical", "recreatePolicy": "Report", "mode": "Suspended",
        })),
        to("webhookSid added", json!({"webhookSid": sid("WH")})),
        to("resyncInterval added", json!({"resyncInterval": "1h"})),
        edit(
            &webhook(&json!({"conversationSid": null, "conversationUniqueName": "support"})),
            case("url changed, conversation by name", webhook(&json!({
                "conversationSid": null, "conversationUniqueName": "support", "configuration": {"url": "https://bots.example.com/new"},
            })))
            .accepted(),
        ),
        edit(&trigger(&json!({})), case("keywords changed", trigger(&json!({"configuration": {"triggers": ["agent"]}}))).accepted()),
        edit(
            &studio(&json!({})),
            case("flow changed, filters added", studio(&json!({
                "configuration": {"flowSid": sid("FW").replace('0', "f"), "filters": ["onMessageAdded"]},
            })))
            .accepted(),
        ),
    ]
}

#[tokio::test]
async fn kubectl_apply_changes_nothing_that_is_immutable() {
    assert_edits("edits", Apply::Client).await;
}

#[tokio::test]
async fn server_side_apply_changes_nothing_that_is_immutable() {
    assert_edits("edits-server-side", Apply::Server).await;
}

async fn assert_edits(space: &str, how: Apply) {
    let plane = cluster().await;
    let edits = edits();
    let name = |index: usize| format!("edit-{index}");
    namespace(plane, space).await;
    let stored: Vec<Value> =
        edits.iter().enumerate().map(|(index, edit)| object(&name(index), &edit.from)).collect();
    store(plane, space, how, &stored).await;

    let wrong: Vec<String> = stream::iter(edits.iter().enumerate())
        .map(async |(index, Edit { to, .. })| {
            let verdict = try_apply(plane, space, how, &object(&name(index), &to.spec)).await;
            let fault = match to.expected {
                Expected::Accepted => verdict.why_not_accepted(),
                Expected::Rejected { .. } => verdict.why_not_refused_with(to.causes()),
            };
            fault.map(|fault| format!("{}: {fault}", to.name))
        })
        .buffered(2)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} of {} edits:\n{}", wrong.len(), edits.len(), wrong.join("\n"));
}

/// An explicit null is the same as nothing, also to the rules that compare with the stored object.
#[tokio::test]
async fn a_null_is_neither_added_nor_removed() {
    let plane = cluster().await;
    namespace(plane, "nulls-edited").await;
    let nulls = json!({
        "conversationUniqueName": null, "chatServiceSid": null, "configuration": {"replayAfter": null},
    });
    let mut spec = webhook(&json!({}));
    for field in ["conversationUniqueName", "chatServiceSid"] {
        spec[field] = Value::Null;
    }
    spec["configuration"]["replayAfter"] = Value::Null;
    let created = object("nulls", &spec).to_string();
    plane.kubectl_with_input(&["create", "-n", "nulls-edited", "-f", "-"], &created).await.unwrap();

    let removed = json!([
        {"op": "remove", "path": "/spec/chatServiceSid"},
        {"op": "remove", "path": "/spec/conversationUniqueName"},
        {"op": "remove", "path": "/spec/configuration/replayAfter"},
    ]);
    let patch = ["patch", "cw", "nulls", "-n", "nulls-edited", "--type=json", "-p"];
    plane.kubectl(&[&patch[..], &[&removed.to_string()]].concat()).await.unwrap();
    let merge = ["patch", "cw", "nulls", "-n", "nulls-edited", "--type=merge", "-p"];
    plane.kubectl(&[&merge[..], &[&json!({"spec": nulls}).to_string()]].concat()).await.unwrap();
}
