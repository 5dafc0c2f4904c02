//! `transcript.embed`: the passages of a transcript get their vectors, for searching by meaning.

use jiff::Timestamp;
use parfocal_store::{Job, NewJob, Scope, Transcript, TranscriptId, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{JobKind, Outcome, payload};
use crate::App;
use crate::error::Result;
use crate::models::Embedder;
use crate::search::embed;

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TranscriptEmbed {
    /// The transcript.
    pub transcript: TranscriptId,
}

/// Enqueues it where a server makes vectors.
pub(super) async fn follow(
    app: &App,
    tx: &mut Tx,
    job: &Job,
    transcript: &Transcript,
    now: Timestamp,
) -> Result<()> {
    if Embedder::in_use(app).await?.is_none() {
        return Ok(());
    }
    let new = NewJob {
        kind: JobKind::TranscriptEmbed.as_str().to_owned(),
        v: JobKind::TranscriptEmbed.version(),
        lane: None,
        priority: job.priority,
        dedupe_key: Some(transcript.id.to_string()),
        payload: json!(TranscriptEmbed {
            transcript: transcript.id,
        }),
        run_at: now,
        cause_id: job.cause_id.clone(),
    };
    tx.enqueue(&new, now).await?;
    Ok(())
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let TranscriptEmbed { transcript } = payload(job)?;
    let scope = Scope::of(job.workspace);
    let Some(transcript) = app.store().transcript(scope, transcript).await? else {
        return Ok(Outcome::nothing());
    };
    let Some(embedder) = Embedder::in_use(app).await? else {
        return Ok(Outcome::nothing());
    };
    if transcript.current {
        embed(app, scope, &embedder, &transcript).await?;
    }
    Ok(Outcome::nothing())
}
