//! Every code that Twilio's contract names, met as a client meets it: by the state of the world or by what it sent,
//! and by a fault only where no state gives it. Each is seen with its status and body, and leaves the world as it was.

mod general;
mod limits;
mod not_found;
mod parameters;
mod state;

use crate::fixture::*;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use twilio_conversations_simulator::{Delivery, Fault, FaultRule, Ledger};

/// What a request may change.
#[derive(Debug, PartialEq)]
struct Snapshot {
    ledger: Ledger,
    conversations: Value,
    deliveries: Vec<Delivery>,
}

impl Snapshot {
    fn of(world: &World) -> Self {
        Self {
            ledger: world.simulator.ledger(),
            conversations: json!(world.simulator.conversations(ACCOUNT).unwrap()),
            deliveries: world.simulator.deliveries(),
        }
    }
}

/// The status and code of a refusal, which changed nothing and is in the journal as such.
async fn refused(world: &World, request: RequestBuilder) -> (u16, u64) {
    let before = Snapshot::of(world);
    let error = Reply::to(request).await.error();
    assert_eq!(Snapshot::of(world), before);
    let entry = world.simulator.journal().pop().unwrap();
    assert_eq!(
        (entry.status, entry.code.map(u64::from), entry.committed),
        (Some(error.0), Some(error.1), false)
    );
    error
}

async fn refused_get(world: &World, path: &str) -> (u16, u64) {
    refused(world, world.request(Method::GET, path)).await
}

async fn refused_delete(world: &World, path: &str) -> (u16, u64) {
    refused(world, world.request(Method::DELETE, path)).await
}

async fn refused_post(world: &World, path: &str, form: &[(&str, &str)]) -> (u16, u64) {
    refused(world, world.request(Method::POST, path).form(form)).await
}

/// The refusal of a create.
async fn refused_create(world: &World, form: &[(&str, &str)]) -> (u16, u64) {
    refused_post(world, &webhooks(CONVERSATION), form).await
}

/// The refusal of a create that a fault injects.
async fn injected(world: &World, status: u16, code: u32) -> (u16, u64) {
    world.simulator.add_fault(FaultRule::new(Fault::error(status, code)).once());
    refused_create(world, &webhook_form(BOT)).await
}
