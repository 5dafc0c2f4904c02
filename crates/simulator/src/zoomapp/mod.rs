//! Zoom's client as far as apps inside it see it: contexts, deep links, the consent that the client shows, and a window to open
//! an app from.

mod context;
mod window;

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::control::{No, Told};
use crate::http::path;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::http::route::Ctx;
use crate::oauth::{authorize, pages};
use crate::rest::Req;

/// Home addresses of apps inside the client, by client id.
pub(crate) type Homes = BTreeMap<String, String>;

/// Answers a request under `/zoomapp`.
pub(crate) fn answer(ctx: Ctx<'_>) -> Reply {
    let path = ctx.call.raw_path.trim_end_matches('/');
    match (&ctx.call.method, path) {
        (&Method::GET, "/zoomapp") => window::show(ctx),
        (&Method::GET, "/zoomapp/open") => window::open(ctx),
        (&Method::POST, "/zoomapp/live") => window::begin(ctx),
        // What the client shows when a page calls `zoomSdk.authorize`.
        (&Method::GET, "/zoomapp/authorize") => authorize::show_in_client(ctx),
        _ => pages::error(StatusCode::NOT_FOUND, "This page does not exist", "", None),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Home {
    client_id: String,
    home_url: String,
}

fn bad(why: impl std::fmt::Display) -> No {
    (StatusCode::BAD_REQUEST, why.to_string())
}

/// `POST /_sim/zoomapp`: where an app's home page is, as on its page at the marketplace.
pub(crate) fn register(ctx: Ctx<'_>) -> Told {
    let order: Home = serde_json::from_slice(&ctx.call.body).map_err(bad)?;
    if ctx.shared.app(&order.client_id).is_none() {
        return Err(bad(format!("no such app: {}", order.client_id)));
    }
    let url = url::Url::parse(&order.home_url).map_err(bad)?;
    if !authorize::is_home_address(&url) {
        return Err(bad(
            "a home address is https, or http://127.0.0.1 for tests on this machine",
        ));
    }
    ctx.shared.homes().insert(order.client_id, order.home_url);
    Ok(json!(*ctx.shared.homes()))
}

/// `GET /_sim/zoomapp/context`: what the client would send in `X-Zoom-App-Context`; `fault` spoils it.
pub(crate) fn context(ctx: Ctx<'_>) -> Told {
    let wanted = context::Wanted::read(ctx).map_err(bad)?;
    Ok(json!({ "context": context::seal(ctx, &wanted) }))
}

/// `POST /zoomapp/deeplink`: the address that opens the calling app in the client of the token's user.
pub(crate) fn deeplink(r: &Req<'_>) -> Answer {
    let body = r.object()?;
    let action = body
        .get("action")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    let client = &r.access.client_id;
    if !r.ctx.shared.homes().contains_key(client) {
        return Err(Refusal::new(
            400,
            300,
            "The app has no home URL for the Zoom client.",
        ));
    }
    let base = &r.ctx.shared.base_url;
    let link = format!(
        "{base}/zoomapp/open?client_id={}&user={}&action={}",
        path::encode(client),
        path::encode(&r.operator()),
        path::encode(action)
    );
    Ok(Reply::ok(&json!({ "deeplink": link })))
}
