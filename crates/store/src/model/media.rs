//! Recordings, their files, blobs, and the states of what is to be had.

use jiff::Timestamp;
use serde::Serialize;

use super::MeetingKind;
use super::words;
use crate::id::{AccountId, BlobId, FileId, InstanceId, OwnerId, RecordingId};

/// A cloud recording of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recording {
    /// Its id.
    pub id: RecordingId,
    /// The account.
    pub account_id: AccountId,
    /// The provider's id (Zoom: the instance's UUID).
    pub external_id: String,
    /// The instance.
    pub instance_id: InstanceId,
    /// When it began.
    pub start: Option<Timestamp>,
    /// Where people watch it.
    pub share_url: Option<String>,
    /// Where its passcode is: the owner of its vault row.
    pub passcode_ref: Option<String>,
    /// Bytes of all files, as the provider counts.
    pub total_size: Option<i64>,
    /// The provider's JSON.
    pub raw: String,
    /// When it was deleted there.
    pub deleted_at: Option<Timestamp>,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

/// Facts about a recording; what is `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRecording {
    /// The provider's id; with the account, the key.
    pub external_id: String,
    /// When it began.
    pub start: Option<Timestamp>,
    /// Where people watch it.
    pub share_url: Option<String>,
    /// Where its passcode is.
    pub passcode_ref: Option<String>,
    /// Bytes of all files.
    pub total_size: Option<i64>,
    /// The provider's JSON.
    pub raw: Option<String>,
}

/// One file of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// The account.
    pub account_id: AccountId,
    /// The recording.
    pub recording_id: RecordingId,
    /// The instance.
    pub instance_id: InstanceId,
    /// The provider's id, or `uuid:type:start` when it gives none.
    pub external_id: String,
    /// The provider's file type (`MP4`, `TRANSCRIPT`, `CHAT` …).
    pub file_type: String,
    /// The provider's recording type (`shared_screen_with_speaker_view` …).
    pub recording_type: Option<String>,
    /// Extension.
    pub extension: Option<String>,
    /// The provider's state (`completed`, `processing`).
    pub status: Option<String>,
    /// When what is in it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// Bytes, as the provider says.
    pub size: Option<i64>,
    /// Where to get it (without any token).
    pub download_url: Option<String>,
    /// Our copy, if there is one.
    pub blob_id: Option<BlobId>,
    /// The provider's JSON.
    pub raw: String,
    /// When it was deleted there.
    pub deleted_at: Option<Timestamp>,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

/// Facts about a file; what is `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewFile {
    /// The provider's id, or `uuid:type:start`; with the account, the key.
    pub external_id: String,
    /// The provider's file type.
    pub file_type: String,
    /// The provider's recording type.
    pub recording_type: Option<String>,
    /// Extension.
    pub extension: Option<String>,
    /// The provider's state.
    pub status: Option<String>,
    /// When what is in it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// Bytes.
    pub size: Option<i64>,
    /// Where to get it (without any token).
    pub download_url: Option<String>,
    /// The provider's JSON.
    pub raw: Option<String>,
}

/// Bytes in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blob {
    /// Its id.
    pub id: BlobId,
    /// Its key in the blob store.
    pub key: String,
    /// SHA-256 in hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Media type.
    pub content_type: String,
    /// How many rows point to it.
    pub refs: u64,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A blob to record; the key is unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlob {
    /// Its key in the blob store.
    pub key: String,
    /// SHA-256 in hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Media type.
    pub content_type: String,
}

words! {
    /// A thing an instance (or meeting, or account) may have.
    ArtefactKind {
        /// What the provider says about the instance itself.
        Details = "details",
        /// Who was there.
        Participants = "participants",
        /// The cloud recording.
        Recording = "recording",
        /// What was said.
        Transcript = "transcript",
        /// What was written.
        Chat = "chat",
        /// Who registered.
        Registrants = "registrants",
    }
}

words! {
    /// Whether we have it.
    ArtefactState {
        /// It should come.
        Expected = "expected",
        /// It is here.
        Present = "present",
        /// It cannot be had, and the cause says why.
        Unavailable = "unavailable",
        /// It should be had, but getting it failed for good.
        Failed = "failed",
    }
}

/// The state of one thing, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artefact {
    /// Whose it is.
    pub owner_id: OwnerId,
    /// What it is.
    pub kind: ArtefactKind,
    /// Whether we have it.
    pub state: ArtefactState,
    /// Why, as a stable word (`plan`, `scope`, `single_person` …).
    pub cause: Option<String>,
    /// Why, for a person; with the provider's words.
    pub detail: Option<String>,
    /// When it should be there at the latest.
    pub expected_by: Option<Timestamp>,
    /// When that was last looked at.
    pub checked_at: Timestamp,
}

/// The state of one thing, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArtefact {
    /// Whose it is.
    pub owner_id: OwnerId,
    /// What it is.
    pub kind: ArtefactKind,
    /// Whether we have it.
    pub state: ArtefactState,
    /// Why, as a stable word.
    pub cause: Option<String>,
    /// Why, for a person.
    pub detail: Option<String>,
    /// When it should be there at the latest.
    pub expected_by: Option<Timestamp>,
}

/// How many things are in a state for a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ArtefactCount {
    /// What they are.
    pub kind: ArtefactKind,
    /// Whether we have them.
    pub state: ArtefactState,
    /// Why.
    pub cause: Option<String>,
    /// How many.
    pub count: u64,
}

/// Which instances a sweep wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Of this account.
    pub account: AccountId,
    /// By this thing of theirs.
    pub kind: ArtefactKind,
    /// In this state; none: nothing is known of it yet.
    pub state: Option<ArtefactState>,
    /// For this cause.
    pub cause: Option<String>,
    /// That began (or, where that is not known, were first seen) at or after.
    pub from: Option<Timestamp>,
    /// That began before.
    pub before: Option<Timestamp>,
    /// The last id of the batch before.
    pub after: Option<InstanceId>,
    /// At most so many.
    pub limit: u32,
}

/// An instance that a sweep found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweptInstance {
    /// Its id.
    pub id: InstanceId,
    /// The provider's id.
    pub external_id: String,
    /// The meeting number.
    pub number: Option<String>,
    /// Meeting or webinar.
    pub kind: MeetingKind,
    /// When it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
}
