//! Zoom's REST API under `/v2`: one pipeline (token, rate, scope, plan), one file per group of endpoints.

mod accounts;
mod body;
pub(crate) mod downloads;
mod invitation;
mod meeting_json;
mod meeting_write;
mod meetings;
pub mod paging;
mod past;
mod polls;
mod recordings;
mod registrants;
mod reports;
mod request;
mod subscriptions;
mod summaries;
pub mod table;
mod transcripts;
mod users;
mod webinar_write;
mod webinars;
mod windows;

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;

pub(crate) use body::time;

use crate::config::{Plan, RateHeaders};
use crate::faults::FaultKind;
use crate::http::path;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::http::route::Ctx;
use crate::limits::{self, Verdict};
use crate::oauth::grants::{Access, Refused};
use crate::oauth::scopes;
pub(crate) use request::Req;
use table::{Endpoint, Lookup, Need};

/// What the path of a request under `/v2` leads to, with its once-decoded segments.
fn look(ctx: Ctx<'_>) -> (Lookup, Vec<String>) {
    let below = ctx
        .call
        .raw_path
        .trim_start_matches('/')
        .strip_prefix("v2")
        .unwrap_or("");
    match path::segments(below.strip_prefix('/').unwrap_or(below)) {
        Some(segments) => (table::lookup(ctx.call.method.as_str(), &segments), segments),
        None => (Lookup::Unknown, Vec::new()),
    }
}

/// Counts a request under `/v2` at its arrival, whatever becomes of it.
pub(crate) fn count(ctx: Ctx<'_>) {
    let mut ledger = ctx.site.ledger();
    match look(ctx).0 {
        Lookup::Known(endpoint) => ledger.call(endpoint.label.name(), endpoint.key()),
        Lookup::OtherMethod | Lookup::Unknown => ledger.unknown(),
    }
}

/// Answers a request under `/v2`.
pub(crate) async fn answer(ctx: Ctx<'_>) -> Reply {
    let (lookup, segments) = look(ctx);
    let endpoint = match lookup {
        Lookup::Known(endpoint) => endpoint,
        Lookup::OtherMethod => {
            let message = format!("Request method '{}' is not supported.", ctx.call.method);
            return Refusal::new(405, 300, message).into();
        }
        Lookup::Unknown => {
            return Refusal::new(400, 2300, "This API endpoint is not recognized.").into();
        }
    };
    let access = match authenticate(ctx) {
        Ok(access) => access,
        Err(refusal) => return refusal.into(),
    };
    let target = format!("{} {}", ctx.call.method, ctx.call.raw_path);
    let verdict = ctx.site.limiter().arrive(endpoint.label, &target, ctx.now);
    let reply = if verdict.over {
        limits::refusal(&verdict).into()
    } else {
        let request = Req::new(ctx, endpoint, access, endpoint.values(&segments));
        match permitted(&request) {
            Ok(()) => dispatch(&request).await.unwrap_or_else(Reply::from),
            Err(refusal) => refusal.into(),
        }
    };
    with_rate_headers(reply, &verdict, ctx.shared.config.rate_headers)
}

/// Reads the bearer token, or refuses in Zoom's words.
fn authenticate(ctx: Ctx<'_>) -> Result<Arc<Access>, Refusal> {
    if ctx.call.param("access_token").is_some() {
        return Err(Refusal::new(
            401,
            124,
            "Invalid access token, this access token is not supported as query parameter string.",
        ));
    }
    let token = ctx
        .call
        .bearer()
        .ok_or_else(|| Refusal::new(401, 124, "Invalid access token."))?;
    if ctx.strike(&[FaultKind::ExpiredToken]).is_some() {
        ctx.site.grants().expire(token, ctx.now);
    }
    if ctx.strike(&[FaultKind::RevokedConsent]).is_some() {
        let client = ctx
            .site
            .grants()
            .check(token, ctx.now)
            .ok()
            .map(|access| access.client_id.clone());
        if let Some(client) = client {
            ctx.site.grants().revoke(&client, token);
        }
    }
    match ctx.site.grants().check(token, ctx.now) {
        Ok(access) => Ok(access.clone()),
        Err(Refused::Expired) => Err(Refusal::new(401, 124, "Access token is expired.")),
        Err(Refused::Invalid) => Err(Refusal::new(401, 124, "Invalid access token.")),
    }
}

/// Scope first, then plan, then the body's type: the order of Zoom's refusals.
fn permitted(request: &Req<'_>) -> Result<(), Refusal> {
    let endpoint = request.endpoint;
    if !scopes::opens(endpoint, &request.access.scopes) {
        return Err(scopes::missing(endpoint, &request.access.scopes));
    }
    plan_allows(request, endpoint)?;
    let call = request.ctx.call;
    let typed = call.header("content-type").is_none_or(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind.starts_with("application/json") || kind.is_empty()
    });
    if !call.body.is_empty() && !typed {
        return Err(Refusal::new(415, 300, "Unsupported Content Type"));
    }
    Ok(())
}

fn plan_allows(request: &Req<'_>, endpoint: &Endpoint) -> Result<(), Refusal> {
    let plan = request.ctx.shared.config.plan;
    // The reference states no plan for these three, but a Basic account has neither past data nor reports.
    let unstated = endpoint.path == "/past_meetings/{meetingId}/instances"
        || endpoint.path.starts_with("/report/");
    let needed = match endpoint.need {
        Need::Nothing if unstated => Plan::Pro,
        Need::Nothing => Plan::Free,
        Need::Paid | Need::Licensed => Plan::Pro,
        Need::Business => Plan::Business,
        Need::Archiving => return Err(Refusal::new(400, 200, "No permission.")),
    };
    if plan >= needed {
        return Ok(());
    }
    let account = request.ctx.site.world.account().id;
    let message = match endpoint.path {
        path if path.starts_with("/report/users/") => {
            format!("This is only available for paid account: {account}.")
        }
        path if path.starts_with("/report/") || path.starts_with("/metrics/") => {
            "No permission.".to_owned()
        }
        path if endpoint.webinar && !path.starts_with("/past_") => {
            "Webinar plan is missing.".to_owned()
        }
        path if path.contains("meeting_summar") => "Only available for Paid account.".to_owned(),
        path if path.contains("/registrants") => {
            format!(
                "Only available for paid users: {}.",
                request.ctx.site.world.account().owner_id
            )
        }
        _ => format!("Only available for paid account: {account}."),
    };
    Err(Refusal::new(400, 200, message))
}

fn with_rate_headers(reply: Reply, verdict: &Verdict, headers: RateHeaders) -> Reply {
    let category = verdict.label.category();
    if headers == RateHeaders::Off || category.is_empty() {
        return reply;
    }
    let mut reply = reply.with("x-ratelimit-category", category);
    let (RateHeaders::Full, Some(limit)) = (headers, verdict.limit) else {
        return reply;
    };
    reply = reply
        .with(
            "x-ratelimit-type",
            if verdict.daily { "Daily-limit" } else { "QPS" },
        )
        .with("x-ratelimit-limit", &limit.to_string())
        .with("x-ratelimit-remaining", &verdict.remaining.to_string());
    match (verdict.over, verdict.daily) {
        (true, true) => reply.with("retry-after", &body::time(verdict.reset)),
        (_, false) => reply.with("x-ratelimit-reset", &verdict.reset.as_second().to_string()),
        (false, true) => reply,
    }
}

async fn dispatch(r: &Req<'_>) -> Answer {
    match (r.endpoint.method, r.endpoint.path) {
        ("GET", "/users") => users::list(r),
        ("POST", "/users") => users::create(r),
        ("GET", "/users/email") => users::email(r),
        ("GET", "/users/summary") => Ok(users::summary(r)),
        ("GET", "/users/me/zak") => users::zak(r),
        ("GET", "/users/{userId}") => users::get(r),
        ("PATCH", "/users/{userId}") => users::update(r),
        ("DELETE", "/users/{userId}") => users::delete(r),
        ("GET", "/accounts/{accountId}/settings") => accounts::settings(r),
        ("GET", "/users/{userId}/settings") => users::settings(r),
        ("PATCH", "/users/{userId}/settings") => users::update_settings(r),
        ("GET", "/users/{userId}/permissions") => users::permissions(r),
        ("GET", "/users/{userId}/token") => users::token(r),
        ("GET", "/users/{userId}/meetings") => meetings::list(r),
        ("GET", "/users/{userId}/upcoming_meetings") => meetings::upcoming(r),
        ("POST", "/users/{userId}/meetings") => meeting_write::create(r),
        ("GET", "/meetings/{meetingId}") => meetings::get(r),
        ("PATCH", "/meetings/{meetingId}") => meeting_write::update(r),
        ("DELETE", "/meetings/{meetingId}") => meeting_write::delete(r),
        ("PUT", "/meetings/{meetingId}/status") => meeting_write::status(r),
        ("GET", "/meetings/{meetingId}/invitation") => invitation::get(r),
        ("GET", "/meetings/{meetingId}/registrants") => registrants::list(r, false),
        ("POST", "/meetings/{meetingId}/registrants") => registrants::add(r, false),
        ("PUT", "/meetings/{meetingId}/registrants/status") => registrants::set_status(r, false),
        ("GET", "/meetings/{meetingId}/registrants/{registrantId}") => registrants::get(r, false),
        ("DELETE", "/meetings/{meetingId}/registrants/{registrantId}") => {
            registrants::delete(r, false)
        }
        ("GET", "/past_meetings/{meetingId}") => past::details(r),
        ("GET", "/past_meetings/{meetingId}/instances") => past::instances(r),
        ("GET", "/past_meetings/{meetingId}/participants") => past::participants(r, false),
        ("GET", "/past_meetings/{meetingId}/polls") => polls::polls(r, false),
        ("GET", "/past_webinars/{webinarId}/polls") => polls::polls(r, true),
        ("GET", "/past_meetings/{meetingId}/qa") => polls::questions(r, false),
        ("GET", "/past_webinars/{webinarId}/qa") => polls::questions(r, true),
        ("GET", "/past_webinars/{webinarId}/instances") => webinars::instances(r),
        ("GET", "/past_webinars/{webinarId}/participants") => past::participants(r, true),
        ("GET", "/users/{userId}/webinars") => webinars::list(r),
        ("POST", "/users/{userId}/webinars") => webinar_write::create(r),
        ("GET", "/webinars/{webinarId}") => webinars::get(r),
        ("PATCH", "/webinars/{webinarId}") => webinar_write::update(r),
        ("DELETE", "/webinars/{webinarId}") => webinar_write::delete(r),
        ("GET", "/webinars/{webinarId}/registrants") => registrants::list(r, true),
        ("POST", "/webinars/{webinarId}/registrants") => registrants::add(r, true),
        ("PUT", "/webinars/{webinarId}/registrants/status") => registrants::set_status(r, true),
        ("GET", "/webinars/{webinarId}/registrants/{registrantId}") => registrants::get(r, true),
        ("DELETE", "/webinars/{webinarId}/registrants/{registrantId}") => {
            registrants::delete(r, true)
        }
        ("GET", "/meetings/{meetingId}/recordings") => recordings::get(r),
        ("DELETE", "/meetings/{meetingId}/recordings") => recordings::delete(r),
        ("DELETE", "/meetings/{meetingId}/recordings/{recordingId}") => recordings::delete_file(r),
        ("PUT", "/meetings/{meetingUUID}/recordings/status") => recordings::recover(r),
        ("PUT", "/meetings/{meetingId}/recordings/{recordingId}/status") => {
            recordings::recover_file(r)
        }
        ("GET", "/meetings/{meetingId}/recordings/settings") => recordings::settings(r),
        ("GET", "/users/{userId}/recordings") => recordings::list(r),
        ("GET", "/accounts/{accountId}/recordings") => recordings::list_account(r),
        ("GET", "/meetings/{meetingId}/transcript") => transcripts::get(r),
        ("GET", "/meetings/{meetingId}/meeting_summary") => summaries::get(r),
        ("DELETE", "/meetings/{meetingId}/meeting_summary") => summaries::delete(r),
        ("GET", "/meetings/meeting_summaries") => summaries::list(r, false),
        ("GET", "/users/{userId}/meeting_summaries") => summaries::list(r, true),
        ("GET", "/report/history_meetings") => reports::history(r),
        ("GET", "/report/users/{userId}/meetings") => reports::of_user(r),
        ("GET", "/report/meetings/{meetingId}") => reports::details(r, false),
        ("GET", "/report/webinars/{webinarId}") => reports::details(r, true),
        ("GET", "/report/meetings/{meetingId}/participants") => reports::participants(r, false),
        ("GET", "/report/webinars/{webinarId}/participants") => reports::participants(r, true),
        ("POST", "/zoomapp/deeplink") => crate::zoomapp::deeplink(r),
        ("GET", "/marketplace/app/event_subscription") => subscriptions::list(r),
        ("POST", "/marketplace/app/event_subscription") => subscriptions::create(r).await,
        ("DELETE", "/marketplace/app/event_subscription") => subscriptions::leave(r),
        ("PATCH", "/marketplace/app/event_subscription/{eventSubscriptionId}") => {
            subscriptions::join(r)
        }
        ("DELETE", "/marketplace/app/event_subscription/{eventSubscriptionId}") => {
            subscriptions::delete(r)
        }
        ("GET", "/marketplace/apps/{appId}/webhook_logs") => subscriptions::logs(r),
        _ => Ok(gap(r)),
    }
}

/// A path Zoom has and the simulator lacks.
fn gap(r: &Req<'_>) -> Reply {
    r.ctx
        .site
        .ledger()
        .gap(r.endpoint.method, r.endpoint.path, r.ctx.now);
    let key = r.endpoint.key();
    Reply::json(
        StatusCode::NOT_IMPLEMENTED,
        &json!({ "code": 501, "message": format!("The simulator does not have {key} yet.") }),
    )
    .with("x-sim-not-implemented", &key)
}
