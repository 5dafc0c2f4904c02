//! `/v1/connections`: which there are, and what an administrator does about them.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use parfocal_engine::connections::{NewLink, Remove, Revoked};
use parfocal_engine::keys::Caller;
use parfocal_engine::store::AppKind;
use parfocal_engine::{Code, EngineError};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::body::{Body, MayBody};
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{ConnectionView, PageView};

/// Longest life of a link, in days.
const MOST_DAYS: u32 = 30;
/// Its life when nothing is said.
const DAYS: u32 = 7;

/// `GET /v1/connections`: those that the key may use; there are few.
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<PageView<ConnectionView>>, Problem> {
    let mut items = state.app().connections().list().await?;
    items.retain(|view| caller.sees(view.id));
    Ok(Json(PageView { items, next: None }))
}

/// `GET /v1/connections/{id}`: by id or name.
pub(crate) async fn get(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
) -> Result<Json<ConnectionView>, Problem> {
    Ok(Json(seen(&state, &caller, &which).await?))
}

/// A connection that the caller may use.
async fn seen(state: &AppState, caller: &Caller, which: &str) -> Result<ConnectionView, Problem> {
    let view = state.app().connections().show(which).await?;
    if caller.sees(view.id) {
        return Ok(view);
    }
    let refused = format!("{} may not use the connection {}", caller.actor, view.name);
    Err(EngineError::new(Code::Forbidden, refused).into())
}

/// `POST /v1/connections/{id}/check`: asks Zoom.
pub(super) async fn check(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
) -> Result<Json<ConnectionView>, Problem> {
    let id = seen(&state, &caller, &which).await?.id.to_string();
    Ok(Json(state.app().connections().check(&id).await?))
}

/// Another name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rename {
    /// The name; no other connection has it.
    #[schemars(length(min = 1, max = 100))]
    name: String,
}

/// `POST /v1/connections/{id}/rename`.
pub(super) async fn rename(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
    Body(body): Body<Rename>,
) -> Result<Json<ConnectionView>, Problem> {
    let id = seen(&state, &caller, &which).await?.id.to_string();
    let connections = state.app().connections();
    Ok(Json(
        connections.rename(&id, &body.name, &caller.by()).await?,
    ))
}

/// How a link is made.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// How long it is good, in days. Default: 7.
    #[schemars(range(min = 1, max = 30))]
    days: Option<u32>,
}

/// A link by which the person behind a connection agrees again.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MadeLink {
    /// The address to send; only this answer holds it.
    url: String,
    /// When it stops being good.
    expires_at: Timestamp,
    /// The connection that is renewed when the same person agrees; everything that hangs on it stays.
    connection: String,
}

/// `POST /v1/connections/{id}/reconnect-link`.
pub(super) async fn reconnect_link(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
    MayBody(body): MayBody<Link>,
) -> Result<Json<MadeLink>, Problem> {
    let view = seen(&state, &caller, &which).await?;
    let days = match body.days {
        None => DAYS,
        Some(days @ 1..=MOST_DAYS) => days,
        Some(days) => {
            let fault = parfocal_engine::error::Fault::new(
                "days",
                days,
                format!("is not between 1 and {MOST_DAYS}"),
                format!("Write a number from 1 to {MOST_DAYS}."),
            );
            return Err(EngineError::faulty("the link cannot be made", vec![fault]).into());
        }
    };
    if view.kind == AppKind::ServerToServer {
        return Err(EngineError::new(
            Code::Conflict,
            format!("nobody agrees for {}: it is a server-to-server app", view.name),
        )
        .with_hint(
            "Give it new credentials: `parfocal connect s2s`, the console, or the environment; then check it.",
        )
        .into());
    }
    let new = NewLink {
        app: Some(view.client_id.clone()),
        name: Some(view.name.clone()),
        lives: Duration::from_secs(u64::from(days) * 24 * 60 * 60),
        scopes: Vec::new(),
    };
    let connections = state.app().connections();
    let made = connections.create_link(new, &caller.by()).await?;
    Ok(Json(MadeLink {
        url: made.url.expose_secret().to_owned(),
        expires_at: made.view.expires,
        connection: view.id.to_string(),
    }))
}

/// How a connection is removed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveParams {
    /// Whether what was taken in through it is erased too, unless another connection reaches the same account. Default: no.
    #[serde(default)]
    erase_data: bool,
}

/// What a removal did.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Removal {
    /// The connection that was.
    id: String,
    /// Its name.
    name: String,
    /// Whether the grant was given back to Zoom: `yes`, `already_dead` or `not_possible`.
    revoked: &'static str,
    /// Why Zoom could not be told.
    revoked_why: Option<String>,
    /// Rows and files that were erased.
    erased: Option<u64>,
    /// Why nothing was erased although that was asked for.
    kept: Option<String>,
}

/// `DELETE /v1/connections/{id}`.
pub(super) async fn remove(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
    Params(params): Params<RemoveParams>,
) -> Result<Json<Removal>, Problem> {
    let id = seen(&state, &caller, &which).await?.id.to_string();
    let how = Remove {
        erase_data: params.erase_data,
    };
    let connections = state.app().connections();
    let removed = connections.remove(&id, how, &caller.by()).await?;
    let (revoked, revoked_why) = match removed.revoked {
        Revoked::Yes => ("yes", None),
        Revoked::AlreadyDead => ("already_dead", None),
        Revoked::NotPossible { why } => ("not_possible", Some(why)),
    };
    let (erased, kept) = match removed.erased {
        None => (None, None),
        Some(erased) => (Some(erased.rows), erased.kept),
    };
    Ok(Json(Removal {
        id: removed.connection.to_string(),
        name: removed.name,
        revoked,
        revoked_why,
        erased,
        kept,
    }))
}

/// The routes, all but looking for administrators as in the console.
pub(super) fn table() -> Vec<super::route::Route> {
    use axum::routing::{delete, get, post};
    use parfocal_engine::keys::Role;

    use super::route::Route;
    const WHICH: &str = "Our id, or its name.";
    vec![
        Route::get("/connections", "connections.list", get(list))
            .bounded()
            .about("Connections with their state")
            .answers::<PageView<ConnectionView>>(),
        Route::get("/connections/{id}", "connections.get", get(self::get))
            .bounded()
            .about("A connection")
            .path_part("id", WHICH)
            .answers::<ConnectionView>(),
        Route::delete("/connections/{id}", "connections.remove", delete(remove))
            .bounded()
            .about("Removes a connection: its grant is given back to Zoom, its secrets are erased")
            .needs(Role::Admin)
            .path_part("id", WHICH)
            .query::<RemoveParams>()
            .answers::<Removal>(),
        Route::post("/connections/{id}/check", "connections.check", post(check))
            .bounded()
            .about("Asks Zoom whether a connection works, and what it may do")
            .needs(Role::Admin)
            .path_part("id", WHICH)
            .answers::<ConnectionView>(),
        Route::post(
            "/connections/{id}/rename",
            "connections.rename",
            post(rename),
        )
        .bounded()
        .about("Gives a connection another name")
        .needs(Role::Admin)
        .path_part("id", WHICH)
        .body::<Rename>()
        .answers::<ConnectionView>(),
        Route::post(
            "/connections/{id}/reconnect-link",
            "connections.reconnect-link",
            post(reconnect_link),
        )
        .bounded()
        .about("Makes a link by which the person behind a connection agrees again")
        .needs(Role::Admin)
        .path_part("id", WHICH)
        .may_have_body::<Link>()
        .answers::<MadeLink>(),
    ]
}
