//! Events in words, for traces that people read.

use std::fmt;

use super::decision::Decision;
use super::driver::Luck;
use super::events::{Backup, Event, Fate};
use super::protocol::Protocol;
use super::state::{NOTHING, Provenance, State};

/// An event in words; `next` is what the process is about to do.
pub(super) struct InWords<'a> {
    pub(super) event: &'a Event,
    pub(super) next: Option<(usize, Decision)>,
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.event {
            Event::Begin { object, stale: false, .. } => {
                write!(f, "a process begins a pass over object {}", object + 1)
            }
            Event::Begin { object, .. } => {
                write!(f, "a process begins a pass over an old version of object {}", object + 1)
            }
            Event::CleanUp { object, .. } => write!(f, "a process sees that object {} vanished", object + 1),
            Event::Step { luck, .. } => {
                match &self.next {
                    Some((object, decision)) => write!(f, "for object {}, a process {decision}", object + 1)?,
                    None => write!(f, "the request goes out")?,
                }
                match luck {
                    Luck::Good => Ok(()),
                    Luck::ReplyLost => write!(f, "; its reply is lost"),
                    Luck::Misread => write!(f, "; stored, and taken for overtaken"),
                    Luck::GivenUp => write!(f, "; given up, may land later"),
                }
            }
            Event::Crash(_) => write!(f, "the process dies and starts again"),
            Event::TooLate(_) => write!(f, "the time to send is over before anything was sent"),
            Event::GiveUp(_) => write!(f, "the sender stops waiting; its request is still under way"),
            Event::Answer { fate: Fate::Answered, hidden, .. } => {
                write!(f, "Twilio carries the create out and answers{}", lag(hidden))
            }
            Event::Answer { fate: Fate::ReplyLost, hidden, .. } => {
                write!(f, "Twilio carries the create out; the reply is lost{}", lag(hidden))
            }
            Event::Answer { fate: Fate::Dropped, .. } => write!(f, "the create never arrives"),
            Event::Answer { fate: Fate::Refused, .. } => write!(f, "Twilio refuses the create"),
            Event::Show(sid) => write!(f, "lists show webhook {sid} now"),
            Event::WindowOver(id) => write!(f, "the window of attempt {id} is over"),
            Event::Land => write!(f, "the write that was given up lands"),
            Event::NeverLand => write!(f, "the write that was given up will never land"),
            Event::Edit(object) => write!(f, "a user edits object {}", object + 1),
            Event::Delete(object) => write!(f, "a user deletes object {}", object + 1),
            Event::Vanish(object) => {
                write!(
                    f,
                    "a delete that was decided on before the journal was written removes object {}",
                    object + 1
                )
            }
            Event::Restore(object, Backup::Latest) => {
                write!(f, "object {} is restored with another uid", object + 1)
            }
            Event::Restore(object, Backup::Old) => {
                write!(f, "object {} is restored from before its edit", object + 1)
            }
            Event::Restore(object, Backup::Status) => write!(f, "object {} loses its status", object + 1),
            Event::Strip(object) => {
                write!(f, "finalizer, label and journal are stripped from object {}", object + 1)
            }
            Event::OldJournal(object) => write!(f, "an old journal is put back into object {}", object + 1),
            Event::Copy(object) => {
                write!(f, "the manifest of object {} is applied under another name", object + 1)
            }
            Event::Say(object, NOTHING) => {
                write!(f, "a user says that the attempt of object {} made nothing", object + 1)
            }
            Event::Say(object, sid) => write!(f, "a user says that object {} made webhook {sid}", object + 1),
            Event::Stranger(config) => write!(f, "a stranger makes a webhook: {config:?}"),
            Event::OutsideEdit(sid) => write!(f, "an outsider edits webhook {sid}"),
            Event::OutsideDelete(sid) => write!(f, "an outsider deletes webhook {sid}"),
            Event::Resurface(sid) => write!(f, "webhook {sid} turns up again"),
            Event::ConversationGone => write!(f, "the conversation is deleted"),
        }
    }
}

fn lag(hidden: bool) -> &'static str {
    if hidden { "; lists do not show it yet" } else { "" }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List { .. } => write!(f, "lists the webhooks"),
            Self::ReadSiblings => write!(f, "reads the siblings"),
            Self::Journal { adopt: 0, .. } => write!(f, "writes the journal of a create"),
            Self::Journal { adopt, .. } => write!(f, "writes the journal of taking webhook {adopt} over"),
            Self::Create => write!(f, "is about to create"),
            Self::Record { webhook, provenance, .. } => match provenance {
                Provenance::Created | Provenance::Unknown => write!(f, "records webhook {webhook}"),
                Provenance::Adopted => write!(f, "takes webhook {webhook} over"),
                Provenance::Inferred => write!(f, "recognises webhook {webhook}"),
            },
            Self::Settle { because, .. } => write!(f, "settles the attempt: {because:?}"),
            Self::Compensate(sid) => write!(f, "compensates webhook {sid} away"),
            Self::Update(sid) => write!(f, "updates webhook {sid}"),
            Self::Lose(sid) => write!(f, "gives webhook {sid} up"),
            Self::Delete(sid) => write!(f, "deletes webhook {sid}"),
            Self::DeleteLost(sid) => write!(f, "deletes webhook {sid}, which was lost and is back"),
            Self::Protect { .. } => write!(f, "gives back what was stripped"),
            Self::Release => write!(f, "takes the finalizer off"),
            Self::Rest => write!(f, "rests"),
            Self::Available => write!(f, "says that the webhook is as written"),
            Self::LookAgain(_) => write!(f, "will look again"),
            Self::WaitForWindow => write!(f, "waits for the window"),
            Self::WaitForSibling => write!(f, "waits for a sibling"),
            Self::Hold { why, .. } => write!(f, "says that a person must act: {why:?}"),
        }
    }
}

impl Protocol {
    /// What is at Twilio once everything has come to rest.
    pub(super) fn outcome(&self, state: &State) -> Vec<String> {
        let Some(rest) = self.rest(state) else { return vec!["at rest: never".to_owned()] };
        let whose = |sid: u8| match rest.state.bearer(sid) {
            Some(index) => format!("at rest: webhook {sid} is object {}'s", index + 1),
            None => format!("at rest: webhook {sid} is nobody's"),
        };
        rest.state.alive().map(|(sid, _)| whose(sid)).collect()
    }
}
