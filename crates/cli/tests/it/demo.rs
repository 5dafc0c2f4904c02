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
        started.elapsed() < Duration::from_secs(60),
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
