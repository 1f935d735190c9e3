//! Every way that a create can go, not only the likely ones: a model whose processes ask the product's own `decide`.
//!
//! `state` is what the model can be in, `view` the way into `decide` and back, `driver` what a process does with a decision,
//! `environment` what happens around it, `protocol` a configuration and its steps, `rest` where a state leads once
//! faults stop, `properties` what must hold, `rules` how to leave one out. `configurations` are checked whole, `ablations`
//! show that each rule is needed, `counterexamples` what follows when an assumption on time is broken.
//!
//! The walks next door have a world of seconds, strings and heaps. This one is not theirs: an exhaustive search needs time as
//! a few phases, and states so small that tens of millions fit.

mod driver;
mod environment;
mod properties;
mod protocol;
mod rest;
mod rules;
mod state;
mod view;
mod ablations;
mod configurations;
