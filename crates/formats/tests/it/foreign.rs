//! Transcripts from elsewhere: no input panics, and what is written as SubRip reads the same again.

use parfocal_formats::foreign::{self, Kind, Spoken};
use proptest::prelude::*;

const NAMES: [&str; 3] = ["Ana Lima", "Bo Lind", "Chidi 田中"];

fn line() -> impl Strategy<Value = (u32, Option<&'static str>, String)> {
    (
        0_u32..5_000,
        prop::option::of(prop::sample::select(&NAMES[..])),
        "[a-zé日]{1,8}( [a-z,]{1,8}){0,6}[.!?]",
    )
}

proptest! {
    #[test]
    fn subrip_reads_as_it_was_written(lines in prop::collection::vec(line(), 1..40)) {
        let mut at = 0;
        let lines: Vec<Spoken> = lines
            .into_iter()
            .map(|(length, speaker, text)| {
                let start_ms = at;
                at += length + 1;
                Spoken { start_ms, end_ms: at, speaker: speaker.map(str::to_owned), text }
            })
            .collect();
        let file = foreign::srt(&lines);
        prop_assert_eq!(Kind::of(&file), Kind::Srt);
        let read = foreign::read(&file, Kind::Srt, &NAMES).unwrap();
        prop_assert_eq!(read.warnings_total, 0);
        prop_assert_eq!(&read.lines, &lines);
        prop_assert_eq!(foreign::srt(&read.lines), file);
    }

    #[test]
    fn nothing_panics_and_times_never_run_back(text in "(?s).{0,200}", kind in prop::sample::select(&Kind::ALL[..])) {
        if let Ok(read) = foreign::read(&text, kind, &["Ana"]) {
            prop_assert!(read.lines.iter().all(|line| line.end_ms >= line.start_ms));
            prop_assert!(read.lines.is_sorted_by_key(|line| line.start_ms));
        }
    }

    #[test]
    fn texts_made_of_what_transcripts_are_made_of_do_not_panic(
        pieces in prop::collection::vec(prop::sample::select(&[
            "[0:01:02]", "00:00:01,000 --> 00:00:02,000", "\n", "Ana:", "Ana Lima  0:01", " - ", "é", "{\\an8}", "{", "}", "[", "]",
            "\"text\":", "\"start\":", "1e99", "-1", "null", "words", "\r\n", "99:99:99", "{\"cues\":[", "]}", ",", "會議",
        ][..]), 0..40),
        kind in prop::sample::select(&Kind::ALL[..]),
    ) {
        let text = pieces.concat();
        if let Ok(read) = foreign::read(&text, kind, &[]) {
            prop_assert!(!read.lines.is_empty());
        }
    }
}
