//! What is wrong with a reply, and where. The value that is wrong is not repeated: it may be somebody's message.

use serde::{Serialize, Serializer};

/// A reply that is not as Twilio's contract says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Violation {
    /// The field, as a path (`webhooks[0].sid`), or `status`, `body`.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The contract has no such operation.
    #[error("the contract has no operation {0:?}")]
    UnknownOperation(String),
    /// The facts name a schema that they do not have.
    #[error("the contract has no schema {0:?}")]
    UnknownSchema(String),
    /// A status that the operation does not have.
    #[error("{0} is not among the documented ones")]
    Status(u16),
    /// A body where there is none.
    #[error("is to be empty")]
    NotEmpty,
    /// A body that is no JSON.
    #[error("is not JSON")]
    NotJson,
    /// A field of the contract that is not there.
    #[error("is missing")]
    Missing,
    /// A field that the contract does not have.
    #[error("is not in the contract")]
    Unexpected,
    /// A null where there is none.
    #[error("may not be null")]
    Null,
    /// Another type.
    #[error("is not of type {0}")]
    Type(&'static str),
    /// A text of another shape.
    #[error("does not match {0}")]
    Pattern(String),
    /// None of the values that there are.
    #[error("is none of {}", .0.join(", "))]
    Enum(Vec<String>),
    /// Another format.
    #[error("is not in the format {0}")]
    Format(String),
    /// Too short or too long.
    #[error("has {0} characters")]
    Length(usize),
    /// Too small or too large.
    #[error("is out of range: {0}")]
    Range(i64),
    /// Too many items.
    #[error("has more items than the page size")]
    TooMany,
    /// Another value than the one that it must have.
    #[error("is not {0}")]
    Not(String),
}

impl Violation {
    pub(super) fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self { field: field.into(), problem }
    }

    /// The same, seen from the object that holds the field's own.
    pub(super) fn within(self, outer: &str) -> Self {
        let separator = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        Self { field: format!("{outer}{separator}{}", self.field), ..self }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
