//! The embedded analyst: time and memory of one meeting, beside reading its transcript.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::json;

use super::Run;
use crate::quality;

/// Rounds; the best counts, and the first is told too: it compiles the patterns.
const ROUNDS: u32 = 20;
/// Words a minute of ordinary talk.
const PACE: usize = 150;

#[derive(Deserialize)]
struct Measured {
    name: String,
    seconds: f64,
    first_seconds: f64,
    peak_kilobytes: u64,
}

pub(crate) fn measure(run: &Run) -> Result<String> {
    let mut table = String::from(
        "Made-up talk of 150 words a minute, four speakers; everything at once: summary, chapters, action items, decisions, \
         questions, topics, talk times, and the check of every quote. One thread; the best of 20 rounds, the first (which \
         compiles the patterns), and the highest memory of the whole process.\n\n\
         | meeting | words | best | first | memory |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for (name, minutes) in [
        ("a quarter of an hour", 15),
        ("an hour", 60),
        ("eight hours", 480),
    ] {
        let meeting =
            json!([{"name": name, "date": "2026-03-03", "query": null, "lines": talk(minutes)}]);
        let measured: Vec<Measured> = serde_json::from_str(&quality::run_analyst(
            &meeting.to_string(),
            run.size(ROUNDS, 1),
        )?)?;
        let one = measured.first().context("the analyst measured nothing")?;
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "| {} | {} | {:.1} ms | {:.1} ms | {} MiB |",
            one.name,
            minutes * PACE,
            one.seconds * 1e3,
            one.first_seconds * 1e3,
            one.peak_kilobytes / 1024
        );
    }
    Ok(table)
}

/// Cues of so many minutes: sentences of all kinds from a small grammar, the same in every run.
fn talk(minutes: usize) -> Vec<serde_json::Value> {
    const NAMES: [&str; 4] = ["Edda Brandt", "Luan Costa", "Inês Peña", "Sato Ken"];
    const OPENERS: [&str; 8] = [
        "So, um,",
        "I think",
        "Yeah, and",
        "We know that",
        "Okay, then",
        "You see,",
        "And",
        "Right,",
    ];
    const THINGS: [&str; 16] = [
        "ferry",
        "harbour",
        "budget",
        "stage",
        "insurance",
        "fire brigade",
        "north pier",
        "sound system",
        "car park",
        "notice board",
        "savings bank",
        "music school",
        "boat house",
        "city office",
        "weather report",
        "lantern show",
    ];
    const DOES: [&str; 10] = [
        "needs more time than we planned",
        "is too expensive this year",
        "will be ready next week",
        "was changed again",
        "depends on the answer of the city",
        "has a problem with the power line",
        "should be reviewed by everybody",
        "makes sense for the visitors",
        "is not clear yet",
        "works better than last time",
    ];
    const TASKS: [&str; 5] = [
        "I'll send the draft to the office by Friday.",
        "Could you check the list until tomorrow?",
        "Let's go with the second offer.",
        "What do we do about the rain?",
        "Next topic, please.",
    ];
    let mut words = 0;
    let mut lines = Vec::new();
    while words < minutes * PACE {
        // A fixed sequence that repeats late.
        let at = lines.len();
        let mix = at.wrapping_mul(2_654_435_761) >> 7;
        let text = if mix % 23 == 0 {
            TASKS[mix / 23 % TASKS.len()].to_owned()
        } else {
            // The matters of the talk change from time to time.
            let thing = THINGS[(at / 60 * 3 + mix % 5) % THINGS.len()];
            format!(
                "{} the {thing} {}.",
                OPENERS[mix / 5 % OPENERS.len()],
                DOES[mix / 41 % DOES.len()]
            )
        };
        let start = words * 60_000 / PACE;
        words += text.split(' ').count();
        lines.push(json!({
            "start_ms": start, "end_ms": words * 60_000 / PACE, "speaker": NAMES[mix / 3 % NAMES.len()], "text": text,
        }));
    }
    lines
}
