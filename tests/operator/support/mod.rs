//! The world of one test.

mod line;
mod operator;
mod world;

pub(crate) use line::Line;
pub(crate) use operator::Operator;
pub(crate) use world::{
    ACCOUNT, AUTH_TOKEN, FLOW, SERVICE, World, condition, conversation, eventually, ready, webhook_spec,
};
