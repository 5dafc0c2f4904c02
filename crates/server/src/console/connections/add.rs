//! Connecting an account: sign in with Zoom, send a link, or the credentials of a server-to-server app.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use parfocal_engine::EngineError;
use parfocal_engine::config::Secret;
use parfocal_engine::connections::{AppView, Cloud, NewLink, NewServerToServer};
use parfocal_engine::keys::Caller;
use parfocal_engine::store::AppKind;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::{Made, ROOM};
use crate::oauth;
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// Longest life of a link that the form offers, in days.
const MOST_DAYS: u64 = 30;

#[derive(Serialize)]
struct Page {
    apps: Vec<AppChoice>,
    redirect: String,
    why_not: Option<String>,
    reachable: bool,
    again: Option<Again>,
    typed: Typed,
    fault: Option<Fault>,
}

/// An app through which people can sign in.
#[derive(Serialize)]
struct AppChoice {
    key: String,
    name: String,
    href: String,
}

/// A connection that gets new credentials.
#[derive(Serialize)]
struct Again {
    id: String,
    name: String,
}

/// What was typed and may be shown again; never the secrets.
#[derive(Default, Serialize)]
struct Typed {
    account_id: String,
    client_id: String,
    name: String,
}

#[derive(Serialize)]
struct Fault {
    what: String,
    hint: String,
}

impl From<&EngineError> for Fault {
    fn from(error: &EngineError) -> Self {
        Self {
            what: error.message().to_owned(),
            hint: error.hint().to_owned(),
        }
    }
}

/// What the page can be told; unknown parameters are ignored.
#[derive(Default, Deserialize)]
pub(super) struct NewParams {
    /// The connection that gets new credentials.
    again: Option<String>,
}

/// `GET /connections/new`.
pub(super) async fn get(
    State(state): State<AppState>,
    Params(params): Params<NewParams>,
) -> Result<Response, Problem> {
    let (again, typed) = match params.again {
        Some(which) => {
            let view = state.app().connections().show(&which).await?;
            let typed = Typed {
                account_id: view.subject.clone(),
                client_id: view.client_id.clone(),
                name: view.name.clone(),
            };
            let again = Again {
                id: view.id.to_string(),
                name: view.name,
            };
            (Some(again), typed)
        }
        None => (None, Typed::default()),
    };
    ask(&state, again, typed, None).await
}

async fn ask(
    state: &AppState,
    again: Option<Again>,
    typed: Typed,
    fault: Option<Fault>,
) -> Result<Response, Problem> {
    let redirect = oauth::redirect_uri(state);
    let apps = state.app().connections().apps().await?;
    let why_not = apps
        .iter()
        .filter(|app| app.kind == AppKind::User)
        .find_map(|app| unusable(app, &redirect));
    let page = Page {
        apps: apps
            .iter()
            .filter(|app| app.kind == AppKind::User && unusable(app, &redirect).is_none())
            .map(AppChoice::of)
            .collect(),
        redirect,
        why_not,
        reachable: state.app().config().server.public_url.is_some(),
        again,
        typed,
        fault,
    };
    state
        .pages()
        .render("connection_new.html", ROOM, "Connect an account", &page)
}

impl AppChoice {
    fn of(app: &AppView) -> Self {
        Self {
            key: app.client_id.clone(),
            name: app.name.clone(),
            href: crate::console::link(
                oauth::INSTALL,
                &[("app", Some(&app.client_id)), ("from", Some("console"))],
            ),
        }
    }
}

/// Why people cannot sign in through an app, if they cannot: Zoom leads browsers back to http://127.0.0.1 for public clients only.
fn unusable(app: &AppView, redirect: &str) -> Option<String> {
    if let Some(problem) = &app.problem {
        return Some(problem.clone());
    }
    let loopback = redirect.starts_with("http://127.0.0.1");
    match (loopback, app.public) {
        (true, false) => Some(format!(
            "The app {} has a secret, and Zoom leads such apps back to an https address only: set server.public_url to it.",
            app.name
        )),
        _ => None,
    }
}

/// The form of a server-to-server app.
#[derive(Deserialize)]
pub(super) struct S2sForm {
    again: Option<String>,
    account_id: String,
    client_id: String,
    client_secret: String,
    #[serde(default)]
    webhook_secret: String,
    #[serde(default)]
    name: String,
}

/// `POST /connections/s2s`.
pub(super) async fn s2s(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<S2sForm>,
) -> Result<Response, Problem> {
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let new = NewServerToServer {
        name: filled(&form.name),
        account_id: form.account_id.clone(),
        client_id: form.client_id.clone(),
        client_secret: Secret::new(form.client_secret.trim()),
        webhook_secrets: filled(&form.webhook_secret)
            .map(|secret| Secret::new(&secret))
            .into_iter()
            .collect(),
        plan: None,
        share: None,
        cloud: Cloud::default(),
    };
    let again = form.again.filter(|id| !id.is_empty());
    match state
        .app()
        .connections()
        .connect_s2s(new, &caller.by())
        .await
    {
        Ok(view) => {
            let did = if again.is_some() {
                "renewed"
            } else {
                "connected"
            };
            Ok(Redirect::to(&format!("/connections/{}?did={did}", view.id)).into_response())
        }
        Err(error) => {
            let again = match again {
                Some(id) => {
                    let view = state.app().connections().show(&id).await?;
                    Some(Again {
                        id,
                        name: view.name,
                    })
                }
                None => None,
            };
            let typed = Typed {
                account_id: form.account_id,
                client_id: form.client_id,
                name: form.name,
            };
            let fault = Fault::from(&error);
            let problem = Problem::from(error);
            let mut response = ask(&state, again, typed, Some(fault)).await?;
            *response.status_mut() = if problem.status().is_server_error() {
                problem.status()
            } else {
                StatusCode::UNPROCESSABLE_ENTITY
            };
            Ok(response)
        }
    }
}

/// The form of a link.
#[derive(Deserialize)]
pub(super) struct LinkForm {
    for_whom: String,
    app: Option<String>,
    days: u64,
}

/// `POST /connections/links`: the page that follows is the only one that shows the link.
pub(super) async fn link(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<LinkForm>,
) -> Result<Response, Problem> {
    let days = form.days.clamp(1, MOST_DAYS);
    let name = Some(form.for_whom.trim().to_owned()).filter(|name| !name.is_empty());
    let new = NewLink {
        app: form.app.filter(|app| !app.is_empty()),
        name: name.clone(),
        lives: Duration::from_secs(days * 24 * 60 * 60),
        scopes: Vec::new(),
    };
    let made = state
        .app()
        .connections()
        .create_link(new, &caller.by())
        .await?;
    let redirect = oauth::redirect_uri(&state);
    let path = format!("/connect/{}", made.token.expose_secret());
    let url = redirect
        .parse()
        .ok()
        .and_then(|redirect| oauth::beside_callback(&redirect, &path))
        .map_or_else(
            || made.url.expose_secret().to_owned(),
            |url| url.to_string(),
        );
    let made = Made {
        url,
        for_whom: name,
        expires: made.view.expires,
    };
    super::show(&state, None, Some(made)).await
}
