//! Twilio's REST API: from a request to an answer. Routes, parameters, checks, JSON and paging follow the contract;
//! what goes wrong on purpose is decided in [`crate::fault`] and carried out in [`exchange`].

mod exchange;
mod inbound;
mod operations;
mod outbound;
mod page;
mod params;
mod refusal;
mod render;
mod route;
mod webhook_form;

#[cfg(test)]
mod contract;

pub(crate) use exchange::exchange;
pub(crate) use inbound::Inbound;
pub(crate) use outbound::Ending;
pub(crate) use params::Params;
pub use refusal::Refusal;
pub(crate) use webhook_form::{Rules, create as webhook_from_params, update as webhook_updated_by};
