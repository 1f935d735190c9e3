//! The heart: what to do next for an object, decided without a client, a clock or a cache.
//!
//! Twilio's create is not idempotent and a webhook has no name, so safety rests on what is written down before and
//! read after a create. [`decide`] holds all of these rules; the reconciler only carries out what it says, one
//! effect at a time. The numbers R1 to R19 in the comments are those of `docs/safety.md`.

mod action;
mod attempt;
mod board;
mod create;
mod delete;
mod desired;
mod input;
mod keep;
mod resolve;
mod timing;
mod vanished;

pub use action::{Action, Hold, Plan, Settled, Waiting, decide};
pub use attempt::{Attempt, Recorded};
pub use board::{Board, SLOTS};
pub use desired::{Address, Desired, Unservable, Wanted, address_source};
pub use input::{
    Absent, Access, Answers, Input, Journal, Kind, Object, Phase, Record, Remote, Renamed, Reply, Resolution,
    Sender, Sibling, Siblings,
};
pub use timing::Timing;

#[cfg(test)]
pub(crate) mod tests;
