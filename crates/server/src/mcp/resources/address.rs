//! Addresses of resources: written and read in one place.

use std::fmt;

use parfocal_engine::store::{InstanceId, TranscriptId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::super::SCHEME;

/// What stays as it is within a part of an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What a resource is of. Meetings are named by our id, Zoom's UUID or a meeting number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Address {
    /// Facts about a meeting.
    Meeting(String),
    /// What was said in it, from a part and a cue on.
    Transcript {
        meeting: String,
        part: usize,
        from: u32,
    },
    /// What the analyst found.
    Insights(String),
    /// What was written in it.
    Chat(String),
    /// Cues of one transcript, word for word.
    Cues {
        transcript: String,
        from: u32,
        to: u32,
    },
}

/// The address that proves a statement.
pub(in super::super) fn citation(transcript: TranscriptId, from: u32, to: u32) -> Address {
    Address::Cues {
        transcript: transcript.to_string(),
        from,
        to,
    }
}

impl Address {
    pub(in super::super) fn meeting(id: InstanceId) -> Self {
        Self::Meeting(id.to_string())
    }

    /// What was said in a meeting; from a part and a cue on.
    pub(in super::super) fn of_transcript(id: InstanceId, at: Option<(usize, u32)>) -> Self {
        let (part, from) = at.unwrap_or((1, 1));
        Self::Transcript {
            meeting: id.to_string(),
            part,
            from,
        }
    }

    /// Reads an address; none when it is not one of ours.
    pub(in super::super) fn parse(uri: &str) -> Option<Self> {
        let rest = uri.strip_prefix(SCHEME)?.strip_prefix("://")?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parts: Vec<String> = path
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8().map(String::from))
            .collect::<Result<_, _>>()
            .ok()?;
        if parts.iter().any(String::is_empty) {
            return None;
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["meeting", which, "transcript"] => {
                let (mut part, mut from) = (1, 1);
                for pair in query.split('&').filter(|pair| !pair.is_empty()) {
                    match pair.split_once('=')? {
                        ("part", value) => part = value.parse().ok()?,
                        ("from", value) => from = value.parse().ok()?,
                        _ => return None,
                    }
                }
                (part > 0 && from > 0).then(|| Self::Transcript {
                    meeting: (*which).to_owned(),
                    part,
                    from,
                })
            }
            _ if !query.is_empty() => None,
            ["meeting", which] => Some(Self::Meeting((*which).to_owned())),
            ["meeting", which, "insights"] => Some(Self::Insights((*which).to_owned())),
            ["meeting", which, "chat"] => Some(Self::Chat((*which).to_owned())),
            ["transcript", transcript, "cues", span] => {
                let (from, to) = span.split_once('-').unwrap_or((span, span));
                let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
                (from > 0 && from <= to).then(|| Self::Cues {
                    transcript: (*transcript).to_owned(),
                    from,
                    to,
                })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        match self {
            Self::Meeting(which) => write!(f, "{SCHEME}://meeting/{}", plain(which)),
            Self::Transcript {
                meeting,
                part,
                from,
            } => {
                write!(f, "{SCHEME}://meeting/{}/transcript", plain(meeting))?;
                match (part, from) {
                    (1, 1) => Ok(()),
                    (1, from) => write!(f, "?from={from}"),
                    (part, from) => write!(f, "?part={part}&from={from}"),
                }
            }
            Self::Insights(which) => write!(f, "{SCHEME}://meeting/{}/insights", plain(which)),
            Self::Chat(which) => write!(f, "{SCHEME}://meeting/{}/chat", plain(which)),
            Self::Cues {
                transcript,
                from,
                to,
            } => {
                write!(f, "{SCHEME}://transcript/{}/cues/{from}", plain(transcript))?;
                if to > from {
                    write!(f, "-{to}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let uuid = "aDYlohsHRtCd4ii1uC2+hA==/x";
        for address in [
            Address::Meeting(uuid.to_owned()),
            Address::Transcript {
                meeting: uuid.to_owned(),
                part: 2,
                from: 7,
            },
            Address::Transcript {
                meeting: "1".to_owned(),
                part: 1,
                from: 1,
            },
            Address::Insights("82".to_owned()),
            Address::Chat("82".to_owned()),
            Address::Cues {
                transcript: "t".to_owned(),
                from: 3,
                to: 3,
            },
            Address::Cues {
                transcript: "t".to_owned(),
                from: 3,
                to: 9,
            },
        ] {
            assert_eq!(Address::parse(&address.to_string()), Some(address));
        }
    }

    #[test]
    fn what_is_not_ours_is_not_read() {
        for uri in [
            "",
            "parfocal:",
            "parfocal://",
            "parfocal://meeting",
            "parfocal://meeting/",
            "parfocal://meeting/1/files",
            "parfocal://meeting/1?from=2",
            "parfocal://meeting/1/transcript?from=0",
            "parfocal://meeting/1/transcript?from=x",
            "parfocal://meeting/1/transcript?else=1",
            "parfocal://meeting/%ff",
            "parfocal://transcript/t/cues/9-3",
            "parfocal://transcript/t/cues/0",
            "parfocal://transcript/t/cues/1-99999999999",
            "file:///etc/passwd",
        ] {
            assert_eq!(Address::parse(uri), None, "{uri}");
        }
    }
}
