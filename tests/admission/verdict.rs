//! An answer of the API server, read as a user of kubectl reads it.

use std::fmt;

use anyhow::Result;
use controlplane::Output;
use serde_json::Value;

use crate::object::CANARY;

/// What the API server adds when it stops before it has evaluated every rule.
const STOPPED_EARLY: [&str; 2] = [
    "<nil>: Invalid value: null: some validation rules were not checked",
    // Up to Kubernetes 1.33.
    "<nil>: Invalid value: \"null\": some validation rules were not checked",
];

/// Accepted or refused.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The object as it would be stored.
    Accepted(Value),
    /// The causes, in alphabetical order. One where the API server does not list causes.
    Refused(Vec<String>),
}

impl Verdict {
    /// Reads the answer to a kubectl command that prints JSON.
    pub(crate) fn of(answer: Result<Output>) -> Self {
        match answer {
            Ok(output) => Self::Accepted(serde_json::from_str(&output.stdout).unwrap()),
            // The first line is the command.
            Err(error) => Self::Refused(causes(error.to_string().split_once('\n').unwrap().1)),
        }
    }

    /// `None` if it is an acceptance, else what is wrong with it.
    pub(crate) fn why_not_accepted(&self) -> Option<String> {
        match self {
            Self::Accepted(_) => None,
            Self::Refused(causes) => Some(format!("was refused:\n{}", lines(causes))),
        }
    }

    /// `None` if it is a refusal with exactly these causes, in any order, and repeats no credential; else what is wrong
    /// with it.
    pub(crate) fn why_not_refused_with(&self, expected: &[String]) -> Option<String> {
        let causes = match self {
            Self::Accepted(_) => return Some("was accepted".to_owned()),
            Self::Refused(causes) => causes,
        };
        if causes.iter().any(|cause| cause.contains(CANARY)) {
            return Some(format!("repeats what may be a credential:\n{}", lines(causes)));
        }
        let mut expected = expected.to_vec();
        expected.sort();
        let same = causes.len() == expected.len()
            && causes.iter().zip(&expected).all(|(cause, expected)| says(cause, expected));
        (!same).then(|| format!("was refused with\n{}\n  instead of\n{}", lines(causes), lines(&expected)))
    }
}

/// Whether a cause is the expected one. Kubernetes 1.33 names the type of a value that a rule refuses, and newer versions the
/// value, or nothing for a whole object.
fn says(cause: &str, expected: &str) -> bool {
    const REFUSED: &str = "Invalid value: ";
    if cause.contains(expected) {
        return true;
    }
    let types = ["object", "string", "array", "integer", "boolean"];
    let Some(bare) = types.iter().find_map(|name| {
        let named = format!("{REFUSED}\"{name}\": ");
        cause.contains(&named).then(|| cause.replacen(&named, REFUSED, 1))
    }) else {
        return false;
    };
    let without_value = expected.split_once(&format!("{REFUSED}\"")).and_then(|(field, rest)| {
        rest.split_once("\": ").map(|(_value, message)| format!("{field}{REFUSED}{message}"))
    });
    bare.contains(without_value.as_deref().unwrap_or(expected))
}

fn causes(said: &str) -> Vec<String> {
    let Some((_, causes)) = said.split_once(" is invalid: ") else {
        return vec![said.trim().to_owned()];
    };
    let causes = causes.trim();
    let mut causes: Vec<String> = match causes.strip_prefix("* ") {
        Some(list) => list.split("\n* ").map(str::to_owned).collect(),
        None => vec![causes.to_owned()],
    };
    causes.retain(|cause| !STOPPED_EARLY.iter().any(|stopped| cause.starts_with(stopped)));
    causes.sort();
    causes
}

fn lines(causes: &[String]) -> impl fmt::Display {
    causes.iter().map(|cause| format!("    {cause}")).collect::<Vec<_>>().join("\n")
}
