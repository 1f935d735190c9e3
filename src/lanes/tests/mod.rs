//! Lanes in virtual time, and the async shell around them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod entering;
mod line;
mod numbers;
mod outage;
mod traffic;
mod window;
mod world;
