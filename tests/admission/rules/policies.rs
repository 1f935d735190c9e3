//! What the operator may do with an object, and how often it looks.

use serde_json::json;

use crate::case::{Case, case};
use crate::object::webhook;

pub(super) fn cases() -> Vec<Case> {
    let set = |name: &'static str, field: &str, value: &str| case(name, webhook(&json!({field: value})));
    let every = |name: &'static str, interval: &str| set(name, "resyncInterval", interval);
    let no_duration = |value: &str| {
        format!(
            "spec.resyncInterval: Invalid value: \"{value}\": spec.resyncInterval in body should match \
             '^([0-9]{{1,6}}h)?([0-9]{{1,6}}m)?([0-9]{{1,6}}s)?$'"
        )
    };
    vec![
        set("webhook goes with the object", "deletionPolicy", "Delete").accepted(),
        set("webhook stays", "deletionPolicy", "Retain").accepted(),
        set("unknown deletionPolicy", "deletionPolicy", "Orphan").rejected_with(
            r#"spec.deletionPolicy: Unsupported value: "Orphan": supported values: "Delete", "Retain""#,
        ),
        set("nothing is adopted", "adoptionPolicy", "Never").accepted(),
        set("an identical webhook is adopted", "adoptionPolicy", "IfIdentical").accepted(),
        set("unknown adoptionPolicy", "adoptionPolicy", "Always").rejected_with(
            r#"spec.adoptionPolicy: Unsupported value: "Always": supported values: "Never", "IfIdentical""#,
        ),
        set("a lost webhook is made again", "recreatePolicy", "Recreate").accepted(),
        set("a lost webhook is reported", "recreatePolicy", "Report").accepted(),
        set("unknown recreatePolicy", "recreatePolicy", "Never").rejected_with(
            r#"spec.recreatePolicy: Unsupported value: "Never": supported values: "Recreate", "Report""#,
        ),
        set("applies", "mode", "Apply").accepted(),
        set("observes", "mode", "Observe").accepted(),
        set("is suspended", "mode", "Suspended").accepted(),
        set("unknown mode", "mode", "Paused").rejected_with(
            r#"spec.mode: Unsupported value: "Paused": supported values: "Apply", "Observe", "Suspended""#,
        ),
        every("every minute", "1m").accepted(),
        every("every minute, in seconds", "60s").accepted(),
        every("every hour and a half", "1h30m").accepted(),
        every("hours, minutes and seconds", "24h0m30s").accepted(),
        every("longest interval", "999999h999999m9s").accepted(),
        every("more often than a minute", "59s").rejected_with(
            r#"spec.resyncInterval: Invalid value: "59s": resyncInterval must be at least 1m"#,
        ),
        every("always", "0h0m0s").rejected_with(
            r#"spec.resyncInterval: Invalid value: "0h0m0s": resyncInterval must be at least 1m"#,
        ),
        every("soon", "soon").rejected_with(no_duration("soon")),
        every("a number", "600").rejected_with(no_duration("600")),
        every("days", "1d").rejected_with(no_duration("1d")),
        every("a fraction", "1.5h").rejected_with(no_duration("1.5h")),
        every("the past", "-10m").rejected_with(no_duration("-10m")),
        // Go would take these, the operator's parser does not.
        every("minutes before hours", "30m1h").rejected_with(no_duration("30m1h")),
        every("hours twice", "1h1h").rejected_with(no_duration("1h1h")),
        every("an empty interval", "")
            .rejected_with("spec.resyncInterval in body should be at least 2 chars long"),
        every("an interval too long", "999999h999999m99s")
            .rejected_with("spec.resyncInterval: Too long: may not be more than 16 bytes"),
    ]
}
