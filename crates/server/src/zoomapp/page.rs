//! `GET /zoomapp`: the panel; `GET /zoomapp/install`: the way there from a browser.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::Code;
use parfocal_engine::zoomapp::CONTEXT_HEADER;

use super::{cookie, view};
use crate::layers::OwnPolicy;
use crate::problem::{Problem, status_of};
use crate::state::AppState;

/// What a page inside Zoom's client may load, and in whose frames it may stand: Zoom's.
const POLICY: &str = "default-src 'none'; script-src 'self' https://appssdk.zoom.us; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors https://zoom.us https://*.zoom.us";

/// The panel, as whoever has it open may see it.
pub(crate) async fn get(State(state): State<AppState>, request: Parts) -> Response {
    let mut response = shown(&state, &request)
        .await
        .unwrap_or_else(Problem::into_response);
    response
        .extensions_mut()
        .insert(OwnPolicy(HeaderValue::from_static(POLICY)));
    response
}

async fn shown(state: &AppState, request: &Parts) -> Result<Response, Problem> {
    let zoomapp = state.app().zoomapp();
    let known = cookie::of(state, &request.headers);
    let context = request
        .headers
        .get(CONTEXT_HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|value| !value.trim().is_empty());
    let (session, fresh) = match (context, known) {
        (Some(context), _) => match zoomapp.enter(known, context).await {
            Ok(entered) => (Some(entered.session), entered.cookie),
            Err(error) if error.code() == Code::ContextRefused => {
                // Whoever brings something forged sees the closed panel, whatever cookie comes with it.
                let status = status_of(error.kind());
                let panel = view::closed(state, Some(error.hint().to_owned())).await;
                let mut response = rendered(state, &panel)?;
                *response.status_mut() = status;
                return Ok(response);
            }
            Err(error) => return Err(error.into()),
        },
        (None, Some(known)) => (zoomapp.resume(known).await?, None),
        (None, None) => (None, None),
    };
    let panel = match &session {
        Some(session) => view::of(state, session, None).await?,
        None => view::closed(state, None).await,
    };
    let mut response = rendered(state, &panel)?;
    cookie::set(state, &mut response, fresh.as_ref());
    Ok(response)
}

fn rendered(state: &AppState, panel: &view::Panel) -> Result<Response, Problem> {
    state
        .pages()
        .render("panel.html", "panel", "Meeting panel", panel)
}

/// Begins the installation in a browser; it ends in Zoom's client.
pub(crate) async fn install(State(state): State<AppState>) -> Result<Response, Problem> {
    let client = state.app().zoomapp().client_id().await?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("from", "zoomapp")
        .append_pair("app", &client)
        .finish();
    Ok(Redirect::to(&format!("{}?{query}", crate::oauth::INSTALL)).into_response())
}
