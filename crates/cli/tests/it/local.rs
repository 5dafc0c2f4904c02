//! Commands that need neither account nor store.

use crate::support::{World, shared};

const VTT: &str = "WEBVTT\r\n\r\n1\r\n00:00:01.000 --> 00:00:03.500\r\nAna Lima: Bom dia a todos.\r\n\r\n2\r\nnonsense\r\nx\r\n\r\n\
                   3\r\n00:00:04.000 --> 00:00:05.000\r\n<b>bold</b> \u{1b}[31mred\r\n";

#[test]
fn a_transcript_is_printed_in_the_published_shape() {
    let world = World::new().file("t.vtt", VTT);
    let answer = world
        .run(&["transcript", "parse", "--json", "t.vtt"])
        .exits(0)
        .json();
    let cues = answer["cues"].as_array().unwrap();
    assert_eq!(cues.len(), 2);
    assert_eq!(cues[0]["n"], 1);
    assert_eq!(cues[0]["start_ms"], 1000);
    assert_eq!(cues[0]["end_ms"], 3500);
    assert_eq!(cues[0]["speaker"], "Ana Lima");
    assert_eq!(cues[0]["text"], "Bom dia a todos.");
    assert!(cues[1]["speaker"].is_null());
    assert_eq!(cues[0].as_object().unwrap().len(), 5);
    let warnings = answer["warnings"].as_array().unwrap();
    assert!(
        !warnings.is_empty() && warnings[0]["line"].is_u64() && warnings[0]["message"].is_string()
    );
}

#[test]
fn talk_cannot_steer_the_terminal() {
    let world = World::new().file("t.vtt", VTT);
    let outcome = world.run(&["transcript", "parse", "t.vtt"]).exits(0);
    assert!(outcome.stdout.contains("Bom dia a todos."));
    assert!(!outcome.stdout.contains('\u{1b}'));
    assert!(outcome.stderr.contains("line "), "{}", outcome.stderr);
}

#[test]
fn what_is_no_transcript_is_refused() {
    let world = World::new().file("page.vtt", "<!doctype html><title>Sign in</title>");
    let problem = world
        .run(&["transcript", "parse", "page.vtt", "--json"])
        .exits(1)
        .problem();
    assert_eq!(problem["code"], "transcript");
    assert!(problem["detail"].as_str().unwrap().contains("page.vtt"));
    world.run(&["transcript", "parse", "nowhere.vtt"]).exits(1);
}

#[test]
fn real_transcripts_parse_with_every_cue() {
    let Some(folder) = shared("data/zoom-transcripts") else {
        return;
    };
    let mut files = 0;
    for series in std::fs::read_dir(folder).unwrap() {
        for meeting in std::fs::read_dir(series.unwrap().path()).unwrap().take(2) {
            let path = meeting.unwrap().path().join("transcript.vtt");
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            let expected = text.lines().filter(|line| line.contains(" --> ")).count();
            let answer = World::new()
                .run(&["transcript", "parse", "--json", path.to_str().unwrap()])
                .exits(0)
                .json();
            assert_eq!(
                answer["cues"].as_array().unwrap().len(),
                expected,
                "{}",
                path.display()
            );
            files += 1;
        }
    }
    assert!(files > 5);
}

#[test]
fn commands_that_read_a_store_say_what_to_do_when_nothing_is_there() {
    let world = World::new();
    let outcome = world.run(&["meetings", "list"]).exits(0);
    assert!(outcome.stdout.is_empty(), "{}", outcome.stdout);
    assert!(
        outcome.stderr.contains("backfill start"),
        "{}",
        outcome.stderr
    );
    let outcome = world.run(&["connections", "list"]).exits(0);
    assert!(outcome.stderr.contains("connect s2s"), "{}", outcome.stderr);
    for arguments in [
        vec!["meetings", "get", "01890000-0000-7000-8000-000000000000"],
        vec!["transcript", "show", "01890000-0000-7000-8000-000000000000"],
        vec!["events", "show", "01890000-0000-7000-8000-000000000000"],
        vec!["jobs", "show", "01890000-0000-7000-8000-000000000000"],
        vec!["connections", "show", "nobody"],
    ] {
        let mut arguments = arguments;
        arguments.push("--json");
        let problem = world.run(&arguments).exits(1).problem();
        assert_eq!(problem["code"], "not_found", "{arguments:?}");
        assert!(problem["hint"].is_string(), "{arguments:?}");
    }
}

#[test]
fn options_of_a_search_work_behind_the_query() {
    let world = World::new();
    let answer = world.run(&["search", "week", "--json"]).exits(0).json();
    assert_eq!(answer["items"].as_array().map(Vec::len), Some(0));
    world.run(&["search", "week", "--limit", "1"]).exits(0);
    world.run(&["search", "week", "--limit", "0"]).exits(2);
    world
        .run(&["search", "week", "next", "--limit=1", "--json"])
        .exits(0)
        .json();
    world.run(&["search", "week", "--nonsense"]).exits(2);
    world.run(&["search", "week -foo"]).exits(0);
    world.run(&["search", "week", "--", "-foo"]).exits(0);
    world
        .run(&["search", "--json", "week", "--", "-foo"])
        .exits(0)
        .json();
}

#[test]
fn a_query_that_cannot_be_read_is_wrong_usage() {
    let world = World::new();
    let problem = world
        .run(&["search", "from:yesterdayish", "--json"])
        .exits(2)
        .problem();
    assert_eq!(problem["code"], "invalid_input");
    assert!(problem["hint"].is_string());
}
