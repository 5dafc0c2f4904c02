//! `/api/zoomapp/…`: signing in inside Zoom's client, the session, and notes. No answer holds a token.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use parfocal_engine::connections::ChallengeMethod;
use parfocal_engine::zoomapp::{COMPONENT, Entered, Session};
use parfocal_engine::{Code, EngineError};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::door::BODY_TIME;
use super::{MOST, cookie, read_body};
use crate::oauth::{Arrival, authority};
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// Who has the app open.
#[derive(Serialize)]
struct SessionView<'s> {
    /// `guest`, `authenticated` or `authorized`.
    status: parfocal_engine::zoomapp::Standing,
    user: Option<&'s str>,
    name: Option<&'s str>,
    meeting: Option<&'s str>,
    running: Option<&'s str>,
}

impl<'s> SessionView<'s> {
    fn of(session: &'s Session) -> Self {
        Self {
            status: session.standing(),
            user: session.user(),
            name: session.name(),
            meeting: session.meeting(),
            running: session.running(),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Begin {
    /// `S256` or `plain`; none: as the component is set.
    code_challenge_method: Option<String>,
}

/// `GET /api/zoomapp/authorize`: challenge and state for `zoomSdk.authorize`.
pub(crate) async fn authorize(
    State(state): State<AppState>,
    Params(wish): Params<Begin>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let app = state.app();
    let set = app
        .components()
        .active()
        .await?
        .setting(COMPONENT, "challenge");
    let method = match wish.code_challenge_method.or(set).as_deref() {
        None | Some("" | "S256") => ChallengeMethod::S256,
        Some("plain") => ChallengeMethod::Plain,
        Some(_) => {
            return Err(Problem::bad_request(
                "query",
                "code_challenge_method is S256 or plain",
            ));
        }
    };
    let known = cookie::of(&state, &headers);
    let (begun, entered) = app.zoomapp().begin(known, method).await.map_err(plain)?;
    let body = json!({
        "codeChallenge": begun.challenge,
        "codeChallengeMethod": begun.method,
        "state": begun.state.expose_secret(),
    });
    let mut response = Json(body).into_response();
    cookie::set(&state, &mut response, entered.cookie.as_ref());
    Ok(response)
}

#[derive(Deserialize)]
struct Authorized {
    code: String,
    state: String,
    /// Address of the page, as the official sample sends it.
    href: Option<String>,
    /// The address that Zoom's client names with the code, where it does.
    #[serde(rename = "redirectUri")]
    redirect_uri: Option<String>,
}

/// `POST /api/zoomapp/onauthorized`: the code that Zoom's client gave the page.
pub(crate) async fn on_authorized(
    State(state): State<AppState>,
    request: Parts,
    body: Body,
) -> Result<Response, Problem> {
    let given: Authorized = read(&request.headers, body).await?;
    let page = given.redirect_uri.as_deref().or(given.href.as_deref());
    let redirect = redirect(&state, &request.headers, &request.uri, page)?;
    let known = cookie::of(&state, &request.headers);
    let entered = state
        .app()
        .zoomapp()
        .finish(known, &given.state, &given.code, &redirect)
        .await
        .map_err(plain)?;
    Ok(answer(&state, &entered))
}

/// The address to show to Zoom with the code: the page's own, and only one of ours.
fn redirect(
    state: &AppState,
    headers: &HeaderMap,
    uri: &Uri,
    page: Option<&str>,
) -> Result<String, Problem> {
    let config = state.app().config();
    let home = format!("{}/zoomapp", config.public_url().trim_end_matches('/'));
    let Some(page) = page.filter(|page| !page.is_empty()) else {
        return Ok(home);
    };
    let foreign = || {
        Problem::bad_request(
            "redirect_uri",
            "the page's address is none of this server's",
        )
        .hint("Send the address of the page that this server gave out, or none.")
        .plainly("invalid_request", &[])
    };
    let mut url = Url::parse(page).map_err(|_| foreign())?;
    url.set_fragment(None);
    let name = authority(&url).ok_or_else(foreign)?;
    let public = config.server.public_url.as_ref();
    let published = public.is_some_and(|public| url.origin() == public.origin());
    let here = Arrival::of(headers, uri, config) == Some(Arrival::Local)
        && url.scheme() == "http"
        && crate::guard::host(headers, uri).is_some_and(|host| host.eq_ignore_ascii_case(&name));
    let plain = url.username().is_empty() && url.password().is_none() && page.len() <= 2_048;
    if plain && (published || here) {
        Ok(url.into())
    } else {
        Err(foreign())
    }
}

#[derive(Deserialize)]
struct Context {
    context: String,
}

/// `POST /api/zoomapp/context`: what `zoomSdk.getAppContext()` gave, where no header comes along.
pub(crate) async fn context(
    State(state): State<AppState>,
    request: Parts,
    body: Body,
) -> Result<Response, Problem> {
    let given: Context = read(&request.headers, body).await?;
    let known = cookie::of(&state, &request.headers);
    let entered = state
        .app()
        .zoomapp()
        .enter(known, &given.context)
        .await
        .map_err(plain)?;
    Ok(answer(&state, &entered))
}

/// `GET /api/zoomapp/session`: who has the app open.
pub(crate) async fn session(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let session = required(&state, &headers).await?;
    Ok(Json(SessionView::of(&session)).into_response())
}

/// `POST /api/zoomapp/signout`: the session ends; what was allowed stays allowed.
pub(crate) async fn sign_out(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(known) = cookie::of(&state, &headers) {
        state.app().zoomapp().leave(known).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookie::clear(&state, &mut response);
    Ok(response)
}

#[derive(Deserialize)]
struct Note {
    text: String,
    meeting: Option<String>,
}

/// `PUT /api/zoomapp/note`: what somebody notes in their meeting.
pub(crate) async fn note(
    State(state): State<AppState>,
    request: Parts,
    body: Body,
) -> Result<Response, Problem> {
    let session = required(&state, &request.headers).await?;
    let given: Note = read(&request.headers, body).await?;
    let zoomapp = state.app().zoomapp();
    let seat = zoomapp
        .seat(&session, given.meeting.as_deref())
        .await
        .map_err(plain)?;
    zoomapp
        .keep_note(&session, &seat, &given.text)
        .await
        .map_err(plain)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The session of a request.
pub(crate) async fn required(state: &AppState, headers: &HeaderMap) -> Result<Session, Problem> {
    let found = match cookie::of(state, headers) {
        Some(known) => state.app().zoomapp().resume(known).await?,
        None => None,
    };
    found.ok_or_else(|| {
        plain(EngineError::new(
            Code::NotAuthorized,
            "there is no session of the Zoom App, or it is over",
        ))
    })
}

fn answer(state: &AppState, entered: &Entered) -> Response {
    let mut response = Json(SessionView::of(&entered.session)).into_response();
    cookie::set(state, &mut response, entered.cookie.as_ref());
    response
}

async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    let bytes = read_body(headers, body, MOST, BODY_TIME).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::bad_request("body", format!("the body cannot be used: {error}"))
            .plainly("invalid_request", &[])
    })
}

/// A failure of the engine with the word that front ends look for.
pub(crate) fn plain(error: EngineError) -> Problem {
    let word = match error.code() {
        Code::NotAuthorized => "unauthorized",
        Code::ContextRefused => "context_refused",
        Code::ConnectionNeedsAttention => "session_expired",
        Code::NotFound => "not_found",
        _ => match error.kind() {
            parfocal_engine::Kind::Internal | parfocal_engine::Kind::Unavailable => {
                "internal_error"
            }
            _ => "invalid_request",
        },
    };
    Problem::from(error).plainly(word, &[])
}
