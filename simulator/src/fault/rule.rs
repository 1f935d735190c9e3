//! When a fault strikes: which requests a rule is for, and how often.

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::operation::Operation;
use crate::sid::{AccountSid, ConversationSid};

/// The number of an armed rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u64);

/// When a fault strikes. Rules are looked at in the order in which they were added; the first that is due strikes,
/// and the ones after it do not see that request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// Requests of this account only.
    #[serde(default)]
    pub account: Option<AccountSid>,
    /// Requests for this operation only.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// Requests whose path names this conversation by its SID only.
    #[serde(default)]
    pub conversation: Option<ConversationSid>,
    /// Requests that are let through first.
    #[serde(default)]
    pub skip: u64,
    /// How often it strikes; absent means without end.
    #[serde(default)]
    pub count: Option<u64>,
    /// How probable it is that it strikes a request that it is due for.
    #[serde(default = "always")]
    pub probability: f64,
    /// What happens.
    pub fault: Fault,
}

const fn always() -> f64 {
    1.0
}

impl FaultRule {
    /// A rule for every request, without end.
    #[must_use]
    pub const fn new(fault: Fault) -> Self {
        Self {
            account: None,
            operation: None,
            conversation: None,
            skip: 0,
            count: None,
            probability: 1.0,
            fault,
        }
    }

    /// Strikes this operation only.
    #[must_use]
    pub const fn on(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Strikes this account only.
    #[must_use]
    pub const fn account(mut self, account: AccountSid) -> Self {
        self.account = Some(account);
        self
    }

    /// Strikes requests whose path names this conversation only.
    #[must_use]
    pub const fn conversation(mut self, conversation: ConversationSid) -> Self {
        self.conversation = Some(conversation);
        self
    }

    /// Lets so many requests through first.
    #[must_use]
    pub const fn after(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Strikes so many times.
    #[must_use]
    pub const fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Strikes once.
    #[must_use]
    pub const fn once(self) -> Self {
        self.times(1)
    }

    /// Strikes with this probability.
    #[must_use]
    pub const fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }
}

/// An armed rule, and what it has done so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultStatus {
    /// Its number.
    pub id: FaultId,
    /// The rule.
    pub rule: FaultRule,
    /// Requests that it matched.
    pub seen: u64,
    /// Requests that it struck.
    pub struck: u64,
}
