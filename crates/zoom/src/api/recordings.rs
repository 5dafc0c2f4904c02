//! Cloud recordings and durable transcripts.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::types::{MeetingTranscript, Recording};
use super::window::DateWindow;
use crate::client::{Client, Reply};
use crate::error::Result;
use crate::id::{MeetingKey, RecordingFileId, UserId};
use crate::page::Pages;

/// What becomes of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposal {
    /// Into the trash, for 30 days.
    Trash,
    /// Gone for good.
    Delete,
}

impl Disposal {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Trash => "trash",
            Self::Delete => "delete",
        }
    }
}

/// Calls about cloud recordings; see [`Client::recordings`]. Needs a paid plan.
#[derive(Debug)]
pub struct Recordings<'a> {
    client: &'a Client,
}

impl<'a> Recordings<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// A host's recordings of meetings that began within these dates (medium, per 30 days and page).
    ///
    /// They appear hours after the meeting under its start date: look at the last days again.
    pub fn list(&self, user: &UserId, window: DateWindow) -> Pages<Recording> {
        let path = format!("/users/{}/recordings", user.path_segment());
        let parts = window.split().into_iter().map(|part| {
            self.client
                .get(path.clone())
                .query("from", part.from)
                .query("to", part.to)
                .pages("meetings")
        });
        Pages::chain(parts.collect())
    }

    /// The files of one instance (light).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NoRecording`] when there is none, or not yet.
    pub async fn get(&self, instance: impl Into<MeetingKey>) -> Result<Reply<Recording>> {
        self.client
            .get(format!(
                "/meetings/{}/recordings",
                instance.into().path_segment()
            ))
            .reply()
            .await
    }

    /// The files of one instance with a token to download them, good for `ttl`, a week at most (light).
    pub async fn get_with_token(
        &self,
        instance: impl Into<MeetingKey>,
        ttl: Duration,
    ) -> Result<Reply<Recording>> {
        self.client
            .get(format!(
                "/meetings/{}/recordings",
                instance.into().path_segment()
            ))
            .query("include_fields", "download_access_token")
            .query("ttl", ttl.as_secs().min(604_800))
            .reply()
            .await
    }

    /// Removes all files of an instance (light).
    pub async fn remove(&self, instance: impl Into<MeetingKey>, how: Disposal) -> Result<()> {
        self.client
            .call(
                Method::DELETE,
                format!("/meetings/{}/recordings", instance.into().path_segment()),
            )
            .query("action", how.as_str())
            .done()
            .await
    }

    /// Removes one file (light).
    pub async fn remove_file(
        &self,
        instance: impl Into<MeetingKey>,
        file: &RecordingFileId,
        how: Disposal,
    ) -> Result<()> {
        let path = format!(
            "/meetings/{}/recordings/{}",
            instance.into().path_segment(),
            file.path_segment()
        );
        self.client
            .call(Method::DELETE, path)
            .query("action", how.as_str())
            .done()
            .await
    }

    /// Brings all files of an instance back from the trash (light).
    pub async fn recover(&self, instance: impl Into<MeetingKey>) -> Result<()> {
        let path = format!(
            "/meetings/{}/recordings/status",
            instance.into().path_segment()
        );
        self.client
            .call(Method::PUT, path)
            .body(&json!({ "action": "recover" }))
            .done()
            .await
    }

    /// Brings one file back from the trash (light).
    pub async fn recover_file(
        &self,
        instance: impl Into<MeetingKey>,
        file: &RecordingFileId,
    ) -> Result<()> {
        let path = format!(
            "/meetings/{}/recordings/{}/status",
            instance.into().path_segment(),
            file.path_segment()
        );
        self.client
            .call(Method::PUT, path)
            .body(&json!({ "action": "recover" }))
            .done()
            .await
    }

    /// State and address of an instance's durable (AI Companion) transcript (medium); exists without a recording too.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NoTranscript`] when there is none.
    pub async fn transcript(
        &self,
        instance: impl Into<MeetingKey>,
    ) -> Result<Reply<MeetingTranscript>> {
        self.client
            .get(format!(
                "/meetings/{}/transcript",
                instance.into().path_segment()
            ))
            .reply()
            .await
    }
}
