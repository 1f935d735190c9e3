//! The shape of the CRD, without an API server: where rules and defaults may stand.

use std::collections::BTreeMap;

use conversation_webhook_operator::api::crd;
use serde_json::{Value, json};

/// The schema of the only version.
pub(crate) fn root() -> Value {
    let crd = serde_json::to_value(crd()).unwrap();
    let versions = crd["spec"]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 1, "a new version needs these tests too");
    versions[0]["schema"]["openAPIV3Schema"].clone()
}

/// Calls `see` with each schema under `schema` and its path: `spec.configuration.filters[*]`.
pub(crate) fn walk(path: &str, schema: &Value, see: &mut impl FnMut(&str, &Value)) {
    see(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        walk(&path, property, see);
    }
    if schema["items"].is_object() {
        walk(&format!("{path}[*]"), &schema["items"], see);
    }
}

/// The value of a keyword in every schema that has it, by path.
fn all(keyword: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    walk("", &root(), &mut |path, schema| {
        if let Some(value) = schema.get(keyword) {
            found.insert(path.to_owned(), value.clone());
        }
    });
    found
}

/// A rule elsewhere would also judge the operator's writes of status and finalizer, and could refuse the one that
/// records a webhook's SID.
#[test]
fn every_rule_stands_at_or_below_the_spec() {
    let rules = all("x-kubernetes-validations");
    assert!(rules.contains_key("spec"), "the walk found no rule on the spec: {rules:#?}");
    let elsewhere: Vec<_> =
        rules.keys().filter(|path| *path != "spec" && !path.starts_with("spec.")).collect();
    assert!(
        elsewhere.is_empty(),
        "move these rules to .spec or below: {elsewhere:?}; an empty path is the root"
    );
}

/// The API server never spares a stored object a rule that compares with the old one, so that a stricter one would
/// block what is stored.
#[test]
fn rules_that_compare_with_the_old_object_test_equality_of_one_field() {
    let rules: Vec<(String, String)> = all("x-kubernetes-validations")
        .into_iter()
        .flat_map(|(path, rules)| {
            let rules = rules.as_array().unwrap().clone();
            rules.into_iter().map(move |rule| (path.clone(), rule["rule"].as_str().unwrap().to_owned()))
        })
        .filter(|(_, rule)| rule.contains("oldSelf"))
        .collect();
    let optional = |field: &str| {
        let rule = format!(
            "has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
        );
        ("spec".to_owned(), rule)
    };
    let expected = vec![
        optional("conversationSid"),
        optional("conversationUniqueName"),
        optional("chatServiceSid"),
        (
            "spec".to_owned(),
            "self.configuration.?replayAfter == oldSelf.configuration.?replayAfter".to_owned(),
        ),
        ("spec.target".to_owned(), "self == oldSelf".to_owned()),
    ];
    assert_eq!(rules, expected, "these rules never change: see docs/adr/0001-crd-shape.md");
}

/// A default is stored with the object and can never be changed for it.
#[test]
fn there_are_no_defaults_but_these() {
    let expected = BTreeMap::from([
        ("spec.adoptionPolicy".to_owned(), json!("Never")),
        ("spec.credentialsSecretRef".to_owned(), json!({"name": "twilio-credentials"})),
        ("spec.deletionPolicy".to_owned(), json!("Delete")),
        ("spec.mode".to_owned(), json!("Apply")),
        ("status".to_owned(), json!({"observedGeneration": -1})),
    ]);
    assert_eq!(all("default"), expected);
}

/// A nullable enum would name null among its values and then refuse it.
#[test]
fn no_enum_offers_null() {
    let enums = all("enum");
    assert!(enums.contains_key("spec.configuration.method"), "{enums:#?}");
    assert!(enums.contains_key("spec.recreatePolicy"), "{enums:#?}");
    let nullable = all("nullable");
    for (path, values) in enums {
        assert!(!values.as_array().unwrap().contains(&Value::Null), "{path} offers null");
        assert!(!nullable.contains_key(&path), "{path} is a nullable enum");
    }
}
