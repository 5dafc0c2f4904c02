//! Zoom's TIMELINE file: who was the active speaker from when on.
//!
//! Its fields are not documented by Zoom, so everything but the times is optional and unknown fields are ignored.
//! The transcript JSON of the same family (`"type":"transcription"`) is read too: its entries have text and an end.

use serde::Deserialize;

/// A parsed timeline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    /// Entries in the order of the file.
    pub entries: Vec<Entry>,
    /// Entries without a readable time, which were skipped.
    pub skipped: usize,
}

/// From `at_ms` on these people speak; nobody when there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds from the start of the recording.
    pub at_ms: u32,
    /// End, in transcripts only.
    pub end_ms: Option<u32>,
    /// Words, in transcripts only.
    pub text: Option<String>,
    /// Active speakers.
    pub users: Vec<User>,
}

/// An active speaker; guests have no Zoom user id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct User {
    /// Display name.
    #[serde(deserialize_with = "text")]
    pub username: String,
    /// Zoom's user id; empty for guests.
    #[serde(deserialize_with = "text")]
    pub zoom_userid: String,
    /// Id inside the meeting.
    #[serde(deserialize_with = "text")]
    pub user_id: String,
    /// Address, if known.
    #[serde(deserialize_with = "text")]
    pub email_address: String,
    /// A room device with several people.
    #[serde(deserialize_with = "flag")]
    pub multiple_people: bool,
}

/// A file that is not a timeline.
#[derive(Debug, thiserror::Error)]
#[error("not a timeline: {0}")]
pub struct TimelineError(#[from] serde_json::Error);

/// Reads a timeline.
pub fn parse(source: &str) -> Result<Timeline, TimelineError> {
    let file: File = serde_json::from_str(source.strip_prefix('\u{feff}').unwrap_or(source))?;
    let mut timeline = Timeline::default();
    for row in file.timeline {
        match row.ts.as_deref().and_then(clock) {
            Some(at_ms) => {
                let end_ms = row.end_ts.as_deref().and_then(clock);
                timeline.entries.push(Entry {
                    at_ms,
                    end_ms,
                    text: row.text,
                    users: row.users.unwrap_or_default(),
                });
            }
            None => timeline.skipped += 1,
        }
    }
    Ok(timeline)
}

#[derive(Deserialize)]
struct File {
    timeline: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    ts: Option<String>,
    end_ts: Option<String>,
    text: Option<String>,
    users: Option<Vec<User>>,
}

/// `HH:MM:SS.mmm`, milliseconds optional.
fn clock(text: &str) -> Option<u32> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let mut parts = whole.split(':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || minutes > 59 || seconds > 59 || fraction.len() > 3 {
        return None;
    }
    let millis = format!("{fraction:0<3}").parse::<u32>().ok()?;
    hours
        .checked_mul(3_600_000)?
        .checked_add(minutes * 60_000 + seconds * 1_000 + millis)
}

/// A string, a number as a string, or nothing.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)? == serde_json::Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_speakers_guests_and_silence() {
        let file = r#"{"timeline":[
            {"ts":"00:00:10.500","users":[{"username":"Ana","zoom_userid":"u1","user_id":16778240,"multiple_people":false,"client_type":0}]},
            {"ts":"00:01:00","users":[]},
            {"ts":"00:01:02.1","users":[{"username":"Guest","zoom_userid":null},{"username":"Room","multiple_people":true}]},
            {"ts":"later","users":[]}
        ]}"#;
        let timeline = parse(file).unwrap();
        assert_eq!(timeline.skipped, 1);
        assert_eq!(
            timeline
                .entries
                .iter()
                .map(|entry| entry.at_ms)
                .collect::<Vec<_>>(),
            [10_500, 60_000, 62_100]
        );
        assert_eq!(timeline.entries[0].users[0].user_id, "16778240");
        assert!(timeline.entries[1].users.is_empty());
        assert_eq!(timeline.entries[2].users[0].zoom_userid, "");
        assert!(timeline.entries[2].users[1].multiple_people);
    }

    #[test]
    fn reads_the_transcript_of_the_same_family() {
        let file = r#"{"type":"transcription","ver":1,"timeline":[{"text":"Hello","ts":"00:00:01.000","end_ts":"00:00:02.250","users":[{"username":"Ana"}]}]}"#;
        let entry = &parse(file).unwrap().entries[0];
        assert_eq!(
            (entry.end_ms, entry.text.as_deref()),
            (Some(2_250), Some("Hello"))
        );
    }

    #[test]
    fn refuses_what_is_not_json() {
        assert!(parse("<html>").is_err());
        assert!(parse("[]").is_err());
        assert!(
            parse(r#"{"timeline":[{"ts":"99999999999:00:00","users":null}]}"#)
                .is_ok_and(|timeline| timeline.skipped == 1)
        );
    }
}
