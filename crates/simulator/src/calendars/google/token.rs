//! Google's OAuth: consent, codes, refresh tokens, and signed assertions of service accounts with delegation.

use std::fmt::Write as _;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::text;
use super::super::tokens::Grant;
use crate::http::path;
use crate::http::reply::Reply;
use crate::http::route::Ctx;

/// A service account with its key.
#[derive(Debug)]
pub(crate) struct ServiceAccount {
    email: String,
    private_pem: String,
    public_key: Vec<u8>,
}

const PREFIX: &str = "https://www.googleapis.com/auth/calendar";

fn refuse(status: u16, error: &str, description: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    Reply::json(
        status,
        &json!({ "error": error, "error_description": description }),
    )
}

/// The consent page; answers at once with `sim_consent=allow|deny` and `sim_user=EMAIL`.
pub(super) fn authorize(ctx: Ctx<'_>) -> Reply {
    let call = ctx.call;
    let redirect = call.filled("redirect_uri").unwrap_or("").to_owned();
    let mut all = ctx.site.calendars();
    if call.param("client_id") != Some(all.client.0.as_str()) || redirect.is_empty() {
        return refuse(400, "redirect_uri_mismatch", "Bad Request");
    }
    let glue = if redirect.contains('?') { '&' } else { '?' };
    let state = path::encode(call.param("state").unwrap_or(""));
    let person = call.filled("sim_user").or(call.filled("login_hint"));
    match (call.param("sim_consent"), person) {
        (Some("allow"), Some(person)) => {
            let code = format!("4/{}", all.fresh("google code", 40));
            let scope = call.param("scope").unwrap_or("").to_owned();
            let grant = Grant {
                person: Some(person.to_lowercase()),
                scope: scope.clone(),
            };
            let challenge = call.filled("code_challenge");
            all.google
                .tokens
                .keep_code(code.clone(), grant, &redirect, challenge, ctx.now);
            Reply::redirect(&format!(
                "{redirect}{glue}state={state}&code={}&scope={}",
                path::encode(&code),
                path::encode(&scope)
            ))
        }
        (Some(_), _) => Reply::redirect(&format!(
            "{redirect}{glue}state={state}&error=access_denied"
        )),
        (None, _) => {
            let again = path::html(&format!("{}?{}", call.raw_path, call.raw_query));
            let mut people = String::new();
            for user in ctx.site.world.users() {
                let (email, coded) = (path::html(&user.email), path::encode(&user.email));
                let _ = write!(
                    people,
                    "<li><a href=\"{again}&amp;sim_consent=allow&amp;sim_user={coded}\">{email}</a></li>"
                );
            }
            Reply::html(
                StatusCode::OK,
                format!("<h1>Choose an account</h1><ul>{people}</ul>"),
            )
        }
    }
}

/// The token address.
pub(super) fn exchange(ctx: Ctx<'_>) -> Reply {
    let form = ctx.call.form();
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let mut all = ctx.site.calendars();
    let kind = field("grant_type").unwrap_or("");
    if kind == "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        let issued = assertion(
            ctx,
            all.google.key.as_ref(),
            field("assertion").unwrap_or(""),
        );
        return match issued {
            Ok(grant) => {
                let access = format!("ya29.{}", all.fresh("google access", 60));
                Reply::ok(&all.google.tokens.give(access, None, grant, ctx.now))
            }
            Err((error, why)) => refuse(400, error, &why),
        };
    }
    let client = (
        field("client_id").unwrap_or("").to_owned(),
        field("client_secret").unwrap_or("").to_owned(),
    );
    if client != all.client {
        return refuse(401, "invalid_client", "The OAuth client was not found.");
    }
    match kind {
        "authorization_code" => {
            let grant = all.google.tokens.take_code(
                field("code").unwrap_or(""),
                field("redirect_uri").unwrap_or(""),
                field("code_verifier"),
                ctx.now,
            );
            let Some(grant) = grant else {
                return refuse(400, "invalid_grant", "Malformed auth code.");
            };
            let access = format!("ya29.{}", all.fresh("google access", 60));
            let refresh = format!("1//{}", all.fresh("google refresh", 60));
            Reply::ok(
                &all.google
                    .tokens
                    .give(access, Some(refresh), grant, ctx.now),
            )
        }
        "refresh_token" => {
            let grant = all
                .google
                .tokens
                .refreshed(field("refresh_token").unwrap_or(""));
            let Some(grant) = grant else {
                return refuse(400, "invalid_grant", "Token has been expired or revoked.");
            };
            let access = format!("ya29.{}", all.fresh("google access", 60));
            Reply::ok(&all.google.tokens.give(access, None, grant, ctx.now))
        }
        other => refuse(
            400,
            "unsupported_grant_type",
            &format!("Invalid grant_type: {other}"),
        ),
    }
}

/// Withdraws a token.
pub(super) fn revoke(ctx: Ctx<'_>) -> Reply {
    let form = ctx.call.form();
    let token = form
        .iter()
        .find(|(key, _)| key == "token")
        .map_or("", |(_, value)| value.as_str());
    if ctx.site.calendars().google.tokens.revoke(token) {
        Reply::ok(&json!({}))
    } else {
        refuse(400, "invalid_token", "Token expired or revoked")
    }
}

/// The key file of the service account, made when first asked for.
pub(crate) fn key_file(ctx: Ctx<'_>) -> Result<Value, String> {
    let mut all = ctx.site.calendars();
    if all.google.key.is_none() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256)
            .map_err(|error| error.to_string())?;
        all.google.key = Some(ServiceAccount {
            email: "parfocal@simulator.iam.gserviceaccount.example".to_owned(),
            private_pem: key.serialize_pem(),
            public_key: key.public_key_raw().to_vec(),
        });
    }
    let key = all.google.key.as_ref().ok_or("no key")?;
    Ok(json!({
        "type": "service_account",
        "project_id": "simulator",
        "private_key_id": "simulator-key",
        "private_key": key.private_pem,
        "client_email": key.email,
        "client_id": "100000000000000000001",
        "token_uri": format!("{}/google/token", ctx.shared.base_url),
    }))
}

/// Checks an assertion: signature, audience, times, the person it stands for, and scopes.
fn assertion(
    ctx: Ctx<'_>,
    account: Option<&ServiceAccount>,
    jwt: &str,
) -> Result<Grant, (&'static str, String)> {
    let bad = |why: &str| ("invalid_grant", why.to_owned());
    let account = account.ok_or_else(|| bad("Invalid grant: account not found"))?;
    let (signed, signature) = jwt
        .rsplit_once('.')
        .ok_or_else(|| bad("Invalid JWT: failed parse"))?;
    let (head, claims) = signed
        .split_once('.')
        .ok_or_else(|| bad("Invalid JWT: failed parse"))?;
    let json = |part: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let head = json(head).ok_or_else(|| bad("Invalid JWT: failed parse"))?;
    let claims = json(claims).ok_or_else(|| bad("Invalid JWT: failed parse"))?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| bad("Invalid JWT Signature."))?;
    let verified = rustls::crypto::aws_lc_rs::default_provider()
        .signature_verification_algorithms
        .all
        .iter()
        .filter(|one| one.signature_alg_id() == rustls::pki_types::alg_id::RSA_PKCS1_SHA256)
        .any(|one| {
            one.verify_signature(&account.public_key, signed.as_bytes(), &signature)
                .is_ok()
        });
    if text(&head, "alg") != Some("RS256") || !verified {
        return Err(bad("Invalid JWT Signature."));
    }
    if text(&claims, "iss") != Some(account.email.as_str()) {
        return Err(bad("Invalid grant: account not found"));
    }
    let own = format!("{}/google/token", ctx.shared.base_url);
    // Google's libraries write Google's own address, wherever they send the assertion.
    let audiences = [own.as_str(), "https://oauth2.googleapis.com/token"];
    if !text(&claims, "aud").is_some_and(|aud| audiences.contains(&aud)) {
        return Err(bad("Invalid JWT: wrong aud"));
    }
    let second = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or(0);
    let (issued, expires, now) = (second("iat"), second("exp"), ctx.now.as_second());
    if issued > now + 300 || expires <= now || expires - issued > 3600 {
        return Err(bad(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
        ));
    }
    let scope = text(&claims, "scope").unwrap_or("").to_owned();
    if scope.is_empty() || !scope.split(' ').all(|one| one.starts_with(PREFIX)) {
        return Err((
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.".to_owned(),
        ));
    }
    let person = match text(&claims, "sub") {
        None => account.email.clone(),
        Some(sub) if ctx.site.world.user(sub).is_some() => sub.to_lowercase(),
        Some(_) => return Err(bad("Invalid email or User ID")),
    };
    Ok(Grant {
        person: Some(person),
        scope,
    })
}
