//! Google Calendar API v3: events, lists with sync tokens, instances, free/busy, channels; and Google's OAuth.

mod busy;
mod event;
mod list;
pub(super) mod token;
mod watch;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::tokens::Tokens;
use super::{Calendars, text};
use crate::http::path;
use crate::http::reply::Reply;
use crate::http::route::Ctx;

/// All calendars of all people, and who watches them.
#[derive(Debug, Default)]
pub(crate) struct State {
    calendars: BTreeMap<String, Calendar>,
    channels: Vec<watch::Channel>,
    key: Option<token::ServiceAccount>,
    pub(super) tokens: Tokens,
    pub(super) epoch: u64,
    change: u64,
}

#[derive(Debug, Default)]
struct Calendar {
    events: BTreeMap<String, Stored>,
}

/// An event as it is kept: series, single event, or an instance that differs from its series.
#[derive(Debug, Clone)]
struct Stored {
    body: Value,
    change: u64,
}

/// A refusal in Google's words.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    domain: &'static str,
    reason: &'static str,
    message: String,
    retry_after: Option<i64>,
}

impl Refusal {
    fn new(status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        let domain = match reason {
            "userRateLimitExceeded" | "rateLimitExceeded" | "quotaExceeded" => "usageLimits",
            "forbiddenForServiceAccounts" => "calendar",
            _ => "global",
        };
        Self {
            status,
            domain,
            reason,
            message: message.into(),
            retry_after: None,
        }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid", message)
    }

    fn not_found() -> Self {
        Self::new(404, "notFound", "Not Found")
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({ "error": {
            "code": refusal.status,
            "message": refusal.message,
            "errors": [{ "domain": refusal.domain, "reason": refusal.reason, "message": refusal.message }],
        }});
        let reply = Self::json(status, &body);
        match refusal.retry_after {
            Some(seconds) => reply.with("retry-after", &seconds.to_string()),
            None => reply,
        }
    }
}

/// What a handler gives back.
type Told = Result<Reply, Refusal>;

/// 403 or 429 as Google words it.
pub(crate) fn too_many(status: u16) -> Reply {
    Refusal::new(status, "rateLimitExceeded", "Rate Limit Exceeded").into()
}

/// An authorised call.
struct Asked<'a> {
    ctx: Ctx<'a>,
    person: String,
    body: Value,
}

/// Answers a request under `/google`.
pub(crate) fn answer(ctx: Ctx<'_>) -> Reply {
    let segments = path::segments(&ctx.call.raw_path).unwrap_or_default();
    let parts: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    match (ctx.call.method.as_str(), parts.as_slice()) {
        ("GET", ["o", "oauth2", "v2", "auth"]) => token::authorize(ctx),
        ("POST", ["token"]) => token::exchange(ctx),
        ("POST", ["revoke"]) => token::revoke(ctx),
        (_, ["calendar", "v3", rest @ ..]) => api(ctx, rest).unwrap_or_else(Reply::from),
        _ => Refusal::not_found().into(),
    }
}

fn api(ctx: Ctx<'_>, parts: &[&str]) -> Told {
    let refused = || Refusal::new(401, "authError", "Invalid Credentials");
    let token = ctx.call.bearer().ok_or_else(refused)?;
    let grant = {
        let all = ctx.site.calendars();
        all.google.tokens.of(token, ctx.now).ok_or_else(refused)?
    };
    let person = grant.person.ok_or_else(refused)?;
    let paced = ctx
        .site
        .calendars()
        .pace
        .take(&format!("google {person}"), ctx.now);
    if let Err(wait) = paced {
        return Err(Refusal {
            retry_after: Some(wait),
            ..Refusal::new(403, "userRateLimitExceeded", "User Rate Limit Exceeded")
        });
    }
    let needed: &[&str] = match parts {
        ["freeBusy"] => &["calendar", "calendar.freebusy", "calendar.readonly"],
        _ if ctx.call.method == "GET" => &[
            "calendar",
            "calendar.readonly",
            "calendar.events",
            "calendar.events.readonly",
            "calendar.events.owned",
        ],
        _ => &["calendar", "calendar.events", "calendar.events.owned"],
    };
    let held = |scope: &&str| {
        let full = format!("https://www.googleapis.com/auth/{scope}");
        grant.scope.split(' ').any(|one| one == full)
    };
    if !needed.iter().any(held) {
        return Err(Refusal::new(
            403,
            "insufficientPermissions",
            "Request had insufficient authentication scopes.",
        ));
    }
    let body = if ctx.call.body.is_empty() {
        Value::Null
    } else {
        ctx.call
            .json()
            .ok_or_else(|| Refusal::new(400, "parseError", "Parse Error"))?
    };
    let asked = Asked { ctx, person, body };
    route(&asked, parts)
}

fn route(asked: &Asked<'_>, parts: &[&str]) -> Told {
    match (asked.ctx.call.method.as_str(), parts) {
        ("GET", ["users", "me", "calendarList"]) => Ok(Reply::ok(&json!({
            "kind": "calendar#calendarList",
            "etag": "\"list\"",
            "items": [asked.described(&asked.person, true)],
        }))),
        ("GET", ["users", "me", "calendarList", id]) => {
            Ok(Reply::ok(&asked.described(&asked.calendar(id)?, true)))
        }
        ("GET", ["calendars", id]) => Ok(Reply::ok(&asked.described(&asked.calendar(id)?, false))),
        ("POST", ["freeBusy"]) => busy::free_busy(asked),
        ("POST", ["channels", "stop"]) => watch::stop(asked),
        ("POST", ["calendars", id, "events", "watch"]) => watch::start(asked, &asked.calendar(id)?),
        ("GET", ["calendars", id, "events"]) => list::list(asked, &asked.calendar(id)?),
        ("POST", ["calendars", id, "events"]) => event::insert(asked, &asked.calendar(id)?),
        ("GET", ["calendars", id, "events", event]) => {
            event::get(asked, &asked.calendar(id)?, event)
        }
        ("PATCH", ["calendars", id, "events", event]) => {
            event::change(asked, &asked.calendar(id)?, event, true)
        }
        ("PUT", ["calendars", id, "events", event]) => {
            event::change(asked, &asked.calendar(id)?, event, false)
        }
        ("DELETE", ["calendars", id, "events", event]) => {
            event::delete(asked, &asked.calendar(id)?, event)
        }
        ("GET", ["calendars", id, "events", event, "instances"]) => {
            list::instances(asked, &asked.calendar(id)?, event)
        }
        _ => Err(Refusal::not_found()),
    }
}

impl Asked<'_> {
    /// The calendar that a path names, if the caller may use it.
    fn calendar(&self, id: &str) -> Result<String, Refusal> {
        if id == "primary" || id.eq_ignore_ascii_case(&self.person) {
            Ok(self.person.clone())
        } else {
            Err(Refusal::not_found())
        }
    }

    fn described(&self, id: &str, listed: bool) -> Value {
        let mut calendar = json!({
            "kind": if listed { "calendar#calendarListEntry" } else { "calendar#calendar" },
            "etag": "\"1\"", "id": id, "summary": id, "timeZone": self.zone(),
        });
        if listed {
            calendar["accessRole"] = json!("owner");
            calendar["primary"] = json!(true);
        }
        calendar
    }

    /// The zone of the caller's calendar.
    fn zone(&self) -> String {
        zone_of(self.ctx, &self.person)
    }
}

/// The zone of a person's calendar.
fn zone_of(ctx: Ctx<'_>, person: &str) -> String {
    ctx.site
        .world
        .user(person)
        .map(|user| user.timezone.clone())
        .filter(|zone| !zone.is_empty())
        .unwrap_or_else(|| "UTC".to_owned())
}

impl State {
    fn stored(&self, calendar: &str, id: &str) -> Option<&Stored> {
        self.calendars.get(calendar)?.events.get(id)
    }

    /// Keeps an event with its new etag and time of change.
    fn keep(&mut self, calendar: &str, id: &str, mut body: Value, now: Timestamp) -> Value {
        self.change += 1;
        body["etag"] = json!(format!("\"{}\"", self.change));
        body["updated"] = json!(format!("{now:.3}"));
        let stored = Stored {
            body: body.clone(),
            change: self.change,
        };
        self.calendars
            .entry(calendar.to_owned())
            .or_default()
            .events
            .insert(id.to_owned(), stored);
        self.announce(calendar, now);
        body
    }

    /// For `/_sim`.
    pub(super) fn look(&self) -> Value {
        let calendars: BTreeMap<&String, Vec<&Value>> = self
            .calendars
            .iter()
            .map(|(id, calendar)| (id, calendar.events.values().map(|one| &one.body).collect()))
            .collect();
        json!({ "calendars": calendars, "channels": self.channels, "change": self.change })
    }
}

/// A guest's answer, given in a window of the calendar.
pub(super) fn respond(
    all: &mut Calendars,
    ctx: Ctx<'_>,
    calendar: &str,
    event: &str,
    email: &str,
    response: &str,
) -> Option<()> {
    let zone = zone_of(ctx, calendar);
    let mut body = event::find(&all.google, calendar, event, &zone)?;
    let guests = body.get_mut("attendees")?.as_array_mut()?;
    let guest = guests
        .iter_mut()
        .find(|guest| text(guest, "email").is_some_and(|one| one.eq_ignore_ascii_case(email)))?;
    guest["responseStatus"] = json!(response);
    all.google.keep(calendar, event, body, ctx.now);
    Some(())
}
