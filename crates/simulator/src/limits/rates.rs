//! Zoom's published rates per plan and label (rate-limit page of 2026).

use crate::config::Plan;
use crate::rest::table::Label;

/// Length of the short window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// One second.
    Second,
    /// One minute (resource-intensive).
    Minute,
}

impl Window {
    /// Name in violations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
        }
    }
}

/// The budget of one label under one plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Requests per short window.
    pub per_window: u64,
    /// The short window.
    pub window: Window,
    /// Requests per UTC day, if limited.
    pub per_day: Option<u64>,
    /// Labels that share the day's pool.
    pub pool: &'static [Label],
}

impl Rates {
    /// The rates of a plan; `None` for labels without published rates.
    pub const fn of(plan: Plan, label: Label) -> Option<Self> {
        const SHARED: &[Label] = &[Label::Heavy, Label::Intensive];
        let (per_window, window, per_day, pool): (u64, Window, Option<u64>, &'static [Label]) =
            match (plan, label) {
                (_, Label::None) => return None,
                (Plan::Free, Label::Light) => (4, Window::Second, Some(6_000), &[Label::Light]),
                (Plan::Free, Label::Medium) => (2, Window::Second, Some(2_000), &[Label::Medium]),
                (Plan::Free, Label::Heavy) => (1, Window::Second, Some(1_000), &[Label::Heavy]),
                (Plan::Free, Label::Intensive) => {
                    (10, Window::Minute, Some(30_000), &[Label::Intensive])
                }
                (Plan::Pro, Label::Light) => (30, Window::Second, None, &[]),
                (Plan::Pro, Label::Medium) => (20, Window::Second, None, &[]),
                (Plan::Pro, Label::Heavy) => (10, Window::Second, Some(30_000), SHARED),
                (Plan::Pro, Label::Intensive) => (10, Window::Minute, Some(30_000), SHARED),
                (Plan::Business, Label::Light) => (80, Window::Second, None, &[]),
                (Plan::Business, Label::Medium) => (60, Window::Second, None, &[]),
                (Plan::Business, Label::Heavy) => (40, Window::Second, Some(60_000), SHARED),
                (Plan::Business, Label::Intensive) => (20, Window::Minute, Some(60_000), SHARED),
            };
        Some(Self {
            per_window,
            window,
            per_day,
            pool,
        })
    }

    /// Requests per second as a fraction: `(count, seconds)`.
    pub const fn per(self) -> (u64, u64) {
        match self.window {
            Window::Second => (self.per_window, 1),
            Window::Minute => (self.per_window, 60),
        }
    }
}
