//! The smallest object of each target, and how a test departs from it.

use serde_json::{Value, json};

/// Stands in addresses where a credential would. No message may repeat it.
pub(crate) const CANARY: &str = "canary";

/// A SID with this prefix.
pub(crate) fn sid(prefix: &str) -> String {
    format!("{prefix}0123456789abcdef0123456789ABCDEF")
}

/// The smallest spec of target webhook, changed by a JSON merge patch: null removes a field.
pub(crate) fn webhook(patch: &Value) -> Value {
    patched(
        json!({
            "conversationSid": sid("CH"),
            "target": "webhook",
            "configuration": {"url": "https://bots.example.com/hook", "filters": ["onMessageAdded"]},
        }),
        patch,
    )
}

/// The same for target trigger.
pub(crate) fn trigger(patch: &Value) -> Value {
    patched(
        json!({
            "conversationSid": sid("CH"),
            "target": "trigger",
            "configuration": {"url": "https://bots.example.com/hook", "triggers": ["help"]},
        }),
        patch,
    )
}

/// The same for target studio.
pub(crate) fn studio(patch: &Value) -> Value {
    patched(
        json!({
            "conversationSid": sid("CH"),
            "target": "studio",
            "configuration": {"flowSid": sid("FW")},
        }),
        patch,
    )
}

/// A whole object.
pub(crate) fn object(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
        "kind": "ConversationWebhook",
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// JSON merge patch, RFC 7386.
pub(crate) fn patched(mut document: Value, patch: &Value) -> Value {
    merge(&mut document, patch);
    document
}

fn merge(document: &mut Value, patch: &Value) {
    let (Value::Object(fields), Value::Object(changes)) = (&mut *document, patch) else {
        *document = patch.clone();
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), change);
        }
    }
}
