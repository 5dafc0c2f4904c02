//! `X-Zoom-App-Context`, sealed as Zoom's advanced sample opens it.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::config::App;
use crate::http::route::Ctx;
use crate::world::model::InstanceUuid;

/// How long a context is good for.
const LIFE: SignedDuration = SignedDuration::from_mins(30);

/// How a context is spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Its time is over.
    Expired,
    /// It was sealed with another secret.
    Forged,
    /// It is for another app.
    Audience,
    /// It is broken off.
    Truncated,
}

/// What a context shall say.
pub(super) struct Wanted<'a> {
    app: &'a App,
    user: Option<String>,
    meeting: Option<String>,
    action: String,
    fault: Option<Fault>,
}

impl<'a> Wanted<'a> {
    /// Reads it from the query: `client_id`, `user` (id or address; none: a guest), `meeting` (a UUID, or `live` for the one
    /// that the user hosts now), `action`, `fault`.
    pub(super) fn read(ctx: Ctx<'a>) -> Result<Self, String> {
        let client = ctx.call.filled("client_id").unwrap_or("simulator-user");
        let app = ctx
            .shared
            .app(client)
            .ok_or_else(|| format!("no such app: {client}"))?;
        let user = match ctx.call.filled("user") {
            Some(named) => Some(
                ctx.site
                    .world
                    .user(named)
                    .ok_or_else(|| format!("no such user: {named}"))?
                    .id
                    .clone(),
            ),
            None => None,
        };
        let meeting = match ctx.call.filled("meeting") {
            Some("live") => user.as_deref().and_then(|user| live(ctx, user)),
            Some(uuid) => Some(
                uuid.parse::<InstanceUuid>()
                    .map_err(|_| format!("no such meeting: {uuid}"))?
                    .to_string(),
            ),
            None => None,
        };
        let fault = match ctx.call.filled("fault") {
            None => None,
            Some("expired") => Some(Fault::Expired),
            Some("forged") => Some(Fault::Forged),
            Some("audience") => Some(Fault::Audience),
            Some("truncated") => Some(Fault::Truncated),
            Some(other) => return Err(format!("no such fault: {other}")),
        };
        Ok(Self {
            app,
            user,
            meeting,
            action: ctx.call.param("action").unwrap_or("").to_owned(),
            fault,
        })
    }
}

/// UUID of the meeting that a user hosts now.
pub(super) fn live(ctx: Ctx<'_>, user: &str) -> Option<String> {
    let world = &ctx.site.world;
    world
        .meetings_of(user)
        .iter()
        .filter(|meeting| world.is_started(meeting.number))
        .find_map(|meeting| world.latest_instance(meeting.number))
        .map(|instance| instance.uuid.to_string())
}

/// Seals what Zoom's client says of who opened an app.
pub(super) fn seal(ctx: Ctx<'_>, wanted: &Wanted<'_>) -> String {
    let expires = match wanted.fault {
        Some(Fault::Expired) => ctx.now - SignedDuration::from_secs(1),
        _ => ctx.now + LIFE,
    };
    let audience = match wanted.fault {
        Some(Fault::Audience) => "another-app",
        _ => &wanted.app.client_id,
    };
    let mut body = json!({
        "typ": if wanted.meeting.is_some() { "meeting" } else { "panel" },
        "uid": wanted.user.as_deref().unwrap_or(""),
        "aud": audience,
        "iss": "marketplace.zoom.us",
        "ts": ctx.now.as_millisecond(),
        "exp": expires.as_millisecond(),
        "act": wanted.action,
    });
    if let Some(meeting) = &wanted.meeting {
        body["mid"] = json!(meeting);
        body["attendrole"] = json!("host");
    }
    let secret = match wanted.fault {
        Some(Fault::Forged) => "a secret that is not the app's",
        _ => wanted.app.client_secret.as_str(),
    };
    let letters = ctx.site.grants().letters(12);
    let mut out = bytes(body.to_string().as_bytes(), secret, letters.as_bytes());
    if wanted.fault == Some(Fault::Truncated) {
        out.truncate(out.len() / 2);
    }
    STANDARD.encode(out)
}

/// Length and iv, length (none) of associated data, length and ciphertext, tag.
fn bytes(plain: &[u8], secret: &str, iv: &[u8]) -> Vec<u8> {
    let mut nonce = [0_u8; 12];
    nonce.copy_from_slice(iv);
    let key: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
    let payload = Payload {
        msg: plain,
        aad: b"",
    };
    let mut sealed = Aes256Gcm::new(&key.into())
        .encrypt(&Nonce::from(nonce), payload)
        .unwrap_or_default();
    let tag = sealed.split_off(sealed.len().saturating_sub(16));
    let mut out = vec![12];
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&[0, 0]);
    let length = i32::try_from(sealed.len()).unwrap_or(0);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&sealed);
    out.extend_from_slice(&tag);
    out
}
