//! The facts about one value, and whether it keeps to them.

use std::sync::OnceLock;

use jiff::Timestamp;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::violation::{Problem, Violation};

/// What may be said of a value. What is not said may be anything.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ValueFacts {
    #[serde(rename = "type")]
    kind: Option<Kind>,
    format: Option<String>,
    #[serde(rename = "enum")]
    values: Option<Vec<String>>,
    pattern: Option<Pattern>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    minimum: Option<i64>,
    pub(super) maximum: Option<i64>,
    nullable: bool,
    items: Option<Box<ValueFacts>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    String,
    Integer,
    Boolean,
    Array,
    Object,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    fn is_of(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

/// A regular expression, compiled when it is first needed: most of the document's are of operations not in use.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
struct Pattern {
    text: String,
    regex: OnceLock<Option<Regex>>,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { text, regex: OnceLock::new() }
    }
}

impl Pattern {
    /// What cannot be compiled matches nothing.
    fn matches(&self, text: &str) -> bool {
        let regex = self.regex.get_or_init(|| Regex::new(&self.text).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl ValueFacts {
    /// Whether the value of the field `name` keeps to what is said of it.
    pub(super) fn check(&self, name: &str, value: &Value) -> Result<(), Violation> {
        let wrong = |problem| Err(Violation::new(name, problem));
        if value.is_null() {
            return if self.nullable { Ok(()) } else { wrong(Problem::Null) };
        }
        if let Some(kind) = self.kind.filter(|kind| !kind.is_of(value)) {
            return wrong(Problem::Type(kind.name()));
        }
        match value {
            Value::String(text) => self.check_text(text),
            Value::Number(number) => self.check_number(number.as_i64()),
            Value::Object(_) => self.check_format(value),
            _ => Ok(()),
        }
        .or_else(wrong)?;
        let (Some(facts), Value::Array(items)) = (&self.items, value) else { return Ok(()) };
        let mut items = items.iter().enumerate();
        items.try_for_each(|(index, item)| facts.check(&format!("{name}[{index}]"), item))
    }

    fn check_text(&self, text: &str) -> Result<(), Problem> {
        if let Some(values) = self.values.as_ref().filter(|values| !values.iter().any(|value| value == text))
        {
            return Err(Problem::Enum(values.clone()));
        }
        let length = text.chars().count();
        if self.min_length.is_some_and(|min| length < min) || self.max_length.is_some_and(|max| length > max)
        {
            return Err(Problem::Length(length));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            return Err(Problem::Pattern(pattern.text.clone()));
        }
        self.check_format(&Value::from(text))
    }

    /// A number beyond 63 bits is beyond every bound.
    fn check_number(&self, number: Option<i64>) -> Result<(), Problem> {
        let number = number.unwrap_or(i64::MAX);
        let too_small = self.minimum.is_some_and(|minimum| number < minimum);
        let too_large = self.maximum.is_some_and(|maximum| number > maximum);
        if too_small || too_large { Err(Problem::Range(number)) } else { Ok(()) }
    }

    fn check_format(&self, value: &Value) -> Result<(), Problem> {
        let Some(format) = self.format.as_deref() else { return Ok(()) };
        let right = match (format, value) {
            ("date-time", Value::String(text)) => is_date_time(text),
            ("uri", Value::String(text)) => is_absolute_url(text),
            ("uri-map", Value::Object(links)) => {
                links.values().all(|link| link.as_str().is_some_and(is_absolute_url))
            }
            _ => false,
        };
        if right { Ok(()) } else { Err(Problem::Format(format.to_owned())) }
    }
}

/// RFC 3339 in UTC with whole seconds, as Twilio writes it: `2016-03-24T21:05:50Z`.
fn is_date_time(text: &str) -> bool {
    let moment: Result<Timestamp, _> = text.parse();
    moment.is_ok_and(|moment| moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() == text)
}

pub(super) fn is_absolute_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
