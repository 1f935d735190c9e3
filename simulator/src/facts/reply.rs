//! Whether a reply is one that Twilio could give: a documented status, and exactly the documented fields.

use serde_json::{Map, Value};

use super::document::{OperationFacts, ReplyFacts, Schema, facts};
use super::scoped_webhook;
use super::violation::{Problem, Violation};

pub(crate) use super::error_body::check_error;

/// The envelope of a list is a schema of this name.
const META: &str = "meta";

/// The document lets every field be null. These are in no example of it, and the simulator always has them.
const NEVER_NULL: [&str; 4] = ["sid", "account_sid", "url", "date_created"];

/// Whether this is a reply of that operation, by Twilio's name for it.
pub(crate) fn check(operation: &str, status: u16, body: &[u8]) -> Result<(), Violation> {
    if status >= 400 {
        return check_error(status, body);
    }
    let facts = facts()
        .operation(operation)
        .ok_or_else(|| Violation::new("status", Problem::UnknownOperation(operation.to_owned())))?;
    match facts.replies.get(&status) {
        None => Err(Violation::new("status", Problem::Status(status))),
        Some(ReplyFacts::Nothing {}) if body.is_empty() => Ok(()),
        Some(ReplyFacts::Nothing {}) => Err(Violation::new("body", Problem::NotEmpty)),
        Some(ReplyFacts::One { schema }) => check_item(object("body", &parse(body)?)?, schema),
        Some(ReplyFacts::List { list, schema }) => {
            check_list(facts, object("body", &parse(body)?)?, list, schema)
        }
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Value, Violation> {
    serde_json::from_slice(body).map_err(|_| Violation::new("body", Problem::NotJson))
}

pub(super) fn object<'a>(name: &str, value: &'a Value) -> Result<&'a Map<String, Value>, Violation> {
    value.as_object().ok_or_else(|| Violation::new(name, Problem::Type("object")))
}

pub(super) fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a Value, Violation> {
    fields.get(name).ok_or_else(|| Violation::new(name, Problem::Missing))
}

/// No field has a name that is not known.
pub(super) fn check_names(
    fields: &Map<String, Value>,
    known: impl Fn(&str) -> bool,
) -> Result<(), Violation> {
    match fields.keys().find(|name| !known(name)) {
        Some(name) => Err(Violation::new(name, Problem::Unexpected)),
        None => Ok(()),
    }
}

fn schema(name: &str) -> Result<&'static Schema, Violation> {
    facts().schema(name).ok_or_else(|| Violation::new("body", Problem::UnknownSchema(name.to_owned())))
}

fn check_fields(fields: &Map<String, Value>, schema: &Schema) -> Result<(), Violation> {
    for (name, facts) in schema {
        facts.check(name, field(fields, name)?)?;
    }
    check_names(fields, |name| schema.contains_key(name))
}

fn check_item(fields: &Map<String, Value>, schema_name: &str) -> Result<(), Violation> {
    check_fields(fields, schema(schema_name)?)?;
    if let Some(name) = NEVER_NULL.iter().find(|name| fields.get(**name).is_some_and(Value::is_null)) {
        return Err(Violation::new(*name, Problem::Null));
    }
    if schema_name.ends_with("scoped_webhook") { scoped_webhook::check(fields) } else { Ok(()) }
}

fn check_list(
    operation: &OperationFacts,
    envelope: &Map<String, Value>,
    list: &str,
    schema_name: &str,
) -> Result<(), Violation> {
    let within_meta = |violation: Violation| violation.within(META);
    let meta = object(META, field(envelope, META)?)?;
    check_fields(meta, schema(META)?).map_err(within_meta)?;
    if meta.get("key").and_then(Value::as_str) != Some(list) {
        return Err(Violation::new("key", Problem::Not(list.to_owned())).within(META));
    }
    let page_size = meta.get("page_size").and_then(Value::as_i64).unwrap_or(i64::MAX);
    if page_size < 1 || operation.max_page_size().is_some_and(|max| page_size > max) {
        return Err(Violation::new("page_size", Problem::Range(page_size)).within(META));
    }
    check_names(envelope, |name| name == META || name == list)?;
    let items = field(envelope, list)?;
    let items = items.as_array().ok_or_else(|| Violation::new(list, Problem::Type("array")))?;
    if i64::try_from(items.len()).is_ok_and(|count| count > page_size) {
        return Err(Violation::new(list, Problem::TooMany));
    }
    for (index, item) in items.iter().enumerate() {
        let place = format!("{list}[{index}]");
        check_item(object(&place, item)?, schema_name).map_err(|violation| violation.within(&place))?;
    }
    Ok(())
}
