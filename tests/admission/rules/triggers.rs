//! Keywords: one to five, of 1 to 248 characters.

use serde_json::json;

use crate::case::{Case, case};
use crate::object::trigger;

pub(super) fn cases() -> Vec<Case> {
    let triggers = |name: &'static str, triggers: &[&str]| {
        case(name, trigger(&json!({"configuration": {"triggers": triggers}})))
    };
    vec![
        triggers("5 keywords", &["help", "agent", "human", "stop", "hilf mir"]).accepted(),
        triggers("6 keywords", &["a", "b", "c", "d", "e", "f"])
            .rejected_with("spec.configuration.triggers: Too many: 6: must have at most 5 items"),
        triggers("no keyword", &[]).rejected_with(
            "spec.configuration.triggers: Invalid value: 0: spec.configuration.triggers in body should have at least 1 items",
        ),
        triggers("an empty keyword", &["help", ""]).rejected_with(
            r#"spec.configuration.triggers[1]: Invalid value: "": spec.configuration.triggers[1] in body should be at least 1 chars long"#,
        ),
        triggers("longest keyword", &[&"k".repeat(248)]).accepted(),
        triggers("keyword too long", &[&"k".repeat(249)])
            .rejected_with("spec.configuration.triggers[0]: Too long: may not be more than 248 bytes"),
        case("a keyword that is no text", trigger(&json!({"configuration": {"triggers": [911]}})))
            .rejected_with("spec.configuration.triggers[0] in body must be of type string")
            .server_side(".spec.configuration.triggers[0]: expected string"),
    ]
}
