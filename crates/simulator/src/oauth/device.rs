//! The device flow: a code shown on one machine, allowed on another.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::authorize::{signer, signers};
use super::grants::Issued;
use super::token::{Form, No, client, no, refuse};
use super::{pages, scopes};
use crate::config::{App, AppKind};
use crate::http::path::html;
use crate::http::reply::Reply;
use crate::http::route::Ctx;

/// `grant_type` of the poll.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const LIFE: SignedDuration = SignedDuration::from_secs(900);
const INTERVAL: i64 = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Open,
    Denied,
    Allowed(String),
}

#[derive(Debug, Clone)]
struct Device {
    code: String,
    user_code: String,
    client_id: String,
    expires: Timestamp,
    interval: i64,
    last_poll: Option<Timestamp>,
    answer: Answer,
}

/// Device authorisations that are open.
#[derive(Debug, Default)]
pub struct Devices {
    list: Vec<Device>,
}

/// `POST /oauth/devicecode`.
pub(super) fn start(ctx: Ctx<'_>) -> Reply {
    let form = Form::read(ctx);
    let (app, client_id) = match client(ctx, &form) {
        Ok((app, client_id)) if app.kind != AppKind::ServerToServer => (app, client_id),
        Ok(_) => return refuse(no("unsupported grant type", "unsupported_grant_type")),
        Err(refused) => return refuse(refused),
    };
    if form
        .get("client_id")
        .is_some_and(|given| given != client_id)
    {
        return refuse(no("Invalid client_id or client_secret", "invalid_client"));
    }
    let (code, user_code) = {
        let mut grants = ctx.site.grants();
        let code = grants.letters(64);
        grants.handed_out(&code);
        (code, grants.letters(8).to_uppercase())
    };
    let mut devices = ctx.site.devices();
    devices
        .list
        .retain(|device| device.expires + LIFE > ctx.now);
    devices.list.push(Device {
        code: code.clone(),
        user_code: user_code.clone(),
        client_id: app.client_id.clone(),
        expires: ctx.now + LIFE,
        interval: INTERVAL,
        last_poll: None,
        answer: Answer::Open,
    });
    let base = &ctx.shared.base_url;
    Reply::ok(&json!({
        "device_code": code,
        "user_code": user_code,
        "verification_uri": format!("{base}/oauth_device"),
        "verification_uri_complete": format!("{base}/oauth_device?user_code={user_code}"),
        "expires_in": LIFE.as_secs(),
        "interval": INTERVAL,
    }))
}

/// The page where the code is typed.
pub(super) fn show(ctx: Ctx<'_>) -> Reply {
    let code = html(ctx.call.param("user_code").unwrap_or(""));
    let body = format!(
        "<h1>Connect a device</h1><p class=\"soft\">Simulated Zoom account</p><form method=\"post\" action=\"/oauth_device\">\
         <label for=\"code\">Code shown on the device</label><input id=\"code\" name=\"user_code\" value=\"{code}\" autocomplete=\"off\" required autofocus>{}\
         <div class=\"row\"><button class=\"act\" name=\"consent\" value=\"allow\">Allow</button><button name=\"consent\" value=\"deny\">Decline</button></div></form>",
        pages::users(&signers(ctx))
    );
    pages::page(StatusCode::OK, "Connect a device", &body)
}

/// What the person said on that page.
pub(super) fn decide(ctx: Ctx<'_>) -> Reply {
    let pairs = ctx.call.form();
    let get = |name: &str| {
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let user = signer(ctx, get("user"));
    let mut devices = ctx.site.devices();
    let device = devices.list.iter_mut().find(|device| {
        Some(device.user_code.as_str()) == get("user_code").map(str::trim)
            && device.expires > ctx.now
    });
    let (Some(device), Some(user)) = (device, user) else {
        return pages::error(StatusCode::BAD_REQUEST, "This code is not valid", "", None);
    };
    let allowed = get("consent") == Some("allow");
    device.answer = if allowed {
        Answer::Allowed(user.id.clone())
    } else {
        Answer::Denied
    };
    let said = if allowed {
        "The device is connected."
    } else {
        "The device was declined."
    };
    pages::page(
        StatusCode::OK,
        "Connect a device",
        &format!("<h1>{said}</h1><p>You can close this page.</p>"),
    )
}

/// The poll at the token endpoint.
pub(super) fn collect(ctx: Ctx<'_>, app: &App, form: &Form) -> Result<Issued, No> {
    let code = form.get("device_code").unwrap_or("");
    let user_id = {
        let mut devices = ctx.site.devices();
        let at = devices
            .list
            .iter()
            .position(|device| device.code == code && device.client_id == app.client_id)
            .ok_or_else(|| no("Invalid device code", "invalid_request"))?;
        let device = &mut devices.list[at];
        if device.expires <= ctx.now {
            return Err(no("The device code has expired", "expired_token"));
        }
        let early = device
            .last_poll
            .is_some_and(|last| ctx.now < last + SignedDuration::from_secs(device.interval));
        device.last_poll = Some(ctx.now);
        match device.answer.clone() {
            Answer::Denied => return Err(no("The user declined", "access_denied")),
            Answer::Open if early => {
                device.interval += 5;
                return Err(no("Polling too often", "slow_down"));
            }
            Answer::Open => {
                return Err(no("The user has not answered yet", "authorization_pending"));
            }
            Answer::Allowed(user_id) => {
                devices.list.remove(at);
                user_id
            }
        }
    };
    Ok(ctx
        .site
        .grants()
        .authorize(app, &user_id, scopes::of_app(app), ctx.now))
}
