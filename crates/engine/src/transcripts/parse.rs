//! From the bytes of a transcript or chat file to what the store keeps.

use parfocal_formats::{chat, vtt};
use parfocal_store::{ChatMessage, Cue};
use serde::Serialize;

/// Version of this reading; a transcript remembers which one made it.
pub const PARSER_VERSION: i64 = 1;

/// Something in a file that was skipped or repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParseWarning {
    /// Line in the file, from 1.
    pub line: u32,
    /// What was wrong.
    pub message: String,
}

/// A transcript as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParsedTranscript {
    /// The cues, in the order of the file.
    pub cues: Vec<Cue>,
    /// What was skipped or repaired, as far as it is listed.
    pub warnings: Vec<ParseWarning>,
    /// How much was skipped or repaired in all.
    pub warnings_total: u64,
}

/// Why a file is no transcript.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file is not a transcript: {0}")]
pub struct NotATranscript(String);

/// Reads a WebVTT file; `known_speakers` are names that surely are names.
pub fn transcript(
    bytes: &[u8],
    known_speakers: &[&str],
) -> Result<ParsedTranscript, NotATranscript> {
    let text = vtt::decode(bytes);
    let read = vtt::parse_with(&text, &vtt::Options { known_speakers })
        .map_err(|error| NotATranscript(error.to_string()))?;
    let cues = read
        .cues()
        .map(|cue| Cue {
            n: cue.n,
            start_ms: cue.start_ms,
            end_ms: cue.end_ms,
            speaker: cue.speaker.map(std::borrow::Cow::into_owned),
            text: cue.text.into_owned(),
        })
        .collect();
    let warnings = read
        .warnings
        .iter()
        .map(|warning| ParseWarning {
            line: warning.line,
            message: warning.message.clone(),
        })
        .collect();
    Ok(ParsedTranscript {
        cues,
        warnings,
        warnings_total: read.warnings_total as u64,
    })
}

/// Reads a chat file.
pub fn chat_messages(bytes: &[u8]) -> (Vec<ChatMessage>, Vec<ParseWarning>) {
    let text = vtt::decode(bytes);
    let read = chat::parse(&text);
    let messages = read
        .messages
        .into_iter()
        .map(|message| ChatMessage {
            n: message.n,
            at_ms: message.at_ms,
            sender: message.sender,
            to: message.to,
            text: message.text,
        })
        .collect();
    let warnings = read
        .warnings
        .iter()
        .map(|warning| ParseWarning {
            line: warning.line,
            message: warning.message.clone(),
        })
        .collect();
    (messages, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_are_read_with_speakers_and_times() {
        let file = b"WEBVTT\r\n\r\n1\r\n00:00:01.000 --> 00:00:02.500\r\nTove Lindqvist: Hello there\r\n\r\n";
        let read = transcript(file, &["Tove Lindqvist"]).unwrap();
        let cue = &read.cues[0];
        assert_eq!((cue.n, cue.start_ms, cue.end_ms), (1, 1000, 2500));
        assert_eq!(cue.speaker.as_deref(), Some("Tove Lindqvist"));
        assert_eq!(cue.text, "Hello there");
    }

    #[test]
    fn a_page_is_no_transcript() {
        assert!(transcript(b"<html><body>Sign in</body></html>", &[]).is_err());
    }

    #[test]
    fn chat_is_read() {
        let (messages, _) = chat_messages("00:00:05\tTove:\tHi <b>all</b>\n".as_bytes());
        assert_eq!(messages.len(), 1);
        assert_eq!(
            (messages[0].sender.as_str(), messages[0].text.as_str()),
            ("Tove", "Hi <b>all</b>")
        );
        assert_eq!(messages[0].at_ms, 5000);
    }
}
