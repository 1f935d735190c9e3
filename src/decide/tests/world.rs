//! A small world: an API server that compares and swaps, a Twilio with five slots and a slow list, and time.
//!
//! Its timing keeps the promises that the protocol rests on: a request has its effect within 15 s or never, and the
//! effect shows in every list 30 s later. Whatever must never happen, at any moment, is noted in `wrong`.

use std::collections::BTreeMap;

use super::sample::*;
use crate::api::Provenance;
use crate::decide::{Action, Board, Journal, Object, Record, SLOTS, Timing};
use crate::twilio::{WebhookConfig, WebhookSid};

/// Seconds.
pub(super) type Time = u64;

const REQUEST: Time = Timing::REAL.request.as_secs();
const SETTLE: Time = Timing::REAL.settle.as_secs();

/// An object as the API server holds it; `object` is `None` once it is gone.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) version: u64,
    pub(super) object: Option<Object>,
}

/// A webhook at Twilio.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) config: WebhookConfig,
    /// The object that it was made for; `None` for a stranger's.
    pub(super) made_for: Option<usize>,
    /// A stranger made it, whoever took it over since.
    pub(super) strangers: bool,
    pub(super) visible_at: Time,
    /// `deletionPolicy: Retain` left it behind.
    pub(super) retained: bool,
}

/// A create on its way.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) worker: usize,
    pub(super) attempt: String,
    made_for: usize,
    config: WebhookConfig,
    deadline: Time,
}

/// What becomes of a create.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Answered,
    AnswerLost,
    Refused,
    Dropped,
}

/// What a sender hears of it.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    Created(WebhookSid),
    NotCreated,
    Nothing,
}

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    Good,
    /// It is carried out, and a later read says so.
    ReplyLost,
    /// It is carried out, and a later read does not recognise it.
    ReplyLostForGood,
    /// It is not carried out.
    Failed,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Clear,
    Unclear,
    Lost,
    Failed,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) now: Time,
    pub(super) objects: Vec<Stored>,
    /// The objects as the watch cache has them.
    pub(super) cache: Vec<Stored>,
    pub(super) hooks: BTreeMap<WebhookSid, Hook>,
    pub(super) requests: Vec<Request>,
    pub(super) conversation_gone: bool,
    /// Webhooks that an outsider removed and that may turn up again.
    removed: BTreeMap<WebhookSid, Hook>,
    pub(super) wrong: Vec<String>,
    /// Everything that was decided.
    pub(super) decided: Vec<Action>,
    names: u8,
}

impl World {
    /// Objects that ask for these configurations, on a conversation with these webhooks of strangers.
    pub(super) fn new(wanted: &[WebhookConfig], foreign: &[WebhookConfig], retain: bool) -> Self {
        let objects: Vec<Stored> = (0_u8..)
            .zip(wanted)
            .map(|(n, config)| {
                let (uid, name) = (format!("uid-{n}"), format!("tenant/{n}"));
                let desired = Ok(desired(config.clone()));
                Stored { version: 1, object: Some(Object { uid, name, desired, retain, ..object() }) }
            })
            .collect();
        let mut world = Self {
            now: 0,
            cache: objects.clone(),
            objects,
            hooks: BTreeMap::new(),
            requests: Vec::new(),
            conversation_gone: false,
            removed: BTreeMap::new(),
            wrong: Vec::new(),
            decided: Vec::new(),
            names: 0,
        };
        for config in foreign {
            world.stranger(config.clone());
        }
        world
    }

    /// A number that nothing else has: for SIDs, ids and uids.
    pub(super) fn new_name(&mut self) -> u8 {
        self.names += 1;
        self.names
    }

    /// Time passes, but no request outlives its deadline.
    pub(super) fn tick(&mut self, seconds: Time) {
        let latest = self.requests.iter().map(|request| request.deadline).min().unwrap_or(Time::MAX);
        self.now = latest.min(self.now + seconds);
    }

    // The API server.

    /// A write with a resourceVersion.
    pub(super) fn write(
        &mut self,
        index: usize,
        version: u64,
        luck: Luck,
        change: impl FnOnce(&mut Object),
    ) -> Written {
        let stored = &mut self.objects[index];
        if luck == Luck::Failed {
            return Written::Failed;
        }
        let Some(object) = stored.object.as_mut().filter(|_| stored.version == version) else {
            return Written::Lost;
        };
        change(object);
        stored.version += 1;
        if object.deleting && !object.finalizer {
            stored.object = None;
        }
        self.check_claims();
        match luck {
            Luck::Good => Written::Clear,
            Luck::ReplyLost => Written::Unclear,
            Luck::ReplyLostForGood | Luck::Failed => Written::Lost,
        }
    }

    /// What a person does to an object.
    pub(super) fn touch(&mut self, index: usize, change: impl FnOnce(&mut Object)) {
        let version = self.objects[index].version;
        self.write(index, version, Luck::Good, change);
    }

    pub(super) fn delete(&mut self, index: usize) {
        if !self.is_stripped(index) {
            self.touch(index, |object| {
                object.generation += i64::from(!object.deleting);
                object.deleting = true;
            });
        }
    }

    /// The object comes back from a backup: with its annotations, another uid and no status.
    pub(super) fn restore(&mut self, index: usize) {
        if !self.is_stripped(index) {
            let uid = format!("uid-{}", 100 + self.new_name());
            self.touch(index, |object| {
                object.uid = uid;
                object.generation = 1;
                object.deleting = false;
                object.record = Record { observed_generation: Some(-1), ..Record::default() };
            });
        }
    }

    /// Nothing but status knows of the webhook: an object that is lost now leaves it behind, which is a stated risk.
    fn is_stripped(&self, index: usize) -> bool {
        let object = self.objects[index].object.as_ref();
        object.is_some_and(|object| object.record.webhook.is_some() && object.journal == Journal::Missing)
    }

    /// Somebody takes off everything of ours, after the webhook was made.
    pub(super) fn strip(&mut self, index: usize) {
        self.touch(index, |object| {
            if object.record.webhook.is_some() && !object.deleting {
                object.finalizer = false;
                object.label = None;
                object.journal = Journal::Missing;
            }
        });
    }

    /// Somebody applies the manifest of one object, with its annotations, in the place of another that is gone.
    pub(super) fn copy(&mut self, from: usize, to: usize) {
        let uid = format!("uid-{}", 100 + self.new_name());
        let Some(original) = self.objects[from].object.clone() else { return };
        let copy = &mut self.objects[to];
        if copy.object.is_none() {
            let record = Record { observed_generation: Some(-1), ..Record::default() };
            let name = format!("tenant/{to}");
            copy.object = Some(Object { uid, name, generation: 1, deleting: false, record, ..original });
            copy.version += 1;
        }
    }

    pub(super) fn is_borne(&self, webhook: &WebhookSid) -> Option<usize> {
        self.objects.iter().position(|stored| {
            stored.object.as_ref().is_some_and(|object| object.record.webhook.as_ref() == Some(webhook))
        })
    }

    fn check_claims(&mut self) {
        let mut borne = Vec::new();
        for (index, stored) in self.objects.iter().enumerate() {
            let record = stored.object.as_ref().map(|object| &object.record);
            let adopted = record.filter(|record| record.provenance == Some(Provenance::Adopted));
            // Whoever takes a webhook over has it for its own from then on.
            if let Some(hook) = adopted.and_then(|record| self.hooks.get_mut(record.webhook.as_ref()?)) {
                hook.made_for = Some(index);
                hook.retained = false;
            }
        }
        for object in self.objects.iter().filter_map(|stored| stored.object.as_ref()) {
            borne.extend(object.record.webhook.clone());
        }
        borne.sort();
        if borne.windows(2).any(|pair| pair[0] == pair[1]) {
            self.wrong.push("a webhook is claimed twice".to_owned());
        }
    }

    // Twilio.

    /// What a list shows; `None` when there is no such conversation.
    pub(super) fn list(&self) -> Option<Board> {
        let shown = self.hooks.iter().filter(|(_, hook)| hook.visible_at <= self.now);
        let webhook = |(sid, hook): (&WebhookSid, &Hook)| crate::twilio::Webhook {
            sid: sid.clone(),
            account_sid: account(1),
            conversation_sid: conversation(),
            config: hook.config.clone(),
        };
        (!self.conversation_gone).then(|| Board::new(shown.map(webhook).collect()))
    }

    /// Changes a webhook where it is; says whether it was there.
    pub(super) fn update(&mut self, webhook: &WebhookSid, config: &WebhookConfig) -> bool {
        self.check_ours(webhook);
        let hook = self.hooks.get_mut(webhook);
        hook.map(|hook| hook.config = config.clone()).is_some()
    }

    pub(super) fn remove(&mut self, webhook: &WebhookSid) -> bool {
        self.check_ours(webhook);
        self.hooks.remove(webhook).is_some()
    }

    fn check_ours(&mut self, webhook: &WebhookSid) {
        if self.hooks.get(webhook).is_some_and(|hook| hook.made_for.is_none()) {
            self.wrong.push(format!("{webhook}, a stranger's, was touched"));
        }
    }

    /// A create goes out.
    pub(super) fn post(&mut self, worker: usize, made_for: usize, attempt: &str, config: &WebhookConfig) {
        if !self.objects[made_for].object.as_ref().is_some_and(|object| object.has_open(attempt)) {
            self.wrong.push(format!("{attempt} was sent without an open attempt"));
        }
        let (attempt, config) = (attempt.to_owned(), config.clone());
        self.requests.push(Request { worker, attempt, made_for, config, deadline: self.now + REQUEST });
    }

    /// What becomes of a request, and what its sender hears. `lag` is how much later lists show what it made.
    pub(super) fn answer(&mut self, index: usize, fate: Fate, lag: Time) -> (Request, Heard) {
        let request = self.requests.remove(index);
        let refused = matches!(fate, Fate::Refused) || self.conversation_gone || self.hooks.len() >= SLOTS;
        let heard = match fate {
            Fate::Dropped => Heard::Nothing,
            _ if refused => Heard::NotCreated,
            Fate::Answered => Heard::Created(self.make(&request, lag)),
            Fate::AnswerLost | Fate::Refused => {
                self.make(&request, lag);
                Heard::Nothing
            }
        };
        (request, heard)
    }

    fn make(&mut self, request: &Request, lag: Time) -> WebhookSid {
        let webhook = sid(self.new_name());
        let visible_at = self.now + lag.min(SETTLE);
        let made_for = Some(request.made_for);
        let config = request.config.clone();
        let hook = Hook { config, made_for, strangers: false, visible_at, retained: false };
        self.hooks.insert(webhook.clone(), hook);
        webhook
    }

    /// Somebody else makes a webhook.
    pub(super) fn stranger(&mut self, config: WebhookConfig) {
        if self.hooks.len() < SLOTS && !self.conversation_gone {
            let webhook = sid(self.new_name());
            let visible_at = self.now;
            let hook = Hook { config, made_for: None, strangers: true, visible_at, retained: false };
            self.hooks.insert(webhook, hook);
        }
    }

    /// Somebody else removes a webhook that an object bears.
    pub(super) fn remove_borne(&mut self, index: usize) {
        let object = self.objects[index].object.as_ref();
        let Some(webhook) = object.and_then(|object| object.record.webhook.clone()) else { return };
        if let Some(hook) = self.hooks.remove(&webhook) {
            self.removed.insert(webhook, hook);
        }
    }

    /// What somebody removed turns up again, while an object still knows it.
    pub(super) fn resurface(&mut self) {
        let is_known = |webhook: &WebhookSid| {
            self.objects.iter().filter_map(|stored| stored.object.as_ref()).any(|object| {
                !object.deleting
                    && (object.record.lost.contains(webhook)
                        || object.record.webhook.as_ref() == Some(webhook))
            })
        };
        let Some(webhook) = self.removed.keys().find(|webhook| is_known(webhook)).cloned() else { return };
        if self.hooks.len() < SLOTS && !self.conversation_gone {
            self.hooks.extend(self.removed.remove_entry(&webhook));
        }
    }

    pub(super) fn delete_conversation(&mut self) {
        self.conversation_gone = true;
        self.hooks.clear();
    }
}
