//! What each target needs and what it does not take.

use serde_json::json;

use crate::case::{Case, case};
use crate::object::{sid, studio, trigger, webhook};

const NEEDS_URL: &str = "spec.configuration.url: Required value: \
    target webhook and target trigger need exactly one of configuration.url and configuration.urlFrom";
const WEBHOOK_NEEDS_FILTERS: &str = "spec.configuration.filters: Required value: \
    target webhook needs configuration.filters: at least one event, for example onMessageAdded";
const WEBHOOK_TAKES_NOT: &str = "spec.configuration: Forbidden: \
    target webhook takes neither triggers nor flowSid: remove them, or use target trigger or studio";
const TRIGGER_NEEDS_TRIGGERS: &str = "spec.configuration.triggers: Required value: \
    target trigger needs configuration.triggers: one to five keywords";
const TRIGGER_TAKES_NOT: &str = "spec.configuration: Forbidden: \
    target trigger takes neither filters nor flowSid: remove them, or use target webhook or studio";
const STUDIO_NEEDS_FLOW: &str =
    "spec.configuration.flowSid: Required value: target studio needs configuration.flowSid";
const STUDIO_TAKES_NOT: &str = "spec.configuration: Forbidden: \
    target studio takes none of url, urlFrom, method and triggers: remove them, the flow decides";

pub(super) fn cases() -> Vec<Case> {
    let from_secret = json!({"secretKeyRef": {"name": "bot", "key": "url"}});
    let url_from_secret = json!({"configuration": {"url": null, "urlFrom": from_secret}});
    let flow = json!({"configuration": {"flowSid": sid("FW")}});
    vec![
        case("unknown target", webhook(&json!({"target": "email"}))).rejected_with(
            r#"spec.target: Unsupported value: "email": supported values: "webhook", "trigger", "studio""#,
        ),
        case("no target", webhook(&json!({"target": null}))).rejected_with("spec.target: Required value"),
        case("no configuration", webhook(&json!({"configuration": null})))
            .rejected_with("spec.configuration: Required value"),
        // webhook
        case("smallest webhook", webhook(&json!({}))).accepted(),
        case(
            "webhook with everything",
            webhook(&json!({"configuration": {"method": "GET", "replayAfter": 0}})),
        )
        .accepted(),
        case("webhook, URL from a Secret", webhook(&url_from_secret)).accepted(),
        case("webhook without URL", webhook(&json!({"configuration": {"url": null}})))
            .rejected_with(NEEDS_URL),
        case("webhook with both URLs", webhook(&json!({"configuration": {"urlFrom": from_secret}})))
            .rejected_with(NEEDS_URL),
        case("webhook without filters", webhook(&json!({"configuration": {"filters": null}})))
            .rejected_with(WEBHOOK_NEEDS_FILTERS),
        case("webhook with keywords", webhook(&json!({"configuration": {"triggers": ["help"]}})))
            .rejected_with(WEBHOOK_TAKES_NOT),
        case("webhook with a flow", webhook(&flow)).rejected_with(WEBHOOK_TAKES_NOT),
        // trigger
        case("smallest trigger", trigger(&json!({}))).accepted(),
        case(
            "trigger with everything",
            trigger(&json!({"configuration": {"method": "POST", "replayAfter": 7}})),
        )
        .accepted(),
        case("trigger, URL from a Secret", trigger(&url_from_secret)).accepted(),
        case("trigger without URL", trigger(&json!({"configuration": {"url": null}})))
            .rejected_with(NEEDS_URL),
        case("trigger with both URLs", trigger(&json!({"configuration": {"urlFrom": from_secret}})))
            .rejected_with(NEEDS_URL),
        case("trigger without keywords", trigger(&json!({"configuration": {"triggers": null}})))
            .rejected_with(TRIGGER_NEEDS_TRIGGERS),
        case("trigger with filters", trigger(&json!({"configuration": {"filters": ["onMessageAdded"]}})))
            .rejected_with(TRIGGER_TAKES_NOT),
        case("trigger with a flow", trigger(&flow)).rejected_with(TRIGGER_TAKES_NOT),
        // studio
        case("smallest studio", studio(&json!({}))).accepted(),
        case(
            "studio with everything",
            studio(&json!({"configuration": {"filters": ["onMessageAdded"], "replayAfter": 7}})),
        )
        .accepted(),
        case("studio without a flow", studio(&json!({"configuration": {"flowSid": null}})))
            .rejected_with(STUDIO_NEEDS_FLOW),
        case("studio with a URL", studio(&json!({"configuration": {"url": "https://bots.example.com/"}})))
            .rejected_with(STUDIO_TAKES_NOT),
        case("studio with a URL from a Secret", studio(&json!({"configuration": {"urlFrom": from_secret}})))
            .rejected_with(STUDIO_TAKES_NOT),
        case("studio with a method", studio(&json!({"configuration": {"method": "POST"}})))
            .rejected_with(STUDIO_TAKES_NOT),
        case("studio with keywords", studio(&json!({"configuration": {"triggers": ["help"]}})))
            .rejected_with(STUDIO_TAKES_NOT),
        // A manifest for one target with another target's name: every line says one thing to do.
        case("a webhook's configuration for a trigger", webhook(&json!({"target": "trigger"})))
            .rejected_with(TRIGGER_NEEDS_TRIGGERS)
            .and(TRIGGER_TAKES_NOT),
        case("a webhook's configuration for studio", webhook(&json!({"target": "studio"})))
            .rejected_with(STUDIO_NEEDS_FLOW)
            .and(STUDIO_TAKES_NOT),
        case("a flow for a webhook", studio(&json!({"target": "webhook"})))
            .rejected_with(NEEDS_URL)
            .and(WEBHOOK_NEEDS_FILTERS)
            .and(WEBHOOK_TAKES_NOT),
    ]
}
