//! What came of the events.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde::Serialize;

pub(crate) struct Figures {
    first: u64,
    accepted: Vec<u64>,
    latencies: Vec<Duration>,
    late: Vec<Duration>,
    waited: Vec<Duration>,
    refused: BTreeMap<u16, u64>,
    unanswered: u64,
    attempted: usize,
    start: Option<Instant>,
    last: Option<Instant>,
}

/// The figures as they are printed; milliseconds.
#[derive(Serialize)]
pub(crate) struct Summary {
    attempted: usize,
    accepted: usize,
    refused: BTreeMap<u16, u64>,
    unanswered: u64,
    seconds: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// Counted from the instant a request was really sent: the timer of this program apart.
    sent_p50_ms: f64,
    sent_p99_ms: f64,
    /// How much later than intended events were sent, because every connection was waiting or this program was late.
    late_p99_ms: f64,
}

impl Figures {
    pub(crate) fn new(count: usize, first: u64) -> Self {
        Self {
            first,
            accepted: Vec::with_capacity(count),
            latencies: Vec::with_capacity(count),
            late: Vec::with_capacity(count),
            waited: Vec::with_capacity(count),
            refused: BTreeMap::new(),
            unanswered: 0,
            attempted: 0,
            start: None,
            last: None,
        }
    }

    pub(crate) fn answered(
        &mut self,
        number: usize,
        status: u16,
        due: Instant,
        sent: Instant,
        answered: Instant,
    ) {
        self.last = Some(answered);
        self.late.push(sent.saturating_duration_since(due));
        if (200..300).contains(&status) {
            self.accepted.push(self.first + number as u64);
            self.latencies.push(answered.saturating_duration_since(due));
            self.waited.push(answered.saturating_duration_since(sent));
        } else {
            *self.refused.entry(status).or_default() += 1;
        }
    }

    pub(crate) fn unanswered(&mut self) {
        self.unanswered += 1;
    }

    pub(crate) fn finish(&mut self, start: Instant, attempted: usize) {
        self.start = Some(start);
        self.attempted = attempted;
        self.latencies.sort_unstable();
        self.late.sort_unstable();
        self.waited.sort_unstable();
    }

    /// The numbers of the accepted events, one a line.
    pub(crate) fn accepted_lines(&self) -> String {
        self.accepted
            .iter()
            .fold(String::new(), |mut text, number| {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{number}");
                text
            })
    }

    pub(crate) fn summary(&self) -> Summary {
        let seconds = match (self.start, self.last) {
            (Some(start), Some(last)) => last.saturating_duration_since(start).as_secs_f64(),
            _ => 0.0,
        };
        Summary {
            attempted: self.attempted,
            accepted: self.accepted.len(),
            refused: self.refused.clone(),
            unanswered: self.unanswered,
            seconds,
            p50_ms: quantile(&self.latencies, 50),
            p99_ms: quantile(&self.latencies, 99),
            max_ms: quantile(&self.latencies, 100),
            sent_p50_ms: quantile(&self.waited, 50),
            sent_p99_ms: quantile(&self.waited, 99),
            late_p99_ms: quantile(&self.late, 99),
        }
    }
}

/// Of sorted times the one below which `percent` of them lie, in milliseconds.
fn quantile(times: &[Duration], percent: usize) -> f64 {
    let at = times.len().saturating_sub(1) * percent / 100;
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}
