//! Faults on demand: what may go wrong, and for which requests.
//!
//! A [`FaultRule`] says *when* (account, operation, skip, count, probability), a [`Fault`] says *what*. Every fault comes
//! down to a [`Plan`] of four parts, and only plans are carried out: a new fault is a new plan, not new plumbing.

mod book;
mod kind;
mod plan;
mod rule;

pub(crate) use book::{FaultBook, Sight};
pub use kind::{Fault, Garble, Silence};
pub(crate) use plan::{Commit, Plan, Reply};
pub use rule::{FaultId, FaultRule, FaultStatus};
