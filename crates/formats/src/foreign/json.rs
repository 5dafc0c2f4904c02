//! Transcripts as JSON: a list of objects somewhere, each with words, most with times and a speaker.

use serde_json::{Map, Value};

use super::{Kind, Reading, Spoken, Unreadable, clock, reading};
use crate::vtt::WarningKind;

/// Where lists of what was said stand, the likeliest first.
const LISTS: [&str; 10] = [
    "cues",
    "entries",
    "segments",
    "utterances",
    "transcript",
    "monologues",
    "results",
    "sentences",
    "items",
    "lines",
];
const WORDS: [&str; 6] = [
    "text",
    "words",
    "transcript",
    "sentence",
    "content",
    "value",
];
const SPEAKERS: [&str; 6] = [
    "speaker",
    "speaker_name",
    "speakerName",
    "user_name",
    "name",
    "participant",
];
/// Names of times; those that end in `ms` count milliseconds, numbers of the others seconds.
const STARTS: [&str; 7] = [
    "start_ms",
    "startMs",
    "start",
    "start_time",
    "startTime",
    "begin",
    "offset",
];
const ENDS: [&str; 6] = ["end_ms", "endMs", "end", "end_time", "endTime", "until"];
/// How deep lists are looked for.
const DEPTH: u32 = 3;

/// Reads JSON.
pub(super) fn parse(source: &str) -> Result<Reading, Unreadable> {
    let value: Value = serde_json::from_str(source)
        .map_err(|error| Unreadable::new(format!("not JSON: {error}")))?;
    let Some(list) = list_in(&value, DEPTH) else {
        return Err(Unreadable::new(
            "it holds no list of objects with `text`, such as {\"cues\":[{\"start_ms\":0,\"end_ms\":900,\"speaker\":\"Ana\",\"text\":\"Hi\"}]}",
        ));
    };
    let mut read = reading(Kind::Json);
    read.language = ["language", "lang", "locale"]
        .iter()
        .find_map(|key| value.get(key)?.as_str())
        .map(str::to_owned);
    let mut timed = false;
    for (number, item) in (1_usize..).zip(list) {
        let Some(item) = item.as_object() else {
            read.warn(
                number,
                WarningKind::OrphanText,
                "an entry of the list is no object; it is skipped",
            );
            continue;
        };
        // Lists that also hold what was written: only what was said is taken.
        if item.get("kind").and_then(Value::as_str) == Some("written") {
            continue;
        }
        let Some(text) = WORDS.iter().find_map(|key| words(item.get(*key)?)) else {
            read.warn(
                number,
                WarningKind::OrphanText,
                "an entry of the list has no words; it is skipped",
            );
            continue;
        };
        let start = time(item, &STARTS);
        timed |= start.is_some();
        let start_ms = start
            .or_else(|| read.lines.last().map(|last| last.end_ms))
            .unwrap_or(0);
        let end_ms = time(item, &ENDS)
            .or_else(|| Some(start_ms.saturating_add(time(item, &["duration_ms", "duration"])?)))
            .unwrap_or(start_ms);
        read.lines.push(Spoken {
            start_ms,
            end_ms,
            speaker: SPEAKERS.iter().find_map(|key| speaker(item.get(*key)?)),
            text,
        });
    }
    if timed {
        read.close();
    } else {
        read.estimate();
    }
    Ok(read)
}

/// The list of what was said: the value itself, or the first that stands under a likely name.
fn list_in(value: &Value, depth: u32) -> Option<&Vec<Value>> {
    let speaks = |item: &Value| {
        item.as_object().is_some_and(|item| {
            WORDS
                .iter()
                .any(|key| item.get(*key).is_some_and(|value| words(value).is_some()))
        })
    };
    if let Value::Array(list) = value {
        return list.iter().any(speaks).then_some(list);
    }
    let object = value.as_object().filter(|_| depth > 0)?;
    LISTS
        .iter()
        .filter_map(|key| object.get(*key))
        .chain(object.values())
        .find_map(|inner| list_in(inner, depth - 1))
}

/// Words: a text, or a list of texts or of objects with a text each.
fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(parts) => {
            let parts: Vec<&str> = parts
                .iter()
                .filter_map(|part| {
                    part.as_str().or_else(|| {
                        ["text", "word", "value"]
                            .iter()
                            .find_map(|key| part.get(*key)?.as_str())
                    })
                })
                .collect();
            parts.join(" ")
        }
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn speaker(value: &Value) -> Option<String> {
    let name = match value {
        Value::String(name) => name.trim().to_owned(),
        Value::Number(number) => format!("Speaker {number}"),
        Value::Object(inner) => return speaker(inner.get("name").or_else(|| inner.get("label"))?),
        _ => return None,
    };
    (!name.is_empty()).then_some(name)
}

fn time(item: &Map<String, Value>, keys: &[&str]) -> Option<u32> {
    keys.iter().find_map(|key| {
        let whole = key.ends_with("ms") || key.ends_with("Ms");
        match item.get(*key)? {
            Value::Number(number) => {
                let number = number.as_f64().filter(|number| *number >= 0.0)?;
                let ms = if whole { number } else { number * 1_000.0 };
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "bounded on both sides; parts of milliseconds do not count"
                )]
                let ms = ms.round().min(f64::from(u32::MAX)) as u32;
                Some(ms)
            }
            Value::String(text) => {
                clock(text.trim()).or_else(|| seconds(text.trim_end_matches(['s', 'S']).trim()))
            }
            _ => None,
        }
    })
}

/// `12.5`, as `12.5s` is written by some.
fn seconds(text: &str) -> Option<u32> {
    let number: f64 = text.parse().ok()?;
    let ms = number * 1_000.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to lie within the type"
    )]
    let whole = (0.0..f64::from(u32::MAX))
        .contains(&ms)
        .then_some(ms.round() as u32);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_several_tools_are_read() {
        let wanted = Spoken {
            start_ms: 1_500,
            end_ms: 3_000,
            speaker: Some("Ana".to_owned()),
            text: "Hello there".to_owned(),
        };
        for file in [
            r#"{"cues":[{"n":1,"start_ms":1500,"end_ms":3000,"speaker":"Ana","text":"Hello there"}],"warnings":[]}"#,
            r#"{"language":"en","segments":[{"id":0,"start":1.5,"end":3.0,"speaker":"Ana","text":" Hello there"}]}"#,
            r#"[{"startTime":"0:01.5","endTime":"0:03","speaker":{"name":"Ana"},"words":[{"word":"Hello"},{"word":"there"}]}]"#,
            r#"{"results":{"utterances":[{"start":1.5,"duration":1.5,"speaker_name":"Ana","transcript":"Hello there"}]}}"#,
        ] {
            let read = parse(file).unwrap();
            assert_eq!(read.lines, std::slice::from_ref(&wanted), "{file}");
        }
        assert_eq!(
            parse(r#"{"language":"en","segments":[{"text":"x"}]}"#)
                .unwrap()
                .language
                .as_deref(),
            Some("en")
        );
    }

    #[test]
    fn without_times_they_are_counted_and_odd_entries_are_told() {
        let read = parse(r#"[{"text":"one two"},7,{"speaker":2,"text":"three"}]"#).unwrap();
        assert!(read.estimated);
        assert_eq!(read.lines[1].start_ms, 800);
        assert_eq!(read.lines[1].speaker.as_deref(), Some("Speaker 2"));
        assert_eq!(read.warnings_total, 1);
        assert!(parse("{}").is_err() && parse("{").is_err());
        assert!(parse(r#"{"a":{"b":{"c":{"d":{"e":[{"text":"deep"}]}}}}}"#).is_err());
    }
}
