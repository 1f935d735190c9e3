//! The file of facts, read once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::value::ValueFacts;

pub(super) const TEXT: &str = include_str!("../../facts/twilio_conversations_v1.json");

/// Everything that the document says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    operations: BTreeMap<String, OperationFacts>,
    schemas: BTreeMap<String, Schema>,
}

/// An object's fields by name: all of them are in every reply.
pub(super) type Schema = BTreeMap<String, ValueFacts>;

/// One operation. Its parameters are of interest here as far as they bound a reply.
#[derive(Debug, Deserialize)]
pub(crate) struct OperationFacts {
    #[cfg(test)]
    pub(crate) method: String,
    /// With a name in braces for each parameter.
    #[cfg(test)]
    pub(crate) path: String,
    parameters: Vec<Parameter>,
    /// What a successful reply is, by status.
    pub(super) replies: BTreeMap<u16, ReplyFacts>,
}

#[derive(Debug, Deserialize)]
struct Parameter {
    name: String,
    #[serde(flatten)]
    value: ValueFacts,
}

/// The body of a reply.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum ReplyFacts {
    /// The key of the items, and the schema of each.
    List {
        list: String,
        schema: String,
    },
    One {
        schema: String,
    },
    Nothing {},
}

/// The facts. A file that cannot be read has none, so that no reply is found right; a test shows that it can be.
pub(crate) fn facts() -> &'static Facts {
    static FACTS: LazyLock<Facts> = LazyLock::new(|| serde_json::from_str(TEXT).unwrap_or_default());
    &FACTS
}

impl Facts {
    pub(crate) fn operation(&self, id: &str) -> Option<&OperationFacts> {
        self.operations.get(id)
    }

    pub(super) fn schema(&self, name: &str) -> Option<&Schema> {
        self.schemas.get(name)
    }

    #[cfg(test)]
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&str, &OperationFacts)> {
        self.operations.iter().map(|(id, operation)| (id.as_str(), operation))
    }
}

impl OperationFacts {
    /// The largest page that a list may have.
    pub(super) fn max_page_size(&self) -> Option<i64> {
        self.parameters.iter().find(|parameter| parameter.name == "PageSize")?.value.maximum
    }
}
