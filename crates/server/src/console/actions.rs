//! What is to be done across meetings: open, carried over, done; by owner.

use axum::Extension;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{ActionFilter, ActionState, OwnerRow};
use parfocal_engine::talk::tracker::{self, Standing};
use serde::{Deserialize, Serialize};

use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{ActionItemView, SightingView};

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(crate) struct ListParams {
    show: Option<String>,
    owner: Option<String>,
    after: Option<String>,
    did: Option<String>,
}

#[derive(Serialize)]
struct Page {
    rows: Vec<Row>,
    tabs: Vec<Tab>,
    show: &'static str,
    owner: Option<String>,
    owners: Vec<OwnerRow>,
    did: Option<&'static str>,
    first: Option<String>,
    next: Option<String>,
    here: String,
}

#[derive(Serialize)]
struct Tab {
    key: &'static str,
    name: &'static str,
    href: String,
}

/// An action with the place where it was spoken of last.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    action: ActionItemView,
    href: Option<String>,
}

/// The tabs: key, name, and what they show.
const TABS: [(&str, &str, Option<Standing>); 4] = [
    ("open", "To be done", Some(Standing::Open)),
    ("carried", "Carried over", Some(Standing::Carried)),
    ("done", "Done", Some(Standing::Done)),
    ("all", "All", None),
];

/// `GET /actions`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let app = state.app();
    let (show, _, standing) = TABS
        .into_iter()
        .find(|(key, ..)| Some(*key) == params.show.as_deref())
        .unwrap_or(TABS[0]);
    let owner = params.owner.filter(|owner| !owner.is_empty());
    let mut filter = standing.map_or_else(ActionFilter::default, Standing::filter);
    filter.owner.clone_from(&owner);
    let request = paging::request(None, params.after)?;
    let page = tracker::list(app, &filter, &request).await?;
    let mut rows = Vec::with_capacity(page.items.len());
    for action in page.items {
        let last = app
            .store()
            .sightings(app.scope(), action.id)
            .await?
            .pop()
            .map(SightingView::from);
        rows.push(Row {
            href: last.map(|seen| {
                format!(
                    "/meetings/{}#c-{}-{}",
                    seen.meeting_id, seen.transcript_id, seen.cue_from
                )
            }),
            action: action.into(),
        });
    }
    let link = |show: &str, after: Option<&str>| {
        super::link(
            "/actions",
            &[
                ("show", Some(show)),
                ("owner", owner.as_deref()),
                ("after", after),
            ],
        )
    };
    let page = Page {
        tabs: TABS
            .iter()
            .map(|(key, name, _)| Tab {
                key,
                name,
                href: link(key, None),
            })
            .collect(),
        first: request.after.is_some().then(|| link(show, None)),
        next: page.next.as_deref().map(|next| link(show, Some(next))),
        owners: tracker::owners(app).await?,
        did: match params.did.as_deref() {
            Some("done") => Some("Marked as done. “All” shows it, and takes it back."),
            Some("open") => Some("To be done again."),
            _ => None,
        },
        here: link(show, None),
        rows,
        show,
        owner,
    };
    state
        .pages()
        .render("actions.html", "actions", "Actions", &page)
}

/// Which action, how it stands now, and where to go back to.
#[derive(Deserialize)]
pub(crate) struct Mark {
    id: String,
    state: ActionState,
    back: Option<String>,
}

/// `POST /actions/mark`.
pub(crate) async fn mark(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<Mark>,
) -> Result<Response, Problem> {
    let marked = tracker::mark(state.app(), &form.id, form.state, &caller.by()).await?;
    // Only a path of our own: nobody is sent elsewhere by a form.
    let back = form
        .back
        .filter(|back| back.starts_with("/meetings/") && !back.contains("//"));
    let href = back
        .unwrap_or_else(|| super::link("/actions", &[("did", Some(marked.action.state.as_str()))]));
    Ok(Redirect::to(&href).into_response())
}
