//! `transcript.model`: the language model in use analyses a transcript; until it has, the embedded analyst's result stands.

use jiff::Timestamp;
use parfocal_store::{Job, NewJob, Scope, Transcript, TranscriptId, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{JobKind, Outcome, payload};
use crate::App;
use crate::error::Result;
use crate::models::Model;
use crate::told::{self, InsightsReady, Told};
use crate::understand;

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TranscriptModel {
    /// The transcript.
    pub transcript: TranscriptId,
    /// The kind of analysis.
    pub kind: String,
}

/// Enqueues what the model in use is to do with a transcript: the built-in kind and those of the operator that say so.
pub(super) async fn follow(
    app: &App,
    tx: &mut Tx,
    job: &Job,
    transcript: &Transcript,
    now: Timestamp,
) -> Result<()> {
    if Model::in_use(app).await?.is_none() {
        return Ok(());
    }
    let kinds = match understand::kinds(app) {
        Ok(kinds) => kinds,
        Err(error) => {
            // A broken file of the operator's must not keep transcripts from being analysed.
            tracing::warn!(%error, "the kinds of analysis cannot be read; only the built-in one is done");
            vec![understand::kind(app, "meeting")?]
        }
    };
    for kind in kinds {
        if kind.name != "meeting" && !kind.auto {
            continue;
        }
        let key = format!("{} {}", transcript.id, kind.name);
        let new = NewJob {
            kind: JobKind::TranscriptModel.as_str().to_owned(),
            v: JobKind::TranscriptModel.version(),
            // No lane: a question of minutes must not hold up the events of its meeting.
            lane: None,
            priority: job.priority,
            dedupe_key: Some(key),
            payload: json!(TranscriptModel {
                transcript: transcript.id,
                kind: kind.name,
            }),
            run_at: now,
            cause_id: job.cause_id.clone(),
        };
        tx.enqueue(&new, now).await?;
    }
    Ok(())
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let TranscriptModel { transcript, kind } = payload(job)?;
    let scope = Scope::of(job.workspace);
    let Some(transcript) = app.store().transcript(scope, transcript).await? else {
        return Ok(Outcome::nothing());
    };
    let Some(model) = Model::in_use(app).await? else {
        return Ok(Outcome::nothing());
    };
    if !transcript.current {
        return Ok(Outcome::nothing());
    }
    let kind = understand::kind(app, &kind)?;
    let Some((mut tx, body)) =
        understand::make_by_model(app, scope, &model, &kind, &transcript).await?
    else {
        return Ok(Outcome::nothing());
    };
    let now = app.clock().now();
    let event = Told::InsightsReady(InsightsReady {
        transcript: transcript.id,
        kind: kind.name.clone(),
        model: model.name().clone(),
        action_items: None,
        decisions: None,
        questions: None,
        dropped: body["dropped"].as_u64(),
    });
    told::tell(&mut tx, transcript.instance_id, event, now).await?;
    Ok(Outcome::done(tx))
}
