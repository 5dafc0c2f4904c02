//! `transcript.parse`: a downloaded transcript or chat file becomes cues, utterances and messages.

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    ArtefactKind, ArtefactState, File, FileId, Job, NewJob, NewTranscript, Scope,
    TranscriptOutcome, TranscriptSource, Tx, utterances,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::file_fetch::artefact_of;
use super::{Failure, FileFetch, JobKind, Outcome, TranscriptAnalyze, payload};
use crate::App;
use crate::backfill;
use crate::error::{Code, Result};
use crate::ingest::artefacts::{self, cause};
use crate::ingest::{Origin, Rank, Stamp, tell};
use crate::media::Blobs;
use crate::told::{ChatReady, Skipped, Told, TranscriptReady};
use crate::transcripts::parse::{self, PARSER_VERSION, ParseWarning};

/// Largest text file that is read.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// How long after the loss of a copy it is fetched again.
const REST: SignedDuration = SignedDuration::from_secs(10);
/// How many warnings are told; all are counted.
const TOLD_WARNINGS: usize = 20;

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TranscriptParse {
    /// The file.
    pub file: FileId,
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let TranscriptParse { file } = payload(job)?;
    let scope = Scope::of(job.workspace);
    let Some(file) = app.store().file(scope, file).await? else {
        return Ok(Outcome::nothing());
    };
    let Some(blob) = file.blob_id else {
        return Ok(Outcome::nothing());
    };
    let Some(blob) = app.store().blob(scope, blob).await? else {
        return Ok(Outcome::nothing());
    };
    let now = app.clock().now();
    let bytes = match Blobs::of(app)?.get(&blob.key, MOST_BYTES).await {
        Ok(bytes) if hex::encode(Sha256::digest(&bytes)) == blob.sha256 => bytes,
        Ok(_) => {
            return fetch_again(
                app,
                scope,
                job,
                &file,
                "holds other bytes than were stored",
                now,
            )
            .await;
        }
        Err(error) if error.code() == Code::NotFound => {
            return fetch_again(app, scope, job, &file, "is missing", now).await;
        }
        Err(error) => return Err(error),
    };
    let stamp = Stamp::of_answer(now, Rank::Derived);
    let origin = backfill::answer_origin(
        app,
        scope,
        file.account_id,
        stamp,
        now,
        job.priority,
        job.cause_id.clone(),
    )
    .await?;
    if file.file_type == "CHAT" {
        return chat(app, scope, &origin, &file, &bytes).await;
    }
    let people = app.store().participants(scope, file.instance_id).await?;
    let names: Vec<&str> = people
        .iter()
        .filter_map(|person| person.name.as_deref())
        .collect();
    let parsed = match parse::transcript(&bytes, &names) {
        Ok(parsed) => parsed,
        Err(error) => {
            let advice = "Look at the file with `parfocal recordings download`; if Zoom shows a transcript, fetch it again.";
            return Ok(Outcome::Bury(
                None,
                Failure::hopeless(error.to_string(), advice),
            ));
        }
    };
    let new = NewTranscript {
        instance_id: file.instance_id,
        file_id: Some(file.id),
        source: TranscriptSource::Recording,
        sha256: &blob.sha256,
        lang: None,
        parser_v: PARSER_VERSION,
        warnings: parsed.warnings_total,
        cues: &parsed.cues,
        utterances: &utterances(&parsed.cues),
    };
    let mut tx = app.store().begin(scope).await?;
    let stored = tx.store_transcript(&new, now).await?;
    artefacts::present(&mut tx, file.instance_id, ArtefactKind::Transcript, now).await?;
    if let TranscriptOutcome::Inserted(id) = stored {
        let warnings = &parsed.warnings[..parsed.warnings.len().min(TOLD_WARNINGS)];
        let told = Told::TranscriptReady(TranscriptReady {
            transcript: id,
            file: Some(file.external_id.clone()),
            source: None,
            cues: parsed.cues.len() as u64,
            warnings: parsed.warnings_total,
            first_warnings: Some(warnings.iter().map(skipped).collect()),
        });
        tell(&mut tx, &origin, file.instance_id, told).await?;
    }
    if !app.components().active().await?.has("understanding") {
        return Ok(Outcome::done(tx));
    }
    let analyze = NewJob {
        kind: JobKind::TranscriptAnalyze.as_str().to_owned(),
        v: JobKind::TranscriptAnalyze.version(),
        lane: job.lane.clone(),
        priority: job.priority,
        dedupe_key: Some(stored.id().to_string()),
        payload: json!(TranscriptAnalyze {
            transcript: stored.id()
        }),
        run_at: now,
        cause_id: job.cause_id.clone(),
    };
    tx.enqueue(&analyze, now).await?;
    Ok(Outcome::done(tx))
}

/// Forgets a copy that the disk has lost, and has the file fetched anew; that leads here again.
async fn fetch_again(
    app: &App,
    scope: Scope,
    job: &Job,
    file: &File,
    why: &str,
    now: Timestamp,
) -> Result<Outcome> {
    tracing::warn!(file = %file.id, "our copy of a file {why}; it is fetched again");
    let mut tx = app.store().begin(scope).await?;
    tx.set_file_blob(file.id, None, now).await?;
    let new = NewJob {
        kind: JobKind::FileFetch.as_str().to_owned(),
        v: JobKind::FileFetch.version(),
        lane: job.lane.clone(),
        priority: job.priority,
        dedupe_key: Some(file.id.to_string()),
        payload: json!(FileFetch {
            file: file.id,
            event: None,
            on_request: false
        }),
        // Not at once: a disk that keeps nothing must not become a stream of downloads.
        run_at: now.saturating_add(REST).unwrap_or(now),
        cause_id: job.cause_id.clone(),
    };
    tx.enqueue(&new, now).await?;
    Ok(Outcome::done(tx))
}

fn skipped(warning: &ParseWarning) -> Skipped {
    Skipped {
        line: warning.line,
        message: warning.message.clone(),
    }
}

async fn chat(
    app: &App,
    scope: Scope,
    origin: &Origin,
    file: &File,
    bytes: &[u8],
) -> Result<Outcome> {
    let now = origin.now;
    let (messages, warnings) = parse::chat_messages(bytes);
    let mut tx = app.store().begin(scope).await?;
    tx.store_chat(file.instance_id, Some(file.id), &messages)
        .await?;
    let before = tx
        .artefact(file.instance_id.into(), ArtefactKind::Chat)
        .await?;
    artefacts::present(&mut tx, file.instance_id, ArtefactKind::Chat, now).await?;
    if before.is_none_or(|before| before.state != ArtefactState::Present) {
        let told = Told::ChatReady(ChatReady {
            file: file.external_id.clone(),
            messages: messages.len() as u64,
            warnings: warnings.len() as u64,
        });
        tell(&mut tx, origin, file.instance_id, told).await?;
    }
    Ok(Outcome::done(tx))
}

/// Notes that a file cannot be read, when the job was given up.
pub(crate) async fn buried(tx: &mut Tx, job: &Job, error: &str, now: Timestamp) -> Result<()> {
    let wanted: TranscriptParse = payload(job)?;
    let Some(file) = tx.file(wanted.file).await? else {
        return Ok(());
    };
    if let Some(kind) = artefact_of(&file.file_type) {
        artefacts::failed(
            tx,
            file.instance_id,
            kind,
            cause::UNREADABLE,
            Some(error),
            now,
        )
        .await?;
    }
    Ok(())
}
