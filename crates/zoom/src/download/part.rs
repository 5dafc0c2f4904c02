//! What an unfinished download leaves beside its file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

use crate::durable;
use crate::error::{Error, Result};

/// What is known of the whole, to go on with a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notes {
    /// Tells which download it is: a hash of the address without its query, which holds tokens.
    pub(super) source: String,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) total: Option<u64>,
}

impl Notes {
    /// The value for `If-Range`: a strong ETag, else the date.
    pub(super) fn validator(&self) -> Option<&str> {
        self.etag
            .as_deref()
            .filter(|etag| !etag.starts_with("W/"))
            .or(self.last_modified.as_deref())
    }
}

/// A hash of the address that no token goes into.
pub(super) fn source(url: &Url) -> String {
    let text = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The unfinished file, with the hash of what is in it.
pub(super) struct Part {
    path: PathBuf,
    notes_path: PathBuf,
    pub(super) notes: Notes,
    file: Option<File>,
    pub(super) len: u64,
    hash: Sha256,
}

impl Part {
    /// Opens what an earlier attempt at the same source left, or nothing.
    pub(super) async fn open(target: &Path, source: String, resume: bool) -> Result<Self> {
        let mut part = Self {
            path: durable::beside(target, ".part"),
            notes_path: durable::beside(target, ".part.json"),
            notes: Notes {
                source,
                ..Notes::default()
            },
            file: None,
            len: 0,
            hash: Sha256::new(),
        };
        if resume && let Some((notes, len, hash)) = part.left_over().await {
            part.notes = notes;
            part.len = len;
            part.hash = hash;
        }
        Ok(part)
    }

    async fn left_over(&self) -> Option<(Notes, u64, Sha256)> {
        let notes: Notes =
            serde_json::from_slice(&tokio::fs::read(&self.notes_path).await.ok()?).ok()?;
        if notes.source != self.notes.source
            || (notes.validator().is_none() && notes.total.is_none())
        {
            return None;
        }
        let mut file = File::open(&self.path).await.ok()?;
        let mut hash = Sha256::new();
        let mut len = 0_u64;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let read = file.read(&mut buffer).await.ok()?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            len += read as u64;
        }
        (len > 0 && notes.total.is_none_or(|total| len <= total)).then_some((notes, len, hash))
    }

    /// Starts from nothing, with these notes.
    pub(super) async fn restart(&mut self, notes: Notes) -> Result<()> {
        self.notes = notes;
        self.len = 0;
        self.hash = Sha256::new();
        let file = durable::private()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&self.path)
            .await;
        self.file = Some(file.map_err(|error| Error::io("the download cannot be written", error))?);
        let text = serde_json::to_vec(&self.notes).unwrap_or_default();
        durable::replace(&self.notes_path, &text)
            .await
            .map_err(|error| Error::io("the download's notes cannot be written", error))
    }

    /// Goes on where the last attempt ended.
    pub(super) async fn go_on(&mut self) -> Result<()> {
        if self.file.is_none() {
            let file = durable::private().append(true).open(&self.path).await;
            self.file =
                Some(file.map_err(|error| Error::io("the download cannot be written", error))?);
        }
        Ok(())
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else {
            return Err(lost());
        };
        file.write_all(bytes)
            .await
            .map_err(|error| Error::io("the download cannot be written", error))?;
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Hands what was written to the operating system, so that the next attempt finds it.
    pub(super) async fn flush(&mut self) -> Result<()> {
        match &mut self.file {
            Some(file) => file
                .flush()
                .await
                .map_err(|error| Error::io("the download cannot be written", error)),
            None => Ok(()),
        }
    }

    /// Makes it the file, on the disk and under its name; gives its hash.
    pub(super) async fn finish(mut self, target: &Path) -> Result<String> {
        self.go_on().await?;
        let Some(mut file) = self.file.take() else {
            return Err(lost());
        };
        let done = async {
            file.flush().await?;
            file.sync_all().await?;
            drop(file);
            durable::publish(&self.path, target).await
        };
        done.await
            .map_err(|error| Error::io("the download cannot be put in its place", error))?;
        // Left-over notes do no harm: without a part they are not read.
        let _ = tokio::fs::remove_file(&self.notes_path).await;
        Ok(hex::encode(self.hash.finalize()))
    }

    /// Leaves nothing behind.
    pub(super) async fn discard(&mut self) {
        self.file = None;
        self.len = 0;
        self.hash = Sha256::new();
        let _ = tokio::fs::remove_file(&self.path).await;
        let _ = tokio::fs::remove_file(&self.notes_path).await;
    }
}

fn lost() -> Error {
    Error::io(
        "the download cannot be written",
        std::io::Error::other("it is not open"),
    )
}
