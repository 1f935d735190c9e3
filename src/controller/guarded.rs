//! The kind as it is watched, read and written: one object that cannot be decoded must not fail the others.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::NamespaceResourceScope;
use kube::core::error_boundary::InvalidObject;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use crate::api::ConversationWebhook;

/// An object, or what can be said of one that cannot be decoded.
///
/// Does what kube's `DeserializeGuard` does without a copy of the whole, and skips `managedFields` as they come: nobody here reads
/// those, and they are longer than all the rest.
#[derive(Clone, Debug)]
pub(super) struct Guarded(pub(super) Result<ConversationWebhook, InvalidObject>);

/// An object in its parts, of which each may be anything but the metadata.
#[derive(Deserialize)]
struct Parts {
    #[serde(default)]
    metadata: Trimmed,
    spec: Option<Value>,
    status: Option<Value>,
}

/// Metadata without what nobody here reads.
#[derive(Default)]
struct Trimmed(ObjectMeta);

impl<'de> Deserialize<'de> for Trimmed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Map<String, Value>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("metadata")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let mut kept = Map::new();
                while let Some(field) = fields.next_key::<String>()? {
                    if field == "managedFields" {
                        fields.next_value::<IgnoredAny>()?;
                    } else {
                        kept.insert(field, fields.next_value()?);
                    }
                }
                Ok(kept)
            }
        }

        let kept = deserializer.deserialize_map(Fields)?;
        ObjectMeta::deserialize(Value::Object(kept)).map(Self).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Guarded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Parts { metadata: Trimmed(metadata), spec, status } = Parts::deserialize(deserializer)?;
        let decoded = spec
            .ok_or_else(|| de::Error::missing_field("spec"))
            .and_then(Deserialize::deserialize)
            .and_then(|spec| Ok((spec, status.map(Deserialize::deserialize).transpose()?)));
        Ok(Self(match decoded {
            Ok((spec, status)) => Ok(ConversationWebhook { metadata, spec, status }),
            Err::<_, serde_json::Error>(error) => Err(InvalidObject { error: error.to_string(), metadata }),
        }))
    }
}

impl Resource for Guarded {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        ConversationWebhook::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        ConversationWebhook::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        ConversationWebhook::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        ConversationWebhook::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|invalid| &invalid.metadata, ConversationWebhook::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|invalid| &mut invalid.metadata, ConversationWebhook::meta_mut)
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
            "kind": "ConversationWebhook",
            "metadata": {
                "name": "bot", "namespace": "tenant-a", "uid": "u", "resourceVersion": "7",
                "managedFields": [{ "manager": "kubectl", "fieldsV1": { "f:spec": {} } }],
            },
            "spec": {
                "conversationSid": "CH00000000000000000000000000000001", "target": "webhook",
                "configuration": { "url": "https://bots.example.com/" },
            },
            "status": { "webhookSid": "WH00000000000000000000000000000007", "conditions": [] },
        })
    }

    fn decoded(object: &Value) -> Guarded {
        serde_json::from_str(&object.to_string()).unwrap()
    }

    #[test]
    fn an_object_is_decoded_as_ever_but_for_its_managed_fields() {
        let mut plain: ConversationWebhook = serde_json::from_value(object()).unwrap();
        plain.metadata.managed_fields = None;
        let guarded = decoded(&object()).0.unwrap();
        assert_eq!(serde_json::to_value(guarded).unwrap(), serde_json::to_value(plain).unwrap());
    }

    #[test]
    fn of_one_that_cannot_be_decoded_its_metadata_is_known_and_why() {
        for (path, value) in [
            ("/spec/target", json!("pigeon")),
            ("/spec", json!(7)),
            ("/spec", Value::Null),
            ("/status/webhookSid", json!("XX")),
        ] {
            let mut object = object();
            *object.pointer_mut(path).unwrap() = value;
            let invalid = decoded(&object);
            assert_eq!(invalid.name_any(), "bot", "{path}");
            assert_eq!(invalid.resource_version().as_deref(), Some("7"), "{path}");
            assert!(!invalid.0.unwrap_err().error.is_empty(), "{path}");
        }
    }
}
