//! What a user of the simulator can rely on, seen from outside: over HTTP, and through the library's control.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod accounts;
mod bounds;
mod control_api;
mod conversations;
mod deliveries;
mod faults;
mod fixture;
mod ledger;
mod random;
mod robustness;
mod webhooks;
mod wire;
