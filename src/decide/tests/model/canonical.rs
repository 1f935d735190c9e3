//! One form for all states that differ in nothing but names and leftovers.
//!
//! Names that nobody bears any more are given out again, what is left of a finished step is wiped, and the two processes
//! stand in a fixed order.

use super::process::{Absent, Board, Remote, Sender, Siblings, Worker};
use super::state::{ATTEMPTS, Config, Life, NOTHING, Object, SIDS, Set, State, bit, has};

impl Object {
    fn attempts(&self) -> Set {
        bit(self.journal.id) | bit(self.settled) | bit(self.answer.0)
    }

    /// SIDs that count, whether or not they are alive.
    fn sids(&self) -> Set {
        let answered = if self.answer.1 == NOTHING { 0 } else { self.answer.1 };
        bit(self.webhook) | bit(self.journal.adopt) | bit(answered) | self.lost | self.journal.baseline
    }
}

impl State {
    /// The smallest id that nothing bears.
    pub(super) fn new_attempt(&self) -> Option<u8> {
        let used = self.attempts();
        (1..=ATTEMPTS).find(|id| !has(used, *id))
    }

    pub(super) fn new_sid(&self) -> Option<u8> {
        let used = self.sids();
        (1..=SIDS).find(|sid| !has(used, *sid))
    }

    fn attempts(&self) -> Set {
        let mut used = self.late.object.attempts();
        for object in self.objects.iter().chain(&self.before).chain(&self.remains) {
            used |= object.attempts();
        }
        for request in &self.requests {
            used |= bit(request.attempt);
        }
        for hook in &self.hooks {
            used |= bit(hook.attempt);
        }
        for worker in &self.workers {
            let view = &worker.pass.view;
            used |= bit(view.attempt) | view.object.attempts();
            for object in &view.others {
                used |= object.attempts();
            }
            for absent in &worker.absent {
                if let Absent::Newborn(id) = absent {
                    used |= bit(*id);
                }
            }
        }
        used
    }

    fn sids(&self) -> Set {
        let mut used = self.late.object.sids();
        for (sid, hook) in (0..).zip(&self.hooks) {
            if hook.life != Life::None {
                used |= bit(sid);
            }
        }
        for object in self.objects.iter().chain(&self.before).chain(&self.remains) {
            used |= object.sids();
        }
        for worker in &self.workers {
            let view = &worker.pass.view;
            used |= view.object.sids() | on_board(view.board);
            if let Sender::Created { webhook, .. } = view.sender {
                used |= bit(webhook);
            }
            for object in &view.others {
                used |= object.sids();
            }
            for absent in &worker.absent {
                if let Absent::Webhook(sid) | Absent::Disputed(sid) = absent {
                    used |= bit(*sid);
                }
            }
        }
        used
    }

    /// Wipes what can make no difference any more.
    pub(super) fn normalize(&mut self) {
        let mut dead: Set = 0;
        for (sid, hook) in (0_u8..).zip(&self.hooks) {
            if hook.life == Life::None {
                dead |= bit(sid);
            }
        }
        for worker in &mut self.workers {
            let Worker { pass, .. } = worker;
            if pass.view.remote == Remote::Unread {
                pass.view.board = Board::default();
            }
            if pass.view.siblings == Siblings::Unread {
                pass.view.others = [Object::default(); 2];
            }
            dead &= !on_board(pass.view.board);
        }
        // A dead webhook that no list shows any more cannot be taken for a newcomer.
        let forget = |object: &mut Object| object.journal.baseline &= !dead;
        self.objects.iter_mut().for_each(forget);
        self.before.iter_mut().for_each(forget);
        self.remains.iter_mut().for_each(forget);
        forget(&mut self.late.object);
        for worker in &mut self.workers {
            forget(&mut worker.pass.view.object);
            worker.pass.view.others.iter_mut().for_each(forget);
        }
        self.requests.sort_unstable_by(|a, b| b.cmp(a));
        self.workers.sort_unstable_by(|a, b| b.cmp(a));
        self.over &= self.attempts();
    }
}

fn on_board(board: Board) -> Set {
    (0_u8..).zip(board).filter(|(_, config)| *config != Config::None).fold(0, |set, (sid, _)| set | bit(sid))
}
