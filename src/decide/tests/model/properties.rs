//! What must hold: at all times, and wherever everything has come to rest.

use std::cell::RefCell;

use stateright::Property;

use super::decision::{Decision, Why};
use super::protocol::Protocol;
use super::rest::Rest;
use super::state::{Life, Object, Provenance, State, bit, has, members};

pub(super) const ONE_WEBHOOK: &str = "an object has at most one webhook that we made";
pub(super) const NONE_LOST: &str = "each webhook that we made is claimed, deleted or reported";
pub(super) const NOTHING_FOREIGN: &str = "nothing foreign is changed or deleted";
pub(super) const ANNOUNCED: &str = "no create is sent without an open attempt";
pub(super) const DELETION_ENDS: &str = "deletion ends";
pub(super) const ONE_CLAIM: &str = "no webhook is claimed twice";
pub(super) const CLAIMED_STAYS: &str = "a claimed webhook is never deleted for somebody else";
pub(super) const SETTLES: &str = "every object settles";
pub(super) const RESTS: &str = "without faults everything comes to rest";
pub(super) const BELIEVED: &str = "no webhook that lives is given up as absent";
pub(super) const ROOM: &str = "the model has room for everything";

pub(super) const CREATED: &str = "a webhook is made and recorded";
pub(super) const INFERRED: &str = "a webhook is recognised without a reply";
pub(super) const ADOPTED: &str = "a webhook is taken over";
pub(super) const REMADE: &str = "a webhook that was lost is made again";
pub(super) const AMBIGUOUS: &str = "an outcome cannot be told";
pub(super) const GONE: &str = "an object is deleted with its webhook";

/// What must never happen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
    ForeignTouched = 1,
    SentUnannounced,
    ClaimedTwice,
    CompensatedAway,
    GivenUpAlive,
    NoRoom,
}

impl Wrong {
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn note(self, state: &mut State) {
        state.wrong |= bit(self.number());
    }
}

/// What holds at every moment.
pub(super) fn at_all_times() -> Vec<Property<Protocol>> {
    vec![
        Property::always(NOTHING_FOREIGN, |_, state| !Protocol::is_wrong(state, Wrong::ForeignTouched)),
        Property::always(ANNOUNCED, |_, state| !Protocol::is_wrong(state, Wrong::SentUnannounced)),
        Property::always(ONE_CLAIM, |_, state| !Protocol::is_wrong(state, Wrong::ClaimedTwice)),
        Property::always(CLAIMED_STAYS, |_, state| !Protocol::is_wrong(state, Wrong::CompensatedAway)),
        Property::always(BELIEVED, |_, state| !Protocol::is_wrong(state, Wrong::GivenUpAlive)),
        Property::always(ROOM, |_, state| !Protocol::is_wrong(state, Wrong::NoRoom)),
    ]
}

/// What holds where a state comes to rest.
pub(super) fn at_rest() -> Vec<Property<Protocol>> {
    vec![
        Property::always(RESTS, |model, state| verdict(model, state).rests),
        Property::always(ONE_WEBHOOK, |model, state| verdict(model, state).one_webhook),
        Property::always(NONE_LOST, |model, state| verdict(model, state).none_lost),
        Property::always(DELETION_ENDS, |model, state| verdict(model, state).deletion_ends),
        Property::always(SETTLES, |model, state| verdict(model, state).settles),
    ]
}

/// What must be reachable, or a configuration shows nothing.
pub(super) fn comes_about() -> Vec<Property<Protocol>> {
    fn any(state: &State, holds: impl Fn(&Object) -> bool) -> bool {
        state.objects.iter().any(|object| object.exists && holds(object))
    }
    vec![
        Property::sometimes(CREATED, |_, state| {
            any(state, |object| object.provenance == Provenance::Created)
        }),
        Property::sometimes(INFERRED, |_, state| {
            any(state, |object| object.provenance == Provenance::Inferred)
        }),
        Property::sometimes(ADOPTED, |_, state| {
            any(state, |object| object.provenance == Provenance::Adopted)
        }),
        Property::sometimes(REMADE, |_, state| any(state, |object| object.lost != 0 && object.webhook != 0)),
        Property::sometimes(AMBIGUOUS, |model, state| verdict(model, state).ambiguous),
        Property::sometimes(GONE, |_, state: &State| {
            state.workers.iter().all(|worker| !worker.is_busy()) && {
                state.objects.iter().all(|object| !object.exists) && state.alive().count() == 0
            }
        }),
    ]
}

/// What is to be said of the place where a state comes to rest.
#[expect(clippy::struct_excessive_bools, reason = "one for each property")]
#[derive(Clone, Copy, Default)]
struct Verdict {
    rests: bool,
    one_webhook: bool,
    none_lost: bool,
    deletion_ends: bool,
    settles: bool,
    ambiguous: bool,
}

thread_local! {
    /// All properties of a state are looked at one after the other.
    static LAST: RefCell<Option<(State, Verdict)>> = const { RefCell::new(None) };
}

fn verdict(model: &Protocol, state: &State) -> Verdict {
    LAST.with_borrow_mut(|last| match last {
        Some((same, verdict)) if same == state => *verdict,
        _ => last.insert((*state, judge(model, state))).1,
    })
}

fn judge(model: &Protocol, state: &State) -> Verdict {
    let fine = Verdict {
        rests: true,
        one_webhook: true,
        none_lost: true,
        deletion_ends: true,
        settles: true,
        ambiguous: false,
    };
    if state.wrong != 0 {
        // Found already, and followed no further.
        return fine;
    }
    let Some(rest) = model.rest(state) else { return Verdict { rests: false, ..fine } };
    if rest.state.wrong != 0 {
        // The way there is looked at step by step.
        return fine;
    }
    Verdict {
        rests: true,
        one_webhook: one_webhook(&rest),
        none_lost: none_lost(&rest),
        deletion_ends: (0..2).all(|index| {
            let object = &rest.state.objects[index];
            !object.exists || !object.deleting || says_why_it_stays(&rest, index)
        }),
        settles: (0..2).all(|index| settles(model, &rest, index)),
        ambiguous: rest
            .endings
            .iter()
            .any(|ending| matches!(ending, Some(Decision::Hold { why: Why::Ambiguous, .. }))),
    }
}

fn one_webhook(rest: &Rest) -> bool {
    let mut made = [0; 2];
    for (sid, hook) in rest.state.alive() {
        let bearer = rest.state.bearer(sid);
        // Taken over once, and given up: it was never made here.
        if hook.made_for == 0 || hook.left || bearer.is_none() && hook.strangers {
            continue;
        }
        made[bearer.unwrap_or(usize::from(hook.made_for) - 1)] += 1;
    }
    made.iter().all(|made| *made <= 1)
}

fn none_lost(rest: &Rest) -> bool {
    let waits = rest.endings.contains(&Some(Decision::WaitForSibling));
    rest.state.alive().all(|(sid, hook)| {
        let named = rest
            .endings
            .iter()
            .any(|ending| matches!(ending, Some(Decision::Hold { named, .. }) if has(*named, sid)));
        hook.made_for == 0
            || hook.left
            || hook.strangers
            || rest.state.bearer(sid).is_some()
            || named
            || waits
    })
}

/// An object that is being deleted stays only where nobody can tell what it made.
fn says_why_it_stays(rest: &Rest, index: usize) -> bool {
    matches!(
        rest.endings[index],
        Some(Decision::Hold { why: Why::Ambiguous | Why::AlreadyClaimed, .. } | Decision::WaitForSibling)
    )
}

/// The object's webhook is as written, or the object says why not. Where nobody interferes it is as written, unless
/// another object that asks for the same has one.
fn settles(model: &Protocol, rest: &Rest, index: usize) -> bool {
    let object = &rest.state.objects[index];
    if !object.exists || object.deleting {
        return true;
    }
    let hook = &rest.state.hooks[usize::from(object.webhook)];
    let as_written =
        object.webhook != 0 && hook.life == Life::Shown && hook.config == object.config && object.finalizer;
    let says_why = match rest.endings[index] {
        Some(Decision::Hold { why: Why::TwinExists, named }) if model.alone => {
            members(named).all(|sid| rest.state.bearer(sid).is_some())
        }
        Some(Decision::Hold { .. } | Decision::WaitForSibling) => !model.alone,
        _ => false,
    };
    as_written || says_why
}
