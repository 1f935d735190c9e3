//! Objects that this version cannot decode: said in the object itself, while all others go on.
//!
//! They exist where the CRD in the cluster is older or looser than this version's. Nothing is changed at Twilio for
//! them, and their finalizer stays, because what they made is not known for certain.

use std::time::Duration;

use jiff::Timestamp;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::error_boundary::InvalidObject;
use serde_json::{Value, json};

use super::context::Context;
use crate::api::{ConditionType, ConversationWebhook, MANAGER, Reason};

/// What the user reads. The decoder's own words may repeat a value of the spec, so they go to the log only.
const MESSAGE: &str = "the object does not fit this version of the operator and is left alone: compare it with \
                       'kubectl explain cw.spec', and install the CRD of the operator's own version";

/// Says in status that an object cannot be decoded, once per generation. How long until that is tried again, if it is.
pub(super) async fn report(ctx: &Context, invalid: &InvalidObject) -> Option<Duration> {
    let (Some(namespace), Some(name)) = (&invalid.metadata.namespace, &invalid.metadata.name) else {
        return None;
    };
    let kind = ApiResource::erase::<ConversationWebhook>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(ctx.kube.clone(), namespace, &kind);
    match say_so(&api, name).await {
        Ok(written) => {
            if written {
                tracing::warn!(namespace, name, "the object cannot be decoded");
                tracing::debug!(namespace, name, error = invalid.error, "why the object cannot be decoded");
            }
            // A better operator or a corrected object comes with a change.
            None
        }
        Err(error) => {
            tracing::warn!(%error, namespace, name, "could not report an object that cannot be decoded");
            match error {
                // Refused, and will be again until something changes.
                kube::Error::Api(status) if matches!(status.code, 400 | 401 | 403 | 422) => None,
                _ => Some(ctx.timing.settle),
            }
        }
    }
}

async fn say_so(api: &Api<DynamicObject>, name: &str) -> Result<bool, kube::Error> {
    let Some(object) = api.get_opt(name).await? else { return Ok(false) };
    let generation = object.metadata.generation.unwrap_or_default();
    let said = object.data["status"]["conditions"].as_array().into_iter().flatten().any(|condition| {
        condition["type"] == ConditionType::Ready.as_str()
            && condition["message"] == MESSAGE
            && condition["observedGeneration"] == generation
    });
    if said {
        return Ok(false);
    }
    let mut patch = patch(generation, Timestamp::now());
    patch["metadata"] = json!({ "resourceVersion": object.metadata.resource_version });
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    api.patch_status(name, &params, &Patch::Merge(patch)).await?;
    Ok(true)
}

/// What status says of an object that cannot be decoded. Only that: what the object may have made stays recorded.
pub(super) fn patch(generation: i64, now: Timestamp) -> Value {
    let condition = |type_: ConditionType, status: &str| {
        json!({
            "type": type_.as_str(),
            "status": status,
            "reason": Reason::InvalidConfiguration.as_str(),
            "message": MESSAGE,
            "observedGeneration": generation,
            "lastTransitionTime": Timestamp::from_second(now.as_second()).unwrap_or_default().to_string(),
        })
    };
    json!({
        "status": {
            "observedGeneration": generation,
            "conditions": [condition(ConditionType::Ready, "False"), condition(ConditionType::Stalled, "True")],
        },
    })
}
