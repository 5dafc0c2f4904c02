//! The identity platform's tokens: codes, refresh tokens that are replaced at each use, and the app's own.

use axum::http::StatusCode;
use serde_json::json;

use super::super::tokens::Grant;
use crate::http::path;
use crate::http::reply::Reply;
use crate::http::route::Ctx;

fn refuse(status: u16, error: &str, code: u32, why: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({
        "error": error, "error_description": format!("AADSTS{code}: {why}"), "error_codes": [code],
    });
    Reply::json(status, &body)
}

/// The consent page; it answers with `sim_consent=allow|deny` and `sim_user=EMAIL`.
pub(super) fn authorize(ctx: Ctx<'_>) -> Reply {
    let call = ctx.call;
    let redirect = call.filled("redirect_uri").unwrap_or("").to_owned();
    let mut all = ctx.site.calendars();
    if call.param("client_id") != Some(all.client.0.as_str()) || redirect.is_empty() {
        return refuse(
            400,
            "invalid_request",
            50_011,
            "The redirect URI does not match.",
        );
    }
    let glue = if redirect.contains('?') { '&' } else { '?' };
    let state = path::encode(call.param("state").unwrap_or(""));
    let person = call.filled("sim_user").or(call.filled("login_hint"));
    match (call.param("sim_consent"), person) {
        (Some("allow"), Some(person)) => {
            let code = all.fresh("graph code", 40);
            let grant = Grant {
                person: Some(person.to_lowercase()),
                scope: call.param("scope").unwrap_or("").to_owned(),
            };
            let challenge = call.filled("code_challenge");
            all.graph
                .tokens
                .keep_code(code.clone(), grant, &redirect, challenge, ctx.now);
            Reply::redirect(&format!("{redirect}{glue}code={code}&state={state}"))
        }
        _ => Reply::redirect(&format!(
            "{redirect}{glue}error=access_denied&state={state}"
        )),
    }
}

/// The token address of a tenant.
pub(super) fn exchange(ctx: Ctx<'_>, tenant: &str) -> Reply {
    let form = ctx.call.form();
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let mut all = ctx.site.calendars();
    if field("client_id") != all.client.0 {
        return refuse(
            400,
            "unauthorized_client",
            700_016,
            "Application was not found.",
        );
    }
    if field("client_secret") != all.client.1 {
        return refuse(
            401,
            "invalid_client",
            7_000_215,
            "Invalid client secret provided.",
        );
    }
    let grant = match field("grant_type") {
        "client_credentials" if matches!(tenant, "common" | "organizations" | "consumers") => {
            return refuse(
                400,
                "invalid_request",
                50_194,
                "Use a tenant-specific endpoint.",
            );
        }
        "client_credentials" => {
            if !field("scope").ends_with("/.default") {
                return refuse(
                    400,
                    "invalid_scope",
                    70_011,
                    "The provided scope is not valid.",
                );
            }
            let grant = Grant {
                person: None,
                scope: "Calendars.ReadWrite".to_owned(),
            };
            let access = format!("ey.{}", all.fresh("graph access", 60));
            return Reply::ok(&all.graph.tokens.give(access, None, grant, ctx.now));
        }
        "authorization_code" => all.graph.tokens.take_code(
            field("code"),
            field("redirect_uri"),
            Some(field("code_verifier")),
            ctx.now,
        ),
        "refresh_token" => all.graph.tokens.refreshed(field("refresh_token")),
        _ => {
            return refuse(
                400,
                "unsupported_grant_type",
                70_003,
                "Unsupported grant type.",
            );
        }
    };
    let Some(grant) = grant else {
        return refuse(
            400,
            "invalid_grant",
            700_082,
            "The refresh token has expired due to inactivity.",
        );
    };
    let access = format!("ey.{}", all.fresh("graph access", 60));
    let refresh = format!("0.{}", all.fresh("graph refresh", 60));
    Reply::ok(&all.graph.tokens.give(access, Some(refresh), grant, ctx.now))
}
