//! `meeting.*`: scheduling meetings, looking at them, ending and deleting them.

use std::time::Duration;

use http::Method;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_zoom::Reply;
use parfocal_zoom::api::{Adoption, Invitation, Meeting, NewMeeting, meeting_type};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::action::{Action, Effect};
use super::check::{self, Faults};
use super::context::{Context, Halt, Step, number};
use super::keep;
use super::page::{self, Piece};
use super::request::Request;
use super::shape::{
    Acknowledged, Listed, RecurrenceInput, ScheduledDetail, ScheduledView, SettingsInput,
};
use crate::clock::earlier;
use crate::error::{Code, EngineError, Fault};

/// How far back a meeting may have been made by an earlier try of the same request.
const RESUMABLE: Duration = Duration::from_hours(48);

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "meeting.create",
            Effect::Create,
            "Schedule a meeting",
            "Schedules a meeting, once or as a series, for a host. With an Idempotency-Key the first line of the agenda \
             carries a reference, by which the meeting is found again when Zoom's answer is lost.",
            create,
        )
        .asks(&["POST /users/{userId}/meetings"])
        .findable()
        .example(json!({"topic": "Planning", "start": "2030-01-07T09:00:00", "timezone": "Europe/Berlin", "duration_minutes": 30})),
        Action::new(
            "meeting.get",
            Effect::Read,
            "Get a meeting",
            "Tells everything about a scheduled meeting: times, addresses, settings, the occurrences of a series.",
            get,
        )
        .asks(&["GET /meetings/{meetingId}"])
        .kept(keep::MEETINGS)
        .example(json!({"meeting": "84410027731"})),
        Action::new(
            "meeting.update",
            Effect::Change,
            "Change a meeting",
            "Changes a scheduled meeting, or one occurrence of a series. What is not given stays as it is.",
            update,
        )
        .asks(&["GET /meetings/{meetingId}", "PATCH /meetings/{meetingId}"])
        .example(json!({"meeting": "84410027731", "topic": "Planning, part two"})),
        Action::new(
            "meeting.list",
            Effect::Read,
            "List meetings",
            "Lists the meetings that a host has scheduled, has running, or has had.",
            list,
        )
        .asks(&["GET /users/{userId}/meetings"])
        .kept(keep::MEETINGS)
        .example(json!({"host": "ann@example.com", "which": "upcoming"})),
        Action::new(
            "meeting.delete",
            Effect::Delete,
            "Cancel a meeting",
            "Deletes a scheduled meeting with all its occurrences, or one occurrence. Zoom mails registrants and hosts if asked.",
            delete,
        )
        .asks(&["DELETE /meetings/{meetingId}"])
        .example(json!({"meeting": "84410027731"})),
        Action::new(
            "meeting.end",
            Effect::Delete,
            "End a running meeting",
            "Ends a running meeting for everybody who is in it.",
            end,
        )
        .asks(&["PUT /meetings/{meetingId}/status"])
        .example(json!({"meeting": "84410027731"})),
        Action::new(
            "meeting.invitation",
            Effect::Read,
            "Get the invitation",
            "Gives the text to invite people with, in the host's language.",
            invitation,
        )
        .asks(&["GET /meetings/{meetingId}/invitation"])
        .example(json!({"meeting": "84410027731"})),
    ]
}

/// A meeting to schedule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// Who holds it: an e-mail address or a user id of Zoom. Whoever authorised the connection if left out.
    host: Option<String>,
    /// What it is about, 200 characters at most.
    #[schemars(length(min = 1, max = 200))]
    topic: String,
    /// When it begins: an instant such as 2030-01-07T09:00:00+01:00, or a local time together with a timezone.
    start: String,
    /// How long it lasts, in minutes, 1 to 1440. Default 60.
    #[schemars(range(min = 1, max = 1440))]
    duration_minutes: Option<i64>,
    /// When it ends, in place of a duration.
    end: Option<String>,
    /// A time zone of the IANA database, such as Europe/Berlin. Needed for a local start and for a series.
    timezone: Option<String>,
    /// Its description, 2000 characters at most.
    #[schemars(length(max = 1950))]
    agenda: Option<String>,
    /// A passcode of up to 10 characters; Zoom makes one otherwise.
    #[schemars(length(max = 10))]
    passcode: Option<String>,
    /// How it is repeated.
    recurrence: Option<RecurrenceInput>,
    /// Who may come, and what happens by itself.
    settings: Option<SettingsInput>,
}

async fn create(cx: Context, input: Create) -> Step<ScheduledDetail> {
    let mut faults = Faults::default();
    let now = cx.app.clock().now();
    let zone = check::zone(input.timezone.as_deref(), &mut faults);
    let named = input.timezone.is_some();
    let start = check::start(
        "start",
        &input.start,
        zone.as_ref(),
        named,
        now,
        &mut faults,
    );
    let end = input
        .end
        .as_deref()
        .and_then(|end| check::instant("end", end, zone.as_ref(), named, &mut faults));
    let minutes = check::minutes(
        input.duration_minutes,
        end.as_ref(),
        input.end.as_deref(),
        start.as_ref(),
        &mut faults,
    );
    let mut until = None;
    if let Some(rule) = &input.recurrence {
        check::recurrence(rule, start.as_ref(), zone.as_ref(), &mut faults);
        until = rule.until.as_deref().and_then(|text| {
            check::instant(
                "recurrence.until",
                text,
                zone.as_ref(),
                true,
                &mut Faults::default(),
            )
        });
    }
    faults.done("the meeting cannot be scheduled like this")?;
    let first = first_day(start.as_ref(), zone.as_ref());
    let Some(start) = start else {
        return Err(Halt::from(crate::EngineError::invalid(
            "the start cannot be read",
        )));
    };
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let host = zoom.user("host", input.host.as_deref())?;
    let mut further = Map::new();
    if let Some(settings) = input.settings.as_ref().and_then(SettingsInput::to_zoom) {
        further.insert("settings".to_owned(), settings);
    }
    if let Some(rule) = &input.recurrence {
        further.insert(
            "recurrence".to_owned(),
            rule.to_zoom(until.map(|until| until.at), first),
        );
    }
    let meeting = NewMeeting {
        kind: Some(if input.recurrence.is_some() {
            meeting_type::RECURRING
        } else {
            meeting_type::SCHEDULED
        }),
        start_time: Some(start.sent),
        duration: Some(minutes.unwrap_or(60)),
        timezone: input.timezone,
        agenda: marked(input.agenda, cx.marker.as_deref()),
        password: input.passcode.map(Into::into),
        further,
        ..NewMeeting::new(input.topic)
    };
    let request = Request::new(
        Method::POST,
        format!("/users/{}/meetings", host.path_segment()),
    )
    .body(serde_json::to_value(&meeting).unwrap_or_default())
    .host(&host);
    let asked = cx.app.clock().now();
    let lost_since = if cx.resumed && !cx.dry_run {
        // An earlier try of this request may have had its effect: only look.
        earlier(asked, RESUMABLE)
    } else {
        match zoom.read::<Meeting>(request).await {
            Ok(reply) => return Ok(ScheduledDetail::of(&reply, false)),
            Err(Halt::Failed(error)) if error.code() == Code::OutcomeUnknown => asked,
            Err(halt) => return Err(halt),
        }
    };
    let how = Adoption {
        marker: cx.marker.clone(),
        ..Adoption::default()
    };
    let found = zoom
        .client()
        .meetings()
        .find_created(&host, &meeting, &how, lost_since)
        .await
        .map_err(EngineError::from);
    match found {
        Ok(found) => Ok(ScheduledDetail::of(&found, true)),
        // Its answer was lost just now: that looking for it failed too must not pass for a plain failure.
        Err(error) if !cx.resumed && error.code() != Code::OutcomeUnknown => {
            Err(Halt::from(EngineError::new(
                Code::OutcomeUnknown,
                format!("the answer to the creation was lost, and the meeting could not be looked for: {error}"),
            )
            .with_hint("Ask again with the same Idempotency-Key: the meeting is looked for, never made twice. Without a key, look at the host's meetings first.")))
        }
        Err(error) => Err(Halt::from(error)),
    }
}

/// The agenda with the reference as its first line.
fn marked(agenda: Option<String>, marker: Option<&str>) -> Option<String> {
    match (agenda, marker) {
        (Some(agenda), Some(marker)) => Some(format!("{marker}\n{agenda}")),
        (None, Some(marker)) => Some(marker.to_owned()),
        (agenda, None) => agenda,
    }
}

/// A scheduled meeting to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The meeting's number.
    meeting: String,
    /// One occurrence of a series, by Zoom's id of it.
    occurrence: Option<String>,
    /// Past occurrences of a series too.
    #[serde(default)]
    previous_occurrences: bool,
}

async fn get(cx: Context, input: Get) -> Step<ScheduledDetail> {
    let number = number("meeting", &input.meeting)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let request = Request::get(format!("/meetings/{number}"))
        .query("occurrence_id", input.occurrence)
        .query(
            "show_previous_occurrences",
            input.previous_occurrences.then_some(true),
        );
    let reply = zoom.read::<Meeting>(request).await?;
    Ok(ScheduledDetail::of(&reply, false))
}

/// Changes to a meeting; what is not given stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The meeting's number.
    meeting: String,
    /// Only this occurrence of a series, by Zoom's id of it.
    occurrence: Option<String>,
    /// What it is about, 200 characters at most.
    #[schemars(length(min = 1, max = 200))]
    topic: Option<String>,
    /// When it begins: an instant such as 2030-01-07T09:00:00+01:00, or a local time together with a timezone.
    start: Option<String>,
    /// How long it lasts, in minutes, 1 to 1440.
    #[schemars(range(min = 1, max = 1440))]
    duration_minutes: Option<i64>,
    /// When it ends, in place of a duration; needs a start.
    end: Option<String>,
    /// A time zone of the IANA database, such as Europe/Berlin.
    timezone: Option<String>,
    /// Its description, 2000 characters at most.
    #[schemars(length(max = 2000))]
    agenda: Option<String>,
    /// A passcode of up to 10 characters.
    #[schemars(length(max = 10))]
    passcode: Option<String>,
    /// How it is repeated.
    recurrence: Option<RecurrenceInput>,
    /// Who may come, and what happens by itself.
    settings: Option<SettingsInput>,
}

/// A meeting that was changed.
#[derive(Debug, Serialize, JsonSchema)]
struct Changed {
    /// The meeting's number.
    id: String,
    /// Always true.
    done: bool,
    /// The fields of Zoom's that were sent.
    fields: Vec<String>,
}

/// The day of a start where the meeting is.
fn first_day(start: Option<&check::Start>, zone: Option<&TimeZone>) -> Option<Date> {
    let (start, zone) = (start?, zone?);
    Some(start.at.to_zoned(zone.clone()).date())
}

async fn update(cx: Context, input: Update) -> Step<Changed> {
    let number = number("meeting", &input.meeting)?;
    let mut faults = Faults::default();
    let now = cx.app.clock().now();
    let zone = check::zone(input.timezone.as_deref(), &mut faults);
    let named = input.timezone.is_some();
    let start = input
        .start
        .as_deref()
        .and_then(|text| check::start("start", text, zone.as_ref(), named, now, &mut faults));
    let end = input
        .end
        .as_deref()
        .and_then(|text| check::instant("end", text, zone.as_ref(), named, &mut faults));
    if input.end.is_some() && input.start.is_none() {
        faults.add(Fault::missing(
            "start",
            "an end is counted from a start",
            "Give the start too, or a duration instead of the end.",
        ));
    }
    let minutes = check::minutes(
        input.duration_minutes,
        end.as_ref(),
        input.end.as_deref(),
        start.as_ref(),
        &mut faults,
    );
    let mut until = None;
    if let Some(rule) = &input.recurrence {
        check::recurrence(rule, start.as_ref(), zone.as_ref(), &mut faults);
        until = rule.until.as_deref().and_then(|text| {
            check::instant("recurrence.until", text, zone.as_ref(), false, &mut faults)
        });
    }
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let first = first_day(start.as_ref(), zone.as_ref());
    set("topic", input.topic.map(Value::from));
    set("start_time", start.map(|start| start.sent.into()));
    set("duration", minutes.map(Value::from));
    set("timezone", input.timezone.map(Value::from));
    set("agenda", input.agenda.map(Value::from));
    set("password", input.passcode.map(Value::from));
    set(
        "recurrence",
        input
            .recurrence
            .as_ref()
            .map(|rule| rule.to_zoom(until.map(|until| until.at), first)),
    );
    set(
        "type",
        input
            .recurrence
            .is_some()
            .then(|| meeting_type::RECURRING.into()),
    );
    set(
        "settings",
        input.settings.as_ref().and_then(SettingsInput::to_zoom),
    );
    if body.is_empty() {
        faults.add(Fault::missing(
            "",
            "nothing is to be changed",
            "Give at least one of topic, start, duration_minutes, agenda, settings.",
        ));
    }
    faults.done("the meeting cannot be changed like this")?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    // Whose quota it counts against is known only from the meeting itself.
    let host = zoom
        .look::<Meeting>(&Request::get(format!("/meetings/{number}")))
        .await?
        .value
        .host_id;
    let fields = body.keys().cloned().collect();
    let mut request = Request::new(Method::PATCH, format!("/meetings/{number}"))
        .query("occurrence_id", input.occurrence)
        .body(Value::Object(body))
        .repeatable();
    if let Some(host) = &host {
        request = request.host(host);
    }
    zoom.send(request).await?;
    Ok(Changed {
        id: number.to_string(),
        done: true,
        fields,
    })
}

/// Which meetings of a host.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// All that are scheduled and have not expired.
    #[default]
    Scheduled,
    /// Running now.
    Live,
    /// To come, occurrence by occurrence.
    Upcoming,
    /// To come, meeting by meeting.
    UpcomingMeetings,
    /// Held.
    Previous,
}

/// A host's meetings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// Whose: an e-mail address or a user id of Zoom. Whoever authorised the connection if left out.
    host: Option<String>,
    /// Which ones. Default: scheduled.
    #[serde(default)]
    which: Which,
    /// First day, for upcoming and previous ones.
    from: Option<Date>,
    /// Last day.
    to: Option<Date>,
    /// Rows, 1 to 300. Default 100.
    #[schemars(range(min = 1, max = 300))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

async fn list(cx: Context, input: List) -> Step<Listed<ScheduledView>> {
    if let (Some(from), Some(to)) = (input.from, input.to) {
        page::window(from, to)?;
    }
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let host = zoom.user("host", input.host.as_deref())?;
    let word = match input.which {
        Which::Scheduled => "scheduled",
        Which::Live => "live",
        Which::Upcoming => "upcoming",
        Which::UpcomingMeetings => "upcoming_meetings",
        Which::Previous => "previous_meetings",
    };
    let request = Request::get(format!("/users/{}/meetings", host.path_segment()))
        .query("type", Some(word))
        .query("from", input.from)
        .query("to", input.to);
    let piece = Piece {
        limit: input.limit,
        after: input.after.as_deref(),
    };
    page::list(
        &zoom,
        request,
        "meetings",
        piece,
        |reply: &Reply<Meeting>| ScheduledView::of(&reply.value),
    )
    .await
}

/// A meeting to cancel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The meeting's number.
    meeting: String,
    /// Only this occurrence of a series, by Zoom's id of it.
    occurrence: Option<String>,
    /// Zoom mails the host and alternative hosts.
    notify_hosts: Option<bool>,
    /// Zoom mails registrants.
    notify_registrants: Option<bool>,
}

async fn delete(cx: Context, input: Delete) -> Step<Acknowledged> {
    let number = number("meeting", &input.meeting)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let request = Request::new(Method::DELETE, format!("/meetings/{number}"))
        .query("occurrence_id", input.occurrence)
        .query("schedule_for_reminder", input.notify_hosts)
        .query("cancel_meeting_reminder", input.notify_registrants);
    zoom.take_away(request).await?;
    Ok(Acknowledged::of(&number))
}

/// One scheduled meeting.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The meeting's number.
    meeting: String,
}

async fn end(cx: Context, input: One) -> Step<Acknowledged> {
    let number = number("meeting", &input.meeting)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let request = Request::new(Method::PUT, format!("/meetings/{number}/status"))
        .body(json!({ "action": "end" }))
        .repeatable();
    zoom.send(request).await?;
    Ok(Acknowledged::of(&number))
}

/// The text to invite people with.
#[derive(Debug, Serialize, JsonSchema)]
struct InvitationView {
    /// The meeting's number.
    id: String,
    /// The text; holds the passcode.
    text: String,
}

async fn invitation(cx: Context, input: One) -> Step<InvitationView> {
    let number = number("meeting", &input.meeting)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let reply = zoom
        .read::<Invitation>(Request::get(format!("/meetings/{number}/invitation")))
        .await?;
    let text = reply
        .value
        .invitation
        .map(parfocal_zoom::Hidden::into_exposed);
    Ok(InvitationView {
        id: number.to_string(),
        text: text.ok_or_else(|| {
            EngineError::new(
                Code::ZoomNotFound,
                "Zoom gave no invitation for this meeting",
            )
        })?,
    })
}
