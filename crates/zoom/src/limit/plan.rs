//! What Zoom allows per plan. Source: Zoom's rate-limit page and the labels of its API documents, 2026.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Label;

/// Creates and updates of meetings and webinars per host and UTC day.
pub const HOST_WRITES_PER_DAY: u32 = 100;
/// Additions of the same registrant to the same meeting per UTC day.
pub const REGISTRANT_ADDS_PER_DAY: u32 = 3;
/// Status changes of the same registrant of the same meeting per UTC day.
pub const REGISTRANT_CHANGES_PER_DAY: u32 = 10;

/// The plan of an account, as far as rates depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Plan {
    /// Basic, free of charge.
    #[default]
    Free,
    /// Pro.
    Pro,
    /// Business, Education, Enterprise and Partner.
    Business,
}

impl Plan {
    /// What Zoom allows on this plan.
    #[must_use]
    pub const fn limits(self) -> Limits {
        const SECOND: Duration = Duration::from_secs(1);
        const MINUTE: Duration = Duration::from_mins(1);
        const fn rate(count: u32, window: Duration) -> Rate {
            Rate { count, window }
        }
        match self {
            Self::Free => Limits {
                rates: [
                    rate(4, SECOND),
                    rate(2, SECOND),
                    rate(1, SECOND),
                    rate(10, MINUTE),
                ],
                pools: [
                    Pool::Light,
                    Pool::Medium,
                    Pool::Heavy,
                    Pool::ResourceIntensive,
                ],
                per_day: [Some(6_000), Some(2_000), Some(1_000), Some(30_000), None],
            },
            Self::Pro => Limits {
                rates: [
                    rate(30, SECOND),
                    rate(20, SECOND),
                    rate(10, SECOND),
                    rate(10, MINUTE),
                ],
                pools: [
                    Pool::Light,
                    Pool::Medium,
                    Pool::HeavyShared,
                    Pool::HeavyShared,
                ],
                per_day: [None, None, None, None, Some(30_000)],
            },
            Self::Business => Limits {
                rates: [
                    rate(80, SECOND),
                    rate(60, SECOND),
                    rate(40, SECOND),
                    rate(20, MINUTE),
                ],
                pools: [
                    Pool::Light,
                    Pool::Medium,
                    Pool::HeavyShared,
                    Pool::HeavyShared,
                ],
                per_day: [None, None, None, None, Some(60_000)],
            },
        }
    }

    /// The plan's name in configuration files (`free`, `pro`, `business`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Business => "business",
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such plan: {0:?} (known: free, pro, business)")]
pub struct UnknownPlan(String);

impl FromStr for Plan {
    type Err = UnknownPlan;

    fn from_str(text: &str) -> Result<Self, UnknownPlan> {
        match text.trim().to_ascii_lowercase().as_str() {
            "free" | "basic" => Ok(Self::Free),
            "pro" => Ok(Self::Pro),
            "business" | "business+" | "education" | "enterprise" | "partner" => Ok(Self::Business),
            _ => Err(UnknownPlan(text.to_owned())),
        }
    }
}

/// So many calls in any window of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls allowed.
    pub count: u32,
    /// Length of the window.
    pub window: Duration,
}

impl Rate {
    /// The part of the rate that `share` (0 to 1) leaves us, as slots in a window that is never shorter than Zoom's.
    ///
    /// One slot at least: a share of a rate of one per second makes the window longer instead.
    #[must_use]
    pub fn shared(self, share: f64) -> Self {
        let share = if share.is_finite() {
            share.clamp(0.001, 1.0)
        } else {
            1.0
        };
        let exact = f64::from(self.count.max(1)) * share;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between one and a u32 count"
        )]
        let count = (exact - 1e-9).ceil().max(1.0) as u32;
        Self {
            count,
            window: self.window.mul_f64((f64::from(count) / exact).max(1.0)),
        }
    }
}

/// A daily budget; some labels share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pool {
    /// Light calls.
    Light,
    /// Medium calls.
    Medium,
    /// Heavy calls alone (Free).
    Heavy,
    /// Resource-intensive calls alone (Free).
    ResourceIntensive,
    /// Heavy and resource-intensive calls together (Pro and up).
    HeavyShared,
}

impl Pool {
    /// All pools.
    pub const ALL: [Self; 5] = [
        Self::Light,
        Self::Medium,
        Self::Heavy,
        Self::ResourceIntensive,
        Self::HeavyShared,
    ];

    /// A stable name (`light`, `medium`, `heavy`, `resource_intensive`, `heavy_shared`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Medium => "medium",
            Self::Heavy => "heavy",
            Self::ResourceIntensive => "resource_intensive",
            Self::HeavyShared => "heavy_shared",
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Light => 0,
            Self::Medium => 1,
            Self::Heavy => 2,
            Self::ResourceIntensive => 3,
            Self::HeavyShared => 4,
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All limits of an account, before its share is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    rates: [Rate; 4],
    pools: [Pool; 4],
    per_day: [Option<u32>; 5],
}

impl Limits {
    /// Calls of this label per window.
    #[must_use]
    pub const fn rate(&self, label: Label) -> Rate {
        self.rates[label.index()]
    }

    /// The daily pool that calls of this label count against.
    #[must_use]
    pub const fn pool(&self, label: Label) -> Pool {
        self.pools[label.index()]
    }

    /// Calls per UTC day of this pool; `None` when Zoom publishes none.
    #[must_use]
    pub const fn per_day(&self, pool: Pool) -> Option<u32> {
        self.per_day[pool.index()]
    }

    /// The same limits with another rate for a label.
    #[must_use]
    pub const fn with_rate(mut self, label: Label, rate: Rate) -> Self {
        self.rates[label.index()] = rate;
        self
    }

    /// The same limits with another daily budget for a pool.
    #[must_use]
    pub const fn with_per_day(mut self, pool: Pool, per_day: Option<u32>) -> Self {
        self.per_day[pool.index()] = per_day;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_never_allows_more_than_zoom() {
        for count in 1..=80 {
            for share in [0.01, 0.1, 0.33, 0.5, 0.8, 0.99, 1.0, 7.0, f64::NAN] {
                let whole = Rate {
                    count,
                    window: Duration::from_secs(1),
                };
                let part = whole.shared(share);
                assert!(part.count <= count && part.count >= 1 && part.window >= whole.window);
                let rate = f64::from(part.count) / part.window.as_secs_f64();
                let wanted = f64::from(count) * if share.is_nan() { 1.0 } else { share.min(1.0) };
                assert!(
                    (rate - wanted).abs() < 1e-3,
                    "{count} {share}: {rate} instead of {wanted}"
                );
            }
        }
    }

    #[test]
    fn heavy_and_resource_intensive_share_a_pool_when_paid() {
        for plan in [Plan::Pro, Plan::Business] {
            let limits = plan.limits();
            assert_eq!(
                limits.pool(Label::Heavy),
                limits.pool(Label::ResourceIntensive)
            );
        }
        assert_eq!(
            Plan::Business.limits().per_day(Pool::HeavyShared),
            Some(60_000)
        );
        assert_eq!(Plan::Free.limits().per_day(Pool::Medium), Some(2_000));
        assert_eq!("Enterprise".parse::<Plan>().unwrap(), Plan::Business);
    }
}
