//! Components: which capabilities are on, what each lacks, and the switches; and the log of who changed what.

use axum::Extension;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::audit::AuditFilter;
use parfocal_engine::components::{Activation, ComponentView, Finding};
use parfocal_engine::keys::{Caller, Role};
use serde::{Deserialize, Serialize};

use super::link;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::AuditView;

#[derive(Serialize)]
struct Page {
    rows: Vec<ComponentView>,
    /// The component that was looked at, and what it lacks.
    checked: Option<Checked>,
    may_switch: bool,
}

#[derive(Serialize)]
struct Checked {
    name: String,
    found: Vec<Finding>,
}

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(crate) struct PageParams {
    /// A component whose needs shall be looked at.
    check: Option<String>,
}

/// `GET /components`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<PageParams>,
) -> Result<Response, Problem> {
    let components = state.app().components();
    let checked = match params.check {
        Some(name) => Some(Checked {
            found: components.check(&name).await?,
            name,
        }),
        None => None,
    };
    let page = Page {
        rows: components.list().await?,
        checked,
        may_switch: caller.may(Role::Admin).is_ok(),
    };
    state
        .pages()
        .render("components.html", "components", "Components", &page)
}

#[derive(Deserialize)]
pub(crate) struct Switch {
    name: String,
    on: bool,
}

/// `POST /components/switch`.
pub(crate) async fn switch(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(wish): Form<Switch>,
) -> Result<Response, Problem> {
    let components = state.app().components();
    if wish.on {
        let how = Activation::default();
        components.activate(&wish.name, &how, &caller).await?;
    } else {
        components.deactivate(&wish.name, &caller).await?;
    }
    let to = link("/components", &[("check", wish.on.then_some(&*wish.name))]);
    Ok(Redirect::to(&to).into_response())
}

#[derive(Serialize)]
struct Log {
    rows: Vec<AuditView>,
    first: Option<String>,
    next: Option<String>,
    actor: String,
    action: String,
}

/// Filters of the log; unknown parameters are ignored.
#[derive(Deserialize)]
pub(crate) struct LogParams {
    actor: Option<String>,
    action: Option<String>,
    after: Option<String>,
}

/// `GET /audit`: who changed what, the latest first.
pub(crate) async fn audit(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<LogParams>,
) -> Result<Response, Problem> {
    caller.may(Role::Admin)?;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (actor, action) = (given(params.actor), given(params.action));
    let filter = AuditFilter {
        actor: actor.clone(),
        action: action.clone(),
        target: None,
    };
    let after = params.after.filter(|after| !after.is_empty());
    let is_first = after.is_none();
    let page = paging::request(None, after)?;
    let found = state.app().audit().list(&filter, &page).await?;
    let at = |after: Option<&str>| {
        link(
            "/audit",
            &[
                ("actor", actor.as_deref()),
                ("action", action.as_deref()),
                ("after", after),
            ],
        )
    };
    let page = Log {
        next: found.next.as_deref().map(|next| at(Some(next))),
        first: (!is_first).then(|| at(None)),
        rows: found.items.into_iter().map(AuditView::from).collect(),
        actor: actor.unwrap_or_default(),
        action: action.unwrap_or_default(),
    };
    state
        .pages()
        .render("audit.html", "components", "Audit log", &page)
}
