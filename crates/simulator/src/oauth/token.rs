//! `/oauth/token` and `/oauth/revoke`: every grant, and Zoom's refusals.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::grants::{Issued, Subject};
use super::{device, scopes};
use crate::config::{App, AppKind};
use crate::faults::FaultKind;
use crate::http::reply::Reply;
use crate::http::route::Ctx;

/// A refusal of the token endpoint: status, `reason`, `error`.
pub(super) type No = (u16, String, &'static str);

pub(super) fn no(reason: impl Into<String>, error: &'static str) -> No {
    (400, reason.into(), error)
}

pub(super) fn refuse((status, reason, error): No) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    Reply::json(status, &json!({ "reason": reason, "error": error }))
}

/// Parameters of a token request: the form body, and the query for those that are no secrets.
pub(super) struct Form {
    body: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl Form {
    pub(super) fn read(ctx: Ctx<'_>) -> Self {
        Self {
            body: ctx.call.form(),
            query: ctx.call.query.clone(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.body
            .iter()
            .chain(&self.query)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Tokens in a query have been refused since 2023.
    fn leaks(&self) -> bool {
        self.query
            .iter()
            .any(|(key, _)| matches!(key.as_str(), "refresh_token" | "token" | "access_token"))
    }
}

fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// The app that asks: by Basic header, or by its public client id in the body.
pub(super) fn client<'a>(ctx: Ctx<'a>, form: &Form) -> Result<(&'a App, String), No> {
    let invalid = || {
        let status = ctx.shared.config.invalid_client_status;
        (
            status,
            "Invalid client_id or client_secret".to_owned(),
            "invalid_client",
        )
    };
    if let Some((id, secret)) = ctx.call.basic() {
        let app = ctx
            .shared
            .app(&id)
            .filter(|app| app.client_id == id)
            .ok_or_else(invalid)?;
        return if same(&app.client_secret, &secret) {
            Ok((app, id))
        } else {
            Err(invalid())
        };
    }
    let id = form.get("client_id").ok_or_else(invalid)?;
    let app = ctx
        .shared
        .app(id)
        .filter(|app| app.public_client_id.as_deref() == Some(id))
        .ok_or_else(invalid)?;
    Ok((app, id.to_owned()))
}

/// `POST /oauth/token`.
pub(crate) fn answer(ctx: Ctx<'_>) -> Reply {
    match issue(ctx) {
        Ok(issued) => Reply::ok(&tell(ctx, &issued)).with("cache-control", "no-store"),
        Err(refused) => refuse(refused),
    }
}

fn tell(ctx: Ctx<'_>, issued: &Issued) -> serde_json::Value {
    let scope = issued
        .scopes
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    let mut body = json!({
        "access_token": issued.access_token,
        "token_type": "bearer",
        "expires_in": issued.expires_in,
        "scope": scope,
        "api_url": ctx.api_base(),
    });
    if let Some(refresh) = &issued.refresh_token {
        body["refresh_token"] = json!(refresh);
    }
    body
}

fn issue(ctx: Ctx<'_>) -> Result<Issued, No> {
    let form = Form::read(ctx);
    if form.leaks() {
        return Err(no(
            "The token is not supported as query parameter string.",
            "invalid_request",
        ));
    }
    let (app, client_id) = client(ctx, &form)?;
    let public = app.public_client_id.as_deref() == Some(client_id.as_str());
    let general = app.kind != AppKind::ServerToServer;
    match form.get("grant_type") {
        Some("authorization_code") if general => authorization_code(ctx, app, &client_id, &form),
        Some("refresh_token") if general => {
            let token = form
                .get("refresh_token")
                .ok_or_else(|| no("Missing refresh_token", "invalid_request"))?;
            if ctx.strike(&[FaultKind::RevokedConsent]).is_some() {
                ctx.site.grants().revoke(&app.client_id, token);
            }
            ctx.site
                .grants()
                .refresh(app, token, ctx.now)
                .map_err(|_| no("Invalid Token!", "invalid_grant"))
        }
        Some("account_credentials") if !public => account_credentials(ctx, app, &form),
        Some("client_credentials") if general && !public => {
            let scopes: BTreeSet<String> = scopes::APP_OWNED
                .iter()
                .map(|scope| (*scope).to_owned())
                .collect();
            Ok(ctx
                .site
                .grants()
                .issue_plain(app, Subject::App, scopes, ctx.now))
        }
        Some(device::GRANT) if general => device::collect(ctx, app, &form),
        _ => Err(no("unsupported grant type", "unsupported_grant_type")),
    }
}

fn authorization_code(ctx: Ctx<'_>, app: &App, client_id: &str, form: &Form) -> Result<Issued, No> {
    let text = form.get("code").unwrap_or("");
    let mut grants = ctx.site.grants();
    let invalid = || {
        no(
            format!("Invalid authorization code {text}"),
            "invalid_request",
        )
    };
    let code = grants.peek(text, ctx.now).cloned().ok_or_else(invalid)?;
    if code.client_id != client_id {
        return Err(invalid());
    }
    if form.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err(no("Redirect URI mismatch.", "invalid_request"));
    }
    if let Some(challenge) = &code.challenge {
        let verifier = form.get("code_verifier").unwrap_or("");
        if !(43..=128).contains(&verifier.len()) || !challenge.answered_by(verifier) {
            return Err(no("Invalid code verifier", "invalid_request"));
        }
    }
    grants.take(text);
    Ok(grants.authorize(app, &code.user_id, code.scopes, ctx.now))
}

fn account_credentials(ctx: Ctx<'_>, app: &App, form: &Form) -> Result<Issued, No> {
    let account = form.get("account_id").unwrap_or("");
    if account != ctx.shared.config.account_id && account != ctx.site.world.account().id {
        return Err(no("Account does not exist", "invalid_request"));
    }
    if app.kind != AppKind::ServerToServer {
        return Err(no(
            "Account does not enabled the OAuth app type",
            "invalid_request",
        ));
    }
    if ctx.strike(&[FaultKind::RevokedConsent]).is_some() {
        return Err(no("The app has been disabled", "invalid_request"));
    }
    let owner = ctx.site.world.account().owner_id;
    let scopes = scopes::of_app(app);
    Ok(ctx
        .site
        .grants()
        .issue_plain(app, Subject::Account { owner }, scopes, ctx.now))
}

/// `POST /oauth/revoke`.
pub(crate) fn revoke(ctx: Ctx<'_>) -> Reply {
    let form = Form::read(ctx);
    if form.leaks() {
        return refuse(no(
            "The token is not supported as query parameter string.",
            "invalid_request",
        ));
    }
    let app = match client(ctx, &form) {
        Ok((app, _)) => app,
        Err(refused) => return refuse(refused),
    };
    let token = form.get("token").unwrap_or("");
    if ctx.site.grants().revoke(&app.client_id, token) {
        Reply::ok(&json!({ "status": "success" }))
    } else {
        refuse(no("Invalid Token!", "invalid_request"))
    }
}
