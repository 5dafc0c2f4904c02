//! Analyses by the language model in use: made once for the same words, kept with how they were made; and why not, where
//! the embedded analyst stands in.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use parfocal_store::{
    AnalysisKey, Instance, ModelTrouble, NewAnalysis, NewInsight, Scope, Transcript, Tx,
};
use parfocal_understand::{Analysis, Chapter, Insight, Kind, Line, Summary, due_in};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::kinds::{self, AnalysisKind, MEETING};
use super::prompt::Facts;
use super::proof::Proven;
use super::reading::{self, Reading};
use crate::App;
use crate::error::{Code, EngineError, Result};
use crate::models::Model;

/// Why the embedded analyst stands in for a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StandsIn {
    /// The model that should have analysed.
    pub model: String,
    /// Why it has not: the code of the failure, `pending` when it was not asked yet.
    pub code: String,
    /// What happened.
    pub message: String,
}

/// A result of one of the operator's kinds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindInsights {
    /// The transcript.
    pub transcript: Transcript,
    /// The kind.
    pub kind: String,
    /// The model.
    pub model: String,
    /// Version of the prompt.
    pub version: String,
    /// The lists of statements, and how they were made.
    pub result: Value,
}

/// All kinds there are: the built-in one and those of the operator.
pub fn kinds(app: &App) -> Result<Vec<AnalysisKind>> {
    let mut all = vec![AnalysisKind::meeting()];
    all.extend(kinds::of_folder(&app.config().kinds_dir())?);
    Ok(all)
}

/// The kinds of statements that every transcript is read for.
const STATEMENTS: [Kind; 7] = [
    Kind::Summary,
    Kind::Chapter,
    Kind::ActionItem,
    Kind::Decision,
    Kind::Question,
    Kind::FollowUp,
    Kind::Topic,
];

/// A kind of statement as it is kept, by its name: one of the built-in ones, or of a file. A file with several lists has
/// a kind for each: `risks.open`, `risks.closed`.
///
/// # Errors
/// `not_found` with the names there are.
pub fn statement_kind(app: &App, name: &str) -> Result<String> {
    let mut known: Vec<String> = STATEMENTS
        .iter()
        .map(|kind| kind.as_str().to_owned())
        .collect();
    for kind in kinds(app)?.into_iter().filter(|kind| kind.name != MEETING) {
        known.extend(kind.lists.iter().map(|(list, _)| kept_as(&kind, list)));
    }
    if known.iter().any(|kind| kind == name) {
        return Ok(name.to_owned());
    }
    let hint = format!("There are: {}.", known.join(", "));
    Err(EngineError::not_found("kind of statement", name).with_hint(hint))
}

/// Under what name the statements of a list are kept.
fn kept_as(kind: &AnalysisKind, list: &str) -> String {
    if kind.lists.len() == 1 {
        kind.name.clone()
    } else {
        format!("{}.{list}", kind.name)
    }
}

/// The kind of a name.
///
/// # Errors
/// `not_found` with the names there are.
pub(crate) fn kind(app: &App, name: &str) -> Result<AnalysisKind> {
    if name == MEETING {
        return Ok(AnalysisKind::meeting());
    }
    let all = kinds(app)?;
    let names: Vec<String> = all.iter().map(|kind| kind.name.clone()).collect();
    all.into_iter()
        .find(|kind| kind.name == name)
        .ok_or_else(|| {
            EngineError::not_found("kind of analysis", name)
                .with_hint(format!("There are: {}.", names.join(", ")))
        })
}

fn key<'k>(transcript: &'k Transcript, kind: &'k AnalysisKind, model: &'k str) -> AnalysisKey<'k> {
    AnalysisKey {
        transcript_sha256: &transcript.sha256,
        kind: &kind.name,
        model,
        prompt_v: &kind.version,
    }
}

/// The model's result for a transcript that is kept, or why there is none.
pub(super) async fn kept(
    app: &App,
    scope: Scope,
    model: &Model,
    kind: &AnalysisKind,
    transcript: &Transcript,
) -> Result<std::result::Result<Value, StandsIn>> {
    let name = model.name();
    let key = key(transcript, kind, &name);
    if let Some(stored) = app.store().analysis(scope, key).await? {
        if !stored.current {
            let mut tx = app.store().begin(scope).await?;
            tx.show_analysis(key).await?;
            tx.commit().await?;
        }
        return Ok(Ok(stored.body));
    }
    let trouble = app.store().model_trouble(scope, key).await?;
    Ok(Err(match trouble {
        Some(ModelTrouble { code, message, .. }) => StandsIn {
            model: name,
            code,
            message,
        },
        None => StandsIn {
            message: format!("{name} has not been asked yet"),
            model: name,
            code: "pending".to_owned(),
        },
    }))
}

/// Has the model analyse a transcript, unless its result is there; what goes wrong is noted and handed on.
///
/// # Errors
/// Those of the model.
pub(crate) async fn make(
    app: &App,
    scope: Scope,
    model: &Model,
    kind: &AnalysisKind,
    transcript: &Transcript,
) -> Result<Option<(Tx, Value)>> {
    if kept(app, scope, model, kind, transcript).await?.is_ok() {
        return Ok(None);
    }
    let name = model.name();
    let outcome = read(app, scope, model, kind, transcript).await;
    let now = app.clock().now();
    let key = key(transcript, kind, &name);
    let (body, insights, dropped) = match outcome {
        Ok(made) => made,
        Err(error) => {
            let trouble = ModelTrouble {
                code: error.code().as_str().to_owned(),
                message: error.to_string(),
                at: now,
            };
            let mut tx = app.store().begin(scope).await?;
            tx.note_model_trouble(key, transcript.id, &trouble).await?;
            tx.commit().await?;
            return Err(error);
        }
    };
    let rows: Vec<NewInsight<'_>> = insights.iter().map(Row::new_insight).collect();
    let mut tx = app.store().begin(scope).await?;
    let new = NewAnalysis {
        transcript_id: transcript.id,
        key,
        body: &body,
        dropped: u64::from(dropped),
        insights: &rows,
    };
    if tx.store_analysis(&new, now).await?.is_some() {
        crate::talk::tracker::follow(&mut tx, transcript.instance_id, now).await?;
    }
    tx.keep_model_prompt(&kind.name, &kind.version, &kind.text, now)
        .await?;
    tx.drop_model_answers(transcript.id).await?;
    tx.forget_model_trouble(key).await?;
    Ok(Some((tx, body)))
}

/// A statement with the name under which it is listed.
struct Row {
    kind: String,
    insight: Insight,
}

impl Row {
    fn new_insight(&self) -> NewInsight<'_> {
        NewInsight {
            kind: &self.kind,
            ..super::row(&self.insight)
        }
    }
}

async fn read(
    app: &App,
    scope: Scope,
    model: &Model,
    kind: &AnalysisKind,
    transcript: &Transcript,
) -> Result<(Value, Vec<Row>, u32)> {
    let instance = app.store().instance(scope, transcript.instance_id).await?;
    let (facts, date) = match &instance {
        Some(instance) => facts(app, scope, instance, transcript).await?,
        None => (Facts::default(), None),
    };
    let cues = Arc::new(super::cues(app, scope, transcript).await?);
    let lines = super::lines(&cues);
    let reading = reading::read(model, kind, &lines, &facts, Some(transcript.id)).await?;
    let dropped = reading.dropped;
    let made = json!(reading.made);
    if kind.name == MEETING {
        let base = super::embedded(Arc::clone(&cues), date).await?;
        let analysis = meeting(reading, base, &lines, date);
        let mut body = serde_json::to_value(&analysis)
            .map_err(|error| super::internal(format!("a result cannot be written: {error}")))?;
        body["made"] = made;
        let rows = super::statements_of(&analysis)
            .map(|insight| Row {
                kind: insight.kind.as_str().to_owned(),
                insight: insight.into_owned(),
            })
            .collect();
        return Ok((body, rows, dropped));
    }
    let mut lists = Map::new();
    let mut rows = Vec::new();
    for (list, items) in reading.lists {
        let name = kept_as(kind, &list);
        let shown: Vec<Value> = items.iter().map(shown).collect();
        rows.extend(items.into_iter().map(|item| Row {
            kind: name.clone(),
            insight: insight(Kind::Summary, item, &lines, date),
        }));
        lists.insert(list, Value::Array(shown));
    }
    Ok((
        json!({"lists": lists, "dropped": dropped, "made": made}),
        rows,
        dropped,
    ))
}

async fn facts(
    app: &App,
    scope: Scope,
    instance: &Instance,
    transcript: &Transcript,
) -> Result<(Facts, Option<Date>)> {
    let start: Option<Timestamp> = super::recording_start(app, scope, instance, transcript).await?;
    let date = super::day(instance, start);
    let facts = Facts {
        topic: instance.topic.clone(),
        date,
    };
    Ok((facts, date))
}

fn shown(item: &Proven) -> Value {
    let mut out = item.fields.clone();
    out.insert("text".into(), json!(item.text));
    out.insert("speaker".into(), json!(item.speaker));
    out.insert("start_ms".into(), json!(item.start_ms));
    out.insert("cite".into(), json!(item.cite));
    Value::Object(out)
}

/// The model's statements in the form of the embedded analyst, with its languages and talk times.
fn meeting(
    mut reading: Reading,
    base: Analysis,
    lines: &[Line<'_>],
    date: Option<Date>,
) -> Analysis {
    let mut list = |name: &str, kind: Kind| -> Vec<Insight> {
        let items = reading.lists.remove(name).unwrap_or_default();
        items
            .into_iter()
            .map(|item| insight(kind, item, lines, date))
            .collect()
    };
    let chapters = chapters(list("chapters", Kind::Chapter), lines);
    Analysis {
        languages: base.languages,
        stats: base.stats,
        summary: Summary {
            opening: None,
            sentences: list("summary", Kind::Summary),
        },
        chapters,
        action_items: list("action_items", Kind::ActionItem),
        decisions: list("decisions", Kind::Decision),
        questions: list("questions", Kind::Question),
        follow_ups: list("follow_ups", Kind::FollowUp),
        topics: list("topics", Kind::Topic),
        dropped: reading.dropped,
    }
}

/// A chapter goes on until the next begins; the first begins with the talk.
fn chapters(titles: Vec<Insight>, lines: &[Line<'_>]) -> Vec<Chapter> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Vec::new();
    };
    let starts: Vec<u32> = titles
        .iter()
        .enumerate()
        .map(|(at, title)| if at == 0 { first.n } else { title.cite.from })
        .collect();
    titles
        .into_iter()
        .enumerate()
        .filter_map(|(at, title)| {
            let from = starts[at];
            let to = starts
                .get(at + 1)
                .map_or(last.n, |next| next.saturating_sub(1));
            let within: Vec<&Line<'_>> = lines
                .iter()
                .filter(|line| (from..=to).contains(&line.n))
                .collect();
            Some(Chapter {
                title: title.text,
                start_ms: within.first()?.start_ms,
                end_ms: within.last()?.end_ms,
                from,
                to,
                sentences: Vec::new(),
            })
        })
        .collect()
}

/// Words that stand in talk, and in our own writing of it, where a name could, and name nobody.
const NOBODY: [&str; 12] = [
    "i",
    "me",
    "we",
    "us",
    "you",
    "he",
    "she",
    "they",
    "somebody",
    "someone",
    "everybody",
    "everyone",
];

/// A statement; an owner who does not speak and is not named there is none, nor is a day that nobody said.
fn insight(kind: Kind, item: Proven, lines: &[Line<'_>], date: Option<Date>) -> Insight {
    let text_of = |name: &str| {
        let text = item.fields.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let cited: Vec<String> = lines
        .iter()
        .filter(|line| (item.cite.from..=item.cite.to).contains(&line.n))
        .flat_map(|line| line.text.split_whitespace().map(str::to_lowercase))
        .collect();
    let cited = cited.join(" ");
    let owner = text_of("owner").and_then(|owner| {
        let lower = owner.to_lowercase();
        if NOBODY.contains(&lower.as_str()) {
            return None;
        }
        let speaker = lines
            .iter()
            .filter_map(|line| line.speaker)
            .find(|name| name.to_lowercase() == lower);
        speaker
            .map(str::to_owned)
            .or_else(|| cited.contains(&lower).then_some(owner))
    });
    let due_text = text_of("due_text").and_then(|said| {
        let words: Vec<String> = said.split_whitespace().map(str::to_lowercase).collect();
        let lower = words.join(" ");
        cited.contains(&lower).then_some(lower)
    });
    let due = due_text
        .as_deref()
        .and_then(|said| due_in(said, date))
        .and_then(|(due, _)| due);
    let confidence = match item.fields.get("confidence").and_then(Value::as_str) {
        Some("high") => 0.9,
        Some("low") => 0.3,
        _ => 0.6,
    };
    Insight {
        kind,
        text: item.text,
        speaker: item.speaker,
        owner,
        due,
        due_text,
        confidence,
        start_ms: item.start_ms,
        cite: item.cite,
    }
}

/// Whether a failure is the model's, so that the embedded analyst stands in: everything but a fault of ours.
pub(crate) fn is_the_models(error: &EngineError) -> bool {
    matches!(
        error.code(),
        Code::ModelUnavailable | Code::ModelRefused | Code::ModelAnswer | Code::ModelBudget
    )
}

#[cfg(test)]
mod tests {
    use parfocal_understand::Citation;

    use super::*;

    const LINES: [Line<'static>; 2] = [
        Line {
            n: 1,
            start_ms: 0,
            end_ms: 4_000,
            speaker: Some("Edda Brandt"),
            text: "I'll send the draft by  Friday, and Ola checks it.",
        },
        Line {
            n: 2,
            start_ms: 5_000,
            end_ms: 6_000,
            speaker: Some("Luan"),
            text: "Thank you.",
        },
    ];

    fn task(fields: Value) -> Insight {
        let Value::Object(fields) = fields else {
            panic!("an object");
        };
        let item = Proven {
            text: "Send the draft".into(),
            fields,
            speaker: Some("Edda Brandt".into()),
            start_ms: 0,
            cite: Citation {
                from: 1,
                to: 1,
                quote: "I'll send the draft".into(),
            },
        };
        let day = jiff::civil::date(2026, 3, 3);
        insight(Kind::ActionItem, item, &LINES, Some(day))
    }

    #[test]
    fn owners_and_days_have_to_be_said() {
        let found =
            task(json!({"owner": "edda brandt", "due_text": "By Friday", "confidence": "high"}));
        assert_eq!(found.owner.as_deref(), Some("Edda Brandt"));
        assert_eq!(found.due, Some(jiff::civil::date(2026, 3, 6)));
        assert_eq!(task(json!({"owner": "Ola"})).owner.as_deref(), Some("Ola"));
        let invented = task(json!({"owner": "The CEO", "due_text": "by Monday"}));
        assert_eq!(
            (invented.owner, invented.due, invented.due_text),
            (None, None, None)
        );
        assert_eq!(task(json!({"owner": null, "due_text": " "})).due_text, None);
    }

    #[test]
    fn chapters_lie_side_by_side() {
        let title = |n: u32| Insight {
            kind: Kind::Chapter,
            text: format!("Chapter {n}"),
            speaker: None,
            owner: None,
            due: None,
            due_text: None,
            confidence: 0.6,
            start_ms: 0,
            cite: Citation {
                from: n,
                to: n,
                quote: String::new(),
            },
        };
        let found = chapters(vec![title(1), title(2)], &LINES);
        assert_eq!(
            (found[0].from, found[0].to, found[1].from, found[1].to),
            (1, 1, 2, 2)
        );
        assert_eq!(found[1].end_ms, 6_000);
        assert_eq!(chapters(vec![title(2)], &LINES)[0].from, 1);
        assert!(chapters(Vec::new(), &LINES).is_empty());
    }
}
