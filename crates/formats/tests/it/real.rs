//! Real files and the reference's samples, when they are there; counted by other means than ours.

use std::path::{Path, PathBuf};

use parfocal_formats::chat::{self, Kind};
use parfocal_formats::vtt::{self, WarningKind};

use crate::fixtures::shared;

fn files_named(folder: &Path, wanted: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.file_name().is_some_and(|name| name == wanted) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_cue_of_real_transcripts_is_read_and_written_back() {
    let Some(folder) = shared("data/zoom-transcripts") else {
        return;
    };
    let files = files_named(&folder, "transcript.vtt");
    assert!(!files.is_empty());
    let (mut cues, mut named) = (0, 0);
    for path in &files {
        let file = std::fs::read_to_string(path).unwrap();
        let transcript = vtt::parse(&file).unwrap();
        assert_eq!(
            transcript.len(),
            file.lines().filter(|line| line.contains(" --> ")).count(),
            "{}",
            path.display()
        );
        assert!(
            transcript.warnings.is_empty(),
            "{}: {:?}",
            path.display(),
            transcript.warnings
        );
        assert!(
            transcript.write() == file,
            "{} is not written back byte for byte",
            path.display()
        );
        assert!(
            transcript.heap_bytes() * 2 <= file.len(),
            "{}: {} bytes for {}",
            path.display(),
            transcript.heap_bytes(),
            file.len()
        );
        // Every cue of these files has a name in front of it.
        for (cue, line) in transcript.cues().zip(file.lines().skip(4).step_by(4)) {
            let (name, words) = line.split_once(": ").unwrap();
            assert_eq!(
                (cue.speaker.as_deref(), &*cue.text),
                (Some(name.trim()), words.trim()),
                "{}",
                path.display()
            );
            named += 1;
        }
        cues += transcript.len();
    }
    assert_eq!(named, cues);
    eprintln!("{} transcripts, {cues} cues", files.len());
}

#[test]
fn every_message_of_real_chats_is_read() {
    let Some(folder) = shared("data/zoom-transcripts") else {
        return;
    };
    let files = files_named(&folder, "chat.txt");
    assert!(!files.is_empty());
    let (mut messages, mut reactions, mut replies) = (0, 0, 0);
    for path in &files {
        let file = std::fs::read_to_string(path).unwrap();
        let chat = chat::parse(&file);
        let starts: Vec<&str> = file.split('\n').filter(|line| is_start(line)).collect();
        assert_eq!(chat.messages.len(), starts.len(), "{}", path.display());
        assert!(
            chat.warnings.is_empty(),
            "{}: {:?}",
            path.display(),
            chat.warnings
        );
        let kinds = |wanted: fn(&Kind) -> bool| {
            chat.messages
                .iter()
                .filter(|message| wanted(&message.kind))
                .count()
        };
        reactions += kinds(|kind| matches!(kind, Kind::Reaction { .. }));
        replies += kinds(|kind| matches!(kind, Kind::Reply { .. }));
        assert!(
            chat.messages
                .iter()
                .all(|message| !message.sender.is_empty() && !message.raw.is_empty()),
            "{}",
            path.display()
        );
        // Nothing that stands in the file is lost.
        let kept: usize = chat
            .messages
            .iter()
            .map(|message| {
                message
                    .raw
                    .lines()
                    .filter(|line| !line.trim().is_empty())
                    .count()
            })
            .sum();
        assert_eq!(
            kept,
            file.lines().filter(|line| !line.trim().is_empty()).count(),
            "{}",
            path.display()
        );
        messages += chat.messages.len();
    }
    assert!(
        reactions > 1_000 && replies > 500,
        "{reactions} reactions, {replies} replies"
    );
    eprintln!(
        "{} chats, {messages} messages, of them {reactions} reactions and {replies} replies",
        files.len()
    );
}

/// `HH:MM:SS`, tab, name, colon, tab.
fn is_start(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() > 9
        && bytes[8] == b'\t'
        && [2, 5].iter().all(|&at| bytes[at] == b':')
        && [0, 1, 3, 4, 6, 7]
            .iter()
            .all(|&at| bytes[at].is_ascii_digit())
        && line[9..].contains(":\t")
}

#[test]
fn the_references_samples_read_as_it_says() {
    let Some(folder) = shared("reference/zoom/vtt-samples") else {
        return;
    };
    let load = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let speakers = |file: &str| -> Vec<Option<String>> {
        vtt::parse(file)
            .unwrap()
            .cues()
            .map(|cue| cue.speaker.map(Into::into))
            .collect()
    };

    let counts: [(&str, usize, usize); 10] = [
        ("01-plain-crlf.vtt", 10, 3),
        ("02-unicode-bom.vtt", 8, 8),
        ("03-missing-speakers.vtt", 9, 4),
        ("04-colons.vtt", 8, 3),
        ("05-multiline.vtt", 5, 2),
        ("06-overlap.vtt", 8, 3),
        ("07-over-one-hour.vtt", 8, 2),
        ("08-foreign-vtt-features.vtt", 3, 2),
        ("09-empty-cues.vtt", 5, 2),
        ("12-project-meeting.vtt", 29, 5),
    ];
    for (name, cues, names) in counts {
        let file = load(name);
        let transcript = vtt::parse(&file).unwrap();
        assert_eq!(
            (transcript.len(), transcript.speakers().count()),
            (cues, names),
            "{name}"
        );
        assert_eq!(
            vtt::parse(&transcript.write()).unwrap(),
            transcript,
            "{name}"
        );
    }
    assert!(
        speakers(&load("02-unicode-bom.vtt"))
            .iter()
            .all(Option::is_some)
    );
    let missing = speakers(&load("03-missing-speakers.vtt"));
    assert!(
        [0, 2, 7].iter().all(|&at| missing[at].is_none()) && missing.iter().flatten().count() == 6
    );
    let colons = speakers(&load("04-colons.vtt"));
    assert!([1, 2, 5, 7].iter().all(|&at| colons[at].is_none()));
    assert_eq!(colons[6].as_deref(), Some("Dr. A. B. Keane"));
    for name in [
        "01-plain-crlf.vtt",
        "02-unicode-bom.vtt",
        "07-over-one-hour.vtt",
        "12-project-meeting.vtt",
    ] {
        let file = load(name);
        assert_eq!(vtt::parse(&file).unwrap().write(), file, "{name}");
    }

    let malformed = load("10-malformed.vtt");
    let transcript = vtt::parse(&malformed).unwrap();
    let starts: Vec<u32> = transcript.cues().map(|cue| cue.start_ms / 100).collect();
    assert_eq!(starts, [10, 60, 90, 105, 200, 220]);
    assert_eq!(
        transcript
            .warnings
            .iter()
            .filter(|warning| warning.kind == WarningKind::BadTiming)
            .count(),
        4
    );
    assert!(vtt::parse(&load("11-not-vtt-login-page.vtt")).is_err());
}
