//! The doing half of the driver in miniature: one effect, and what became of it.

use super::sample::*;
use super::worker::{Ending, Pass, Worker};
use super::world::{Luck, Time, World, Written};
use crate::api::Provenance;
use crate::decide::{
    Action, Attempt, Board, Journal, Kind, Object, Plan, Record, Remote, Reply, Sender, Settled, Sibling,
    Siblings, Timing,
};
use crate::twilio::{Webhook, WebhookConfig, WebhookSid};

type Step = Result<(), Ending>;

impl Worker {
    #[expect(clippy::too_many_lines, reason = "one arm per action")]
    pub(super) fn act(&mut self, world: &mut World, pass: &mut Pass, action: Action, luck: Luck) -> Step {
        world.decided.push(action.clone());
        match action {
            Action::ReadCredentials => pass.known = pass.known.clone().access(self.account_proved),
            Action::ProveAccount => {
                works(luck)?;
                self.account_proved = true;
                pass.known = pass.known.clone().proved();
            }
            Action::ReadKind => pass.known.kind = Kind::Stays,
            Action::Locate | Action::LocateAgain | Action::StartAnew(_) | Action::ReadAddress => {
                return Err(Ending::Trouble);
            }
            Action::List { fresh } => {
                works(luck)?;
                self.list(world, pass, fresh);
            }
            Action::ReadSiblings => {
                works(luck)?;
                let all = world.objects.iter().filter_map(|stored| stored.object.as_ref());
                pass.known.siblings = Siblings::Live(siblings(all));
            }
            Action::Journal(plan) => self.journal(world, pass, plan, luck)?,
            Action::Create => {
                let Sender::Journalled { id, .. } = &pass.known.sender else { return Err(Ending::Trouble) };
                let Some(Ok(desired)) = pass.known.object.as_ref().map(|object| &object.desired) else {
                    return Err(Ending::Trouble);
                };
                world.post(self.number, pass.index, id, &desired.config);
                pass.awaits = Some(id.clone());
            }
            Action::Record { attempt, webhook, provenance, left_over: _ } => {
                let journal = match pass.known.object.as_ref().map(|object| &object.journal) {
                    Some(Journal::Attempt(journal)) if journal.id == attempt => journal,
                    _ => return Ok(()),
                };
                let adopted = provenance == Provenance::Adopted;
                let generation = if adopted { 0 } else { journal.generation };
                self.write(world, pass, luck, |object| {
                    object.record = Record {
                        settled_attempt: Some(attempt),
                        provenance: Some(provenance),
                        observed_generation: Some(generation),
                        webhook: Some(webhook),
                        lost: object.record.lost.clone(),
                        ..record(1)
                    };
                })?;
            }
            Action::Settle { attempt, because } => {
                let over = matches!(because, Settled::NotCreated | Settled::NotSent);
                let written =
                    self.write(world, pass, luck, |object| object.record.settled_attempt = Some(attempt))?;
                if written {
                    self.memory.entry(pass.uid.clone()).or_default().absent = None;
                    pass.known.remote = Remote::Unread;
                    pass.known.siblings = Siblings::Unread;
                    if over {
                        return Err(Ending::Trouble);
                    }
                }
            }
            Action::Compensate(webhook) => {
                works(luck)?;
                if world.is_borne(&webhook).is_some() {
                    world.wrong.push(format!("{webhook} was compensated away although an object bears it"));
                }
                world.remove(&webhook);
                pass.known.sender = Sender::Idle;
                return Err(Ending::Overtaken);
            }
            Action::Lose(lost) => {
                self.write(world, pass, luck, |object| {
                    object.record.webhook = None;
                    object.record.lost.push(lost);
                    if let Journal::Attempt(journal) = &object.journal {
                        object.record.settled_attempt = Some(journal.id.clone());
                    }
                })?;
                self.memory.entry(pass.uid.clone()).or_default().absent = None;
                pass.known.remote = Remote::Unread;
                pass.known.siblings = Siblings::Unread;
            }
            Action::DeleteLost(webhook) => {
                carried_out(luck, || world.remove(&webhook))?;
                self.take_out(pass, &webhook);
                pass.known.remote = Remote::Unread;
            }
            Action::Update(webhook) | Action::Correct(webhook) => {
                let Some(Ok(desired)) = pass.known.object.as_ref().map(|object| &object.desired) else {
                    return Err(Ending::Trouble);
                };
                let config = desired.config.clone();
                let found = carried_out(luck, || world.update(&webhook, &config))?;
                if found {
                    self.put(pass, &webhook, config);
                } else {
                    pass.known.remote = Remote::Unread;
                }
                pass.known.update = if found { Reply::Done } else { Reply::NotFound };
            }
            Action::Delete(webhook) => {
                let found = carried_out(luck, || world.remove(&webhook))?;
                self.take_out(pass, &webhook);
                pass.known.removal = if found { Reply::Done } else { Reply::NotFound };
            }
            Action::Protect(plan) => {
                let settled =
                    pass.known.object.as_ref().and_then(|object| object.record.settled_attempt.clone());
                let journal = new_journal(pass, settled.unwrap_or_default(), plan);
                self.write(world, pass, luck, |object| protect(object, journal))?;
            }
            Action::ReleaseFinalizer => Self::release(world, pass, luck)?,
            Action::LookAgain(absent) => self.look_again(world, pass, absent)?,
            Action::Wait(_) if matches!(pass.known.sender, Sender::Created { .. }) => {
                return Err(Ending::Trouble);
            }
            over @ (Action::Rest | Action::Available | Action::Wait(_) | Action::Hold(_)) => {
                return Err(Ending::Decided(over));
            }
        }
        Ok(())
    }

    fn list(&mut self, world: &World, pass: &mut Pass, fresh: bool) {
        let young = |listed: &&(Time, Board)| world.now - listed.0 <= Timing::REAL.board.as_secs();
        if let Some((asked, board)) = self.listed.as_ref().filter(young).filter(|_| !fresh) {
            pass.looked_at = Some(*asked);
            pass.known.remote = Remote::Listed { board: board.clone(), fresh: false };
        } else if let Some(board) = world.list() {
            pass.looked_at = Some(world.now);
            self.listed = Some((world.now, board.clone()));
            pass.known.remote = Remote::Listed { board, fresh: true };
        } else {
            pass.looked_at = Some(world.now);
            pass.known.remote = Remote::NotFound;
            return;
        }
        let cached = world.cache.iter().filter_map(|stored| stored.object.as_ref());
        pass.known.siblings = Siblings::Cached(siblings(cached));
    }

    fn journal(&mut self, world: &mut World, pass: &mut Pass, plan: Plan, luck: Luck) -> Step {
        let id = format!("attempt-{}", world.new_name());
        let adopting = plan.adopt.is_some();
        let journal = new_journal(pass, id.clone(), plan);
        let written = world.write(pass.index, pass.version, luck, |object| protect(object, journal));
        self.replace(world, pass, written);
        match written {
            Written::Clear | Written::Unclear => {
                self.memory.entry(pass.uid.clone()).or_default().attempt = Some((id.clone(), world.now));
                if adopting {
                    pass.known.siblings = Siblings::Unread;
                } else {
                    pass.journal_started = Some(world.now);
                    pass.known.sender = Sender::Journalled { id, clear: written == Written::Clear };
                }
                Ok(())
            }
            Written::Lost => Err(Ending::Overtaken),
            Written::Failed => Err(Ending::Trouble),
        }
    }

    fn release(world: &mut World, pass: &mut Pass, luck: Luck) -> Step {
        let kept = pass.known.object.as_ref().filter(|object| object.retain);
        let kept: Vec<WebhookSid> = kept
            .map(|object| object.record.webhook.iter().chain(&object.record.lost).cloned().collect())
            .unwrap_or_default();
        let written = world.write(pass.index, pass.version, luck, |object| object.finalizer = false);
        let gone = matches!(written, Written::Clear | Written::Unclear)
            || written == Written::Lost && world.objects[pass.index].object.is_none();
        for webhook in kept.iter().filter(|_| gone) {
            if let Some(hook) = world.hooks.get_mut(webhook) {
                hook.retained = true;
            }
        }
        match written {
            _ if gone => Err(Ending::Released),
            Written::Failed => Err(Ending::Trouble),
            _ => Err(Ending::Overtaken),
        }
    }

    /// A write whose loss to somebody else sends what Twilio said on to the newer object; says whether it is stored.
    fn write(
        &mut self,
        world: &mut World,
        pass: &mut Pass,
        luck: Luck,
        change: impl FnOnce(&mut Object),
    ) -> Result<bool, Ending> {
        let written = world.write(pass.index, pass.version, luck, change);
        self.replace(world, pass, written);
        match (written, &mut pass.known.sender) {
            (Written::Clear | Written::Unclear, sender) => {
                *sender = Sender::Idle;
                pass.journal_started = None;
                self.memory.entry(pass.uid.clone()).or_default().attempt = None;
                Ok(true)
            }
            (Written::Failed, _) => Err(Ending::Trouble),
            (Written::Lost, Sender::Idle) => Err(Ending::Overtaken),
            (Written::Lost, sender) => {
                if let Sender::Created { reread, .. } = sender {
                    *reread = true;
                    pass.known.siblings = Siblings::Unread;
                }
                Ok(false)
            }
        }
    }

    /// Takes the API server's latest word.
    fn replace(&mut self, world: &World, pass: &mut Pass, written: Written) {
        if written != Written::Failed {
            let stored = &world.objects[pass.index];
            let is_deleting = |object: &Option<Object>| object.as_ref().is_some_and(|object| object.deleting);
            if is_deleting(&stored.object) && !is_deleting(&pass.known.object) {
                pass.known.kind = Kind::Unread;
                pass.known.remote = Remote::Unread;
                pass.known.siblings = Siblings::Unread;
            }
            pass.version = stored.version;
            pass.known.object.clone_from(&stored.object);
            let memory = self.memory.entry(pass.uid.clone()).or_default();
            memory.written = memory.written.max(stored.version);
        }
    }

    /// A webhook that we deleted is off the board from now on.
    fn take_out(&mut self, pass: &mut Pass, webhook: &WebhookSid) {
        if let Some((_, board)) = &mut self.listed {
            board.remove(webhook);
        }
        if let Remote::Listed { board, .. } = &mut pass.known.remote {
            board.remove(webhook);
        }
    }

    /// A webhook that we made or changed is on the board from now on.
    pub(super) fn put(&mut self, pass: &mut Pass, webhook: &WebhookSid, config: WebhookConfig) {
        let webhook = Webhook { sid: webhook.clone(), ..hook(0, config) };
        if let Some((_, board)) = &mut self.listed {
            board.put(webhook.clone());
        }
        if let Remote::Listed { board, .. } = &mut pass.known.remote {
            board.put(webhook);
        }
    }
}

/// A call that only reads, or whose loss changes nothing.
fn works(luck: Luck) -> Step {
    if luck == Luck::Good { Ok(()) } else { Err(Ending::Trouble) }
}

/// A call to Twilio that is carried out or not, and answered or not.
fn carried_out<T>(luck: Luck, call: impl FnOnce() -> T) -> Result<T, Ending> {
    if luck == Luck::Failed {
        return Err(Ending::Trouble);
    }
    let done = call();
    works(luck).map(|()| done)
}

fn new_journal(pass: &Pass, id: String, plan: Plan) -> Attempt {
    let object = pass.known.object.as_ref();
    let config =
        object.and_then(|object| object.desired.as_ref().ok()).map(|desired| recorded(&desired.config));
    Attempt {
        id,
        uid: object.map(|object| object.uid.clone()).unwrap_or_default(),
        generation: object.map(|object| object.generation).unwrap_or_default(),
        baseline: plan.baseline.into_iter().collect(),
        config: config.unwrap_or_else(|| recorded(&bot())),
        past_configs: plan.past_configs,
        adopt: plan.adopt,
        again: plan.again,
        ..attempt()
    }
}

fn protect(object: &mut Object, journal: Attempt) {
    object.finalizer = true;
    object.label = Some(conversation());
    object.journal = Journal::Attempt(Box::new(journal));
}

/// The objects that label or status put on the conversation.
fn siblings<'a>(objects: impl Iterator<Item = &'a Object>) -> Vec<Sibling> {
    objects
        .filter(|object| object.label.is_some() || object.record.conversation.is_some())
        .map(|object| Sibling {
            uid: object.uid.clone(),
            name: object.name.clone(),
            webhook: object.record.webhook.clone(),
            open: object.open_attempt().cloned(),
            desired: object.desired.clone().ok(),
            as_journalled: object.open_attempt().is_some_and(|open| object.is_as_journalled(open)),
            answer: None,
        })
        .collect()
}
