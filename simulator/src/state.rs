//! Everything that one life of the simulator holds. A reset puts a new one in its place: requests and deliveries of
//! the old life that are still under way end in the old one, and the new one never hears of them.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::clock::Clock;
use crate::delivery::DeliveryLog;
use crate::fault::FaultBook;
use crate::journal::Journal;
use crate::reply_check::ReplyCheck;
use crate::settings::Settings;
use crate::sid::SidSource;
use crate::world::World;

/// One life of the simulator.
pub(crate) struct State {
    pub(crate) sids: SidSource,
    /// Apart from the others, so that reading does not change what is made next.
    pub(crate) request_ids: SidSource,
    /// Idempotency tokens, apart for the same reason: timers draw some.
    pub(crate) tokens: Arc<SidSource>,
    pub(crate) clock: Clock,
    pub(crate) settings: RwLock<Settings>,
    pub(crate) world: World,
    pub(crate) faults: FaultBook,
    pub(crate) journal: Journal,
    pub(crate) deliveries: DeliveryLog,
    /// The same one in every life.
    pub(crate) reply_check: Arc<ReplyCheck>,
}

impl State {
    pub(crate) fn new(random_seed: u64, journal_size: usize, reply_check: Arc<ReplyCheck>) -> Self {
        Self {
            sids: SidSource::new(random_seed),
            request_ids: SidSource::new(!random_seed),
            tokens: Arc::new(SidSource::new(random_seed.rotate_left(32) ^ !0)),
            clock: Clock::default(),
            settings: RwLock::default(),
            world: World::default(),
            faults: FaultBook::new(random_seed),
            journal: Journal::new(journal_size),
            deliveries: DeliveryLog::new(journal_size),
            reply_check,
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        *self.settings.read()
    }
}
