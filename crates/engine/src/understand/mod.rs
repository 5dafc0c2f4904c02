//! What meetings were about: transcripts go through an analyst, and its results are kept by the content they were made of.
//!
//! The embedded analyst is [`parfocal_understand`]: no network, no model. A result is made once for the same words and
//! the same version of its rules, whatever asks for it. Where a language model is configured it analyses too, and the
//! embedded analyst stands in, marked, as long as there is no result of it.

mod by_model;
pub(crate) mod kinds;
pub(crate) mod prompt;
pub(crate) mod proof;
mod reading;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_store::{
    AnalysisKey, Cue, EMBEDDED, InsightFilter, InsightRow, Instance, InstanceId, NewAnalysis,
    NewInsight, Scope, Transcript, Tx,
};
pub use parfocal_understand::{
    Analysis, Chapter, Citation, Heading, Insight, Kind, Line, SpeakerStats, Stats, Summary, Wish,
    markdown,
};
use serde::Serialize;

pub use by_model::{KindInsights, StandsIn, kinds, statement_kind};
pub(crate) use by_model::{is_the_models, kind, make as make_by_model};
pub use kinds::AnalysisKind;
use kinds::MEETING;

use crate::App;
use crate::error::{Code, EngineError, Result};
use crate::models::Model;
use crate::transcripts::parse;

/// Cues read at once.
const PIECE: u32 = 5_000;
/// Most statements in one list.
pub const MOST_STATEMENTS: u32 = 500;

/// What was found in one transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartInsights {
    /// The transcript.
    pub transcript: Transcript,
    /// When its recording began; times in the analysis count from here.
    pub recording_start: Option<Timestamp>,
    /// The day of the meeting where it was held.
    pub date: Option<Date>,
    /// The analyst: `embedded`, or a model.
    pub model: String,
    /// Version of its rules or prompt.
    pub version: String,
    /// Why this is the embedded analyst's, where a model should have analysed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<StandsIn>,
    /// What it found.
    pub analysis: Analysis,
}

/// What was found in a meeting; a recording that was stopped and started again has several parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeetingInsights {
    /// The instance.
    pub instance: Instance,
    /// One for each current transcript, in the order in which their recordings began.
    pub parts: Vec<PartInsights>,
}

/// What was found in an instance: by the model in use where it has analysed, else by the embedded analyst, whose result
/// is made and kept now if it is not there yet. No model is asked.
///
/// # Errors
/// `not_found` when there is no such instance.
pub async fn of_instance(app: &App, instance: InstanceId) -> Result<MeetingInsights> {
    let model = Model::in_use(app).await?;
    let by = model.as_ref().map_or(By::EmbeddedAlone, By::Model);
    found(app, instance, by).await
}

/// What the embedded analyst found in an instance, whether a model is in use or not.
///
/// # Errors
/// `not_found` when there is no such instance.
pub async fn embedded_of_instance(app: &App, instance: InstanceId) -> Result<MeetingInsights> {
    let alone = Model::in_use(app).await?.is_none();
    let by = if alone {
        By::EmbeddedAlone
    } else {
        By::Embedded
    };
    found(app, instance, by).await
}

/// The same as [`of_instance`], after the model in use was asked for what it has not analysed yet. A model that fails is
/// no failure: the embedded analyst stands in, and says why.
///
/// # Errors
/// `not_found` when there is no such instance.
pub async fn ask_of_instance(app: &App, instance: InstanceId) -> Result<MeetingInsights> {
    let scope = app.scope();
    let Some(model) = Model::in_use(app).await? else {
        return found(app, instance, By::EmbeddedAlone).await;
    };
    let kind = AnalysisKind::meeting();
    for transcript in current(app, scope, instance).await? {
        match make_by_model(app, scope, &model, &kind, &transcript).await {
            Ok(Some((tx, _))) => tx.commit().await?,
            Ok(None) => {}
            Err(error) if by_model::is_the_models(&error) => {
                tracing::warn!(%error, "a model could not analyse; the embedded analyst stands in");
            }
            Err(error) => return Err(error),
        }
    }
    found(app, instance, By::Model(&model)).await
}

/// What a kind of the operator's finds in an instance; the model is asked for what it has not analysed yet.
///
/// # Errors
/// `not_found` for an unknown kind, `model_off` when no model is in use, and those of the model: the embedded analyst
/// knows no other kinds.
pub async fn kind_of_instance(
    app: &App,
    instance: InstanceId,
    name: &str,
) -> Result<Vec<KindInsights>> {
    let scope = app.scope();
    let kind = kind(app, name)?;
    let model = Model::in_use(app).await?.ok_or_else(|| {
        EngineError::new(
            Code::ModelOff,
            format!("{name} needs a language model, and none is in use"),
        )
    })?;
    let mut out = Vec::new();
    for transcript in current(app, scope, instance).await? {
        let made = make_by_model(app, scope, &model, &kind, &transcript).await?;
        let result = match made {
            Some((tx, body)) => {
                tx.commit().await?;
                body
            }
            None => by_model::kept(app, scope, &model, &kind, &transcript)
                .await?
                .map_err(|why| internal(why.message))?,
        };
        out.push(KindInsights {
            transcript,
            kind: kind.name.clone(),
            model: model.name(),
            version: kind.version.clone(),
            result,
        });
    }
    Ok(out)
}

async fn current(app: &App, scope: Scope, instance: InstanceId) -> Result<Vec<Transcript>> {
    let mut all = app.store().transcripts(scope, instance).await?;
    all.retain(|transcript| transcript.current);
    Ok(all)
}

/// Whose results are wanted.
#[derive(Clone, Copy)]
enum By<'m> {
    /// The model's, the embedded analyst's standing in.
    Model(&'m Model),
    /// The embedded analyst's, though those of a model are listed.
    Embedded,
    /// The embedded analyst's, which are listed: no model is in use.
    EmbeddedAlone,
}

async fn found(app: &App, instance: InstanceId, by: By<'_>) -> Result<MeetingInsights> {
    app.components().require("understanding").await?;
    let scope = app.scope();
    let instance = app
        .store()
        .instance(scope, instance)
        .await?
        .ok_or_else(|| EngineError::not_found("meeting", instance))?;
    let mut parts = Vec::new();
    for transcript in current(app, scope, instance.id).await? {
        parts.push(part(app, scope, &instance, transcript, by).await?);
    }
    parts.sort_by_key(|part| part.recording_start);
    Ok(MeetingInsights { instance, parts })
}

/// Statements across meetings, those of the latest meetings first; at most `limit`, and never more than
/// [`MOST_STATEMENTS`].
pub async fn statements(
    app: &App,
    filter: &InsightFilter<'_>,
    limit: u32,
) -> Result<Vec<InsightRow>> {
    app.components().require("understanding").await?;
    let limit = limit.min(MOST_STATEMENTS);
    Ok(app.store().insights(app.scope(), filter, limit).await?)
}

/// Analyses a WebVTT file without keeping anything.
///
/// # Errors
/// `invalid_input` when the file is no transcript.
pub fn of_file(bytes: &[u8], wish: &Wish<'_>) -> Result<Analysis> {
    let read =
        parse::transcript(bytes, &[]).map_err(|error| EngineError::invalid(error.to_string()))?;
    Ok(parfocal_understand::analyse(&lines(&read.cues), wish))
}

async fn part(
    app: &App,
    scope: Scope,
    instance: &Instance,
    transcript: Transcript,
    by: By<'_>,
) -> Result<PartInsights> {
    let recording_start = recording_start(app, scope, instance, &transcript).await?;
    let date = day(instance, recording_start);
    let mut stands_in = None;
    if let By::Model(model) = by {
        let kind = AnalysisKind::meeting();
        match by_model::kept(app, scope, model, &kind, &transcript).await? {
            Ok(body) => {
                // What an older program wrote and this one cannot read counts as none.
                if let Ok(analysis) = serde_json::from_value(body) {
                    return Ok(PartInsights {
                        transcript,
                        recording_start,
                        date,
                        model: model.name(),
                        version: kind.version,
                        stands_in: None,
                        analysis,
                    });
                }
            }
            Err(why) => stands_in = Some(why),
        }
    }
    let analysis = if let Some((analysis, listed)) = stored(app, scope, &transcript).await? {
        if !listed && matches!(by, By::EmbeddedAlone) {
            let mut tx = app.store().begin(scope).await?;
            tx.show_analysis(key(&transcript)).await?;
            tx.commit().await?;
        }
        analysis
    } else {
        let analysis = make(app, scope, &transcript, date).await?;
        let now = app.clock().now();
        let mut tx = app.store().begin(scope).await?;
        keep(&mut tx, &transcript, &analysis, now).await?;
        tx.commit().await?;
        analysis
    };
    Ok(PartInsights {
        transcript,
        recording_start,
        date,
        model: EMBEDDED.to_owned(),
        version: parfocal_understand::VERSION.to_owned(),
        stands_in,
        analysis,
    })
}

fn key(transcript: &Transcript) -> AnalysisKey<'_> {
    AnalysisKey {
        transcript_sha256: &transcript.sha256,
        kind: MEETING,
        model: EMBEDDED,
        prompt_v: parfocal_understand::VERSION,
    }
}

/// The kept result, and whether it is listed; one that cannot be read counts as none.
pub(crate) async fn stored(
    app: &App,
    scope: Scope,
    transcript: &Transcript,
) -> Result<Option<(Analysis, bool)>> {
    let stored = app.store().analysis(scope, key(transcript)).await?;
    Ok(stored.and_then(|stored| Some((serde_json::from_value(stored.body).ok()?, stored.current))))
}

/// Analyses a transcript of an instance.
pub(crate) async fn analyse(app: &App, scope: Scope, transcript: &Transcript) -> Result<Analysis> {
    let date = match app.store().instance(scope, transcript.instance_id).await? {
        Some(instance) => {
            let start = recording_start(app, scope, &instance, transcript).await?;
            day(&instance, start)
        }
        None => None,
    };
    make(app, scope, transcript, date).await
}

async fn make(
    app: &App,
    scope: Scope,
    transcript: &Transcript,
    date: Option<Date>,
) -> Result<Analysis> {
    let cues = cues(app, scope, transcript).await?;
    embedded(Arc::new(cues), date).await
}

/// All cues of a transcript.
pub(crate) async fn cues(app: &App, scope: Scope, transcript: &Transcript) -> Result<Vec<Cue>> {
    let mut cues: Vec<Cue> = Vec::new();
    let mut from = 1;
    loop {
        let piece = app.store().cues(scope, transcript.id, from, PIECE).await?;
        let Some(last) = piece.last() else { break };
        from = last.n.saturating_add(1);
        cues.extend(piece);
    }
    Ok(cues)
}

async fn embedded(cues: Arc<Vec<Cue>>, date: Option<Date>) -> Result<Analysis> {
    // A long meeting takes a tenth of a second: not on a thread that answers requests.
    let done = tokio::task::spawn_blocking(move || {
        let wish = Wish {
            date,
            ..Wish::default()
        };
        parfocal_understand::analyse(&lines(&cues), &wish)
    })
    .await;
    done.map_err(|error| internal(format!("the analyst stopped: {error}")))
}

/// The statements that are listed and searched, in their order: a chapter is one, proven by its first sentence.
fn statements_of(analysis: &Analysis) -> impl Iterator<Item = Cow<'_, Insight>> {
    let chapters = analysis.chapters.iter().filter_map(|chapter| {
        let first = chapter.sentences.first()?;
        Some(Cow::Owned(Insight {
            kind: Kind::Chapter,
            text: chapter.title.clone(),
            speaker: None,
            start_ms: chapter.start_ms,
            ..first.clone()
        }))
    });
    let lists = [
        &analysis.summary.sentences,
        &analysis.action_items,
        &analysis.decisions,
        &analysis.questions,
        &analysis.follow_ups,
        &analysis.topics,
    ];
    lists
        .into_iter()
        .flatten()
        .map(Cow::Borrowed)
        .chain(chapters)
}

/// Keeps a result with its statements; false when it was kept already.
pub(crate) async fn keep(
    tx: &mut Tx,
    transcript: &Transcript,
    analysis: &Analysis,
    now: Timestamp,
) -> Result<bool> {
    let body = serde_json::to_value(analysis)
        .map_err(|error| internal(format!("a result cannot be written: {error}")))?;
    let statements: Vec<Cow<'_, Insight>> = statements_of(analysis).collect();
    let insights: Vec<NewInsight<'_>> = statements.iter().map(|one| row(one)).collect();
    let new = NewAnalysis {
        transcript_id: transcript.id,
        key: key(transcript),
        body: &body,
        dropped: u64::from(analysis.dropped),
        insights: &insights,
    };
    let kept = tx.store_analysis(&new, now).await?.is_some();
    if kept {
        crate::talk::tracker::follow(tx, transcript.instance_id, now).await?;
    }
    Ok(kept)
}

fn internal(message: String) -> EngineError {
    EngineError::new(Code::Internal, message)
}

fn row(insight: &Insight) -> NewInsight<'_> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value lies between 0 and 1000"
    )]
    let confidence = (insight.confidence.clamp(0.0, 1.0) * 1000.0).round() as u32;
    NewInsight {
        kind: insight.kind.as_str(),
        text: &insight.text,
        speaker: insight.speaker.as_deref(),
        owner: insight.owner.as_deref(),
        due: insight.due,
        due_text: insight.due_text.as_deref(),
        confidence,
        start_ms: insight.start_ms,
        cue_from: insight.cite.from,
        cue_to: insight.cite.to,
        quote: &insight.cite.quote,
    }
}

pub(crate) fn lines(cues: &[Cue]) -> Vec<Line<'_>> {
    cues.iter()
        .map(|cue| Line {
            n: cue.n,
            start_ms: cue.start_ms,
            end_ms: cue.end_ms,
            speaker: cue.speaker.as_deref(),
            text: &cue.text,
        })
        .collect()
}

async fn recording_start(
    app: &App,
    scope: Scope,
    instance: &Instance,
    transcript: &Transcript,
) -> Result<Option<Timestamp>> {
    let file = match transcript.file_id {
        Some(file) => app.store().file(scope, file).await?,
        None => None,
    };
    Ok(file.and_then(|file| file.start).or(instance.start))
}

/// The day of the meeting in its own zone; UTC where that is not known.
fn day(instance: &Instance, start: Option<Timestamp>) -> Option<Date> {
    let zone = instance
        .tz
        .as_deref()
        .and_then(|name| TimeZone::get(name).ok())
        .unwrap_or(TimeZone::UTC);
    start.map(|start| start.to_zoned(zone).date())
}
