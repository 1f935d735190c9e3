//! The tables are complete: a rule, a field or a value that no case knows fails here.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::case::{Case, Expected};
use crate::immutability::edits;
use crate::rules::cases;
use crate::schema::{root, walk};

#[test]
fn every_rule_message_is_in_a_rejection() {
    let causes = causes();
    let mut missing = Vec::new();
    for_each_in_spec(|path, schema| {
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let message = message(rule);
            if !causes.iter().any(|cause| cause.contains(message)) {
                missing.push(format!("{path}: {message}"));
            }
        }
    });
    assert!(missing.is_empty(), "no case is rejected with:\n{}", missing.join("\n"));
}

#[test]
fn every_limit_of_the_schema_is_in_a_rejection() {
    let causes = causes();
    let mut missing = Vec::new();
    for_each_in_spec(|path, schema| {
        for message in limits(path, schema) {
            if !causes.iter().any(|cause| cause.contains(&message)) {
                missing.push(message);
            }
        }
    });
    assert!(missing.is_empty(), "no case is rejected with:\n{}", missing.join("\n"));
}

#[test]
fn every_field_and_every_value_of_an_enum_is_in_an_accepted_object() {
    let accepted: Vec<Value> = cases()
        .into_iter()
        .filter(|case| matches!(case.expected, Expected::Accepted))
        .map(|case| case.spec)
        .collect();
    let mut missing = Vec::new();
    for_each_in_spec(|path, schema| {
        let Some(pointer) = path.strip_prefix("spec").map(|path| path.replace('.', "/").replace("[*]", "/0"))
        else {
            return;
        };
        let values: Vec<&Value> = accepted.iter().filter_map(|spec| spec.pointer(&pointer)).collect();
        if values.is_empty() {
            missing.push(path.to_owned());
        }
        for value in schema["enum"].as_array().into_iter().flatten() {
            if !values.contains(&value) {
                missing.push(format!("{path}: {value}"));
            }
        }
    });
    assert!(missing.is_empty(), "in no accepted case:\n{}", missing.join("\n"));
}

#[test]
fn no_two_cases_have_one_name() {
    let mut seen = BTreeSet::new();
    let edits = edits().into_iter().map(|edit| edit.to);
    let twice: Vec<_> =
        cases().into_iter().chain(edits).map(|case| case.name).filter(|name| !seen.insert(*name)).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

fn for_each_in_spec(mut see: impl FnMut(&str, &Value)) {
    walk("spec", &root()["properties"]["spec"], &mut see);
}

/// Every cause of every table, with `[*]` for an index.
fn causes() -> Vec<String> {
    let edits = edits();
    let rules = cases();
    rules
        .iter()
        .chain(edits.iter().map(|edit| &edit.to))
        .flat_map(Case::causes)
        .map(|cause| cause.replace("[0]", "[*]").replace("[1]", "[*]"))
        .collect()
}

/// What a rule says, or the longest part of it that is the same for all objects.
fn message(rule: &Value) -> &str {
    if let Some(message) = rule["message"].as_str() {
        return message;
    }
    let expression =
        rule["messageExpression"].as_str().unwrap_or_else(|| panic!("a rule without a message: {rule}"));
    expression.split('\'').skip(1).step_by(2).max_by_key(|literal| literal.len()).unwrap()
}

/// What the API server says when a limit is broken, one line for each that the schema has.
fn limits(path: &str, schema: &Value) -> Vec<String> {
    schema
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(keyword, limit)| match keyword.as_str() {
            "pattern" => vec![format!("{path} in body should match '{}'", limit.as_str().unwrap())],
            "maxLength" => vec![format!("{path}: Too long: may not be more than {limit} bytes")],
            "minLength" => vec![format!("{path} in body should be at least {limit} chars long")],
            "maxItems" => vec![format!("must have at most {limit} items")],
            "minItems" => vec![format!("{path} in body should have at least {limit} items")],
            "minimum" => {
                vec![format!("{path} in body should be greater than or equal to {}", limit.as_f64().unwrap())]
            }
            "x-kubernetes-list-type" => vec![format!("{path}[*]: Duplicate value")],
            "enum" => {
                let values: Vec<_> = limit.as_array().unwrap().iter().map(Value::to_string).collect();
                vec![format!("supported values: {}", values.join(", "))]
            }
            "required" => {
                let fields = limit.as_array().unwrap().iter().map(|field| field.as_str().unwrap());
                fields.map(|field| format!("{path}.{field}: Required value")).collect()
            }
            "default"
            | "description"
            | "format"
            | "items"
            | "nullable"
            | "properties"
            | "type"
            | "x-kubernetes-validations" => Vec::new(),
            unknown => panic!("{path} has {unknown}: say here what breaking it looks like, and add a case"),
        })
        .collect()
}
