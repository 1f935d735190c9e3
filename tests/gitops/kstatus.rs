//! kstatus: what `kubectl` plugins, Flux and others go by for kinds that they know nothing about.

use serde_json::Value;

/// What kstatus calls an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Current,
    Failed,
    InProgress,
    Terminating,
}

/// The rules in their order; the first that applies decides.
pub(crate) fn status(object: &Value) -> Status {
    if object["metadata"].get("deletionTimestamp").is_some() {
        return Status::Terminating;
    }
    if let (Some(generation), Some(observed)) =
        (object["metadata"]["generation"].as_i64(), object["status"]["observedGeneration"].as_i64())
        && generation != observed
    {
        return Status::InProgress;
    }
    let conditions = || object["status"]["conditions"].as_array().into_iter().flatten();
    for condition in conditions().filter(|condition| condition["status"] == "True") {
        match condition["type"].as_str() {
            Some("Reconciling") => return Status::InProgress,
            Some("Stalled") => return Status::Failed,
            _ => {}
        }
    }
    match conditions().find(|condition| condition["type"] == "Ready") {
        Some(ready) if ready["status"] != "True" => Status::InProgress,
        // Also where there is nothing to go by: a kind without conditions counts as done once it is stored.
        _ => Status::Current,
    }
}
