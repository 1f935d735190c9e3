//! Twilio's contract, as far as a program can check it: the operations and schemas of its OpenAPI document, and
//! whether a reply keeps to them. `facts/README.md` says where they come from. Nothing here knows of the world, and
//! nothing in the world knows of this: a reply is judged by its bytes alone.

mod document;
mod error_body;
mod reply;
mod scoped_webhook;
mod value;
mod violation;

pub use violation::{Problem, Violation};

#[cfg(test)]
pub(crate) use document::facts;
pub(crate) use reply::{check, check_error};

#[cfg(test)]
mod tests;
