//! `ConversationWebhook` v1alpha1 with the rules that the API server enforces.
//!
//! The doc comments of this file are what `kubectl explain` prints.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::twilio::{AccountSid, ChatServiceSid, ConversationSid, FlowSid, WebhookSid};

/// A rule for an optional field that is neither added, changed nor removed after creation.
///
/// It stands on the parent, so that it also runs while the field is absent on one side. The shorter
/// `self.?f == oldSelf.?f` exceeds the API server's cost budget for strings.
macro_rules! immutable {
    ($field:literal) => {
        Rule::new(concat!(
            "has(self.",
            $field,
            ") == has(oldSelf.",
            $field,
            ") && (!has(self.",
            $field,
            ") || self.",
            $field,
            " == oldSelf.",
            $field,
            ")"
        ))
        .message(concat!(
            $field,
            " is immutable: it cannot be added, changed or removed; delete the object and create a new one"
        ))
        .field_path(concat!(".", $field))
    };
}

/// One webhook of one Twilio conversation, as it should be.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "conversations.twilio-operator.dev",
    version = "v1alpha1",
    kind = "ConversationWebhook",
    namespaced,
    status = "ConversationWebhookStatus",
    derive = "PartialEq",
    shortname = "cw",
    category = "twilio",
    doc = "One webhook of one Twilio conversation. The operator creates it once, keeps it as written and removes it with the object.",
    selectable = ".spec.conversationSid",
    selectable = ".spec.target",
    selectable = ".status.conversationSid",
    selectable = ".status.webhookSid",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Target", type_ = "string", json_path = ".spec.target"),
    printcolumn(name = "Conversation", type_ = "string", json_path = ".status.conversationSid"),
    printcolumn(name = "Webhook", type_ = "string", json_path = ".status.webhookSid"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Account", type_ = "string", json_path = ".status.accountSid", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.conversationSid) != has(self.conversationUniqueName)").message("set exactly one of conversationSid and conversationUniqueName").reason(Reason::FieldValueRequired))]
#[x_kube(validation = immutable!("conversationSid"))]
#[x_kube(validation = immutable!("conversationUniqueName"))]
#[x_kube(validation = immutable!("chatServiceSid"))]
#[x_kube(validation = Rule::new("self.configuration.?replayAfter == oldSelf.configuration.?replayAfter").message("configuration.replayAfter is immutable: it is read only when the webhook is first created; delete the object and create a new one").field_path(".configuration.replayAfter"))]
#[x_kube(validation = Rule::new("self.target == 'studio' || has(self.configuration.url) != has(self.configuration.urlFrom)").message("target webhook and target trigger need exactly one of configuration.url and configuration.urlFrom").reason(Reason::FieldValueRequired).field_path(".configuration.url"))]
#[x_kube(validation = Rule::new("self.target != 'webhook' || has(self.configuration.filters)").message("target webhook needs configuration.filters: at least one event, for example onMessageAdded").reason(Reason::FieldValueRequired).field_path(".configuration.filters"))]
#[x_kube(validation = Rule::new("self.target != 'webhook' || (!has(self.configuration.triggers) && !has(self.configuration.flowSid))").message("target webhook takes neither triggers nor flowSid: remove them, or use target trigger or studio").reason(Reason::FieldValueForbidden).field_path(".configuration"))]
#[x_kube(validation = Rule::new("self.target != 'trigger' || has(self.configuration.triggers)").message("target trigger needs configuration.triggers: one to five keywords").reason(Reason::FieldValueRequired).field_path(".configuration.triggers"))]
#[x_kube(validation = Rule::new("self.target != 'trigger' || (!has(self.configuration.filters) && !has(self.configuration.flowSid))").message("target trigger takes neither filters nor flowSid: remove them, or use target webhook or studio").reason(Reason::FieldValueForbidden).field_path(".configuration"))]
#[x_kube(validation = Rule::new("self.target != 'studio' || has(self.configuration.flowSid)").message("target studio needs configuration.flowSid").reason(Reason::FieldValueRequired).field_path(".configuration.flowSid"))]
#[x_kube(validation = Rule::new("self.target != 'studio' || !(has(self.configuration.url) || has(self.configuration.urlFrom) || has(self.configuration.method) || has(self.configuration.triggers))").message("target studio takes none of url, urlFrom, method and triggers: remove them, the flow decides").reason(Reason::FieldValueForbidden).field_path(".configuration"))]
pub struct ConversationWebhookSpec {
    /// SID of the conversation (CH...). Exactly one of this and conversationUniqueName. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 34), regex(pattern = r"^CH[0-9a-fA-F]{32}$"))]
    pub conversation_sid: Option<ConversationSid>,
    /// Unique name of the conversation. It is looked up once, and the SID found is used from then on. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub conversation_unique_name: Option<String>,
    /// SID of the conversation's chat service (IS...). The account's default service when absent. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 34), regex(pattern = r"^IS[0-9a-fA-F]{32}$"))]
    pub chat_service_sid: Option<ChatServiceSid>,
    /// What an event sets off: a request to a URL (webhook), the same on keywords only (trigger), or a Studio flow
    /// (studio). Immutable.
    #[x_kube(validation = Rule::new("self == oldSelf").message("target is immutable: delete the object and create a new one"))]
    pub target: Target,
    /// The webhook's configuration, in Twilio's own terms.
    pub configuration: Configuration,
    /// Secret in the same namespace with TWILIO_ACCOUNT_SID, and either TWILIO_API_KEY and TWILIO_API_SECRET or
    /// TWILIO_AUTH_TOKEN.
    #[serde(default)]
    pub credentials_secret_ref: SecretRef,
    /// Whether the webhook is deleted at Twilio together with this object.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// Whether an identical webhook that nobody claims is taken over instead of reported.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,
    /// What happens when the webhook has disappeared at Twilio. Unset means Recreate, for target studio Report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RecreatePolicy")] // a nullable enum would offer "null" and then refuse it
    pub recreate_policy: Option<RecreatePolicy>,
    /// SID of an existing webhook (WH...) to take over instead of creating one. Ignored once status has a SID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 34), regex(pattern = r"^WH[0-9a-fA-F]{32}$"))]
    pub webhook_sid: Option<WebhookSid>,
    /// What the operator may do for this object.
    #[serde(default)]
    pub mode: Mode,
    /// Time between two comparisons with Twilio, for example 10m or 1h30m. At least 1m; the operator's
    /// --resync-interval when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 16), regex(pattern = r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"))]
    #[x_kube(validation = Rule::new("!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) >= duration('1m')").message("resyncInterval must be at least 1m"))]
    pub resync_interval: Option<String>,
}

/// The pre-action events that belong to a conversation. Each has a post-action event of the same name in the past tense.
macro_rules! pre_events {
    () => {
        "['onMessageAdd','onMessageUpdate','onMessageRemove','onConversationUpdate','onConversationRemove','onParticipantAdd','onParticipantUpdate','onParticipantRemove']"
    };
}

/// The first of them in a list that has one.
macro_rules! first_pre_event {
    () => {
        concat!("self.filter(f, f in ", pre_events!(), ")[0]")
    };
}

/// Configuration of a webhook, in Twilio's own terms.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
// On the parent, because a rule on the field itself would print the refused address, credentials included.
#[x_kube(validation = Rule::new(r"!has(self.url) || (self.url.matches('^https?://[^/?#@:][^/?#@]*([/?#].*)?$') && !self.url.matches('[\\s\\p{Z}]') && isURL(self.url))").message("url must be an absolute http or https address with a host, without spaces and without user information (user:password@)").field_path(".url"))]
pub struct Configuration {
    /// Absolute http or https address of the bot, at most 512 characters, without user information. Targets webhook
    /// and trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub url: Option<String>,
    /// The address comes from a key of a Secret in the same namespace. Instead of url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_from: Option<UrlFrom>,
    /// HTTP method of the requests to the bot. POST when absent. Targets webhook and trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Method")]
    pub method: Option<Method>,
    /// Post-action events that set the webhook off, for example onMessageAdded. Target webhook needs at least one;
    /// target studio may have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 23), inner(length(max = 64), regex(pattern = r"^on[A-Z][A-Za-z]+$")))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = Rule::new(concat!("self.all(f, !(f in ", pre_events!(), "))")).message(Message::Expression(concat!(first_pre_event!(), " + ' is a pre-action event, which a conversation webhook cannot have: use ' + ", first_pre_event!(), " + (", first_pre_event!(), ".endsWith('Add') ? 'ed' : 'd')").into())))]
    #[x_kube(validation = Rule::new("self.all(f, !(f in ['onConversationAdd','onUserUpdate']))").message("onConversationAdd and onUserUpdate are pre-action events that belong to no single conversation: remove them, or use a service-level webhook"))]
    pub filters: Option<Vec<String>>,
    /// Keywords that set the webhook off, one to five. Target trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5), inner(length(min = 1, max = 248)))]
    pub triggers: Option<Vec<String>>,
    /// SID of the Studio flow (FW...). Target studio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 34), regex(pattern = r"^FW[0-9a-fA-F]{32}$"))]
    pub flow_sid: Option<FlowSid>,
    /// Index of the message from which messages are replayed to the bot, once, when the webhook is first created.
    /// 0 replays the whole history. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0))]
    pub replay_after: Option<u64>,
}

/// Where the address of a bot comes from.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UrlFrom {
    /// Key of a Secret in the same namespace.
    pub secret_key_ref: SecretKeyRef,
}

/// A key of a Secret in the object's namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// A Secret in the object's namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

impl Default for SecretRef {
    fn default() -> Self {
        Self { name: "twilio-credentials".to_owned() }
    }
}

/// What an event sets off.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A request to a URL.
    Webhook,
    /// A request to a URL when a message has a keyword.
    Trigger,
    /// A Studio flow.
    Studio,
}

/// HTTP method of the requests to the bot.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// The event's fields are in the query.
    Get,
    /// The event's fields are in the body, as a form.
    Post,
}

/// Whether the webhook is deleted at Twilio together with the object.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays.
    Retain,
}

/// Whether an identical webhook that nobody claims is taken over.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdoptionPolicy {
    /// It is reported.
    #[default]
    Never,
    /// It is taken over.
    IfIdentical,
}

/// What happens when the webhook has disappeared at Twilio.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecreatePolicy {
    /// It is created again, without replay.
    Recreate,
    /// It is reported.
    Report,
}

/// What the operator may do for an object.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Everything.
    #[default]
    Apply,
    /// Read Twilio and report, never write.
    Observe,
    /// No Twilio call.
    Suspended,
}

/// How the webhook came to belong to the object.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// Twilio's reply to the create named it.
    Created,
    /// It existed before and was taken over.
    Adopted,
    /// The reply was lost; it was the only webhook that the create can have made.
    Inferred,
}

/// The webhook as last seen.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ConversationWebhookStatus {
    /// Generation of the object that the last finished pass acted on; -1 before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// SID of the webhook (WH...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 34))]
    pub webhook_sid: Option<WebhookSid>,
    /// SID of the account (AC...) that the webhook lives in, pinned at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 34))]
    pub account_sid: Option<AccountSid>,
    /// Twilio region that the webhook lives in, pinned at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub region: Option<String>,
    /// SID of the conversation (CH...), also where the spec has a unique name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 34))]
    pub conversation_sid: Option<ConversationSid>,
    /// Id of the last create attempt whose outcome is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub settled_attempt: Option<String>,
    /// How the webhook came to belong to this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Provenance")]
    pub provenance: Option<Provenance>,
    /// Webhooks of this object that were verified absent; ours if they come back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(max = 16), inner(length(max = 34)))]
    pub lost_sids: Vec<WebhookSid>,
    /// Times of the latest re-creations and corrections of outside edits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub repaired_at: Vec<Time>,
    /// The Twilio error behind a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// The value of the reconcile-requested-at annotation that was last acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready, Synced, CredentialsValid, and Stalled while a human must act.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// A Twilio error, by its numbers: Twilio's text is kept out of the cluster.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// The operation that failed, for example create.
    #[schemars(length(max = 32))]
    pub operation: String,
    /// Twilio's error code, for example 50361.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// HTTP status of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i32>,
    /// Twilio's request id (RQ...), for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub request_id: Option<String>,
}

/// The `CustomResourceDefinition` of the kind.
///
/// A new object gets `status.observedGeneration: -1`, so that kstatus and Flux do not take it for finished before
/// the operator has seen it.
#[must_use]
pub fn crd() -> CustomResourceDefinition {
    let mut crd = ConversationWebhook::crd();
    for version in &mut crd.spec.versions {
        let status = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
            .and_then(|root| root.properties.as_mut())
            .and_then(|properties| properties.get_mut("status"));
        if let Some(status) = status {
            status.default = Some(k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSON(
                serde_json::json!({ "observedGeneration": -1 }),
            ));
        }
    }
    crd
}
