//! Expands rules for a comparison with other programs: one JSON object a line on standard input
//! (`{"start": "2026-03-28T09:00:00", "zone": "Europe/Berlin", "rule": "FREQ=DAILY;COUNT=3", "limit": 20}`), one JSON object
//! a line on standard output (`{"instances": [Unix seconds, …]}` or `{"error": "…"}`).

use std::io::{BufRead as _, Write as _};

use parfocal_formats::recurrence::{Series, Start};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Asked {
    start: jiff::civil::DateTime,
    zone: String,
    rule: String,
    limit: usize,
}

fn expand(line: &str) -> Result<Vec<i64>, Box<dyn std::error::Error>> {
    let asked: Asked = serde_json::from_str(line)?;
    let start = Start::in_zone(asked.start, &asked.zone)?;
    let series = Series::new(start, asked.rule.parse()?)?;
    let instances = series.instances().take(asked.limit);
    Ok(instances
        .filter_map(|one| one.at.map(jiff::Timestamp::as_second))
        .collect())
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let answer: Value = match expand(&line?) {
            Ok(instances) => json!({"instances": instances}),
            Err(error) => json!({"error": error.to_string()}),
        };
        writeln!(out, "{answer}")?;
    }
    out.flush()
}
