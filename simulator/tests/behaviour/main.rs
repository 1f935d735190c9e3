//! What a user of the simulator can rely on, seen from outside: over HTTP, and through the library's control.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod accounts;
mod attempts;
mod bot;
mod bounds;
mod codes;
mod control_api;
mod conversations;
mod deliveries;
mod determinism;
mod duties;
mod events;
mod faults;
mod fixture;
mod judges;
mod ledger;
mod lists;
mod messages;
mod participants;
mod random;
mod regions;
mod replays;
mod robustness;
mod services;
mod switches;
mod timers;
mod webhooks;
mod wide;
mod wire;
