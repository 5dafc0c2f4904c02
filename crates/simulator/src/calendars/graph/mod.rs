//! Microsoft Graph v1.0, calendar part: events, instances, delta, free/busy, subscriptions; and the identity platform's tokens.

mod delta;
mod event;
mod schedule;
mod subscriptions;
mod token;
mod zone;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::tokens::Tokens;
use super::{Calendars, text};
use crate::http::path;
use crate::http::reply::Reply;
use crate::http::route::Ctx;

/// All mailboxes, and who is told of changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    mailboxes: BTreeMap<String, Mailbox>,
    subscriptions: Vec<subscriptions::Subscription>,
    pub(super) tokens: Tokens,
    pub(super) epoch: u64,
    change: u64,
}

#[derive(Debug, Default)]
struct Mailbox {
    events: BTreeMap<String, Stored>,
}

/// A series, a single event, or an occurrence that differs from its series.
#[derive(Debug, Clone)]
struct Stored {
    body: Value,
    change: u64,
    removed: bool,
}

/// A refusal in Graph's words.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    retry_after: Option<i64>,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "ErrorInvalidRequest", message)
    }

    fn not_found() -> Self {
        Self::new(
            404,
            "ErrorItemNotFound",
            "The specified object was not found in the store.",
        )
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({ "error": {
            "code": refusal.code, "message": refusal.message,
            "innerError": { "request-id": "00000000-0000-0000-0000-000000000000" },
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

/// 429 as Graph words it.
pub(crate) fn too_many(status: u16) -> Reply {
    Refusal::new(
        status,
        "ApplicationThrottled",
        "Application is over its MailboxConcurrency limit.",
    )
    .into()
}

/// An authorised call on a mailbox.
struct Asked<'a> {
    ctx: Ctx<'a>,
    /// Whose mailbox.
    person: String,
    /// The mailbox as the path names it: `me` or `users/NAME`.
    under: String,
    body: Value,
}

/// Answers a request under `/graph`.
pub(crate) async fn answer(ctx: Ctx<'_>) -> Reply {
    let segments = path::segments(&ctx.call.raw_path).unwrap_or_default();
    let parts: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    match (ctx.call.method.as_str(), parts.as_slice()) {
        ("GET", [_, "oauth2", "v2.0", "authorize"]) => token::authorize(ctx),
        ("POST", [tenant, "oauth2", "v2.0", "token"]) => token::exchange(ctx, tenant),
        (_, ["v1.0", rest @ ..]) => api(ctx, rest).await.unwrap_or_else(Reply::from),
        _ => Refusal::new(404, "ResourceNotFound", "Resource not found").into(),
    }
}

async fn api(ctx: Ctx<'_>, parts: &[&str]) -> Told {
    let refused = || {
        Refusal::new(
            401,
            "InvalidAuthenticationToken",
            "Access token has expired or is not yet valid.",
        )
    };
    let token = ctx.call.bearer().ok_or_else(refused)?;
    let grant = {
        let all = ctx.site.calendars();
        all.graph.tokens.of(token, ctx.now).ok_or_else(refused)?
    };
    let body = if ctx.call.body.is_empty() {
        Value::Null
    } else {
        let said = ctx.call.json();
        said.ok_or_else(|| Refusal::new(400, "RequestBodyRead", "The body is not JSON."))?
    };
    if let ["subscriptions", rest @ ..] = parts {
        return subscriptions::answer(ctx, &grant, rest, &body).await;
    }
    let (person, under, rest) = match (parts, &grant.person) {
        (["me", rest @ ..], Some(person)) => (person.clone(), "me".to_owned(), rest),
        (["users", id, rest @ ..], None) => match ctx.site.world.user(id) {
            Some(user) => (user.email.to_lowercase(), format!("users/{id}"), rest),
            None => {
                return Err(Refusal::new(
                    404,
                    "ResourceNotFound",
                    "Resource could not be discovered.",
                ));
            }
        },
        (["users", id, rest @ ..], Some(person)) if id.eq_ignore_ascii_case(person) => {
            (person.clone(), format!("users/{id}"), rest)
        }
        _ => return Err(Refusal::new(403, "ErrorAccessDenied", "Access is denied.")),
    };
    let paced = ctx
        .site
        .calendars()
        .pace
        .take(&format!("graph {person}"), ctx.now);
    if let Err(wait) = paced {
        return Err(Refusal {
            retry_after: Some(wait),
            ..Refusal::new(429, "TooManyRequests", "Too many requests.")
        });
    }
    let asked = Asked {
        ctx,
        person,
        under,
        body,
    };
    route(&asked, rest)
}

fn route(asked: &Asked<'_>, parts: &[&str]) -> Told {
    // The one calendar of a mailbox answers under its short and its long path.
    let parts = match parts {
        ["calendar", rest @ ..] if rest.first() == Some(&"events") => rest,
        parts => parts,
    };
    match (asked.ctx.call.method.as_str(), parts) {
        ("GET", []) => Ok(Reply::ok(&json!({
            "id": asked.person, "userPrincipalName": asked.person, "mail": asked.person,
        }))),
        ("GET", ["calendar"]) => Ok(Reply::ok(&json!({
            "id": "calendar", "name": "Calendar", "isDefaultCalendar": true, "canEdit": true,
            "owner": { "name": asked.person, "address": asked.person },
        }))),
        ("POST", ["events"]) => event::create(asked),
        ("GET", ["events"]) => event::list(asked),
        ("GET", ["events", id]) => event::get(asked, id),
        ("PATCH", ["events", id]) => event::change(asked, id),
        ("DELETE", ["events", id]) => event::delete(asked, id),
        ("POST", ["events", id, "cancel"]) => event::cancel(asked, id),
        ("GET", ["events", id, "instances"]) => event::instances(asked, id),
        ("GET", ["calendarView"]) => event::view(asked),
        ("GET", ["calendarView", "delta"]) => delta::answer(asked),
        ("POST", ["calendar", "getSchedule"]) => schedule::answer(asked),
        _ => Err(Refusal::new(404, "ResourceNotFound", "Resource not found")),
    }
}

impl Asked<'_> {
    /// The zone in which times are told: `Prefer: outlook.timezone`, else UTC.
    fn zone(&self) -> String {
        self.preference("outlook.timezone")
            .unwrap_or_else(|| "UTC".to_owned())
    }

    /// A preference of the caller.
    fn preference(&self, name: &str) -> Option<String> {
        self.ctx
            .call
            .headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|one| one.trim().split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().trim_matches('"').to_owned())
    }

    /// An instant of the query, which Graph takes as UTC unless it says otherwise.
    fn instant(&self, name: &str) -> Result<Timestamp, Refusal> {
        let said = self.ctx.call.filled(name).unwrap_or("");
        zone::instant(said, "UTC").ok_or_else(|| {
            Refusal::invalid(format!(
                "The query parameter '{name}' is missing or no time."
            ))
        })
    }
}

impl State {
    fn stored(&self, person: &str, id: &str) -> Option<&Stored> {
        self.mailboxes.get(person)?.events.get(id)
    }

    /// Keeps an event with its new change key, and tells the subscribers.
    fn keep(&mut self, person: &str, mut body: Value, removed: bool, now: Timestamp) -> Value {
        self.change += 1;
        let key = format!("K{:08}", self.change);
        body["@odata.etag"] = json!(format!("W/\"{key}\""));
        body["changeKey"] = json!(key);
        body["lastModifiedDateTime"] = json!(now);
        let id = text(&body, "id").unwrap_or("").to_owned();
        let stored = Stored {
            body: body.clone(),
            change: self.change,
            removed,
        };
        let events = &mut self.mailboxes.entry(person.to_owned()).or_default().events;
        let known = events.insert(id.clone(), stored).is_some();
        let kind = match (removed, known) {
            (true, _) => "deleted",
            (false, true) => "updated",
            (false, false) => "created",
        };
        self.announce(person, &id, kind, now);
        body
    }

    /// For `/_sim`.
    pub(super) fn look(&self) -> Value {
        let mailboxes: BTreeMap<&String, Vec<&Value>> = self
            .mailboxes
            .iter()
            .map(|(person, mailbox)| {
                let there = mailbox.events.values().filter(|one| !one.removed);
                (person, there.map(|one| &one.body).collect())
            })
            .collect();
        json!({ "mailboxes": mailboxes, "subscriptions": self.subscriptions, "change": self.change })
    }
}

/// A guest's answer, given in Outlook.
pub(super) fn respond(
    all: &mut Calendars,
    ctx: Ctx<'_>,
    person: &str,
    event: &str,
    email: &str,
    response: &str,
) -> Option<()> {
    let mut body = event::find(&all.graph, person, event)?;
    let guests = body.get_mut("attendees")?.as_array_mut()?;
    let guest = guests.iter_mut().find(|guest| {
        text(&guest["emailAddress"], "address").is_some_and(|one| one.eq_ignore_ascii_case(email))
    })?;
    guest["status"] = json!({ "response": response, "time": ctx.now });
    all.graph.keep(person, body, false, ctx.now);
    Some(())
}
