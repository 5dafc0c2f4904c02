//! `/v1/destinations` and `/v1/streams`: systems that records go to, and what they read.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use jiff::Timestamp;
use parfocal_engine::activate::brevo::{Preview, PreviewOrder};
use parfocal_engine::activate::{
    AddDestination, BackfillOrder, Checked, DestinationView, Secrets, StreamView,
};
use parfocal_engine::keys::Role;
use parfocal_engine::store::StreamId;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::{Body, MayBody};
use super::route::Route;
use super::verbs::{Answered, Ask, Id, answer};
use crate::problem::Problem;
use crate::views::PageView;

/// All routes, in the order of the description.
pub(super) fn table() -> Vec<Route> {
    let name = |route: Route| route.path_part("name", "The destination's name or id.");
    let stream = |route: Route| route.path_part("id", "The stream's id.");
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
        name(Route::post("/destinations/{name}/preview", "destinations.preview", post(preview)))
            .about("What a mapping would send of real people, field by field, and why; nothing is sent")
            .needs(Role::Read)
            .may_have_body::<PreviewOf>()
            .answers::<PageView<Preview>>(),
        name(Route::delete("/destinations/{name}", "destinations.remove", delete(remove)))
            .about("Forgets a destination, its secret and its deliveries; what is there stays there")
            .needs(Role::Admin)
            .answers_with(204),
        stream(Route::post("/streams/{id}/pause", "streams.pause", post(pause)))
            .about("Pauses what a destination reads")
            .answers::<StreamView>(),
        stream(Route::post("/streams/{id}/resume", "streams.resume", post(resume)))
            .about("Lets a paused stream go on")
            .answers::<StreamView>(),
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

/// What is to be looked at.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PreviewOf {
    /// Whom, by address or id; without it the first people.
    person: Option<String>,
    /// A mapping as YAML in place of the destination's.
    mapping: Option<String>,
    /// How many people, 1 to 100. Default 3.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
}

async fn list(ask: Ask) -> Answered<PageView<DestinationView>> {
    let items = ask.verbs().list().await?;
    Ok(Json(PageView { items, next: None }))
}

async fn add(ask: Ask, Body(new): Body<Add>) -> Result<(StatusCode, Json<Added>), Problem> {
    let add = AddDestination {
        name: new.name,
        kind: new.kind,
        config: new.config,
    };
    let (destination, secrets) = ask.verbs().add(&add, new.secret.as_ref(), &ask.by).await?;
    let added = Added {
        secret: secrets.map(|secrets| secrets.current.expose_secret().to_owned()),
        destination,
    };
    Ok((StatusCode::CREATED, Json(added)))
}

async fn one(ask: Ask, Path(name): Path<String>) -> Answered<DestinationView> {
    answer(ask.verbs().get(&name).await)
}

async fn configure(
    ask: Ask,
    Path(name): Path<String>,
    Body(new): Body<Configure>,
) -> Answered<DestinationView> {
    answer(ask.verbs().configure(&name, &new.config, &ask.by).await)
}

async fn enable(ask: Ask, Path(name): Path<String>) -> Answered<DestinationView> {
    answer(ask.verbs().switch(&name, true, &ask.by).await)
}

async fn disable(ask: Ask, Path(name): Path<String>) -> Answered<DestinationView> {
    answer(ask.verbs().switch(&name, false, &ask.by).await)
}

async fn test(ask: Ask, Path(name): Path<String>) -> Answered<Checked> {
    answer(ask.verbs().test(&name).await)
}

async fn rotate(
    ask: Ask,
    Path(name): Path<String>,
    MayBody(how): MayBody<Rotate>,
) -> Answered<Rotated> {
    let rotated = ask.verbs().rotate(&name, how.hours, &ask.by).await;
    answer(rotated.map(Rotated::from))
}

async fn backfill(
    ask: Ask,
    Path(name): Path<String>,
    MayBody(order): MayBody<BackfillOrder>,
) -> Answered<StreamView> {
    answer(ask.verbs().backfill(&name, &order, &ask.by).await)
}

async fn preview(
    ask: Ask,
    Path(name): Path<String>,
    MayBody(of): MayBody<PreviewOf>,
) -> Answered<PageView<Preview>> {
    let limit = of.limit.unwrap_or(3);
    if !(1..=100).contains(&limit) {
        return Err(Problem::bad_request(
            "invalid_input",
            format!("limit {limit} is not between 1 and 100"),
        ));
    }
    let verbs = ask.verbs();
    let order = PreviewOrder {
        // A destination that is not there is told of before a mapping that is given.
        to: Some(verbs.get(&name).await?.name),
        mapping: of.mapping,
        person: of.person,
        limit,
    };
    let items = verbs.preview(&order).await?;
    Ok(Json(PageView { items, next: None }))
}

async fn remove(ask: Ask, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    ask.verbs().remove(&name, &ask.by).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn pause(ask: Ask, Id(id): Id<StreamId>) -> Answered<StreamView> {
    answer(ask.verbs().pause(id, true, &ask.by).await)
}

async fn resume(ask: Ask, Id(id): Id<StreamId>) -> Answered<StreamView> {
    answer(ask.verbs().pause(id, false, &ask.by).await)
}
