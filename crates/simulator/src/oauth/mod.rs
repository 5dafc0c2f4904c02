//! OAuth as zoom.us does it: consent, tokens, rotation, revocation, scopes.

pub(crate) mod authorize;
pub mod device;
pub mod grants;
pub mod history;
pub(crate) mod pages;
pub mod scopes;
pub(crate) mod token;

use axum::http::{Method, StatusCode};

use crate::http::reply::Reply;
use crate::http::route::Ctx;

/// Answers a request under `/oauth` or `/oauth_device`.
pub(crate) fn answer(ctx: Ctx<'_>) -> Reply {
    ctx.site.ledger().oauth += 1;
    let path = ctx.call.raw_path.trim_end_matches('/');
    match (&ctx.call.method, path) {
        (&Method::GET, "/oauth/authorize") => authorize::show(ctx),
        (&Method::POST, "/oauth/authorize") => authorize::decide(ctx),
        (&Method::POST, "/oauth/token") => token::answer(ctx),
        (&Method::POST, "/oauth/revoke") => token::revoke(ctx),
        (&Method::POST, "/oauth/devicecode") => device::start(ctx),
        (&Method::GET, "/oauth_device") => device::show(ctx),
        (&Method::POST, "/oauth_device") => device::decide(ctx),
        (
            _,
            "/oauth/authorize" | "/oauth/token" | "/oauth/revoke" | "/oauth/devicecode"
            | "/oauth_device",
        ) => Reply::empty(StatusCode::METHOD_NOT_ALLOWED),
        _ => pages::error(StatusCode::NOT_FOUND, "This page does not exist", "", None),
    }
}
