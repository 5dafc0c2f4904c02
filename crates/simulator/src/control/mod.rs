//! `/_sim`: looking into the simulated account and turning its knobs.

mod knobs;
mod live;
mod look;

use axum::http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::brevo;
use crate::calendars;
use crate::http::path;
use crate::http::reply::Reply;
use crate::http::route::Ctx;
use crate::zoomapp;

/// Why a control call is refused: status and words.
pub(crate) type No = (StatusCode, String);

/// What a control call answers.
pub(crate) type Told = Result<Value, No>;

fn bad(why: impl std::fmt::Display) -> No {
    (StatusCode::BAD_REQUEST, why.to_string())
}

fn missing(why: impl std::fmt::Display) -> No {
    (StatusCode::NOT_FOUND, why.to_string())
}

/// The body as JSON of a known shape; an empty body is an empty object.
fn read<T: DeserializeOwned>(ctx: Ctx<'_>) -> Result<T, No> {
    let body: &[u8] = if ctx.call.body.is_empty() {
        b"{}"
    } else {
        &ctx.call.body
    };
    serde_json::from_slice(body).map_err(bad)
}

/// Answers a request under `/_sim`.
pub(crate) async fn answer(ctx: Ctx<'_>) -> Reply {
    match told(ctx).await {
        Ok(value) => Reply::ok(&value),
        Err((status, why)) => Reply::json(status, &json!({ "error": why })),
    }
}

async fn told(ctx: Ctx<'_>) -> Told {
    let segments = path::segments(&ctx.call.raw_path).unwrap_or_default();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (ctx.call.method.as_str(), parts.get(1..).unwrap_or(&[])) {
        ("GET", ["health"]) => Ok(json!({ "status": "ok", "now": ctx.now })),
        ("GET", ["info"]) => Ok(look::info(ctx)),
        ("GET", ["knowable"]) => look::knowable(ctx).await,
        ("GET", ["violations"]) => Ok(look::violations(ctx)),
        ("GET", ["calls"]) => Ok(look::calls(ctx)),
        ("GET", ["gaps"]) => Ok(json!(ctx.site.ledger().gaps())),
        ("GET", ["grants"]) => Ok(look::grants(ctx)),
        ("GET", ["secrets"]) => Ok(json!(ctx.site.grants().secrets())),
        ("GET", ["oauth"]) => Ok(json!(ctx.site.grants().knobs())),
        ("POST", ["oauth"]) => knobs::oauth(ctx),
        ("GET", ["brevo"]) => Ok(brevo::look(ctx)),
        ("POST", ["brevo"]) => brevo::order(ctx),
        ("GET", ["calendars"]) => Ok(calendars::look(ctx)),
        ("POST", ["calendars"]) => calendars::order(ctx),
        ("GET", ["calendars", "service-account"]) => calendars::service_account(ctx),
        ("GET", ["clock"]) => Ok(knobs::clock(ctx)),
        ("POST", ["clock"]) => knobs::move_clock(ctx),
        ("GET", ["subscriptions"]) => Ok(json!(ctx.site.hub.subscriptions())),
        ("POST", ["subscriptions"]) => live::subscribe(ctx).await,
        ("DELETE", ["subscriptions", id]) => {
            ctx.site.hub.unsubscribe(id).map_err(missing)?;
            Ok(json!({}))
        }
        ("POST", ["subscriptions", id, "revalidate"]) => Ok(live::validated(
            &ctx.site.hub.revalidate(id).await.map_err(missing)?,
        )),
        ("GET", ["deliveries"]) => Ok(look::deliveries(ctx)),
        ("POST", ["deliveries", id, "resend"]) => {
            let id = id.parse().map_err(bad)?;
            Ok(json!(ctx.site.hub.resend(id).map_err(missing)?))
        }
        ("GET", ["webhooks"]) => Ok(json!(ctx.site.hub.knobs())),
        ("POST", ["webhooks"]) => {
            ctx.site.hub.set_knobs(read(ctx)?);
            Ok(json!(ctx.site.hub.knobs()))
        }
        ("POST", ["live"]) => live::play(ctx).await,
        ("POST", ["zoomapp"]) => zoomapp::register(ctx),
        ("GET", ["zoomapp", "context"]) => zoomapp::context(ctx),
        ("GET", ["faults"]) => Ok(json!(ctx.site.faults().list())),
        ("POST", ["faults"]) => knobs::fault(ctx),
        ("DELETE", ["faults"]) => Ok(json!({ "removed": ctx.site.faults().remove(None) })),
        ("DELETE", ["faults", id]) => {
            let id = id.parse().map_err(bad)?;
            match ctx.site.faults().remove(Some(id)) {
                0 => Err(missing(format!("no such fault: {id}"))),
                removed => Ok(json!({ "removed": removed })),
            }
        }
        ("POST", ["deauthorize"]) => knobs::deauthorize(ctx),
        ("POST", ["reset"]) => {
            ctx.shared.reset().await.map_err(bad)?;
            Ok(json!({ "now": ctx.shared.clock.now() }))
        }
        (method, _) => {
            let status = if method == Method::GET {
                StatusCode::NOT_FOUND
            } else {
                StatusCode::METHOD_NOT_ALLOWED
            };
            Err((
                status,
                format!("no such control call: {method} {}", ctx.call.raw_path),
            ))
        }
    }
}
