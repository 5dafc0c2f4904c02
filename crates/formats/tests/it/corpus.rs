//! What fuzzing found (and started from) stays tested; new finds are copied into `fuzz/corpus/{target}`.

use std::path::Path;

use jiff::tz::TimeZone;
use parfocal_formats::ical::{Calendar, Letter, replies};
use parfocal_formats::{chat, query, text, vtt};

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let files: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert!(!files.is_empty());
    files
}

#[test]
fn transcripts_of_the_corpus() {
    for bytes in corpus("transcript") {
        let source = vtt::decode(&bytes);
        if let Ok(first) = vtt::parse(&source) {
            let written = first.write();
            let second = vtt::parse(&written).unwrap();
            assert_eq!(first, second);
            assert_eq!(second.write(), written);
        }
    }
}

#[test]
fn chats_of_the_corpus() {
    for bytes in corpus("chat") {
        let chat = chat::parse(&vtt::decode(&bytes));
        assert!(
            chat.messages
                .iter()
                .all(|message| !message.sender.is_empty())
        );
    }
}

#[test]
fn queries_of_the_corpus() {
    for bytes in corpus("query") {
        let input = vtt::decode(&bytes);
        let _ = text::index_text(&input);
        if let Ok(query) = query::parse(&input) {
            let cut = text::snippet(&input, &query.positive_terms(), 40);
            assert!(
                cut.ranges
                    .iter()
                    .all(|range| cut.text.get(range.clone()).is_some())
            );
        }
    }
}

#[test]
fn calendars_of_the_corpus() {
    for bytes in corpus("calendar") {
        let Ok(first) = Calendar::parse(&vtt::decode(&bytes)) else {
            continue;
        };
        let _ = replies(&first);
        for event in &first.events {
            if let Some(Ok(series)) = event.series(&TimeZone::UTC) {
                assert!(series.instances().take(20).count() <= 20);
            }
        }
        let second = Calendar::parse(&first.to_string()).unwrap();
        let uids = |calendar: &Calendar| -> Vec<String> {
            let events = calendar.events.iter();
            events.map(|event| event.uid.clone()).collect()
        };
        assert_eq!(uids(&first), uids(&second));
    }
}

#[test]
fn letters_of_the_corpus() {
    for bytes in corpus("letter") {
        if let Ok(letter) = Letter::parse(&bytes) {
            assert!(letter.calendars.len() <= 64, "one mail, many calendars");
        }
    }
}
