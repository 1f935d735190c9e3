//! The Twilio client against servers that misbehave in every way that is known, byte by byte.
//!
//! Stubs on 127.0.0.1, not the simulator: here it matters what is on the wire, how often, and when it stops.

// clippy.toml allows these in tests; in an integration test it takes only the test functions for that.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bad_replies;
mod creation;
mod observed;
mod paging;
mod proxy;
mod requests;
mod simulator;
mod stub;
mod tls;
mod world;
