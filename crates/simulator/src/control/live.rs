//! Subscriptions and meetings that are played.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Told, bad, read};
use crate::http::route::Ctx;
use crate::webhooks::{NewSubscription, Subscription};
use crate::world::LiveRequest;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    url: String,
    #[serde(default)]
    events: Vec<String>,
    secret_token: Option<String>,
    app: Option<String>,
}

/// Outcome of a challenge.
pub(super) fn validated(made: &Subscription) -> Value {
    let mut out = json!({ "id": made.id, "validated": made.validated });
    if let Some(reason) = &made.reason {
        out["reason"] = json!(reason);
    }
    out
}

/// `POST /_sim/subscriptions`.
pub(super) async fn subscribe(ctx: Ctx<'_>) -> Told {
    let wanted: Wanted = read(ctx)?;
    let app = match &wanted.app {
        Some(id) => Some(
            ctx.shared
                .app(id)
                .ok_or_else(|| bad(format!("no such app: {id}")))?,
        ),
        None => None,
    };
    let new = NewSubscription {
        url: wanted.url,
        events: wanted.events,
        secret_token: wanted
            .secret_token
            .or_else(|| app.map(|app| app.secret_token.clone())),
        client_id: app.map(|app| app.client_id.clone()),
        name: "control".to_owned(),
        user_ids: Vec::new(),
    };
    Ok(validated(&ctx.site.hub.subscribe(new).await.map_err(bad)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Play {
    host: Option<String>,
    topic: Option<String>,
    script: Option<usize>,
    #[serde(default)]
    jump: bool,
    /// A webinar instead of a meeting.
    #[serde(default)]
    webinar: bool,
}

/// `POST /_sim/live`.
pub(super) async fn play(ctx: Ctx<'_>) -> Told {
    let order: Play = read(ctx)?;
    let request = LiveRequest {
        host: order.host,
        topic: order.topic,
        script: order.script,
        jump: order.jump,
        fate: ctx.site.transcript_fate(),
        at_once: false,
    };
    let world = &ctx.site.world;
    let report = if order.webinar {
        world.play_webinar(request).await
    } else {
        world.play(request).await
    };
    Ok(json!(report.map_err(bad)?))
}
