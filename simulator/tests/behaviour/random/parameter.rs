//! The operations and parameters of Twilio's contract, and values for a parameter: as it should be, and not.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;
use serde::Deserialize;

use crate::fixture::*;

/// Where webhooks point: a closed port of this machine, since the simulator delivers for real.
const NOWHERE: &str = "http://127.0.0.1:1/bot";

#[derive(Deserialize)]
struct Facts {
    operations: BTreeMap<String, Operation>,
}

/// An operation of the contract.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Operation {
    pub(super) method: String,
    /// With a name in braces for each path parameter.
    pub(super) path: String,
    pub(super) parameters: Vec<Parameter>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parameter {
    pub(super) name: String,
    #[serde(rename = "in")]
    pub(super) place: Place,
    #[serde(default)]
    required: bool,
    #[serde(rename = "type")]
    kind: String,
    format: Option<String>,
    #[serde(rename = "enum")]
    values: Option<Vec<String>>,
    pattern: Option<String>,
    minimum: Option<i64>,
    maximum: Option<i64>,
}

/// Where a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Form,
}

/// All operations.
pub(super) static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let facts: Facts =
        serde_json::from_str(include_str!("../../../facts/twilio_conversations_v1.json")).unwrap();
    facts.operations.into_values().collect()
});

/// What the SIDs of a path parameter begin with. Where the contract has no pattern, the path says it.
pub(super) fn prefix(parameter: &Parameter, before: &str) -> &'static str {
    let known = ["IS", "CH", "WH", "IM", "DY", "MB", "US", "RL", "CR", "BS", "IG"];
    let of_pattern = |pattern: &String| known.into_iter().find(|prefix| pattern[1..].starts_with(prefix));
    parameter.pattern.as_ref().and_then(of_pattern).unwrap_or(match before {
        "Participants" => "MB",
        "Users" => "US",
        "Addresses" => "IG",
        _ => "CH",
    })
}

/// A parameter: mostly once and as it should be when it is required, else none, one or several times.
pub(super) fn field(parameter: &Parameter) -> impl Strategy<Value = Vec<(String, String)>> + use<> {
    let name = parameter.name.clone();
    let most = if parameter.kind == "array" { 7 } else { 1 };
    let good = prop::collection::vec(good_value(parameter), 1..=most);
    let any = prop::collection::vec(prop_oneof![good_value(parameter), odd_value(parameter)], 1..4);
    let weights = match (parameter.required, name.as_str()) {
        (true, _) => (1, 16, 2),
        // Only a list has good ones.
        (false, "PageToken") => (16, 0, 2),
        (false, _) => (6, 4, 5),
    };
    let values = prop_oneof![weights.0 => Just(Vec::new()), weights.1 => good, weights.2 => any];
    values.prop_map(move |values| values.into_iter().map(|value| (name.clone(), value)).collect())
}

fn good_value(parameter: &Parameter) -> BoxedStrategy<String> {
    if let Some(values) = &parameter.values {
        return select(values.clone()).boxed();
    }
    if let Some(pattern) = &parameter.pattern {
        let sid = proptest::string::string_regex(pattern.trim_matches(['^', '$'])).unwrap();
        return prop_oneof![sid, Just(FLOW.to_string())].boxed();
    }
    let name = parameter.name.as_str();
    match (parameter.kind.as_str(), parameter.format.as_deref()) {
        ("integer", _) => {
            let (low, high) = (parameter.minimum.unwrap_or(0), parameter.maximum.unwrap_or(20));
            (low..=high).prop_map(|number| number.to_string()).boxed()
        }
        ("boolean", _) => select(vec!["true", "false"]).prop_map(str::to_owned).boxed(),
        (_, Some("date-time")) => Just("2016-03-24T21:05:50Z".to_owned()).boxed(),
        _ if name.ends_with("Url") => Just(NOWHERE.to_owned()).boxed(),
        _ if name.ends_with("Filters") => {
            select(vec!["onMessageAdded", "onConversationUpdated", "onParticipantAdded"])
                .prop_map(str::to_owned)
                .boxed()
        }
        _ if name.ends_with("Attributes") => {
            select(vec!["{}", r#"{"a": [1]}"#]).prop_map(str::to_owned).boxed()
        }
        _ if name.starts_with("Timers") => select(vec!["PT10M", "P1D"]).prop_map(str::to_owned).boxed(),
        _ => "[a-z ]{1,12}".boxed(),
    }
}

/// At and beyond the bounds, of another type, or of no type at all.
fn odd_value(parameter: &Parameter) -> BoxedStrategy<String> {
    let odd = [
        "",
        " ",
        "0",
        "-1",
        "1.5",
        "1e3",
        "18446744073709551616",
        "null",
        "[]",
        "{",
        "true",
        "TRUE",
        "GET",
        "\0",
        "é\u{202e}",
        "IS0",
        TOKEN,
    ];
    let odd = select(odd.to_vec()).prop_map(str::to_owned);
    let far = format!("{NOWHERE}/{}", "a".repeat(600));
    // A head has less room than a body: with a query of that size it would be no request any more.
    let huge = if parameter.place == Place::Form { 70_000 } else { 4096 };
    let long = select(vec![248usize, 249, 256, 257, 512, 513, huge]).prop_map(|length| "b".repeat(length));
    let other = prop_oneof![8 => odd, 4 => any::<String>(), 2 => long, 1 => Just(far)];
    let bounds = [parameter.minimum, parameter.maximum].into_iter().flatten();
    let bounds: Vec<_> = bounds.flat_map(|bound| [bound - 1, bound, bound + 1, 10 * bound]).collect();
    if bounds.is_empty() {
        return other.boxed();
    }
    prop_oneof![select(bounds).prop_map(|bound| bound.to_string()), other].boxed()
}
