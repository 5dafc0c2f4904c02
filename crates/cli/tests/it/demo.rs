//! The demo proves itself.

use std::time::{Duration, Instant};

use crate::support::World;

#[test]
fn once_agrees_with_everything_that_can_be_known() {
    let started = Instant::now();
    let outcome = World::new().run(&["demo", "--once", "--json"]).exits(0);
    let answer = outcome.json();
    assert_eq!(answer["agrees"], true, "{answer}");
    assert_eq!(answer["differences"].as_array().unwrap().len(), 0);
    assert!(answer["compared"].as_u64().unwrap() > 500, "{answer}");
    assert_eq!(answer["violations"], 0);
    assert!(answer["live"]["seconds"].as_f64().unwrap() < 30.0);
    assert!(
        started.elapsed() < Duration::from_mins(1),
        "the demo took {:?}",
        started.elapsed()
    );
}

#[test]
fn its_output_reads_well_without_colours() {
    let outcome = World::new().run(&["demo", "--once"]).exits(0);
    assert!(!outcome.stdout.contains('\u{1b}'));
    for part in [
        "transcripts",
        "searchable",
        "violations",
        "http://127.0.0.1:",
    ] {
        assert!(
            outcome.stdout.contains(part),
            "{part} is missing in\n{}",
            outcome.stdout
        );
    }
    assert!(outcome.stderr.is_empty(), "{}", outcome.stderr);
}

#[test]
fn it_agrees_on_postgresql_too() {
    let Some(url) = crate::postgres::database("demo") else {
        return;
    };
    let answer = World::new()
        .run(&["demo", "--once", "--json", "--database", &url])
        .exits(0)
        .json();
    assert_eq!(answer["agrees"], true, "{answer}");
}

#[test]
fn every_real_transcript_and_chat_line_arrives() {
    let Some(folder) = crate::support::shared("data/zoom-transcripts") else {
        return;
    };
    // Counted by other means than the parsers': arrows of time lines, and lines that begin with a time and a tab.
    let (mut files, mut cues, mut lines) = (0, 0, 0);
    for series in std::fs::read_dir(&folder).unwrap() {
        for meeting in std::fs::read_dir(series.unwrap().path()).unwrap() {
            let meeting = meeting.unwrap().path();
            if let Ok(text) = std::fs::read_to_string(meeting.join("transcript.vtt")) {
                files += 1;
                cues += text.matches(" --> ").count();
            }
            let chat = std::fs::read_to_string(meeting.join("chat.txt")).unwrap_or_default();
            lines += chat.lines().filter(|line| is_message(line)).count();
        }
    }
    let folder = folder.display().to_string();
    let answer = World::new()
        .run(&["demo", "--once", "--json", "--transcripts", &folder])
        .exits(0)
        .json();
    assert_eq!(answer["agrees"], true, "{answer}");
    let (stored, live) = (&answer["stored"], &answer["live"]);
    let before = |what: &str, of_live: &str| {
        stored[what].as_u64().unwrap() - live[of_live].as_u64().unwrap()
    };
    assert_eq!(
        stored["transcripts"],
        files + 1,
        "one is the live meeting's"
    );
    assert_eq!(before("cues", "cues"), cues as u64);
    assert_eq!(before("chat_messages", "chat_messages"), lines as u64);
}

fn is_message(line: &str) -> bool {
    line.as_bytes().get(8) == Some(&b'\t')
        && line[..8].bytes().enumerate().all(|(at, byte)| match at {
            2 | 5 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
}
