//! The armed rules, and the choice of the one that strikes. The dice of a rule are its own, so that what one rule
//! does never changes what another draws.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::{Fault, FaultId, FaultRule, FaultStatus};
use crate::operation::Operation;
use crate::sid::{AccountSid, ConversationSid, Dice};

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight {
    pub(crate) account: AccountSid,
    pub(crate) operation: Operation,
    pub(crate) conversation: Option<ConversationSid>,
}

/// All armed rules.
pub(crate) struct FaultBook {
    /// How many there are: a simulator without faults takes no lock.
    armed: AtomicUsize,
    inner: Mutex<Inner>,
}

struct Inner {
    seed: u64,
    last: u64,
    rules: Vec<Armed>,
}

struct Armed {
    status: FaultStatus,
    dice: Dice,
}

impl Armed {
    fn matches(&self, sight: Sight) -> bool {
        let rule = &self.status.rule;
        rule.account.is_none_or(|account| account == sight.account)
            && rule.operation.is_none_or(|operation| operation == sight.operation)
            && rule.conversation.is_none_or(|conversation| sight.conversation == Some(conversation))
    }

    /// Shows the rule a request that it matches; whether it strikes.
    fn strikes(&mut self) -> bool {
        let Self { status, dice } = self;
        if status.rule.count.is_some_and(|count| status.struck >= count) {
            return false;
        }
        status.seen += 1;
        let strikes = status.seen > status.rule.skip && dice.roll() < status.rule.probability;
        status.struck += u64::from(strikes);
        strikes
    }
}

impl FaultBook {
    pub(crate) fn new(seed: u64) -> Self {
        Self { armed: AtomicUsize::new(0), inner: Mutex::new(Inner { seed, last: 0, rules: Vec::new() }) }
    }

    pub(crate) fn add(&self, rule: FaultRule) -> FaultId {
        let mut inner = self.inner.lock();
        inner.last += 1;
        let id = FaultId(inner.last);
        let dice = Dice::new(inner.seed ^ id.0.rotate_left(32));
        inner.rules.push(Armed { status: FaultStatus { id, rule, seen: 0, struck: 0 }, dice });
        self.armed.store(inner.rules.len(), Ordering::Release);
        id
    }

    pub(crate) fn remove(&self, id: FaultId) -> bool {
        let mut inner = self.inner.lock();
        let before = inner.rules.len();
        inner.rules.retain(|armed| armed.status.id != id);
        self.armed.store(inner.rules.len(), Ordering::Release);
        inner.rules.len() < before
    }

    pub(crate) fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.rules.clear();
        self.armed.store(0, Ordering::Release);
    }

    pub(crate) fn list(&self) -> Vec<FaultStatus> {
        self.inner.lock().rules.iter().map(|armed| armed.status.clone()).collect()
    }

    /// The fault that strikes this request, if one does.
    pub(crate) fn strike(&self, sight: Sight) -> Option<(FaultId, Fault)> {
        if self.armed.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut inner = self.inner.lock();
        let mut matching = inner.rules.iter_mut().filter(|armed| armed.matches(sight));
        let status = matching.find_map(|armed| armed.strikes().then_some(&armed.status))?;
        Some((status.id, status.rule.fault.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGHT: Sight =
        Sight { account: AccountSid::numbered(1), operation: Operation::Create, conversation: None };

    fn pattern(rule: FaultRule, requests: usize) -> Vec<bool> {
        let book = FaultBook::new(7);
        book.add(rule);
        (0..requests).map(|_| book.strike(SIGHT).is_some()).collect()
    }

    #[test]
    fn skip_and_count_bound_the_strikes() {
        let rule = FaultRule::new(Fault::reset()).after(2).times(2);
        assert_eq!(pattern(rule, 6), [false, false, true, true, false, false]);
    }

    #[test]
    fn a_probability_is_drawn_the_same_way_under_one_seed() {
        let rule = || FaultRule::new(Fault::reset()).with_probability(0.5);
        let drawn = pattern(rule(), 1000);
        assert_eq!(drawn, pattern(rule(), 1000));
        assert!((400..600).contains(&drawn.iter().filter(|strikes| **strikes).count()));
    }

    #[test]
    fn a_rule_sees_only_what_it_is_for() {
        let book = FaultBook::new(7);
        book.add(FaultRule::new(Fault::reset()).on(Operation::Delete));
        book.add(FaultRule::new(Fault::reset()).account(AccountSid::numbered(2)));
        book.add(FaultRule::new(Fault::reset()).conversation(ConversationSid::numbered(1)));
        assert_eq!(book.strike(SIGHT), None);
        let hit = Sight { conversation: Some(ConversationSid::numbered(1)), ..SIGHT };
        assert_eq!(book.strike(hit).map(|(id, _)| id), Some(FaultId(3)));
    }
}
