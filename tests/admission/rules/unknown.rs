//! Misspelt fields are refused, not dropped.

use serde_json::json;

use crate::case::{Case, case};
use crate::object::webhook;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("misspelt field of the spec", webhook(&json!({"deletionpolicy": "Retain"})))
            .rejected_with(r#"strict decoding error: unknown field "spec.deletionpolicy""#)
            .server_side(".spec.deletionpolicy: field not declared in schema"),
        case(
            "misspelt field of the configuration",
            webhook(&json!({"configuration": {"urll": "https://x"}})),
        )
        .rejected_with(r#"strict decoding error: unknown field "spec.configuration.urll""#)
        .server_side(".spec.configuration.urll: field not declared in schema"),
        case("an object instead of an address", webhook(&json!({"configuration": {"url": {"value": "x"}}})))
            .rejected_with(r#"strict decoding error: unknown field "spec.configuration.url.value""#)
            .server_side(".spec.configuration.url: expected string"),
    ]
}
