//! When an object's next pass is due.
//!
//! Checks keep a fixed place in the interval, given by the conversation: the objects of one conversation are due
//! together and share a list, different conversations are spread, and a restart neither bursts nor forgets.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};

use super::object::{ready_reason, requested};
use crate::api::{ConversationWebhook, Reason};
use crate::decide::{Object, Timing};

/// So far away that it never comes: only a change of the object, or somebody who asks, leads to another pass.
pub(super) const FAR: Duration = Duration::from_hours(24 * 365);

/// The time between two checks of an object.
pub(super) fn interval(object: &ConversationWebhook, default: Duration) -> Duration {
    object
        .spec
        .resync_interval
        .as_deref()
        .and_then(|text| text.parse::<SignedDuration>().ok())
        .and_then(|interval| Duration::try_from(interval).ok())
        .filter(|interval| !interval.is_zero())
        .unwrap_or(default)
}

/// How long until the next check of the objects on the conversation of this key.
pub(super) fn until_check(conversation: u64, interval: Duration, now: SystemTime) -> Duration {
    let length = interval.as_nanos().max(1);
    let place = u128::from(conversation) % length;
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let elapsed = (since_epoch + length - place) % length;
    Duration::from_nanos(u64::try_from(length - elapsed).unwrap_or(u64::MAX))
}

/// A pause after `failures` failed passes in a row: exponential, with full jitter (`roll` is uniform in 0..1).
pub(super) fn backoff(failures: u32, timing: &Timing, roll: f64) -> Duration {
    let (first, longest) = timing.backoff;
    let ceiling = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(longest);
    // Never zero, or a failing pass would spin.
    ceiling.mul_f64(roll.clamp(0.05, 1.0))
}

/// Whether this happened within the last `span`. The clocks of two replicas may differ; a little of that is no harm.
pub(super) fn recent(at: Timestamp, span: Duration) -> bool {
    SignedDuration::try_from(span).is_ok_and(|span| Timestamp::now().duration_since(at) < span)
}

/// Whether the object's conversation is closed for good, which nothing but another spec can change.
pub(super) fn is_closed(object: &ConversationWebhook) -> bool {
    object.status.as_ref().is_some_and(|status| {
        ready_reason(status) == Some(Reason::ConversationClosed.as_str())
            && status.observed_generation == object.metadata.generation
    })
}

/// Whether an object may wait for its check, as far as its status says: nothing is open, nothing changed since the
/// last finished pass, and either the webhook is there or only a human can help.
pub(super) fn is_at_rest(view: &Object, object: &ConversationWebhook) -> bool {
    let condition = |type_: &str| {
        object
            .status
            .iter()
            .flat_map(|status| &status.conditions)
            .find(|condition| condition.type_ == type_)
            .map(|condition| condition.status.as_str())
    };
    let stalled = condition("Stalled") == Some("True");
    !view.deleting
        && requested(object).is_none()
        && view.open_attempt().is_none()
        && view.record.observed_generation == Some(view.generation)
        && condition("CredentialsValid") != Some("False")
        && match view.record.webhook {
            Some(_) => condition("Synced") == Some("True") && view.is_protected(),
            // An address from a Secret is looked for sooner than at the next check, should that be what is missing.
            None => stalled && object.spec.configuration.url_from.is_none(),
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_check_keeps_its_place_in_the_interval(
            conversation: u64,
            interval in 1_u64..100_000,
            now in 1_700_000_000_000_u64..1_900_000_000_000,
        ) {
            let interval = Duration::from_secs(interval);
            let now = UNIX_EPOCH + Duration::from_millis(now);
            let first = until_check(conversation, interval, now);
            prop_assert!(first > Duration::ZERO && first <= interval);
            // Asked again at any time before it is due, the answer is the same point in time.
            let later = now + first / 2;
            prop_assert_eq!(later + until_check(conversation, interval, later), now + first);
        }

        #[test]
        fn a_pause_grows_and_never_passes_its_longest(failures in 0_u32..100, roll in 0.0_f64..1.0) {
            let pause = backoff(failures, &Timing::REAL, roll);
            prop_assert!(pause > Duration::ZERO && pause <= Timing::REAL.backoff.1);
        }
    }
}
