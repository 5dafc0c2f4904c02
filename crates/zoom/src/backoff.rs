//! How long to wait before another attempt.

use std::time::Duration;

use crate::clock::Random;

/// Exponential backoff with full jitter, bounded in number and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Upper bound of the first pause; doubles with each attempt.
    pub base: Duration,
    /// Upper bound of any pause that the server did not ask for.
    pub cap: Duration,
    /// Attempts at most, the first included.
    pub attempts: u32,
    /// Time for all attempts and pauses together.
    pub total: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
            attempts: 4,
            total: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// The pause after attempt number `attempt` (from one): a random part of the exponential bound, on top of what
    /// the server asked for.
    #[must_use]
    pub fn delay(
        &self,
        attempt: u32,
        retry_after: Option<Duration>,
        random: &dyn Random,
    ) -> Duration {
        let factor = 1_u32
            .checked_shl(attempt.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let bound = self.base.saturating_mul(factor).min(self.cap);
        match retry_after {
            // Everybody was told the same time: a little spread keeps them from coming back at once.
            Some(asked) => asked.saturating_add(random.up_to(bound.min(Duration::from_secs(1)))),
            None => random.up_to(bound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRandom;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pauses_stay_within_their_bounds(seed: u64, attempt in 0_u32..200, asked in proptest::option::of(0_u64..90_000)) {
            let backoff = Backoff::default();
            let asked = asked.map(Duration::from_secs);
            let pause = backoff.delay(attempt, asked, &SeededRandom::new(seed));
            match asked {
                Some(asked) => prop_assert!(pause >= asked && pause <= asked + Duration::from_secs(1)),
                None => prop_assert!(pause <= backoff.cap),
            }
            if asked.is_none() && attempt <= 1 {
                prop_assert!(pause <= backoff.base);
            }
        }
    }

    #[test]
    fn jitter_is_full() {
        let backoff = Backoff::default();
        let random = SeededRandom::new(7);
        let pauses: Vec<_> = (0..2_000)
            .map(|_| backoff.delay(3, None, &random))
            .collect();
        assert!(
            pauses
                .iter()
                .any(|pause| *pause < Duration::from_millis(100))
        );
        assert!(
            pauses
                .iter()
                .any(|pause| *pause > Duration::from_millis(1_900))
        );
    }
}
