//! The API server, and what people do to objects: edit, delete, restore, strip, copy.

use super::driver::number;
use super::events::Backup;
use super::process::Absent;
use super::properties::Wrong;
use super::protocol::Protocol;
use super::rules::Rule;
use super::state::{Journal, LateWrite, Object, Provenance, State, bit, has};

/// Who writes to an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Worker(usize),
    /// A process that has given the write up.
    Late,
    People,
}

impl Protocol {
    /// An object is stored. One that is being deleted goes with its finalizer.
    pub(super) fn store(&self, state: &mut State, index: usize, mut new: Object, by: By) {
        let old = state.objects[index];
        if state.budget.stale > 0 {
            state.before[index] = old;
        }
        for (worker, other) in state.workers.iter_mut().enumerate() {
            if other.pass.index == number(index) && by != By::Worker(worker) {
                other.pass.fresh = false;
            }
        }
        if state.late.index == number(index) {
            state.late = LateWrite::default();
        }
        if new.deleting && !new.finalizer {
            if by != By::People && self.policies.retain {
                for (sid, hook) in (0..).zip(&mut state.hooks) {
                    hook.left |= sid == new.webhook && sid != 0 || has(new.lost, sid);
                }
            }
            let leaves = new.webhook != 0 || new.open().is_some_and(|open| open.adopt == 0);
            if by == By::People && leaves && !self.policies.retain && !self.without(Rule::R18) {
                // The watch shows it as it was before.
                state.remains[index] = Object { deleting: old.deleting, ..new };
            }
            // A backup may bring it back.
            let kept = Object { uid: new.uid, config: new.config, journal: new.journal, ..Object::default() };
            new = if state.budget.restores > 0 && new.journal.id != 0 { kept } else { Object::default() };
        }
        state.objects[index] = new;
        if new.webhook != 0 && new.webhook != old.webhook {
            self.claimed(state, index, new.webhook, new.provenance);
        }
    }

    fn claimed(&self, state: &mut State, index: usize, sid: u8, provenance: Provenance) {
        let others = state
            .objects
            .iter()
            .enumerate()
            .filter(|(other, object)| *other != index && object.webhook == sid);
        if others.count() > 0 {
            Wrong::ClaimedTwice.note(state);
        }
        let hook = state.hook(sid);
        // Whoever takes a webhook over has it for its own. An exact twin made in the window of a lost create is taken for
        // the object's by everybody who looks.
        let taken = hook.strangers && provenance == Provenance::Inferred && !self.strict;
        if provenance == Provenance::Adopted || taken {
            hook.made_for = number(index);
            hook.left = false;
        }
    }

    pub(super) fn delete(&self, state: &mut State, index: usize) {
        let mut object = state.objects[index];
        object.deleting = true;
        object.observed = false;
        self.store(state, index, object, By::People);
    }

    /// The object goes at once, finalizer and all.
    pub(super) fn vanish(&self, state: &mut State, index: usize) {
        let object = Object { deleting: true, finalizer: false, ..state.objects[index] };
        self.store(state, index, object, By::People);
    }

    pub(super) fn edit(&self, state: &mut State, index: usize) {
        let mut object = state.objects[index];
        object.config = object.config.edited();
        object.observed = false;
        object.journal.current = false;
        self.store(state, index, object, By::People);
    }

    pub(super) fn restore(&self, state: &mut State, index: usize, backup: Backup) {
        let old = state.objects[index];
        let mut object = Object {
            exists: true,
            uid: old.uid,
            config: old.config,
            finalizer: true,
            label: true,
            deleting: old.deleting,
            journal: old.journal,
            ..Object::default()
        };
        if backup != Backup::Status {
            object.uid = old.uid + 2;
            object.deleting = false;
            state.workers.iter_mut().for_each(|worker| worker.absent[index] = Absent::Nothing);
        }
        if backup == Backup::Old {
            object.config = old.config.original();
        }
        self.store(state, index, object, By::People);
    }

    pub(super) fn strip(&self, state: &mut State, index: usize) {
        let mut object = state.objects[index];
        object.finalizer = false;
        object.label = false;
        object.journal = Journal::default();
        object.answer = (0, 0);
        self.store(state, index, object, By::People);
    }

    /// Somebody applies a manifest with the journal of an attempt that was settled long ago.
    pub(super) fn put_old_journal_back(&self, state: &mut State, index: usize) -> Option<()> {
        let id = state.new_attempt()?;
        let mut object = state.objects[index];
        let config = object.config.original();
        object.journal = Journal { id, uid: object.uid, config, ..Journal::default() };
        state.over |= bit(id);
        self.store(state, index, object, By::People);
        Some(())
    }

    /// Somebody applies the manifest of one object, with its annotations, as another that does not exist.
    pub(super) fn copy(&self, state: &mut State, from: usize) {
        let original = state.objects[from];
        let copy = Object {
            exists: true,
            uid: number(1 - from) - 1,
            config: original.config,
            finalizer: original.finalizer,
            label: original.label,
            journal: original.journal,
            ..Object::default()
        };
        self.store(state, 1 - from, copy, By::People);
    }
}

impl State {
    pub(super) fn delete_conversation(&mut self) {
        self.conversation_gone = true;
        self.hooks = Default::default();
    }
}
