//! The `configuration` of a scoped webhook, which the document leaves open: what each target has, under every
//! combination of the switches.

use serde_json::{Map, Value};

use super::reply::{check_names, field, object};
use super::value::is_absolute_url;
use super::violation::{Problem, Violation};

const CONFIGURATION: &str = "configuration";

/// Whether a scoped webhook has the configuration of its target.
pub(super) fn check(webhook: &Map<String, Value>) -> Result<(), Violation> {
    let configuration = object(CONFIGURATION, field(webhook, CONFIGURATION)?)?;
    let checked = match field(webhook, "target")?.as_str() {
        Some("webhook") => check_webhook(configuration),
        Some("trigger") => check_trigger(configuration),
        Some("studio") => check_studio(configuration),
        _ => {
            return Err(Violation::new(
                "target",
                Problem::Enum(["webhook", "trigger", "studio"].map(str::to_owned).into()),
            ));
        }
    };
    checked
        .and_then(|()| check_replay_after(configuration))
        .map_err(|violation| violation.within(CONFIGURATION))
}

fn check_webhook(configuration: &Map<String, Value>) -> Result<(), Violation> {
    check_names(configuration, |name| matches!(name, "url" | "method" | "filters" | "replay_after"))?;
    check_destination(configuration)?;
    check_texts("filters", field(configuration, "filters")?)
}

/// The keywords come back under either name: Twilio's own sources disagree.
fn check_trigger(configuration: &Map<String, Value>) -> Result<(), Violation> {
    let keywords = if configuration.contains_key("filters") { "filters" } else { "triggers" };
    check_names(configuration, |name| matches!(name, "url" | "method" | "replay_after") || name == keywords)?;
    check_destination(configuration)?;
    check_texts(keywords, field(configuration, keywords)?)
}

fn check_studio(configuration: &Map<String, Value>) -> Result<(), Violation> {
    check_names(configuration, |name| matches!(name, "flow_sid" | "filters" | "replay_after"))?;
    let is_flow = |text: &str| text.parse::<crate::sid::FlowSid>().is_ok();
    if !field(configuration, "flow_sid")?.as_str().is_some_and(is_flow) {
        return Err(Violation::new("flow_sid", Problem::Format("flow sid".to_owned())));
    }
    configuration.get("filters").map_or(Ok(()), |filters| check_texts("filters", filters))
}

fn check_destination(configuration: &Map<String, Value>) -> Result<(), Violation> {
    if !field(configuration, "url")?.as_str().is_some_and(is_absolute_url) {
        return Err(Violation::new("url", Problem::Format("uri".to_owned())));
    }
    let is_method = |text: &str| ["get", "post"].iter().any(|method| method.eq_ignore_ascii_case(text));
    if !field(configuration, "method")?.as_str().is_some_and(is_method) {
        return Err(Violation::new("method", Problem::Enum(["get", "post"].map(str::to_owned).into())));
    }
    Ok(())
}

fn check_texts(name: &str, value: &Value) -> Result<(), Violation> {
    let texts = value.as_array().ok_or_else(|| Violation::new(name, Problem::Type("array")))?;
    match texts.iter().position(|text| !text.is_string()) {
        Some(index) => Err(Violation::new(format!("{name}[{index}]"), Problem::Type("string"))),
        None => Ok(()),
    }
}

fn check_replay_after(configuration: &Map<String, Value>) -> Result<(), Violation> {
    match configuration.get("replay_after") {
        Some(index) if !index.is_u64() => Err(Violation::new("replay_after", Problem::Type("integer"))),
        _ => Ok(()),
    }
}
