//! The whole operator: the real binary under the chart's own `ServiceAccount`, a real API server, the simulator.
//!
//! Each test has a namespace, a simulator and an operator of its own, so that all run side by side on one control
//! plane. Tests assert what a user sees: objects, Events, webhooks at Twilio, requests that were made.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and its helpers stand outside of test functions"
)]

mod accounts;
mod admin;
mod api_server;
mod bad_input;
mod chaos;
mod counts;
mod crash;
mod crd_upgrade;
mod deletions;
mod discretion;
mod doubles;
mod flags;
mod footprint;
mod gitops;
mod guards;
mod leaders;
mod lifecycle;
mod load;
mod matrix;
mod memory;
mod one_login;
mod outage;
mod outsiders;
mod reasons;
mod replies;
mod rotation;
mod rules;
mod secrets;
mod shards;
mod states;
mod support;
mod switches;
