//! What becomes of an object's webhook when the object is deleted, record by record and policy by policy. A test's name
//! starts with its case.

mod abandon;
mod attempts;
mod credentials;
mod in_use;
mod kind;
mod policies;
mod sids;

use crate::support::{BOT, PATIENCE, World, eventually, sid_of, webhook_spec};

/// An object with a webhook on conversation `n`, Ready; the webhook's SID.
async fn served(world: &World, n: u32, name: &str) -> String {
    world.create(name, webhook_spec(n, BOT)).await;
    sid_of(&world.wait_ready(name).await)
}

/// Waits until the operator's metrics count so many objects that were let go for this reason.
async fn wait_left_behind(world: &World, reason: &str, objects: usize) {
    let sample = format!("cwo_left_behind_total{{reason=\"{reason}\"}} {objects}");
    eventually(&sample, PATIENCE, async || {
        let metrics = world.operator.as_ref().unwrap().admin("/metrics").await;
        metrics.lines().any(|line| line == sample).then_some(())
    })
    .await;
}
