//! `/schedule/new`: what is to be made, looked at before it is made.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::tz::TimeZone;
use parfocal_engine::EngineError;
use parfocal_engine::calendar::{Reminder, ReminderMethod, Role};
use parfocal_engine::keys::Caller;
use parfocal_engine::schedule::{Guest, How, Preview, ScheduleRequest, Unrepeatable};
use serde::{Deserialize, Serialize};

use super::week::spoken;
use super::{Fault, ROOM, addresses, zone};
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// How long the browser waits for all of it to be done; the rest goes on by itself.
const WAIT: Duration = Duration::from_secs(20);
/// Occurrences that are listed.
const SHOWN: usize = 12;

/// What was typed, and is shown again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    title: String,
    start: String,
    zone: String,
    minutes: String,
    every: String,
    count: String,
    with: String,
    maybe: String,
    host: String,
    calendar: String,
    remind: String,
    agenda: String,
    /// `on` when it is to be made whoever is busy.
    anyway: String,
    /// `check` or `make`.
    what: String,
    /// Makes one meeting of a form that is sent twice.
    key: String,
}

#[derive(Serialize)]
struct Page {
    typed: Typed,
    calendars: Vec<String>,
    fault: Option<Fault>,
    preview: Option<Looked>,
}

/// What it would come to.
#[derive(Serialize)]
struct Looked {
    title: String,
    repeats: String,
    times: Vec<String>,
    more: usize,
    conflicts: Vec<String>,
    unknown: Vec<String>,
    find: String,
}

/// `GET /schedule/new`: a form, filled as far as the address says.
pub(super) async fn get(
    State(state): State<AppState>,
    Params(mut typed): Params<Typed>,
) -> Result<Response, Problem> {
    typed.zone = zone(&state, Some(&typed.zone));
    if typed.minutes.is_empty() {
        "30".clone_into(&mut typed.minutes);
    }
    show(&state, typed, None, None).await
}

/// `POST /schedule/new`: tells what it would come to, or makes it.
pub(super) async fn post(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(mut typed): Form<Typed>,
) -> Result<Response, Problem> {
    typed.zone = zone(&state, Some(&typed.zone));
    let scheduling = state.app().scheduling();
    let request = match request(&typed) {
        Ok(request) => request,
        Err(error) => return show(&state, typed, Some(&error), None).await,
    };
    if typed.what != "make" {
        return match scheduling.preview(&request).await {
            Ok(preview) => {
                let looked = Looked::of(&preview, &typed);
                show(&state, typed, None, Some(looked)).await
            }
            Err(error) => show(&state, typed, Some(&error), None).await,
        };
    }
    let key = Some(typed.key.clone()).filter(|key| !key.is_empty());
    let how = How {
        wait: WAIT,
        ..How::new(caller).with_key(key)
    };
    match scheduling.schedule(&request, &how).await {
        Ok(done) => {
            let did = if done.finished { "made" } else { "begun" };
            let href = format!("/schedule/{}?did={did}", done.meeting.id);
            Ok(Redirect::to(&href).into_response())
        }
        Err(error) => {
            let looked = scheduling.preview(&request).await.ok();
            let looked = looked.map(|preview| Looked::of(&preview, &typed));
            show(&state, typed, Some(&error), looked).await
        }
    }
}

async fn show(
    state: &AppState,
    mut typed: Typed,
    error: Option<&EngineError>,
    preview: Option<Looked>,
) -> Result<Response, Problem> {
    let app = state.app();
    app.components().require("scheduling").await?;
    if typed.key.is_empty() {
        typed.key = app.chance().uuid(app.clock().now()).to_string();
    }
    let mut calendars: Vec<String> = vec!["feed".to_owned()];
    for account in app.calendar_accounts().list().await? {
        calendars.push(format!("{}/{}", account.calendar, account.name));
    }
    calendars.push("none".to_owned());
    let page = Page {
        typed,
        calendars,
        fault: error.map(Fault::from),
        preview,
    };
    state
        .pages()
        .render("schedule_new.html", ROOM, "Schedule a meeting", &page)
}

fn some(text: &str) -> Option<String> {
    Some(text.trim())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn number(text: &str, what: &str) -> Result<Option<u32>, EngineError> {
    some(text)
        .map(|text| {
            text.parse()
                .map_err(|_| EngineError::invalid(format!("{what}: {text:?} is no number")))
        })
        .transpose()
}

fn request(typed: &Typed) -> Result<ScheduleRequest, EngineError> {
    let guests = |text: &str, role: Role| {
        addresses(text).into_iter().map(move |email| Guest {
            email,
            name: None,
            role,
        })
    };
    let (calendar, calendar_account) = match typed.calendar.split_once('/') {
        Some((calendar, account)) => (some(calendar), some(account)),
        None => (some(&typed.calendar), None),
    };
    Ok(ScheduleRequest {
        title: typed.title.clone(),
        agenda: some(&typed.agenda),
        start: typed.start.clone(),
        timezone: Some(typed.zone.clone()),
        minutes: number(&typed.minutes, "length")?,
        every: some(&typed.every),
        count: number(&typed.count, "times")?,
        until: None,
        except: Vec::new(),
        attendees: guests(&typed.with, Role::Required)
            .chain(guests(&typed.maybe, Role::Optional))
            .collect(),
        registration: None,
        reminders: number(&typed.remind, "reminder")?
            .map(|minutes| Reminder {
                minutes,
                method: ReminderMethod::Email,
            })
            .into_iter()
            .collect(),
        host: some(&typed.host),
        provider: None,
        connection: None,
        calendar,
        calendar_account,
        calendar_required: None,
        allow_conflicts: !typed.anyway.is_empty(),
        unrepeatable: Unrepeatable::Refuse,
    })
}

impl Looked {
    fn of(preview: &Preview, typed: &Typed) -> Self {
        let tz = TimeZone::get(&preview.timezone).unwrap_or(TimeZone::UTC);
        let day = preview
            .occurrences
            .first()
            .map(|one| one.start.to_zoned(tz.clone()).date().to_string());
        Self {
            title: preview.title.clone(),
            repeats: preview.repeats.clone().unwrap_or_else(|| "once".to_owned()),
            times: preview
                .occurrences
                .iter()
                .take(SHOWN)
                .map(|one| spoken(one.start, one.end, &tz))
                .collect(),
            more: preview.occurrences.len().saturating_sub(SHOWN),
            conflicts: preview
                .conflicts
                .iter()
                .map(|one| {
                    let when = spoken(one.start, one.end, &tz);
                    format!("{} is busy {when} ({})", one.person, one.by)
                })
                .collect(),
            unknown: preview
                .unknown
                .iter()
                .filter(|one| one.contains('@'))
                .cloned()
                .collect(),
            find: crate::console::link(
                "/schedule",
                &[
                    ("day", day.as_deref()),
                    ("zone", Some(&typed.zone)),
                    ("with", Some(&typed.with)),
                    ("minutes", Some(&typed.minutes)),
                ],
            ),
        }
    }
}
