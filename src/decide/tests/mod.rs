//! What the core promises, as examples, as properties of every input, and as walks through a small world.
//!
//! Examples: `sample` has values, `fixture` makes inputs of them; they are grouped by what the object is going through.
//! Properties: `domain` generates every kind of input, `evidence` says what an input proves. Walks: `world` is a small
//! API server and a small Twilio, `worker` and `effects` are the driver in miniature, `walk` is chance and its checks.

mod adopting;
mod creating;
mod deleting;
mod domain;
mod doubled;
mod effects;
mod evidence;
mod fixture;
mod hidden;
mod keeping;
mod model;
mod properties;
mod recording;
mod resolving;
pub(crate) mod sample;
mod vanished;
mod walk;
mod worker;
mod world;
