//! Files as Zoom writes them: transcript, captions, chat, timeline, smart summary.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::json;

use crate::content::{ChatMessage, Cue};

/// `HH:MM:SS.mmm`.
#[must_use]
pub fn timestamp(ms: u64) -> String {
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1_000 % 60,
        ms % 1_000
    )
}

/// TRANSCRIPT: WebVTT with CRLF, numbered cues, `Name: words`.
#[must_use]
pub fn transcript(cues: &[Cue]) -> String {
    web_vtt(cues, true)
}

/// CC: the same without names.
#[must_use]
pub fn captions(cues: &[Cue]) -> String {
    web_vtt(cues, false)
}

fn web_vtt(cues: &[Cue], named: bool) -> String {
    let mut out = String::with_capacity(12 + cues.len() * 100);
    out.push_str("WEBVTT\r\n\r\n");
    for (number, cue) in cues.iter().enumerate() {
        let colon = if named && !cue.speaker.is_empty() {
            ": "
        } else {
            ""
        };
        let speaker = if named { cue.speaker.as_str() } else { "" };
        // Writing into a String cannot fail.
        let _ = write!(
            out,
            "{}\r\n{} --> {}\r\n{speaker}{colon}{}\r\n\r\n",
            number + 1,
            timestamp(cue.start_ms),
            timestamp(cue.end_ms),
            cue.text,
        );
    }
    out
}

/// CHAT: a line for each message, `HH:MM:SS<TAB>Name:<TAB>text`, CRLF; lines inside a message end in LF alone.
#[must_use]
pub fn chat(messages: &[ChatMessage]) -> String {
    let mut out = String::new();
    for message in messages {
        let time = timestamp(message.at_ms);
        let _ = write!(
            out,
            "{}\t{}:\t{}\r\n",
            &time[..8],
            message.sender,
            message.text
        );
    }
    out
}

/// A person of the timeline: name and user id (empty for guests), address.
pub(super) type TimelinePerson<'a> = (&'a str, &'a str, &'a str);

/// TIMELINE: who speaks from when on; nobody after silences of more than three seconds.
///
/// `find` gives the user id and address for a shown name.
#[must_use]
pub fn timeline<'a>(cues: &'a [Cue], find: impl Fn(&'a str) -> TimelinePerson<'a>) -> String {
    let mut out = String::with_capacity(32 + cues.len() * 220);
    out.push_str("{\"timeline\":[");
    // A speaker's part of a row is the same each time; it is written once.
    let mut people: BTreeMap<&str, String> = BTreeMap::new();
    let mut row = |at: u64, users: &str| {
        let comma = if out.ends_with('[') { "" } else { "," };
        let _ = write!(
            out,
            "{comma}{{\"ts\":\"{}\",\"users\":[{users}]}}",
            timestamp(at)
        );
    };
    let mut last: Option<(&str, u64)> = None;
    for cue in cues {
        if let Some((speaker, end)) = last {
            if cue.start_ms > end + 3_000 {
                row(end, "");
            } else if speaker == cue.speaker {
                last = Some((speaker, cue.end_ms.max(end)));
                continue;
            }
        }
        if cue.speaker.is_empty() {
            row(cue.start_ms, "");
        } else {
            let users = people.entry(&cue.speaker).or_insert_with(|| {
                let (name, zoom_id, email) = find(&cue.speaker);
                json!({
                    "username": name,
                    "zoom_userid": zoom_id,
                    "user_id": "",
                    "multiple_people": false,
                    "email_address": email,
                    "avatar_url": "",
                    "client_type": 0,
                })
                .to_string()
            });
            row(cue.start_ms, users);
        }
        last = Some((&cue.speaker, cue.end_ms));
    }
    out.push_str("]}");
    out
}

/// SUMMARY: the smart recording's overall summary (Zoom does not document the fields).
#[must_use]
pub fn summary(topic: &str, start: Timestamp, overview: &str) -> String {
    json!({
        "meeting_topic": topic,
        "recording_start": start.to_string(),
        "overall_summary": overview,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start_ms: u64, end_ms: u64, speaker: &str, text: &str) -> Cue {
        Cue {
            start_ms,
            end_ms,
            speaker: speaker.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn transcript_has_zooms_form() {
        let cues = [
            cue(1_500, 2_250, "Ann: Bell", "Hello."),
            cue(3_600_000, 3_600_320, "", "Mm."),
        ];
        assert_eq!(
            transcript(&cues),
            "WEBVTT\r\n\r\n1\r\n00:00:01.500 --> 00:00:02.250\r\nAnn: Bell: Hello.\r\n\r\n\
             2\r\n01:00:00.000 --> 01:00:00.320\r\nMm.\r\n\r\n"
        );
        assert!(captions(&cues).contains("\r\nHello.\r\n"));
    }

    #[test]
    fn chat_has_tabs_and_keeps_lines() {
        let message = ChatMessage {
            at_ms: 61_900,
            sender: "Ann".to_owned(),
            text: "one\ntwo".to_owned(),
        };
        assert_eq!(chat(&[message]), "00:01:01\tAnn:\tone\ntwo\r\n");
    }

    #[test]
    fn timeline_names_speakers_and_silence() {
        let cues = [
            cue(0, 900, "Ann", "a"),
            cue(1_000, 2_000, "Ann", "b"),
            cue(9_000, 9_900, "Ben", "c"),
        ];
        let text = timeline(&cues, |name| (name, "", ""));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = value["timeline"].as_array().unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1]["users"].as_array().unwrap().len(), 0);
        assert_eq!(rows[2]["users"][0]["username"], "Ben");
    }
}
