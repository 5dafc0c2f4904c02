//! Files of recordings: kept once under telling keys, fetched by themselves where they are text, on request otherwise.

mod blobs;

use std::path::{Path, PathBuf};

use parfocal_store::{File, FileId, InstanceId};
use parfocal_zoom::api::FileType;
use parfocal_zoom::download::{Download, Expect, Progress};
use serde::Serialize;

pub use blobs::{Blobs, KeyParts, hash_file};

use crate::App;
use crate::backfill;
use crate::error::{Code, EngineError, Result};
use crate::jobs::priority;

impl Blobs {
    /// The files of an application, where its configuration says.
    pub fn of(app: &App) -> Result<Self> {
        Self::open(&app.config().blobs_dir())
    }
}

/// What the bytes of a file of this type have to look like.
pub(crate) fn expected_contents(file_type: &str, extension: Option<&str>) -> Expect {
    let expected = Expect::of(&FileType::from(file_type));
    match (expected, extension) {
        (Expect::Any, Some("vtt")) => Expect::Vtt,
        (Expect::Any, Some("json")) => Expect::Json,
        (Expect::Any, Some("txt")) => Expect::Text,
        (expected, _) => expected,
    }
}

/// A file as shown to people and programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileView {
    /// The file.
    #[serde(flatten)]
    pub file: File,
    /// SHA-256 of our copy, in hex; none when there is no copy.
    pub sha256: Option<String>,
    /// Bytes of our copy.
    pub stored_bytes: Option<u64>,
}

/// A file that was put where a person wanted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its contents, in hex.
    pub sha256: String,
    /// Whether it came from our own store of files, rather than from Zoom.
    pub from_store: bool,
}

/// The files of an instance's recordings.
pub async fn files(app: &App, instance: InstanceId) -> Result<Vec<FileView>> {
    let mut views = Vec::new();
    for file in app.store().files_of_instance(app.scope(), instance).await? {
        let blob = match file.blob_id {
            Some(id) => app.store().blob(app.scope(), id).await?,
            None => None,
        };
        views.push(FileView {
            sha256: blob.as_ref().map(|blob| blob.sha256.clone()),
            stored_bytes: blob.as_ref().map(|blob| blob.size),
            file,
        });
    }
    Ok(views)
}

/// The bytes of our copy of a file, up to `max`; none when there is no copy.
pub async fn contents(app: &App, file: FileId, max: u64) -> Result<Option<bytes::Bytes>> {
    let file = find(app, file).await?;
    let Some(blob) = file.blob_id else {
        return Ok(None);
    };
    let Some(blob) = app.store().blob(app.scope(), blob).await? else {
        return Ok(None);
    };
    Ok(Some(Blobs::of(app)?.get(&blob.key, max).await?))
}

/// Puts a file at `to`: our copy if there is one, else Zoom's. Any kind and any size, since a person asked for it.
///
/// # Errors
/// `download_unexpected` when Zoom gave something else, `file_failed` when it cannot be written.
pub async fn download(
    app: &App,
    file: FileId,
    to: &Path,
    progress: impl FnMut(Progress) + Send,
) -> Result<Fetched> {
    let file = find(app, file).await?;
    if let Some(blob) = file.blob_id
        && let Some(blob) = app.store().blob(app.scope(), blob).await?
    {
        let from = Blobs::of(app)?.local_path(&blob.key)?;
        tokio::fs::copy(&from, to).await.map_err(|error| {
            EngineError::new(
                Code::FileFailed,
                format!("{} cannot be written: {error}", to.display()),
            )
            .with_source(error)
        })?;
        return Ok(Fetched {
            path: to.to_owned(),
            bytes: blob.size,
            sha256: blob.sha256,
            from_store: true,
        });
    }
    let Some(url) = file.download_url.clone() else {
        return Err(EngineError::new(
            Code::ZoomNotFound,
            "Zoom gave no address for the file",
        ));
    };
    let client = backfill::client(app, file.account_id, priority::INTERACTIVE).await?;
    let size = file
        .size
        .and_then(|size| u64::try_from(size).ok())
        .filter(|size| *size > 0);
    let expect = expected_contents(&file.file_type, file.extension.as_deref());
    let download = Download::new(url, expect).size(size);
    let done = client.downloads().fetch(&download, to, progress).await?;
    Ok(Fetched {
        path: done.path,
        bytes: done.bytes,
        sha256: done.sha256,
        from_store: false,
    })
}

async fn find(app: &App, file: FileId) -> Result<File> {
    app.store()
        .file(app.scope(), file)
        .await?
        .ok_or_else(|| EngineError::not_found("file", file))
}
