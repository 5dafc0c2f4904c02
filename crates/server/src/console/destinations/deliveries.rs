//! `/deliveries`: what is to be at the destinations, what came back, and what to do; tried again and given up here.

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::activate::{DeliveryDetail, DeliveryView, Destinations};
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{DeliveryFilter, DeliveryId, DeliveryState, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ROOM, given, mapping, plain};
use crate::console::link;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;

/// The tabs: key and name; the key is a state.
const TABS: [(&str, &str); 6] = [
    ("dead", "Dead"),
    ("pending", "To be sent"),
    ("waiting", "Worked on"),
    ("done", "There"),
    ("dropped", "Given up"),
    ("all", "All"),
];

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(super) struct ListParams {
    show: Option<String>,
    destination: Option<String>,
    person: Option<String>,
    key: Option<String>,
    after: Option<String>,
    did: Option<String>,
    count: Option<u64>,
}

#[derive(Serialize)]
struct Page {
    rows: Vec<Row>,
    tabs: Vec<Tab>,
    show: &'static str,
    destinations: Vec<String>,
    destination: Option<String>,
    person: Option<String>,
    key: Option<String>,
    did: Option<String>,
    first: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    key: &'static str,
    name: &'static str,
    href: String,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    view: DeliveryView,
    status: Option<u64>,
}

fn status(said: Option<&Value>) -> Option<u64> {
    said?.get("status")?.as_u64()
}

/// The person of a filter; one who is not known is told of on the page that asks, not here.
async fn person(verbs: Destinations<'_>, text: Option<&str>) -> Result<Option<PersonId>, Problem> {
    Ok(match text {
        Some(text) => Some(verbs.person_named(text).await?),
        None => None,
    })
}

/// `GET /deliveries`.
pub(super) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let verbs = state.app().destinations();
    let (show, _) = TABS
        .into_iter()
        .find(|(key, _)| Some(*key) == params.show.as_deref())
        .unwrap_or(TABS[0]);
    let destination = given(params.destination);
    let about = given(params.person);
    let key = given(params.key);
    let filter = DeliveryFilter {
        state: show.parse::<DeliveryState>().ok(),
        person: person(verbs, about.as_deref()).await?,
        key: key.clone(),
        destination: None,
    };
    let request = paging::request(None, params.after)?;
    let found = verbs
        .deliveries(destination.as_deref(), filter, &request)
        .await?;
    let address = |show: &str, after: Option<&str>| {
        link(
            "/deliveries",
            &[
                ("show", Some(show)),
                ("destination", destination.as_deref()),
                ("person", about.as_deref()),
                ("key", key.as_deref()),
                ("after", after),
            ],
        )
    };
    let page = Page {
        tabs: TABS
            .iter()
            .map(|(key, name)| Tab {
                key,
                name,
                href: address(key, None),
            })
            .collect(),
        first: request.after.is_some().then(|| address(show, None)),
        next: found.next.as_deref().map(|next| address(show, Some(next))),
        rows: found
            .items
            .into_iter()
            .map(|view| Row {
                status: status(view.said.as_ref()),
                view,
            })
            .collect(),
        destinations: verbs
            .list()
            .await?
            .into_iter()
            .map(|one| one.name)
            .collect(),
        did: params
            .did
            .map(|did| said(&did, params.count.unwrap_or_default())),
        show,
        destination,
        person: about,
        key,
    };
    state
        .pages()
        .render("deliveries.html", ROOM, "Deliveries", &page)
}

fn said(did: &str, count: u64) -> String {
    let noun = if count == 1 { "delivery" } else { "deliveries" };
    match did {
        "retried" => format!("{count} {noun} will be sent once more."),
        "dropped" => format!("{count} {noun} given up."),
        _ => String::new(),
    }
}

#[derive(Serialize)]
struct One {
    #[serde(flatten)]
    detail: DeliveryDetail,
    sent: String,
    came_back: Option<Back>,
    tries: Vec<Try>,
    rule_name: Option<String>,
    rule_line: Option<u64>,
    /// The line of the mapping, as it stands there.
    rule_text: Option<String>,
    can_retry: bool,
    can_drop: bool,
    did: Option<String>,
}

/// What came back, and to what.
#[derive(Serialize)]
struct Back {
    request: Option<String>,
    status: Option<u64>,
    code: Option<String>,
    text: String,
}

impl Back {
    fn of(said: &Value) -> Self {
        let text = |name: &str| said.get(name).map(plain);
        Self {
            request: text("request"),
            status: status(Some(said)),
            code: text("code"),
            text: text("text").unwrap_or_default(),
        }
    }
}

#[derive(Serialize)]
struct Try {
    attempt: i64,
    at: jiff::Timestamp,
    outcome: String,
    back: Option<Back>,
}

/// What the page can be told; unknown parameters are ignored.
#[derive(Deserialize)]
pub(super) struct OneParams {
    did: Option<String>,
}

/// `GET /deliveries/{id}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(params): Params<OneParams>,
) -> Result<Response, Problem> {
    let verbs = state.app().destinations();
    let detail = verbs.delivery(key(&id)?).await?;
    let one = &detail.delivery;
    let field = |name: &str| one.rule.as_ref().and_then(|rule| rule.get(name));
    let rule_line = field("line").and_then(Value::as_u64);
    let rule_text = match (rule_line, verbs.get(&one.destination).await) {
        (Some(line), Ok(destination)) => mapping(&destination).and_then(|text| {
            let before = usize::try_from(line).ok()?.checked_sub(1)?;
            text.lines().nth(before).map(str::to_owned)
        }),
        _ => None,
    };
    let page = One {
        sent: serde_json::to_string_pretty(&detail.body).unwrap_or_default(),
        came_back: one.said.as_ref().map(Back::of),
        tries: detail
            .tries
            .iter()
            .rev()
            .map(|tried| Try {
                attempt: tried.attempt,
                at: tried.at,
                outcome: tried.outcome.clone(),
                back: tried.said.as_ref().map(Back::of),
            })
            .collect(),
        rule_name: field("name").map(plain),
        rule_line,
        rule_text,
        can_retry: !matches!(one.state, DeliveryState::Sending | DeliveryState::Waiting),
        can_drop: matches!(one.state, DeliveryState::Pending | DeliveryState::Dead),
        did: params.did.map(|did| said(&did, 1)),
        detail,
    };
    state
        .pages()
        .render("delivery.html", ROOM, &page.detail.delivery.key, &page)
}

/// Which deliveries a form is about: one, or all dead ones that the filter leaves.
#[derive(Deserialize)]
pub(super) struct Which {
    id: Option<String>,
    destination: Option<String>,
    person: Option<String>,
    key: Option<String>,
    /// The page that the form is on: `one` comes back to the delivery.
    back: Option<String>,
}

impl Which {
    fn back(&self, did: &str, count: u64) -> Response {
        if let (Some("one"), Some(id)) = (self.back.as_deref(), self.id.as_deref()) {
            let path = format!("/deliveries/{id}");
            return Redirect::to(&link(&path, &[("did", Some(did))])).into_response();
        }
        let filled = |text: &Option<String>| given(text.clone());
        let (destination, person, key) = (
            filled(&self.destination),
            filled(&self.person),
            filled(&self.key),
        );
        Redirect::to(&link(
            "/deliveries",
            &[
                ("destination", destination.as_deref()),
                ("person", person.as_deref()),
                ("key", key.as_deref()),
                ("did", Some(did)),
                ("count", Some(&count.to_string())),
            ],
        ))
        .into_response()
    }
}

/// `POST /deliveries/retry`.
pub(super) async fn retry(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let verbs = state.app().destinations();
    let by = caller.by();
    let count = if let Some(id) = given(which.id.clone()) {
        verbs.retry(key(&id)?, &by).await?;
        1
    } else {
        let filter = DeliveryFilter {
            person: person(verbs, given(which.person.clone()).as_deref()).await?,
            key: given(which.key.clone()),
            ..DeliveryFilter::default()
        };
        let of = given(which.destination.clone());
        verbs.retry_all(of.as_deref(), filter, &by).await?
    };
    Ok(which.back("retried", count))
}

/// `POST /deliveries/drop`.
pub(super) async fn drop(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let id = key(which.id.as_deref().unwrap_or_default())?;
    let verbs = state.app().destinations();
    verbs.drop_delivery(id, &caller.by()).await?;
    Ok(which.back("dropped", 1))
}

fn key(id: &str) -> Result<DeliveryId, Problem> {
    id.parse()
        .map_err(|_| Problem::not_found(format!("there is no delivery {id}")))
}
