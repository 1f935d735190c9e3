//! Which objects are there, by the watch: a new list is compared with what was there before it.
//!
//! It stands ahead of the cache, which forgets with the new list what is not on it.

use std::collections::HashSet;
use std::sync::Arc;

use kube::runtime::reflector::Store;
use kube::runtime::watcher;
use kube::{Resource, ResourceExt};

use super::context::Context;
use super::in_use;
use super::memory::Remembered;
use super::object::Guarded;
use super::vanished;

/// Notices which objects are gone, also when they went while the watch was down.
pub(super) struct Roll {
    ctx: Arc<Context>,
    cache: Store<Guarded>,
    /// The objects as they were when a new list began, and those that are on it.
    before: Vec<Arc<Guarded>>,
    listed: HashSet<String>,
}

impl Roll {
    pub(super) fn new(ctx: Arc<Context>, cache: Store<Guarded>) -> Self {
        Self { ctx, cache, before: Vec::new(), listed: HashSet::new() }
    }

    pub(super) fn call(&mut self, event: &watcher::Result<watcher::Event<Guarded>>) {
        match event {
            Ok(watcher::Event::Init) => {
                self.before = self.cache.state();
                self.listed.clear();
            }
            Ok(watcher::Event::InitApply(object)) => {
                self.listed.extend(object.uid());
                self.seen(object);
            }
            Ok(watcher::Event::InitDone) => {
                let listed = std::mem::take(&mut self.listed);
                for object in std::mem::take(&mut self.before) {
                    if object.uid().is_some_and(|uid| !listed.contains(&uid)) {
                        self.gone(&object);
                    }
                }
            }
            Ok(watcher::Event::Delete(object)) => self.gone(object),
            Ok(watcher::Event::Apply(object)) => self.seen(object),
            Err(_) => {}
        }
    }

    /// A whole burst of deletions is seen before the first of them is worked on, and shares what is read after that.
    fn seen(&self, object: &Guarded) {
        if object.meta().deletion_timestamp.is_some()
            && let Some(uid) = object.uid()
        {
            self.ctx.memory.deletion(&uid);
        }
    }

    /// An object that this process did not let go may have left its webhook behind.
    fn gone(&self, object: &Guarded) {
        let Some(uid) = object.uid() else { return };
        let let_go = self.ctx.memory.was_released(&uid);
        // Of an object that cannot be decoded only its Secret is known.
        let is_unclear = object.0.is_err() && !let_go;
        if let Some(secret) = in_use::kept_for(object).filter(|_| is_unclear && self.ctx.leadership.is_held())
        {
            let ctx = Arc::clone(&self.ctx);
            self.ctx.passes.spawn(async move { in_use::vanished(&ctx, secret).await });
        }
        let memory = self.ctx.memory.recall(&uid);
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
