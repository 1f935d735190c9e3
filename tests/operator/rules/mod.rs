//! The rules of creating exactly once, R1 to R19 of `docs/safety.md`, as a user and Twilio see them kept. A test's name
//! starts with its rule; some rules have tests elsewhere too.

mod answers;
mod candidates;
mod copies;
mod going;
mod late;
mod outcomes;
mod recording;
mod resolving;
mod room;
mod stripped;
mod taking_over;
mod vanished;
