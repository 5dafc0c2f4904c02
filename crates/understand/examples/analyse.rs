//! Reads meetings as JSON from standard input, analyses each several times, and prints what `cargo xtask quality` and
//! `cargo xtask bench understand` put beside other methods.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints what it found"
)]

use std::io::Read as _;
use std::time::Instant;

use parfocal_understand::{Line, Wish, analyse, verify};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Meeting {
    name: String,
    date: Option<jiff::civil::Date>,
    query: Option<String>,
    lines: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    start_ms: u32,
    end_ms: u32,
    speaker: Option<String>,
    text: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: u32 = std::env::args()
        .nth(1)
        .map_or(Ok(1), |rounds| rounds.parse())?;
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let meetings: Vec<Meeting> = serde_json::from_str(&input)?;
    let mut out = Vec::new();
    for meeting in &meetings {
        let lines: Vec<Line<'_>> = (1..)
            .zip(&meeting.lines)
            .map(|(n, said)| Line {
                n,
                start_ms: said.start_ms,
                end_ms: said.end_ms,
                speaker: said.speaker.as_deref(),
                text: &said.text,
            })
            .collect();
        let wish = Wish {
            date: meeting.date,
            query: meeting.query.as_deref(),
            ..Wish::default()
        };
        let (mut best, mut first) = (f64::INFINITY, None);
        for _ in 0..rounds {
            let began = Instant::now();
            let found = analyse(&lines, &wish);
            let took = began.elapsed().as_secs_f64();
            best = best.min(took);
            first.get_or_insert((took, found));
        }
        let Some((first, found)) = first else {
            continue;
        };
        let cited = found
            .action_items
            .iter()
            .chain(&found.decisions)
            .chain(&found.summary.sentences);
        let unproven = cited
            .filter(|insight| verify(&insight.cite, &lines).is_err())
            .count();
        out.push(json!({
            "name": meeting.name, "summary": found.summary.text(), "seconds": best, "first_seconds": first,
            "unproven": unproven, "peak_kilobytes": peak_kilobytes(), "found": found,
        }));
    }
    println!("{}", serde_json::Value::Array(out));
    Ok(())
}

/// The most memory this process ever had; 0 where the system does not say.
fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|size| size.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
