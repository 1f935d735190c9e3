//! Which conversation: exactly one of SID and unique name, and the chat service.

use serde_json::json;

use crate::case::{Case, case};
use crate::object::{sid, webhook};

const EXACTLY_ONE: &str =
    "spec: Required value: set exactly one of conversationSid and conversationUniqueName";

pub(super) fn cases() -> Vec<Case> {
    let by_name = |name: &str| webhook(&json!({"conversationSid": null, "conversationUniqueName": name}));
    vec![
        case("by SID", webhook(&json!({}))).accepted(),
        case("by unique name", by_name("tenant a/support ü")).accepted(),
        case("by unique name and SID", webhook(&json!({"conversationUniqueName": "support"})))
            .rejected_with(EXACTLY_ONE),
        case("by neither unique name nor SID", webhook(&json!({"conversationSid": null})))
            .rejected_with(EXACTLY_ONE),
        case("conversation SID too short", webhook(&json!({"conversationSid": "CH12"}))).rejected_with(
            r#"spec.conversationSid: Invalid value: "CH12": spec.conversationSid in body should match '^CH[0-9a-fA-F]{32}$'"#,
        ),
        case("conversation SID too long", webhook(&json!({"conversationSid": sid("CH") + "0"})))
            .rejected_with("spec.conversationSid: Too long: may not be more than 34 bytes"),
        case("conversation SID of something else", webhook(&json!({"conversationSid": sid("MG")})))
            .rejected_with("spec.conversationSid in body should match '^CH[0-9a-fA-F]{32}$'"),
        case("conversation SID with a space", webhook(&json!({"conversationSid": format!(" {}", &sid("CH")[..33])})))
            .rejected_with("spec.conversationSid in body should match '^CH[0-9a-fA-F]{32}$'"),
        case("empty unique name", by_name("")).rejected_with(
            r#"spec.conversationUniqueName: Invalid value: "": spec.conversationUniqueName in body should be at least 1 chars long"#,
        ),
        case("longest unique name", by_name(&"ü".repeat(256))).accepted(),
        case("unique name too long", by_name(&"n".repeat(257)))
            .rejected_with("spec.conversationUniqueName: Too long: may not be more than 256 bytes"),
        // An unquoted 12345 in YAML.
        case(
            "unique name that is no text",
            webhook(&json!({"conversationSid": null, "conversationUniqueName": 12345})),
        )
        .rejected_with("spec.conversationUniqueName in body must be of type string")
        .server_side(".spec.conversationUniqueName: expected string"),
        case("chat service", webhook(&json!({"chatServiceSid": sid("IS")}))).accepted(),
        case("chat service SID of something else", webhook(&json!({"chatServiceSid": sid("MG")})))
            .rejected_with("spec.chatServiceSid in body should match '^IS[0-9a-fA-F]{32}$'"),
        case("chat service SID too long", webhook(&json!({"chatServiceSid": sid("IS") + "0"})))
            .rejected_with("spec.chatServiceSid: Too long: may not be more than 34 bytes"),
    ]
}
