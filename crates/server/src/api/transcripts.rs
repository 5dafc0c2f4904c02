//! `/v1/transcripts`: what was said, by transcript.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{InstanceFilter, Transcript, TranscriptId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lookup;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::reach::Reach;
use crate::state::AppState;
use crate::views::{PageView, TranscriptView};

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

/// A transcript without what was said.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TranscriptRow {
    /// Our id.
    id: String,
    /// The meeting, as our id.
    meeting_id: String,
    /// The meeting, as Zoom's UUID.
    uuid: String,
    /// What the meeting was about.
    topic: Option<String>,
    /// When the meeting began.
    start_time: Option<Timestamp>,
    /// `recording`, `aic`, `cc` or `import`.
    source: &'static str,
    /// Its language, where known.
    language: Option<String>,
    /// How many cues it has.
    cues: u64,
}

/// `GET /v1/transcripts`: the ones that count, by their meetings, the latest first.
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<TranscriptRow>>, Problem> {
    let filter = InstanceFilter {
        topic: params.topic,
        host: params.host,
        from: params.from,
        before: params.before,
        has_transcript: Some(true),
        ..InstanceFilter::default()
    };
    let page = paging::request(params.limit, params.after)?;
    let (store, scope) = (state.app().store(), state.app().scope());
    let reach = Reach::of(state.app(), &caller).await?;
    let (held, next) = reach
        .meetings(&filter, page.limit, page.after.as_deref())
        .await?;
    let mut items = Vec::new();
    for meeting in held {
        let instance = meeting.instance;
        let transcripts = store.transcripts(scope, instance.id).await?;
        items.extend(
            transcripts
                .into_iter()
                .filter(|transcript| transcript.current)
                .map(|transcript| TranscriptRow {
                    id: transcript.id.to_string(),
                    meeting_id: instance.id.to_string(),
                    uuid: instance.external_id.clone(),
                    topic: instance.topic.clone(),
                    start_time: instance.start,
                    source: transcript.source.as_str(),
                    language: transcript.lang,
                    cues: transcript.cues,
                }),
        );
    }
    Ok(Json(PageView { items, next }))
}

/// `GET /v1/transcripts/{id}`: with all its cues.
pub(super) async fn get(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<TranscriptView>, Problem> {
    let missing = || Problem::not_found(format!("there is no transcript {id}"));
    let key: TranscriptId = id.parse().map_err(|_| missing())?;
    let app = state.app();
    let transcript: Transcript = app
        .store()
        .transcript(app.scope(), key)
        .await?
        .ok_or_else(missing)?;
    let reach = Reach::of(app, &caller).await?;
    reach.find(&transcript.instance_id.to_string()).await?;
    Ok(Json(lookup::transcript(app, transcript).await?))
}
