//! `/v1/people`: what is known of a person, what the destinations have of them, and why.

use axum::Json;
use axum::extract::Path;
use axum::routing::{delete, get, post};
use parfocal_engine::activate::{PersonLine, PersonView, WhyView};
use parfocal_engine::keys::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::Body;
use super::route::Route;
use super::verbs::{Answered, Ask, answer};
use crate::paging::{self, Params};
use crate::views::PageView;

/// All routes, in the order of the description.
pub(super) fn table() -> Vec<Route> {
    let person = |route: Route| route.path_part("person", "An address or our id.");
    vec![
        Route::get("/people", "people.list", get(list))
            .about("People that destinations were asked about, in the order in which they were first known")
            .query::<ListParams>()
            .answers::<PageView<PersonLine>>(),
        person(Route::get("/people/{person}", "people.get", get(one)))
            .about("What happened to a person, what each destination has of them, what not, and why")
            .answers::<PersonView>(),
        person(Route::get("/people/{person}/why", "people.why", get(why)))
            .about("Why a person is, or is not, in a list, or anything else of a destination: what is missing first")
            .query::<WhyParams>()
            .answers::<WhyView>(),
        person(Route::post("/people/{person}/consent", "people.consent", post(consent)))
            .about("Writes what a person said about being written to; a registration says nothing of it")
            .body::<ConsentSaid>()
            .answers::<PersonView>(),
        Route::post("/people/{person}/split", "people.split", post(split))
            .about("Takes back that somebody turned out to be another person: they are two from then on")
            .path_part("person", "The id under which they were known before, one of `merged`.")
            .answers::<PersonView>(),
        person(Route::delete("/people/{person}", "people.erase", delete(erase)))
            .about("Erases a person here and at every destination that has something of them")
            .needs(Role::Admin)
            .answers::<Erased>(),
    ]
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Only those with an address or a name that contains this.
    find: Option<String>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WhyParams {
    /// Only at this destination, by name or id.
    destination: Option<String>,
    /// Only what contains this, such as `list Zoom | Attended`.
    what: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConsentSaid {
    /// Yes or no.
    granted: bool,
    /// Who or what says so, such as `form on the website`.
    #[schemars(length(min = 1, max = 200))]
    source: String,
}

/// What was erased here.
#[derive(Debug, Serialize, JsonSchema)]
struct Erased {
    /// Rows.
    rows: u64,
}

async fn list(ask: Ask, Params(params): Params<ListParams>) -> Answered<PageView<PersonLine>> {
    let page = paging::request(params.limit, params.after)?;
    let page = ask.verbs().people(params.find.as_deref(), &page).await?;
    Ok(Json(PageView {
        items: page.items,
        next: page.next,
    }))
}

async fn one(ask: Ask, Path(which): Path<String>) -> Answered<PersonView> {
    answer(ask.verbs().person(&which).await)
}

async fn why(
    ask: Ask,
    Path(which): Path<String>,
    Params(params): Params<WhyParams>,
) -> Answered<WhyView> {
    let (at, what) = (params.destination.as_deref(), params.what.as_deref());
    answer(ask.verbs().why(&which, at, what).await)
}

async fn consent(
    ask: Ask,
    Path(which): Path<String>,
    Body(said): Body<ConsentSaid>,
) -> Answered<PersonView> {
    let verbs = ask.verbs();
    answer(
        verbs
            .consent(&which, said.granted, &said.source, &ask.by)
            .await,
    )
}

async fn split(ask: Ask, Path(which): Path<String>) -> Answered<PersonView> {
    answer(ask.verbs().split(&which, &ask.by).await)
}

async fn erase(ask: Ask, Path(which): Path<String>) -> Answered<Erased> {
    let rows = ask.verbs().erase(&which, &ask.by).await;
    answer(rows.map(|rows| Erased { rows }))
}
