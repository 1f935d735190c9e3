//! The world of one test.

mod operator;
mod world;

pub(crate) use operator::Operator;
pub(crate) use world::{
    ACCOUNT, AUTH_TOKEN, FLOW, SERVICE, World, condition, conversation, eventually, ready, webhook_spec,
};
