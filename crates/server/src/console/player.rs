//! The player of a meeting's recording: our own copies of its video and sound, in pieces as browsers ask for them.
//!
//! Zoom's addresses and tokens never reach the browser: what is played lies here. What is still at Zoom only is fetched when
//! a person asks for it.

use std::io::SeekFrom;

use axum::body::Body;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use jiff::Timestamp;
use parfocal_engine::App;
use parfocal_engine::actions::Run;
use parfocal_engine::keys::Caller;
use parfocal_engine::media::Blobs;
use parfocal_engine::store::{File, FileId, InstanceId};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::lookup;
use crate::problem::Problem;
use crate::state::AppState;

/// Bytes that are read from the disk at once.
const PIECE: usize = 64 * 1024;

/// Routes of the player.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/meetings/{id}/media/fetch", post(fetch))
        .route("/meetings/{id}/media/{file}", get(media))
}

/// Video or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Medium {
    Video,
    Sound,
}

impl Medium {
    /// What a file holds, by Zoom's name of its type; none for what is neither.
    fn of(file: &File) -> Option<Self> {
        match file.file_type.as_str() {
            "MP4" => Some(Self::Video),
            "M4A" => Some(Self::Sound),
            _ => None,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Video => "video/mp4",
            Self::Sound => "audio/mp4",
        }
    }
}

/// What there is to play, or to fetch.
#[derive(Debug, Serialize)]
pub(super) struct Player {
    /// What can be played: for each stretch its views, the best first.
    stretches: Vec<Vec<View>>,
    /// Bytes of the video that could be fetched for the stretches that have nothing to play; none where there is none.
    video: Option<u64>,
    /// The same of the sound alone.
    sound: Option<u64>,
}

/// A file that can be played.
#[derive(Debug, Serialize)]
struct View {
    href: String,
    name: String,
    medium: Medium,
}

/// Where in which stretch a transcript begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    stretch: usize,
    /// Milliseconds of the stretch before the transcript's first one.
    offset_ms: i64,
}

/// What can be played of a meeting, and where each of its transcripts that count begins in it.
pub(super) async fn of(
    app: &App,
    id: InstanceId,
) -> Result<(Option<Player>, Vec<Option<Place>>), Problem> {
    let (store, scope) = (app.store(), app.scope());
    let files = store.files_of_instance(scope, id).await?;
    let groups = groups(&files);
    let (played, missing): (Vec<&Vec<&File>>, Vec<&Vec<&File>>) = groups
        .iter()
        .partition(|group| group.iter().any(|file| file.blob_id.is_some()));
    let wanted = |medium: Medium| {
        let sizes: Vec<u64> = missing
            .iter()
            .filter_map(|group| at_zoom(group, medium))
            .map(|file| {
                file.size
                    .and_then(|size| u64::try_from(size).ok())
                    .unwrap_or(0)
            })
            .collect();
        (!sizes.is_empty()).then(|| sizes.iter().sum())
    };
    let player = Player {
        video: wanted(Medium::Video),
        sound: wanted(Medium::Sound),
        stretches: played.iter().map(|group| views(id, group)).collect(),
    };
    let places = store
        .transcripts(scope, id)
        .await?
        .into_iter()
        .filter(|transcript| transcript.current)
        .map(|transcript| {
            let file = transcript
                .file_id
                .and_then(|id| files.iter().find(|file| file.id == id));
            place(file, &played)
        })
        .collect();
    let there = !player.stretches.is_empty() || player.video.is_some() || player.sound.is_some();
    Ok((there.then_some(player), places))
}

/// Video and sound by the stretch they are of, in order, each stretch's best view first.
fn groups(files: &[File]) -> Vec<Vec<&File>> {
    let mut groups: Vec<Vec<&File>> = Vec::new();
    let playable = files.iter().filter(|file| {
        Medium::of(file).is_some() && (file.blob_id.is_some() || file.deleted_at.is_none())
    });
    for file in playable {
        let same = groups.iter_mut().find(|group| {
            group[0].recording_id == file.recording_id && group[0].start == file.start
        });
        match same {
            Some(group) => group.push(file),
            None => groups.push(vec![file]),
        }
    }
    groups.sort_by_key(|group| group[0].start);
    for group in &mut groups {
        group.sort_by_key(|file| (Medium::of(file), rank(file)));
    }
    groups
}

/// Views in the order in which people want them: who speaks beside what is shown, then who speaks, then the others.
fn rank(file: &File) -> usize {
    let kind = file.recording_type.as_deref().unwrap_or_default();
    [
        "shared_screen_with_speaker_view",
        "shared_screen_with_gallery_view",
        "active_speaker",
        "speaker_view",
        "gallery_view",
    ]
    .iter()
    .position(|known| kind.starts_with(known))
    .unwrap_or(usize::MAX)
}

fn views(id: InstanceId, group: &[&File]) -> Vec<View> {
    group
        .iter()
        .filter(|file| file.blob_id.is_some())
        .filter_map(|file| {
            let medium = Medium::of(file)?;
            let name = match (&file.recording_type, medium) {
                (Some(kind), _) => kind.replace('_', " "),
                (None, Medium::Video) => "video".to_owned(),
                (None, Medium::Sound) => "sound only".to_owned(),
            };
            Some(View {
                href: format!("/meetings/{id}/media/{}", file.id),
                name,
                medium,
            })
        })
        .collect()
}

/// The best file of a stretch that could be fetched.
fn at_zoom<'f>(group: &[&'f File], medium: Medium) -> Option<&'f File> {
    group.iter().copied().find(|file| {
        Medium::of(file) == Some(medium) && file.deleted_at.is_none() && file.download_url.is_some()
    })
}

/// Where a transcript's file begins among what is played: in the stretch that was recorded with it.
fn place(file: Option<&File>, played: &[&Vec<&File>]) -> Option<Place> {
    // A transcript from elsewhere goes with the only recording there is.
    let Some(file) = file else {
        return (played.len() == 1).then_some(Place {
            stretch: 0,
            offset_ms: 0,
        });
    };
    let begins = |file: &File| file.start.map(Timestamp::as_millisecond);
    let mut found = None;
    for (stretch, group) in played.iter().enumerate() {
        let first = group[0];
        if first.recording_id != file.recording_id {
            continue;
        }
        let offset_ms = match (begins(file), begins(first)) {
            (Some(ours), Some(theirs)) if ours >= theirs => ours - theirs,
            (Some(_), Some(_)) => continue,
            _ => 0,
        };
        let within = match (file.start, first.end) {
            (Some(start), Some(end)) => start < end,
            _ => true,
        };
        if within {
            found = Some(Place { stretch, offset_ms });
        }
    }
    found
}

/// What a person wants fetched.
#[derive(Deserialize)]
struct Wish {
    medium: Medium,
}

/// `POST /meetings/{id}/media/fetch`: has what can be played fetched from Zoom.
async fn fetch(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Form(wish): Form<Wish>,
) -> Result<Response, Problem> {
    let app = state.app();
    let instance = lookup::instance(app, &id).await?.id;
    let files = app.store().files_of_instance(app.scope(), instance).await?;
    for group in groups(&files) {
        if group.iter().any(|file| file.blob_id.is_some()) {
            continue;
        }
        let Some(file) = at_zoom(&group, wish.medium) else {
            continue;
        };
        let input = serde_json::json!({"file": file.id});
        let how = Run::new(caller.clone());
        app.actions().run("recording.download", input, &how).await?;
    }
    Ok(Redirect::to(&format!("/meetings/{instance}?fetching=1#player")).into_response())
}

/// `GET /meetings/{id}/media/{file}`: our copy of a video or of sound, whole or the piece that is asked for.
async fn media(
    State(state): State<AppState>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found(format!("the meeting has no recording {file} here"));
    let app = state.app();
    let (store, scope) = (app.store(), app.scope());
    let instance = lookup::instance(app, &id).await?.id;
    let key: FileId = file.parse().map_err(|_| missing())?;
    let found = store
        .file(scope, key)
        .await?
        .filter(|file| file.instance_id == instance)
        .ok_or_else(missing)?;
    let medium = Medium::of(&found).ok_or_else(missing)?;
    let blob = match found.blob_id {
        Some(blob) => store.blob(scope, blob).await?,
        None => None,
    };
    let blob = blob.ok_or_else(|| {
        missing().hint("It lies at Zoom; the meeting's page has a button that has it fetched.")
    })?;
    let path = Blobs::of(app)?.local_path(&blob.key)?;
    let gone = |error: std::io::Error| {
        tracing::warn!(%error, path = %path.display(), "a recording cannot be read");
        missing().hint(
            "Its file is gone from the disk; the action recording.download has it fetched again.",
        )
    };
    let mut open = tokio::fs::File::open(&path).await.map_err(gone)?;
    let size = open.metadata().await.map_err(gone)?.len();
    let tag = format!("\"{}\"", blob.sha256);
    let said = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let mut response = if said(header::IF_NONE_MATCH) == Some(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        // A piece of another file than the browser has begun with would be of no use to it.
        let same = said(header::IF_RANGE).is_none_or(|known| known == tag);
        match said(header::RANGE)
            .filter(|_| same)
            .map_or(Piece::All, |range| piece(range, size))
        {
            Piece::None => {
                let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
                put(
                    &mut response,
                    header::CONTENT_RANGE,
                    &format!("bytes */{size}"),
                );
                response
            }
            Piece::All => {
                let mut response =
                    Body::from_stream(ReaderStream::with_capacity(open, PIECE)).into_response();
                put(&mut response, header::CONTENT_LENGTH, &size.to_string());
                response
            }
            Piece::Part(first, last) => {
                open.seek(SeekFrom::Start(first)).await.map_err(gone)?;
                let length = last - first + 1;
                let stream = ReaderStream::with_capacity(open.take(length), PIECE);
                let mut response =
                    (StatusCode::PARTIAL_CONTENT, Body::from_stream(stream)).into_response();
                put(&mut response, header::CONTENT_LENGTH, &length.to_string());
                let range = format!("bytes {first}-{last}/{size}");
                put(&mut response, header::CONTENT_RANGE, &range);
                response
            }
        }
    };
    put(&mut response, header::CONTENT_TYPE, medium.content_type());
    put(&mut response, header::ACCEPT_RANGES, "bytes");
    put(&mut response, header::CONTENT_DISPOSITION, "inline");
    put(&mut response, header::ETAG, &tag);
    // Kept by the browser of whoever may see it, so that going back and forth asks for nothing twice.
    put(
        &mut response,
        header::CACHE_CONTROL,
        "private, max-age=3600",
    );
    Ok(response)
}

fn put(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// Everything, also where several pieces or something unknown is asked for: a server may answer so.
    All,
    /// From a byte to a byte, both included.
    Part(u64, u64),
    /// Nothing that the file has.
    None,
}

/// Reads `Range` (RFC 9110, section 14.1.2).
fn piece(range: &str, size: u64) -> Piece {
    let Some(range) = range.trim().strip_prefix("bytes=") else {
        return Piece::All;
    };
    let Some((first, last)) = range.split_once('-').filter(|_| !range.contains(',')) else {
        return Piece::All;
    };
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        return match last.parse::<u64>() {
            Ok(0) => Piece::None,
            Ok(_) if size == 0 => Piece::None,
            Ok(length) => Piece::Part(size.saturating_sub(length), size - 1),
            Err(_) => Piece::All,
        };
    }
    let Ok(first) = first.parse::<u64>() else {
        return Piece::All;
    };
    let last = if last.is_empty() {
        u64::MAX
    } else {
        match last.parse::<u64>() {
            Ok(last) if last >= first => last,
            _ => return Piece::All,
        }
    };
    if first >= size {
        return Piece::None;
    }
    Piece::Part(first, last.min(size - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_as_the_standard_says() {
        for (range, expected) in [
            ("bytes=0-99", Piece::Part(0, 99)),
            ("bytes=900-", Piece::Part(900, 999)),
            ("bytes=-100", Piece::Part(900, 999)),
            ("bytes=-5000", Piece::Part(0, 999)),
            ("bytes=990-5000", Piece::Part(990, 999)),
            ("bytes=999-999", Piece::Part(999, 999)),
            ("bytes=1000-", Piece::None),
            ("bytes=-0", Piece::None),
            ("bytes=5-2", Piece::All),
            ("bytes=0-1,5-6", Piece::All),
            ("bytes=x-y", Piece::All),
            ("bytes=-", Piece::All),
            ("lines=1-2", Piece::All),
            ("", Piece::All),
        ] {
            assert_eq!(piece(range, 1000), expected, "{range}");
        }
        assert_eq!(piece("bytes=0-", 0), Piece::None);
        assert_eq!(piece("bytes=-5", 0), Piece::None);
    }
}
