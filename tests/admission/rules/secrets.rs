//! Names of Secrets and their keys.

use serde_json::{Value, json};

use crate::case::{Case, case};
use crate::object::webhook;

pub(super) fn cases() -> Vec<Case> {
    let credentials =
        |name: &'static str, secret: Value| case(name, webhook(&json!({"credentialsSecretRef": secret})));
    let url_from = |name: &'static str, from: Value| {
        case(name, webhook(&json!({"configuration": {"url": null, "urlFrom": from}})))
    };
    let key = |name: &'static str, secret: &str, key: &str| {
        url_from(name, json!({"secretKeyRef": {"name": secret, "key": key}}))
    };
    let (longest, too_long) = (&*"n".repeat(253), &*"n".repeat(254));
    vec![
        credentials("another Secret", json!({"name": "tenant-b"})).accepted(),
        credentials("longest name of a Secret", json!({"name": longest})).accepted(),
        credentials("Secret without a name", json!({}))
            .rejected_with("spec.credentialsSecretRef.name: Required value"),
        credentials("Secret with an empty name", json!({"name": ""}))
            .rejected_with("spec.credentialsSecretRef.name in body should be at least 1 chars long"),
        credentials("Secret with a name too long", json!({"name": too_long}))
            .rejected_with("spec.credentialsSecretRef.name: Too long: may not be more than 253 bytes"),
        // It would read another tenant's Secret.
        credentials("Secret of another namespace", json!({"name": "x", "namespace": "tenant-b"}))
            .rejected_with(r#"strict decoding error: unknown field "spec.credentialsSecretRef.namespace""#)
            .server_side(".spec.credentialsSecretRef.namespace: field not declared in schema"),
        key("longest names", longest, longest).accepted(),
        url_from("URL from nowhere", json!({}))
            .rejected_with("spec.configuration.urlFrom.secretKeyRef: Required value"),
        url_from("URL from a Secret without a key", json!({"secretKeyRef": {"name": "bot"}}))
            .rejected_with("spec.configuration.urlFrom.secretKeyRef.key: Required value"),
        url_from("URL from a key without a Secret", json!({"secretKeyRef": {"key": "url"}}))
            .rejected_with("spec.configuration.urlFrom.secretKeyRef.name: Required value"),
        key("URL from an empty key", "bot", "").rejected_with(
            "spec.configuration.urlFrom.secretKeyRef.key in body should be at least 1 chars long",
        ),
        key("URL from a key too long", "bot", too_long).rejected_with(
            "spec.configuration.urlFrom.secretKeyRef.key: Too long: may not be more than 253 bytes",
        ),
        key("URL from a Secret with an empty name", "", "url").rejected_with(
            "spec.configuration.urlFrom.secretKeyRef.name in body should be at least 1 chars long",
        ),
        key("URL from a Secret with a name too long", too_long, "url").rejected_with(
            "spec.configuration.urlFrom.secretKeyRef.name: Too long: may not be more than 253 bytes",
        ),
    ]
}
