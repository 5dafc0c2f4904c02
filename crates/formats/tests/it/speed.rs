//! Bounds on work and memory that hold on any machine; the figures are made by `cargo xtask bench`.

use parfocal_formats::{chat, vtt};

#[test]
fn hostile_repetitions_stay_linear() {
    // Each of these would take minutes if any step looked back over what it had read.
    for piece in [
        "<",
        "&",
        "<v ",
        "a:",
        ": ",
        "1\n",
        "NOTE\n",
        "00:00:01.000 --> 00:00:02.000\n",
        "\r",
        "-->",
        "会",
    ] {
        let file = format!(
            "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\n{}",
            piece.repeat(200_000)
        );
        let transcript = vtt::parse(&file).unwrap();
        let length: usize = transcript.cues().map(|cue| cue.text.len()).sum();
        assert!(length <= file.len());
        assert!(transcript.write().len() <= file.len() * 4);
        let _ = chat::parse(&file);
    }
}

#[test]
fn many_names_stay_linear() {
    let cues: Vec<String> = (1..=50_000)
        .map(|n| {
            format!("{n}\n00:00:01.000 --> 00:00:02.000\nPerson {n}: words of this person\n\n")
        })
        .collect();
    let file = format!("WEBVTT\n\n{}", cues.concat());
    let transcript = vtt::parse(&file).unwrap();
    assert_eq!(
        (transcript.len(), transcript.speakers().count()),
        (50_000, 50_000)
    );
}
