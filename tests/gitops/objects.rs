//! Objects in every state in which the operator can leave them.

use serde_json::Value;

/// An object, and what led to its state.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    pub(crate) object: Value,
}

impl State {
    /// A condition of the object.
    pub(crate) fn condition(&self, type_: &str) -> Option<&Value> {
        self.conditions().find(|condition| condition["type"] == type_)
    }

    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Value> {
        self.object["status"]["conditions"].as_array().into_iter().flatten()
    }

    /// Whether a human must act.
    pub(crate) fn is_stalled(&self) -> bool {
        self.condition("Stalled").is_some_and(|stalled| stalled["status"] == "True")
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.object["metadata"].get("deletionTimestamp").is_some()
    }

    /// Whether status speaks of the object as it is written now.
    pub(crate) fn is_up_to_date(&self) -> bool {
        self.object["status"]["observedGeneration"] == self.object["metadata"]["generation"]
    }
}

/// Every state.
pub(crate) fn states() -> Vec<State> {
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        State { name: line["state"].as_str().unwrap().to_owned(), object: line["object"].clone() }
    };
    include_str!("objects.golden.jsonl").lines().map(read).collect()
}
