//! `/v1/destinations`, `/v1/deliveries`, `/v1/streams`, `/v1/people`: what is carried to other systems, and why.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Extension, Json};
use jiff::Timestamp;
use parfocal_engine::EngineError;
use parfocal_engine::activate::{
    AddDestination, BackfillOrder, Checked, DeliveryDetail, DeliveryView, DestinationView,
    PersonView, Secrets, StreamView,
};
use parfocal_engine::keys::{Caller, Role};
use parfocal_engine::store::{DeliveryFilter, DeliveryId, DeliveryState, StreamId};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::{Body, MayBody};
use super::route::Route;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::PageView;

/// All routes, in the order of the description.
pub(super) fn table() -> Vec<Route> {
    let mut all = destinations();
    all.extend(deliveries());
    all
}

fn destinations() -> Vec<Route> {
    let name = |route: Route| route.path_part("name", "The destination's name or id.");
    vec![
        Route::get("/destinations", "destinations.list", get(list))
            .about("Systems that records go to, with how they do, counts and lag")
            .answers::<PageView<DestinationView>>(),
        Route::post("/destinations", "destinations.add", post(add))
            .about("Adds a destination that gets what happens from now on; a webhook's signing secret is in the answer, once")
            .needs(Role::Admin)
            .body::<Add>()
            .answers::<Added>()
            .answers_with(201),
        name(Route::get("/destinations/{name}", "destinations.get", get(one)))
            .about("One destination with its streams")
            .answers::<DestinationView>(),
        name(Route::post("/destinations/{name}/configure", "destinations.configure", post(configure)))
            .about("Changes what goes to a destination and where it is")
            .needs(Role::Admin)
            .body::<Configure>()
            .answers::<DestinationView>(),
        name(Route::post("/destinations/{name}/enable", "destinations.enable", post(enable)))
            .about("Switches a destination on: everything that waits is sent")
            .answers::<DestinationView>(),
        name(Route::post("/destinations/{name}/disable", "destinations.disable", post(disable)))
            .about("Switches a destination off: what happens meanwhile waits")
            .answers::<DestinationView>(),
        name(Route::post("/destinations/{name}/test", "destinations.test", post(test)))
            .about("Asks the destination whether it works; a webhook gets a test event")
            .answers::<Checked>(),
        name(Route::post("/destinations/{name}/rotate", "destinations.rotate", post(rotate)))
            .about("Makes a new signing secret; the one before signs as well for some hours")
            .needs(Role::Admin)
            .may_have_body::<Rotate>()
            .answers::<Rotated>(),
        name(Route::post("/destinations/{name}/backfill", "destinations.backfill", post(backfill)))
            .about("Sends what is kept from before, or with `replay` what arrived already")
            .may_have_body::<BackfillOrder>()
            .answers::<StreamView>(),
        name(Route::delete("/destinations/{name}", "destinations.remove", delete(remove)))
            .about("Forgets a destination, its secret and its deliveries; what is there stays there")
            .needs(Role::Admin)
            .answers_with(204),
        Route::post("/streams/{id}/pause", "streams.pause", post(pause))
            .about("Pauses what a destination reads")
            .path_part("id", "The stream's id.")
            .answers::<StreamView>(),
        Route::post("/streams/{id}/resume", "streams.resume", post(resume))
            .about("Lets a paused stream go on")
            .path_part("id", "The stream's id.")
            .answers::<StreamView>(),
    ]
}

fn deliveries() -> Vec<Route> {
    vec![
        Route::get("/deliveries", "deliveries.list", get(delivered))
            .about("What is to be at the destinations, the latest change first, with why it is where it is")
            .query::<ListParams>()
            .answers::<PageView<DeliveryView>>(),
        Route::get("/deliveries/{id}", "deliveries.get", get(delivery))
            .about("A delivery with what is sent, every try, what came back and what to do")
            .path_part("id", "The delivery's id.")
            .answers::<DeliveryDetail>(),
        Route::post("/deliveries/{id}/retry", "deliveries.retry", post(retry))
            .about("Sends a delivery once more, whatever became of it")
            .path_part("id", "The delivery's id.")
            .answers::<DeliveryDetail>(),
        Route::post("/deliveries/{id}/drop", "deliveries.drop", post(give_up))
            .about("Gives a delivery up")
            .path_part("id", "The delivery's id.")
            .answers::<DeliveryDetail>(),
        Route::post("/deliveries/retry", "deliveries.retry_all", post(retry_all))
            .about("Sends all dead deliveries once more, of one destination or all")
            .may_have_body::<RetryAll>()
            .answers::<Retried>(),
        Route::get("/people/{person}", "people.get", get(person))
            .about("What happened to a person, what each destination has of them, what not, and why")
            .path_part("person", "An address or our id.")
            .answers::<PersonView>(),
        Route::post("/people/{person}/consent", "people.consent", post(consent))
            .about("Writes what a person said about being written to; a registration says nothing of it")
            .path_part("person", "An address or our id.")
            .body::<ConsentSaid>()
            .answers::<PersonView>(),
        Route::delete("/people/{person}", "people.erase", delete(erase))
            .about("Erases a person here and at every destination that has something of them")
            .path_part("person", "An address or our id.")
            .needs(Role::Admin)
            .answers::<Erased>(),
    ]
}

/// A destination to add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Add {
    /// Its name: letters, digits, `-` and `_`.
    #[schemars(length(min = 1, max = 64))]
    name: String,
    /// Which sort of system: `webhook`, `brevo`.
    kind: String,
    /// What goes there and where it is. For `webhook`: `url`, `types` (such as `meeting.*`; empty: all), `private_networks`.
    config: Value,
    /// What opens it, for kinds that are opened by a key.
    #[schemars(with = "Option<String>")]
    secret: Option<SecretString>,
}

/// A destination that was added.
#[derive(Debug, Serialize, JsonSchema)]
struct Added {
    /// What signs its messages: the only time that it can be read.
    secret: Option<String>,
    /// The destination.
    #[serde(flatten)]
    destination: DestinationView,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Configure {
    /// What goes there and where it is, whole.
    config: Value,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// How many hours the secret before signs as well. Default 24.
    hours: Option<u32>,
}

/// A new secret.
#[derive(Debug, Serialize, JsonSchema)]
struct Rotated {
    /// What signs messages from now on: the only time that it can be read.
    secret: String,
    /// Until when the one before signs as well.
    previous_until: Option<Timestamp>,
}

impl From<Secrets> for Rotated {
    fn from(secrets: Secrets) -> Self {
        Self {
            secret: secrets.current.expose_secret().to_owned(),
            previous_until: secrets.previous_until,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Only of this destination, by name or id.
    destination: Option<String>,
    /// Only in this state.
    state: Option<DeliveryState>,
    /// Only those whose key contains this.
    key: Option<String>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RetryAll {
    /// Only of this destination.
    destination: Option<String>,
    /// Only those whose key contains this.
    key: Option<String>,
}

/// How many are sent once more.
#[derive(Debug, Serialize, JsonSchema)]
struct Retried {
    /// Deliveries.
    deliveries: u64,
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

async fn list(State(state): State<AppState>) -> Result<Json<PageView<DestinationView>>, Problem> {
    let items = state.app().destinations().list().await?;
    Ok(Json(PageView { items, next: None }))
}

async fn add(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<Add>,
) -> Result<(StatusCode, Json<Added>), Problem> {
    let add = AddDestination {
        name: new.name,
        kind: new.kind,
        config: new.config,
    };
    let verbs = state.app().destinations();
    let (destination, secrets) = verbs.add(&add, new.secret.as_ref(), &caller.by()).await?;
    let secret = secrets.map(|secrets| secrets.current.expose_secret().to_owned());
    Ok((
        StatusCode::CREATED,
        Json(Added {
            secret,
            destination,
        }),
    ))
}

async fn one(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<DestinationView>, Problem> {
    Ok(Json(state.app().destinations().get(&name).await?))
}

async fn configure(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Body(new): Body<Configure>,
) -> Result<Json<DestinationView>, Problem> {
    let verbs = state.app().destinations();
    Ok(Json(
        verbs.configure(&name, &new.config, &caller.by()).await?,
    ))
}

async fn enable(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<DestinationView>, Problem> {
    let verbs = state.app().destinations();
    Ok(Json(verbs.switch(&name, true, &caller.by()).await?))
}

async fn disable(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<DestinationView>, Problem> {
    let verbs = state.app().destinations();
    Ok(Json(verbs.switch(&name, false, &caller.by()).await?))
}

async fn test(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<Checked>, Problem> {
    Ok(Json(state.app().destinations().test(&name).await?))
}

async fn rotate(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    MayBody(how): MayBody<Rotate>,
) -> Result<Json<Rotated>, Problem> {
    let verbs = state.app().destinations();
    Ok(Json(
        verbs.rotate(&name, how.hours, &caller.by()).await?.into(),
    ))
}

async fn backfill(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    MayBody(order): MayBody<BackfillOrder>,
) -> Result<Json<StreamView>, Problem> {
    let verbs = state.app().destinations();
    Ok(Json(verbs.backfill(&name, &order, &caller.by()).await?))
}

async fn remove(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    state
        .app()
        .destinations()
        .remove(&name, &caller.by())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn pause(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<StreamView>, Problem> {
    let id: StreamId = known("stream", &id)?;
    Ok(Json(
        state
            .app()
            .destinations()
            .pause(id, true, &caller.by())
            .await?,
    ))
}

async fn resume(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<StreamView>, Problem> {
    let id: StreamId = known("stream", &id)?;
    Ok(Json(
        state
            .app()
            .destinations()
            .pause(id, false, &caller.by())
            .await?,
    ))
}

async fn delivered(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<DeliveryView>>, Problem> {
    let filter = DeliveryFilter {
        state: params.state,
        key: params.key,
        ..DeliveryFilter::default()
    };
    let page = paging::request(params.limit, params.after)?;
    let verbs = state.app().destinations();
    let page = verbs
        .deliveries(params.destination.as_deref(), filter, &page)
        .await?;
    Ok(Json(PageView {
        items: page.items,
        next: page.next,
    }))
}

/// An id as it stands in an address; what is none is known to nobody.
fn known<T: std::str::FromStr>(what: &str, id: &str) -> Result<T, Problem> {
    id.parse()
        .map_err(|_| Problem::from(EngineError::not_found(what, id)))
}

async fn delivery(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryDetail>, Problem> {
    let id: DeliveryId = known("delivery", &id)?;
    Ok(Json(state.app().destinations().delivery(id).await?))
}

async fn retry(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryDetail>, Problem> {
    let id: DeliveryId = known("delivery", &id)?;
    Ok(Json(
        state.app().destinations().retry(id, &caller.by()).await?,
    ))
}

async fn give_up(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryDetail>, Problem> {
    let id: DeliveryId = known("delivery", &id)?;
    let verbs = state.app().destinations();
    Ok(Json(verbs.drop_delivery(id, &caller.by()).await?))
}

async fn retry_all(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    MayBody(which): MayBody<RetryAll>,
) -> Result<Json<Retried>, Problem> {
    let filter = DeliveryFilter {
        key: which.key,
        ..DeliveryFilter::default()
    };
    let verbs = state.app().destinations();
    let deliveries = verbs
        .retry_all(which.destination.as_deref(), filter, &caller.by())
        .await?;
    Ok(Json(Retried { deliveries }))
}

async fn person(
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Json<PersonView>, Problem> {
    Ok(Json(state.app().destinations().person(&which).await?))
}

async fn consent(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
    Body(said): Body<ConsentSaid>,
) -> Result<Json<PersonView>, Problem> {
    let verbs = state.app().destinations();
    Ok(Json(
        verbs
            .consent(&which, said.granted, &said.source, &caller.by())
            .await?,
    ))
}

async fn erase(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
) -> Result<Json<Erased>, Problem> {
    let rows = state
        .app()
        .destinations()
        .erase(&which, &caller.by())
        .await?;
    Ok(Json(Erased { rows }))
}
