//! `file.fetch`: one file of a recording, from Zoom to our own store of files.
//!
//! An event's download token is used while it lasts, then our own access token; an address that does not work any
//! more is asked for again. What is not ready is waited for, for days if need be.

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    ArtefactKind, EventId, File, FileId, Instance, InstanceId, Job, NewBlob, Recording, Scope, Tx,
};
use parfocal_zoom::download::{Download, DownloadAuth, Downloaded};
use parfocal_zoom::{Client, ErrorKind};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Failure, Follow, JobKind, Outcome, TranscriptParse, look_again, payload};
use crate::App;
use crate::backfill;
use crate::backfill::read::Reader;
use crate::error::Result;
use crate::ingest::artefacts::{self, PROCESSING, cause};
use crate::ingest::recordings::{self, Presence};
use crate::ingest::{Origin, Rank, Stamp, tell};
use crate::media::{Blobs, KeyParts, expected_contents};
use crate::told::{FileStored, Told};

/// How long an event's download token works.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileFetch {
    /// The file.
    pub file: FileId,
    /// The event whose download token opens it.
    pub event: Option<EventId>,
    /// Whether a person asked for it: then there is no bound on its size, and what is here is fetched again.
    pub on_request: bool,
}

/// Everything one download needs.
struct Work<'a> {
    app: &'a App,
    scope: Scope,
    job: &'a Job,
    wanted: FileFetch,
    file: File,
    recording: Recording,
    instance: Instance,
    client: Client,
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let wanted: FileFetch = payload(job)?;
    let scope = Scope::of(job.workspace);
    let store = app.store();
    let Some(file) = store.file(scope, wanted.file).await? else {
        return Ok(Outcome::nothing());
    };
    if file.deleted_at.is_some() || (!wanted.on_request && is_here(app, scope, &file).await?) {
        return Ok(Outcome::nothing());
    }
    let Some(instance) = store.instance(scope, file.instance_id).await? else {
        return Ok(Outcome::nothing());
    };
    let Some(recording) = store.recording(scope, file.recording_id).await? else {
        return Ok(Outcome::nothing());
    };
    let client = backfill::client(app, file.account_id, job.priority).await?;
    Work {
        app,
        scope,
        job,
        wanted,
        file,
        recording,
        instance,
        client,
    }
    .run()
    .await
}

impl Work<'_> {
    async fn run(mut self) -> Result<Outcome> {
        let blobs = Blobs::of(self.app)?;
        let path = blobs.scratch(&self.file.id.to_string())?;
        let mut refreshed = false;
        let error = loop {
            match self.download(&path).await {
                Ok(done) => return self.keep(&blobs, done).await,
                Err(error) if !refreshed && is_about_access(&error) => {
                    refreshed = true;
                    match self.refresh().await? {
                        Refreshed::Again => {}
                        Refreshed::Gone(outcome) => return Ok(*outcome),
                        Refreshed::No => break error,
                    }
                }
                Err(error) => break error,
            }
        };
        self.failed(error).await
    }

    async fn download(&self, path: &std::path::Path) -> parfocal_zoom::Result<Downloaded> {
        let Some(url) = self.file.download_url.clone() else {
            return Err(parfocal_zoom::Error::new(
                ErrorKind::NotFound,
                "Zoom gave no address for the file",
            ));
        };
        let expect = expected_contents(&self.file.file_type, self.file.extension.as_deref());
        let bound = if self.wanted.on_request {
            u64::MAX
        } else {
            self.app
                .config()
                .media
                .max_file_mb
                .saturating_mul(1024 * 1024)
        };
        // Captions and timelines are listed without a size; for text files the size Zoom names may be off by line ends.
        let size = self
            .file
            .size
            .and_then(|size| u64::try_from(size).ok())
            .filter(|size| *size > 0);
        let download = Download::new(url, expect).size(size).max_bytes(bound);
        let downloads = self.client.downloads();
        if let Some(token) = self.token().await {
            let first = download
                .clone()
                .auth(DownloadAuth::Bearer(token))
                .attempts(2);
            match downloads.fetch(&first, path, |_| {}).await {
                Ok(done) => return Ok(done),
                Err(error) if is_about_access(&error) => {}
                Err(error) => return Err(error),
            }
        }
        downloads.fetch(&download, path, |_| {}).await
    }

    /// The download token of the event that told of the file, while it works.
    async fn token(&self) -> Option<SecretString> {
        let event = self
            .app
            .store()
            .inbox_event(self.scope, self.wanted.event?)
            .await
            .ok()??;
        let age = self.app.clock().now().duration_since(event.event_ts);
        if age > TOKEN_LIFE {
            return None;
        }
        self.app.webhooks().download_token(&event).ok()?
    }

    /// Asks for the recording again, since addresses may change.
    async fn refresh(&mut self) -> Result<Refreshed> {
        let uuid = self.instance.external_id.clone();
        let said = match Reader::new(self.client.clone()).recording(&uuid).await {
            Ok(said) => said,
            Err(error) if error.is_not_found() => {
                let now = self.app.clock().now();
                let mut tx = self.app.store().begin(self.scope).await?;
                if let Some(kind) = artefact_of(&self.file.file_type) {
                    let detail = Some("Zoom does not know the recording any more");
                    artefacts::unavailable(
                        &mut tx,
                        self.instance.id,
                        kind,
                        cause::DELETED,
                        detail,
                        now,
                    )
                    .await?;
                }
                let outcome = Outcome::Done(Some(tx), backfill::report(&error));
                return Ok(Refreshed::Gone(Box::new(outcome)));
            }
            // Without the scope for it, what is known has to do.
            Err(error) if backfill::gate::refuses_subject(&error).is_some() => {
                return Ok(Refreshed::No);
            }
            Err(error) => return Err(error.into()),
        };
        let now = self.app.clock().now();
        let origin = self.origin(now).await?;
        let mut tx = self.app.store().begin(self.scope).await?;
        recordings::update(&mut tx, &origin, &said, Presence::There).await?;
        tx.commit().await?;
        let Some(file) = self.app.store().file(self.scope, self.file.id).await? else {
            return Ok(Refreshed::Gone(Box::new(Outcome::nothing())));
        };
        let changed = file.download_url != self.file.download_url;
        self.file = file;
        Ok(if changed {
            Refreshed::Again
        } else {
            Refreshed::No
        })
    }

    async fn keep(&self, blobs: &Blobs, done: Downloaded) -> Result<Outcome> {
        let now = self.app.clock().now();
        let origin = self.origin(now).await?;
        let extension = self.file.extension.clone().unwrap_or_else(|| "bin".into());
        let start = self
            .recording
            .start
            .or(self.file.start)
            .or(self.instance.start)
            .unwrap_or(now);
        let key = KeyParts {
            workspace: self.scope.workspace,
            account: &origin.account_key,
            start,
            instance: &self.instance.external_id,
            file: &self.file.external_id,
            sha256: &done.sha256,
            extension: &extension,
        }
        .key();
        blobs.put_file(&key, &done.path).await?;
        let content_type = done
            .content_type
            .clone()
            .unwrap_or_else(|| "application/octet-stream".into());
        let mut tx = self.app.store().begin(self.scope).await?;
        let blob = NewBlob {
            key,
            sha256: done.sha256,
            size: done.bytes,
            content_type,
        };
        let blob = tx.put_blob(&blob, now).await?;
        tx.set_file_blob(self.file.id, Some(blob), now).await?;
        if is_parsed(&self.file.file_type) {
            let follow = Follow {
                lane: origin.lane(self.instance.number.as_deref()),
                priority: self.job.priority,
                cause: self.job.cause_id.clone(),
                run_at: now,
            };
            let payload = TranscriptParse { file: self.file.id };
            follow
                .enqueue(
                    &mut tx,
                    JobKind::TranscriptParse,
                    self.file.id.to_string(),
                    &payload,
                    now,
                )
                .await?;
        }
        let told = Told::FileStored(FileStored {
            file: self.file.external_id.clone(),
            file_type: self.file.file_type.clone(),
            bytes: done.bytes,
        });
        tell(&mut tx, &origin, self.instance.id, told).await?;
        Ok(Outcome::done(tx))
    }

    async fn failed(&self, error: parfocal_zoom::Error) -> Result<Outcome> {
        let now = self.app.clock().now();
        if error.kind() == ErrorKind::TooLarge {
            let mut tx = self.app.store().begin(self.scope).await?;
            if let Some(kind) = artefact_of(&self.file.file_type) {
                let detail = format!(
                    "larger than {} MB (media.max_file_mb)",
                    self.app.config().media.max_file_mb
                );
                artefacts::unavailable(
                    &mut tx,
                    self.instance.id,
                    kind,
                    cause::TOO_LARGE,
                    Some(&detail),
                    now,
                )
                .await?;
            }
            return Ok(Outcome::Done(Some(tx), backfill::report(&error)));
        }
        if !is_about_access(&error) {
            return Err(error.into());
        }
        // Not ready, or not for us yet: Zoom needs up to three days for a recording under load.
        let since = self.job.created_at;
        let deadline = since.saturating_add(PROCESSING).unwrap_or(now);
        match look_again(since, now, deadline) {
            Some(next) if !self.wanted.on_request => Ok(Outcome::Wait(
                None,
                next,
                format!("the file is not ready: {error}"),
                backfill::report(&error),
            )),
            _ => Ok(Outcome::Bury(None, Failure::of(&error.into(), now))),
        }
    }

    async fn origin(&self, now: Timestamp) -> Result<Origin> {
        let stamp = Stamp::of_answer(now, Rank::Detail);
        let (job, account) = (self.job, self.file.account_id);
        backfill::answer_origin(
            self.app,
            self.scope,
            account,
            stamp,
            now,
            job.priority,
            job.cause_id.clone(),
        )
        .await
    }
}

/// Whether our copy of a file is in order; a row alone is not enough, since the disk may have lost the bytes.
async fn is_here(app: &App, scope: Scope, file: &File) -> Result<bool> {
    let Some(blob) = file.blob_id else {
        return Ok(false);
    };
    let Some(blob) = app.store().blob(scope, blob).await? else {
        return Ok(false);
    };
    let size = Blobs::of(app)?.size(&blob.key).await?;
    if size != Some(blob.size) {
        tracing::warn!(file = %file.id, ?size, expected = blob.size, "our copy of a file is damaged; it is fetched again");
    }
    Ok(size == Some(blob.size))
}

/// Removes what the download left, once the row of the bytes is committed.
pub(super) async fn tidy(app: &App, job: &Job) {
    let scratch = payload::<FileFetch>(job)
        .and_then(|wanted| Blobs::of(app)?.scratch(&wanted.file.to_string()));
    let Ok(scratch) = scratch else { return };
    match tokio::fs::remove_file(&scratch).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            // The next download of the file overwrites it.
            tracing::debug!(error = %error, "a scratch file stays behind");
        }
        _ => {}
    }
}

enum Refreshed {
    /// There is another address: try that.
    Again,
    /// Nothing new was learnt.
    No,
    /// There is nothing to fetch any more.
    Gone(Box<Outcome>),
}

/// Whether another address or token, or patience, may help.
fn is_about_access(error: &parfocal_zoom::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotTheFile
            | ErrorKind::NotFound
            | ErrorKind::NoRecording
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::SizeMismatch
            | ErrorKind::Validation
    )
}

/// Whether files of this type are read.
fn is_parsed(file_type: &str) -> bool {
    matches!(file_type, "TRANSCRIPT" | "CHAT")
}

/// The thing of the instance that a file is.
pub(crate) fn artefact_of(file_type: &str) -> Option<ArtefactKind> {
    match file_type {
        "TRANSCRIPT" => Some(ArtefactKind::Transcript),
        "CHAT" => Some(ArtefactKind::Chat),
        _ => None,
    }
}

/// Notes that a file cannot be had, when its job was given up.
pub(crate) async fn buried(tx: &mut Tx, job: &Job, error: &str, now: Timestamp) -> Result<()> {
    let wanted: FileFetch = payload(job)?;
    let Some(file) = tx.file(wanted.file).await? else {
        return Ok(());
    };
    let instance: InstanceId = file.instance_id;
    if let Some(kind) = artefact_of(&file.file_type) {
        artefacts::failed(tx, instance, kind, cause::DOWNLOAD_FAILED, Some(error), now).await?;
    }
    Ok(())
}
