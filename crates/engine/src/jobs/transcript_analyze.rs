//! `transcript.analyze`: what was said becomes a summary, action items, decisions and questions, each with its proof.

use parfocal_store::{Job, Scope, TranscriptId};
use serde::{Deserialize, Serialize};

use super::{Outcome, payload};
use crate::App;
use crate::error::Result;
use crate::told::{self, InsightsReady, Told};
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
        let event = Told::InsightsReady(InsightsReady {
            transcript: transcript.id,
            kind: "meeting".to_owned(),
            model: parfocal_store::EMBEDDED.to_owned(),
            action_items: Some(analysis.action_items.len() as u64),
            decisions: Some(analysis.decisions.len() as u64),
            questions: Some(analysis.questions.len() as u64),
            dropped: Some(u64::from(analysis.dropped)),
        });
        told::tell(&mut tx, transcript.instance_id, event, now).await?;
    }
    Ok(Outcome::done(tx))
}
