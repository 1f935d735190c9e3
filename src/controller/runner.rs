//! Begins passes, one after another, as far as there is room for them.

use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::reconcile::reconcile;
use super::room::ApiRoom;
use crate::queue::ObjectId;

/// How soon it is looked again whether requests to the API server came back, where somebody waits for that.
const LOOK: Duration = Duration::from_millis(20);

/// Begins passes until the process stops.
pub(super) async fn run(ctx: &Arc<Context>, room: &ApiRoom) {
    let running = async {
        loop {
            while let Some(begun) = ctx.index.begin(room.taken()) {
                let turn = Turn { ctx: Arc::clone(ctx), object: begun.id, wait: Some(ctx.timing.backoff.1) };
                // In a task of its own: a pass that has begun is never cancelled between a create and the write of its result.
                ctx.passes.spawn(async move {
                    let wait = reconcile(begun, Arc::clone(&turn.ctx)).await;
                    turn.over(wait);
                });
            }
            let is_full = room.taken() > 0 && ctx.index.somebody_waits();
            if is_full {
                let _ = tokio::time::timeout(LOOK, ctx.index.called()).await;
            } else {
                ctx.index.called().await;
            }
        }
    };
    ctx.stop.run_until_cancelled(running).await;
}

/// A pass under way; over when dropped, however it ends.
struct Turn {
    ctx: Arc<Context>,
    object: ObjectId,
    /// When the object is looked at next: after a pass that broke off, later than ever otherwise.
    wait: Option<Duration>,
}

impl Turn {
    fn over(mut self, wait: Option<Duration>) {
        self.wait = wait;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a pass broke off");
        }
        self.ctx.index.end(self.object, self.wait);
    }
}
