//! The driver in miniature: a process that asks the real `decide` and does one thing at a time.
//!
//! It is what `src/controller` is, without its texts: the same order of effects, the same memory, the same answers to
//! a write that was overtaken. It may be stopped between any two effects, and may be killed there.

use std::collections::BTreeMap;

use super::fixture::Known;
use super::world::{Heard, Luck, Time, World};
use crate::decide::{Absent, Action, Board, Hold, Kind, Object, Phase, Sender, Siblings, Timing, Waiting};

/// Several times what the longest way through the rules takes.
const MAX_STEPS: usize = 40;

/// How a pass ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ending {
    Decided(Action),
    /// A call failed.
    Trouble,
    Overtaken,
    Released,
}

/// What is remembered of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) written: u64,
    pub(super) attempt: Option<(String, Time)>,
    pub(super) absent: Option<(Absent, Time)>,
}

#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) index: usize,
    pub(super) version: u64,
    pub(super) known: Known,
    pub(super) uid: String,
    pub(super) journal_started: Option<Time>,
    /// When the list that this pass rests on was asked for.
    pub(super) looked_at: Option<Time>,
    /// The attempt whose create is on its way.
    pub(super) awaits: Option<String>,
    pub(super) steps: usize,
}

/// One process. It works on one object at a time.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    pub(super) number: usize,
    pub(super) memory: BTreeMap<String, Memory>,
    /// The last list, and when it was asked for.
    pub(super) listed: Option<(Time, Board)>,
    pub(super) account_proved: bool,
    pub(super) pass: Option<Pass>,
}

impl Worker {
    pub(super) fn new(number: usize) -> Self {
        Self { number, memory: BTreeMap::new(), listed: None, account_proved: false, pass: None }
    }

    /// The next effect of the pass that is under way, or the first of a pass over this object.
    pub(super) fn step(
        &mut self,
        world: &mut World,
        index: usize,
        stale: bool,
        luck: Luck,
    ) -> Option<Ending> {
        let mut pass = match self.pass.take() {
            Some(pass) => pass,
            None => self.begin(world, index, stale)?,
        };
        if pass.awaits.is_some() {
            self.pass = Some(pass);
            return None;
        }
        pass.steps += 1;
        if pass.steps > MAX_STEPS
            && luck == Luck::Good
            && !matches!(pass.known.sender, Sender::Created { .. })
        {
            world.wrong.push("a pass takes too many steps".to_owned());
        }
        self.look_at_the_clock(world.now, &mut pass);
        let action = pass.known.decide();
        match self.act(world, &mut pass, action, luck) {
            Ok(()) => {
                self.pass = Some(pass);
                None
            }
            // What Twilio made and nobody recorded keeps a pass from ending on a failed call.
            Err(Ending::Trouble) if matches!(pass.known.sender, Sender::Created { .. }) => {
                self.pass = Some(pass);
                None
            }
            Err(ending) => Some(self.finish(world, &pass, ending, luck)),
        }
    }

    /// Twilio's answer arrives, if this process still waits for it.
    pub(super) fn hear(&mut self, world: &mut World, attempt: &str, heard: Heard) {
        let Some(mut pass) = self.pass.take_if(|pass| pass.awaits.as_deref() == Some(attempt)) else {
            return;
        };
        let id = attempt.to_owned();
        pass.awaits = None;
        pass.journal_started = None;
        match heard {
            Heard::Created(webhook) => {
                if let Some(Ok(desired)) = pass.known.object.as_ref().map(|object| &object.desired) {
                    let config = desired.config.clone();
                    self.put(&mut pass, &webhook, config);
                }
                pass.known.siblings = Siblings::Unread;
                pass.known.sender = Sender::Created { id, webhook, reread: false };
            }
            Heard::NotCreated => pass.known.sender = Sender::NotCreated { id },
            Heard::Nothing => {
                self.listed = None;
                pass.known.sender = Sender::Idle;
                let ending = Ending::Decided(Action::Wait(Waiting::Window));
                self.finish(world, &pass, ending, Luck::Good);
                return;
            }
        }
        self.pass = Some(pass);
    }

    fn begin(&mut self, world: &World, index: usize, stale: bool) -> Option<Pass> {
        let stored = if stale { &world.cache[index] } else { &world.objects[index] };
        let object = stored.object.clone()?;
        let uid = object.uid.clone();
        let memory = self.memory.entry(uid.clone()).or_default();
        let known = Known { object: Some(object), kind: Kind::Unread, ..Known::new_object() }.due();
        let version = stored.version;
        // Older than the own last write: the watch brings the newer one.
        (memory.written <= version).then_some(Pass {
            index,
            version,
            known,
            uid,
            journal_started: None,
            looked_at: None,
            awaits: None,
            steps: 0,
        })
    }

    fn look_at_the_clock(&mut self, now: Time, pass: &mut Pass) {
        let timing = Timing::REAL;
        let memory = self.memory.entry(pass.uid.clone()).or_default();
        let open =
            pass.known.object.as_ref().and_then(Object::open_attempt).map(|attempt| attempt.id.clone());
        let sending = pass.journal_started.filter(|_| matches!(pass.known.sender, Sender::Journalled { .. }));
        pass.known.phase = match (sending, open) {
            (Some(started), _) if now - started < timing.send.as_secs() => Phase::BeforeNotAfter,
            (Some(_), _) => Phase::InWindow,
            (None, Some(id)) => {
                let since = match &memory.attempt {
                    Some((seen, at)) if *seen == id => *at,
                    _ => memory.attempt.insert((id, now)).1,
                };
                if now - since < timing.window().as_secs() { Phase::InWindow } else { Phase::WindowOver }
            }
            (None, None) => Phase::WindowOver,
        };
    }

    /// Something was absent: believed if it was so in a look long enough before this one.
    pub(super) fn look_again(
        &mut self,
        world: &World,
        pass: &mut Pass,
        absent: Absent,
    ) -> Result<(), Ending> {
        let memory = self.memory.entry(pass.uid.clone()).or_default();
        let looked_at = pass.looked_at.unwrap_or(world.now);
        match &memory.absent {
            Some((before, since)) if *before == absent => {
                let long_enough = looked_at.saturating_sub(*since) >= Timing::REAL.settle.as_secs();
                if long_enough && pass.known.confirmed.as_ref() != Some(&absent) {
                    pass.known.confirmed = Some(absent);
                    return Ok(());
                }
            }
            _ => memory.absent = Some((absent.clone(), world.now)),
        }
        Err(Ending::Decided(Action::LookAgain(absent)))
    }

    fn finish(&mut self, world: &mut World, pass: &Pass, ending: Ending, luck: Luck) -> Ending {
        let memory = self.memory.entry(pass.uid.clone()).or_default();
        match &ending {
            Ending::Decided(
                Action::LookAgain(_)
                | Action::Hold(
                    Hold::WebhookMissing(_) | Hold::ConversationNotFound | Hold::Contended { gone: true, .. },
                )
                | Action::Rest,
            )
            | Ending::Trouble
            | Ending::Overtaken => {}
            Ending::Decided(_) | Ending::Released => memory.absent = None,
        }
        if let Ending::Decided(Action::Available | Action::Hold(_)) = &ending {
            world.write(pass.index, pass.version, luck, |object| {
                object.record.observed_generation = Some(object.generation);
            });
        }
        ending
    }
}
