//! `transcript.analyze`: what was said becomes a summary, action items, decisions and questions, each with its proof.

use parfocal_store::{Job, NewDomainEvent, Scope, TranscriptId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Outcome, payload};
use crate::App;
use crate::error::Result;
use crate::understand;

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TranscriptAnalyze {
    /// The transcript.
    pub transcript: TranscriptId,
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let TranscriptAnalyze { transcript } = payload(job)?;
    let scope = Scope::of(job.workspace);
    let Some(transcript) = app.store().transcript(scope, transcript).await? else {
        return Ok(Outcome::nothing());
    };
    if !transcript.current {
        return Ok(Outcome::nothing());
    }
    if understand::stored(app, scope, &transcript).await?.is_some() {
        let now = app.clock().now();
        let mut tx = app.store().begin(scope).await?;
        super::transcript_model::follow(app, &mut tx, job, &transcript, now).await?;
        super::transcript_embed::follow(app, &mut tx, job, &transcript, now).await?;
        return Ok(Outcome::done(tx));
    }
    let analysis = understand::analyse(app, scope, &transcript).await?;
    let now = app.clock().now();
    let mut tx = app.store().begin(scope).await?;
    super::transcript_model::follow(app, &mut tx, job, &transcript, now).await?;
    super::transcript_embed::follow(app, &mut tx, job, &transcript, now).await?;
    if understand::keep(&mut tx, &transcript, &analysis, now).await? {
        let event = NewDomainEvent {
            event_type: "insights.ready".to_owned(),
            v: 1,
            subject_id: transcript.instance_id.to_string(),
            data: json!({
                "transcript": transcript.id,
                "kind": "meeting",
                "model": parfocal_store::EMBEDDED,
                "action_items": analysis.action_items.len(),
                "decisions": analysis.decisions.len(),
                "questions": analysis.questions.len(),
                "dropped": analysis.dropped,
            }),
        };
        tx.append_event(&event, now).await?;
    }
    Ok(Outcome::done(tx))
}
