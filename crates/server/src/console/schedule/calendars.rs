//! `/schedule/calendars`: the calendars that meetings are written to, and those that can be connected here.

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::calendar::{CalendarAccountView, ConsentRequest};
use parfocal_engine::keys::{Caller, Role};
use parfocal_engine::{Code, EngineError};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Fault, ROOM};
use crate::guard;
use crate::oauth::{self, Arrival, CALENDAR_CALLBACK, Kept};
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// What the page can be told; unknown parameters are ignored.
#[derive(Deserialize)]
pub(super) struct ListParams {
    did: Option<String>,
}

#[derive(Serialize)]
struct Page {
    rows: Vec<CalendarAccountView>,
    offered: Vec<Offer>,
    did: Option<&'static str>,
    fault: Option<Fault>,
}

/// A system whose calendars can be connected here.
#[derive(Serialize)]
struct Offer {
    calendar: &'static str,
    name: &'static str,
}

/// What is to be connected.
#[derive(Deserialize)]
pub(super) struct Connect {
    calendar: String,
    name: String,
    /// `on` when we mail the guests ourselves.
    #[serde(default)]
    own: String,
}

/// `GET /schedule/calendars`.
pub(super) async fn get(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    page(&state, params.did.as_deref(), None).await
}

/// The page, with what was done or what went wrong.
pub(crate) async fn page(
    state: &AppState,
    did: Option<&str>,
    error: Option<&EngineError>,
) -> Result<Response, Problem> {
    let app = state.app();
    app.components().require("scheduling").await?;
    let accounts = app.calendar_accounts();
    let offered = accounts.offered().into_iter().map(|calendar| Offer {
        calendar,
        name: if calendar == "google" {
            "Google Calendar"
        } else {
            "Microsoft 365"
        },
    });
    let page = Page {
        rows: accounts.list().await?,
        offered: offered.collect(),
        did: (did == Some("connected")).then_some("The calendar is connected."),
        fault: error.map(Fault::from),
    };
    state
        .pages()
        .render("schedule_calendars.html", ROOM, "Calendars", &page)
}

/// `POST /schedule/calendars`: leads to the page on which a person agrees.
pub(super) async fn connect(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    request: Parts,
    Form(wish): Form<Connect>,
) -> Result<Response, Problem> {
    caller.may(Role::Operate)?;
    match begin(&state, &caller, &request, &wish).await {
        Ok(response) => Ok(response),
        Err(error) => page(&state, None, Some(&error)).await,
    }
}

async fn begin(
    state: &AppState,
    caller: &Caller,
    request: &Parts,
    wish: &Connect,
) -> Result<Response, EngineError> {
    let redirect = redirect(state, request)?;
    let begun = state
        .app()
        .calendar_accounts()
        .begin_consent(ConsentRequest {
            name: wish.name.trim().to_owned(),
            calendar: wish.calendar.clone(),
            own_invitations: wish.own == "on",
            redirect_uri: redirect.to_string(),
            by: caller.by(),
        })
        .await?;
    let kept = Kept {
        browser: begun.browser.expose_secret().to_owned(),
        from_console: true,
        for_zoom_app: false,
    };
    let mut response = Redirect::to(begun.url.as_str()).into_response();
    let cookie = oauth::keep_at(
        CALENDAR_CALLBACK,
        begun.state.expose_secret(),
        &kept,
        &redirect,
    );
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Where the answer comes back to: under the name by which this browser came, since its cookie is kept under that name.
fn redirect(state: &AppState, request: &Parts) -> Result<Url, EngineError> {
    let config = state.app().config();
    let local = Arrival::of(&request.headers, &request.uri, config) == Some(Arrival::Local);
    let public = config.server.public_url.as_ref().filter(|_| !local);
    let base = if let Some(public) = public {
        public.as_str().trim_end_matches('/').to_owned()
    } else {
        let here = guard::host(&request.headers, &request.uri)
            .map_or_else(|| state.address().to_string(), str::to_owned);
        format!("http://{here}")
    };
    format!("{base}{CALENDAR_CALLBACK}")
        .parse()
        .map_err(|error| {
            EngineError::new(
                Code::ConfigInvalid,
                format!("{base} is no address to come back to: {error}"),
            )
        })
}
