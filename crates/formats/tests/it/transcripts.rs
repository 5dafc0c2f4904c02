//! Every peculiarity of transcripts, on small files of our own.

use parfocal_formats::vtt::{self, Cue, LooksLike, Newline, Options, VttError, WarningKind};

use crate::fixtures::read;

fn rows(transcript: &vtt::Transcript<'_>) -> Vec<(Option<String>, String)> {
    transcript
        .cues()
        .map(|cue| (cue.speaker.map(Into::into), cue.text.into()))
        .collect()
}

fn row(speaker: &str, text: &str) -> (Option<String>, String) {
    (
        (!speaker.is_empty()).then(|| speaker.to_owned()),
        text.to_owned(),
    )
}

fn warned(transcript: &vtt::Transcript<'_>) -> Vec<(u32, WarningKind)> {
    transcript
        .warnings
        .iter()
        .map(|warning| (warning.line, warning.kind))
        .collect()
}

#[test]
fn zooms_own_form_comes_back_byte_for_byte() {
    let file = read("zoom.vtt");
    let transcript = vtt::parse(&file).unwrap();
    assert_eq!(
        rows(&transcript),
        [
            row(
                "Edda Brandt",
                "Is everybody in? Then we begin: three points."
            ),
            row("Luan Costa", "We are."),
            row("Edda Brandt", "First the lock gates."),
        ]
    );
    let cue = transcript.get(1).unwrap();
    assert_eq!(
        (
            cue.n,
            cue.id.as_deref(),
            cue.start_ms,
            cue.end_ms,
            cue.duration_ms()
        ),
        (2, Some("2"), 4_000, 5_250, 1_250)
    );
    assert_eq!(cue.raw, "Luan Costa: We are.");
    assert!(transcript.warnings.is_empty());
    assert_eq!(transcript.layout.newline, Newline::CrLf);
    assert_eq!(transcript.write(), file);
    let speakers: Vec<(&str, u32)> = transcript
        .speakers()
        .map(|speaker| (speaker.name, speaker.cues))
        .collect();
    assert_eq!(speakers, [("Edda Brandt", 2), ("Luan Costa", 1)]);
    // From cues without the file, as another program would hold them.
    let owned: Vec<Cue<'static>> = transcript.cues().map(Cue::into_owned).collect();
    assert_eq!(vtt::write(&transcript.layout, owned), file);
    for (from, to) in [("\r\n", "\n"), ("\r\n", "\r")] {
        let other = file.replace(from, to);
        let read = vtt::parse(&other).unwrap();
        assert_eq!(rows(&read), rows(&transcript));
        assert_eq!(read.write(), other);
    }
    for cut in [1, 2] {
        let shorter = &file[..file.len() - 2 * cut];
        assert_eq!(vtt::parse(shorter).unwrap().write(), shorter);
    }
}

#[test]
fn serialises_what_programs_read() {
    let file = read("zoom.vtt");
    let transcript = vtt::parse(&file).unwrap();
    assert_eq!(
        serde_json::to_value(transcript.get(1).unwrap()).unwrap(),
        serde_json::json!({"n": 2, "start_ms": 4000, "end_ms": 5250, "speaker": "Luan Costa", "text": "We are."})
    );
}

#[test]
fn names_of_all_kinds() {
    let file = read("names.vtt");
    let transcript = vtt::parse(&file).unwrap();
    let names: Vec<String> = transcript
        .cues()
        .map(|cue| cue.speaker.unwrap().into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "佐藤 健",
            "Søren Ås (they/them)",
            "ياسمين حداد",
            "Inês Peña | Rio 🌊",
            "Doyle, Kit",
            "R. U. O’Neill, Ph.D."
        ]
    );
    assert!(transcript.layout.bom);
    assert_eq!(transcript.layout.header, "WEBVTT");
    assert_eq!(transcript.write(), file);
}

#[test]
fn colons_do_not_make_speakers() {
    let file = read("colons.vtt");
    let transcript = vtt::parse(&file).unwrap();
    let names: Vec<Option<String>> = transcript
        .cues()
        .map(|cue| cue.speaker.map(Into::into))
        .collect();
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(
        names,
        [
            None,
            name("Rosa Lund"),
            name("4420555***"),
            name("Meeting Room 2C"),
            name("Unknown Speaker"),
            None,
            None,
            None,
            name("Dr. H. I. Moss"),
            None,
            None,
            None,
        ]
    );
    assert_eq!(transcript.get(6).unwrap().text, "Reminder: bring the keys.");
    assert_eq!(transcript.write(), file);
}

#[test]
fn known_names_may_hold_colons() {
    let file = read("colons.vtt");
    let options = Options {
        known_speakers: &["Berth: South", "reminder"],
    };
    let transcript = vtt::parse_with(&file, &options).unwrap();
    assert_eq!(rows(&transcript)[10], row("Berth: South", "All clear."));
    assert_eq!(rows(&transcript)[6], row("Reminder", "bring the keys."));
}

#[test]
fn short_names_are_speakers_where_every_cue_is_labelled_or_they_repeat() {
    let all = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nmax: hello\n\n2\n00:00:02.000 --> 00:00:03.000\nZoë 🌱: hi\n";
    assert_eq!(
        rows(&vtt::parse(all).unwrap()),
        [row("max", "hello"), row("Zoë 🌱", "hi")]
    );
    let some = format!("{all}\n3\n00:00:03.000 --> 00:00:04.000\nno name here\n");
    assert_eq!(rows(&vtt::parse(&some).unwrap())[0], row("", "max: hello"));
    let twice = format!("{some}\n4\n00:00:04.000 --> 00:00:05.000\nmax: again\n");
    assert_eq!(rows(&vtt::parse(&twice).unwrap())[0], row("max", "hello"));
}

#[test]
fn files_of_other_tools() {
    let file = read("elsewhere.vtt");
    let transcript = vtt::parse(&file).unwrap();
    assert_eq!(
        rows(&transcript),
        [
            row("Ida Holm", "Mind the gap <there> & here."),
            row("Per & Co", "Two\nlines <script>alert(1)</script> stay."),
            row("Ida Holm", "No tags."),
        ]
    );
    assert!(transcript.warnings.is_empty(), "{:?}", transcript.warnings);
    let first = transcript.get(0).unwrap();
    assert_eq!(
        (
            first.start_ms,
            first.end_ms,
            first.id.as_deref(),
            first.settings.as_deref()
        ),
        (2_250, 5_000, Some("opening"), Some("line:0 align:end"))
    );
    assert_eq!(
        transcript.layout.header,
        "WEBVTT made elsewhere\nKind: captions"
    );
    let again = transcript.write();
    assert_eq!(vtt::parse(&again).unwrap(), transcript);
}

#[test]
fn lines_and_blanks() {
    let file = read("lines.vtt");
    let transcript = vtt::parse(&file).unwrap();
    assert_eq!(
        rows(&transcript),
        [
            row("Una Falk", "One line,\nthen another: this."),
            row("Una Falk", "Before the gap."),
            row("Una Falk", "Name alone."),
            row("", "- Aye.\n- Nay."),
            row("", ""),
            row("Una Falk", ""),
            row("", ""),
            row("Una Falk", "blanks around"),
        ]
    );
    assert_eq!(warned(&transcript), [(12, WarningKind::OrphanText)]);
    assert!(transcript.warnings[0].message.contains("After the gap."));
    assert_eq!(vtt::parse(&transcript.write()).unwrap(), transcript);
    // Without the line that belongs to no cue, the file is canonical.
    let canonical = file.replace("After the gap.\n\n", "");
    assert_eq!(vtt::parse(&canonical).unwrap().write(), canonical);
}

#[test]
fn times_in_the_order_of_the_file() {
    let file = read("times.vtt");
    let transcript = vtt::parse(&file).unwrap();
    let times: Vec<(u32, u32)> = transcript
        .cues()
        .map(|cue| (cue.start_ms, cue.end_ms))
        .collect();
    assert_eq!(
        times,
        [
            (3_599_500, 3_601_000),
            (3_600_200, 3_600_900),
            (3_600_100, 3_600_100),
            (356_400_000, 359_999_999),
            (360_000_000, 360_000_001)
        ]
    );
    assert_eq!(transcript.get(0).unwrap().id.as_deref(), Some("41"));
    assert!(transcript.warnings.is_empty());
    assert_eq!(transcript.write(), file);
}

#[test]
fn broken_cues_are_reported_with_their_lines_and_skipped() {
    let file = read("broken.vtt");
    let transcript = vtt::parse(&file).unwrap();
    let texts: Vec<String> = transcript.cues().map(|cue| cue.text.into_owned()).collect();
    assert_eq!(
        texts,
        [
            "comma",
            "odd id",
            "twice",
            "no blank line",
            "nor here",
            "backwards",
            "last"
        ]
    );
    assert_eq!(
        warned(&transcript),
        [
            (4, WarningKind::CommaDecimals),
            (8, WarningKind::BadTiming),
            (11, WarningKind::OddId),
            (16, WarningKind::DuplicateNumber),
            (19, WarningKind::MissingBlankLine),
            (22, WarningKind::MissingBlankLine),
            (26, WarningKind::BadTiming),
            (30, WarningKind::EndBeforeStart),
            (34, WarningKind::BadTiming),
            (42, WarningKind::BadTiming),
        ]
    );
    assert!(
        transcript
            .warnings
            .last()
            .unwrap()
            .message
            .contains("the file ends here")
    );
    let backwards = transcript.get(5).unwrap();
    assert_eq!(
        (
            backwards.start_ms,
            backwards.end_ms,
            backwards.duration_ms()
        ),
        (12_000, 11_000, 0)
    );
    assert_eq!(vtt::parse(&transcript.write()).unwrap(), transcript);
}

#[test]
fn what_is_not_a_transcript_is_refused_by_name() {
    let refused = |source: &str| match vtt::parse(source).unwrap_err() {
        VttError::NotWebVtt { looks_like } => looks_like,
        other => panic!("{other}"),
    };
    assert_eq!(refused(&read("page.html")), LooksLike::Html);
    assert_eq!(refused(" \r\n"), LooksLike::Empty);
    assert_eq!(
        refused("{\"status\":false,\"errorCode\":300}"),
        LooksLike::Json
    );
    assert_eq!(
        refused("1\n00:00:01,000 --> 00:00:02,000\nhi\n"),
        LooksLike::SubRip
    );
    assert_eq!(refused("%PDF-1.7\u{0}\u{1}"), LooksLike::Binary);
    assert_eq!(refused("WEBVTTX\n"), LooksLike::Text);
    assert_eq!(
        vtt::parse(&read("page.html")).unwrap_err().to_string(),
        "not a WebVTT file: it looks like an HTML page"
    );
}

#[test]
fn headers_alone_and_without_blank_lines() {
    for file in [
        "WEBVTT",
        "WEBVTT\n",
        "WEBVTT\r\n\r\n",
        "\u{feff}WEBVTT - title\nLanguage: pt\n\n",
    ] {
        let transcript = vtt::parse(file).unwrap();
        assert!(transcript.is_empty() && transcript.warnings.is_empty());
        assert_eq!(transcript.write(), file);
    }
    let tight = vtt::parse("WEBVTT\n1\n00:00:01.000 --> 00:00:02.000\nhi").unwrap();
    assert_eq!(
        (
            tight.len(),
            tight.get(0).unwrap().id.as_deref(),
            &*tight.layout.header
        ),
        (1, Some("1"), "WEBVTT")
    );
}

#[test]
fn bytes_become_text() {
    assert_eq!(vtt::decode(b"WEBVTT"), "WEBVTT");
    assert_eq!(vtt::decode(b"\xff\xfeW\0E\0"), "WE");
    assert_eq!(vtt::decode(b"\xfe\xff\0W\xd8"), "W\u{fffd}");
    assert_eq!(vtt::decode(b"a\xffb"), "a\u{fffd}b");
}

#[test]
fn built_cues_are_written_in_zooms_form() {
    let cues = [
        Cue::new(1, 0, 900, Some("Ana\nSilva"), "first\n\nsecond --> third"),
        Cue::new(2, 3_600_000, 3_601_001, None, "alone"),
    ];
    let file = vtt::write(&vtt::Layout::default(), cues);
    assert_eq!(
        file,
        "WEBVTT\r\n\r\n1\r\n00:00:00.000 --> 00:00:00.900\r\nAna Silva: first\r\nsecond -> third\r\n\r\n\
         2\r\n01:00:00.000 --> 01:00:01.001\r\nalone\r\n\r\n"
    );
    assert_eq!(vtt::parse(&file).unwrap().len(), 2);
}

#[test]
fn warnings_are_bounded() {
    let file = format!("WEBVTT\n\n{}", "orphan\n\n".repeat(5_000));
    let transcript = vtt::parse(&file).unwrap();
    assert_eq!(
        (transcript.warnings.len(), transcript.warnings_total),
        (vtt::MAX_WARNINGS, 5_000)
    );
}
