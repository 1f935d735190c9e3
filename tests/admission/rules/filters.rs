//! Events: only those after the fact, and Twilio has the last word on which there are.

use serde_json::json;

use crate::case::{Case, case};
use crate::object::webhook;

const NO_EVENT_NAME: &str = "in body should match '^on[A-Z][A-Za-z]+$'";
const NO_CONVERSATION: &str = "spec.configuration.filters: Invalid value: onConversationAdd and onUserUpdate are \
    pre-action events that belong to no single conversation: remove them, or use a service-level webhook";

/// The post-action events that are tied to one conversation.
const EVENTS: [&str; 10] = [
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
    "onConversationUpdated",
    "onConversationStateUpdated",
    "onConversationRemoved",
    "onParticipantAdded",
    "onParticipantUpdated",
    "onParticipantRemoved",
    "onDeliveryUpdated",
];

/// Each pre-action event that has a post-action event on a conversation, and that event.
const PRE_ACTION: [(&str, &str); 8] = [
    ("onMessageAdd", "onMessageAdded"),
    ("onMessageUpdate", "onMessageUpdated"),
    ("onMessageRemove", "onMessageRemoved"),
    ("onConversationUpdate", "onConversationUpdated"),
    ("onConversationRemove", "onConversationRemoved"),
    ("onParticipantAdd", "onParticipantAdded"),
    ("onParticipantUpdate", "onParticipantUpdated"),
    ("onParticipantRemove", "onParticipantRemoved"),
];

pub(super) fn cases() -> Vec<Case> {
    let filters = |name: &'static str, filters: &[&str]| {
        case(name, webhook(&json!({"configuration": {"filters": filters}})))
    };
    let future = |count: usize| -> Vec<String> {
        ('A'..='Z').take(count).map(|letter| format!("on{letter}ored")).collect()
    };
    let many = |name: &'static str, count: usize| {
        case(name, webhook(&json!({"configuration": {"filters": future(count)}})))
    };
    let longest = format!("on{}", "X".repeat(62));
    let mut cases = vec![
        filters("every event", &EVENTS).accepted(),
        filters("an event of the future", &["onMessageReacted"]).accepted(),
        filters("an empty list", &[]).rejected_with(
            "spec.configuration.filters: Invalid value: 0: spec.configuration.filters in body should have at least 1 items",
        ),
        many("23 events", 23).accepted(),
        many("24 events", 24)
            .rejected_with("spec.configuration.filters: Too many: 24: must have at most 23 items"),
        filters("an event twice", &["onMessageAdded", "onMessageAdded"])
            .rejected_with(r#"spec.configuration.filters[1]: Duplicate value: "onMessageAdded""#)
            .server_side(r#".spec.configuration.filters: duplicate entries for key [="onMessageAdded"]"#),
        filters("no event's name", &["onMessageAdded", "messageAdded"]).rejected_with(format!(
            r#"spec.configuration.filters[1]: Invalid value: "messageAdded": spec.configuration.filters[1] {NO_EVENT_NAME}"#
        )),
        filters("small letters", &["onmessageadded"]).rejected_with(NO_EVENT_NAME),
        filters("capital letters", &["OnMessageAdded"]).rejected_with(NO_EVENT_NAME),
        filters("a list in a text", &["onMessageAdded,onMessageUpdated"]).rejected_with(NO_EVENT_NAME),
        filters("longest name", &[&longest]).accepted(),
        filters("name too long", &[&format!("{longest}X")])
            .rejected_with("spec.configuration.filters[0]: Too long: may not be more than 64 bytes"),
        case("a text instead of a list", webhook(&json!({"configuration": {"filters": "onMessageAdded"}})))
            .rejected_with("spec.configuration.filters in body must be of type array")
            .server_side(".spec.configuration.filters: expected list"),
        filters("onConversationAdd", &["onConversationAdd"]).rejected_with(NO_CONVERSATION),
        filters("onUserUpdate", &["onMessageAdded", "onUserUpdate"]).rejected_with(NO_CONVERSATION),
        filters("pre-action events of both kinds", &["onUserUpdate", "onMessageUpdate"])
            .rejected_with(NO_CONVERSATION)
            .and(&use_instead("onMessageUpdate", "onMessageUpdated")),
        filters("several pre-action events", &["onMessageAdded", "onParticipantAdd", "onMessageRemove"])
            .rejected_with(use_instead("onParticipantAdd", "onParticipantAdded")),
    ];
    cases.extend(PRE_ACTION.map(|(pre, post)| filters(pre, &[pre]).rejected_with(use_instead(pre, post))));
    cases
}

fn use_instead(pre: &str, post: &str) -> String {
    format!(
        "spec.configuration.filters: Invalid value: \
         {pre} is a pre-action event, which a conversation webhook cannot have: use {post}"
    )
}
