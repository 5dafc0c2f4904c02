//! One connection: its state in words, what it may do, what the account gives.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use parfocal_engine::connections::{ConnectionView, GrantView};
use parfocal_engine::store::{AppKind, ConnectionOrigin};
use serde::{Deserialize, Serialize};

use super::ROOM;
use super::words::{self, FeatureRow, FindingRow, Mend};
use crate::console::overview::{self, Budget};
use crate::oauth;
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Serialize)]
struct Page {
    did: Option<&'static str>,
    c: About,
    mend: Option<Mend>,
    reconnect: Option<String>,
    features: Vec<FeatureRow>,
    findings: Vec<FindingRow>,
    budget: Option<Budget>,
}

/// What is known of a connection.
#[derive(Serialize)]
struct About {
    id: String,
    name: String,
    account: String,
    account_id: String,
    through: String,
    plan: &'static str,
    plan_source: Option<&'static str>,
    share: f64,
    tone: &'static str,
    state_words: &'static str,
    scopes: Vec<String>,
    classic: bool,
    last_ok: Option<Timestamp>,
    last_error: Option<String>,
    last_error_at: Option<Timestamp>,
    app: String,
    client_id: String,
    origin_words: &'static str,
    cloud: Option<String>,
    api_url: Option<String>,
    webhook_path: Option<String>,
    subject: Option<String>,
    created_at: Timestamp,
    checked_at: Option<Timestamp>,
    grant: Option<GrantView>,
}

/// What the page can be told; unknown parameters are ignored.
#[derive(Default, Deserialize)]
pub(super) struct OneParams {
    /// What was just done.
    did: Option<String>,
}

/// `GET /connections/{id}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(params): Params<OneParams>,
) -> Result<Response, Problem> {
    let app = state.app();
    let view = app.connections().show(&id).await?;
    let budget = app
        .status()
        .await?
        .budgets
        .into_iter()
        .find(|budget| budget.account == view.account.external_id);
    let reconnect = reconnect(&view);
    let did = match params.did.as_deref() {
        Some("connected") => Some("Connected. What it reaches is taken in from now on."),
        Some("reconnected") => Some("Connected again; it kept everything that hangs on it."),
        Some("checked") => Some("Checked just now."),
        Some("renewed") => Some("The new credentials work; it kept everything that hangs on it."),
        _ => None,
    };
    let page = Page {
        did,
        mend: words::mend(&view, reconnect.as_deref()),
        reconnect,
        features: view
            .features
            .iter()
            .map(|health| FeatureRow::of(&view, health))
            .collect(),
        findings: view.findings.iter().map(FindingRow::of).collect(),
        budget: budget.as_ref().map(overview::budget),
        c: About::of(&view),
    };
    state
        .pages()
        .render("connection.html", ROOM, &page.c.name, &page)
}

impl About {
    fn of(view: &ConnectionView) -> Self {
        Self {
            id: view.id.to_string(),
            name: view.name.clone(),
            account: words::account(view),
            account_id: view.account.external_id.clone(),
            through: words::through(view),
            plan: words::plan(view),
            plan_source: words::plan_source(view.account.plan_source),
            share: view.account.share,
            tone: crate::console::filters::tone(view.state.as_str()),
            state_words: words::state(view.state),
            scopes: view.scopes.clone(),
            classic: words::is_classic(&view.scopes),
            last_ok: view.last_ok,
            last_error: view.last_error.clone(),
            last_error_at: view.last_error_at,
            app: view.app.clone(),
            client_id: view.client_id.clone(),
            origin_words: words::origin(view.origin),
            cloud: Some(view.cloud.clone()).filter(|cloud| cloud != "commercial"),
            api_url: view.api_url.clone(),
            webhook_path: view.webhook_path.clone(),
            subject: (view.kind != AppKind::ServerToServer).then(|| view.subject.clone()),
            created_at: view.created_at,
            checked_at: view.checked_at,
            grant: view.grant.clone(),
        }
    }
}

/// Where a connection is made to work again: Zoom's consent page, or the form with its credentials.
///
/// None for credentials of the environment: they are mended there.
fn reconnect(view: &ConnectionView) -> Option<String> {
    let id = view.id.to_string();
    match (view.kind, view.origin) {
        (AppKind::ServerToServer, ConnectionOrigin::Env) => None,
        (AppKind::ServerToServer, _) => Some(crate::console::link(
            "/connections/new",
            &[("again", Some(&id))],
        )),
        _ => Some(crate::console::link(
            oauth::INSTALL,
            &[
                ("app", Some(&view.client_id)),
                ("reconnect", Some(&id)),
                ("from", Some("console")),
            ],
        )),
    }
}

/// `POST /connections/{id}/check`.
pub(super) async fn check(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = state.app().connections().check(&id).await?;
    Ok(Redirect::to(&format!("/connections/{}?did=checked", view.id)).into_response())
}
