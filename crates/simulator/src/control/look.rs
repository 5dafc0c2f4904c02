//! Looking in: what there is, what was called, what went over, what can be known.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Told, bad};
use crate::config::Plan;
use crate::http::route::Ctx;
use crate::knowable::{self, Hashing, Means};
use crate::limits::rates::Rates;
use crate::oauth::scopes;
use crate::rest::table::{self, Label};

/// `GET /_sim/info`.
pub(super) fn info(ctx: Ctx<'_>) -> Value {
    let config = &ctx.shared.config;
    let account = ctx.site.world.account();
    let limits = config.limits.plan(config.plan);
    let rates: Vec<Value> = [Label::Light, Label::Medium, Label::Heavy, Label::Intensive]
        .iter()
        .filter_map(|label| {
            let rates = Rates::of(limits?, *label)?;
            let (count, seconds) = rates.per();
            Some(json!({ "label": label.name(), "count": count, "seconds": seconds, "per_day": rates.per_day }))
        })
        .collect();
    let apps: Vec<Value> = config
        .apps
        .iter()
        .map(|app| {
            json!({
                "name": app.name,
                "kind": app.kind,
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "public_client_id": app.public_client_id,
                "redirects": app.redirects,
                "secret_token": app.secret_token,
                "scopes": scopes::of_app(app).len(),
            })
        })
        .collect();
    let base = &ctx.shared.base_url;
    json!({
        "now": ctx.now,
        "plan": config.plan,
        "limits": limits.map_or("off", Plan::name),
        "rates": rates,
        "seed": config.seed,
        "account": { "id": account.id, "name": account.name, "owner_id": account.owner_id, "also_answers_to": config.account_id },
        "apps": apps,
        "counts": {
            "users": ctx.site.world.users().len(),
            "meetings": ctx.site.world.numbers().len(),
            "instances": ctx.site.world.instances_between(Timestamp::MIN, Timestamp::MAX, None).len(),
        },
        "addresses": {
            "rest": format!("{base}/v2"),
            "oauth": format!("{base}/oauth"),
            "files": format!("{base}/rec"),
            "control": format!("{base}/_sim"),
        },
    })
}

/// `GET /_sim/violations`.
pub(super) fn violations(ctx: Ctx<'_>) -> Value {
    let limiter = ctx.site.limiter();
    let (count, list) = limiter.violations();
    json!({ "count": count, "violations": list })
}

/// `GET /_sim/calls`.
pub(super) fn calls(ctx: Ctx<'_>) -> Value {
    let ledger = ctx.site.ledger();
    json!({
        "total": ledger.total,
        "by_label": ledger.by_label,
        "by_endpoint": ledger.by_endpoint,
        "downloads": ledger.downloads,
        "oauth": ledger.oauth,
    })
}

/// `GET /_sim/grants`: the living ones, with `all=true` every one there has been.
pub(super) fn grants(ctx: Ctx<'_>) -> Value {
    let all = ctx.call.filled("all") == Some("true");
    ctx.site
        .grants()
        .history()
        .filter(|record| all || record.ended.is_none())
        .map(|record| json!(record))
        .collect()
}

/// `GET /_sim/deliveries`.
pub(super) fn deliveries(ctx: Ctx<'_>) -> Value {
    let wanted = ctx.call.filled("event");
    let list: Vec<Value> = ctx
        .site
        .hub
        .deliveries()
        .iter()
        .filter(|one| wanted.is_none_or(|event| event == one.event))
        .map(|one| {
            let mut out = json!(one);
            // The exact bytes and, for reading, what they say.
            out["body"] = serde_json::from_str(&one.body).unwrap_or(Value::Null);
            out["raw_body"] = json!(&*one.body);
            out
        })
        .collect();
    json!(list)
}

/// `GET /_sim/knowable`.
pub(super) async fn knowable(ctx: Ctx<'_>) -> Told {
    let config = &ctx.shared.config;
    let plan = match ctx.call.filled("plan") {
        None => config.plan,
        Some(text) => text.parse().map_err(bad)?,
    };
    let scopes = match ctx.call.filled("scopes") {
        None | Some("default") => ctx
            .shared
            .default_app()
            .map(scopes::of_app)
            .unwrap_or_default(),
        Some("all") => table::all()
            .iter()
            .flat_map(|row| row.granular.iter().chain(&row.classic))
            .cloned()
            .collect(),
        Some(list) => list
            .split([',', ' '])
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    let events = match ctx.call.filled("events") {
        None | Some("none") => Vec::new(),
        Some("all" | "*") => vec!["*".to_owned()],
        Some(list) => list.split(',').map(str::to_owned).collect(),
    };
    let since = match ctx.call.filled("since") {
        None => None,
        Some(text) => Some(text.parse().map_err(bad)?),
    };
    let hashing = match ctx.call.filled("hashes") {
        None => Hashing::All,
        Some(text) => text.parse().map_err(bad)?,
    };
    let means = Means {
        hashing,
        plan,
        limits: config.limits.plan(config.plan),
        scopes,
        events,
        since,
        events_from: ctx.shared.started,
        now: ctx.now,
    };
    let site = ctx.site.clone();
    // Hashing the files of a whole account is work for a thread of its own.
    tokio::task::spawn_blocking(move || knowable::tell(&site.world, &site.hashes, &means))
        .await
        .map_err(bad)
}
