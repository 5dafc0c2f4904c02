//! Meetings to measure on.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::search::{Input, Question, Talk, Turn};
use crate::workspace::root;

/// Talk without times is laid out at this pace, in milliseconds a word.
const WORD_MS: u32 = 400;

/// One meeting; what the analyst does not see is not sent to it.
#[derive(Serialize)]
pub(crate) struct Meeting {
    pub(super) name: String,
    pub(super) date: Option<String>,
    pub(super) query: Option<String>,
    pub(super) lines: Vec<Line>,
    /// Series or kind.
    #[serde(skip)]
    pub(super) group: String,
    #[serde(skip)]
    pub(super) summary: Option<String>,
    /// Times of labelled action items, in milliseconds.
    #[serde(skip)]
    pub(super) actions: Vec<u32>,
    /// Times of labelled decisions, in milliseconds.
    #[serde(skip)]
    pub(super) decisions: Vec<u32>,
    /// Tasks known with owner and date.
    #[serde(skip)]
    pub(super) tasks: Vec<Task>,
}

impl Meeting {
    pub(super) fn end_ms(&self) -> u32 {
        self.lines.last().map_or(0, |line| line.end_ms)
    }
}

#[derive(Serialize)]
pub(crate) struct Line {
    pub(super) start_ms: u32,
    pub(super) end_ms: u32,
    pub(super) speaker: Option<String>,
    pub(super) text: String,
}

/// A task by hand.
#[derive(Deserialize)]
pub(super) struct Task {
    #[serde(deserialize_with = "clock")]
    pub(super) at_ms: u32,
    pub(super) owner: Option<String>,
    pub(super) due: Option<String>,
}

fn shared() -> PathBuf {
    let folder =
        std::env::var_os("PARFOCAL_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    folder.join("data")
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Meetings with a human summary.
pub(super) fn summarised() -> Result<Vec<Meeting>> {
    #[derive(Deserialize)]
    struct File {
        meeting_transcripts: Vec<Turn>,
        general_query_list: Vec<Query>,
    }
    #[derive(Deserialize)]
    struct Turn {
        speaker: String,
        content: String,
    }
    #[derive(Deserialize)]
    struct Query {
        answer: String,
    }
    let mut found = Vec::new();
    files(&shared().join("qmsum"), ".json", &mut found);
    found
        .iter()
        .map(|path| {
            let file: File =
                serde_json::from_str(&read(path)?).with_context(|| path.display().to_string())?;
            let name = path
                .file_stem()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let mut at = 0;
            let lines = file
                .meeting_transcripts
                .into_iter()
                .map(|turn| {
                    let words =
                        u32::try_from(turn.content.split_whitespace().count()).unwrap_or(u32::MAX);
                    let start_ms = at;
                    at += words * WORD_MS;
                    Line {
                        start_ms,
                        end_ms: at,
                        speaker: Some(turn.speaker),
                        text: turn.content,
                    }
                })
                .collect();
            let group = match name.as_str() {
                name if name.starts_with("covid") || name.starts_with("education") => "committees",
                name if name.starts_with('B') => "academic",
                _ => "product design",
            };
            Ok(Meeting {
                group: group.to_owned(),
                date: None,
                query: None,
                lines,
                summary: file
                    .general_query_list
                    .into_iter()
                    .next()
                    .map(|query| query.answer),
                actions: Vec::new(),
                decisions: Vec::new(),
                tasks: Vec::new(),
                name,
            })
        })
        .collect()
}

/// Meetings with questions of people about them, and where each is answered.
pub(crate) fn asked() -> Result<Input> {
    #[derive(Deserialize)]
    struct File {
        meeting_transcripts: Vec<Said>,
        specific_query_list: Vec<Asked>,
    }
    #[derive(Deserialize)]
    struct Said {
        speaker: String,
        content: String,
    }
    #[derive(Deserialize)]
    struct Asked {
        query: String,
        relevant_text_span: Vec<(String, String)>,
    }
    let mut found = Vec::new();
    files(&shared().join("qmsum"), ".json", &mut found);
    let mut input = Input {
        meetings: Vec::new(),
        questions: Vec::new(),
    };
    for (meeting, path) in found.iter().enumerate() {
        let file: File =
            serde_json::from_str(&read(path)?).with_context(|| path.display().to_string())?;
        for asked in file.specific_query_list {
            let spans: Result<Vec<(u32, u32)>> = asked
                .relevant_text_span
                .iter()
                .map(|(first, last)| Ok((first.parse()?, last.parse()?)))
                .collect();
            input.questions.push(Question {
                meeting,
                text: asked.query,
                spans: spans.with_context(|| path.display().to_string())?,
            });
        }
        let turn = |said: Said| Turn {
            speaker: said.speaker,
            text: said.content,
        };
        input.meetings.push(Talk {
            name: path.display().to_string(),
            turns: file.meeting_transcripts.into_iter().map(turn).collect(),
        });
    }
    Ok(input)
}

/// Recorded calls with silver labels.
pub(super) fn labelled() -> Result<Vec<Meeting>> {
    let mut found = Vec::new();
    files(&shared().join("zoom-transcripts"), "tldr.json", &mut found);
    found
        .iter()
        .map(|path| {
            let labels: Value =
                serde_json::from_str(&read(path)?).with_context(|| path.display().to_string())?;
            let folder = path.parent().context("a file lies in a folder")?;
            let part = |folder: &Path| {
                folder
                    .file_name()
                    .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            };
            let name = part(folder);
            Ok(Meeting {
                group: folder.parent().map(part).unwrap_or_default(),
                date: name.get(..10).map(str::to_owned),
                query: None,
                lines: cues(&read(&folder.join("transcript.vtt"))?),
                summary: None,
                actions: times(&labels["action_items"]),
                decisions: times(&labels["decisions"]),
                tasks: Vec::new(),
                name,
            })
        })
        .collect()
}

/// The small set of this repository.
pub(super) fn own() -> Result<Vec<Meeting>> {
    #[derive(Deserialize)]
    struct File {
        date: String,
        summary: String,
        tasks: Vec<Task>,
        decisions: Vec<String>,
    }
    let mut found = Vec::new();
    files(&root().join("xtask/quality"), ".json", &mut found);
    found
        .iter()
        .map(|path| {
            let file: File =
                serde_json::from_str(&read(path)?).with_context(|| path.display().to_string())?;
            Ok(Meeting {
                name: path
                    .file_stem()
                    .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
                group: "own".to_owned(),
                date: Some(file.date),
                query: None,
                lines: cues(&read(&path.with_extension("vtt"))?),
                summary: Some(file.summary),
                actions: file.tasks.iter().map(|task| task.at_ms).collect(),
                decisions: file
                    .decisions
                    .iter()
                    .filter_map(|time| milliseconds(time))
                    .collect(),
                tasks: file.tasks,
            })
        })
        .collect()
}

fn times(labels: &Value) -> Vec<u32> {
    let list = labels.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|label| milliseconds(label["timestamp"].as_str()?))
        .collect()
}

fn clock<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    milliseconds(&text).ok_or_else(|| serde::de::Error::custom(format!("{text} is no time")))
}

/// `hh:mm:ss` with or without decimals and hours, in milliseconds.
fn milliseconds(time: &str) -> Option<u32> {
    let (whole, decimals) = time.split_once('.').unwrap_or((time, "0"));
    let mut seconds: u32 = 0;
    for part in whole.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    let thousandths: u32 = format!("{decimals:0<3}").get(..3)?.parse().ok()?;
    seconds.checked_mul(1_000)?.checked_add(thousandths)
}

/// Zoom's own plain form of a transcript: a measurement should not depend on the reader that it measures with.
fn cues(text: &str) -> Vec<Line> {
    let text = text.replace('\r', "");
    text.split("\n\n")
        .filter_map(|block| {
            let (times, said) = block.split_once(" --> ")?;
            let (end, said) = said.split_once('\n')?;
            let (speaker, said) = match said.split_once(": ") {
                Some((name, rest)) if name.chars().count() <= 60 && !name.contains('\n') => {
                    (Some(name.to_owned()), rest)
                }
                _ => (None, said),
            };
            Some(Line {
                start_ms: milliseconds(times.lines().last()?.trim())?,
                end_ms: milliseconds(end.trim())?,
                speaker,
                text: said.to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_cues_are_read() {
        assert_eq!(milliseconds("01:02:03.5"), Some(3_723_500));
        assert_eq!(milliseconds("nine"), None);
        let lines = cues("WEBVTT\r\n\r\n1\r\n00:00:01.000 --> 00:00:02.500\r\nEdda: Hello\r\n\r\n");
        assert_eq!((lines[0].start_ms, lines[0].end_ms), (1_000, 2_500));
        assert_eq!(
            (lines[0].speaker.as_deref(), lines[0].text.as_str()),
            (Some("Edda"), "Hello")
        );
    }
}
