//! What is used and left of a budget, for people.

use jiff::Timestamp;
use parfocal_zoom::limit::{Label, Priority};
use serde::Serialize;

use super::{AccountLimits, SharedBudget, day_cap};
use crate::error::Result;

/// How much of a label's budget is used and left.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LabelBudget {
    /// The label as Zoom writes it.
    pub label: &'static str,
    /// Calls we may make in one window.
    pub per_window: u32,
    /// Length of the window in seconds.
    pub window_seconds: f64,
    /// Slots in use, or used less than a window ago.
    pub busy: u64,
    /// Calls of this process that wait for a slot.
    pub waiting: usize,
    /// The daily pool this label counts in; several labels may share one.
    pub pool: &'static str,
    /// Calls counted today in the pool.
    pub used_today: u64,
    /// Calls we may make today; none when Zoom publishes no daily limit.
    pub per_day: Option<u64>,
    /// Until when Zoom told us to wait.
    pub parked_until: Option<Timestamp>,
}

impl SharedBudget {
    /// What is used and left of an account's budget; empty when it is not paced.
    pub async fn status(&self, account: &str) -> Result<Vec<LabelBudget>> {
        let AccountLimits::Paced { plan, share } = self.shared.limits(account) else {
            return Ok(Vec::new());
        };
        let limits = plan.limits();
        let now = self.shared.clock.now();
        let rows = self.shared.store.rates().status(account, now).await?;
        let mut labels = Vec::with_capacity(Label::ALL.len());
        for label in Label::ALL {
            let rate = limits.rate(label).shared(share);
            let pool = limits.pool(label);
            let name = label.as_str();
            labels.push(LabelBudget {
                label: name,
                per_window: rate.count,
                window_seconds: rate.window.as_secs_f64(),
                busy: self
                    .shared
                    .store
                    .rates()
                    .busy(account, name, rate.count, now)
                    .await?,
                waiting: self.shared.queue.waiting(account, label),
                pool: pool.as_str(),
                used_today: rows
                    .used_today
                    .iter()
                    .find(|(row, _)| row == pool.as_str())
                    .map_or(0, |(_, used)| *used),
                per_day: day_cap(&limits, pool, share, Priority::Interactive),
                parked_until: rows
                    .parked
                    .iter()
                    .filter(|(row, _)| row == name || row == "*")
                    .map(|(_, until)| *until)
                    .max(),
            });
        }
        Ok(labels)
    }
}
