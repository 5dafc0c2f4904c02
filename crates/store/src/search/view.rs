//! What a hit shows.

use std::collections::HashMap;
use std::ops::Range;

use jiff::Timestamp;
use parfocal_formats::query::Query;
use parfocal_formats::text::{self, Terms};
use serde::Serialize;

use super::leaf::Row;
use super::rank::Plan;
use super::{Found, sql};
use crate::db::args;
use crate::error::Result;
use crate::id::{InsightId, InstanceId, TranscriptId};
use crate::store::{Scope, Store};

/// Longest snippet in characters.
pub(super) const SNIPPET_CHARS: usize = 240;

/// Something that was said, written or found and fits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// What it is.
    pub kind: HitKind,
    /// The instance.
    pub instance_id: InstanceId,
    /// The provider's id of it.
    pub instance_external_id: String,
    /// The meeting number.
    pub number: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// Its host's address.
    pub host_email: Option<String>,
    /// Its host's name.
    pub host_name: Option<String>,
    /// The transcript, for what was said and found.
    pub transcript_id: Option<TranscriptId>,
    /// The first and the last cue, for what was said; those of the proof, for what was found.
    pub cues: Option<(u32, u32)>,
    /// Milliseconds from the start of the recording.
    pub start_ms: u32,
    /// Milliseconds from the start of the recording.
    pub end_ms: u32,
    /// Who said or wrote it; for what was found, whose it is.
    pub speaker: Option<String>,
    /// The text around what fits, as it was said.
    pub snippet: String,
    /// What to mark in the snippet, in bytes.
    pub marks: Vec<Range<usize>>,
    /// Higher is better; comparable within one search only.
    pub score: f64,
    /// Further hits of this meeting that were left out.
    pub more: u32,
    /// What was found in what was said here, in the same words: hits that are this one again are not shown beside it.
    pub found: Vec<HitKind>,
}

/// Puts what was found into the passages that it repeats, which take the better place.
fn fold(hits: Vec<Hit>) -> Vec<Hit> {
    let mut out: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        let again = out.iter_mut().find(|shown| {
            let (said, found) = match (shown.kind, hit.kind) {
                (HitKind::Said, kind) if kind.repeats() => (&**shown, &hit),
                (kind, HitKind::Said) if kind.repeats() => (&hit, &**shown),
                _ => return false,
            };
            said.transcript_id == found.transcript_id
                && said
                    .cues
                    .zip(found.cues)
                    .is_some_and(|(said, found)| said.0 <= found.0 && found.1 <= said.1)
                && same_words(&said.snippet, &found.snippet)
        });
        let Some(shown) = again else {
            out.push(hit);
            continue;
        };
        if hit.kind == HitKind::Said {
            let found = shown.kind;
            let score = shown.score;
            *shown = hit;
            shown.score = score;
            shown.found.push(found);
        } else if !shown.found.contains(&hit.kind) {
            shown.found.push(hit.kind);
        }
    }
    out
}

/// Whether (nearly) all words of the shorter text stand in the longer one.
fn same_words(one: &str, other: &str) -> bool {
    let (one, other) = (text::index_text(one), text::index_text(other));
    let (shorter, longer) = if one.len() < other.len() {
        (one, other)
    } else {
        (other, one)
    };
    let longer: Vec<&str> = longer.split_ascii_whitespace().collect();
    let words: Vec<&str> = shorter.split_ascii_whitespace().collect();
    let there = words.iter().filter(|word| longer.contains(*word)).count();
    !words.is_empty() && there * 5 >= words.len() * 4
}

/// What a hit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HitKind {
    /// In a transcript.
    Said,
    /// In the chat.
    Written,
    /// In the topic of a meeting.
    Title,
    /// An action item.
    ActionItem,
    /// A decision.
    Decision,
    /// An open question.
    Question,
    /// A follow-up.
    FollowUp,
    /// A topic that was spoken of.
    Topic,
    /// A sentence of the summary.
    Summary,
    /// What a stretch of the talk was about.
    Chapter,
    /// A statement of another kind.
    Insight,
}

const KINDS: [(HitKind, &str, u8); 11] = [
    (HitKind::Said, "said", 1),
    (HitKind::Written, "written", 2),
    (HitKind::Title, "title", 3),
    (HitKind::ActionItem, "action_item", 10),
    (HitKind::Decision, "decision", 11),
    (HitKind::Question, "question", 12),
    (HitKind::FollowUp, "follow_up", 13),
    (HitKind::Topic, "topic", 14),
    (HitKind::Summary, "summary", 15),
    (HitKind::Chapter, "chapter", 16),
    (HitKind::Insight, "insight", 19),
];

impl HitKind {
    /// Its name in filters and answers.
    pub fn as_str(self) -> &'static str {
        KINDS
            .iter()
            .find(|(kind, _, _)| *kind == self)
            .map_or("insight", |(_, name, _)| name)
    }

    /// The kind with this name; `action` and `chat` are understood too.
    pub fn named(name: &str) -> Option<Self> {
        let name = match name.trim().to_lowercase().replace('-', "_").as_str() {
            "action" | "actions" | "task" => "action_item".to_owned(),
            "chat" => "written".to_owned(),
            other => other.strip_suffix('s').unwrap_or(other).to_owned(),
        };
        KINDS
            .iter()
            .find(|(_, known, _)| *known == name)
            .map(|(kind, _, _)| *kind)
    }

    /// The names there are.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(_, name, _)| *name)
    }

    pub(super) fn of_insight(kind: &str) -> Self {
        match kind {
            "summary_sentence" => Self::Summary,
            kind => Self::named(kind)
                .filter(|kind| kind.is_insight())
                .unwrap_or(Self::Insight),
        }
    }

    /// Whether it was found by an analyst.
    pub fn is_insight(self) -> bool {
        !matches!(self, Self::Said | Self::Written | Self::Title)
    }

    /// Whether it is said in the words of the passage that proves it.
    fn repeats(self) -> bool {
        self.is_insight() && !matches!(self, Self::Topic | Self::Chapter)
    }

    pub(super) fn code(self) -> u8 {
        KINDS
            .iter()
            .find(|(kind, _, _)| *kind == self)
            .map_or(19, |(_, _, code)| *code)
    }

    /// Its place among the kinds of units that a meeting has.
    pub(super) fn bit(self) -> i64 {
        1 << self.code()
    }

    pub(super) fn of_code(code: u8) -> Self {
        KINDS
            .iter()
            .find(|(_, _, known)| *known == code)
            .map_or(Self::Insight, |(kind, _, _)| *kind)
    }
}

/// A row's own facts.
struct Own {
    transcript: Option<TranscriptId>,
    cues: Option<(u32, u32)>,
    start_ms: u32,
    end_ms: u32,
    speaker: Option<String>,
    text: String,
}

pub(super) fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

impl Store {
    /// Reads what hits show.
    pub(super) async fn shown(
        &self,
        scope: Scope,
        query: &Query,
        plan: &Plan,
        found: Vec<Found>,
    ) -> Result<Vec<Hit>> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let mut said = self.rows_said(numbers(&found, HitKind::Said)).await?;
        let mut written = self.rows_written(numbers(&found, HitKind::Written)).await?;
        let mut docs: Vec<i64> = found.iter().map(|found| found.doc).collect();
        docs.sort_unstable();
        docs.dedup();
        let list = serde_json::Value::from(docs).to_string();
        let meetings: HashMap<i64, Hit> = self
            .all(sql::MEETINGS, args![list], |row| {
                Ok((row.int()?, meeting(row)?))
            })
            .await?
            .into_iter()
            .collect();
        let mut terms: Vec<Terms> = query.positive_terms();
        terms.extend(
            plan.groups
                .iter()
                .flatten()
                .flat_map(|matcher| matcher.instead.iter().map(|word| Terms::of(word))),
        );
        let mut hits = Vec::with_capacity(found.len());
        for found in found {
            let Some(meeting) = meetings.get(&found.doc) else {
                continue;
            };
            let own = match (found.kind, found.row) {
                (HitKind::Title, _) => Some(Own {
                    transcript: None,
                    cues: None,
                    start_ms: 0,
                    end_ms: 0,
                    speaker: None,
                    text: meeting.topic.clone().unwrap_or_default(),
                }),
                (HitKind::Written, Row::Number(n)) => written.remove(&n),
                (_, Row::Number(n)) => said.remove(&n),
                (_, Row::Insight(id)) => self.insight_shown(scope, InsightId::new(id)).await?,
            };
            // What was replaced since the index was read.
            let Some(own) = own else { continue };
            let snippet = text::snippet(&own.text, &forms(&own.text, &terms), SNIPPET_CHARS);
            hits.push(Hit {
                kind: found.kind,
                transcript_id: own.transcript,
                cues: own.cues,
                start_ms: own.start_ms,
                end_ms: own.end_ms,
                speaker: own.speaker,
                snippet: snippet.text,
                marks: snippet.ranges,
                score: found.fit.score,
                more: found.more,
                ..meeting.clone()
            });
        }
        Ok(fold(hits))
    }

    async fn rows_said(&self, list: Option<String>) -> Result<HashMap<i64, Own>> {
        let Some(list) = list else {
            return Ok(HashMap::new());
        };
        let own = self.all(sql::SAID, args![list], |row| {
            Ok((
                row.int()?,
                Own {
                    transcript: row.opt_id()?,
                    cues: Some((small(row.int()?), small(row.int()?))),
                    start_ms: small(row.int()?),
                    end_ms: small(row.int()?),
                    speaker: row.opt_text()?,
                    text: row.text()?,
                },
            ))
        });
        Ok(own.await?.into_iter().collect())
    }

    async fn rows_written(&self, list: Option<String>) -> Result<HashMap<i64, Own>> {
        let Some(list) = list else {
            return Ok(HashMap::new());
        };
        let own = self.all(sql::WRITTEN, args![list], |row| {
            let n = row.int()?;
            let at = small(row.int()?);
            Ok((
                n,
                Own {
                    transcript: None,
                    cues: None,
                    start_ms: at,
                    end_ms: at,
                    speaker: row.opt_text()?,
                    text: row.text()?,
                },
            ))
        });
        Ok(own.await?.into_iter().collect())
    }

    async fn insight_shown(&self, scope: Scope, id: InsightId) -> Result<Option<Own>> {
        self.one(sql::FOUND, args![scope.workspace, id], |row| {
            let transcript = row.opt_id()?;
            let cues = Some((small(row.int()?), small(row.int()?)));
            let at = small(row.int()?);
            Ok(Own {
                transcript,
                cues,
                start_ms: at,
                end_ms: at,
                speaker: row.opt_text()?,
                text: row.text()?,
            })
        })
        .await
    }
}

/// The rows of a kind as a JSON array; none when there are none.
fn numbers(found: &[Found], kind: HitKind) -> Option<String> {
    let list: Vec<i64> = found
        .iter()
        .filter(|found| found.kind == kind)
        .filter_map(|found| match found.row {
            Row::Number(n) => Some(n),
            Row::Insight(_) => None,
        })
        .collect();
    (!list.is_empty()).then(|| serde_json::Value::from(list).to_string())
}

/// Terms, with the other forms of their words that stand in a text.
fn forms(text: &str, terms: &[Terms]) -> Vec<Terms> {
    let mut out = terms.to_vec();
    let stems: Vec<_> = terms
        .iter()
        .filter(|terms| terms.tokens.len() == 1 && !terms.prefix)
        .map(|terms| text::stem(&terms.tokens[0]))
        .collect();
    for token in text::index_text(text).split_ascii_whitespace() {
        if stems.contains(&text::stem(token)) {
            out.push(Terms::of(token));
        }
    }
    out
}

pub(super) fn meeting(row: &mut crate::db::Cells) -> Result<Hit> {
    Ok(Hit {
        kind: HitKind::Title,
        instance_id: row.id()?,
        instance_external_id: row.text()?,
        number: row.opt_text()?,
        topic: row.opt_text()?,
        started_at: row.opt_instant()?,
        host_email: row.opt_text()?,
        host_name: row.opt_text()?,
        transcript_id: None,
        cues: None,
        start_ms: 0,
        end_ms: 0,
        speaker: None,
        snippet: String::new(),
        marks: Vec::new(),
        score: 0.0,
        more: 0,
        found: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(kind: HitKind, cues: (u32, u32), snippet: &str) -> Hit {
        Hit {
            kind,
            instance_id: InstanceId::new(uuid::Uuid::nil()),
            instance_external_id: String::new(),
            number: None,
            topic: None,
            started_at: None,
            host_email: None,
            host_name: None,
            transcript_id: Some(TranscriptId::new(uuid::Uuid::nil())),
            cues: Some(cues),
            start_ms: 0,
            end_ms: 0,
            speaker: None,
            snippet: snippet.to_owned(),
            marks: Vec::new(),
            score: 1.0,
            more: 0,
            found: Vec::new(),
        }
    }

    #[test]
    fn what_was_found_is_shown_in_the_passage_that_it_repeats() {
        let said = "Fine. I will order the crane by Friday, then we see.";
        let task = hit(
            HitKind::ActionItem,
            (4, 4),
            "I will order the crane by Friday",
        );
        let folded = fold(vec![task.clone(), hit(HitKind::Said, (3, 5), said)]);
        assert_eq!(folded.len(), 1);
        assert_eq!(folded[0].kind, HitKind::Said);
        assert_eq!(folded[0].found, [HitKind::ActionItem]);
        for other in [
            hit(HitKind::Said, (5, 9), said),
            hit(
                HitKind::Said,
                (3, 5),
                "Something else was said at that time",
            ),
            hit(
                HitKind::Decision,
                (4, 4),
                "I will order the crane by Friday",
            ),
        ] {
            assert_eq!(fold(vec![task.clone(), other]).len(), 2);
        }
        let chapter = hit(HitKind::Chapter, (3, 3), "crane");
        assert_eq!(
            fold(vec![hit(HitKind::Said, (3, 5), said), chapter]).len(),
            2
        );
    }
}
