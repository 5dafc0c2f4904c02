//! What meetings were about: transcripts go through an analyst, and its results are kept by the content they were made of.
//!
//! The embedded analyst is [`parfocal_understand`]: no network, no model. A result is made once for the same words and
//! the same version of its rules, whatever asks for it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_store::{
    AnalysisKey, Cue, InsightFilter, InsightRow, Instance, InstanceId, NewAnalysis, NewInsight,
    Scope, Transcript, Tx,
};
pub use parfocal_understand::{
    Analysis, Chapter, Citation, Heading, Insight, Kind, Line, SpeakerStats, Stats, Summary, Wish,
    markdown,
};
use serde::Serialize;

use crate::App;
use crate::error::{Code, EngineError, Result};
use crate::transcripts::parse;

/// The kind of analysis that looks for everything at once.
const MEETING: &str = "meeting";
/// The name of the analyst in this program.
const EMBEDDED: &str = "embedded";
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
    /// The analyst.
    pub model: &'static str,
    /// Version of its rules.
    pub version: &'static str,
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

/// What was found in an instance; what is not analysed yet is analysed and kept now.
///
/// # Errors
/// `not_found` when there is no such instance.
pub async fn of_instance(app: &App, instance: InstanceId) -> Result<MeetingInsights> {
    app.components().require("understanding").await?;
    let scope = app.scope();
    let instance = app
        .store()
        .instance(scope, instance)
        .await?
        .ok_or_else(|| EngineError::not_found("meeting", instance))?;
    let mut parts = Vec::new();
    for transcript in app.store().transcripts(scope, instance.id).await? {
        if transcript.current {
            parts.push(part(app, scope, &instance, transcript).await?);
        }
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
) -> Result<PartInsights> {
    let recording_start = recording_start(app, scope, instance, &transcript).await?;
    let date = day(instance, recording_start);
    let analysis = if let Some(analysis) = stored(app, scope, &transcript).await? {
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
        model: EMBEDDED,
        version: parfocal_understand::VERSION,
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

/// The kept result; one that cannot be read counts as none.
pub(crate) async fn stored(
    app: &App,
    scope: Scope,
    transcript: &Transcript,
) -> Result<Option<Analysis>> {
    let stored = app.store().analysis(scope, key(transcript)).await?;
    Ok(stored.and_then(|stored| serde_json::from_value(stored.body).ok()))
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
    let mut cues: Vec<Cue> = Vec::new();
    let mut from = 1;
    loop {
        let piece = app.store().cues(scope, transcript.id, from, PIECE).await?;
        let Some(last) = piece.last() else { break };
        from = last.n.saturating_add(1);
        cues.extend(piece);
    }
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

/// Keeps a result with its statements; false when it was kept already.
pub(crate) async fn keep(
    tx: &mut Tx,
    transcript: &Transcript,
    analysis: &Analysis,
    now: Timestamp,
) -> Result<bool> {
    let body = serde_json::to_value(analysis)
        .map_err(|error| internal(format!("a result cannot be written: {error}")))?;
    let lists = [
        &analysis.summary.sentences,
        &analysis.action_items,
        &analysis.decisions,
        &analysis.questions,
        &analysis.follow_ups,
        &analysis.topics,
    ];
    let insights: Vec<NewInsight<'_>> = lists.into_iter().flatten().map(row).collect();
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

fn lines(cues: &[Cue]) -> Vec<Line<'_>> {
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
