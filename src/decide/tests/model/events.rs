//! What may happen, and what each of it uses up.

use super::decision::Decision;
use super::driver::Luck;
use super::process::Sender;
use super::protocol::Protocol;
use super::state::{Config, State};

/// One thing that happens. Objects, processes and requests are counted from 0, webhooks and attempts from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Event {
    Begin { worker: usize, object: usize, stale: bool },
    CleanUp { worker: usize, object: usize },
    Step { worker: usize, luck: Luck },
    Crash(usize),
    TooLate(usize),
    GiveUp(usize),
    Answer { request: usize, fate: Fate, hidden: bool },
    Show(u8),
    WindowOver(u8),
    Land,
    NeverLand,
    Edit(usize),
    Delete(usize),
    Vanish(usize),
    Restore(usize, Backup),
    Strip(usize),
    OldJournal(usize),
    Copy(usize),
    Say(usize, u8),
    Stranger(Config),
    OutsideEdit(u8),
    OutsideDelete(u8),
    Resurface(u8),
    ConversationGone,
}

/// What becomes of a create.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Fate {
    Answered,
    /// It is carried out, and the reply is lost or says nothing.
    ReplyLost,
    /// It never arrives.
    Dropped,
    Refused,
}

/// How an object comes back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Backup {
    /// With another uid, as it is but for status.
    Latest,
    /// The same from before its edit.
    Old,
    /// Only status is lost.
    Status,
}

impl Protocol {
    /// Takes an event off the budget; `None` where nothing is left of it.
    pub(super) fn spend(&self, state: &mut State, event: Event) -> Option<()> {
        let budget = &mut state.budget;
        let waits = match event {
            Event::Answer { request, .. } => {
                let attempt = state.requests[request].attempt;
                state.workers.iter().any(|worker| {
                    worker.pass.view.sender == Sender::Awaiting && worker.pass.view.attempt == attempt
                })
            }
            _ => false,
        };
        if let Event::Answer { hidden: true, .. } = event {
            budget.lag = budget.lag.checked_sub(1)?;
        }
        let used = match event {
            Event::Begin { stale: true, .. } => &mut budget.stale,
            Event::Crash(_) => &mut budget.crashes,
            Event::TooLate(_) => &mut budget.slow,
            Event::GiveUp(_) => &mut budget.lost,
            Event::Answer { fate: Fate::ReplyLost | Fate::Dropped, .. } if waits => &mut budget.lost,
            Event::Answer { fate: Fate::Refused, .. } => &mut budget.refused,
            Event::Step { luck: Luck::Misread | Luck::GivenUp, .. } => &mut budget.writes,
            Event::Step { worker, luck: Luck::ReplyLost } => match self.next(state, worker) {
                Some(
                    Decision::Update(_)
                    | Decision::Delete(_)
                    | Decision::DeleteLost(_)
                    | Decision::Compensate(_),
                ) => &mut state.budget.lost,
                _ => &mut state.budget.writes,
            },
            Event::Edit(_) => &mut budget.edits,
            Event::Delete(_) => &mut budget.deletes,
            Event::Vanish(_) => &mut budget.vanishings,
            Event::Restore(..) => &mut budget.restores,
            Event::Strip(_) => &mut budget.strips,
            Event::OldJournal(_) => &mut budget.old_journals,
            Event::Copy(_) => &mut budget.copies,
            Event::Say(..) => &mut budget.answers,
            Event::Stranger(Config::Foreign | Config::Trigger) => &mut budget.strangers,
            Event::Stranger(_) => &mut budget.twins,
            Event::OutsideEdit(_) => &mut budget.outside_edits,
            Event::OutsideDelete(_) => &mut budget.outside_deletes,
            Event::Resurface(_) => &mut budget.resurfacing,
            Event::ConversationGone => &mut budget.conversation,
            _ => return Some(()),
        };
        *used = used.checked_sub(1)?;
        Some(())
    }
}
