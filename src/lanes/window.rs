//! How wide a lane is: additive increase, multiplicative decrease (AIMD), with a memory of what was too wide.

use std::time::Duration;

/// How many passes of one account may be in the lane at once.
///
/// Grows by 1 with each clean window, which is as many answers in a row as it is wide, and is halved by a 429. Without
/// a memory it would run into the same limit again and again, so that 429s never became few.
#[derive(Debug)]
pub(super) struct Window {
    ceiling: u32,
    width: u32,
    /// Answers in a row, to requests that were sent at this width.
    clean: u32,
    /// When it was last cut: what was sent before tells nothing new.
    cut_at: Option<Duration>,
    too_wide: Option<TooWide>,
}

/// A width that drew a 429.
#[derive(Debug)]
struct TooWide {
    width: u32,
    /// When it drew the 429, or was last reached again.
    since: Duration,
}

impl Window {
    /// As wide as it may become.
    pub(super) fn new(ceiling: u32) -> Self {
        Self { ceiling, width: ceiling, clean: 0, cut_at: None, too_wide: None }
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    /// Whether nothing happened that would make it another than a new one.
    pub(super) fn is_as_new(&self) -> bool {
        self.width == self.ceiling && self.too_wide.is_none()
    }

    /// A request that was sent at `sent` was answered. A width that was too wide is reached again after `avoid` at the
    /// earliest.
    pub(super) fn answered(&mut self, sent: Duration, now: Duration, avoid: Duration) {
        if self.is_from_before_cut(sent) {
            return;
        }
        self.clean = self.clean.saturating_add(1);
        if self.clean < self.width {
            return;
        }
        self.clean = 0;
        // It was reached again and held for a whole window: Twilio allows more than it did.
        self.too_wide.take_if(|too_wide| self.width >= too_wide.width);
        let next = self.width.saturating_add(1);
        if next > self.ceiling {
            return;
        }
        if let Some(too_wide) = self.too_wide.as_mut().filter(|too_wide| next >= too_wide.width) {
            if now < too_wide.since + avoid {
                return;
            }
            too_wide.since = now;
        }
        self.width = next;
    }

    /// A request that was sent at `sent` got a 429, when the account had `concurrent` requests in flight at Twilio.
    ///
    /// The requests in flight together are often refused together: only the first of them halves the window.
    pub(super) fn rate_limited(&mut self, sent: Duration, now: Duration, concurrent: Option<u32>) {
        self.clean = 0;
        if !self.is_from_before_cut(sent) {
            // The floor cannot be avoided, the next width can.
            self.too_wide = Some(TooWide { width: self.width.max(2), since: now });
            self.width /= 2;
            self.cut_at = Some(now);
        }
        let others_too = concurrent.map_or(u32::MAX, |concurrent| concurrent / 2);
        self.width = self.width.min(others_too).max(1);
    }

    /// A request got no answer.
    pub(super) fn unanswered(&mut self) {
        self.clean = 0;
    }

    /// As narrow as can be: after an outage.
    pub(super) fn restart(&mut self, now: Duration) {
        self.width = 1;
        self.clean = 0;
        self.cut_at = Some(now);
    }

    fn is_from_before_cut(&self, sent: Duration) -> bool {
        self.cut_at.is_some_and(|cut| sent < cut)
    }
}
