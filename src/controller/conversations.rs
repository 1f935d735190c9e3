//! One conversation at a time: order, and the list of webhooks that its objects share.
//!
//! The order is for the sake of requests and of people; that no webhook is made twice rests on the journal, not on
//! these locks.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;

use crate::decide::{Board, SLOTS, Timing};
use crate::twilio::{ChatServiceSid, ConversationSid, Door, Webhook, WebhookSid};

/// Every conversation that passes work on. By account, region and edge, as lanes are: what a Secret declares is not
/// proved yet, and must not hold up whoever the account belongs to.
#[derive(Debug)]
pub(super) struct Conversations {
    places: Places<(Door, ConversationSid), Place>,
    names: Places<(Door, Option<ChatServiceSid>, String), Resolved>,
}

/// One conversation, held by one pass.
pub(super) type Held = OwnedMutexGuard<Place>;

/// A unique name, held by the pass that looks it up.
pub(super) type HeldName = OwnedMutexGuard<Resolved>;

impl Conversations {
    /// Nothing is known of any.
    pub(super) fn new(timing: &Timing) -> Self {
        Self { places: Places::new(timing.board), names: Places::new(timing.settle) }
    }

    /// Waits for the conversation to be free and holds it.
    pub(super) async fn hold(&self, door: &Door, conversation: &ConversationSid) -> Held {
        self.places.get((door.clone(), conversation.clone())).lock_owned().await
    }

    /// Waits for the unique name to be free and holds it, so that objects that share it share one look-up.
    pub(super) async fn hold_name(
        &self,
        door: &Door,
        service: Option<&ChatServiceSid>,
        name: &str,
    ) -> HeldName {
        self.names.get((door.clone(), service.cloned(), name.to_owned())).lock_owned().await
    }
}

/// What is known about a conversation.
#[derive(Debug, Default)]
pub(super) struct Place {
    listed: Option<(Instant, Board)>,
    /// How many went on by that list without waiting for their turn.
    followed: usize,
}

impl Place {
    /// The board and when it was asked for, where that is at most so long ago.
    pub(super) fn board(&self, max_age: Duration) -> Option<(Instant, &Board)> {
        self.listed
            .as_ref()
            .filter(|(asked, _)| asked.elapsed() <= max_age)
            .map(|(asked, board)| (*asked, board))
    }

    /// A list was made; `asked` is when its request went out.
    pub(super) fn listed(&mut self, asked: Instant, board: Board) {
        self.listed = Some((asked, board));
        self.followed = 0;
    }

    /// Whether the next pass may go on by the list that is there, ahead of others: as many as one conversation has webhooks,
    /// so that one of them is listed once, and the others do not wait for ever.
    pub(super) fn follows(&mut self, max_age: Duration) -> bool {
        let may = self.followed + 1 < SLOTS && self.board(max_age).is_some();
        self.followed += usize::from(may);
        may
    }

    /// What is known counts no more.
    pub(super) fn forget(&mut self) {
        self.listed = None;
    }

    /// We made or changed this webhook.
    pub(super) fn put(&mut self, webhook: &Webhook) {
        if let Some((_, board)) = &mut self.listed {
            board.put(webhook.clone());
        }
    }

    /// We deleted this webhook.
    pub(super) fn remove(&mut self, webhook: &WebhookSid) {
        if let Some((_, board)) = &mut self.listed {
            board.remove(webhook);
        }
    }
}

/// What a unique name was last seen to mean.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    found: Option<(Instant, ConversationSid)>,
}

impl Resolved {
    /// The conversation, where it was looked up at most this long ago.
    pub(super) fn conversation(&self, max_age: Duration) -> Option<&ConversationSid> {
        self.found.as_ref().filter(|(at, _)| at.elapsed() <= max_age).map(|(_, conversation)| conversation)
    }

    /// The name was looked up.
    pub(super) fn found(&mut self, conversation: ConversationSid) {
        self.found = Some((Instant::now(), conversation));
    }
}

impl Known for Place {
    fn serves(&self, max_age: Duration) -> bool {
        self.board(max_age).is_some()
    }
}

impl Known for Resolved {
    fn serves(&self, max_age: Duration) -> bool {
        self.conversation(max_age).is_some()
    }
}

/// What is known, and may be forgotten while nobody holds it.
pub(super) trait Known {
    /// Whether the next one who holds it can do with it.
    fn serves(&self, max_age: Duration) -> bool;
}

/// Only whose turn it is.
impl Known for () {
    fn serves(&self, _: Duration) -> bool {
        false
    }
}

/// A lock per key. Keys that nobody holds are dropped now and then, unless what is known there still serves somebody.
#[derive(Debug)]
pub(super) struct Places<K, V> {
    max_age: Duration,
    locks: Mutex<Locks<K, V>>,
}

#[derive(Debug)]
struct Locks<K, V> {
    by_key: HashMap<K, Arc<tokio::sync::Mutex<V>>>,
    sweep_at: usize,
}

/// Keys at which nothing is dropped yet.
const FEW: usize = 64;

impl<K, V> Places<K, V> {
    /// No keys yet. What is known serves for so long.
    pub(super) fn new(max_age: Duration) -> Self {
        Self { max_age, locks: Mutex::new(Locks { by_key: HashMap::new(), sweep_at: FEW }) }
    }
}

impl<K: Eq + Hash, V: Default + Known> Places<K, V> {
    /// The lock of this key.
    pub(super) fn get(&self, key: K) -> Arc<tokio::sync::Mutex<V>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if locks.by_key.len() >= locks.sweep_at {
            locks.by_key.retain(|_, lock| {
                Arc::strong_count(lock) > 1 || lock.try_lock().is_ok_and(|known| known.serves(self.max_age))
            });
            locks.sweep_at = (locks.by_key.len() * 2).max(FEW);
            let room = locks.sweep_at;
            locks.by_key.shrink_to(room);
        }
        Arc::clone(locks.by_key.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::Region;

    fn conversation(n: u8) -> ConversationSid {
        format!("CH{n:032x}").parse().unwrap()
    }

    fn door() -> Door {
        Door { account: format!("AC{:032x}", 1).parse().unwrap(), region: Region::default(), edge: None }
    }

    #[tokio::test]
    async fn a_held_conversation_keeps_others_waiting_and_only_there() {
        let conversations = Conversations::new(&Timing::REAL);
        let held = conversations.hold(&door(), &conversation(1)).await;
        drop(conversations.hold(&door(), &conversation(2)).await);
        let (door, first) = (door(), conversation(1));
        let mut again = Box::pin(conversations.hold(&door, &first));
        assert!(futures::poll!(&mut again).is_pending());
        drop(held);
        drop(again.await);
    }

    #[tokio::test]
    async fn a_board_serves_until_it_is_too_old_or_forgotten() {
        let mut place = Place::default();
        place.listed(Instant::now(), Board::default());
        assert!(place.board(Duration::from_secs(2)).is_some());
        assert!(place.board(Duration::ZERO).is_none());
        place.forget();
        assert!(place.board(Duration::from_secs(2)).is_none());
    }

    #[tokio::test]
    async fn as_many_go_on_by_a_list_as_a_conversation_has_webhooks() {
        let (mut place, age) = (Place::default(), Duration::from_secs(2));
        assert!(!place.follows(age), "nothing was listed");
        for _ in 0..2 {
            place.listed(Instant::now(), Board::default());
            assert!(!place.follows(Duration::ZERO), "too old");
            let follow = (0..10).filter(|_| place.follows(age)).count();
            assert_eq!(follow, SLOTS - 1, "and the one that listed");
        }
    }

    #[tokio::test]
    async fn what_is_known_outlives_a_thousand_others_and_what_serves_nobody_does_not() {
        let timing = Timing { board: Duration::from_mins(1), ..Timing::REAL };
        let conversations = Conversations::new(&timing);
        let sid = |n: u32| format!("CH{n:032x}").parse().unwrap();
        conversations.hold(&door(), &sid(0)).await.listed(Instant::now(), Board::default());
        for n in 1..1000 {
            drop(conversations.hold(&door(), &sid(n)).await);
        }
        assert!(conversations.hold(&door(), &sid(0)).await.board(timing.board).is_some());
        let keys = conversations.places.locks.lock().unwrap().by_key.len();
        assert!(keys <= FEW, "{keys}");
    }
}
