//! `/v1/meetings/{id}/transcript` in its forms, transcripts from elsewhere, and who speaks.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use parfocal_engine::keys::Caller;
use parfocal_engine::store::TranscriptId;
use parfocal_engine::talk::export::{Format, write};
use parfocal_engine::talk::import::{self, Import, Imported};
use parfocal_engine::talk::people::{self, Voice};
use parfocal_engine::talk::{self, Wanted};
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::Body;
use super::meetings::find;
use crate::lookup;
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{PageView, TranscriptsView};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TranscriptParams {
    /// The form: turns as text or Markdown, lines for models, subtitles, or every cue as JSON. Without it, the transcripts by file.
    format: Option<Format>,
    /// Only this transcript, by our id; for a form.
    transcript: Option<TranscriptId>,
    /// Whether the chat is wanted too, for a form. Default: yes.
    chat: Option<bool>,
    /// Whether names stay as the transcript has them, for a form. Default: no.
    raw_names: Option<bool>,
}

/// `GET /v1/meetings/{id}/transcript`.
pub(super) async fn transcript(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Params(params): Params<TranscriptParams>,
) -> Result<Response, Problem> {
    let app = state.app();
    let instance = find(&state, &caller, &id).await?;
    let Some(format) = params.format else {
        let transcripts = lookup::transcripts(app, instance.id).await?;
        if transcripts.is_empty() {
            return Err(
                Problem::not_found(format!("the meeting {id} has no transcript")).hint(
                    "The meeting's artefacts tell whether one is expected, or why there is none.",
                ),
            );
        }
        return Ok(Json(TranscriptsView {
            instance_id: instance.id.to_string(),
            transcripts,
        })
        .into_response());
    };
    let wanted = Wanted {
        transcript: params.transcript,
        without_chat: params.chat == Some(false),
        raw_names: params.raw_names == Some(true),
    };
    let talk = talk::of_instance(app, instance.id, &wanted).await?;
    let mut response = write(talk, format).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    Ok(response)
}

/// A transcript to take in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportBody {
    /// The content of the file.
    #[schemars(length(min = 1))]
    content: String,
    /// Its form: `vtt`, `srt`, `txt` or `json`. Without it, what it looks like.
    format: Option<ImportFormat>,
    /// Its language (BCP 47), where known.
    #[schemars(length(max = 35))]
    language: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ImportFormat {
    Vtt,
    Srt,
    Txt,
    Json,
}

/// `POST /v1/meetings/{id}/transcripts`.
pub(super) async fn import(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Body(body): Body<ImportBody>,
) -> Result<Json<Imported>, Problem> {
    let instance = find(&state, &caller, &id).await?;
    let kind = body.format.map(|format| match format {
        ImportFormat::Vtt => import::Kind::Vtt,
        ImportFormat::Srt => import::Kind::Srt,
        ImportFormat::Txt => import::Kind::Text,
        ImportFormat::Json => import::Kind::Json,
    });
    let file = Import {
        bytes: body.content.as_bytes(),
        kind,
        language: body.language.as_deref(),
    };
    Ok(Json(
        import::import(state.app(), instance.id, file, &caller.by()).await?,
    ))
}

/// `GET /v1/meetings/{id}/speakers`.
pub(super) async fn speakers(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<PageView<Voice>>, Problem> {
    let instance = find(&state, &caller, &id).await?;
    Ok(Json(PageView {
        items: people::of_instance(state.app(), instance.id).await?,
        next: None,
    }))
}

/// Who a name is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SpeakerBody {
    /// The name as the transcripts have it.
    #[schemars(length(min = 1, max = 300))]
    label: String,
    /// The name of who it is; none: take back what was said, so that what attendance shows holds again.
    #[schemars(length(min = 1, max = 300))]
    name: Option<String>,
    /// Their e-mail address.
    #[schemars(length(max = 300))]
    email: Option<String>,
}

/// `POST /v1/meetings/{id}/speakers`.
pub(super) async fn set_speaker(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Body(body): Body<SpeakerBody>,
) -> Result<Json<Voice>, Problem> {
    let instance = find(&state, &caller, &id).await?;
    let (app, by) = (state.app(), caller.by());
    let voice = match body.name {
        Some(name) => {
            people::set(
                app,
                instance.id,
                &body.label,
                &name,
                body.email.as_deref(),
                &by,
            )
            .await?
        }
        None => people::reset(app, instance.id, &body.label, &by).await?,
    };
    Ok(Json(voice))
}
