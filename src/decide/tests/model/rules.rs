//! Leaving a rule out: what the driver sees, or does, is bent as if the rule did not exist. The product's code stays as it is.
//!
//! A check that passes proves something only if it fails without the rule: `ablations` does that for each.

use super::decision::{Because, Decision, Why};
use super::process::{Remote, Sender, Siblings, View};
use super::protocol::Protocol;
use super::state::{Config, Object};

/// A rule of `docs/safety.md`, or a part of one, that a configuration does without.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Rule {
    /// R1: with a SID in status no journal counts as open.
    R1,
    /// R2: a journal of another object that lives is a copy.
    R2,
    /// R3: who asks for the same waits for the open attempt of a sibling.
    R3Wait,
    /// R3: nothing is made beside a twin.
    R3Twin,
    /// R4: taking over is journalled, and the siblings are read after that.
    R4,
    /// R5: what the API server did not confirm is not sent.
    R5,
    /// R5: nothing is sent after its time.
    NotAfter,
    /// R6: what is not known to have failed stays open.
    R6,
    /// R7: the object is read again before a webhook is given up.
    R7,
    /// R8: a live read of the siblings before a webhook is deleted.
    R8,
    /// R7 and R8 together.
    R7AndR8,
    /// R9: the window is waited for.
    R9,
    /// R9: the siblings are read after the list.
    SiblingsAfterList,
    /// An absence takes two looks.
    TwoLooks,
    /// R10: what a sibling's open attempt may have made is left alone.
    R10,
    /// R11: beside an exact newcomer others are strangers' only for the very object of the journal, unedited.
    R11,
    /// R12: an answer counts for its attempt only.
    R12,
    /// R13: a journal carries earlier configurations along.
    R13,
    /// R14: what was lost is remembered.
    R14,
    /// R15: an open attempt is resolved before the object goes.
    R15,
    /// R16: a conversation that is gone ends the attempt of an object that is being deleted.
    R16,
    /// R17: the removal of the finalizer carries the resourceVersion.
    R17,
    /// R18: what vanished is cleaned up after.
    R18,
    /// R19: what was stripped is given back.
    R19,
}

impl Protocol {
    pub(super) fn without(&self, rule: Rule) -> bool {
        self.without == Some(rule)
    }

    /// What a decision sees, without a rule.
    pub(super) fn seen(&self, mut view: View) -> View {
        let Some(rule) = self.without else { return view };
        match rule {
            Rule::R1 if view.object.journal.id != view.object.settled && view.object.journal.id != 0 => {
                view.object.webhook = 0;
            }
            Rule::R2 => {
                each(&mut view, |object| object.journal.uid = object.uid);
            }
            Rule::R3Wait if view.object.open().is_none() => view.others.iter_mut().for_each(close),
            Rule::R3Twin
                if view.object.open().is_none() && view.object.webhook == 0 && !view.object.deleting =>
            {
                // Strangers of another kind instead, so that there are as many.
                let twins = view.board.iter_mut().filter(|config| **config != Config::None);
                twins.for_each(|config| *config = Config::Trigger);
            }
            Rule::NotAfter => {
                if let Sender::Journalled { late, .. } = &mut view.sender {
                    *late = false;
                }
            }
            Rule::R7 | Rule::R7AndR8 | Rule::R8 => {
                if let Sender::Created { reread: true, .. } = view.sender {
                    if rule != Rule::R8 {
                        view.object = Object::default();
                    }
                    if rule != Rule::R7 {
                        view.siblings = Siblings::Live;
                        view.others = [Object::default(); 2];
                    }
                }
            }
            Rule::R10 if view.object.open().is_some() => view.others.iter_mut().for_each(close),
            Rule::R11 => {
                view.object.journal.uid = view.object.uid;
                view.object.journal.current = true;
            }
            Rule::R12 if view.object.answer.0 != 0 => view.object.answer.0 = view.object.journal.id,
            Rule::R13 if view.object.open().is_none() => {
                view.object.journal.config = view.object.config;
                view.object.journal.past = 0;
            }
            Rule::R14 => view.object.lost = 0,
            Rule::R15 if view.object.deleting && view.object.open().is_some() => {
                view.object.settled = view.object.journal.id;
            }
            Rule::R19 if view.object.webhook != 0 && !view.object.deleting => {
                view.object.finalizer = true;
                view.object.label = true;
                if view.object.journal.id == 0 {
                    view.object.journal.id = view.object.settled;
                }
            }
            _ => {}
        }
        view
    }

    /// What a driver does without a rule.
    pub(super) fn done(&self, view: &View, decision: Decision) -> Decision {
        let gone = view.object.deleting && view.remote == Remote::NotFound;
        match decision {
            Decision::Settle { because: Because::ProvedAbsent, .. } if self.without(Rule::R16) && gone => {
                Decision::Hold { why: Why::ConversationNotFound, named: 0 }
            }
            decision => decision,
        }
    }
}

fn each(view: &mut View, change: impl Fn(&mut Object)) {
    change(&mut view.object);
    view.others.iter_mut().for_each(change);
}

/// As if the object had no attempt under way.
fn close(object: &mut Object) {
    if object.open().is_some() {
        object.settled = object.journal.id;
    }
}
