//! Downloads of recordings: streamed, resumable, and never an error page under a file's name.

mod content;
mod hosts;
mod part;
mod transfer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

pub use content::Expect;
pub(crate) use hosts::ZOOM_HOSTS;

use crate::api::RecordingFile;
use crate::client::Client;
use crate::error::Result;
use crate::hidden::Hidden;

/// How a download proves that it may.
#[derive(Debug, Clone)]
pub enum DownloadAuth {
    /// The client's own access token, as a header.
    Client,
    /// This token as a header: a `download_access_token`, or the `download_token` of an event.
    Bearer(SecretString),
    /// The `download_token` of an event as `?access_token=`, for proxies that drop headers.
    Query(SecretString),
    /// Nothing: the address is enough.
    None,
}

/// A file to download.
#[derive(Clone)]
pub struct Download {
    url: Hidden,
    auth: DownloadAuth,
    expect: Expect,
    size: Option<u64>,
    max_bytes: u64,
    passcode: Option<Hidden>,
    resume: bool,
    attempts: u32,
    deadline: Duration,
}

impl Download {
    /// A file at this address, with the client's token.
    pub fn new(url: impl Into<Hidden>, expect: Expect) -> Self {
        Self {
            url: url.into(),
            auth: DownloadAuth::Client,
            expect,
            size: None,
            max_bytes: 64 * 1024 * 1024 * 1024,
            passcode: None,
            resume: true,
            attempts: 5,
            deadline: Duration::from_hours(12),
        }
    }

    /// The file of a recording, with the size that Zoom names; `None` when it has no address.
    #[must_use]
    pub fn of(file: &RecordingFile) -> Option<Self> {
        let expect = file.file_type.as_ref().map_or(Expect::Any, Expect::of);
        let mut download = Self::new(file.download_url.clone()?, expect);
        download.size = file.file_size.filter(|size| *size > 0);
        Some(download)
    }

    /// How it proves that it may.
    #[must_use]
    pub fn auth(mut self, auth: DownloadAuth) -> Self {
        self.auth = auth;
        self
    }

    /// The size it has to have, in bytes; `None` accepts any.
    #[must_use]
    pub fn size(mut self, size: Option<u64>) -> Self {
        self.size = size;
        self
    }

    /// More bytes than these are an error (default 64 GiB).
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The passcode in the form that addresses take (`recording_play_passcode`).
    #[must_use]
    pub fn passcode(mut self, passcode: Hidden) -> Self {
        self.passcode = Some(passcode);
        self
    }

    /// Does not go on with what an earlier attempt left behind.
    #[must_use]
    pub fn from_scratch(mut self) -> Self {
        self.resume = false;
        self
    }

    /// How often it is tried (default 5); each attempt goes on where the last one ended, if the server can.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Longest time for all of it (default 12 hours).
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("expect", &self.expect)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on the disk.
    pub received: u64,
    /// Bytes in all, when known.
    pub total: Option<u64>,
}

/// A finished download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its contents, in hex.
    pub sha256: String,
    /// `Content-Type` of the answer.
    pub content_type: Option<String>,
    /// Where the last attempt went on, when it did not begin at the start.
    pub resumed_from: Option<u64>,
    /// How many attempts it took.
    pub attempts: u32,
}

/// Downloads files; see [`Client::downloads`].
///
/// ```no_run
/// # async fn example(client: parfocal_zoom::Client, uuid: parfocal_zoom::id::MeetingUuid) -> parfocal_zoom::Result<()> {
/// use parfocal_zoom::download::Download;
///
/// let recording = client.recordings().get(&uuid).await?;
/// for (n, file) in recording.recording_files.iter().enumerate() {
///     if let Some(download) = Download::of(file) {
///         let path = std::path::PathBuf::from(format!("file-{n}"));
///         let done = client.downloads().fetch(&download, &path, |progress| println!("{progress:?}")).await?;
///         println!("{} bytes, {}", done.bytes, done.sha256);
///     }
/// }
/// # Ok(()) }
/// ```
///
/// # Safety of what arrives
///
/// Only https (or this machine, when the client talks to it); a download begins at Zoom's own hosts or those of
/// [`crate::ClientBuilder::download_hosts`], and may be redirected to the storage Zoom uses; the token is never shown to
/// another host than the first. The bytes are checked against the expected kind before the first one is written; a page of HTML or
/// an error in JSON is refused whatever its status says. The file appears under its name when it is complete and on the
/// disk, and not before.
///
/// # Cancellation
///
/// What has arrived stays beside the file as `.NAME.part`, and the next attempt goes on from there.
#[derive(Debug)]
pub struct Downloads<'a> {
    client: &'a Client,
}

impl Client {
    /// Downloads of files.
    #[must_use]
    pub fn downloads(&self) -> Downloads<'_> {
        Downloads { client: self }
    }
}

impl Downloads<'_> {
    /// Downloads a file to `path`; `progress` is told after each piece.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotTheFile`], [`crate::ErrorKind::SizeMismatch`], [`crate::ErrorKind::Truncated`],
    /// [`crate::ErrorKind::TooLarge`], [`crate::ErrorKind::HostRefused`], [`crate::ErrorKind::Io`], or what the server
    /// said.
    pub async fn fetch(
        &self,
        download: &Download,
        path: &Path,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Downloaded> {
        transfer::fetch(self.client, download, path, &mut progress).await
    }
}
