//! Twilio's error body, which the document does not have: the contract here is what Twilio's own libraries read.

use serde_json::Value;

use super::reply::{check_names, field, object, parse};
use super::violation::{Problem, Violation};

const FIELDS: [&str; 5] = ["code", "message", "more_info", "status", "details"];

/// Whether this is an error of that status; errors are the same for all operations.
pub(crate) fn check_error(status: u16, body: &[u8]) -> Result<(), Violation> {
    if !(400..600).contains(&status) {
        return Err(Violation::new("status", Problem::Status(status)));
    }
    let body = parse(body)?;
    let fields = object("body", &body)?;
    let wrong = |name, problem| Err(Violation::new(name, problem));
    let code = field(fields, "code")?.as_u64();
    let code = code.ok_or_else(|| Violation::new("code", Problem::Type("integer")))?;
    match field(fields, "message")?.as_str() {
        None => return wrong("message", Problem::Type("string")),
        Some("") => return wrong("message", Problem::Length(0)),
        Some(_) => {}
    }
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    if field(fields, "more_info")?.as_str() != Some(&more_info) {
        return wrong("more_info", Problem::Not(more_info));
    }
    if field(fields, "status")?.as_u64() != Some(u64::from(status)) {
        return wrong("status", Problem::Not(status.to_string()));
    }
    if !fields.get("details").is_none_or(Value::is_object) {
        return wrong("details", Problem::Type("object"));
    }
    check_names(fields, |name| FIELDS.contains(&name))
}
