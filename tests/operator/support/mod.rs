//! The world of one test.

mod backup;
mod evidence;
mod gate;
mod line;
mod operator;
mod wire;
mod world;

pub(crate) use backup::{
    annotate, ask, backup, journal_of, restore, sid_of, strip_finalizers, unsent, wait_event_saying,
    write_journal,
};
pub(crate) use evidence::{
    BOT, PATIENCE, SCALED, assert_apart, assert_bears, assert_harmless, lists, made, only_webhook, plant,
    sent, serving_since, settling, sids, strike, wait_another_look, wait_event, wait_sent, window,
};
pub(crate) use gate::Gate;
pub(crate) use line::Line;
pub(crate) use operator::Operator;
pub(crate) use wire::Wire;
pub(crate) use world::{
    ACCOUNT, AUTH_TOKEN, FLOW, SERVICE, SWITCHES, World, condition, conversation, eventually, grant_lease,
    is_ready, ready, webhook_spec,
};
