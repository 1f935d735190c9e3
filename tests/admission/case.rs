//! One line of a table of rules: an object, and what the API server says to it.

use serde_json::Value;

/// An object and what is to become of it.
#[derive(Debug)]
pub(crate) struct Case {
    /// What the object shows.
    pub(crate) name: &'static str,
    /// Its spec.
    pub(crate) spec: Value,
    /// What the API server says.
    pub(crate) expected: Expected,
}

/// What the API server says.
#[derive(Debug)]
pub(crate) enum Expected {
    /// The object is stored.
    Accepted,
    /// These causes and no others, each a part of the line that the user reads.
    Rejected {
        /// With `kubectl apply`.
        client: Vec<String>,
        /// With `kubectl apply --server-side`, where it says something else.
        server: Option<String>,
    },
}

/// Begins a case. Nothing becomes of it until it is said what is expected.
#[must_use]
pub(crate) fn case(name: &'static str, spec: Value) -> Open {
    Open { name, spec }
}

/// A case without an expectation.
#[derive(Debug)]
pub(crate) struct Open {
    name: &'static str,
    spec: Value,
}

impl Open {
    /// The object is good.
    #[must_use]
    pub(crate) fn accepted(self) -> Case {
        Case { name: self.name, spec: self.spec, expected: Expected::Accepted }
    }

    /// The object is refused, and this is what the user reads.
    #[must_use]
    pub(crate) fn rejected_with(self, message: impl Into<String>) -> Case {
        let client = vec![message.into()];
        Case { name: self.name, spec: self.spec, expected: Expected::Rejected { client, server: None } }
    }
}

impl Case {
    /// A further cause in the same refusal.
    #[must_use]
    pub(crate) fn and(mut self, message: &str) -> Self {
        if let Expected::Rejected { client, .. } = &mut self.expected {
            client.push(message.to_owned());
        }
        self
    }

    /// With `--server-side` the refusal reads so.
    #[must_use]
    pub(crate) fn server_side(mut self, message: &str) -> Self {
        if let Expected::Rejected { server, .. } = &mut self.expected {
            *server = Some(message.to_owned());
        }
        self
    }

    /// The causes with `kubectl apply`; none for an object that is accepted.
    pub(crate) fn causes(&self) -> &[String] {
        match &self.expected {
            Expected::Accepted => &[],
            Expected::Rejected { client, .. } => client,
        }
    }
}
