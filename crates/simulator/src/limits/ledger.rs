//! What was called: counts per label and endpoint, and the gaps somebody ran into.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// A path the reference knows and the simulator lacks, as somebody called it.
#[derive(Debug, Clone, Serialize)]
pub struct Gap {
    /// Method.
    pub method: &'static str,
    /// Path of the reference.
    pub path: &'static str,
    /// How often.
    pub count: u64,
    /// First time.
    pub first: Timestamp,
    /// Last time.
    pub last: Timestamp,
}

/// Counts of everything that came in.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Requests under `/v2`.
    pub total: u64,
    /// Per label.
    pub by_label: BTreeMap<&'static str, u64>,
    /// Per `METHOD /path`.
    pub by_endpoint: BTreeMap<String, u64>,
    /// Requests under `/rec`, redirect and storage counted once.
    pub downloads: u64,
    /// Requests under `/oauth`.
    pub oauth: u64,
    gaps: BTreeMap<(&'static str, &'static str), Gap>,
}

impl Ledger {
    /// Notes a call of a known path.
    pub fn call(&mut self, label: &'static str, endpoint: String) {
        self.total += 1;
        *self.by_label.entry(label).or_default() += 1;
        *self.by_endpoint.entry(endpoint).or_default() += 1;
    }

    /// Notes a call of an unknown path.
    pub fn unknown(&mut self) {
        self.total += 1;
    }

    /// Notes a gap.
    pub fn gap(&mut self, method: &'static str, path: &'static str, now: Timestamp) {
        let gap = self.gaps.entry((path, method)).or_insert_with(|| Gap {
            method,
            path,
            count: 0,
            first: now,
            last: now,
        });
        gap.count += 1;
        gap.last = now;
    }

    /// All gaps, by path.
    pub fn gaps(&self) -> Vec<&Gap> {
        self.gaps.values().collect()
    }
}
