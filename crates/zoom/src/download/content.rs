//! Is it the file, or a page that says why not?

use crate::api::FileType;
use crate::error::{Error, ErrorKind, Result};

/// How many leading bytes are looked at.
pub(super) const HEAD: usize = 1024;
/// An error in JSON is short; longer texts are not taken for one.
pub(super) const SHORT: usize = 4096;

/// What kind of file is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expect {
    /// WebVTT: transcripts and captions.
    Vtt,
    /// JSON: timelines and summaries.
    Json,
    /// Text: chat and polls.
    Text,
    /// Video, audio, pictures.
    Media,
    /// Anything but an error page.
    Any,
}

impl Expect {
    /// What a recording file of this type has to be.
    #[must_use]
    pub fn of(kind: &FileType) -> Self {
        match kind {
            FileType::Transcript | FileType::Captions => Self::Vtt,
            FileType::Timeline | FileType::Summary => Self::Json,
            FileType::Chat | FileType::Csv | FileType::ChatMessage => Self::Text,
            FileType::Mp4 | FileType::M4a => Self::Media,
            _ => Self::Any,
        }
    }

    /// Checks the type and the leading bytes of an answer; `head` is its beginning, or all of it when short.
    pub(super) fn check(self, content_type: Option<&str>, head: &[u8]) -> Result<()> {
        let not = |what: &str| {
            Err(Error::new(
                ErrorKind::NotTheFile,
                format!("the answer is {what}, not the file"),
            ))
        };
        let text = head
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(head)
            .trim_ascii_start();
        let declared = content_type.unwrap_or_default().to_ascii_lowercase();
        if looks_like_html(text)
            || declared.starts_with("text/html")
            || declared.starts_with("application/xhtml")
        {
            return not("a web page (an error or sign-in page)");
        }
        if looks_like_error(text) {
            return not("an error message");
        }
        match self {
            Self::Vtt if !is_vtt(text) => not("something other than WebVTT"),
            Self::Json if !matches!(text.first(), Some(b'{' | b'[')) => {
                not("something other than JSON")
            }
            Self::Text if head.contains(&0) => not("something other than text"),
            Self::Media if !head.is_empty() && is_plain_text(head) => not("text"),
            _ => Ok(()),
        }
    }
}

fn is_vtt(text: &[u8]) -> bool {
    text.strip_prefix(b"WEBVTT")
        .is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace))
}

fn looks_like_html(text: &[u8]) -> bool {
    let start: Vec<u8> = text.iter().take(512).map(u8::to_ascii_lowercase).collect();
    let any = |marks: &[&[u8]]| marks.iter().any(|mark| start.starts_with(mark));
    any(&[b"<!doctype html", b"<html", b"<head", b"<body", b"<script"])
        || ((start.starts_with(b"<!--") || start.starts_with(b"<?xml"))
            && start.windows(5).any(|window| window == b"<html"))
}

/// `{"status":false,"errorCode":…}` of the file server, or `{"code":…,"message":…}` of the API.
fn looks_like_error(text: &[u8]) -> bool {
    if text.first() != Some(&b'{') || text.len() > SHORT {
        return false;
    }
    match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(value) => {
            let has = |name: &str| value.get(name).is_some();
            (has("errorCode") && has("errorMessage"))
                || (value.get("status") == Some(&serde_json::Value::Bool(false)))
                || (has("code")
                    && has("message")
                    && value.as_object().is_some_and(|map| map.len() <= 3))
        }
        Err(_) => false,
    }
}

fn is_plain_text(head: &[u8]) -> bool {
    let control = head
        .iter()
        .any(|b| b.is_ascii_control() && !matches!(b, b'\n' | b'\r' | b'\t'));
    let text = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The head may end in the middle of a character.
        Err(error) => error.error_len().is_none(),
    };
    text && !control
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn error_pages_are_never_files() {
        let pages: [(Option<&str>, &[u8]); 7] = [
            (Some("text/html;charset=utf-8"), b"anything"),
            (
                Some("application/octet-stream"),
                b"\n  <!DOCTYPE html><html><title>Sign In</title>",
            ),
            (None, b"\xef\xbb\xbf<HTML lang=en>"),
            (None, b"<!-- build 7 -->\n<html>"),
            (
                Some("application/json"),
                br#"{"status":false,"errorCode":300,"errorMessage":"Forbidden"}"#,
            ),
            (
                Some("application/json"),
                br#"{"code":124,"message":"Invalid access token."}"#,
            ),
            (
                None,
                br#"{"errorCode":300,"errorMessage":"x","result":null}"#,
            ),
        ];
        for (content_type, head) in pages {
            for expect in [
                Expect::Vtt,
                Expect::Json,
                Expect::Text,
                Expect::Media,
                Expect::Any,
            ] {
                let error = expect.check(content_type, head).unwrap_err();
                assert_eq!(
                    error.kind(),
                    ErrorKind::NotTheFile,
                    "{expect:?} {content_type:?}"
                );
            }
        }
    }

    #[test]
    fn files_pass() {
        let vtt = "\u{feff}WEBVTT\r\n\r\n1\r\n00:00:01.000 --> 00:00:02.000\r\nA: <b>hi</b>\r\n";
        Expect::Vtt.check(Some("text/vtt"), vtt.as_bytes()).unwrap();
        Expect::Vtt.check(None, b"WEBVTT").unwrap();
        Expect::Json
            .check(
                Some("application/json"),
                br#"{"timeline":[{"ts":"00:00:10.000"}]}"#,
            )
            .unwrap();
        Expect::Text
            .check(
                Some("text/plain"),
                "00:00:01\tÅsa:\t<html> is a tag".as_bytes(),
            )
            .unwrap();
        Expect::Media
            .check(Some("video/mp4"), b"\x00\x00\x00\x18ftypmp42\x00\x00")
            .unwrap();
        Expect::Any.check(None, b"").unwrap();
    }

    #[test]
    fn another_kind_is_refused() {
        assert!(Expect::Vtt.check(None, b"WEBVTTX").is_err());
        assert!(Expect::Vtt.check(None, b"").is_err());
        assert!(Expect::Vtt.check(None, b"1\n00:00:01").is_err());
        assert!(Expect::Json.check(None, b"WEBVTT").is_err());
        assert!(
            Expect::Media
                .check(None, "Größe: please sign in".as_bytes())
                .is_err()
        );
        assert!(Expect::Text.check(None, b"\x00\x01").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(head: Vec<u8>, content_type in proptest::option::of(".{0,30}")) {
            for expect in [Expect::Vtt, Expect::Json, Expect::Text, Expect::Media, Expect::Any] {
                let _ = expect.check(content_type.as_deref(), &head);
            }
        }
    }
}
