//! `/people`: who is known under which addresses, what happened to them, and what each destination has of them, and why.

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::activate::{Answer, PersonLine, PersonView, WhyView};
use parfocal_engine::keys::{Caller, Role};
use serde::{Deserialize, Serialize};

use super::{Fault, PEOPLE, given, plain};
use crate::console::link;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;

/// People on a page.
const PIECE: u32 = 30;

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(super) struct ListParams {
    find: Option<String>,
    after: Option<String>,
    did: Option<String>,
    count: Option<u64>,
}

#[derive(Serialize)]
struct Page {
    rows: Vec<PersonLine>,
    find: Option<String>,
    /// Whether there is a destination that reads of people.
    destinations: bool,
    did: Option<String>,
    first: Option<String>,
    next: Option<String>,
}

/// `GET /people`.
pub(super) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let verbs = state.app().destinations();
    let find = given(params.find);
    let request = paging::request(Some(PIECE), params.after)?;
    let found = verbs.people(find.as_deref(), &request).await?;
    let at = |after: Option<&str>| link("/people", &[("find", find.as_deref()), ("after", after)]);
    let rows = params.count.unwrap_or_default();
    let page = Page {
        first: request.after.is_some().then(|| at(None)),
        next: found.next.as_deref().map(|next| at(Some(next))),
        rows: found.items,
        destinations: verbs.list().await?.iter().any(|one| one.kind != "webhook"),
        did: (params.did.as_deref() == Some("erased")).then(|| {
            format!("Erased here ({rows} rows). Destinations that have something of them are told, and asked until it is done.")
        }),
        find,
    };
    state.pages().render("people.html", PEOPLE, "People", &page)
}

/// What a person's page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(super) struct OneParams {
    /// Only what contains this is answered for.
    what: Option<String>,
    did: Option<String>,
}

#[derive(Serialize)]
struct One {
    #[serde(flatten)]
    view: PersonView,
    title: String,
    what: Option<String>,
    at: Vec<At>,
    history: Vec<Moment>,
    may_erase: bool,
    did: Option<&'static str>,
    fault: Option<Fault>,
}

/// What a destination has, and has not.
#[derive(Serialize)]
struct At {
    destination: String,
    missing: Vec<Line>,
    there: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    answer: Answer,
    line: Option<u32>,
}

/// Something that happened.
#[derive(Serialize)]
struct Moment {
    at: jiff::Timestamp,
    kind: &'static str,
    topic: Option<String>,
    details: Vec<(String, String)>,
}

/// Details that say nothing to a reader.
const SILENT: [&str; 4] = ["registrant_id", "occurrence_id", "answers", "source"];

fn grouped(why: WhyView) -> Vec<At> {
    let mut all: Vec<At> = Vec::new();
    for answer in why.answers {
        let place = all
            .iter()
            .position(|at| at.destination == answer.destination);
        let place = place.unwrap_or_else(|| {
            all.push(At {
                destination: answer.destination.clone(),
                missing: Vec::new(),
                there: Vec::new(),
            });
            all.len() - 1
        });
        let line = Line {
            line: answer.rule.as_ref().and_then(|rule| rule.line),
            answer,
        };
        if line.answer.there {
            all[place].there.push(line);
        } else {
            all[place].missing.push(line);
        }
    }
    all
}

async fn page(
    state: &AppState,
    caller: &Caller,
    which: &str,
    what: Option<String>,
    did: Option<&'static str>,
    fault: Option<Fault>,
) -> Result<Response, Problem> {
    let verbs = state.app().destinations();
    let view = verbs.person(which).await?;
    let why = verbs
        .why(&view.id.to_string(), None, what.as_deref())
        .await?;
    let history = view.moments.iter().rev().map(|moment| Moment {
        at: moment.at,
        kind: moment.kind.as_str(),
        topic: moment.meeting.topic.clone(),
        details: moment
            .details
            .iter()
            .filter(|(name, _)| !SILENT.contains(&name.as_str()))
            .map(|(name, value)| (name.replace('_', " "), plain(value)))
            .collect(),
    });
    let page = One {
        title: view
            .person
            .name
            .clone()
            .unwrap_or_else(|| view.person.email.clone()),
        history: history.collect(),
        at: grouped(why),
        may_erase: caller.may(Role::Admin).is_ok(),
        what,
        did,
        fault,
        view,
    };
    state
        .pages()
        .render("person.html", PEOPLE, &page.title, &page)
}

/// `GET /people/{person}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
    Params(params): Params<OneParams>,
) -> Result<Response, Problem> {
    let did = match params.did.as_deref() {
        Some("consent") => Some("Written down. Destinations are told with the next reading."),
        Some("split") => Some("They are two again, and stay two."),
        _ => None,
    };
    page(&state, &caller, &which, given(params.what), did, None).await
}

#[derive(Deserialize)]
pub(super) struct Consent {
    granted: bool,
    #[serde(default)]
    source: String,
}

/// `GET` of an address that forms are posted to: a page that was answered there asks for itself again when something changes.
pub(super) async fn back_to(Path(which): Path<String>) -> Redirect {
    let segment: String = url::form_urlencoded::byte_serialize(which.as_bytes()).collect();
    Redirect::to(&format!("/people/{segment}"))
}

fn back(id: &impl ToString, did: &str) -> Response {
    let path = format!("/people/{}", id.to_string());
    Redirect::to(&link(&path, &[("did", Some(did))])).into_response()
}

/// `POST /people/{person}/consent`.
pub(super) async fn consent(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
    Form(said): Form<Consent>,
) -> Result<Response, Problem> {
    let verbs = state.app().destinations();
    let done = verbs
        .consent(&which, said.granted, &said.source, &caller.by())
        .await;
    match done {
        Ok(view) => Ok(back(&view.id, "consent")),
        Err(error) => {
            let fault = Some(Fault::from(&error));
            page(&state, &caller, &which, None, None, fault).await
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Split {
    id: String,
}

/// `POST /people/{person}/split`: takes back that somebody turned out to be this person.
pub(super) async fn split(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
    Form(form): Form<Split>,
) -> Result<Response, Problem> {
    let verbs = state.app().destinations();
    match verbs.split(&form.id, &caller.by()).await {
        Ok(view) => Ok(back(&view.id, "split")),
        Err(error) => {
            let fault = Some(Fault::from(&error));
            page(&state, &caller, &which, None, None, fault).await
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Erase {
    #[serde(default)]
    sure: String,
}

/// `POST /people/{person}/erase`.
pub(super) async fn erase(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
    Form(form): Form<Erase>,
) -> Result<Response, Problem> {
    caller.may(Role::Admin)?;
    let verbs = state.app().destinations();
    let view = verbs.person(&which).await?;
    if form.sure.trim().to_lowercase() != view.person.email {
        let fault = Fault {
            what: "Nothing was erased: the address is another one.".to_owned(),
            hint: format!("Write {} to confirm.", view.person.email),
        };
        return page(&state, &caller, &which, None, None, Some(fault)).await;
    }
    let rows = verbs.erase(&view.id.to_string(), &caller.by()).await?;
    let count = rows.to_string();
    let to = link(
        "/people",
        &[("did", Some("erased")), ("count", Some(&count))],
    );
    Ok(Redirect::to(&to).into_response())
}
