//! Doubles of Google Calendar (v3) and of Microsoft Graph's calendar (v1.0), written from their published references.
//!
//! They are mounted beside Zoom under `/google` and `/graph` and hold the calendars of the same people as the simulated
//! account. What a person does in the calendar's own window (answer an invitation, for one) and what only the vendor can
//! do (let sync tokens run out) is ordered through `POST /_sim/calendars`; `GET /_sim/calendars` shows everything.
//!
//! An invitation does not make copies in the guests' calendars: their answers lie with the organiser's event, and their
//! busy times count the events they are invited to and have not declined.

pub(crate) mod google;
pub(crate) mod graph;
mod push;
mod repeat;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::control::{No, Told};
use crate::http::route::Ctx;
use crate::world::chance::Chance;
use axum::http::StatusCode;

/// Everything the two doubles hold.
#[derive(Debug)]
pub(crate) struct Calendars {
    pub(crate) google: google::State,
    pub(crate) graph: graph::State,
    /// Client id and secret of the app, the same at both.
    pub(crate) client: (String, String),
    /// People whose calendars nobody may read.
    unreadable: BTreeSet<String>,
    /// Invitations that a vendor would have mailed: who, about what, why.
    mail: Vec<Value>,
    pace: Pace,
    seed: u64,
    made: u64,
}

/// A sliding window over the calls of each person.
#[derive(Debug, Default)]
struct Pace {
    per_minute: Option<usize>,
    seen: BTreeMap<String, VecDeque<Timestamp>>,
}

impl Pace {
    /// Whether a call fits; if not, seconds until one does.
    fn take(&mut self, who: &str, now: Timestamp) -> Result<(), i64> {
        let Some(most) = self.per_minute else {
            return Ok(());
        };
        let seen = self.seen.entry(who.to_owned()).or_default();
        let window = SignedDuration::from_mins(1);
        while seen
            .front()
            .is_some_and(|at| now.duration_since(*at) >= window)
        {
            seen.pop_front();
        }
        if seen.len() >= most {
            let wait = seen
                .front()
                .map_or(1, |at| (window - now.duration_since(*at)).as_secs().max(1));
            return Err(wait);
        }
        seen.push_back(now);
        Ok(())
    }
}

impl Calendars {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            google: google::State::default(),
            graph: graph::State::default(),
            client: ("simulator".to_owned(), "simulator".to_owned()),
            unreadable: BTreeSet::new(),
            mail: Vec::new(),
            pace: Pace::default(),
            seed,
            made: 0,
        }
    }

    /// Text that is unlike any made before; the same in each run with the same seed.
    fn fresh(&mut self, what: &str, length: usize) -> String {
        self.made += 1;
        Chance::of(self.seed, what, self.made).text(b"abcdefghijklmnopqrstuv0123456789", length)
    }

    fn may_read(&self, person: &str) -> bool {
        !self.unreadable.contains(person)
    }
}

/// What a control call may order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Order {
    /// A guest answers an invitation in a window of the calendar.
    Respond {
        system: System,
        calendar: String,
        event: String,
        email: String,
        response: String,
    },
    /// All sync tokens and delta links given out so far are too old.
    ExpireSync,
    /// All access tokens have run out.
    ExpireTokens,
    /// All refresh tokens are withdrawn.
    Revoke,
    /// Calendars of these people cannot be read.
    Unreadable(BTreeSet<String>),
    /// So many calls a minute and person (none: without end).
    PerMinute(Option<usize>),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum System {
    Google,
    Graph,
}

/// `GET /_sim/calendars`.
pub(crate) fn look(ctx: Ctx<'_>) -> Value {
    let all = ctx.site.calendars();
    json!({
        "google": all.google.look(),
        "graph": all.graph.look(),
        "mail": all.mail,
        "unreadable": all.unreadable,
        "per_minute": all.pace.per_minute,
    })
}

/// `GET /_sim/calendars/service-account`: the key file of a Google service account with delegation.
pub(crate) fn service_account(ctx: Ctx<'_>) -> Told {
    google::token::key_file(ctx).map_err(|why| (StatusCode::INTERNAL_SERVER_ERROR, why))
}

/// `POST /_sim/calendars`.
pub(crate) fn order(ctx: Ctx<'_>) -> Told {
    let order: Order = serde_json::from_slice(&ctx.call.body)
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let mut all = ctx.site.calendars();
    match order {
        Order::Respond {
            system,
            calendar,
            event,
            email,
            response,
        } => {
            let done = match system {
                System::Google => {
                    google::respond(&mut all, ctx, &calendar, &event, &email, &response)
                }
                System::Graph => {
                    graph::respond(&mut all, ctx, &calendar, &event, &email, &response)
                }
            };
            done.ok_or_else(|| -> No { (StatusCode::NOT_FOUND, "no such event or guest".into()) })?;
        }
        Order::ExpireSync => {
            all.google.epoch += 1;
            all.graph.epoch += 1;
        }
        Order::ExpireTokens => {
            all.google.tokens.expire();
            all.graph.tokens.expire();
        }
        Order::Revoke => {
            all.google.tokens.revoke_all();
            all.graph.tokens.revoke_all();
        }
        Order::Unreadable(people) => all.unreadable = people,
        Order::PerMinute(most) => all.pace.per_minute = most,
    }
    drop(all);
    Ok(look(ctx))
}

/// Puts one object over another as a merging PATCH does: objects merge, null removes, everything else replaces.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                if value.is_null() {
                    into.remove(name);
                } else {
                    merge(into.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// A text of a JSON object.
fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}
