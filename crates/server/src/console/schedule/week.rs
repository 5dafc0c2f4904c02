//! `/schedule`: everyone's week, what stands in its way, and times that suit.

use axum::Extension;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_engine::calendar::ConflictView;
use parfocal_engine::keys::Caller;
use parfocal_engine::schedule::availability::{AvailabilityRequest, Suggested};
use parfocal_engine::schedule::{How, LeftOver, SettleRequest, Week, WeekMeeting};
use parfocal_engine::store::ScheduleState;
use serde::{Deserialize, Serialize};

use super::grid::{Piece, clock, piece};
use super::{Fault, ROOM, addresses, zone};
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// Meetings with something left over that are shown.
const SHOWN: usize = 20;

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(super) struct WeekParams {
    /// A day of the week that is shown.
    day: Option<String>,
    zone: Option<String>,
    /// People besides those who take part in something.
    with: Option<String>,
    /// Times are looked for, for a meeting of so many minutes.
    minutes: Option<u32>,
    did: Option<String>,
}

#[derive(Serialize)]
struct Page {
    monday: String,
    title_span: String,
    zone: String,
    with: String,
    minutes: u32,
    before: String,
    after: String,
    today: String,
    new: String,
    days: Vec<Day>,
    rows: Vec<Row>,
    meetings: Vec<Line>,
    conflicts: Vec<Clash>,
    changed: Vec<ConflictView>,
    left_over: Vec<Half>,
    more: bool,
    looked: bool,
    suggestions: Vec<Hit>,
    unknown: Vec<String>,
    fault: Option<Fault>,
    did: Option<&'static str>,
}

#[derive(Serialize)]
struct Day {
    name: String,
    today: bool,
}

/// Somebody's week.
#[derive(Serialize)]
struct Row {
    person: String,
    unknown: Option<String>,
    zone: String,
    cells: Vec<Cell>,
}

/// Somebody's day.
#[derive(Serialize)]
struct Cell {
    hours: Vec<Piece>,
    busy: Vec<Piece>,
    meetings: Vec<Mine>,
    /// The busy times, for those who do not see the line.
    says: String,
}

#[derive(Serialize)]
struct Mine {
    #[serde(flatten)]
    piece: Piece,
    at: String,
    title: String,
    href: String,
    conflict: bool,
}

/// One meeting of the week, in words.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    meeting: WeekMeeting,
    when: String,
    href: String,
}

/// A meeting of which something is left over.
#[derive(Serialize)]
struct Half {
    id: String,
    title: String,
    when: String,
    state: ScheduleState,
    left: Vec<LeftOver>,
}

#[derive(Serialize)]
struct Clash {
    person: String,
    when: String,
    by: String,
    href: Option<String>,
}

/// A time that suits.
#[derive(Serialize)]
struct Hit {
    #[serde(flatten)]
    suggested: Suggested,
    when: String,
    href: String,
}

/// `GET /schedule`.
pub(super) async fn get(
    State(state): State<AppState>,
    Params(params): Params<WeekParams>,
) -> Result<Response, Problem> {
    let app = state.app();
    let zone = zone(&state, params.zone.as_deref());
    let tz = TimeZone::get(&zone)
        .map_err(|_| Problem::bad_request("query", format!("there is no time zone {zone}")))?;
    let today = app.clock().now().to_zoned(tz.clone()).date();
    let day: Date = match params.day.as_deref().filter(|day| !day.is_empty()) {
        Some(text) => text
            .parse()
            .map_err(|_| Problem::bad_request("query", format!("{text} is no day")))?,
        None => today,
    };
    let with_text = params.with.unwrap_or_default();
    let with = addresses(&with_text);
    let week = app.availability().week(day, &zone, &with).await?;
    let mut page = Page::of(&week, &tz, today, &with_text)?;
    page.did = match params.did.as_deref() {
        Some("settled") => Some("Settled."),
        _ => None,
    };
    page.changed = app.calendar_accounts().conflicts().await?;
    let half = app.scheduling().left_over().await?.into_iter();
    page.left_over = half
        .take(SHOWN)
        .map(|one| Half {
            id: one.id.to_string(),
            when: spoken(
                one.start,
                one.occurrences.first().map_or(one.start, |one| one.end),
                &tz,
            ),
            title: one.title,
            state: one.state,
            left: one.left_over,
        })
        .collect();
    if let Some(minutes) = params.minutes {
        page.minutes = minutes;
        page.looked = true;
        page.look(&state, &week, with, &tz).await;
    }
    state
        .pages()
        .render("schedule.html", ROOM, "Schedule", &page)
}

/// `POST /schedule/settle`: a person decides between a schedule and its calendar.
pub(super) async fn settle(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<SettleRequest>,
) -> Result<Response, Problem> {
    let how = How::new(caller);
    state.app().scheduling().settle(&form, &how).await?;
    Ok(Redirect::to("/schedule?did=settled").into_response())
}

impl Page {
    fn of(week: &Week, tz: &TimeZone, today: Date, with: &str) -> Result<Self, Problem> {
        let monday: Date = week
            .monday
            .parse()
            .map_err(|_| Problem::bad_request("query", "the week cannot be shown"))?;
        let days: Vec<Date> = (0..7)
            .filter_map(|number: i64| monday.checked_add(number.days()).ok())
            .collect();
        let link = |day: Option<Date>| {
            let day = day.map(|day| day.to_string());
            crate::console::link(
                "/schedule",
                &[
                    ("day", day.as_deref()),
                    ("zone", Some(&week.timezone)),
                    ("with", Some(with).filter(|with| !with.is_empty())),
                ],
            )
        };
        Ok(Self {
            title_span: format!(
                "{} to {}",
                monday.strftime("%-d %B"),
                days.last().unwrap_or(&monday).strftime("%-d %B %Y")
            ),
            before: link(monday.checked_sub(7.days()).ok()),
            after: link(monday.checked_add(7.days()).ok()),
            today: link(None),
            new: crate::console::link(
                "/schedule/new",
                &[
                    ("zone", Some(&week.timezone)),
                    ("with", Some(with).filter(|with| !with.is_empty())),
                ],
            ),
            monday: week.monday.clone(),
            zone: week.timezone.clone(),
            with: with.to_owned(),
            minutes: 30,
            days: days
                .iter()
                .map(|day| Day {
                    name: day.strftime("%a %-d").to_string(),
                    today: *day == today,
                })
                .collect(),
            rows: week
                .people
                .iter()
                .map(|person| Row {
                    person: person.person.clone(),
                    unknown: person.unknown.clone(),
                    zone: person.timezone.clone(),
                    cells: days
                        .iter()
                        .map(|day| Cell::of(week, person, *day, tz))
                        .collect(),
                })
                .collect(),
            meetings: week
                .meetings
                .iter()
                .map(|meeting| Line {
                    when: spoken(meeting.start, meeting.end, tz),
                    href: format!("/schedule/{}", meeting.schedule),
                    meeting: meeting.clone(),
                })
                .collect(),
            conflicts: week
                .conflicts
                .iter()
                .map(|one| Clash {
                    person: one.person.clone(),
                    when: spoken(one.start, one.end, tz),
                    by: one.by.clone(),
                    href: one.schedule.map(|id| format!("/schedule/{id}")),
                })
                .collect(),
            changed: Vec::new(),
            left_over: Vec::new(),
            more: week.more,
            looked: false,
            suggestions: Vec::new(),
            unknown: Vec::new(),
            fault: None,
            did: None,
        })
    }

    /// Looks for times in the week that suit those who were named.
    async fn look(&mut self, state: &AppState, week: &Week, people: Vec<String>, tz: &TimeZone) {
        let request = AvailabilityRequest {
            people,
            minutes: Some(self.minutes),
            from: Some(week.from.to_string()),
            to: Some(week.to.to_string()),
            timezone: Some(week.timezone.clone()),
            ..AvailabilityRequest::default()
        };
        match state
            .app()
            .availability()
            .suggest_meeting_times(&request)
            .await
        {
            Ok(found) => {
                self.unknown = found
                    .people
                    .iter()
                    .filter(|one| !one.known)
                    .map(|one| {
                        let why = one.reason.as_deref().unwrap_or("nobody tells");
                        format!("{}: {why}", one.person)
                    })
                    .collect();
                let minutes = self.minutes.to_string();
                self.suggestions = found
                    .suggestions
                    .into_iter()
                    .map(|one| Hit {
                        when: spoken(one.slot.start, one.slot.end, tz),
                        href: crate::console::link(
                            "/schedule/new",
                            &[
                                ("start", one.slot.start_local.get(..16)),
                                ("zone", Some(&week.timezone)),
                                ("minutes", Some(&minutes)),
                                ("with", Some(&self.with)),
                            ],
                        ),
                        suggested: one,
                    })
                    .collect();
            }
            Err(error) => self.fault = Some(Fault::from(&error)),
        }
    }
}

impl Cell {
    fn of(
        week: &Week,
        person: &parfocal_engine::schedule::WeekPerson,
        day: Date,
        tz: &TimeZone,
    ) -> Self {
        let pieces = |spans: &[parfocal_engine::calendar::TimeSpan]| -> Vec<Piece> {
            spans
                .iter()
                .filter_map(|one| piece(*one, day, tz))
                .collect()
        };
        let said: Vec<String> = person
            .busy
            .iter()
            .filter(|one| piece(**one, day, tz).is_some())
            .map(|one| format!("{} to {}", clock(one.from, tz), clock(one.to, tz)))
            .collect();
        let meetings = person
            .meetings
            .iter()
            .filter_map(|at| {
                let one = week.meetings.get(*at)?;
                let span = parfocal_engine::calendar::TimeSpan {
                    from: one.start,
                    to: one.end,
                };
                Some(Mine {
                    piece: piece(span, day, tz)?,
                    at: clock(one.start, tz),
                    title: one.title.clone(),
                    href: format!("/schedule/{}", one.schedule),
                    conflict: one.conflict,
                })
            })
            .collect();
        Self {
            hours: pieces(&person.hours),
            busy: pieces(&person.busy),
            meetings,
            says: if said.is_empty() {
                String::new()
            } else {
                format!("Busy {}", said.join(", "))
            },
        }
    }
}

/// A span in words, by the clocks of a zone.
pub(super) fn spoken(from: jiff::Timestamp, to: jiff::Timestamp, tz: &TimeZone) -> String {
    let (from, to) = (from.to_zoned(tz.clone()), to.to_zoned(tz.clone()));
    let end = if from.date() == to.date() {
        to.strftime("%H:%M")
    } else {
        to.strftime("%a %-d %b %H:%M")
    };
    format!("{}–{end}", from.strftime("%a %-d %b %H:%M"))
}
