//! Properties: no input panics, and what was read and written reads the same again.

use parfocal_formats::{chat, text, timeline, vtt};
use proptest::prelude::*;

/// Pieces that transcripts are made of, and what damages them.
const PIECES: &[&str] = &[
    "WEBVTT",
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "1",
    "2",
    "17",
    "intro",
    "NOTE",
    "NOTE x",
    "STYLE",
    "REGION",
    "00:00:01.000 --> 00:00:02.000",
    "00:00:03,000 --> 00:00:01,500",
    "01:02.250 --> 01:03.000 align:start",
    "100:00:00.000 --> 100:00:01.000",
    "00:00:04.000 -> 00:00:05.000",
    "00:61:00.000 --> 00:62:00.000",
    "00:00:01.000 -->",
    "-->",
    "->",
    " ",
    "\t",
    "Ana Silva: hello",
    "Bo: ",
    "Bo:",
    "Note: this",
    "10:30 ",
    "é",
    "会議",
    "👍",
    "<v Ana>",
    "<v Ana &amp; Bo>",
    "</v>",
    "<i>",
    "</i>",
    "<script>",
    "&amp;",
    "&lt;",
    "&#39;",
    "&",
    "<",
    ">",
    ":",
    ": ",
    "\u{feff}",
    "\u{0}",
    "\u{85}",
    "\u{2028}",
];

fn pieces() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..60)
        .prop_map(|pieces| pieces.concat())
}

/// A file in Zoom's form, then damaged in a few places.
fn damaged() -> impl Strategy<Value = String> {
    let cue = (
        "[A-Z][a-z]{1,6} [A-Z][a-z]{1,6}|",
        "\\PC{0,30}",
        0_u32..400_000_000,
        0_u32..5_000,
    );
    let damage = proptest::collection::vec(
        (
            any::<proptest::sample::Index>(),
            proptest::sample::select(PIECES),
            any::<bool>(),
        ),
        0..6,
    );
    (proptest::collection::vec(cue, 0..12), damage).prop_map(|(cues, damage)| {
        let cues = cues.iter().zip(1..).map(|((name, words, start, len), n)| {
            vtt::Cue::new(
                n,
                *start,
                start + len,
                (!name.is_empty()).then_some(name),
                words,
            )
        });
        let mut chars: Vec<char> = vtt::write(&vtt::Layout::default(), cues).chars().collect();
        for (place, piece, remove) in damage {
            let at = place.index(chars.len());
            if remove {
                chars.remove(at);
            } else {
                chars.splice(at..at, piece.chars());
            }
        }
        chars.into_iter().collect()
    })
}

fn check(source: &str) -> Result<(), TestCaseError> {
    let Ok(first) = vtt::parse(source) else {
        return Ok(());
    };
    let written = first.write();
    let second = vtt::parse(&written)
        .map_err(|error| TestCaseError::fail(format!("{error}: {written:?}")))?;
    prop_assert_eq!(&first.layout, &second.layout, "{:?}", written);
    prop_assert_eq!(
        first.cues().collect::<Vec<_>>(),
        second.cues().collect::<Vec<_>>(),
        "{:?}",
        written
    );
    // What was written is canonical.
    prop_assert_eq!(second.write(), written);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_read_and_written_read_the_same(body in pieces()) {
        check(&format!("WEBVTT{body}"))?;
    }

    #[test]
    fn damaged_files_read_and_written_read_the_same(file in damaged()) {
        check(&file)?;
    }

    #[test]
    fn any_text_reads_the_same(body in "(?s).{0,200}") {
        check(&format!("WEBVTT\n{body}"))?;
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let source = vtt::decode(&bytes);
        let _ = vtt::parse(&source);
        let _ = chat::parse(&source);
        let _ = timeline::parse(&source);
        let _ = text::index_text(&source);
    }

    #[test]
    fn lines_are_counted_right(body in pieces()) {
        let file = format!("WEBVTT\n{}", body.replace("\r\n", "\n").replace('\r', "\n"));
        let lines = u32::try_from(file.matches('\n').count() + 1).unwrap();
        let transcript = vtt::parse(&file).unwrap();
        prop_assert!(transcript.warnings.iter().all(|warning| (1..=lines).contains(&warning.line)));
        prop_assert!(transcript.warnings.is_sorted_by_key(|warning| warning.line) , "{:?}", transcript.warnings);
    }

    #[test]
    fn zooms_form_is_canonical(cues in proptest::collection::vec(("[A-Z][a-z]{1,6} [A-Z][a-z]{1,6}", "[a-z][a-zA-Z0-9 ,.:é会]{0,30}[a-z]", 0_u32..400_000_000, 0_u32..5_000), 0..20)) {
        let written = vtt::write(&vtt::Layout::default(), cues.iter().zip(1..).map(|((name, words, start, len), n)| vtt::Cue::new(n, *start, start + len, Some(name), words)));
        let transcript = vtt::parse(&written).unwrap();
        prop_assert!(transcript.warnings.is_empty());
        prop_assert_eq!(transcript.write(), written.clone());
        let read: Vec<_> = transcript.cues().map(|cue| { let length = cue.duration_ms(); (cue.speaker.unwrap().into_owned(), cue.text.into_owned(), cue.start_ms, length) }).collect();
        prop_assert_eq!(read, cues);
    }

    #[test]
    fn tokens_hold_letters_and_digits_only_and_are_found_again(input in "(?s).{0,120}") {
        let indexed = text::index_text(&input);
        prop_assert!(indexed.split(' ').all(|token| token.chars().all(char::is_alphanumeric)), "{indexed:?}");
        let terms: Vec<text::Terms> = input.split_whitespace().map(text::Terms::of).filter(|terms| !terms.is_empty()).collect();
        let found = text::highlight(&input, &terms);
        prop_assert!(found.iter().all(|range| input.get(range.clone()).is_some_and(|part| !part.is_empty())));
        prop_assert_eq!(found.is_empty(), indexed.is_empty());
        let cut = text::snippet(&input, &terms, 20);
        prop_assert!(cut.text.chars().count() <= 20 && cut.ranges.iter().all(|range| cut.text.get(range.clone()).is_some()));
    }

    #[test]
    fn composed_and_decomposed_text_is_the_same(input in "[a-zà-ÿĀ-ſ가-힣ぁ-ヺ一-三 ]{0,40}") {
        use unicode_normalization::UnicodeNormalization;
        let decomposed: String = input.nfd().collect();
        prop_assert_eq!(text::index_text(&decomposed), text::index_text(&input));
    }
}
