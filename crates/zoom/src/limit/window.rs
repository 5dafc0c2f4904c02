//! Slots that are held from grant until one window after the answer.

use std::collections::VecDeque;
use std::time::Duration;

use super::Rate;

/// Counts calls so that no sliding window, judged at arrival, holds more than allowed.
///
/// Times are readings of one monotonic clock. `slack` is added to the window against coarse clocks on the other side.
#[derive(Debug, Clone)]
pub struct SlidingWindow {
    rate: Rate,
    slack: Duration,
    in_flight: u32,
    freed_at: VecDeque<Duration>,
    blocked_until: Duration,
}

impl SlidingWindow {
    /// An empty window.
    #[must_use]
    pub fn new(rate: Rate, slack: Duration) -> Self {
        Self {
            rate,
            slack,
            in_flight: 0,
            freed_at: VecDeque::new(),
            blocked_until: Duration::ZERO,
        }
    }

    /// Takes a slot, or says when one may be free (`None`: not before a call in flight is answered).
    pub fn take(&mut self, now: Duration) -> Result<(), Option<Duration>> {
        while self.freed_at.front().is_some_and(|at| *at <= now) {
            self.freed_at.pop_front();
        }
        if self.blocked_until > now {
            return Err(Some(self.blocked_until));
        }
        if self.held() < self.rate.count {
            self.in_flight += 1;
            return Ok(());
        }
        Err(self.freed_at.front().copied())
    }

    /// A call was answered (or given up) at `now`: its slot becomes free one window later.
    pub fn answered(&mut self, now: Duration) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let at = now
            .saturating_add(self.rate.window)
            .saturating_add(self.slack);
        // The clock is monotonic, so the queue stays sorted; a reading out of order is moved up to its neighbour.
        let at = self.freed_at.back().map_or(at, |last| at.max(*last));
        self.freed_at.push_back(at);
    }

    /// A call was never sent: its slot is free at once.
    pub fn unused(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Grants nothing until `until`.
    pub fn block(&mut self, until: Duration) {
        self.blocked_until = self.blocked_until.max(until);
    }

    fn held(&self) -> u32 {
        self.in_flight
            .saturating_add(u32::try_from(self.freed_at.len()).unwrap_or(u32::MAX))
    }
}
