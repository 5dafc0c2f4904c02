//! `/v1/recordings` and `/v1/files`: cloud recordings that were taken in, and their files.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use parfocal_engine::keys::Caller;
use parfocal_engine::media::{self, Blobs};
use parfocal_engine::store::{FileId, InstanceFilter, RecordingId};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::reach::Reach;
use crate::state::AppState;
use crate::views::{FileView, PageView, RecordingView};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// Only of meetings whose topic contains these words.
    topic: Option<String>,
    /// Only of meetings hosted by this e-mail address.
    host: Option<String>,
    /// Only of meetings that began at or after this instant.
    from: Option<Timestamp>,
    /// Only of meetings that began before this instant.
    before: Option<Timestamp>,
    /// Meetings looked at, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// `GET /v1/recordings`: by the meetings they are of, the latest first.
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<RecordingView>>, Problem> {
    let filter = InstanceFilter {
        topic: params.topic,
        host: params.host,
        from: params.from,
        before: params.before,
        has_recording: Some(true),
        ..InstanceFilter::default()
    };
    let page = paging::request(params.limit, params.after)?;
    let (store, scope) = (state.app().store(), state.app().scope());
    let reach = Reach::of(state.app(), &caller).await?;
    let (held, next) = reach
        .meetings(&filter, page.limit, page.after.as_deref())
        .await?;
    let mut items = Vec::new();
    for meeting in &held {
        let id = meeting.instance.id;
        let files: Vec<FileView> = store
            .files_of_instance(scope, id)
            .await?
            .into_iter()
            .map(FileView::from)
            .collect();
        for recording in store.recordings_of(scope, id).await? {
            items.push(RecordingView::new(&recording, &files));
        }
    }
    Ok(Json(PageView { items, next }))
}

/// `GET /v1/recordings/{id}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<RecordingView>, Problem> {
    let missing = || Problem::not_found(format!("there is no recording {id}"));
    let key: RecordingId = id.parse().map_err(|_| missing())?;
    let (store, scope) = (state.app().store(), state.app().scope());
    let recording = store.recording(scope, key).await?.ok_or_else(missing)?;
    let reach = Reach::of(state.app(), &caller).await?;
    reach.find(&recording.instance_id.to_string()).await?;
    let files: Vec<FileView> = store
        .files_of_instance(scope, recording.instance_id)
        .await?
        .into_iter()
        .map(FileView::from)
        .collect();
    Ok(Json(RecordingView::new(&recording, &files)))
}

/// `GET /v1/files/{id}/content`: our copy of a file.
pub(super) async fn content(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found(format!("there is no file {id}"));
    let key: FileId = id.parse().map_err(|_| missing())?;
    let (store, scope) = (state.app().store(), state.app().scope());
    let file = store.file(scope, key).await?.ok_or_else(missing)?;
    let reach = Reach::of(state.app(), &caller).await?;
    reach.allows(file.account_id)?;
    let blob = match file.blob_id {
        Some(blob) => store.blob(scope, blob).await?,
        None => None,
    };
    let blob = blob.ok_or_else(|| {
        Problem::not_found(format!("the file {id} is not stored here"))
            .hint("The action recording.download has it fetched from Zoom.")
    })?;
    let path = Blobs::of(state.app())?.local_path(&blob.key)?;
    let open = tokio::fs::File::open(&path).await.map_err(|error| {
        tracing::warn!(%error, path = %path.display(), "a stored file cannot be read");
        Problem::not_found(format!("the file {id} is not here any more"))
            .hint("The action recording.download has it fetched again.")
    })?;
    let mut response = Body::from_stream(ReaderStream::new(open)).into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_str(&blob.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(blob.size));
    // What comes from outside is never shown as a page of ours.
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment"),
    );
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", blob.sha256)) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The files of a meeting, with what is stored of them.
pub(super) async fn of_meeting(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<PageView<FileView>>, Problem> {
    let instance = super::meetings::find(&state, &caller, &id).await?;
    let items = media::files(state.app(), instance.id)
        .await?
        .into_iter()
        .map(|view| FileView::from(view.file))
        .collect();
    Ok(Json(PageView { items, next: None }))
}
