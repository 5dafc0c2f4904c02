//! Style and script of the pages, embedded; their addresses carry a fingerprint, so browsers may keep them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;

const CSS: &str = include_str!("assets/parfocal.css");
const SCRIPT: &str = include_str!("assets/console.js");
const PLAYER: &str = include_str!("assets/player.js");
const PANEL: &str = include_str!("assets/panel.js");
const STAND_IN: &str = include_str!("assets/stand_in.js");
const ICON: &str = include_str!("assets/icon.svg");

/// The part of the assets' addresses that changes with their content.
pub(crate) fn fingerprint() -> String {
    let mut hasher = DefaultHasher::new();
    (CSS, SCRIPT, PLAYER, PANEL, STAND_IN, ICON).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// `GET /assets/{fingerprint}/{name}`.
pub(crate) async fn get(Path((_, name)): Path<(String, String)>) -> Result<Response, Problem> {
    let (kind, body) = match name.as_str() {
        "parfocal.css" => ("text/css; charset=utf-8", CSS),
        "console.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "player.js" => ("text/javascript; charset=utf-8", PLAYER),
        "panel.js" => ("text/javascript; charset=utf-8", PANEL),
        "stand_in.js" => ("text/javascript; charset=utf-8", STAND_IN),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return Err(Problem::not_found("there is no such asset")),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        ),
    ];
    Ok((headers, body).into_response())
}
