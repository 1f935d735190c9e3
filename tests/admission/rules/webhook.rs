//! What else a webhook has: method, flow, replay, and the SID of one to take over.

use serde_json::json;

use crate::case::{Case, case};
use crate::object::{sid, studio, webhook};

pub(super) fn cases() -> Vec<Case> {
    let method =
        |name: &'static str, method: &str| case(name, webhook(&json!({"configuration": {"method": method}})));
    let flow =
        |name: &'static str, sid: &str| case(name, studio(&json!({"configuration": {"flowSid": sid}})));
    let replay = |name: &'static str, after: i64| {
        case(name, webhook(&json!({"configuration": {"replayAfter": after}})))
    };
    let take_over = |name: &'static str, sid: &str| case(name, webhook(&json!({"webhookSid": sid})));
    vec![
        method("GET", "GET").accepted(),
        method("POST", "POST").accepted(),
        method("PUT", "PUT").rejected_with(
            r#"spec.configuration.method: Unsupported value: "PUT": supported values: "GET", "POST""#,
        ),
        method("method in small letters", "post").rejected_with(
            r#"spec.configuration.method: Unsupported value: "post": supported values: "GET", "POST""#,
        ),
        flow("flow SID of something else", &sid("WH"))
            .rejected_with("spec.configuration.flowSid in body should match '^FW[0-9a-fA-F]{32}$'"),
        flow("flow SID too long", &(sid("FW") + "0"))
            .rejected_with("spec.configuration.flowSid: Too long: may not be more than 34 bytes"),
        replay("replay of the whole history", 0).accepted(),
        replay("replay from far behind", i64::MAX).accepted(),
        replay("replay from before the beginning", -1).rejected_with(
            "spec.configuration.replayAfter: Invalid value: -1: spec.configuration.replayAfter in body should be greater than or equal to 0",
        ),
        case("replay from a text", webhook(&json!({"configuration": {"replayAfter": "42"}})))
            .rejected_with("spec.configuration.replayAfter in body must be of type integer")
            .server_side(".spec.configuration.replayAfter: expected numeric"),
        take_over("a webhook to take over", &sid("WH")).accepted(),
        take_over("SID of something else to take over", &sid("CH"))
            .rejected_with("spec.webhookSid in body should match '^WH[0-9a-fA-F]{32}$'"),
        take_over("SID too long to take over", &(sid("WH") + "0"))
            .rejected_with("spec.webhookSid: Too long: may not be more than 34 bytes"),
        case("two mistakes", webhook(&json!({"conversationSid": "CH1", "configuration": {"replayAfter": -1}})))
            .rejected_with("spec.configuration.replayAfter: Invalid value: -1")
            .and("spec.conversationSid: Invalid value: \"CH1\""),
    ]
}
