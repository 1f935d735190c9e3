//! Every way that a create can go, not only the likely ones: a model whose processes ask the product's own `decide`.
//!
//! The parts, in the order in which to read them: `state` is what the model can be in, `process` a part of it, `canonical` its one form, `view` the way
//! into `decide` and `decision` the way back, `driver`, `effects` and `writes` what a process does with a decision, `twilio` and `people`
//! what it has to do with, `events` what may happen, `possible` when, `words` its name, `protocol` one configuration and its steps,
//! `rest` where a state leads once faults stop, `properties` what must hold, `rules` how to leave one out, `report` what the checker found. `configurations`
//! are looked at whole, `ablations` show that each rule is needed, `counterexamples` what follows from broken assumptions.
//!
//! The walks next door have a world of seconds, strings and maps. This one is not theirs: an exhaustive search needs time as
//! a few phases, and states so small that tens of millions fit.

mod ablations;
mod canonical;
mod configurations;
mod counterexamples;
mod decision;
mod driver;
mod effects;
mod events;
mod people;
mod possible;
mod process;
mod properties;
mod protocol;
mod report;
mod rest;
mod rules;
mod state;
mod twilio;
mod view;
mod words;
mod writes;
