//! From the outcome of a pass to the object's next status, and to the smallest patch that gets there.
//!
//! Status is a function of the last status and the outcome; nothing accumulates in it, and nothing is written when
//! nothing changed. Texts are ours: what Twilio said stays out, its numbers go to `lastError`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::{Map, Value};

use crate::api::{
    ConditionType, ConversationWebhook, ConversationWebhookStatus, LastError, Provenance, Reason,
};
use crate::twilio::{AccountSid, ConversationSid, WebhookSid};

/// What `status.repairedAt` and `status.lostSids` hold at most; the oldest make room.
const MAX_REPAIRED: usize = 3;
const MAX_LOST: usize = 16;

/// The next status of one object, in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    status: ConversationWebhookStatus,
    generation: i64,
    now: Timestamp,
}

/// A webhook as it goes into status.
#[derive(Clone, Debug)]
pub(super) struct Pinned {
    /// Its SID.
    pub(super) webhook: WebhookSid,
    /// The account that it lives in.
    pub(super) account: AccountSid,
    /// The region that it lives in.
    pub(super) region: String,
    /// The conversation that it hangs on.
    pub(super) conversation: ConversationSid,
    /// Id of the attempt that it came from.
    pub(super) attempt: String,
    /// How it came to be the object's.
    pub(super) provenance: Provenance,
}

impl Draft {
    /// Starts from an object's status. `generation` is the one that the outcome speaks of.
    pub(super) fn of(object: &ConversationWebhook, generation: i64, now: Timestamp) -> Self {
        Self { status: object.status.clone().unwrap_or_default(), generation, now }
    }

    /// This pass acts on what a user asked for.
    pub(super) fn handled(mut self, requested: Option<String>) -> Self {
        if requested.is_some() {
            self.status.last_handled_reconcile_at = requested;
            // Somebody looks after it: earlier repairs are no quarrel any more.
            self.status.repaired_at.clear();
        }
        self
    }

    /// The webhook was put back as written, or is about to be made again.
    pub(super) fn repaired(mut self) -> Self {
        let repairs = &mut self.status.repaired_at;
        repairs.push(Time(whole_seconds(self.now)));
        let surplus = repairs.len().saturating_sub(MAX_REPAIRED);
        repairs.drain(..surplus);
        self
    }

    /// The webhook is verified absent. It stays the object's, should it come back.
    pub(super) fn lost(mut self) -> Self {
        if let Some(webhook) = self.status.webhook_sid.take() {
            let lost = &mut self.status.lost_sids;
            lost.retain(|earlier| *earlier != webhook);
            lost.push(webhook);
            let surplus = lost.len().saturating_sub(MAX_LOST);
            lost.drain(..surplus);
        }
        self.status.provenance = None;
        self
    }

    /// Everything that was the object's at Twilio is deleted.
    pub(super) fn removed(mut self) -> Self {
        self.status.webhook_sid = None;
        self.status.provenance = None;
        self.status.lost_sids.clear();
        self
    }

    /// The conversation is another one.
    pub(super) fn moved(mut self) -> Self {
        self.status.conversation_sid = None;
        self.lost()
    }

    /// The webhook is the object's now, and its attempt settled.
    pub(super) fn pin(mut self, pinned: Pinned) -> Self {
        let Pinned { webhook, account, region, conversation, attempt, provenance } = pinned;
        self.status.webhook_sid = Some(webhook);
        self.status.account_sid = Some(account);
        self.status.region = Some(region);
        self.status.conversation_sid = Some(conversation);
        self.status.settled_attempt = Some(attempt);
        self.status.provenance = Some(provenance);
        self
    }

    /// No generation of the object was acted on yet.
    pub(super) fn unobserved(mut self) -> Self {
        self.status.observed_generation = Some(0);
        self
    }

    /// The attempt is settled without a webhook.
    pub(super) fn settle(mut self, attempt: &str) -> Self {
        self.status.settled_attempt = Some(attempt.to_owned());
        self
    }

    /// The webhook is as written.
    pub(super) fn available(self, message: String) -> Self {
        self.ready("True", Reason::Available, message).finished().trusted().moving().without_error()
    }

    /// The webhook is as written, and there may be a second one: somebody must look.
    pub(super) fn doubled(self, message: String) -> Self {
        self.stalled(Reason::TwinExists, message)
    }

    /// What is said of a second webhook, where the object's status does not say it yet.
    pub(super) fn double_news(&self, object: &ConversationWebhook) -> Option<&str> {
        let double = |status: &ConversationWebhookStatus| {
            let has = |type_: ConditionType, reason: &str| {
                status.conditions.iter().find(|c| c.type_ == type_.as_str() && c.reason == reason).cloned()
            };
            has(ConditionType::Ready, Reason::Available.as_str())?;
            has(ConditionType::Stalled, Reason::TwinExists.as_str())
        };
        let now = double(&self.status)?;
        let before = object.status.as_ref().and_then(double);
        if before.is_some_and(|before| before.message == now.message) {
            return None;
        }
        let stalled = |c: &&Condition| c.type_ == ConditionType::Stalled.as_str();
        self.status.conditions.iter().find(stalled).map(|condition| condition.message.as_str())
    }

    /// The pass finished, and somebody must act.
    pub(super) fn held(self, reason: Reason, message: String, error: Option<LastError>) -> Self {
        self.ready("False", reason, message.clone()).finished().stalled(reason, message).with_error(error)
    }

    /// The pass finished; the webhook is not as it should be, and that is how it is wanted, or it changes by itself.
    pub(super) fn unready(self, reason: Reason, message: String) -> Self {
        self.ready("False", reason, message).finished().moving().without_error()
    }

    /// The object is suspended. Its webhook stays Ready as far as is known.
    pub(super) fn suspended(mut self, message: String) -> Self {
        self.status.observed_generation = Some(self.generation);
        let draft = if self.status.webhook_sid.is_some() {
            self
        } else {
            self.ready("False", Reason::Suspended, message.clone())
        };
        draft.condition(ConditionType::Synced, "Unknown", Reason::Suspended, message).moving().without_error()
    }

    /// The outcome of a create is not known yet.
    pub(super) fn unresolved(self, message: String) -> Self {
        self.ready("Unknown", Reason::CreateUnresolved, message).moving()
    }

    /// The object has no webhook and the pass did not finish.
    pub(super) fn failed(
        self,
        reason: Reason,
        message: String,
        stalled: bool,
        error: Option<LastError>,
    ) -> Self {
        let mut next = self;
        if stalled {
            // Whoever waits for the object need not wait any longer.
            next.status.observed_generation = Some(next.generation);
        }
        next.ready("False", reason, message.clone()).unsynced(reason, message, stalled, error)
    }

    /// The object has a webhook, which stays Ready as far as is known, and the pass did not finish.
    pub(super) fn unsynced(
        self,
        reason: Reason,
        message: String,
        stalled: bool,
        error: Option<LastError>,
    ) -> Self {
        // What was held before an outage is held after it.
        let held = self.is_held();
        let next = self.condition(ConditionType::Synced, "False", reason, message.clone()).with_error(error);
        match (stalled, held) {
            (true, _) => next.stalled(reason, message),
            (false, true) => next,
            (false, false) => next.moving(),
        }
    }

    /// Somebody must act about what keeps the object from being Ready.
    fn is_held(&self) -> bool {
        let reason = |type_: ConditionType| {
            self.status
                .conditions
                .iter()
                .find(|condition| condition.type_ == type_.as_str())
                .map(|condition| (condition.status.as_str(), condition.reason.as_str()))
        };
        match (reason(ConditionType::Ready), reason(ConditionType::Stalled)) {
            (Some(("False", ready)), Some((_, stalled))) => ready == stalled,
            (Some(("True", _)), Some((_, stalled))) => stalled == Reason::TwinExists.as_str(),
            _ => false,
        }
    }

    /// The credentials are missing, refused or another account's.
    pub(super) fn distrusted(self, reason: Reason, message: String) -> Self {
        self.condition(ConditionType::CredentialsValid, "False", reason, message)
    }

    /// Twilio accepted the credentials.
    pub(super) fn trusted(self) -> Self {
        self.condition(
            ConditionType::CredentialsValid,
            "True",
            Reason::CredentialsAccepted,
            "Twilio accepts the credentials for the declared account".to_owned(),
        )
    }

    /// The merge patch from the object's status to this one; `None` when nothing changed.
    pub(super) fn patch(&self, object: &ConversationWebhook) -> Result<Option<Value>, serde_json::Error> {
        let old = serde_json::to_value(object.status.clone().unwrap_or_default())?;
        let new = serde_json::to_value(&self.status)?;
        let difference = difference(&old, &new);
        Ok(difference.map(|status| {
            serde_json::json!({
                "metadata": { "resourceVersion": object.metadata.resource_version },
                "status": status,
            })
        }))
    }

    /// Status and reason of the Ready condition, where they differ from the object's, and its message.
    pub(super) fn ready_change(&self, object: &ConversationWebhook) -> Option<(&str, &str, &str)> {
        let ready = |status: &ConversationWebhookStatus| {
            status
                .conditions
                .iter()
                .find(|condition| condition.type_ == ConditionType::Ready.as_str())
                .map(|condition| (condition.status.clone(), condition.reason.clone()))
        };
        let now = self.status.conditions.iter().find(|c| c.type_ == ConditionType::Ready.as_str())?;
        let before = object.status.as_ref().and_then(ready);
        (before != Some((now.status.clone(), now.reason.clone()))).then_some((
            now.status.as_str(),
            now.reason.as_str(),
            now.message.as_str(),
        ))
    }

    fn ready(self, status: &str, reason: Reason, message: String) -> Self {
        self.condition(ConditionType::Ready, status, reason, message)
    }

    fn finished(mut self) -> Self {
        self.status.observed_generation = Some(self.generation);
        self.condition(
            ConditionType::Synced,
            "True",
            Reason::ReconcileSucceeded,
            "the last pass against this generation finished".to_owned(),
        )
    }

    fn stalled(self, reason: Reason, message: String) -> Self {
        self.condition(ConditionType::Stalled, "True", reason, message)
    }

    fn moving(mut self) -> Self {
        self.status.conditions.retain(|condition| condition.type_ != ConditionType::Stalled.as_str());
        self
    }

    fn with_error(mut self, error: Option<LastError>) -> Self {
        // The request's id alone does not make a new error: it would be a write for each repeated failure.
        let numbers = |e: &LastError| (e.operation.clone(), e.code, e.http_status);
        if self.status.last_error.as_ref().map(numbers) != error.as_ref().map(numbers) {
            self.status.last_error = error;
        }
        self
    }

    fn without_error(mut self) -> Self {
        self.status.last_error = None;
        self
    }

    fn condition(mut self, type_: ConditionType, status: &str, reason: Reason, message: String) -> Self {
        let conditions = &mut self.status.conditions;
        let position = conditions.iter().position(|condition| condition.type_ == type_.as_str());
        let since =
            position.map(|at| &conditions[at]).filter(|condition| condition.status == status).map_or_else(
                || Time(whole_seconds(self.now)),
                |condition| condition.last_transition_time.clone(),
            );
        let condition = Condition {
            type_: type_.as_str().to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message,
            observed_generation: Some(self.generation),
            last_transition_time: since,
        };
        match position {
            Some(at) => conditions[at] = condition,
            None => conditions.push(condition),
        }
        self
    }
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// The merge patch that turns `old` into `new`; fields that vanished become null.
fn difference(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let mut changed = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        changed.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        match old.get(key) {
            Some(before) => {
                if let Some(inner) = difference(before, value) {
                    changed.insert(key.clone(), inner);
                }
            }
            None => {
                changed.insert(key.clone(), value.clone());
            }
        }
    }
    (!changed.is_empty()).then_some(Value::Object(changed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(status: &Value) -> ConversationWebhook {
        serde_json::from_value(json!({
            "apiVersion": "conversations.twilio-operator.dev/v1alpha1",
            "kind": "ConversationWebhook",
            "metadata": { "name": "bot", "namespace": "a", "resourceVersion": "7", "generation": 3 },
            "spec": {
                "conversationSid": format!("CH{:032x}", 1),
                "target": "webhook",
                "configuration": { "url": "https://bots.example.com/", "filters": ["onMessageAdded"] },
            },
            "status": status,
        }))
        .unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_same_outcome_twice_writes_nothing() {
        let mut object = object(&json!({ "observedGeneration": -1 }));
        let draft = Draft::of(&object, 3, at(10)).available("there".to_owned());
        assert!(draft.patch(&object).unwrap().is_some());
        object.status = Some(draft.status);
        let again = Draft::of(&object, 3, at(99)).available("there".to_owned());
        assert_eq!(again.patch(&object).unwrap(), None);
        assert_eq!(again.ready_change(&object), None);
    }

    #[test]
    fn what_is_over_is_taken_out_of_status() {
        let mut object = object(&json!({}));
        let error = LastError {
            operation: "create_webhook".into(),
            code: Some(50361),
            http_status: Some(400),
            request_id: None,
        };
        let held =
            Draft::of(&object, 3, at(10)).held(Reason::ConversationFull, "full".to_owned(), Some(error));
        object.status = Some(held.status);
        let patch =
            Draft::of(&object, 3, at(20)).available("there".to_owned()).patch(&object).unwrap().unwrap();
        assert_eq!(patch["status"]["lastError"], Value::Null);
        let conditions = patch["status"]["conditions"].as_array().unwrap();
        assert!(conditions.iter().all(|condition| condition["type"] != "Stalled"), "{conditions:?}");
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
    }

    #[test]
    fn a_condition_keeps_the_time_of_its_last_change_of_status() {
        let mut object = object(&json!({}));
        object.status = Some(Draft::of(&object, 3, at(10)).available("one".to_owned()).status);
        object.status = Some(Draft::of(&object, 4, at(20)).available("two".to_owned()).status);
        let ready = &object.status.unwrap().conditions[0];
        assert_eq!((ready.message.as_str(), ready.last_transition_time.0), ("two", at(10)));
    }

    #[test]
    fn what_needs_somebody_is_said_of_the_present_generation_and_outlasts_an_outage() {
        let mut object = object(&json!({ "observedGeneration": -1 }));
        let draft = |object: &ConversationWebhook| Draft::of(object, 3, at(10));
        let down = || (Reason::TwilioUnavailable, "down".to_owned(), false, None);
        let (reason, text, stalled, error) = down();
        let unfinished = draft(&object).failed(reason, text, stalled, error).status;
        assert_eq!(unfinished.observed_generation, Some(-1), "it goes on by itself");
        let missing = draft(&object).failed(Reason::CredentialsMissing, "none".to_owned(), true, None);
        assert_eq!(missing.status.observed_generation, Some(3));

        let stalls = |status: &ConversationWebhookStatus| {
            status.conditions.iter().any(|condition| condition.type_ == ConditionType::Stalled.as_str())
        };
        object.status = Some(draft(&object).held(Reason::InvalidConfiguration, "no".to_owned(), None).status);
        let (reason, text, stalled, error) = down();
        assert!(stalls(&draft(&object).unsynced(reason, text, stalled, error).status));
        object.status =
            Some(draft(&object).failed(Reason::CredentialsMissing, "none".to_owned(), true, None).status);
        let (reason, text, stalled, error) = down();
        assert!(!stalls(&draft(&object).failed(reason, text, stalled, error).status));
    }

    #[test]
    fn a_repeated_failure_with_another_request_id_writes_nothing() {
        let mut object = object(&json!({}));
        let error = |id: &str| {
            Some(LastError {
                operation: "list_webhooks".into(),
                code: None,
                http_status: Some(503),
                request_id: Some(id.to_owned()),
            })
        };
        let failed = |object: &ConversationWebhook, id: &str| {
            Draft::of(object, 3, at(10)).failed(
                Reason::TwilioUnavailable,
                "down".to_owned(),
                false,
                error(id),
            )
        };
        object.status = Some(failed(&object, "RQ1").status);
        assert_eq!(failed(&object, "RQ2").patch(&object).unwrap(), None);
    }
}
