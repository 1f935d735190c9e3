//! Which objects are there, by the watch: what a new list lacks is gone.
//!
//! It hears of each before the index does, which forgets with an object what was remembered of it.

use std::sync::Arc;

use kube::{Resource, ResourceExt};

use super::context::Context;
use super::guarded::Guarded;
use super::in_use;
use super::memory::Remembered;
use super::vanished;

/// Notices which objects are there and which are gone, also when they went while the watch was down.
pub(super) struct Roll {
    ctx: Arc<Context>,
}

impl Roll {
    pub(super) fn new(ctx: Arc<Context>) -> Self {
        Self { ctx }
    }

    /// The object is there. A whole burst of deletions is seen before the first of them is worked on, and shares what is read
    /// after that.
    pub(super) fn seen(&self, object: &Guarded) {
        if object.meta().deletion_timestamp.is_some()
            && let Some(uid) = object.uid()
        {
            self.ctx.memory.deletion(&uid);
        }
    }

    /// An object that this process did not let go may have left its webhook behind.
    pub(super) fn gone(&self, object: &Guarded) {
        let Some(uid) = object.uid() else { return };
        let let_go = self.ctx.memory.was_released(&uid);
        // Of an object that cannot be decoded only its Secret is known.
        let is_unclear = object.0.is_err() && !let_go;
        if let Some(secret) = in_use::kept_for(object).filter(|_| is_unclear && self.ctx.leadership.is_held())
        {
            let ctx = Arc::clone(&self.ctx);
            self.ctx.passes.spawn(async move { in_use::vanished(&ctx, secret).await });
        }
        let memory = self.ctx.index.recall(&uid);
        self.ctx.index.forget(&uid);
        self.ctx.memory.forget(&uid);
        self.ctx.waiters.forget(&uid);
        if let Ok(object) = &object.0
            && !let_go
        {
            // How long ago the attempt was first seen counts on.
            let attempt = memory.and_then(|memory| memory.attempt);
            vanished::noticed(&self.ctx, object, Remembered { attempt, ..Remembered::default() });
        }
    }
}
