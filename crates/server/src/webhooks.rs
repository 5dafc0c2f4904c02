//! The webhook door: `POST /webhooks/zoom/{app}` and `POST /webhooks/zoom`.
//!
//! Reads the body under its own limit and hands the bytes as they came to the engine, which verifies and stores them. Zoom repeats
//! what is answered with 5xx and never repeats what is answered with 4xx; that decides the statuses here.

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use parfocal_engine::webhooks::{
    Answer, Refused, RejectReason, SIGNATURE_HEADER, TIMESTAMP_HEADER,
};

use crate::problem::Problem;
use crate::state::AppState;

/// Seconds after which a sender should try again.
const RETRY_AFTER: u64 = 60;

/// The last part of the path of a delivery: an app's name as it stands, or none for the bare address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    app: Option<String>,
}

impl Delivery {
    /// The route it came in by, as it is counted.
    pub(crate) fn route(&self) -> &'static str {
        match self.app {
            Some(_) => "/webhooks/zoom/{app}",
            None => "/webhooks/zoom",
        }
    }
}

/// Whether a request is a delivery that needs no router: a POST to the door whose app's name has no escapes.
pub(crate) fn delivery(request: &Request) -> Option<Delivery> {
    if request.method() != Method::POST {
        return None;
    }
    let rest = request.uri().path().strip_prefix("/webhooks/zoom")?;
    if rest.is_empty() {
        return Some(Delivery { app: None });
    }
    let app = rest.strip_prefix('/')?;
    let plain = !app.is_empty() && !app.contains(['/', '%']);
    plain.then(|| Delivery {
        app: Some(app.to_owned()),
    })
}

/// Takes a delivery in.
pub(crate) async fn deliver(
    state: &AppState,
    delivery: Delivery,
    request: Request,
) -> Result<Response, Problem> {
    take(state, delivery.app.as_deref(), request).await
}

/// A delivery for the app of that name.
pub(crate) async fn one_app(
    State(state): State<AppState>,
    Path(app): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    take(&state, Some(&app), request).await
}

/// A delivery for whichever app's secret fits.
pub(crate) async fn any_app(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    take(&state, None, request).await
}

async fn take(state: &AppState, app: Option<&str>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let limit = state.app().config().server.max_webhook_bytes;
    let body = read(&parts.headers, body, limit).await?;
    let of = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let answer = state
        .app()
        .webhooks()
        .accept(app, of(TIMESTAMP_HEADER), of(SIGNATURE_HEADER), &body)
        .await?;
    Ok(match answer {
        Answer::Challenge { json } => {
            let kind = [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )];
            (StatusCode::OK, kind, json).into_response()
        }
        Answer::Accepted(_) | Answer::Duplicate(_) => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit)) {
        return Err(Refused::TooLarge { limit }.into());
    }
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(|source| source.to_string().contains("length limit"));
        if too_large {
            Refused::TooLarge { limit }.into()
        } else {
            Problem::bad_request("webhook_cut", "the body ended before it was whole")
        }
    })
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        let code = format!("webhook_{}", refused.reason());
        match refused {
            // Nobody can sign yet, but Zoom would never repeat what gets a 4xx: it may be configured in time.
            Refused::Unverified(RejectReason::NoSecret) => Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
                .hint("Set ZOOM_WEBHOOK_SECRET_TOKEN to the secret token of the app's Feature page, and start again.")
                .retry_after(RETRY_AFTER),
            Refused::UnknownApp => Self::new(StatusCode::NOT_FOUND, code, detail)
                .hint("Use /webhooks/zoom, or the path that `parfocal connections show` tells."),
            Refused::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, code, detail),
            // Rightly signed, so it is our clock that is behind; Zoom comes again, and by then it may be right.
            Refused::Unverified(RejectReason::TooNew { .. }) => Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
                .hint("The clock of this machine is behind Zoom's; set it right.")
                .retry_after(RETRY_AFTER),
            Refused::Unverified(_) => Self::new(StatusCode::UNAUTHORIZED, code, detail)
                .hint("The secret token of the app's Feature page has to be in ZOOM_WEBHOOK_SECRET_TOKEN."),
            // What went wrong inside is in the log; Zoom sends it again.
            Refused::Unavailable(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "the event could not be stored; send it again")
                    .retry_after(RETRY_AFTER)
            }
            // Malformed, and whatever else the engine will refuse one day.
            _ => Self::new(StatusCode::BAD_REQUEST, code, detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The app a delivery is for; an empty name for the path without one.
    fn found(method: Method, path: &str) -> Option<String> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        delivery(&request).map(|delivery| delivery.app.unwrap_or_default())
    }

    #[test]
    fn only_plain_deliveries_pass_by_the_router() {
        for (path, app) in [
            ("/webhooks/zoom", ""),
            ("/webhooks/zoom?x=1", ""),
            ("/webhooks/zoom/crm", "crm"),
        ] {
            assert_eq!(found(Method::POST, path).as_deref(), Some(app), "{path}");
        }
        for other in [
            "/webhooks/zoom/",
            "/webhooks/zoomed",
            "/webhooks/zoom/a/b",
            "/webhooks/zoom/a%2Fb",
            "/v1/meetings",
        ] {
            assert_eq!(found(Method::POST, other), None, "{other}");
        }
        assert_eq!(found(Method::GET, "/webhooks/zoom"), None);
    }
}
