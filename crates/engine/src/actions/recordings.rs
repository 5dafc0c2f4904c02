//! `recording.*`: cloud recordings, their files, and what becomes of them.

use http::Method;
use jiff::Timestamp;
use jiff::civil::Date;
use parfocal_store::{File, FileId, JobId};
use parfocal_zoom::Reply;
use parfocal_zoom::api::{Recording, RecordingFile};
use parfocal_zoom::id::RecordingFileId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::action::{Action, Effect};
use super::context::{Context, Step, instance};
use super::keep;
use super::page::{self, Piece};
use super::request::Request;
use super::shape::{Acknowledged, Listed, harmless};
use crate::error::{Code, EngineError, Fault};
use crate::jobs::file_fetch::FileFetch;
use crate::jobs::{Follow, JobKind, priority};

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "recording.list",
            Effect::Read,
            "List recordings",
            "Lists a host's cloud recordings of meetings that began between two days. Recordings appear hours after the meeting.",
            list,
        )
        .asks(&["GET /users/{userId}/recordings"])
        .kept(keep::RECORDINGS)
        .example(json!({"host": "ann@example.com", "from": "2026-11-01", "to": "2026-11-22"})),
        Action::new(
            "recording.get",
            Effect::Read,
            "Get a recording",
            "Tells the files of one meeting's cloud recording.",
            get,
        )
        .asks(&["GET /meetings/{meetingId}/recordings"])
        .kept(keep::RECORDINGS)
        .example(json!({"meeting": "aDYlohsHRtCd4ii1uC2+hA=="})),
        Action::new(
            "recording.download",
            Effect::Change,
            "Fetch a recording's file",
            "Has a file of a recording fetched into our own store, and tells where to read it once it is there.",
            download,
        )
        .example(json!({"file": "01900000-0000-7000-8000-000000000001"})),
        Action::new(
            "recording.delete",
            Effect::Delete,
            "Delete a recording",
            "Moves a recording, or one of its files, into Zoom's trash for 30 days, or deletes it for good. Our own copies stay.",
            delete,
        )
        .asks(&["DELETE /meetings/{meetingId}/recordings", "DELETE /meetings/{meetingId}/recordings/{recordingId}"])
        .example(json!({"meeting": "aDYlohsHRtCd4ii1uC2+hA==", "how": "trash"})),
    ]
}

/// Whose recordings of which days.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// Whose: an e-mail address or a user id of Zoom. Whoever authorised the connection if left out.
    host: Option<String>,
    /// First day, UTC.
    from: Date,
    /// Last day, UTC; any span, month by month.
    to: Date,
    /// Rows, 1 to 300. Default 100.
    #[schemars(range(min = 1, max = 300))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// A cloud recording.
#[derive(Debug, Serialize, JsonSchema)]
struct RecordingView {
    /// The UUID of the instance that was recorded.
    uuid: Option<String>,
    /// Its meeting's number.
    meeting_number: Option<String>,
    /// What it was about.
    topic: Option<String>,
    /// When the meeting began.
    start: Option<Timestamp>,
    /// How long it lasted, in minutes.
    duration_minutes: Option<i64>,
    /// The host's e-mail address.
    host_email: Option<String>,
    /// Bytes of all files.
    total_bytes: Option<u64>,
    /// Where people watch it.
    share_url: Option<String>,
    /// Its files.
    files: Vec<RecordingFileView>,
}

/// A file of a cloud recording at Zoom.
#[derive(Debug, Serialize, JsonSchema)]
struct RecordingFileView {
    /// Zoom's id of it; captions and timelines have none.
    id: Option<String>,
    /// What it holds: `MP4`, `TRANSCRIPT`, `CHAT` and so on.
    file_type: Option<String>,
    /// The view of the meeting, such as `active_speaker`.
    recording_type: Option<String>,
    /// Its extension.
    extension: Option<String>,
    /// Its size in bytes.
    bytes: Option<u64>,
    /// `completed` or `processing`.
    status: Option<String>,
    /// When the recording began.
    start: Option<Timestamp>,
    /// When the recording ended.
    end: Option<Timestamp>,
}

/// A recording with all that Zoom tells.
#[derive(Debug, Serialize, JsonSchema)]
struct RecordingDetail {
    /// What a list shows.
    #[serde(flatten)]
    recording: RecordingView,
    /// What Zoom answered, without tokens.
    raw: Value,
}

fn view(recording: &Recording) -> RecordingView {
    RecordingView {
        uuid: recording.uuid.as_ref().map(ToString::to_string),
        meeting_number: recording.id.map(|number| number.to_string()),
        topic: recording.topic.clone(),
        start: recording.start_time,
        duration_minutes: recording.duration,
        host_email: recording.host_email.clone(),
        total_bytes: recording.total_size,
        share_url: recording
            .share_url
            .as_ref()
            .map(|url| url.expose().to_owned()),
        files: recording.recording_files.iter().map(file_view).collect(),
    }
}

fn file_view(file: &RecordingFile) -> RecordingFileView {
    RecordingFileView {
        id: file.id.as_ref().map(ToString::to_string),
        file_type: file.file_type.as_ref().map(ToString::to_string),
        recording_type: file.recording_type.clone(),
        extension: file.file_extension.clone(),
        bytes: file.file_size,
        status: file.status.clone(),
        start: file.recording_start,
        end: file.recording_end,
    }
}

async fn list(cx: Context, input: List) -> Step<Listed<RecordingView>> {
    let window = page::window(input.from, input.to)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let host = zoom.user("host", input.host.as_deref())?;
    let piece = Piece {
        limit: input.limit,
        after: input.after.as_deref(),
    };
    let request = |part: parfocal_zoom::api::DateWindow| {
        Request::get(format!("/users/{}/recordings", host.path_segment()))
            .query("from", Some(part.from))
            .query("to", Some(part.to))
    };
    page::windowed(
        &zoom,
        request,
        window,
        "meetings",
        piece,
        |reply: &Reply<Recording>| view(&reply.value),
    )
    .await
}

/// Whose recording.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The UUID of the instance, or a meeting number for its latest one.
    meeting: String,
}

async fn get(cx: Context, input: Get) -> Step<RecordingDetail> {
    let key = instance("meeting", &input.meeting)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let reply = zoom
        .read::<Recording>(Request::get(format!(
            "/meetings/{}/recordings",
            key.path_segment()
        )))
        .await?;
    Ok(RecordingDetail {
        recording: view(&reply.value),
        raw: harmless(&reply.raw),
    })
}

/// Which file to fetch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Download {
    /// Our id of the file, as `GET /v1/meetings/{id}` tells.
    file: String,
}

/// A file in our own store, or on its way there.
#[derive(Debug, Serialize, JsonSchema)]
struct Downloaded {
    /// Our id of the file.
    file: String,
    /// Whether it is here.
    stored: bool,
    /// The job that fetches it, when it is not.
    job: Option<String>,
    /// SHA-256 of its bytes as hex, when it is here.
    sha256: Option<String>,
    /// Its size, when it is here.
    bytes: Option<u64>,
    /// Where to read it below the server's address, once it is here.
    content: String,
}

async fn download(cx: Context, input: Download) -> Step<Downloaded> {
    let wrong = || {
        EngineError::faulty(
            "the file is not known",
            vec![Fault::new(
                "file",
                input.file.as_str(),
                "it is not an id of ours",
                "GET /v1/meetings/{id} tells the ids of a meeting's files.",
            )],
        )
    };
    let id: FileId = input.file.parse().map_err(|_| wrong())?;
    let (store, scope) = (cx.app.store(), cx.app.scope());
    let file = store
        .file(scope, id)
        .await?
        .ok_or_else(|| EngineError::not_found("file", id))?;
    super::participants::may_see(&cx, file.account_id).await?;
    let blob = match file.blob_id {
        Some(blob) => store.blob(scope, blob).await?,
        None => None,
    };
    let job: Option<JobId> = match &blob {
        Some(_) => None,
        None => fetch(&cx, &file).await?,
    };
    Ok(Downloaded {
        file: id.to_string(),
        stored: blob.is_some(),
        job: job.map(|job| job.to_string()),
        sha256: blob.as_ref().map(|blob| blob.sha256.clone()),
        bytes: blob.map(|blob| blob.size),
        content: format!("/v1/files/{id}/content"),
    })
}

/// Has a file fetched by a job; the open one, if it is under way already.
async fn fetch(cx: &Context, file: &File) -> crate::Result<Option<JobId>> {
    if file.deleted_at.is_some() {
        return Err(EngineError::new(
            Code::ZoomNotFound,
            "the file was deleted at Zoom",
        ));
    }
    let now = cx.app.clock().now();
    let follow = Follow {
        lane: format!("file/{}", file.id),
        priority: priority::INTERACTIVE,
        cause: None,
        run_at: now,
    };
    let payload = FileFetch {
        file: file.id,
        event: None,
        on_request: true,
    };
    let mut tx = cx.app.store().begin(cx.app.scope()).await?;
    let job = follow
        .enqueue(
            &mut tx,
            JobKind::FileFetch,
            file.id.to_string(),
            &payload,
            now,
        )
        .await?;
    tx.commit().await?;
    Ok(Some(job.id()))
}

/// What becomes of a recording.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    /// Into the trash, for 30 days.
    #[default]
    Trash,
    /// Gone for good.
    Delete,
}

/// Which recording to delete.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The UUID of the instance, or a meeting number for its latest one.
    meeting: String,
    /// Only this file, by Zoom's id of it.
    file: Option<String>,
    /// Into the trash, or gone for good. Default: trash.
    #[serde(default)]
    how: How,
}

async fn delete(cx: Context, input: Delete) -> Step<Acknowledged> {
    let key = instance("meeting", &input.meeting)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let path = match &input.file {
        None => format!("/meetings/{}/recordings", key.path_segment()),
        Some(file) => format!(
            "/meetings/{}/recordings/{}",
            key.path_segment(),
            RecordingFileId::new(file.as_str()).path_segment()
        ),
    };
    let how = match input.how {
        How::Trash => "trash",
        How::Delete => "delete",
    };
    zoom.send(Request::new(Method::DELETE, path).query("action", Some(how)))
        .await?;
    Ok(Acknowledged::of(
        input.file.as_deref().unwrap_or(&input.meeting),
    ))
}
