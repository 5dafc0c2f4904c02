//! Files behind `download_url`: a redirect to storage for those who may, a sign-in page with status 200 for the others.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::recordings::visible;
use crate::faults::FaultKind;
use crate::files::FileContent;
use crate::http::path::{self, html};
use crate::http::reply::{Content, Reply};
use crate::http::route::Ctx;
use crate::oauth::grants::Subject;
use crate::oauth::pages;
use crate::world::model::{FileKind, Instance, RecordingFile};

/// How long a storage address works.
const STORAGE_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Bytes per piece of a streamed file.
const PIECE: usize = 256 * 1024;

/// A file that a download address stands for.
struct Found {
    instance: Arc<Instance>,
    name: String,
    content_type: &'static str,
    content: FileContent,
}

/// Answers a request under `/rec`.
pub(crate) fn answer(ctx: Ctx<'_>) -> Reply {
    let segments = path::segments(&ctx.call.raw_path).unwrap_or_default();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let get = ctx.call.method == Method::GET || ctx.call.method == Method::HEAD;
    match parts.as_slice() {
        ["rec", kind @ ("download" | "webhook_download"), key] if get => {
            door(ctx, kind, key, recording_file(ctx, key))
        }
        ["rec", "meeting", "transcript", "download", key] if get => {
            door(ctx, "transcript", key, transcript(ctx, key))
        }
        ["rec", "storage", kind, key] if get => storage(ctx, kind, key),
        ["rec", "play", key] => play(ctx, recording_file(ctx, key).as_ref()),
        ["rec", "share", _] => passcode_page(false),
        _ => gone(),
    }
}

fn recording_file(ctx: Ctx<'_>, key: &str) -> Option<Found> {
    let (instance, place) = ctx.site.world.file_by_key(key)?;
    let recording = instance.recording.as_ref()?;
    let wanted = recording.files.get(place)?;
    let file = visible(recording, ctx.now)
        .into_iter()
        .find(|file| file.index == wanted.index)?;
    let content = ctx.site.world.content(&instance, file);
    Some(Found {
        name: name_of(file),
        content_type: file.kind.content_type(),
        content,
        instance: instance.clone(),
    })
}

fn transcript(ctx: Ctx<'_>, key: &str) -> Option<Found> {
    let instance = ctx.site.world.instance_by_transcript_key(key)?;
    let text = ctx.site.world.aic_transcript(&instance)?;
    Some(Found {
        name: format!("{}_Transcript.vtt", stamp(instance.start)),
        content_type: "text/vtt",
        content: FileContent::Memory(text.into()),
        instance,
    })
}

fn stamp(at: Timestamp) -> String {
    at.strftime("GMT%Y%m%d-%H%M%S").to_string()
}

fn name_of(file: &RecordingFile) -> String {
    let tail = match file.kind {
        FileKind::Mp4 => "_Recording_1920x1080.mp4",
        FileKind::M4a => "_Recording.m4a",
        FileKind::Transcript => "_Recording.transcript.vtt",
        FileKind::Cc => "_Recording.cc.vtt",
        FileKind::Chat => "_RecordingnewChat.txt",
        FileKind::Timeline => "_Recording.timeline.json",
        FileKind::Summary => "_Recording.summary.json",
    };
    format!("{}{tail}", stamp(file.start))
}

/// What a caller shows at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// May have the file.
    Good,
    /// A token of this account without the right.
    Forbidden,
    /// No token, or none that works.
    Bad,
}

fn pass(ctx: Ctx<'_>, instance: &Instance) -> Pass {
    const SCOPES: [&str; 4] = [
        "cloud_recording:read:",
        "recording:read",
        "recording:write",
        "meeting:read:",
    ];
    let Some(token) = ctx
        .call
        .bearer()
        .or_else(|| ctx.call.filled("access_token"))
    else {
        return Pass::Bad;
    };
    if let Ok(uuid) = ctx.site.world.check_download_token(token) {
        return if uuid == instance.uuid {
            Pass::Good
        } else {
            Pass::Forbidden
        };
    }
    let grants = ctx.site.grants();
    let Ok(access) = grants.check(token, ctx.now) else {
        return Pass::Bad;
    };
    let scoped = access
        .scopes
        .iter()
        .any(|scope| SCOPES.iter().any(|start| scope.starts_with(start)));
    let theirs = match &access.subject {
        Subject::User(id) => *id == instance.host_id,
        Subject::Account { .. } => true,
        Subject::App => false,
    };
    if scoped && theirs {
        Pass::Good
    } else {
        Pass::Forbidden
    }
}

/// The address of the API or a webhook: checks the token and sends on to storage.
fn door(ctx: Ctx<'_>, kind: &str, key: &str, found: Option<Found>) -> Reply {
    ctx.site.ledger().downloads += 1;
    if ctx.strike(&[FaultKind::HtmlDownload]).is_some() {
        return sign_in();
    }
    let Some(found) = found else { return gone() };
    match pass(ctx, &found.instance) {
        Pass::Good => {
            let expires = (ctx.now + STORAGE_LIFE).as_second();
            let seal = ctx.site.page_key.sign(&format!("{kind} {key} {expires}"));
            Reply::redirect(&format!(
                "{}/rec/storage/{kind}/{key}?expires={expires}&signature={seal}",
                ctx.shared.base_url
            ))
        }
        Pass::Forbidden => Reply::json(
            StatusCode::UNAUTHORIZED,
            &json!({ "status": false, "errorCode": 300, "errorMessage": "Forbidden" }),
        ),
        Pass::Bad => sign_in(),
    }
}

/// The storage address: signed, no token needed, ranges served.
fn storage(ctx: Ctx<'_>, kind: &str, key: &str) -> Reply {
    let denied = || Reply::json(StatusCode::FORBIDDEN, &json!({ "message": "AccessDenied" }));
    let expires = ctx.call.param("expires").unwrap_or("");
    let good = ctx.call.param("signature")
        == Some(
            ctx.site
                .page_key
                .sign(&format!("{kind} {key} {expires}"))
                .as_str(),
        );
    if !good
        || expires
            .parse::<i64>()
            .map_or(true, |expires| expires < ctx.now.as_second())
    {
        return denied();
    }
    let found = if kind == "transcript" {
        transcript(ctx, key)
    } else {
        recording_file(ctx, key)
    };
    let Some(found) = found else { return gone() };
    let length = found.content.len();
    let etag = format!("\"{key}-{length}\"");
    let asked = ctx
        .call
        .header("range")
        .filter(|_| ctx.call.header("if-range").is_none_or(|tag| tag == etag));
    let (status, from, to) = match asked.map(|text| range(text, length)) {
        None | Some(Asked::Whole) => (StatusCode::OK, 0, length),
        Some(Asked::Part(from, to)) => (StatusCode::PARTIAL_CONTENT, from, to),
        Some(Asked::Never) => {
            return Reply::empty(StatusCode::RANGE_NOT_SATISFIABLE)
                .with("content-range", &format!("bytes */{length}"));
        }
    };
    let mut reply = Reply::empty(status)
        .with("content-type", found.content_type)
        .with("accept-ranges", "bytes")
        .with("etag", &etag)
        .with(
            "content-disposition",
            &format!("attachment; filename=\"{}\"", found.name),
        );
    if status == StatusCode::PARTIAL_CONTENT {
        reply = reply.with(
            "content-range",
            &format!("bytes {from}-{}/{length}", to - 1),
        );
    }
    reply.body = Content::Stream(stream(found.content, from, to), Some(to - from));
    reply
}

enum Asked {
    Whole,
    Part(u64, u64),
    Never,
}

/// One range of bytes out of a `Range` header; several ranges, or nonsense, give the whole file, as RFC 9110 allows.
fn range(text: &str, length: u64) -> Asked {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|spec| spec.split_once('-'))
    else {
        return Asked::Whole;
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), _) if first >= length => Asked::Never,
        (Ok(first), Ok(last)) if first <= last => Asked::Part(first, (last + 1).min(length)),
        (Ok(first), Err(_)) if last.trim().is_empty() => Asked::Part(first, length),
        (Err(_), Ok(0)) if first.trim().is_empty() => Asked::Never,
        (Err(_), Ok(tail)) if first.trim().is_empty() => {
            Asked::Part(length.saturating_sub(tail), length)
        }
        _ => Asked::Whole,
    }
}

fn stream(content: FileContent, from: u64, to: u64) -> Body {
    Body::from_stream(futures_util::stream::unfold(
        (content, from),
        move |(content, at)| async move {
            let left = usize::try_from(to.saturating_sub(at)).unwrap_or(usize::MAX);
            if left == 0 {
                return None;
            }
            let piece = content.read(at, left.min(PIECE));
            let at = match &piece {
                Ok(bytes) if bytes.is_empty() => return None,
                Ok(bytes) => at + u64::try_from(bytes.len()).unwrap_or(0),
                Err(_) => to,
            };
            Some((piece, (content, at)))
        },
    ))
}

/// The failure that looks like success: 200 and a page.
fn sign_in() -> Reply {
    let body = "<h1>Sign In</h1><form method=\"post\" action=\"/signin\"><label for=\"email\">Email Address</label><input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\"><label for=\"password\">Password</label><input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\"><div class=\"row\"><button class=\"act\">Sign In</button></div></form>";
    pages::page(StatusCode::OK, "Sign In - Zoom", body)
}

fn gone() -> Reply {
    pages::error(
        StatusCode::NOT_FOUND,
        "This recording does not exist.",
        "",
        Some(3301),
    )
}

fn passcode_page(wrong: bool) -> Reply {
    let wrong = if wrong {
        "<p class=\"bad\" role=\"alert\">Wrong passcode</p>"
    } else {
        ""
    };
    let body = format!(
        "<h1>Enter the passcode to watch</h1>{wrong}<form method=\"post\"><label for=\"passcode\">Passcode</label><input id=\"passcode\" name=\"passcode\" autocomplete=\"off\" autofocus><div class=\"row\"><button class=\"act\">Watch Recording</button></div></form>"
    );
    pages::page(StatusCode::OK, "Passcode - Zoom", &body)
}

/// The player's page: asks for the passcode, then says what there is. `?pwd=` opens it as `recording_play_passcode` does.
fn play(ctx: Ctx<'_>, found: Option<&Found>) -> Reply {
    let Some(found) = found else { return gone() };
    let Some(recording) = &found.instance.recording else {
        return gone();
    };
    let form = ctx.call.form();
    let typed = form
        .iter()
        .find(|(name, _)| name == "passcode")
        .map(|(_, value)| value.as_str());
    let open = recording.passcode.is_empty()
        || ctx
            .call
            .param("pwd")
            .is_some_and(|pwd| pwd == recording.play_passcode)
        || typed == Some(recording.passcode.as_str());
    if !open {
        return passcode_page(typed.is_some());
    }
    let body = format!(
        "<h1>{}</h1><p>{}, {} bytes</p><p class=\"soft\">The simulator has no player.</p>",
        html(&found.instance.topic),
        html(&found.name),
        found.content.len()
    );
    pages::page(StatusCode::OK, &found.instance.topic, &body)
}
