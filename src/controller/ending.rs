//! How a pass ended: what status says of it, and when the next pass is due.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use kube::ResourceExt;

use super::error::{Retry, Trouble};
use super::events::Note;
use super::index::key;
use super::memory::fingerprint;
use super::message::{self, Subject};
use super::object::requested;
use super::pass::Pass;
use super::reconcile::check_key;
use super::schedule::{FAR, backoff, interval, until_check};
use super::status::Draft;
use super::write::{Part, Patience, WriteError, Written, compare_and_swap};
use crate::api::{ConditionType, ConversationWebhook, Mode, Reason};
use crate::decide::{Absent, Access, Hold, Object, Sender, Timing, Waiting};

/// Failed passes in a row after which an existing webhook's object says so.
const MISSES: u32 = 3;

/// How a pass ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// Nothing was to be done or said.
    Rest,
    /// The webhook is as written.
    Available,
    /// Something was absent; an absence is believed when it is seen twice.
    LookAgain,
    /// Only time can tell.
    Wait(Waiting),
    /// Somebody must act.
    Hold(Hold),
    /// It could not be finished.
    Trouble(Trouble),
    /// Somebody else wrote to the object; its newer version comes with the watch.
    Overtaken,
    /// The finalizer is off.
    Released,
}

impl Ending {
    /// Whether the object's webhook is as written, whatever else hangs on the conversation.
    pub(super) fn is_as_written(&self) -> bool {
        matches!(self, Self::Available | Self::Hold(Hold::Double { .. }))
    }

    /// A short name for a metric's label.
    fn label(&self) -> String {
        match self {
            Self::Rest => "Rest".to_owned(),
            Self::Available => Reason::Available.to_string(),
            Self::LookAgain => "LookAgain".to_owned(),
            Self::Wait(_) => Reason::CreateUnresolved.to_string(),
            Self::Hold(hold) => message::reason(hold).to_string(),
            Self::Trouble(trouble) => match (trouble.reason(), trouble) {
                (Some(reason), _) => reason.to_string(),
                (None, Trouble::Rotated) => "SecretReplaced".to_owned(),
                (None, Trouble::Crowded) => "Crowded".to_owned(),
                (None, Trouble::Internal(_)) => "InternalError".to_owned(),
                (None, _) => "KubernetesUnavailable".to_owned(),
            },
            Self::Overtaken => "Overtaken".to_owned(),
            Self::Released => "Released".to_owned(),
        }
    }
}

impl Pass {
    /// Says in status how the pass ended, where that is new, remembers when the next pass is due, and says how long
    /// until then.
    pub(super) async fn finish(&mut self, ending: &Ending) -> Duration {
        self.count(ending);
        if let Ending::Trouble(trouble @ Trouble::Lane(_)) = ending {
            // Said once for the account.
            tracing::debug!(%trouble, namespace = self.namespace, name = self.name, "the pass did not finish");
        } else if let Ending::Trouble(trouble) = ending {
            tracing::warn!(%trouble, namespace = self.namespace, name = self.name, "the pass did not finish");
        }
        if let Ending::Hold(Hold::AccountMismatch { .. }) = ending {
            self.ctx.secrets.doubted(&self.secret).await;
        }
        self.ctx.metrics.pass(&ending.label());
        let draft = self.raw.clone().and_then(|raw| Some((self.draft(&raw, ending)?, raw)));
        let mut overtaken = matches!(ending, Ending::Overtaken).then_some(self.ctx.timing.backoff.0);
        if let Some((draft, raw)) = draft {
            match self.write_status(&raw, &draft, Patience::Limited(self.ctx.timing.request)).await {
                Ok(Written::Clear(_) | Written::Unclear(_)) => {}
                Ok(Written::Lost(now)) => {
                    overtaken = Some(self.ctx.timing.backoff.0);
                    self.replace(now.map(|object| *object));
                }
                Err(trouble) => {
                    tracing::warn!(%trouble, namespace = self.namespace, name = self.name, "status was not written");
                    self.memory.failures = self.memory.failures.saturating_add(1);
                    overtaken = Some(backoff_of_api_server(self.memory.failures, &self.ctx.timing));
                }
            }
        }
        if let Some(wait) = overtaken {
            // Not done: the newer version is acted on as soon as the watch brings it, and what was due stays due.
            self.memory.acted_on = None;
            self.memory.due = (!self.due).then(|| Instant::now() + wait);
            return wait;
        }
        if let Err(trouble) = self.keep_secret(ending).await {
            tracing::warn!(%trouble, namespace = self.namespace, name = self.name, "the Secret is not protected yet");
        }
        self.take_note(ending);
        self.memory.acted_on = self
            .object
            .as_ref()
            .zip(self.raw.as_ref())
            .map(|(object, raw)| fingerprint(object, requested(raw).as_deref()));
        let wait = self.next_pass(ending);
        self.memory.due = Some(Instant::now() + wait);
        wait
    }

    /// Remembers what others may want to know of this ending.
    fn take_note(&mut self, ending: &Ending) {
        if let (true, Some(object)) = (ending.is_as_written(), &self.object)
            && let Some(time) = self.memory.take_change(object.generation)
        {
            self.ctx.metrics.ready_after(time);
        }
        if let (true, Some(digest)) = (ending.is_as_written(), self.address_digest()) {
            self.memory.address = Some(digest);
        }
        let for_room = match ending {
            Ending::Hold(
                Hold::ConversationFull(_)
                | Hold::TwinExists { .. }
                | Hold::LateTwin { .. }
                | Hold::Double { .. }
                | Hold::AlreadyClaimed { .. },
            ) => true,
            Ending::Trouble(trouble) => trouble.reason() == Some(Reason::ConversationFull),
            _ => false,
        };
        if let (true, Some(raw), Some(conversation), Ok(login)) =
            (for_room, &self.raw, &self.conversation, self.login())
        {
            let place = (login.credentials.account_sid().clone(), conversation.clone());
            self.ctx.waiters.wait(place, raw.uid().unwrap_or_default());
        }
    }

    /// Counts failures and waits in a row, and forgets an absence that is over.
    fn count(&mut self, ending: &Ending) {
        let memory = &mut self.memory;
        match ending {
            Ending::Trouble(trouble) => {
                memory.failures = memory.failures.saturating_add(1);
                if matches!(trouble, Trouble::Twilio(_)) {
                    memory.trouble = Some(trouble.clone());
                }
            }
            // Nothing was tried, so nothing is over.
            Ending::Overtaken | Ending::Rest => {}
            _ => {
                memory.failures = 0;
                memory.trouble = None;
            }
        }
        match ending {
            Ending::Wait(Waiting::Sibling(_)) => memory.waits = memory.waits.saturating_add(1),
            _ => memory.waits = 0,
        }
        match ending {
            Ending::Hold(
                Hold::WebhookMissing(_)
                | Hold::ConversationNotFound
                | Hold::MassChange(_)
                | Hold::Contended { gone: true, .. },
            )
            | Ending::LookAgain
            | Ending::Trouble(_)
            | Ending::Overtaken
            | Ending::Rest => {}
            _ => {
                // What was made again stays among the missing of its interval; what was there all the time does not.
                if let (Some((Absent::Webhook(missed), _)), Some(object)) =
                    (memory.absent.take(), &self.object)
                    && let Some(account) = &object.record.account
                    && object.record.webhook.as_ref() == Some(&missed)
                {
                    self.ctx.census.found(account, &object.uid);
                }
            }
        }
    }

    fn next_pass(&mut self, ending: &Ending) -> Duration {
        let timing = self.ctx.timing;
        let check = |pass: &Self| match (&pass.object, &pass.raw) {
            (Some(object), Some(raw)) => {
                let conversation = key(check_key(object).as_str());
                until_check(conversation, interval(raw, pass.ctx.resync_interval), SystemTime::now())
            }
            _ => pass.ctx.resync_interval,
        };
        match ending {
            // A little more, so that the second look is not a hair too early.
            Ending::LookAgain => timing.settle + timing.board / 4,
            // A sibling may wait for a human.
            Ending::Wait(Waiting::Sibling(_)) => {
                timing.board.saturating_mul(2_u32.saturating_pow(self.memory.waits)).min(check(self))
            }
            Ending::Wait(Waiting::Window) => {
                let open =
                    self.object.as_ref().and_then(Object::open_attempt).map(|attempt| attempt.id.clone());
                let rest = open.map(|id| self.memory.until_window_over(&id, &timing)).unwrap_or_default();
                rest + Duration::from_millis(1)
            }
            Ending::Hold(Hold::AccountMismatch { .. }) => poll(&timing),
            // Only a change leads on; a webhook is not looked at.
            Ending::Hold(Hold::Suspended) => FAR,
            Ending::Trouble(Trouble::Kubernetes(_)) => backoff_of_api_server(self.memory.failures, &timing),
            Ending::Trouble(trouble) => match trouble.retry() {
                Retry::Backoff(at_least) => {
                    at_least.max(backoff(self.memory.failures, &timing, fastrand::f64()))
                }
                Retry::Credentials => poll(&timing),
                Retry::NextCheck => check(self),
                Retry::Never => FAR,
            },
            // A pass for a change that asked for nothing takes nothing from what is due.
            Ending::Rest if !self.due => self
                .memory
                .due
                .map_or_else(|| check(self), |due| due.saturating_duration_since(Instant::now())),
            Ending::Rest | Ending::Available | Ending::Hold(_) | Ending::Overtaken | Ending::Released => {
                check(self)
            }
        }
    }

    /// The status that an ending leads to; `None` when it says nothing new about the object.
    pub(super) fn draft(&self, raw: &ConversationWebhook, ending: &Ending) -> Option<Draft> {
        let object = self.object.as_ref()?;
        let draft = Draft::of(raw, object.generation, Timestamp::now()).handled(requested(raw));
        let subject = self.subject();
        let draft = match ending {
            Ending::Rest | Ending::LookAgain | Ending::Overtaken | Ending::Released => return None,
            Ending::Available | Ending::Hold(Hold::Double { .. }) => {
                let (webhook, conversation) =
                    object.record.webhook.as_ref().zip(self.conversation.as_ref())?;
                let draft = if self.repaired { draft.repaired() } else { draft };
                let draft = draft.available(message::available(webhook, conversation));
                match ending {
                    Ending::Hold(hold) => draft.doubled(message::hold(hold, &subject)),
                    _ => draft,
                }
            }
            Ending::Wait(waiting) => draft.unresolved(message::waiting(waiting, object, &subject)),
            Ending::Hold(Hold::Suspended) => return Some(draft.suspended(message::suspended(&subject))),
            Ending::Hold(hold) => {
                let (reason, text) = (message::reason(hold), message::hold(hold, &subject));
                if let Hold::AccountMismatch { opens, needs } = hold {
                    let text = if object.deleting {
                        message::deletion_blocked(
                            &message::mismatch(opens, needs, &subject),
                            object,
                            &subject,
                        )
                    } else {
                        text
                    };
                    let draft = draft.distrusted(reason, text.clone());
                    return Some(match object.record.webhook {
                        Some(_) => draft.unsynced(reason, text, true, None),
                        None => draft.failed(reason, text, true, None),
                    });
                }
                if reason.stalled() { draft.held(reason, text, None) } else { draft.unready(reason, text) }
            }
            Ending::Trouble(trouble) => {
                let draft = self.draft_trouble(draft, raw, object, trouble)?;
                if !trouble.was_let_in() {
                    return Some(draft);
                }
                draft
            }
        };
        Some(if matches!(self.access, Access::Known { proved: true, .. }) { draft.trusted() } else { draft })
    }

    fn draft_trouble(
        &self,
        draft: Draft,
        raw: &ConversationWebhook,
        object: &Object,
        trouble: &Trouble,
    ) -> Option<Draft> {
        let subject = self.subject();
        // A lane that takes nobody in knows less than the failures that closed it.
        let by_lane = matches!(trouble, Trouble::Lane(_));
        let met =
            self.memory.trouble.as_ref().filter(|met| by_lane && matches!(met.retry(), Retry::Backoff(_)));
        let trouble = met.unwrap_or(trouble);
        let (reason, text, error) =
            (trouble.reason()?, message::trouble(trouble, &subject), trouble.last_error());
        let credentials = trouble.about_credentials();
        let draft = if credentials { draft.distrusted(reason, text.clone()) } else { draft };
        let passing = matches!(trouble.retry(), Retry::Backoff(_));
        // The numbers may change from one failure to the next: one outage is said once.
        if passing && says(raw, object, (reason, trouble.stalled()), by_lane) {
            return None;
        }
        let holds = object.record.webhook.is_some()
            || object.open_attempt().is_some()
            || !object.record.lost.is_empty();
        if object.deleting && credentials && holds {
            let text = message::deletion_blocked(&text, object, &subject);
            return Some(draft.held(Reason::DeletionBlocked, text, error));
        }
        // Said as another reason, the hold would be forgotten, and the webhook made again unasked.
        if object.record.mass_change && object.record.webhook.is_some() {
            return Some(draft.unsynced(reason, text, trouble.stalled(), error));
        }
        // Nobody knows that what is at Twilio differs.
        if matches!(trouble, Trouble::Address { .. }) && object.record.webhook.is_some() {
            return Some(draft.unsynced(reason, text, true, error));
        }
        match (&object.record.webhook, object.open_attempt()) {
            // Unknown is all that can be said of it, with or without Twilio.
            (None, Some(_)) if passing && !matches!(self.sender, Sender::NotCreated { .. }) => None,
            (None, _) if passing || credentials => Some(draft.failed(reason, text, trouble.stalled(), error)),
            (Some(_), _) if credentials => Some(draft.unsynced(reason, text, true, error)),
            (Some(_), _) if passing => (self.memory.failures >= MISSES || trouble.stalled())
                .then(|| draft.unsynced(reason, text, trouble.stalled(), error)),
            _ => Some(draft.held(reason, text, error)),
        }
    }

    /// Writes a status where it differs from the object's, and publishes the change of Ready.
    pub(super) async fn write_status(
        &mut self,
        raw: &ConversationWebhook,
        draft: &Draft,
        patience: Patience,
    ) -> Result<Written, Trouble> {
        let patch = draft.patch(raw).map_err(|error| Trouble::Kubernetes(error.to_string()))?;
        let Some(patch) = patch else { return Ok(Written::Clear(Box::new(raw.clone()))) };
        let api = self.ctx.objects(&self.namespace);
        let is_ours = |now: &ConversationWebhook| draft.patch(now).is_ok_and(|rest| rest.is_none());
        let written = match compare_and_swap(&api, &self.name, Part::Status, &patch, patience, is_ours).await
        {
            // Stored all the same; what is to be done about the object comes with the watch.
            Err(WriteError::Undecodable) => {
                self.replace(None);
                return Ok(Written::Clear(Box::new(raw.clone())));
            }
            written => written?,
        };
        if let Written::Clear(now) | Written::Unclear(now) = &written {
            if let Some((status, reason, text)) = draft.ready_change(raw)
                && !self.told
            {
                let note = Note {
                    normal: status == "True",
                    reason: reason.to_owned(),
                    action: "Reconcile",
                    message: text.to_owned(),
                };
                self.ctx.events.publish(raw, note);
            }
            if let Some(text) = draft.double_news(raw) {
                let note = Note {
                    normal: false,
                    reason: Reason::TwinExists.to_string(),
                    action: "Reconcile",
                    message: text.to_owned(),
                };
                self.ctx.events.publish(raw, note);
            }
            self.replace(Some((**now).clone()));
        }
        Ok(written)
    }

    /// What a message is about.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            namespace: &self.namespace,
            name: &self.name,
            secret: &self.secret,
            grant: self.ctx.grant.as_ref(),
            uid: self.object.as_ref().map(|object| object.uid.as_str()).unwrap_or_default(),
            conversation: self.conversation_text(),
            observing: self.object.as_ref().is_some_and(|object| object.mode == Mode::Observe),
        }
    }

    pub(super) fn conversation_text(&self) -> String {
        match (&self.conversation, &self.raw) {
            (Some(conversation), _) => conversation.to_string(),
            (None, Some(raw)) => {
                format!("{:?}", raw.spec.conversation_unique_name.as_deref().unwrap_or_default())
            }
            (None, None) => String::new(),
        }
    }
}

/// Whether an object's status says for its present generation that passes do not finish for this reason, and whether a
/// human must act.
fn says(raw: &ConversationWebhook, object: &Object, why: (Reason, bool), by_lane: bool) -> bool {
    let (reason, stalled) = why;
    // An outage with changing faces is said once.
    let any_that_passes = by_lane || object.record.webhook.is_some();
    let passing = [Reason::RateLimited, Reason::TwilioUnavailable];
    let conditions = || raw.status.iter().flat_map(|status| &status.conditions);
    let stalls = conditions().any(|condition| condition.type_ == ConditionType::Stalled.as_str());
    let said = conditions().any(|condition| {
        condition.type_ == ConditionType::Synced.as_str()
            && condition.status == "False"
            && (condition.reason == reason.as_str()
                || any_that_passes && passing.iter().any(|passing| condition.reason == passing.as_str()))
            && condition.observed_generation == Some(object.generation)
    });
    said && (by_lane || stalls == stalled)
}

/// A pause after passes that the API server kept from finishing: a minute at most. It is back after an upgrade or a failover, and
/// says to nobody that it is.
fn backoff_of_api_server(failures: u32, timing: &Timing) -> Duration {
    backoff(failures, timing, fastrand::f64()).min(timing.backoff.1 / 5)
}

/// Until credentials are looked at again. Jittered, so that it is not always the same object that gets to try them.
fn poll(timing: &Timing) -> Duration {
    timing.credentials_poll.mul_f64(1.0 + fastrand::f64() / 5.0)
}

#[cfg(test)]
mod golden;
