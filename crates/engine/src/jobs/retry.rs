//! When a failed job is tried again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Longest pause between two tries.
const LONGEST: Duration = Duration::from_hours(6);

/// How often a kind of job is tried, and how the pauses grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Tries before the job is put before a person.
    pub max_attempts: u32,
    /// Pause after the first failure; doubles with each further one.
    pub first: Duration,
}

impl Policy {
    /// For work inside this machine, where a failure is a fault rather than weather.
    pub const LOCAL: Self = Self {
        max_attempts: 5,
        first: Duration::from_secs(2),
    };

    /// When the next try is due after failure number `attempt` (from 1), or none when it was the last.
    ///
    /// Full jitter: anywhere between half and all of the pause, `chance` being a number from 0 to 1, so that jobs that
    /// failed together do not come back together.
    pub fn next(self, attempt: u32, now: Timestamp, chance: f64) -> Option<Timestamp> {
        if attempt >= self.max_attempts {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(20);
        let pause = self.first.saturating_mul(1 << doublings).min(LONGEST);
        let pause = pause.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
        Some(
            now.saturating_add(
                SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_hours(6)),
            )
            .unwrap_or(now),
        )
    }
}

/// When to look again for something that Zoom has promised but not delivered, such as a transcript.
///
/// Three minutes at first, then ever more slowly up to six hours, because Zoom takes minutes as a rule and up to three
/// days under load; none when `deadline` has passed.
pub fn look_again(since: Timestamp, now: Timestamp, deadline: Timestamp) -> Option<Timestamp> {
    if now >= deadline {
        return None;
    }
    let waited = now.duration_since(since).max(SignedDuration::ZERO);
    let pause = (waited / 2).clamp(SignedDuration::from_mins(3), SignedDuration::from_hours(6));
    Some(now.saturating_add(pause).unwrap_or(deadline).min(deadline))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let policy = Policy {
            max_attempts: 4,
            first: Duration::from_secs(10),
        };
        let now = Timestamp::UNIX_EPOCH;
        let seconds = |attempt, chance| policy.next(attempt, now, chance).map(Timestamp::as_second);
        assert_eq!(seconds(1, 1.0), Some(10));
        assert_eq!(seconds(1, 0.0), Some(5));
        assert_eq!(seconds(3, 1.0), Some(40));
        assert_eq!(seconds(4, 1.0), None);
        let patient = Policy {
            max_attempts: 100,
            first: Duration::from_secs(10),
        };
        assert_eq!(
            patient.next(60, now, 1.0).map(Timestamp::as_second),
            Some(6 * 60 * 60)
        );
    }

    #[test]
    fn looking_again_slows_down_and_stops() {
        let since = Timestamp::UNIX_EPOCH;
        let deadline = since + SignedDuration::from_hours(72);
        let mut now = since;
        let mut looks = 0;
        while let Some(next) = look_again(since, now, deadline) {
            assert!(next > now);
            now = next;
            looks += 1;
        }
        assert_eq!(now, deadline);
        assert!((10..60).contains(&looks), "{looks}");
    }
}
