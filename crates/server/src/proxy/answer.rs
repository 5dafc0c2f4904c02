//! Zoom's refusals, and ours, as front ends inside Zoom's client look for them: `error`, `message`, and when to come back.

use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use parfocal_engine::EngineError;
use parfocal_engine::zoom::{Error, ErrorKind};
use parfocal_engine::zoomapp::Refused;

use crate::problem::{Problem, ZoomRefusal};

/// What a kind of refusal becomes: status, word, and what the person should do.
type Told = (u16, &'static str, &'static str);

/// Every word that a body's `error` can be, with what the person should do; the guide lists them.
pub(super) const UNAUTHORIZED: Told = (
    401,
    "unauthorized",
    "Allow the app to act for you: choose Sign in with Zoom.",
);
const SESSION_EXPIRED: Told = (
    401,
    "session_expired",
    "Your permission at Zoom is over or was taken back. Sign in with Zoom again.",
);
const MISSING_SCOPE: Told = (
    403,
    "missing_scope",
    "The app's administrator adds one of these scopes on its page at Zoom; then sign in again.",
);

fn told(kind: ErrorKind) -> Told {
    match kind {
        ErrorKind::GrantDead | ErrorKind::NotConnected | ErrorKind::Unauthorized => SESSION_EXPIRED,
        ErrorKind::MissingScope => MISSING_SCOPE,
        ErrorKind::Forbidden => (
            403,
            "forbidden",
            "A role or a setting at Zoom forbids it; ask your Zoom administrator.",
        ),
        ErrorKind::Plan => (
            403,
            "plan",
            "Your Zoom plan or licence does not include it.",
        ),
        ErrorKind::NotFound
        | ErrorKind::NoRecording
        | ErrorKind::NoTranscript
        | ErrorKind::BeyondHorizon => (
            404,
            "not_found",
            "Zoom does not have it, has not made it yet, or it is not yours.",
        ),
        ErrorKind::Validation | ErrorKind::InvalidRequest | ErrorKind::UnknownPath => {
            (400, "invalid_request", "Correct what the request says.")
        }
        ErrorKind::PageTokenExpired => (
            400,
            "page_token_expired",
            "Ask for the list again from its beginning.",
        ),
        ErrorKind::Conflict => (
            409,
            "conflict",
            "It does not fit what is there; look again and decide.",
        ),
        ErrorKind::RateLimited => (
            429,
            "rate_limited",
            "Too many calls at once; it goes on by itself in a moment.",
        ),
        ErrorKind::DailyLimit | ErrorKind::Quota => (
            429,
            "daily_limit",
            "What Zoom allows in a day is used up; it goes on at the time that is named.",
        ),
        ErrorKind::OutcomeUnknown => (
            502,
            "outcome_unknown",
            "Nobody knows whether it happened; look in Zoom before doing it again.",
        ),
        ErrorKind::Deadline => (504, "zoom_slow", "Zoom did not answer in time; try again."),
        ErrorKind::Server | ErrorKind::Network | ErrorKind::Decode => {
            (502, "zoom_failed", "Zoom failed; try again in a minute.")
        }
        ErrorKind::TooLarge => (413, "too_large", "Send less at once."),
        _ => (
            500,
            "internal_error",
            "Something is set up wrongly here; tell whoever runs this app.",
        ),
    }
}

fn made((status, word, advice): Told, detail: impl Into<String>, scopes: &[String]) -> Problem {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Problem::new(status, word, detail)
        .hint(advice)
        .plainly(word, scopes)
}

/// Nobody signed in.
pub(super) fn unauthorized() -> Problem {
    made(
        UNAUTHORIZED,
        "nobody has allowed this app to act for them in this session",
        &[],
    )
}

/// Somebody is known, and their permission is over.
pub(super) fn session_expired() -> Problem {
    made(SESSION_EXPIRED, "the permission at Zoom is over", &[])
}

/// Nothing of that name that is theirs.
pub(super) fn not_found() -> Problem {
    made(
        told(ErrorKind::NotFound),
        "there is no such meeting of yours",
        &[],
    )
}

/// A scope is missing, any one of these.
pub(super) fn missing_scope(scopes: &[String], zoom: Option<ZoomRefusal>) -> Problem {
    let problem = made(
        MISSING_SCOPE,
        format!("one of these scopes is missing: {}", scopes.join(", ")),
        scopes,
    );
    match zoom {
        Some(zoom) => problem.zoom(zoom),
        None => problem,
    }
}

/// Zoom did not answer within the time that a person waits.
pub(super) fn too_slow(method: &Method) -> Problem {
    let kind = if method == Method::GET {
        ErrorKind::Deadline
    } else {
        ErrorKind::OutcomeUnknown
    };
    made(told(kind), "Zoom did not answer in time", &[]).retry_after(5)
}

/// A call that is not made at all.
pub(super) fn not_passed(why: Refused, method: &Method, raw: &str) -> Problem {
    match why {
        Refused::Malformed => made(
            (
                400,
                "invalid_path",
                "Call a path of Zoom's REST API with ids as Zoom gave them.",
            ),
            "the path cannot be one of Zoom's",
            &[],
        ),
        Refused::OtherUser => made(
            (403, "other_user", "Say `me` in place of the user."),
            "only what belongs to the person who has the app open can be asked for",
            &[],
        ),
        Refused::Method | Refused::NotAllowed => {
            let advice = if raw.starts_with("/metrics/") {
                "Zoom gives live participants to administrators of business plans only; follow /api/zoomapp/events instead, which webhooks feed."
            } else {
                "Whoever runs this app can allow it: `parfocal component activate zoomapp --set allow=\"METHOD /path\"`."
            };
            let status = if why == Refused::Method { 405 } else { 403 };
            made(
                (status, "not_allowed", advice),
                format!("this app does not pass {method} on for this path"),
                &[],
            )
        }
    }
}

/// What Zoom refused, by kind: status and code together decided it.
pub(super) fn of_zoom(error: &Error, now: Timestamp) -> Problem {
    let refusal = ZoomRefusal {
        status: error.status(),
        code: error.code(),
        message: error.message().to_owned(),
        tracking_id: error.tracking_id().map(str::to_owned),
    };
    let answered = error.status().is_some();
    if error.kind() == ErrorKind::MissingScope {
        let scopes = error
            .missing_scopes()
            .map(|missing| missing.scopes().to_vec());
        return missing_scope(&scopes.unwrap_or_default(), Some(refusal));
    }
    let (status, word, advice) = told(error.kind());
    let detail = if status >= 500 && !answered {
        // What went wrong on the way is nothing for a page.
        "Zoom could not be reached".to_owned()
    } else {
        error.message().to_owned()
    };
    let mut problem = made((status, word, advice), detail, &[]);
    if answered {
        problem = problem.zoom(refusal);
    }
    let faults = error
        .fields()
        .iter()
        .map(|field| {
            parfocal_engine::error::Fault::missing(
                field.field.clone(),
                field.message.clone(),
                "Correct it.".to_owned(),
            )
        })
        .collect();
    problem = problem.errors(faults);
    let seconds = match (error.retry_at(), error.retry_after()) {
        (Some(at), _) => Some(at.duration_since(now).as_secs().max(1).unsigned_abs()),
        (None, Some(after)) => Some(after.as_secs().max(1)),
        (None, None) if status == 429 => Some(1),
        (None, None) if status >= 500 => Some(5),
        (None, None) => None,
    };
    match seconds {
        Some(seconds) if status == 429 || status >= 502 => problem.retry_after(seconds),
        _ => problem,
    }
}

/// An answer of Zoom's that broke off.
pub(super) fn broken_off(error: &Error) -> Problem {
    made(told(error.kind()), "Zoom's answer broke off", &[]).retry_after(5)
}

/// A failure of ours on the way to Zoom.
pub(super) fn of_engine(error: EngineError) -> Problem {
    if super::is_unauthorized(&error) {
        return unauthorized();
    }
    crate::zoomapp::plain(error)
}
