//! Knobs: the clock, faults, removal of an app.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{No, Told, bad, missing, read};
use crate::faults::FaultSpec;
use crate::http::route::Ctx;

/// What the clock shows.
pub(super) fn clock(ctx: Ctx<'_>) -> Value {
    let reading = ctx.shared.clock.read();
    json!({ "now": reading.now, "speed": reading.speed })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    set: Option<Timestamp>,
    advance_ms: Option<i64>,
    speed: Option<f64>,
}

/// `POST /_sim/clock`.
pub(super) fn move_clock(ctx: Ctx<'_>) -> Told {
    let order: Move = read(ctx)?;
    if order.set.is_none() && order.advance_ms.is_none() && order.speed.is_none() {
        return Err(bad("say set, advance_ms or speed"));
    }
    if let Some(speed) = order.speed {
        ctx.shared.clock.set_speed(speed).map_err(bad)?;
    }
    if let Some(set) = order.set {
        ctx.shared.clock.set(set).map_err(bad)?;
    }
    if let Some(by) = order.advance_ms {
        ctx.shared
            .clock
            .advance(SignedDuration::from_millis(by))
            .map_err(bad)?;
    }
    Ok(clock(ctx))
}

/// `POST /_sim/faults`.
pub(super) fn fault(ctx: Ctx<'_>) -> Told {
    let spec: FaultSpec = read(ctx)?;
    if spec
        .status
        .is_some_and(|status| !(200..600).contains(&status))
    {
        return Err(bad("status must be between 200 and 599"));
    }
    Ok(json!({ "id": ctx.site.faults().add(spec) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    refresh_grace_secs: Option<u32>,
    access_life_secs: Option<u32>,
    /// An empty text is the simulator's own again.
    api_url: Option<String>,
}

/// `POST /_sim/oauth`: life of tokens, grace of rotated ones, the regional address.
pub(super) fn oauth(ctx: Ctx<'_>) -> Told {
    let order: Tokens = read(ctx)?;
    let mut grants = ctx.site.grants();
    let mut knobs = grants.knobs().clone();
    knobs.refresh_grace_secs = order.refresh_grace_secs.unwrap_or(knobs.refresh_grace_secs);
    knobs.access_life_secs = order.access_life_secs.unwrap_or(knobs.access_life_secs);
    if let Some(url) = order.api_url {
        knobs.api_url = Some(url).filter(|url| !url.is_empty());
    }
    let told = json!(knobs);
    grants.set_knobs(knobs);
    Ok(told)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    client_id: Option<String>,
    user: Option<String>,
    /// Zoom tells apps in development nothing.
    #[serde(default)]
    silent: bool,
}

/// `POST /_sim/deauthorize`: users remove the app; their grants die and `app_deauthorized` is sent, unless `silent`.
pub(super) fn deauthorize(ctx: Ctx<'_>) -> Result<Value, No> {
    let order: Removal = read(ctx)?;
    let user = match &order.user {
        Some(named) => Some(
            ctx.site
                .world
                .user(named)
                .ok_or_else(|| missing(format!("no such user: {named}")))?,
        ),
        None => None,
    };
    let user_id = user.as_ref().map(|user| user.id.as_str());
    let hit = |one: &(String, String)| {
        order.client_id.as_ref().is_none_or(|id| *id == one.0)
            && user_id.is_none_or(|id| id == one.1)
    };
    let gone: Vec<(String, String)> = ctx.site.grants().living().into_iter().filter(hit).collect();
    let removed = ctx
        .site
        .grants()
        .remove_app(order.client_id.as_deref(), user_id);
    for (client_id, user_id) in gone.iter().filter(|_| !order.silent) {
        ctx.site.world.announce_deauthorized(user_id, client_id);
    }
    Ok(json!({ "removed": removed }))
}
